import Alerting
import Columns
import Foundation
import HTTPTypes
import Parsing
import Query

/// Who is quiet until when, and a form for another silence that shows first what it would hide.
struct SilencesPage {
    let site: Site

    func answer(_ question: HTTPQuestion, complaint: String? = nil) async throws -> HTTPAnswer {
        let now = Site.now
        var said = complaint, preview: HTML = ""
        // After a refusal the form has what was written in it.
        func value(_ name: String) -> String { question.first(name) ?? question.field(name) ?? "" }
        if !value("filter").isEmpty, said == nil {
            do { preview = try await Self.preview(value("filter"), site, now) } catch { said = "\(error)" }
        }
        var body: HTML = "<h1>Silences</h1>\n"
        if let said { body += "<p class=\"warning box\">\(said)</p>\n" }
        // Where it is made from, to lead back there.
        let incident = Incident.number(of: value("incident")).map { "INC-\($0)" } ?? ""
        let back: HTML = incident.isEmpty ? "" : "<p>For <a href=\"incidents/\(incident)\">\(incident)</a></p>\n"
        let hidden: HTML = incident.isEmpty ? "" : "<input type=\"hidden\" name=\"incident\" value=\"\(incident)\">"
        let lengths = ["1h", "4h", "12h", "1d", "7d"]
        let buttons = lengths.map { "<button name=\"for\" value=\"\($0)\">Silence for \($0)</button>\n" as HTML }
        body += """
            \(back)<form class="row box" method="get" action="silences">\(hidden)<input class="grow" name="filter" value="\(value("filter"))" placeholder='alertname="DiskFull", host=~"db-.*"' aria-label="matchers" required>
            <button>Show what it would hide</button></form>
            \(preview)
            """
        if !value("filter").isEmpty {
            body += """
                <form class="row box" method="post" action="silences">\(hidden)<input type="hidden" name="filter" value="\(value("filter"))">
                \(question.nameField) <input class="grow" name="comment" value="\(value("comment"))" placeholder="why" aria-label="why" maxlength="1000" required>
                \(buttons)</form>

                """
        }
        let all = try site.alerts.silences.silences(endingAfter: now)
        body +=
            all.isEmpty ? "<p>No alert is silenced.</p>\n" : "<ul class=\"plain\">\(all.map { line($0, question, now) })</ul>\n"
        let ended = try site.alerts.silences.expired(at: now, limit: 20)
        if !ended.isEmpty {
            body += "<h2>Ended lately</h2>\n<ul class=\"plain\">\(ended.map { line($0, question, now) })</ul>\n"
        }
        return Page(title: "Silences", root: "", body: body, status: complaint == nil ? .ok : .badRequest).answer(site)
    }

    func add(_ question: HTTPQuestion) async throws -> HTTPAnswer {
        try question.requireForm()
        do {
            guard let name = try question.person(), let comment = question.field("comment") else {
                return try await answer(question, complaint: "Give your name, and say why.")
            }
            guard let length = Duration(parsing: question.field("for") ?? ""), length > .zero, length <= .seconds(400 * 86_400)
            else {
                return try await answer(question, complaint: "Press one of the buttons that say for how long.")
            }
            let now = Site.now
            let incident = try question.field("incident").map { try site.incidents.incident($0).incident.id }
            let id = try site.alerts.silences.set(
                matchers: try [Matcher](parsing: question.field("filter") ?? ""), startsAt: now, endsAt: now + length,
                createdBy: name,
                comment: comment, now: now)
            guard let incident else { return .seeOther("silences", by: name) }
            try site.incidents.note(silence: id, until: now + length, on: incident, by: name, now: now)
            return .seeOther("incidents/\(incident)?done=silence", by: name)
        } catch let error as AlertingError {
            return try await answer(question, complaint: "\(error)")
        } catch let error as Matcher.Malformed {
            return try await answer(question, complaint: "\(error)")
        }
    }

    /// Ends a silence now, or lets it last an hour longer.
    func change(_ question: HTTPQuestion) throws -> HTTPAnswer {
        try question.requireForm()
        guard let name = try question.person() else { throw HTTPFailure(.badRequest, code: "bad_form", "give your name") }
        let id = question.parameters["id"] ?? "", now = Site.now
        do {
            let silence = try site.alerts.silences.silence(id)
            switch question.field("action") {
            case "end": try site.alerts.silences.expire(id, by: name, now: now)
            case "extend":
                _ = try site.alerts.silences.set(
                    id: id, matchers: silence.matchers, startsAt: silence.startsAt,
                    endsAt: max(silence.endsAt, now) + .seconds(3600),
                    createdBy: name, comment: silence.comment, now: now)
            default: throw HTTPFailure(.badRequest, code: "bad_form", "press one of the buttons")
            }
        } catch AlertingError.noSilence(let id) {
            throw HTTPFailure(.notFound, code: "no_silence", "there is no silence \(id); /silences shows those that there are")
        }
        if let incident = question.field("incident"), try site.incidents.incident(ofSilence: id) == incident {
            return .seeOther("../incidents/\(incident)", by: name)
        }
        return .seeOther("../silences", by: name)
    }

    private func line(_ silence: Silence, _ question: HTTPQuestion, _ now: Timestamp) -> HTML {
        let state = silence.state(at: now)
        let matchers = silence.matchers.map(\.description).joined(separator: ", ")
        let when =
            switch state {
            case .pending: "from \(IncidentView.time(silence.startsAt)) to \(IncidentView.time(silence.endsAt))"
            case .active: "until \(IncidentView.time(silence.endsAt)), for \(IncidentView.spell(silence.endsAt - now)) more"
            case .expired: "ended \(IncidentView.time(silence.endsAt))"
            }
        let buttons: HTML =
            state == .expired
            ? "<a href=\"silences?filter=\(matchers.percentEncoded)\">Again</a>"
            : "<form class=\"row\" method=\"post\" action=\"silences/\(silence.id)\">\(question.nameField) <button name=\"action\" value=\"end\">End now</button> <button name=\"action\" value=\"extend\">One hour longer</button></form>"
        return """
            <li><code>\(matchers)</code> \(when)\(origin(of: silence))<br><span class="dim">\(silence.createdBy): \(silence.comment)</span> \(buttons)</li>

            """
    }

    /// The incident that a silence was made from.
    private func origin(of silence: Silence) -> HTML {
        guard let incident = (try? site.incidents.incident(ofSilence: silence.id)).flatMap(\.self) else { return "" }
        return ", for <a href=\"incidents/\(incident)\">\(incident)</a>"
    }

    /// How many alerts that hold now would be hidden, and which.
    private static func preview(_ matchers: String, _ site: Site, _ now: Timestamp) async throws -> HTML {
        var filter = AlertQuestions.Filter()
        filter.matchers = try [Matcher](parsing: matchers)
        let found = try await site.alerts.alerts.alerts(filter, now: now)
        let shown = found.prefix(20).map { alert -> HTML in
            "<li>\(alert.labels["alertname"] ?? "") \(alert.annotations["summary"] ?? "")</li>\n"
        }
        let rest = found.count > shown.count ? "<li>and \(found.count - shown.count) more</li>" as HTML : ""
        return """
            <p>It would hide \(found.count) \(found.count == 1 ? "alert that holds" : "alerts that hold") now\(found.isEmpty ? ", and those that come" : ":")</p>
            <ul>\(shown)\(rest)</ul>

            """
    }
}
