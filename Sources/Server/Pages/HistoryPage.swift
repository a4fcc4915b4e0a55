import Incidents
import Alerting
import Columns
import HTTPTypes
import Query

/// How often each rule found something, how long incidents took, and who did what.
struct HistoryPage: SitePage {
    static let link: NavigationLink? = NavigationLink(path: "history", title: "History")

    private let site: Site

    init(_ site: Site) { self.site = site }

    var routes: [Route] {
        [
            Route(
                .get, "/history",
                .page("showHistory", "How often each rule found something, how long incidents took, and who did what") {
                    $0.parameters = [.text("since", "From then on: 7d, today, or RFC 3339")]
                    $0.refusals = [400]
                }
            ) { try show($0) }
        ]
    }

    private static let spans = [("1d", "a day"), ("7d", "a week"), ("30d", "30 days"), ("365d", "a year")]

    private func show(_ request: RouteRequest) throws -> RouteResponse {
        let since = try Timestamp(parsing: request.first("since") ?? "30d", now: .now)
        let byRule = try site.questions.statistics(by: .rule, since: since)
        let byDay = try site.questions.statistics(by: .day, since: since)
        let actions = try RecordQuestions(site.incidents.store).audit(since: since, limit: 50)
        let spans = Self.spans.map { "<a href=\"history?since=\($0.0)\">\($0.1)</a>\n" as HTML }
        let body: HTML = """
            <h1>History since \(Shown.time(since))</h1>
            <p>\(spans)</p>
            <p>\(byRule.note ?? "")</p>
            <h2>By rule, the most frequent first</h2>
            \(table(byRule) { column, text in
                column == "rule" ? "./?state=all&filter=\("alertname=\"\(text)\"".percentEncoded)" : nil
            })
            <h2>By day</h2>
            \(table(byDay))
            <h2>Who did what</h2>
            \(table(actions))
            """
        return Page(title: "History", root: "", body: body).response(site)
    }

    private func table(_ answer: Answer, links: (String, String) -> String? = { _, _ in nil }) -> HTML {
        answer.rows.isEmpty ? "<p>Nothing yet.</p>\n" : HTML(answer, links: links)
    }
}
