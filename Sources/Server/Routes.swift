import Alerting
import Ingest
import Query
import Telemetry

/// All that the server answers. A group of routes that is added stands in this list, and in the description that `/api/openapi.json` gives.
public enum Routes {
    /// - Parameters:
    ///   - runbooks: the folder with a page for each alert.
    ///   - spools: asked at each request, because a reload may add sources.
    ///   - reload: what is wrong with the configuration, or nil when it is in force.
    public static func all(
        metrics: MetricsRegistry, readiness: Readiness, alerts: AlertManager, version: String, incidents: IncidentStore,
        runbooks: String,
        spools: @escaping @Sendable () async -> [String: Spool], serving: ServingStore,
        reload: @escaping @Sendable () async -> String?
    ) -> [Route] {
        OperationsRoutes.all(metrics: metrics, readiness: readiness, reload: reload) + [OpenAPI.route]
            + AlertmanagerRoutes.all(alerts, version: version)
            + IncidentRoutes.all(incidents, runbooks: runbooks, links: alerts.links) + IngestRoutes.all(spools)
            + ServingRoutes.all(serving)
    }
}
