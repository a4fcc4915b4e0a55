import Alerting
import Ingest
import Lake
import Query
import Store
import Telemetry

/// All that the server answers. A group of routes that is added stands in this list, and in the description that `/api/openapi.json` gives.
public enum Routes {
    /// - Parameters:
    ///   - runbooks: the folder with a page for each alert.
    ///   - dashboards: where Grafana is, for the links of the pages; nil shows none.
    ///   - spools: asked at each request, because a reload may add sources.
    ///   - sources: each source as it is.
    ///   - reload: what is wrong with the configuration, or nil when it is in force.
    public static func all(
        metrics: MetricsRegistry, readiness: Readiness, alerts: AlertManager, version: String, incidents: IncidentStore,
        runbooks: String, lake: Lake, dashboards: String? = nil,
        spools: @escaping @Sendable () async -> [String: Spool], sources: @escaping @Sendable () -> [SourceReport] = { [] },
        serving: ServingStore,
        reload: @escaping @Sendable () async -> String?
    ) -> [Route] {
        let site = Site(
            incidents: incidents, alerts: alerts, runbooks: runbooks, dashboards: dashboards, readiness: readiness,
            sources: sources)
        return OperationsRoutes.all(metrics: metrics, readiness: readiness, reload: reload) + [OpenAPI.route]
            + AlertmanagerRoutes.all(alerts, version: version)
            + IncidentRoutes.all(incidents, runbooks: runbooks, lake: lake) + IngestRoutes.all(spools)
            + SourceRoutes.all(sources)
            + ServingRoutes.all(serving) + Pages.routes(site, lake: lake)
    }
}
