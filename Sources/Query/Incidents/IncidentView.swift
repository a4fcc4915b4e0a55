import Incidents
import Columns
import Detection

/// One incident as a person reads it: what, since when, how bad, who has it; then why; then what happened; then what to do, and how it ended the last times.
public struct IncidentView: Sendable {
    public typealias Related = IncidentStore.Related
    public typealias Ending = IncidentStore.Ending

    public let incident: Incident
    public let parts: [Incident]
    public let evidence: [Evidence]
    /// What stands around the evidence, if it was asked for.
    public let context: [EvidenceContext]
    public let timeline: [TimelineEntry]
    public let notifications: [NotificationLog.Entry]
    public let related: [Related]
    public let similar: [Ending]
    /// What the tables say of the time around it.
    public let figures: [IncidentFigures]
    /// The part of the runbook that says what to do first, in Markdown.
    public var firstMinutes: String?
    /// The silences that were made from it.
    public var silences: [Silence] = []
    /// When it was asked for; nil leaves out how long ago things were.
    public let now: Timestamp?

    /// What in a line of evidence is worth the eye: the values of the incident's labels, and the words with which systems say that something was refused.
    var tellingWords: [String] {
        let values = ([incident] + parts).flatMap { $0.labels.ofSubject.map(\.value) }
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
            if incident.resolution == .past {
                text += ", found in the past"
            } else if let resolution = incident.resolution, resolution != .fixed {
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
        facts.append(("events", events))
        if !hosts.isEmpty {
            let shown = hosts.prefix(8).map {
                hosts.count == 1 ? $0.name : "\($0.name) (\($0.lines) \($0.lines == 1 ? "line" : "lines"))"
            }
            facts.append(
                (
                    hosts.count == 1 ? "host" : "hosts",
                    shown.joined(separator: ", ") + (hosts.count > 8 ? " and \(hosts.count - 8) more" : "")
                ))
        }
        if incident.state != .resolved { facts.append(("ends", ending)) }
        for silence in silences where now.map({ silence.state(at: $0) != .expired }) ?? false {
            facts.append(("silenced", "until \(Self.time(silence.endsAt)) by \(silence.createdBy): \(silence.comment)"))
        }
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

    /// How many events: `at most 137 in 5 min; 1,150 in all`.
    private var events: String {
        let most = ([incident] + parts).max { $0.peak < $1.peak } ?? incident
        guard let within = most.within, incident.count > most.peak else { return Self.grouped(incident.count) }
        return "at most \(Self.grouped(most.peak)) in \(Self.spell(within)); \(Self.grouped(incident.count)) in all"
    }

    /// `1,234,567`.
    static func grouped(_ number: Int) -> String {
        var digits = Array(String(number).utf8.reversed())
        for place in stride(from: (digits.count - 1) / 3 * 3, to: 0, by: -3) { digits.insert(UInt8(ascii: ","), at: place) }
        return String(decoding: digits.reversed(), as: UTF8.self)
    }

    /// The machines that its evidence speaks of, most lines first.
    var hosts: [(name: String, lines: Int)] {
        evidence.reduce(into: [OutsideText: Int]()) { counts, line in
            if let host = line.host, !host.isEmpty { counts[OutsideText(host), default: 0] += 1 }
        }.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { (name: $0.key.string, lines: $0.value) }
    }

    /// How it is to end.
    private var ending: String {
        if incident.detector == "posted" { return "with its alerts" }
        if incident.endsByHand || incident.state == .acknowledged { return "by hand" }
        return incident.endsAfter.map { "by itself, after \(Self.spell($0)) without anything new" }
            ?? "by itself, when nothing new is seen"
    }

    /// What its runbook's commands are about.
    var filling: RunbookFilling { RunbookFilling(incident, parts: parts, hosts: hosts.map(\.name)) }

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
    var story: [TimelineEntry] { timeline.filter { $0.incident == incident.number || $0.kind != .merged } }

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
