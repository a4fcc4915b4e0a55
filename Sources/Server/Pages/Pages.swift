import Alerting
import Columns
import Foundation
import HTTPTypes
import Lake
import Query

/// What obs shows to people in a browser. The addresses that notifications lead to are text for everybody else, so that `curl` reads them too.
enum Pages {
    static func routes(_ site: Site, lake: Lake) -> [Route] {
        let incidents = IncidentsPage(site: site), incident = IncidentPage(site: site, lake: lake),
            silences = SilencesPage(site: site)
        func route(
            _ method: HTTPRequest.Method, _ path: String, _ answer: @escaping @Sendable (HTTPQuestion) async throws -> HTTPAnswer
        ) -> Route {
            Route(method, path) { question in
                do {
                    return try await IncidentRoutes.sayingWhatIsWrong { try await answer(question) }
                } catch let failure as HTTPFailure where question.wantsPage {
                    let root = String(repeating: "../", count: path.count { $0 == "/" } - 1)
                    let body: HTML = "<h1>This cannot be shown</h1>\n<p class=\"warning box\">\(failure.message)</p>\n"
                    return Page(title: "Not so", root: root, body: body, status: failure.status).answer(site)
                }
            }
        }
        let acknowledgement = site.alerts.links.map { links -> [Route] in
            let page = AcknowledgePage(site: site, links: links)
            return [
                route(.get, AcknowledgePage.path) { try page.answer($0) },
                route(.post, AcknowledgePage.path) { try page.acknowledge($0) },
            ]
        }
        return (acknowledgement ?? []) + [
            route(.get, "/") { question in
                guard !question.wantsPage else { return try incidents.answer(question) }
                return .text(Renderer(format: .table).render(try site.questions.list(try IncidentRoutes.filter(question))))
            },
            route(.post, "/incidents/acknowledge") { try incidents.acknowledge($0) },
            route(.get, "/incidents/{id}") { question in
                guard !question.wantsPage else { return try incident.answer(question) }
                return .text(
                    try site.questions.one(
                        question.parameters["id"] ?? "", runbooks: site.runbooks,
                        context: try IncidentRoutes.context(question, lake), now: Site.now
                    ).text)
            },
            route(.post, "/incidents/{id}") { try incident.act($0) },
            route(.get, "/incidents/{id}/figures.svg") { question in
                let figures = try site.questions.one(question.parameters["id"] ?? "", lake: lake).figures
                return .text(IncidentFigures.svg(figures), contentType: "image/svg+xml")
            },
            route(.get, "/silences") { try await silences.answer($0) },
            route(.post, "/silences") { try await silences.add($0) },
            route(.post, "/silences/{id}") { try silences.change($0) },
            route(.get, "/history") { try history($0, site) },
            route(.get, "/runbooks") { _ in
                let names = Runbook.names(folder: site.runbooks)
                let links = names.map { "<li><a href=\"runbooks/\($0)\">\($0)</a></li>\n" as HTML }
                return Page(title: "Runbooks", root: "", body: "<h1>Runbooks</h1>\n<ul>\(links)</ul>\n").answer(site)
            },
            route(.get, "/runbooks/{name}") { question in
                let name = question.parameters["name"] ?? ""
                guard let runbook = Runbook(folder: site.runbooks, name: name) else {
                    throw HTTPFailure(
                        .notFound, code: "no_runbook", "there is no runbook '\(name)'; /runbooks lists those that there are")
                }
                guard question.wantsPage else { return .text(runbook.text, contentType: "text/markdown; charset=utf-8") }
                let open: HTML =
                    "<p><a href=\"../?filter=\("alertname=\"\(name)\"".percentEncoded)\">Incidents of this kind</a></p>\n"
                return Page(title: name, root: "../", body: "\(runbook.html())\(open)").answer(site)
            },
        ]
    }

    /// How often what happened and how long it took, and what people did.
    private static func history(_ question: HTTPQuestion, _ site: Site) throws -> HTTPAnswer {
        let since = try Timestamp(parsing: question.first("since") ?? "30d", now: Site.now)
        let byRule = try site.questions.statistics(by: .rule, since: since)
        let byDay = try site.questions.statistics(by: .day, since: since)
        let spans = [("1d", "a day"), ("7d", "a week"), ("30d", "30 days"), ("365d", "a year")]
            .map { "<a href=\"history?since=\($0.0)\">\($0.1)</a>\n" as HTML }
        let deeds = try RecordQuestions(site.incidents.store).audit(since: since, limit: 50)
        func table(_ answer: Answer, _ links: (String, String) -> String? = { _, _ in nil }) -> HTML {
            answer.rows.isEmpty ? "<p>Nothing yet.</p>\n" : HTML(answer, links: links)
        }
        let body: HTML = """
            <h1>History since \(IncidentView.time(since))</h1>
            <p>\(spans)</p>
            <p>\(byRule.note ?? "")</p>
            <h2>By rule, the most frequent first</h2>
            \(table(byRule) { column, text in column == "rule" ? "./?state=all&filter=\("alertname=\"\(text)\"".percentEncoded)" : nil })
            <h2>By day</h2>
            \(table(byDay))
            <h2>Who did what</h2>
            \(table(deeds))
            """
        return Page(title: "History", root: "", body: body).answer(site)
    }
}
