import Columns
import Detection

/// What becomes of incidents when something is found, posted, ends, or is decided by a person. It knows no clock and no
/// database: what is known goes in, what is to be done comes out, in the order in which it is to be done.
///
///              finding, alert                      a person, quiet, its alerts have ended
///     (none) ─────────────────▶ open ⇄ acknowledged ─────────────────────────────────────▶ resolved
///        │                       ▲ ▲                                                           │
///        │ over for long         │ └──── seen again too often, or its parent is open ──────────┘
///        └──────▶ resolved as past ── it turns out to go on                    otherwise: another incident
struct IncidentLife {
    var policy: IncidentPolicy
    /// Whether routes say who is notified: only then is a summary sent of what was found in the past.
    var isRouted: Bool

    /// An open incident that a finding of another kind belongs to, and why.
    struct Candidate {
        var parent: Incident
        var because: String
    }

    typealias Decision = (outcome: Outcome, changes: [LifeChange])

    /// What a finding leads to.
    enum Outcome: Equatable {
        case known
        case joined(Int64)
        /// Nil is the incident that the changes open.
        case opened(Int64?)
        case foundInPast
    }

    /// - Parameters:
    ///   - identity: what the finding is about.
    ///   - last: the newest incident with its fingerprint; for a finding of the past the newest that is near it in time.
    ///   - parent: of `last`.
    ///   - pastFamily: the incident among `last` and its parent that was found in the past, and its children of the past. Asked
    ///     for only when it goes on.
    ///   - openings: how often the same incident was opened within ``IncidentPolicy/flapWithin``. Asked for only when it comes
    ///     back.
    ///   - candidate: what it may join. Asked for only when it would be an incident of its own; the children of the past with it.
    func take(
        _ finding: Finding, _ identity: Identity, last: Incident?, parent: Incident?,
        pastFamily: (Incident) throws -> [Incident], openings: () throws -> Int, candidate: (Bool) throws -> Candidate?,
        now: Timestamp
    ) rethrows -> Decision {
        let course = policy.past.course(of: finding, after: last, now: now)
        switch (course, last) {
        case (.known, _): return (.known, [])
        case (.joins, let last?): return (.joined(last.number), join(last, parent, finding))
        case (.revives, let last?):
            // Under a parent that somebody has ended it does not come back.
            guard parent.map({ $0.state != .resolved || $0.resolution == .past }) ?? true else { break }
            let oldest = parent?.resolution == .past ? parent! : last
            let revived = revive(try pastFamily(oldest))
            return (.opened(oldest.number), revived + join(last.opened, parent?.opened, finding))
        case (.opens, let last?):
            let isFlapping = policy.flapCount > 0 ? try openings() >= policy.flapCount : false
            if isFlapping || parent.map({ $0.state != .resolved }) ?? false {
                return (.opened(last.number), comeBack(last, parent, finding, isFlapping: isFlapping))
            }
        default: break
        }
        let isPast = course == .opensInPast
        var joined = try candidate(isPast)
        var changes: [LifeChange] = []
        if let found = joined, !isPast, found.parent.resolution == .past {
            changes = revive(try pastFamily(found.parent))
            joined?.parent = found.parent.opened
        }
        changes += open(finding, identity, begun: last?.lines.continued() ?? LineCount(), isPast: isPast, joined)
        return (isPast ? .foundInPast : .opened(nil), changes)
    }

    /// What a finding is about.
    struct Identity: Equatable {
        var fingerprint: String
        var labels: Labels

        /// The severity and the host that it speaks of do not identify it: an attack that becomes worse or reaches
        /// another machine is the same.
        init(of finding: Finding) {
            self.init((finding.name, finding.labels, finding.isSimulated))
            labels["severity"] = finding.severity.rawValue
            if labels["host"] == nil, let host = finding.mainHost { labels["host"] = host }
        }

        init(_ incident: FindingIdentity) {
            labels = incident.labels
            labels["alertname"] = incident.name
            if incident.isSimulated { labels[Incident.modeLabel] = Incident.simulated }
            fingerprint = Fingerprint.of(labels)
        }
    }

    // MARK: Findings

    private func open(
        _ finding: Finding, _ identity: Identity, begun: LineCount, isPast: Bool, _ joined: Candidate?
    ) -> [LifeChange] {
        var lines = begun
        lines.add(finding)
        let opening = Opening(
            fingerprint: identity.fingerprint, name: finding.name, detector: finding.detector, severity: finding.severity,
            title: finding.title, description: finding.description, labels: identity.labels, startsAt: finding.startsAt,
            lastSeen: finding.lastSeen, count: finding.count, contributions: finding.contributions,
            end: EndPolicy(said: finding.ends, severity: finding.severity), lines: lines, within: finding.within, isPast: isPast,
            mergedInto: joined?.parent.number)
        let past = isPast ? "; it was over when it was found, and nobody is notified of it alone" : ""
        var steps: [LifeChange.Step] = [
            .open(opening), .evidence(finding.evidence, of: nil),
            .note(.opened, "opened by \(finding.detector) \(finding.name): \(finding.description)\(past)"),
        ]
        var changes: [LifeChange] = []
        if let joined {
            changes = Self.attach(
                .opened, title: finding.title, severity: finding.severity,
                endsByHand: opening.end.isByHand, to: joined.parent, because: joined.because, by: LifeChange.obs)
        } else if isPast, isRouted {
            steps.append(.summarize(true))
        }
        if !isPast { changes.append(LifeChange(.opened, .fire(identity.labels, since: finding.startsAt))) }
        return steps.map { LifeChange(.opened, $0) } + changes
    }

    /// When an incident began, with what came late of the same session.
    private static func start(of incident: Incident, _ finding: Finding) -> Timestamp {
        guard let session = finding.session, session.start <= incident.lastSeen else { return incident.startsAt }
        return min(incident.startsAt, finding.startsAt)
    }

    /// A finding about an incident that goes on, or that was found in the past.
    private func join(_ incident: Incident, _ parent: Incident?, _ finding: Finding) -> [LifeChange] {
        var lines = incident.lines
        lines.add(finding)
        // The words are those of the worst that was seen.
        let words =
            finding.count >= incident.ownCount
            ? Joining.Words(title: finding.title, description: finding.description) : nil
        let end = incident.end.joined(by: EndPolicy(said: finding.ends, severity: finding.severity))
        var steps: [LifeChange.Step] = [
            .join(
                Joining(
                    lastSeen: finding.lastSeen, count: finding.count,
                    ofFinding: .init(
                        words: words, end: end, within: finding.within, lines: lines, startsAt: Self.start(of: incident, finding))
                )),
            .evidence(
                finding.evidence,
                of: finding.session.map { $0.start...max($0.start, finding.lastSeen + (finding.within ?? .zero)) }),
        ]
        if finding.severity > incident.severity {
            var labels = incident.ownLabels
            labels["severity"] = finding.severity.rawValue
            steps += Self.raise(incident.severity, to: finding.severity, labels: labels)
            if incident.state != .resolved { steps.append(.relabel(labels, since: incident.startsAt)) }
        }
        var changes = steps.map { LifeChange(incident.number, $0) }
        guard let parent else { return changes }
        let growth = Growth(events: lines.total - incident.lines.total, lines: lines, lastSeen: finding.lastSeen)
        changes.append(LifeChange(parent.number, .grow(growth)))
        changes += Self.raise(parent, to: finding.severity)
        changes.append(LifeChange(incident.number, .tellParent(parent.number)))
        return changes
    }

    /// Something that had ended is seen again: a child whose parent is open, or an incident that comes and goes too often to
    /// open another each time.
    private func comeBack(_ incident: Incident, _ parent: Incident?, _ finding: Finding, isFlapping: Bool) -> [LifeChange] {
        let quiet = isFlapping ? policy.flapWithin : nil
        let text =
            quiet.map { "it came and went too often: from now on it ends only after \(Int($0.inSeconds)) s of quiet" }
            ?? "it was seen again"
        let end = EndPolicy(said: finding.ends, severity: finding.severity)
        var known = incident.opened
        known.end.isByHand = end.isByHand
        let steps = Self.reopen(byHand: false, text) + [.end(byHand: end.isByHand, quietFor: quiet)]
        return steps.map { LifeChange(incident.number, $0) } + join(known, parent, finding) + [
            LifeChange(incident.number, .fire(incident.ownLabels, since: finding.startsAt))
        ]
    }

    /// Opens what was found in the past, because it goes on: whoever its routes name is notified now, once.
    private func revive(_ family: [Incident]) -> [LifeChange] {
        family.flatMap { one -> [LifeChange] in
            let steps: [LifeChange.Step] = [
                .revive, .note(.reopened, "it goes on"), .fire(one.ownLabels, since: one.startsAt), .summarize(false),
            ]
            return steps.map { LifeChange(one.number, $0) }
        }
    }

    // MARK: Steps of several ways

    /// Whoever was notified of the lesser severity is notified of the other, because its alert has other labels.
    static func raise(_ known: Severity, to severity: Severity, labels: Labels?) -> [LifeChange.Step] {
        [
            .raise(to: severity, labels: labels),
            .note(.raised, "raised from \(known.rawValue) to \(severity.rawValue)"), .lookAtEscalation,
        ]
    }

    /// A parent is as severe as the worst of its children.
    private static func raise(_ parent: Incident, to severity: Severity) -> [LifeChange] {
        guard severity > parent.severity else { return [] }
        return raise(parent.severity, to: severity, labels: nil).map { LifeChange(parent.number, $0) }
    }

    static func reopen(byHand: Bool, _ text: String) -> [LifeChange.Step] {
        [.reopen(byHand: byHand), .summarize(false), .note(.reopened, text), .fireAgain]
    }

    /// Makes an incident a child: from now on it is acknowledged, resolved and shown with its parent. It keeps its number, its
    /// evidence and its timeline.
    ///
    /// - Parameter endsByHand: whether it is a person who is to end it; false when it has ended.
    static func attach(
        _ child: LifeChange.Subject, title: String, severity: Severity, endsByHand: Bool, to parent: Incident,
        because reason: String, by actor: String
    ) -> [LifeChange] {
        var changes = [LifeChange(child, by: actor, .attach(to: parent.number, because: reason))]
        // A parent ends by hand if any of its children does.
        if endsByHand { changes.append(LifeChange(parent.number, by: actor, .endByHand)) }
        if parent.state == .acknowledged { changes.append(LifeChange(child, by: actor, .takeOver(by: parent.acknowledgedBy))) }
        changes += raise(parent, to: severity)
        changes.append(LifeChange(child, by: actor, .noteAttached(to: parent.number, title: title, because: reason)))
        changes.append(LifeChange(child, .followEscalation))
        return changes
    }
}

extension Incident {
    /// As it is once it is opened again.
    var opened: Incident {
        var incident = self
        incident.state = .open
        incident.resolution = nil
        return incident
    }
}

extension Finding {
    /// The machine that nearly all of its lines speak of; nil when they speak of several or of none.
    var mainHost: String? {
        let counts = evidence.reduce(into: [OutsideText: Int]()) { counts, line in
            if let host = line.host, !host.isEmpty { counts[OutsideText(host), default: 0] += 1 }
        }
        guard let most = counts.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }),
            most.value * 5 >= evidence.count * 4
        else { return nil }
        return most.key.string
    }
}
