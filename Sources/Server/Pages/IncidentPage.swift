import Alerting
import Incidents
import Columns
import Detection
import Foundation
import HTTPTypes
import Query

/// One incident: what it is and how bad, who has it; the actions on it; why it was opened, what to do first, and what happened.
struct IncidentPage: SitePage {
    private let site: Site

    init(_ site: Site) { self.site = site }

    var routes: [Route] {
        [
            Route(
                .get, "/incidents/{id}",
                .page("showIncident", "One incident: evidence, what to do first, what happened") {
                    $0.alternative = .text()
                    $0.parameters = [
                        .text("done", "What was just done, for a button that takes it back"), .text("was", "The value before"),
                    ]
                    $0.refusals = [404]
                }
            ) { request in
                guard !request.wantsPage else { return try show(request) }
                let view = try site.questions.one(
                    request.parameter("id"), runbooks: site.runbooks, context: try IncidentRoutes.context(request, site.lake),
                    now: .now)
                return .text(view.text)
            },
            Route(
                .post, "/incidents/{id}",
                .form(
                    "actOnPage", "What the buttons of an incident's page do", fields: ["action", "by", "note", "to", "version"],
                    refusals: [400, 403, 404, 409, 415])
            ) { try act($0) },
            Route(
                .get, "/incidents/{id}/figures.svg",
                .page("drawFigures", "What the tables count about an incident, as a picture") {
                    $0.response = .text("image/svg+xml")
                    $0.responseSummary = "A picture"
                    $0.refusals = [404]
                }
            ) { request in
                let figures = try site.questions.figures(of: request.parameter("id"), in: site.lake)
                return .text(IncidentFigures.svg(figures), contentType: "image/svg+xml")
            },
        ]
    }

    /// - Parameter complaint: why an action was not performed, shown at the top.
    private func show(
        _ request: RouteRequest, complaint: String? = nil, status: HTTPResponse.Status = .ok
    ) throws -> RouteResponse {
        let view = try site.questions.one(
            request.parameter("id"), context: try IncidentRoutes.context(request, site.lake), now: .now)
        let incident = view.incident
        let runbook = Runbook(folder: site.runbooks, name: incident.name)?.filled(for: view)
        var body: HTML = complaint.map { "<p class=\"warning box\">\($0)</p>\n" } ?? ""
        body += """
            <h1><b class="\(incident.severity.rawValue)">\(incident.severity.rawValue)</b> \(incident.title)</h1>
            <p>\(incident.id), \(view.stateInWords)</p>
            \(Done(request)?.banner(incident, request) ?? "")\(actions(incident, request))\(silences(view, request))\(view.html)
            <h2>Around it</h2>
            <img src="\(incident.id)/figures.svg" loading="lazy"
            alt="What the tables count about it, from half an hour before to half an hour after">
            <p>\(links(view, runbook))</p>

            """
        if let runbook { body += "<details open><summary><b>Runbook</b></summary>\(runbook.html(level: 2))</details>\n" }
        body += view.htmlStory
        body += "<h2>On the command line</h2>\n<pre>\(commands(incident))</pre>\n"
        return Page(title: "\(incident.id) \(incident.title)", root: "../", body: body, status: status).response(site)
    }

    private func act(_ request: RouteRequest) throws -> RouteResponse {
        try request.requireForm()
        let id = request.parameter("id"), word = request.field("action")
        do {
            guard let name = try request.person() else {
                return try show(request, complaint: "Give your name.", status: .badRequest)
            }
            guard let button = IncidentActions.buttons.first(where: { $0.word == word }) else {
                return try show(request, complaint: "Press one of the buttons.", status: .badRequest)
            }
            let before = try site.incidents.incident(id).incident
            try site.incidents.perform(
                button.action(name, request.field("to")), on: id, by: name, note: request.field("note"),
                ifVersion: request.field("version").flatMap { Int($0) }, now: .now)
            return .seeOther(id + Done(button, before: before).query, by: name)
        } catch let error as IncidentError {
            if case .noIncident = error { throw error }
            // Usually somebody else was faster: the page shows the incident as it is now.
            return try show(request, complaint: "\(error)", status: .conflict)
        }
    }

    private func actions(_ incident: Incident, _ request: RouteRequest) -> HTML {
        if let parent = incident.mergedInto {
            return """
                <p>It is a child incident of <a href="INC-\(parent)">INC-\(parent)</a>; actions on the parent apply to it too.</p>

                """
        }
        let buttons = IncidentActions.buttons.compactMap { button -> HTML? in
            guard let label = button.label, button.states.contains(incident.state) else { return nil }
            return "<button name=\"action\" value=\"\(button.word)\">\(label)</button>\n"
        }
        return """
            <form class="row box" method="post" action="\(incident.id)">
            <input type="hidden" name="version" value="\(incident.version)">
            \(request.nameField) <input class="grow" name="note" placeholder="note" aria-label="note" maxlength="1000">
            \(buttons)</form>

            """
    }

    /// Links to related pages, with what is known filled in.
    private func links(_ view: IncidentView, _ runbook: Runbook?) -> HTML {
        let incident = view.incident
        let filter = Self.matchers(Self.common(incident, view.children)).percentEncoded
        var links: HTML =
            "<a href=\"../silences?filter=\(filter)&amp;incident=\(incident.id)\">Silence alerts like it</a>"
        if let dashboards = site.dashboards {
            let margin = Duration.seconds(1800), name = runbook?.dashboard ?? "obs-incidents"
            let from = (incident.startsAt - margin).microseconds / 1000, to = (incident.lastSeen + margin).microseconds / 1000
            links += " · <a href=\"\(dashboards)/d/\(name)?from=\(from)&amp;to=\(to)\">Dashboard \(name) at that time</a>"
        }
        return links + " · <a href=\"../api/v1/incidents/\(incident.id)\">JSON</a>"
    }

    /// The matchers that select these labels, quoted so that they parse whatever the values contain.
    private static func matchers(_ labels: Labels) -> String {
        // An equality has no expression that could be malformed.
        labels.compactMap { try? Matcher($0.key, .equal, $0.value).description }.joined(separator: ", ")
    }

    /// The labels that the alerts of the incident and all its children share: a silence on them mutes every one of them.
    private static func common(_ incident: Incident, _ children: [Incident]) -> Labels {
        let own = incident.labels.filter { $0.key != "severity" }
        let common = children.reduce(own) { $0.common(with: $1.labels) }
        return common.isEmpty ? own : common
    }

    /// The active silences that were made from it, each with a button that ends it.
    private func silences(_ view: IncidentView, _ request: RouteRequest) -> HTML {
        let active = view.silences.filter { $0.state(at: .now) != .expired }
        let lines = active.map { silence -> HTML in
            let matchers = silence.matchers.map(\.description).joined(separator: ", ")
            let end = Shown.time(silence.endsAt)
            return """
                <form class="row box" method="post" action="../silences/\(silence.id)">
                Silenced until \(end) by \(silence.createdBy): \(silence.comment) (<code>\(matchers)</code>)
                <input type="hidden" name="incident" value="\(view.incident.id)">
                \(request.nameField) <button name="action" value="end">End the silence</button></form>

                """
        }
        return "\(lines)"
    }

    private func commands(_ incident: Incident) -> String {
        let about = Self.matchers(incident.labels.filter { ["source", "user", "host"].contains($0.key) })
        var lines = ["obs query incident \(incident.id)", "obs incident ack \(incident.id) --note \"looking\""]
        if OutsideText(incident.name).starts(with: "SSH"), !about.isEmpty {
            let from = incident.startsAt - .seconds(600), to = incident.lastSeen + .seconds(600)
            lines.append("obs query events \(OutsideText(about).shellWord) --since \(from) --until \(to)")
        }
        return lines.joined(separator: "\n")
    }
}
