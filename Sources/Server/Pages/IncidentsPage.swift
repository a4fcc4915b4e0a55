import Alerting
import Incidents
import Columns
import Detection
import Foundation
import HTTPTypes
import Query

/// The open incidents, worst first. Many incidents of one kind are folded into a line; several can be acknowledged at once.
struct IncidentsPage: SitePage {
    static let link: NavigationLink? = NavigationLink(path: "./", title: "Incidents")

    private let site: Site

    init(_ site: Site) { self.site = site }

    /// From this number on, incidents of one kind are folded into a line.
    private static let folded = 3
    private static let limit = 200

    var routes: [Route] {
        [
            Route(.get, "/", Self.listing) { request in
                guard !request.wantsPage else { return try show(request) }
                return .text(try site.questions.list(try IncidentRoutes.filter(request)).rendered(as: .table))
            },
            Route(
                .post, "/incidents/acknowledge",
                .form(
                    "acknowledgeTicked", "Acknowledges several incidents, or hands them back",
                    fields: ["id", "by", "note", "action"])
            ) { try acknowledge($0) },
        ]
    }

    private static let listing = Operation.page(
        "listIncidentsForPeople", "The open incidents, worst first; as text, the newest incidents"
    ) {
        $0.alternative = .text()
        $0.parameters = [
            .text("filter", "Matchers on labels"), .text("search", "Words of titles and timelines"),
            .word("state", "The state", of: ["", "all"] + IncidentRoutes.states),
            .word("severity", "The severity", of: [""] + IncidentRoutes.severities), IncidentRoutes.unseen,
            IncidentRoutes.foundInPast,
            .text("acknowledged", "Incidents that were just acknowledged together, for a button that takes it back"),
        ]
        $0.refusals = [400]
    }

    private func show(_ request: RouteRequest) throws -> RouteResponse {
        let state = request.first("state") ?? ""
        let (found, hasMore) = try incidents(request, state)
        let isFiltered = !state.isEmpty || !request.query.isEmpty
        let unseen = isFiltered ? [] : try unseen()
        let title = headline(found, state: state, hasMore: hasMore, hasUnseen: !unseen.isEmpty)
        var body: HTML = "<h1>\(title)</h1>\n\(undo(request))\(search(request, state))"
        if !found.isEmpty {
            body += form(found, request)
        } else if isFiltered {
            body += "<p>No incidents match.</p>\n"
        } else if unseen.isEmpty {
            body += Self.nothing
        }
        body += section(unseen)
        let sources = SourcesLine(reports: site.sources(), now: .now)
        return Page(title: title, root: "", body: sources.problems + body + sources.list).response(site)
    }

    private func incidents(_ request: RouteRequest, _ state: String) throws -> (found: [Incident], hasMore: Bool) {
        var filter = try IncidentRoutes.filter(request, state: nil)
        // Resolved incidents are shown on request only.
        let states: [Incident.State?] =
            state == "" ? [.open, .acknowledged] : state == "all" ? [nil] : [try IncidentFilter.state(state)]
        // One severity after the other: among the newest of all there may be none of the worst.
        let severities = filter.severity.map { [$0] } ?? Severity.allCases.reversed()
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
        // A heartbeat alert such as Watchdog always fires and needs no attention; its absence is an incident of its own.
        if state.isEmpty { found.removeAll { $0.labels["severity"] == "none" } }
        found.sort { Self.rank($0) < Self.rank($1) }
        return (found, hasMore)
    }

    private func form(_ found: [Incident], _ request: RouteRequest) -> HTML {
        """
        <form method="post" action="incidents/acknowledge">
        \(lines(found))
        <div class="row"><p>\(request.nameField) <input name="note" placeholder="note" aria-label="note" maxlength="1000">
        <button>Acknowledge selected</button></p></div></form>

        """
    }

    /// Acknowledges several incidents. One that can no longer be acknowledged does not block the others.
    private func acknowledge(_ request: RouteRequest) throws -> RouteResponse {
        try request.requireForm()
        let ids = request.form.filter { $0.name == "id" }.map(\.value)
        guard !ids.isEmpty, let name = try request.person() else {
            throw HTTPFailure(.badRequest, code: "bad_form", "tick at least one incident, and give your name")
        }
        let isHandedBack = request.field("action") == "hand-back"
        var done: [String] = []
        for id in ids.prefix(1000) {
            do {
                try site.incidents.perform(
                    isHandedBack ? .handBack : .acknowledge, on: id, by: name, note: request.field("note"), now: .now)
                done.append(id)
            } catch IncidentError.wrongState {
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

    private func headline(_ found: [Incident], state: String, hasMore: Bool, hasUnseen: Bool) -> String {
        guard !found.isEmpty else { return !state.isEmpty ? "No incidents" : hasUnseen ? "Nothing is open" : "All is quiet" }
        let counts = Severity.allCases.reversed().compactMap { severity -> String? in
            let count = found.count { $0.severity == severity }
            return count == 0 ? nil : "\(count) \(severity.rawValue)"
        }
        let acknowledged = found.count { $0.state == .acknowledged }
        return counts.joined(separator: ", ") + (acknowledged > 0 ? " (\(acknowledged) acknowledged)" : "")
            + (hasMore ? ", and more" : "")
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
            let severity = incident.severity.rawValue
            html += """
                <details><summary><b class="\(severity)">\(severity)</b> \(incident.name): \(kind.count) incidents
                <span class="dim">the newest since \(Shown.time(newest))\(Self.ago(newest))</span></summary>
                <ul class="plain">\(kind.map(line))</ul></details>

                """
        }
        return html
    }

    private func line(_ incident: Incident) -> HTML {
        let box: HTML =
            incident.state == .open
            ? "<input type=\"checkbox\" name=\"id\" value=\"\(incident.id)\" aria-label=\"\(incident.id)\"> " : ""
        let severity = incident.severity.rawValue
        let since = "since \(Shown.time(incident.startsAt))\(Self.ago(incident.startsAt))"
        let events = "\(incident.count) \(incident.count == 1 ? "event" : "events")"
        return """
            <li>\(box)<b class="\(severity)">\(severity)</b> <a href="incidents/\(incident.id)">\(incident.title)</a><br>
            <span class="dim">\(incident.id) · \(since) · \(events) · \(status(incident))</span></li>

            """
    }

    private func status(_ incident: Incident) -> HTML {
        let owner = incident.assignee ?? incident.acknowledgedBy
        if incident.state == .acknowledged, let at = incident.acknowledgedAt {
            // An incident that was acknowledged days ago may have been forgotten.
            let isOld = Timestamp.now - at > .seconds(86_400)
            return "<span class=\"\(isOld ? "old" : "")\">\(owner ?? "somebody") has it, acknowledged\(Self.ago(at))</span>"
        }
        return owner.map { "\(incident.state.rawValue), \($0) has it" } ?? "\(incident.state.rawValue)"
    }

    /// Incidents of the last day that ended by themselves and that nobody has acted on: silence does not prove that all is well.
    private func unseen() throws -> [Incident] {
        try site.questions.page(
            IncidentFilter(since: Timestamp.now - .seconds(86_400), limit: Self.limit, isUnseen: true)
        ).incidents.sorted { Self.rank($0) < Self.rank($1) }
    }

    private static let unseenShown = 10

    private func section(_ unseen: [Incident]) -> HTML {
        guard !unseen.isEmpty else { return "" }
        let more: HTML =
            unseen.count > Self.unseenShown ? "<p><a href=\"?state=all&amp;unseen=true\">All that nobody has seen</a></p>\n" : ""
        return """
            <h2>Ended by itself, seen by nobody (24 h): \(unseen.count)\(unseen.count == Self.limit ? " or more" : "")</h2>
            <ul class="plain">\(unseen.prefix(Self.unseenShown).map(line))</ul>
            \(more)<p class="dim">Any action on an incident, such as a note, removes it from this list.</p>

            """
    }

    /// After several incidents were acknowledged together: a button that takes it back.
    private func undo(_ request: RouteRequest) -> HTML {
        let named = request.first("acknowledged").map { OutsideText($0).split { $0 == "," }.prefix(200) } ?? []
        let acknowledged = named.filter { (try? site.incidents.incident($0).incident.state) == .acknowledged }
        guard !acknowledged.isEmpty else { return "" }
        let fields = acknowledged.map { "<input type=\"hidden\" name=\"id\" value=\"\($0)\">" as HTML }
        let count = "\(acknowledged.count) \(acknowledged.count == 1 ? "incident" : "incidents")"
        return """
            <form class="row box" method="post" action="incidents/acknowledge">\(fields)
            <b>Acknowledged \(count).</b> \(request.nameField)
            <button name="action" value="hand-back">Undo</button></form>

            """
    }

    private static func ago(_ time: Timestamp) -> String {
        let now = Timestamp.now
        return now > time ? " (\(Shown.duration(now - time)) ago)" : ""
    }

    private func search(_ request: RouteRequest, _ state: String) -> HTML {
        func options(_ words: [(String, String)], _ chosen: String) -> [HTML] {
            words.map { "<option value=\"\($0.0)\"\($0.0 == chosen ? " selected" as HTML : "")>\($0.1)</option>" }
        }
        let states = [("", "not resolved")] + IncidentRoutes.states.map { ($0, $0) } + [("all", "all")]
        let severities = [("", "any severity")] + IncidentRoutes.severities.reversed().map { ($0, $0) }
        let filter = request.first("filter") ?? "", words = request.first("search") ?? ""
        return """
            <form class="row" method="get" action="./">
            <input class="grow" name="filter" value="\(filter)" placeholder='source="192.0.2.7", alertname=~"SSH.*"'
            aria-label="matchers on labels">
            <input name="search" value="\(words)" placeholder="words" aria-label="words in titles and timelines">
            <select name="severity" aria-label="severity">\(options(severities, request.first("severity") ?? ""))</select>
            <select name="state" aria-label="state">\(options(states, state))</select> <button>Find</button></form>

            """
    }

    private static let nothing: HTML = """
        <p>Nothing needs attention. An incident appears here when a rule or a model finds something in the logs, or when an \
        alert is
        posted; <code>obs demo</code> shows what that looks like, and <a href="?state=resolved">resolved incidents</a> stay \
        available.</p>

        """
}
