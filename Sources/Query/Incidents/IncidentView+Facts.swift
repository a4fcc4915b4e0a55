import Incidents
import Columns

/// What is said about an incident before its sections.
extension IncidentView {
    /// The state in one phrase: `acknowledged by ann`, `resolved by bob as false positive`.
    public var stateInWords: String {
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

    /// A fact below the title, with its name.
    typealias Fact = (name: String, value: String)

    /// The facts below the title. A page leaves out what it shows in another way.
    func facts(for medium: Medium) -> [Fact] {
        var facts: [Fact] = times
        facts.append(("events", events))
        if let machines { facts.append(machines) }
        if incident.state != .resolved { facts.append(("ends", ending)) }
        for silence in silences where now.map({ silence.state(at: $0) != .expired }) ?? false {
            facts.append(("silenced", "until \(Shown.time(silence.endsAt)) by \(silence.createdBy): \(silence.comment)"))
        }
        if let owner = incident.assignee ?? incident.acknowledgedBy {
            facts.append(("who", owner))
        } else if medium != .page {
            facts.append(("who", "nobody yet: obs incident ack \(incident.id)"))
        }
        let labels = incident.labels.map { "\(Matcher.shown($0.key))=\(OutsideText($0.value).quotedLabel)" }
        facts.append(("labels", labels.joined(separator: ", ")))
        facts.append(("grouped", grouping))
        if medium != .page { facts.append(("runbook", "runbooks/\(incident.name).md")) }
        return facts
    }

    private var times: [Fact] {
        func since(_ time: Timestamp) -> String {
            Shown.time(time) + (now.map { $0 > time ? " (\(Shown.duration($0 - time)) ago)" : "" } ?? "")
        }
        let times: [Fact] = [
            ("began", since(incident.startsAt)), ("last seen", since(incident.lastSeen)),
            ("opened", Shown.time(incident.openedAt)),
        ]
        guard let end = incident.resolvedAt else { return times }
        return times + [("ended", "\(Shown.time(end)), after \(Shown.duration(end - incident.openedAt))")]
    }

    /// How many events: `at most 137 in 5 min; 1,150 in all`.
    private var events: String {
        let most = ([incident] + children).max { $0.peak < $1.peak } ?? incident
        guard let within = most.within, incident.count > most.peak else { return Shown.count(incident.count) }
        return "at most \(Shown.count(most.peak)) in \(Shown.duration(within)); \(Shown.count(incident.count)) in all"
    }

    private var machines: Fact? {
        let hosts = hosts
        guard let first = hosts.first else { return nil }
        guard hosts.count > 1 else { return ("host", first.name) }
        let shown = hosts.prefix(8).map { "\($0.name) (\($0.lines) \($0.lines == 1 ? "line" : "lines"))" }
        return ("hosts", shown.joined(separator: ", ") + (hosts.count > 8 ? " and \(hosts.count - 8) more" : ""))
    }

    /// How it is going to end.
    private var ending: String {
        if incident.detector == "posted" { return "with its alerts" }
        if incident.endsByHand || incident.state == .acknowledged { return "by hand" }
        return incident.endsAfter.map { "by itself, after \(Shown.duration($0)) without anything new" }
            ?? "by itself, when nothing new is seen"
    }

    /// Why the alerts of this incident belong together.
    private var grouping: String {
        if let parent = incident.mergedInto { return "child of INC-\(parent): \(incident.mergedBecause ?? "merged")" }
        let own =
            incident.detector == "posted"
            ? "the alerts of one group of its route" : "the same \(incident.detector) with the same labels"
        guard !children.isEmpty else { return own }
        let count = children.count == 1 ? "a child incident" : "\(children.count) child incidents"
        return "\(own), and \(count) of other kinds or labels (below)"
    }
}
