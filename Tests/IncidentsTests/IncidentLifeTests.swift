import Columns
import Detection
import Testing

@testable import Incidents

/// Findings and alerts in, changes out: no store, no clock.
struct `The life of an incident` {
    private let now = Timestamp(seconds: 1_450_000_000)
    private var policy = IncidentPolicy()

    private func finding(
        _ severity: Severity = .warning, at offset: Duration = .zero, count: Int = 10, isUpdate: Bool = false,
        ends: IncidentEnd? = nil
    ) -> Finding {
        var finding = Finding(
            name: "SSHBruteForce", detector: "rule", severity: severity, labels: ["source": "192.0.2.7"], title: "Brute force",
            description: "\(count) failures", startsAt: now + offset - .seconds(60), lastSeen: now + offset, count: count,
            evidence: [Evidence(file: "auth.log", offset: 7, line: "Failed password", time: now, host: "alp")], ends: ends)
        finding.isUpdate = isUpdate
        return finding
    }

    private func incident(
        _ number: Int64, _ state: Incident.State = .open, _ resolution: Incident.Resolution? = nil,
        _ severity: Severity = .warning, lastSeen offset: Duration = .seconds(-10), child of: Int64? = nil, count: Int = 5,
        by: String? = nil
    ) -> Incident {
        Incident(
            number: number, fingerprint: "f", name: "SSHBruteForce", detector: "rule", severity: severity, state: state,
            title: "Brute force", description: "d", labels: ["source": "192.0.2.7", "severity": severity.rawValue],
            startsAt: now - .seconds(600), lastSeen: now + offset, openedAt: now - .seconds(600),
            resolvedAt: state == .resolved ? now : nil, acknowledgedBy: state == .acknowledged ? "ann" : nil,
            acknowledgedAt: nil, assignee: nil, resolution: resolution, version: 1, changedBy: by, mergedInto: of,
            mergedBecause: nil, reopened: 0, isFlapping: false, wasFoundInPast: resolution == .past, seenBy: nil,
            end: EndPolicy(isByHand: severity == .critical, quiet: nil),
            ownLabels: ["source": "192.0.2.7", "severity": severity.rawValue], worst: nil, ownCount: count, mergedCount: 0,
            within: nil, lines: LineCount(total: count), lineCount: nil, contributions: [])
    }

    /// What is decided, each change in a word or two.
    private func take(
        _ finding: Finding, last: Incident? = nil, parent: Incident? = nil, openings: Int = 0, candidate: Incident? = nil,
        isRouted: Bool = true, at time: Timestamp? = nil
    ) -> [String] {
        let life = IncidentLife(policy: policy, isRouted: isRouted)
        let decision = life.take(
            finding, .init(of: finding), last: last, parent: parent, pastFamily: { [$0] }, openings: { openings },
            candidate: { _ in candidate.map { .init(parent: $0, because: "same source") } }, now: time ?? now)
        return ["\(decision.outcome)"] + decision.changes.map(\.words)
    }

    /// A table: what is seen, what is known, what follows.
    @Test func `begins, continues and returns as findings say`() {
        let opened = ["new open", "new evidence", "new note opened"]
        let joined = ["1001 join", "1001 evidence"]
        let reopened = ["1001 reopen", "1001 summarize false", "1001 note reopened", "1001 fireAgain", "1001 end"]
        let past = Duration.seconds(7200)
        let table: [(String, [String], [String])] = [
            ("first", take(finding()), ["opened(nil)"] + opened + ["new fire"]),
            ("read again", take(finding(), last: incident(1001, lastSeen: .zero, count: 10)), ["known"]),
            ("older than what is known", take(finding(at: .seconds(-30), count: 3), last: incident(1001)), ["known"]),
            ("repeat", take(finding(), last: incident(1001)), ["joined(1001)"] + joined),
            ("repeat of what somebody has", take(finding(), last: incident(1001, .acknowledged)), ["joined(1001)"] + joined),
            (
                "worse", take(finding(.critical), last: incident(1001)),
                ["joined(1001)"] + joined + ["1001 raise critical", "1001 note raised", "1001 lookAtEscalation", "1001 relabel"]
            ),
            ("less severe", take(finding(.info), last: incident(1001)), ["joined(1001)"] + joined),
            (
                "again after its end", take(finding(), last: incident(1001, .resolved, .fixed)),
                ["opened(nil)"] + opened + ["new fire"]
            ),
            (
                "an update of what somebody ended", take(finding(isUpdate: true), last: incident(1001, .resolved, .fixed)),
                ["known"]
            ),
            ("an update of nothing", take(finding(isUpdate: true)), ["known"]),
            (
                "again too often", take(finding(), last: incident(1001, .resolved, .quiet), openings: 5),
                ["opened(Optional(1001))"] + reopened + joined + ["1001 fire"]
            ),
            (
                "again, not yet too often", take(finding(), last: incident(1001, .resolved, .quiet), openings: 4),
                ["opened(nil)"] + opened + ["new fire"]
            ),
            (
                "again while its parent is open",
                take(finding(), last: incident(1001, .resolved, .quiet, child: 1000), parent: incident(1000)),
                ["opened(Optional(1001))"] + reopened + joined + ["1000 grow", "1001 tellParent", "1001 fire"]
            ),
            (
                "again after its parent has ended",
                take(finding(), last: incident(1001, .resolved, .fixed, child: 1000), parent: incident(1000, .resolved, .fixed)),
                ["opened(nil)"] + opened + ["new fire"]
            ),
            (
                "a child seen again", take(finding(), last: incident(1001, child: 1000), parent: incident(1000)),
                ["joined(1001)"] + joined + ["1000 grow", "1001 tellParent"]
            ),
            (
                "a child becomes worse than its parent",
                take(finding(.critical), last: incident(1001, child: 1000), parent: incident(1000)),
                ["joined(1001)"] + joined + ["1001 raise critical", "1001 note raised", "1001 lookAtEscalation", "1001 relabel"]
                    + ["1000 grow", "1000 raise critical", "1000 note raised", "1000 lookAtEscalation", "1001 tellParent"]
            ),
            (
                "joins a parent", take(finding(), candidate: incident(1000)),
                ["opened(nil)"] + opened + ["new attach 1000", "new noteAttached", "new followEscalation", "new fire"]
            ),
            (
                "joins a parent that somebody has", take(finding(), candidate: incident(1000, .acknowledged)),
                ["opened(nil)"] + opened
                    + ["new attach 1000", "new takeOver", "new noteAttached", "new followEscalation", "new fire"]
            ),
            (
                "joins a lesser parent and is ended by hand", take(finding(.critical), candidate: incident(1000)),
                ["opened(nil)"] + opened + [
                    "new attach 1000", "1000 endByHand", "1000 raise critical", "1000 note raised", "1000 lookAtEscalation",
                    "new noteAttached", "new followEscalation", "new fire",
                ]
            ),
            (
                "over for long", take(finding(), at: now + past), ["foundInPast"] + opened + ["new summarize true"]
            ),
            (
                "over for long, and nobody is notified of anything", take(finding(), isRouted: false, at: now + past),
                ["foundInPast"] + opened
            ),
            (
                "over for long, with a parent of the past",
                take(finding(), candidate: incident(1000, .resolved, .past), at: now + past),
                ["foundInPast"] + opened + ["new attach 1000", "new noteAttached", "new followEscalation"]
            ),
            (
                "more of the past", take(finding(), last: incident(1001, .resolved, .past), at: now + past),
                ["joined(1001)"] + joined
            ),
            (
                "of the past, and it goes on", take(finding(), last: incident(1001, .resolved, .past)),
                ["opened(Optional(1001))", "1001 revive", "1001 note reopened", "1001 fire", "1001 summarize false"] + joined
            ),
            (
                "joins a parent of the past, which goes on", take(finding(), candidate: incident(1000, .resolved, .past)),
                ["opened(nil)", "1000 revive", "1000 note reopened", "1000 fire", "1000 summarize false"] + opened
                    + ["new attach 1000", "new noteAttached", "new followEscalation", "new fire"]
            ),
            (
                "a child of the past under a parent that somebody ended",
                take(
                    finding(), last: incident(1001, .resolved, .past, child: 1000), parent: incident(1000, .resolved, .fixed)),
                ["opened(nil)"] + opened + ["new fire"]
            ),
        ]
        for (what, decided, expected) in table { #expect(decided == expected, "\(what)") }
    }

    @Test func `ends by hand where its rule, its severity or a person says so`() {
        func end(_ finding: Finding, _ last: Incident? = nil) -> EndPolicy? {
            let life = IncidentLife(policy: policy, isRouted: true)
            let changes = life.take(
                finding, .init(of: finding), last: last, parent: nil, pastFamily: { [$0] }, openings: { 0 },
                candidate: { _ in nil },
                now: now
            ).changes
            return changes.lazy.compactMap {
                switch $0.step {
                case .open(let opening): opening.end
                case .join(let joining): joining.ofFinding?.end
                default: nil
                }
            }.first
        }
        #expect(end(finding()) == EndPolicy(isByHand: false, quiet: nil))
        #expect(end(finding(.critical)) == EndPolicy(isByHand: true, quiet: nil))
        #expect(end(finding(.critical, ends: .quiet(.seconds(60)))) == EndPolicy(isByHand: false, quiet: .seconds(60)))
        #expect(end(finding(ends: .byHand)) == EndPolicy(isByHand: true, quiet: nil))
        // What ends by hand is never taken back by a rule.
        #expect(
            end(finding(.info, ends: .quiet(nil)), incident(1001, .open, nil, .critical)) == EndPolicy(isByHand: true, quiet: nil)
        )
    }

    /// What a person decides, and what it leads to.
    @Test func `changes as people decide`() throws {
        func decide(_ action: IncidentStore.Action, _ incident: Incident, note: String? = nil, _ others: [Incident] = []) throws
            -> [String]
        {
            try IncidentLife.decide(action, on: incident, by: "ann", note: note, others: others, now: now).map(\.words)
        }
        let open = incident(1001), taken = incident(1001, .acknowledged), over = incident(1001, .resolved, .fixed, by: "bob")
        let table: [(String, [String], [String])] = [
            (
                "acknowledged", try decide(.acknowledge, open),
                ["1001 holdEscalation", "1001 acknowledge", "1001 note acknowledged"]
            ),
            (
                "acknowledged with a note", try decide(.acknowledge, open, note: "mine"),
                ["1001 holdEscalation", "1001 acknowledge", "1001 note acknowledged", "1001 note note"]
            ),
            (
                "handed back", try decide(.handBack, taken),
                ["1001 handBack", "1001 resumeEscalation", "1001 repeatNotifications", "1001 note handed_back"]
            ),
            ("resolved", try decide(.resolve, open), ["1001 resolve fixed", "1001 note resolved", "1001 endAlerts"]),
            (
                "resolved with its children", try decide(.end(as: .expected), taken, [incident(1002, child: 1001)]),
                [
                    "1002 resolve expected", "1002 note resolved", "1002 endAlerts", "1001 resolve expected",
                    "1001 note resolved",
                    "1001 endAlerts",
                ]
            ),
            (
                "reopened", try decide(.reopen, over),
                ["1001 reopen", "1001 summarize false", "1001 note reopened", "1001 fireAgain"]
            ),
            ("assigned", try decide(.assign(to: "bob"), open), ["1001 assign", "1001 note assigned"]),
            ("noted", try decide(.note, over, note: "was it the backup?"), ["1001 note note"]),
            (
                "merged", try decide(.merge(["1002"]), open, [incident(1002, .open, nil, .critical)]),
                [
                    "1002 attach 1001", "1001 endByHand", "1001 raise critical", "1001 note raised", "1001 lookAtEscalation",
                    "1002 noteAttached", "1002 followEscalation",
                ]
            ),
            ("split", try decide(.split, incident(1002, child: 1001)), ["1002 detach", "1002 note split", "1001 note split"]),
        ]
        for (what, decided, expected) in table { #expect(decided == expected, "\(what)") }
        let refused: [(IncidentStore.Action, Incident, String?, [Incident])] = [
            (.acknowledge, taken, nil, []), (.acknowledge, over, nil, []), (.handBack, open, nil, []), (.resolve, over, nil, []),
            (.reopen, open, nil, []), (.assign(to: nil), open, nil, []), (.note, open, "", []), (.split, open, nil, []),
            (.resolve, incident(1002, child: 1001), nil, []), (.merge(["1001"]), open, nil, [open]),
            (.merge(["1002"]), over, nil, [incident(1002)]), (.merge(["1002"]), open, nil, [incident(1002, child: 1000)]),
            (.merge(["1002", "1002"]), open, nil, [incident(1002), incident(1002)]),
        ]
        for (action, incident, note, others) in refused {
            #expect(throws: IncidentError.self, "\(action)") { try decide(action, incident, note: note, others) }
        }
    }

    /// A posted alert lives the same life under another policy.
    @Test func `of posted alerts is that of their group`() {
        func alert(_ severity: String, _ instance: String = "1") -> Alert {
            Alert(
                labels: ["alertname": "DiskFull", "severity": severity, "instance": instance],
                annotations: ["summary": "The disk is full"], startsAt: now - .seconds(60), endsAt: now + .seconds(300),
                updatedAt: now)
        }
        let policy = PostedPolicy(grouping: 7, groupLabels: ["alertname": "DiskFull"])
        func words(_ changes: [LifeChange]) -> [String] { changes.map(\.words) }
        let first = policy.take([alert("warning"), alert("critical", "2")], open: nil, now: now)
        #expect(words(first) == ["new open", "new note opened"])
        guard case .open(let opening) = first[0].step else { return }
        #expect(opening.severity == .critical && opening.labels == ["alertname": "DiskFull"] && opening.fingerprint == "group-7")
        #expect(!opening.end.isByHand && opening.title == "The disk is full" && opening.count == 2)
        #expect(words(policy.take([alert("warning")], open: incident(1001), now: now)) == ["1001 join", "1001 note joined"])
        #expect(
            words(policy.take([alert("critical")], open: incident(1001), now: now)) == [
                "1001 join", "1001 note joined", "1001 raise critical", "1001 note raised", "1001 lookAtEscalation",
            ])
        // It ends when none fires; what is a child of it and goes on is an incident of its own. Alerts that come back make another.
        #expect(
            words(PostedPolicy.end(incident(1001), endedAt: now, goingOn: [1002])) == [
                "1001 resolve quiet", "1002 detach", "1001 leaveGroup", "1001 note resolved",
            ])
        #expect(PostedPolicy.end(incident(1001, .resolved, .fixed), endedAt: now, goingOn: []).isEmpty)
        #expect(words(policy.take([alert("warning")], open: nil, now: now)) == ["new open", "new note opened"])
    }

    @Test func `counts the lines of a finding once, however often it is told of them`() {
        var seen = finding(count: 10)
        seen.session = Finding.Session(start: now - .seconds(60), count: 10, lines: LineSet())
        func lines(_ last: Incident?) -> LineCount? {
            let life = IncidentLife(policy: policy, isRouted: true)
            return life.take(
                seen, .init(of: seen), last: last, parent: nil, pastFamily: { [$0] }, openings: { 0 }, candidate: { _ in nil },
                now: now
            ).changes.lazy.compactMap {
                switch $0.step {
                case .open(let opening): opening.lines
                case .join(let joining): joining.ofFinding?.lines
                default: nil
                }
            }.first
        }
        let first = lines(nil)
        #expect(first?.total == 10)
        var known = incident(1001, count: 10)
        known.lines = first!
        #expect(lines(known)?.total == 10)
        seen.session?.count = 25
        #expect(lines(known)?.total == 25)
    }
}

extension LifeChange {
    /// Such as `1001 raise critical`.
    fileprivate var words: String {
        let who = if case .incident(let number) = subject { "\(number)" } else { "new" }
        let name = "\(step)".prefix { $0 != "(" }
        return switch step {
        case .note(let kind, _): "\(who) note \(kind.rawValue)"
        case .raise(let severity, _): "\(who) raise \(severity.rawValue)"
        case .resolve(let resolution, _, _): "\(who) resolve \(resolution.rawValue)"
        case .attach(let parent, _): "\(who) attach \(parent)"
        case .summarize(let isOwed): "\(who) summarize \(isOwed)"
        default: "\(who) \(name)"
        }
    }
}
