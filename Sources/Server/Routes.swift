import Alerting
import Detection
import Incidents
import Ingest
import Lake
import Query
import Store
import Telemetry

/// The obs that is served over HTTP: what its routes read, and what they change.
public struct ServedObs: Sendable {
    let version: String
    let alerts: AlertInbox
    let incidents: IncidentStore
    let lake: Lake
    let serving: ServingStore
    let runbooks: String
    let readiness: Readiness
    let metrics: MetricsRegistry
    /// The address of Grafana, for the links of the pages; nil shows none.
    public var dashboards: String?
    /// Who may do what; nil where everybody may do everything.
    public var access: AccessControl?
    /// The models whose scores may be asked for; nil for none.
    public var models: ModelRegistry?
    /// Takes what is pushed.
    public var receiver = PushReceiver { [] }
    /// The state of each source; called at each request.
    public var sources: @Sendable () -> [SourceReport] = { [] }
    /// What may be blocked; called at each request, because a reload may change it.
    public var blocklist: @Sendable () -> BlocklistPolicy = { BlocklistPolicy() }
    /// Reads the configuration again for the user or token of a name; gives what is wrong with it, or nil when it is in force.
    public var reload: @Sendable (String) async -> String? = { _ in nil }

    /// An obs without sources, whose configuration cannot change.
    ///
    /// - Parameters:
    ///   - lake: the tables with the lines around evidence and with the figures.
    ///   - serving: the newest gold rows by key.
    ///   - runbooks: the folder with a page per alert.
    public init(
        version: String, alerts: AlertInbox, incidents: IncidentStore, lake: Lake, serving: ServingStore, runbooks: String,
        readiness: Readiness, metrics: MetricsRegistry
    ) {
        self.version = version
        self.alerts = alerts
        self.incidents = incidents
        self.lake = lake
        self.serving = serving
        self.runbooks = runbooks
        self.readiness = readiness
        self.metrics = metrics
    }

    /// What the pages show of it.
    var site: Site {
        Site(
            incidents: incidents, alerts: alerts, lake: lake, runbooks: runbooks, dashboards: dashboards, readiness: readiness,
            sources: sources, access: access)
    }
}

/// All routes of the server. A new group of routes is a line in this list; `/api/openapi.json` describes it by itself.
public enum Routes {
    /// The routes of an obs.
    public static func all(_ obs: ServedObs) -> [Route] {
        let routes =
            OperationsRoutes.all(metrics: obs.metrics, readiness: obs.readiness, reload: obs.reload)
            + AlertmanagerRoutes.all(obs.alerts, version: obs.version)
            + IncidentRoutes.all(obs.incidents, runbooks: obs.runbooks, lake: obs.lake)
            + IngestRoutes.all(obs.receiver) + PushRoutes.all(obs.receiver) + SourceRoutes.all(obs.sources)
            + SQLRoutes.all(obs.incidents.store, obs.lake) + ServingRoutes.all(obs.serving) + ModelRoutes.all(obs.models)
            + LokiRoutes.all(obs.lake, version: obs.version)
            + BlocklistRoutes.all(obs.incidents, policy: obs.blocklist)
            + Pages.routes(obs.site)
        return routes + [OpenAPI.route(describing: routes)]
    }
}
