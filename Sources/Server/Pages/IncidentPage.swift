import Alerting
import Columns
import Detection
import Foundation
import HTTPTypes
import Lake
import Query

/// One incident: what, how bad, who has it; what can be done about it; why, what to do first, and what happened.
struct IncidentPage {
    let site: Site
    let lake: Lake

    /// - Parameter complaint: why what was asked for was not done, shown on top.
    func answer(_ question: HTTPQuestion, complaint: String? = nil, status: HTTPResponse.Status = .ok) throws -> HTTPAnswer {
        let view = try site.questions.one(
            question.parameters["id"] ?? "", context: try IncidentRoutes.context(question, lake), now: Site.now)
        let incident = view.incident
        let runbook = Runbook(folder: site.runbooks, name: incident.name)?.filled(for: view)
        var body: HTML = complaint.map { "<p class=\"warning box\">\($0)</p>\n" } ?? ""
        body += """
            <h1><b class="\(incident.severity.rawValue)">\(incident.severity.rawValue)</b> \(incident.title)</h1>
            <p>\(incident.id), \(view.standingText)</p>
            \(Done(question)?.banner(incident, question) ?? "")\(actions(incident, question))\(silences(view, question))\(view.html)
            <h2>Around it</h2>
            <img src="\(incident.id)/figures.svg" alt="What the tables count about it, from half an hour before to half an hour after" loading="lazy">
            <p>\(links(view, runbook))</p>

            """
        if let runbook { body += "<details open><summary><b>Runbook</b></summary>\(runbook.html(level: 2))</details>\n" }
        body += view.htmlStory
        body += "<h2>On the command line</h2>\n<pre>\(commands(incident))</pre>\n"
        return Page(title: "\(incident.id) \(incident.title)", root: "../", body: body, status: status).answer(site)
    }

    func act(_ question: HTTPQuestion) throws -> HTTPAnswer {
        try question.requireForm()
        let id = question.parameters["id"] ?? ""
        do {
            guard let name = try question.person() else {
                return try answer(question, complaint: "Give your name.", status: .badRequest)
            }
            let action: IncidentStore.Action, word = question.field("action") ?? ""
            switch word {
            case "acknowledge": action = .acknowledge
            case "hand-back": action = .handBack
            case "fixed": action = .end(as: .fixed)
            case "false_positive": action = .end(as: .falsePositive)
            case "expected": action = .end(as: .expected)
            case "reopen": action = .reopen
            case "note": action = .note
            case "mine": action = .assign(to: name)
            case "assign": action = .assign(to: question.field("to"))
            default: return try answer(question, complaint: "Press one of the buttons.", status: .badRequest)
            }
            let before = try site.incidents.incident(id).incident
            try site.incidents.perform(
                action, on: id, by: name, note: question.field("note"), ifVersion: question.field("version").flatMap { Int($0) },
                now: Site.now)
            return .seeOther(id + Done(word, before: before).query, by: name)
        } catch let error as AlertingError {
            if case .noIncident = error { throw error }
            // Somebody was faster, most often: the page shows how it stands now.
            return try answer(question, complaint: "\(error)", status: .conflict)
        }
    }

    private func actions(_ incident: Incident, _ question: HTTPQuestion) -> HTML {
        if let whole = incident.mergedInto {
            return "<p>It is a part of <a href=\"INC-\(whole)\">INC-\(whole)</a>; what is done there is done for it.</p>\n"
        }
        let choices: [(String, String)] =
            switch incident.state {
            case .open:
                [
                    ("acknowledge", "Acknowledge"), ("note", "Add note"), ("fixed", "Resolve: fixed"),
                    ("false_positive", "Resolve: false positive"), ("expected", "Resolve: expected"),
                ]
            case .acknowledged:
                [
                    ("hand-back", "Hand back"), ("mine", "Assign to me"), ("note", "Add note"),
                    ("fixed", "Resolve: fixed"), ("false_positive", "Resolve: false positive"), ("expected", "Resolve: expected"),
                ]
            case .resolved: [("reopen", "Reopen"), ("note", "Add note")]
            }
        let buttons = choices.map { "<button name=\"action\" value=\"\($0.0)\">\($0.1)</button>\n" as HTML }
        return """
            <form class="row box" method="post" action="\(incident.id)"><input type="hidden" name="version" value="\(incident.version)">
            \(question.nameField) <input class="grow" name="note" placeholder="note" aria-label="note" maxlength="1000">
            \(buttons)</form>

            """
    }

    /// Where else something is to be seen, with what is known filled in.
    private func links(_ view: IncidentView, _ runbook: Runbook?) -> HTML {
        let incident = view.incident
        let matchers = Self.matchers(Self.common(incident, view.parts))
        var links: HTML =
            "<a href=\"../silences?filter=\(matchers.percentEncoded)&amp;incident=\(incident.id)\">Silence alerts like it</a>"
        if let dashboards = site.dashboards {
            let margin = Duration.seconds(1800), name = runbook?.dashboard ?? "obs-incidents"
            let from = (incident.startsAt - margin).microseconds / 1000, to = (incident.lastSeen + margin).microseconds / 1000
            links += " · <a href=\"\(dashboards)/d/\(name)?from=\(from)&amp;to=\(to)\">Dashboard \(name) at that time</a>"
        }
        return links + " · <a href=\"../api/v1/incidents/\(incident.id)\">JSON</a>"
    }

    /// What takes those with these labels, as it is read again whatever is in them.
    private static func matchers(_ labels: Labels) -> String {
        // An equality is no expression that could be malformed.
        labels.compactMap { try? Matcher($0.key, .equal, $0.value).description }.joined(separator: ", ")
    }

    /// What the alerts of all parts have in common: a silence of it holds back every one of them.
    private static func common(_ incident: Incident, _ parts: [Incident]) -> Labels {
        let own = incident.labels.filter { $0.key != "severity" }
        let common = parts.reduce(own) { $0.common(with: $1.labels) }
        return common.isEmpty ? own : common
    }

    /// The silences that were made from it and hold, each with the way back.
    private func silences(_ view: IncidentView, _ question: HTTPQuestion) -> HTML {
        let active = view.silences.filter { $0.state(at: Site.now) != .expired }
        let lines = active.map { silence -> HTML in
            let matchers = silence.matchers.map(\.description).joined(separator: ", ")
            return """
                <form class="row box" method="post" action="../silences/\(silence.id)">
                Silenced until \(IncidentView.time(silence.endsAt)) by \(silence.createdBy): \(silence.comment) (<code>\(matchers)</code>)
                <input type="hidden" name="incident" value="\(view.incident.id)">
                \(question.nameField) <button name="action" value="end">End the silence</button></form>

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
