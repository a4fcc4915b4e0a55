import Alerting
import Incidents
import Ingest
import Lake
import Query
import Store
import Telemetry

/// All routes of the server. A new group of routes is a line in this list; `/api/openapi.json` describes it by itself.
public enum Routes {
    /// - Parameters:
    ///   - runbooks: the folder with a page per alert.
    ///   - dashboards: the address of Grafana, for the links of the pages; nil shows none.
    ///   - spools: called at each request, because a reload may add sources.
    ///   - sources: the state of each source; called at each request.
    ///   - blocklist: what may be blocked; called at each request.
    ///   - reload: what is wrong with the configuration, or nil when it is in force.
    public static func all(
        metrics: MetricsRegistry, readiness: Readiness, alerts: AlertInbox, version: String, incidents: IncidentStore,
        runbooks: String, lake: Lake, dashboards: String? = nil,
        spools: @escaping @Sendable () async -> [String: Spool], sources: @escaping @Sendable () -> [SourceReport] = { [] },
        serving: ServingStore, blocklist: @escaping @Sendable () -> BlocklistPolicy = { BlocklistPolicy() },
        reload: @escaping @Sendable () async -> String?
    ) -> [Route] {
        let site = Site(
            incidents: incidents, alerts: alerts, lake: lake, runbooks: runbooks, dashboards: dashboards, readiness: readiness,
            sources: sources)
        let routes =
            OperationsRoutes.all(metrics: metrics, readiness: readiness, reload: reload)
            + AlertmanagerRoutes.all(alerts, version: version)
            + IncidentRoutes.all(incidents, runbooks: runbooks, lake: lake)
            + IngestRoutes.all(spools) + SourceRoutes.all(sources) + ServingRoutes.all(serving)
            + BlocklistRoutes.all(incidents, policy: blocklist)
            + Pages.routes(site)
        return routes + [OpenAPI.route(describing: routes)]
    }
}
