import Alerting
import Columns
import Detection

/// One incident as a person reads it: what, since when, how bad, who has it; then why; then what happened; then what to do, and how it ended the last times.
public struct IncidentView: Sendable {
    /// Another incident near in time, and the labels that both have.
    public struct Related: Sendable {
        public var incident: Incident
        public var shared: [String]
    }

    /// An earlier incident of the same kind, and the last words that somebody wrote on it.
    public struct Ending: Sendable {
        public var incident: Incident
        public var words: String?
    }

    public let incident: Incident
    public let parts: [Incident]
    public let evidence: [Evidence]
    /// What stands around the evidence, if it was asked for.
    public let context: [EvidenceContext]
    public let timeline: [TimelineEntry]
    public let notifications: [NotificationRecord]
    public let related: [Related]
    public let similar: [Ending]
    /// What the tables say of the time around it.
    public let figures: [IncidentFigures]
    /// The part of the runbook that says what to do first, in Markdown.
    public let firstMinutes: String?
    /// When it was asked for; nil leaves out how long ago things were.
    public let now: Timestamp?

    /// What in a line of evidence is worth the eye: the values of the incident's labels, and the words with which systems say that something was refused.
    var tellingWords: [String] {
        let values = ([incident] + parts).flatMap { $0.labels.filter { $0.key != "alertname" && $0.key != "severity" }.values }
        return values.filter { $0.unicodeScalars.count >= 2 }.distinctTexts.sorted {
            ($1.scalars.count, $0) < ($0.scalars.count, $1)
        }.map(\.string)
            + [
                "Failed", "failure", "Invalid", "invalid user", "Accepted", "refused", "denied", "error", "ERROR", "fatal",
                "FATAL",
            ]
    }

    /// How it stands, in one phrase: `acknowledged by ann`, `resolved by bob as false positive`.
    var standing: String {
        var text = incident.state.rawValue
        switch incident.state {
        case .open:
            if incident.reopened > 0 { text += ", reopened \(incident.reopened == 1 ? "once" : "\(incident.reopened) times")" }
        case .acknowledged: text += incident.acknowledgedBy.map { " by \($0)" } ?? ""
        case .resolved:
            text += incident.changedBy.map { " by \($0)" } ?? ""
            if let resolution = incident.resolution, resolution != .fixed {
                text += resolution == .quiet ? " by itself" : " as \(resolution.rawValue.replacing("_", with: " "))"
            }
        }
        return text + (incident.isFlapping ? ", flapping" : "")
    }

    /// The facts below the title, each with its word.
    var facts: [(String, String)] {
        func since(_ time: Timestamp) -> String {
            Self.time(time) + (now.map { $0 > time ? " (\(Self.spell($0 - time)) ago)" : "" } ?? "")
        }
        var facts = [
            ("began", since(incident.startsAt)), ("last seen", since(incident.lastSeen)),
            ("opened", Self.time(incident.openedAt)),
        ]
        if let end = incident.resolvedAt {
            facts.append(("ended", "\(Self.time(end)), after \(Self.spell(end - incident.openedAt))"))
        }
        facts.append(("events", "\(incident.count)"))
        facts.append(("who", incident.assignee ?? incident.acknowledgedBy ?? "nobody yet: obs incident ack \(incident.id)"))
        facts.append(
            (
                "labels",
                incident.labels.map { "\(Matcher.shown($0.key))=\(OutsideText($0.value).quotedLabel)" }.joined(separator: ", ")
            ))
        facts.append(("grouped", grouping))
        facts.append(("runbook", "runbooks/\(incident.name).md"))
        return facts
    }

    /// Why the alerts of this incident belong to it.
    private var grouping: String {
        if let whole = incident.mergedInto { return "part of INC-\(whole): \(incident.mergedBecause ?? "merged")" }
        let own =
            incident.detector == "posted"
            ? "the alerts of one group of its route" : "the same \(incident.detector) with the same labels"
        return parts.isEmpty
            ? own : own + ", and \(parts.count == 1 ? "a part" : "\(parts.count) parts") of other kinds or labels (below)"
    }

    /// What happened, without what parts say of having become parts: the whole says it too.
    var story: [TimelineEntry] { timeline.filter { $0.incident == incident.number || $0.kind != "merged" } }

    /// `2026-11-21 13:47:27`, in UTC.
    public static func time(_ stamp: Timestamp) -> String { TerminalTable.show(.timestamp(stamp)) }

    /// `2 h 5 min`: the two largest units, which is as exact as anybody reads.
    public static func spell(_ duration: Duration) -> String {
        let seconds = Int(duration.components.seconds)
        if seconds < 60 { return "\(seconds) s" }
        if seconds < 3600 { return "\(seconds / 60) min" + (seconds % 60 == 0 || seconds >= 600 ? "" : " \(seconds % 60) s") }
        if seconds < 86_400 { return "\(seconds / 3600) h" + (seconds / 60 % 60 == 0 ? "" : " \(seconds / 60 % 60) min") }
        return "\(seconds / 86_400) d" + (seconds / 3600 % 24 == 0 || seconds >= 10 * 86_400 ? "" : " \(seconds / 3600 % 24) h")
    }
}
