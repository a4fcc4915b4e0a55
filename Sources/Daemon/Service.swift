import Store
import UnixSignals
import Alerting
import Configuration
import Incidents
import Ingest
import Jobs
import Lake
import Logging
import Query
import Server
import ServiceLifecycle
import Telemetry

/// `obs run`: all its services, in the order in which data passes them. What starts last stops first.
public struct Daemon: Sendable {
    private let configuration: Configuration
    private let configurationFile: String?
    private let workspace: Workspace
    private let lock: RunLock
    let metrics: MetricsRegistry
    private let alerts: AlertInbox
    private let health = HealthNotes()
    private let logger: Logger
    /// The port of the HTTP server, once it listens.
    public let boundPort = BoundPort()

    /// Opens the data directory and takes its lock.
    ///
    /// - Parameter configurationFile: what SIGHUP and `/-/reload` read again.
    /// - Throws: ``AlreadyRunning`` when another process runs on the data directory; ``UsageError`` when everybody on a network
    ///   could reach it and nobody has said that they may.
    public init(_ configuration: Configuration, configurationFile: String?) throws {
        if let exposure = configuration.http.exposure { throw UsageError(exposure) }
        self.configuration = configuration
        self.configurationFile = configurationFile
        workspace = try Workspace(configuration.dataDirectory)
        lock = try RunLock(configuration.dataDirectory)
        metrics = MetricsRegistry()
        metrics.observeProcess()
        metrics.collectFromLibraries()
        metrics.gauge("obs_build_info", help: "The version that runs.", labels: ["version"])[BuildInfo.version].set(1)
        logger = configuration.logger(isService: true)
        alerts = AlertInbox(
            configuration.alerting, incidents: workspace.incidents,
            links: .reporting(besides: workspace.store.path, to: health, logger: logger), metrics: metrics, logger: logger)
        health.register(in: metrics)
    }

    /// Runs until SIGTERM or SIGINT: then the sources stop, what they have read is committed, and it returns.
    public func run() async throws {
        DescriptorLimit.raise()
        let memory = MemoryUpkeep()
        let readiness = Readiness(["sources"], notes: health)
        let spools = Spools(workspace)
        for problem in Spool.problems(in: workspace.path + "/spool") {
            health.note(.damagedFile, problem, problem)
            logger.error("a spool is damaged", metadata: ["error": "\(problem)"])
        }
        let serving = try workspace.serving(configuration.pipelines, health: health, logger: logger)
        let plans = try PipelinePlan.plans(configuration)
        for plan in plans {
            for entry in plan.sources where entry.settings.isPushed { _ = try await spools.spool(entry, of: plan.definition) }
        }
        let watch = SourceWatch(
            plans, store: SourceActivities(store: workspace.store), readiness: readiness, metrics: metrics, logger: logger)
        let pipelines = PipelineSupervisor(
            plans,
            in: PipelineSurroundings(
                workspace: workspace, spools: spools, serving: serving, alerts: alerts, watch: watch, readiness: readiness,
                metrics: metrics, logger: logger))
        let reloader = Reloader(
            configuration, file: configurationFile, alerts: alerts, pipelines: pipelines, metrics: metrics, logger: logger)
        var served = ServedObs(
            version: BuildInfo.version, alerts: alerts, incidents: workspace.incidents, lake: workspace.lake, serving: serving,
            runbooks: configuration.runbooks, readiness: readiness, metrics: metrics)
        served.dashboards = configuration.http.dashboards
        served.receiver = PushReceiver { await spools.all }
        served.models = workspace.models
        served.sources = { watch.reports }
        served.blocklist = { reloader.blocklist }
        served.reload = { await reloader.reload(by: $0) }
        let access = AccessControl(
            configuration.http, store: workspace.access, externalURL: configuration.alerting.externalURL, logger: logger)
        served.access = access
        let server = HTTPServer(
            configuration.http, routes: Routes.all(served),
            hosts: KnownHosts(configuration.http, externalURL: configuration.alerting.externalURL), access: access,
            metrics: metrics, logger: logger, boundPort: boundPort)
        for weakness in configuration.http.acceptedWeaknesses {
            logger.warning("obs is insecure, because http.insecure is set", metadata: ["why": "\(weakness)"])
        }
        let upkeep = LakeUpkeep(
            lake: workspace.lake, retention: { reloader.configuration.retention }, metrics: metrics, logger: logger,
            health: health)
        let root = workspace.lake.root
        let disk: @Sendable () -> DiskSpace? = { DiskSpace(at: root) }
        let retention = LakeRetention(
            workspace, policy: { reloader.configuration.retention }, disk: disk, metrics: metrics, logger: logger, health: health)
        let proof = SourceProof(lake: workspace.lake, metrics: metrics, logger: logger, health: health) { reloader.configuration }
        let operations = OperationsWatch(
            alerts: alerts, sources: watch, workspace: workspace, metrics: metrics, logger: logger,
            disk: disk, proof: proof, configuration: { reloader.configuration })
        let models = ModelUpkeep(workspace, metrics: metrics, logger: logger) { reloader.configuration }
        let storeWatch = StoreWatch(store: workspace.store, health: health, logger: logger)
        let dispatcher = Dispatcher(alerts, metrics: metrics, health: health)
        let chores = Chores(alerts, metrics: metrics, health: health)
        let services: [any Service] = [
            server, dispatcher, chores, HangUpService(reloader: reloader), upkeep, retention, storeWatch, memory, watch,
            operations, proof, models,
            pipelines, SecondSignal(),
        ]
        readiness.isMet("sources")
        logger.info(
            "obs runs",
            metadata: [
                "version": "\(BuildInfo.version)", "data_dir": "\(configuration.dataDirectory)",
                "sources": "\(configuration.sources.count)",
            ])
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: Self.quiet(logger)))
        try await group.run()
        do { try workspace.store.seal() } catch {
            logger.warning("the checksums of the database could not be written", metadata: ["error": "\(error)"])
        }
        logger.info("obs has stopped")
    }

    /// The lifecycle library's own lines are detail.
    private static func quiet(_ logger: Logger) -> Logger {
        var quiet = logger
        quiet.logLevel = .error
        return quiet
    }
}
