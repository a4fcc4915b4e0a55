import Columns

/// What is said of a session that was found.
struct SequenceReport: Sendable {
    /// Lines that show it.
    private static let maxEvidence = 5
    /// The label that says in what sessions are unusual. Those that are so in the same way are one incident: a version that was
    /// rolled out brings many new events.
    private static let oddityLabel = "oddity"

    private let settings: SequenceSettings
    private let title: TextTemplate
    private let description: TextTemplate

    init(_ settings: SequenceSettings) {
        self.settings = settings
        title = TextTemplate(settings.title, names: settings.placeholders)
        description = TextTemplate(settings.description, names: settings.placeholders)
    }

    /// Of the incident about an oddity.
    func labels(_ oddity: SessionOddity, _ group: Labels) -> Labels {
        var labels = settings.labels
        for (name, value) in group { labels[name] = value }
        labels[Self.oddityLabel] = oddity.kind.rawValue
        return labels
    }

    /// - Parameter oddities: what is unusual of it, the most telling first; there is at least one.
    func finding(
        _ oddities: [SessionOddity], of session: LogSession, group: Labels, events: EventTexts, _ evidence: [Evidence]
    ) -> Finding {
        let first = oddities[0], event = first.event.map { events[$0] } ?? ""
        let reason = oddities.map { $0.sentence(event: $0.event.map { events[$0] } ?? "") }.joined(separator: "; ")
        func text(_ name: String) -> String {
            switch name {
            case "session": String(decoding: session.name, as: UTF8.self)
            case "reason": reason
            case "event": event
            case "count": "\(first.count)"
            case "usual": first.usualText
            case "length": "\(session.length)"
            default: group[name] ?? ""
            }
        }
        return Finding(
            name: settings.name, detector: SequenceSettings.kind, severity: settings.severity, labels: labels(first, group),
            title: title.filled(text), description: description.filled(text),
            startsAt: Timestamp(microseconds: session.first), lastSeen: Timestamp(microseconds: session.last), count: 1,
            evidence: evidence, contributions: Self.contributions(oddities, events),
            ends: settings.ends ?? .quiet(max(.seconds(1800), settings.idle)))
    }

    private static func contributions(_ oddities: [SessionOddity], _ events: EventTexts) -> [FeatureContribution] {
        oddities.map { oddity in
            let typical = oddity.count > oddity.usual.upperBound ? oddity.usual.upperBound : oddity.usual.lowerBound
            return FeatureContribution(
                feature: oddity.event.map { events[$0] } ?? "events", value: Double(oddity.count), typical: Double(typical),
                share: 1 / Double(oddities.count))
        }
    }

    /// One finding per incident of what a batch gave: a thousand tasks that fail alike are one finding that counts them.
    static func merged(_ findings: [Finding]) -> [Finding] {
        var merged: [Finding] = [], places: [Labels: Int] = [:]
        for finding in findings {
            guard let place = places[finding.labels] else {
                places[finding.labels] = merged.count
                merged.append(finding)
                continue
            }
            merged[place].count += finding.count
            merged[place].startsAt = min(merged[place].startsAt, finding.startsAt)
            merged[place].lastSeen = max(merged[place].lastSeen, finding.lastSeen)
            merged[place].evidence += finding.evidence.prefix(max(0, maxEvidence - merged[place].evidence.count))
        }
        return merged
    }
}
