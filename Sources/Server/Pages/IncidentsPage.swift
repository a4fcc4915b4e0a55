import Alerting
import Columns
import Detection
import Foundation
import HTTPTypes
import Query

/// What is open, worst first. Kinds that there are many of are folded; several can be acknowledged at once.
struct IncidentsPage {
    let site: Site

    /// So many of one kind are shown as one line that opens.
    private static let folded = 3
    private static let limit = 200

    func answer(_ question: HTTPQuestion) throws -> HTTPAnswer {
        let state = question.first("state") ?? ""
        var filter = try IncidentRoutes.filter(question)
        // What has ended is history: it is shown to who asks for it.
        let states: [String?] = state == "" ? ["open", "acknowledged"] : state == "all" ? [nil] : [state]
        // Asked for one severity after the other: among the newest of all there may be none of the worst.
        let severities = filter.severity.map { [$0] } ?? Severity.allCases.reversed().map(\.rawValue)
        var found: [Incident] = [], hasMore = false
        for severity in severities {
            for state in states where !hasMore {
                let room = Self.limit - found.count
                (filter.severity, filter.state, filter.limit) = (severity, state, max(1, room))
                let page = try site.questions.page(filter)
                found += page.incidents.prefix(room)
                hasMore = page.next != nil || page.incidents.count > room
            }
        }
        // A sign of life that always fires (Watchdog) needs nobody; when it stays away, that is an incident.
        if state.isEmpty { found.removeAll { $0.labels["severity"] == "none" } }
        found.sort { Self.rank($0) < Self.rank($1) }

        let unseen = state.isEmpty && question.query.isEmpty ? try endedUnseen() : []
        var body: HTML =
            "<h1>\(headline(found, state: state, hasMore: hasMore, isUnseen: !unseen.isEmpty))</h1>\n\(undo(question))\(search(question, state))"
        if found.isEmpty {
            body +=
                state.isEmpty && question.query.isEmpty
                ? (unseen.isEmpty ? Self.nothing : "") : "<p>No incidents are like that.</p>\n"
        } else {
            body += """
                <form method="post" action="incidents/acknowledge">
                \(lines(found))
                <div class="row"><p>\(question.nameField) <input name="note" placeholder="note" aria-label="note" maxlength="1000">
                <button>Acknowledge selected</button></p></div></form>

                """
        }
        body += shown(unseen)
        let sources = SourcesLine(reports: site.sources(), now: Site.now)
        return Page(
            title: headline(found, state: state, hasMore: hasMore, isUnseen: !unseen.isEmpty), root: "",
            body: sources.problems + body + sources.list
        ).answer(site)
    }

    /// Several at once. One that cannot be acknowledged any more keeps none of the others.
    func acknowledge(_ question: HTTPQuestion) throws -> HTTPAnswer {
        try question.requireForm()
        let ids = question.form.filter { $0.name == "id" }.map(\.value)
        guard !ids.isEmpty, let name = try question.person() else {
            throw HTTPFailure(.badRequest, code: "bad_form", "tick at least one incident, and give your name")
        }
        let isHandedBack = question.field("action") == "hand-back"
        var done: [String] = []
        for id in ids.prefix(1000) {
            do {
                try site.incidents.perform(
                    isHandedBack ? .handBack : .acknowledge, on: id, by: name, note: question.field("note"), now: Site.now)
                done.append(id)
            } catch AlertingError.wrongState {
                continue
            }
        }
        let undo = isHandedBack || done.isEmpty ? "" : "?acknowledged=\(done.prefix(200).joined(separator: ",").percentEncoded)"
        return .seeOther("../\(undo)", by: name)
    }

    /// Critical before warning, open before acknowledged, new before old.
    private static func rank(_ incident: Incident) -> (Int, Int, Int64) {
        let states: [Incident.State] = [.open, .acknowledged, .resolved]
        return (
            states.firstIndex(of: incident.state) == 2 ? 1 : 0,
            -(Severity.allCases.firstIndex(of: incident.severity) ?? 0) * 2
                + (states.firstIndex(of: incident.state) ?? 0), -incident.startsAt.microseconds
        )
    }

    private func headline(_ found: [Incident], state: String, hasMore: Bool, isUnseen: Bool) -> String {
        guard !found.isEmpty else { return !state.isEmpty ? "No incidents" : isUnseen ? "Nothing is open" : "All is quiet" }
        let counts = Severity.allCases.reversed().compactMap { severity -> String? in
            let count = found.count { $0.severity == severity }
            return count == 0 ? nil : "\(count) \(severity.rawValue)"
        }
        let taken = found.count { $0.state == .acknowledged }
        return counts.joined(separator: ", ") + (taken > 0 ? " (\(taken) acknowledged)" : "") + (hasMore ? ", and more" : "")
    }

    private func lines(_ found: [Incident]) -> HTML {
        var html: HTML = "", shown: Set<OutsideText> = []
        let kinds = Dictionary(grouping: found) { OutsideText($0.name) }
        for incident in found where !shown.contains(OutsideText(incident.name)) {
            let kind = kinds[OutsideText(incident.name)] ?? []
            if kind.count < Self.folded {
                html += "<ul class=\"plain\">\(line(incident))</ul>\n"
                continue
            }
            shown.insert(OutsideText(incident.name))
            let newest = kind.map(\.startsAt).max() ?? incident.startsAt
            html += """
                <details><summary><b class="\(incident.severity.rawValue)">\(incident.severity.rawValue)</b> \(incident.name): \(kind.count) incidents
                <span class="dim">the newest since \(IncidentView.time(newest))\(Self.ago(newest))</span></summary>
                <ul class="plain">\(kind.map(line))</ul></details>

                """
        }
        return html
    }

    private func line(_ incident: Incident) -> HTML {
        let who = incident.assignee ?? incident.acknowledgedBy
        var standing: HTML = "\(incident.state.rawValue)"
        if incident.state == .acknowledged, let at = incident.acknowledgedAt {
            // One that somebody took days ago may have been forgotten.
            let isOld = Site.now - at > .seconds(86_400)
            standing = "<span class=\"\(isOld ? "old" : "")\">\(who ?? "somebody") has it, acknowledged\(Self.ago(at))</span>"
        } else if let who {
            standing = "\(incident.state.rawValue), \(who) has it"
        }
        let box: HTML =
            incident.state == .open
            ? "<input type=\"checkbox\" name=\"id\" value=\"\(incident.id)\" aria-label=\"\(incident.id)\"> " : ""
        return """
            <li>\(box)<b class="\(incident.severity.rawValue)">\(incident.severity.rawValue)</b> <a href="incidents/\(incident.id)">\(incident.title)</a><br>
            <span class="dim">\(incident.id) · since \(IncidentView.time(incident.startsAt))\(Self.ago(incident.startsAt)) · \(incident.count) \(incident.count == 1 ? "event" : "events") · \(standing)</span></li>

            """
    }

    /// What ended by itself within a day, and nobody did anything about it: quiet is no proof that all is well.
    private func endedUnseen() throws -> [Incident] {
        try site.questions.page(
            IncidentFilter(since: Site.now - .seconds(86_400), limit: Self.limit, isUnseen: true)
        ).incidents.sorted { Self.rank($0) < Self.rank($1) }
    }

    private func shown(_ unseen: [Incident]) -> HTML {
        guard !unseen.isEmpty else { return "" }
        let more: HTML =
            unseen.count > Self.unseenShown ? "<p><a href=\"?state=all&amp;unseen=true\">All that nobody has seen</a></p>\n" : ""
        return """
            <h2>Ended by itself, seen by nobody (24 h): \(unseen.count)\(unseen.count == Self.limit ? " or more" : "")</h2>
            <ul class="plain">\(unseen.prefix(Self.unseenShown).map(line))</ul>
            \(more)<p class="dim">Whatever is done about one (a note, say) takes it from this list.</p>

            """
    }

    private static let unseenShown = 10

    /// After several were acknowledged at once: what takes it back.
    private func undo(_ question: HTTPQuestion) -> HTML {
        let named = question.first("acknowledged").map { OutsideText($0).split { $0 == "," }.prefix(200) } ?? []
        let taken = named.filter { (try? site.incidents.incident($0).incident.state) == .acknowledged }
        guard !taken.isEmpty else { return "" }
        let fields = taken.map { "<input type=\"hidden\" name=\"id\" value=\"\($0)\">" as HTML }
        return """
            <form class="row box" method="post" action="incidents/acknowledge">\(fields)
            <b>Acknowledged \(taken.count) \(taken.count == 1 ? "incident" : "incidents").</b> \(question.nameField)
            <button name="action" value="hand-back">Undo</button></form>

            """
    }

    static func ago(_ time: Timestamp) -> String {
        let now = Site.now
        return now > time ? " (\(IncidentView.spell(now - time)) ago)" : ""
    }

    private func search(_ question: HTTPQuestion, _ state: String) -> HTML {
        func options(_ words: [(String, String)], _ chosen: String) -> [HTML] {
            words.map { "<option value=\"\($0.0)\"\($0.0 == chosen ? " selected" as HTML : "")>\($0.1)</option>" }
        }
        let states = [
            ("", "not ended"), ("open", "open"), ("acknowledged", "acknowledged"), ("resolved", "resolved"), ("all", "all"),
        ]
        let severities = [("", "any severity")] + Severity.allCases.reversed().map { ($0.rawValue, $0.rawValue) }
        return """
            <form class="row" method="get" action="./"><input class="grow" name="filter" value="\(question.first("filter") ?? "")" placeholder='source="192.0.2.7", alertname=~"SSH.*"' aria-label="matchers on labels">
            <input name="search" value="\(question.first("search") ?? "")" placeholder="words" aria-label="words in titles and timelines">
            <select name="severity" aria-label="severity">\(options(severities, question.first("severity") ?? ""))</select>
            <select name="state" aria-label="state">\(options(states, state))</select> <button>Find</button></form>

            """
    }

    private static let nothing: HTML = """
        <p>Nothing needs attention. An incident appears here when a rule or a model finds something in the logs, or when an alert is posted;
        <code>obs demo</code> shows what that looks like, and <a href="?state=resolved">those that have ended</a> stay to be looked up.</p>

        """
}
