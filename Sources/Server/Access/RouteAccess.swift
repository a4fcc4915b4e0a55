import Access
import HTTPTypes

/// What each route of obs needs: the one list. A server whose routes are not all in it does not start, and docs/security.md shows
/// it. What changes something needs more than looking does, and no GET changes anything but the one that ends a log-in
/// (``OpenIDLogIns``).
enum RouteAccess {
    /// What a request must have to reach a route.
    enum Need: Sendable, Hashable {
        /// Nothing: what a watchdog asks, and where people log in.
        case nothing
        /// A link that obs has signed; the route checks it.
        case signedLink
        case permission(Permission)
    }

    /// By method and path, in the order of the page.
    static let table: [(route: String, need: Need)] =
        need(
            .nothing,
            [
                "GET /-/healthy", "HEAD /-/healthy", "GET /-/ready", "HEAD /-/ready", "GET /login", "POST /login",
                "GET /login/openid", "GET /login/openid/return", "POST /logout",
            ])
        + need(.signedLink, ["GET /incidents/{id}/acknowledge", "POST /incidents/{id}/acknowledge"])
        + need(
            .permission(.view),
            [
                "GET /", "GET /incidents/{id}", "GET /incidents/{id}/figures.svg", "GET /silences", "GET /history",
                "GET /runbooks", "GET /runbooks/{name}", "GET /api/v1/incidents", "GET /api/v1/incidents/{id}",
                "GET /api/v1/incidents/{id}/timeline", "GET /api/v1/sources", "GET /api/v1/serve/{table}",
                "GET /api/v1/serve/{table}/{key}", "POST /api/v1/sql", "POST /api/v1/models/{name}/invocations",
                "GET /api/v1/blocklist",
                "GET /loki/api/v1/query", "GET /loki/api/v1/query_range", "GET /loki/api/v1/labels", "GET /loki/api/v1/label",
                "GET /loki/api/v1/label/{name}/values", "GET /loki/api/v1/series", "GET /loki/api/v1/index/stats",
                "GET /loki/api/v1/index/volume", "GET /loki/api/v1/index/volume_range", "GET /loki/api/v1/patterns",
                "GET /loki/api/v1/detected_labels", "GET /loki/api/v1/detected_fields",
                "GET /loki/api/v1/detected_field/{name}/values", "GET /loki/api/v1/status/buildinfo", "GET /loki/api/v1/tail",
                "GET /api/v2/status", "GET /api/v2/receivers",
                "GET /api/v2/alerts", "GET /api/v2/alerts/groups", "GET /api/v2/silences", "GET /api/v2/silence/{id}",
                "GET /api/openapi.json", "GET /metrics",
            ])
        + need(
            .permission(.respond),
            [
                "POST /incidents/acknowledge", "POST /incidents/{id}", "POST /silences", "POST /silences/{id}",
                "POST /api/v1/incidents/{id}/{action}", "POST /api/v2/silences", "DELETE /api/v2/silence/{id}",
            ])
        + need(.permission(.administer), ["POST /-/reload"])
        + need(
            .permission(.push),
            [
                "POST /api/v1/ingest/{source}", "POST /loki/api/v1/push", "POST /api/v1/ingest/{source}/loki/api/v1/push",
                "POST /v1/logs", "POST /api/v1/ingest/{source}/v1/logs",
                "POST /elasticsearch/_bulk", "POST /elasticsearch/{index}/_bulk", "GET /elasticsearch",
                "PUT /elasticsearch/_bulk", "PUT /elasticsearch/{index}/_bulk",
                "PUT /api/v1/ingest/{source}/_bulk", "PUT /api/v1/ingest/{source}/{index}/_bulk",
                "GET /elasticsearch/_license", "GET /elasticsearch/_xpack",
                "POST /api/v1/ingest/{source}/_bulk", "POST /api/v1/ingest/{source}/{index}/_bulk",
                "GET /api/v1/ingest/{source}", "GET /api/v1/ingest/{source}/_license", "GET /api/v1/ingest/{source}/_xpack",
                "POST /services/collector",
                "POST /services/collector/event",
                "POST /services/collector/event/1.0",
                "POST /services/collector/raw",
                "POST /services/collector/raw/1.0",
                "GET /services/collector/health",
                "GET /services/collector/health/1.0",
                "POST /api/v1/ingest/{source}/services/collector",
                "POST /api/v1/ingest/{source}/services/collector/event",
                "POST /api/v1/ingest/{source}/services/collector/event/1.0",
                "POST /api/v1/ingest/{source}/services/collector/raw",
                "POST /api/v1/ingest/{source}/services/collector/raw/1.0",
                "GET /api/v1/ingest/{source}/services/collector/health",
                "GET /api/v1/ingest/{source}/services/collector/health/1.0",
                "POST /api/v2/alerts", "POST /api/v1/ingest/alertmanager",
            ])

    private static func need(_ need: Need, _ routes: [String]) -> [(route: String, need: Need)] { routes.map { ($0, need) } }

    private static let needs = Dictionary(uniqueKeysWithValues: table.map { ($0.route, $0.need) })

    /// What `route` needs; nil when the table does not have it.
    static func need(of route: Route) -> Need? { needs["\(route.method.rawValue) \(route.path)"] }

    /// - Throws: ``ServerError/undeclaredRoute(_:)`` for the first route that the table does not have.
    static func checkAll(_ routes: [Route]) throws(ServerError) {
        for route in routes where need(of: route) == nil { throw .undeclaredRoute("\(route.method.rawValue) \(route.path)") }
    }

    /// The table as docs/security.md has it.
    static var markdown: String {
        let roles = Role.allCases
        var text = "| route | \(roles.map { "`\($0.rawValue)`" }.joined(separator: " | ")) | nobody |\n"
        text += "|---|\(roles.map { _ in ":-:|" }.joined()):-:|\n"
        for (route, need) in table {
            let marks = (roles.map(Optional.some) + [nil]).map { role in
                switch need {
                case .nothing: "yes"
                case .signedLink: "link"
                case .permission(let permission): role?.may(permission) == true ? "yes" : "–"
                }
            }
            text += "| `\(route)` | \(marks.joined(separator: " | ")) |\n"
        }
        return text
    }
}
