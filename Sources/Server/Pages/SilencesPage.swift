import Alerting
import Incidents
import Columns
import Foundation
import HTTPTypes
import Query

/// The silences, and a form for a new one that first shows which alerts it would mute.
struct SilencesPage: SitePage {
    static let link: NavigationLink? = NavigationLink(path: "silences", title: "Silences")

    private let site: Site

    init(_ site: Site) { self.site = site }

    var routes: [Route] {
        [
            Route(
                .get, "/silences",
                .page("showSilences", "The silences, and which alerts a new one would mute") {
                    $0.parameters = [
                        .text("filter", "Matchers of a new silence"), .text("incident", "The incident that it is made for"),
                    ]
                }
            ) { try await show($0) },
            Route(
                .post, "/silences",
                .form("addSilence", "Makes a silence", fields: ["filter", "for", "by", "comment", "incident"])
            ) { try await add($0) },
            Route(
                .post, "/silences/{id}",
                .form(
                    "changeSilence", "Ends a silence, or extends it by an hour", fields: ["action", "by", "incident"])
            ) { try change($0) },
        ]
    }

    private func show(_ request: RouteRequest, complaint: String? = nil) async throws -> RouteResponse {
        let now = Timestamp.now
        let input = Input(request)
        var warning = complaint, preview: HTML = ""
        if !input.filter.isEmpty, warning == nil {
            do { preview = try await self.preview(input.filter, now) } catch { warning = "\(error)" }
        }
        var body: HTML = "<h1>Silences</h1>\n"
        if let warning { body += "<p class=\"warning box\">\(warning)</p>\n" }
        body += form(input, preview, request)
        let current = try site.alerts.silences.silences(endingAfter: now)
        body +=
            current.isEmpty
            ? "<p>No alert is silenced.</p>\n" : "<ul class=\"plain\">\(current.map { line($0, request, now) })</ul>\n"
        let ended = try site.alerts.silences.expired(at: now, limit: 20)
        if !ended.isEmpty {
            body += "<h2>Ended lately</h2>\n<ul class=\"plain\">\(ended.map { line($0, request, now) })</ul>\n"
        }
        return Page(title: "Silences", root: "", body: body, status: complaint == nil ? .ok : .badRequest).response(site)
    }

    /// What the form contains: from the address of the page, or, after a refusal, from the form that was posted.
    private struct Input {
        let filter, comment: String
        /// The incident that the silence is made from, to link back to it; "" for none.
        let incident: String

        init(_ request: RouteRequest) {
            func value(_ name: String) -> String { request.first(name) ?? request.field(name) ?? "" }
            filter = value("filter")
            comment = value("comment")
            incident = Incident.number(of: value("incident")).map { "INC-\($0)" } ?? ""
        }
    }

    private static let lengths = ["1h", "4h", "12h", "1d", "7d"]

    private func form(_ input: Input, _ preview: HTML, _ request: RouteRequest) -> HTML {
        let incident = input.incident
        let back: HTML = incident.isEmpty ? "" : "<p>For <a href=\"incidents/\(incident)\">\(incident)</a></p>\n"
        let hidden: HTML = incident.isEmpty ? "" : "<input type=\"hidden\" name=\"incident\" value=\"\(incident)\">"
        let search: HTML = """
            \(back)<form class="row box" method="get" action="silences">\(hidden)
            <input class="grow" name="filter" value="\(input.filter)" placeholder='alertname="DiskFull", host=~"db-.*"'
            aria-label="matchers" required>
            <button>Show what it would mute</button></form>
            \(preview)
            """
        guard !input.filter.isEmpty else { return search }
        let buttons = Self.lengths.map { "<button name=\"for\" value=\"\($0)\">Silence for \($0)</button>\n" as HTML }
        return search + """
            <form class="row box" method="post" action="silences">\(hidden)
            <input type="hidden" name="filter" value="\(input.filter)">
            \(request.nameField) <input class="grow" name="comment" value="\(input.comment)" placeholder="why" aria-label="why"
            maxlength="1000" required>
            \(buttons)</form>

            """
    }

    private func add(_ request: RouteRequest) async throws -> RouteResponse {
        try request.requireForm()
        do {
            guard let name = try request.person(), let comment = request.field("comment") else {
                return try await show(request, complaint: "Give your name, and say why.")
            }
            guard let length = Duration(parsing: request.field("for") ?? ""), length > .zero, length <= .seconds(400 * 86_400)
            else {
                return try await show(request, complaint: "Press one of the buttons that say for how long.")
            }
            let now = Timestamp.now
            let incident = try request.field("incident").map { try site.incidents.incident($0).incident.id }
            let id = try site.alerts.silences.set(
                matchers: try [Matcher](parsing: request.field("filter") ?? ""), startsAt: now, endsAt: now + length,
                createdBy: name, comment: comment, now: now)
            guard let incident else { return .seeOther("silences", by: name) }
            try site.incidents.note(silence: id, until: now + length, on: incident, by: name, now: now)
            return .seeOther("incidents/\(incident)?done=silence", by: name)
        } catch let error as IncidentError {
            return try await show(request, complaint: "\(error)")
        } catch let error as Matcher.Malformed {
            return try await show(request, complaint: "\(error)")
        }
    }

    /// Ends a silence now, or extends it by an hour.
    private func change(_ request: RouteRequest) throws -> RouteResponse {
        try request.requireForm()
        guard let name = try request.person() else { throw HTTPFailure(.badRequest, code: "bad_form", "give your name") }
        let id = request.parameter("id"), now = Timestamp.now
        do {
            let silence = try site.alerts.silences.silence(id)
            switch request.field("action") {
            case "end": try site.alerts.silences.expire(id, by: name, now: now)
            case "extend":
                _ = try site.alerts.silences.set(
                    id: id, matchers: silence.matchers, startsAt: silence.startsAt,
                    endsAt: max(silence.endsAt, now) + .seconds(3600), createdBy: name, comment: silence.comment, now: now)
            default: throw HTTPFailure(.badRequest, code: "bad_form", "press one of the buttons")
            }
        } catch IncidentError.noSilence(let id) {
            throw HTTPFailure(.notFound, code: "no_silence", "there is no silence \(id); /silences shows all of them")
        }
        if let incident = request.field("incident"), try site.incidents.incident(ofSilence: id) == incident {
            return .seeOther("../incidents/\(incident)", by: name)
        }
        return .seeOther("../silences", by: name)
    }

    private func line(_ silence: Silence, _ request: RouteRequest, _ now: Timestamp) -> HTML {
        let state = silence.state(at: now)
        let matchers = silence.matchers.map(\.description).joined(separator: ", ")
        let end = Shown.time(silence.endsAt)
        let when =
            switch state {
            case .pending: "from \(Shown.time(silence.startsAt)) to \(end)"
            case .active: "until \(end), for \(Shown.duration(silence.endsAt - now)) more"
            case .expired: "ended \(end)"
            }
        let buttons: HTML =
            state == .expired
            ? "<a href=\"silences?filter=\(matchers.percentEncoded)\">Again</a>"
            : """
            <form class="row" method="post" action="silences/\(silence.id)">\(request.nameField) \
            <button name="action" value="end">End now</button> <button name="action" value="extend">One hour \
            longer</button></form>
            """
        return """
            <li><code>\(matchers)</code> \(when)\(origin(of: silence))<br>\
            <span class="dim">\(silence.createdBy): \(silence.comment)</span> \(buttons)</li>

            """
    }

    /// The incident that a silence was made from.
    private func origin(of silence: Silence) -> HTML {
        guard let incident = (try? site.incidents.incident(ofSilence: silence.id)).flatMap(\.self) else { return "" }
        return ", for <a href=\"incidents/\(incident)\">\(incident)</a>"
    }

    /// How many active alerts a silence would mute, and the first of them.
    private func preview(_ matchers: String, _ now: Timestamp) async throws -> HTML {
        var filter = AlertQuestions.Filter()
        filter.matchers = try [Matcher](parsing: matchers)
        let found = try await site.alerts.alerts.alerts(filter, now: now)
        let shown = found.prefix(20).map { alert -> HTML in
            "<li>\(alert.labels["alertname"] ?? "") \(alert.annotations["summary"] ?? "")</li>\n"
        }
        let rest = found.count > shown.count ? "<li>and \(found.count - shown.count) more</li>" as HTML : ""
        let count = "\(found.count) active \(found.count == 1 ? "alert" : "alerts")"
        return """
            <p>It would mute \(count)\(found.isEmpty ? ", and future ones that match" : ":")</p>
            <ul>\(shown)\(rest)</ul>

            """
    }
}
