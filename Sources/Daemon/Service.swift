import Alerting
import Columns
import Detection
import Foundation
import Ingest
import Logging
import Parsing
import Query
import Server
import ServiceLifecycle
import Streaming
import Synchronization
import Telemetry
import UnixSignals

/// The house seen from the front: what runs in `obs run`, in the order of the data's way. What starts last stops first.
public struct Daemon: Sendable {
    private let configuration: Configuration
    private let configurationFile: String?
    private let workspace: Workspace
    private let metrics: MetricsRegistry
    private let alerts: AlertManager
    private let logger: Logger
    public let boundPort = BoundPort()

    /// - Parameter configurationFile: what SIGHUP and `/-/reload` read again.
    public init(_ configuration: Configuration, configurationFile: String?, isQuiet: Bool = false) throws {
        self.configuration = configuration
        self.configurationFile = configurationFile
        workspace = try Workspace(configuration.dataDirectory)
        metrics = MetricsRegistry()
        ProcessMetrics.register(in: metrics)
        metrics.gauge("obs_build_info", help: "The version that runs.", labels: ["version"])[BuildInfo.version].set(1)
        let level = Logger.Level(rawValue: configuration.logLevel) ?? .info
        logger = .obs("obs", level: isQuiet ? .error : level, runID: Identifiers.runID())
        alerts = AlertManager(configuration.alerting, incidents: workspace.incidents, metrics: metrics, logger: logger)
    }

    /// Runs until SIGTERM or SIGINT: then the sources stop, what they have read is committed, and it returns.
    public func run() async throws {
        let readiness = Readiness(["sources"])
        let reloader = Reloader(
            file: configurationFile, dataDirectory: configuration.dataDirectory, alerts: alerts, metrics: metrics, logger: logger)
        let routes =
            OperationsRoutes.all(metrics: metrics, readiness: readiness) { await reloader.reload() }
            + IncidentRoutes.all(workspace.incidents, runbooks: configuration.runbooks)
        let server = HTTPServer(configuration.http, routes: routes, metrics: metrics, logger: logger, boundPort: boundPort)
        var services: [any Service] = [server, alerts, HangUpService(reloader: reloader)]
        let byPipeline = Dictionary(grouping: configuration.sources, by: \.pipeline)
        for (name, sources) in byPipeline.sorted(by: { $0.key < $1.key }) {
            services.append(
                PipelineService(
                    definition: try configuration.pipeline(name), sources: sources, rules: configuration.rules,
                    workspace: workspace, alerts: alerts,
                    metrics: metrics, logger: logger))
        }
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
        logger.info("obs has stopped")
    }

    /// The lifecycle library's own lines are detail.
    private static func quiet(_ logger: Logger) -> Logger {
        var quiet = logger
        quiet.logLevel = .error
        return quiet
    }
}

/// One pipeline with its sources. When a table cannot be written (a full disk), it waits and goes on from the last checkpoint: the source keeps the data.
struct PipelineService: Service {
    let definition: PipelineDefinition
    let sources: [Configuration.SourceEntry]
    let rules: [DetectionRule]
    let workspace: Workspace
    let alerts: AlertManager
    let metrics: MetricsRegistry
    let logger: Logger

    func run() async throws {
        var pause = Duration.seconds(1)
        while !Task.isShuttingDownGracefully {
            do {
                let observer = try DetectionObserver(
                    rules: rules, registry: workspace.models, alerts: alerts, metrics: metrics, logger: logger)
                let runner = try await PipelineRunner(
                    definition, lake: workspace.lake, checkpoints: workspace.checkpoints,
                    context: ParsingContext(timeZone: sources.compactMap(\.timeZone).first ?? .current),
                    exportFolder: workspace.exports, observers: [observer],
                    metrics: metrics, logger: logger)
                let following = sources.map {
                    FollowSource(name: $0.name, .init(path: $0.file), metrics: metrics, logger: logger)
                }
                _ = try await runner.run(following, mode: .stream)
                return
            } catch let error as PipelineError {
                throw error  // a definition or a lock: waiting does not mend it
            } catch is CancellationError {
                return
            } catch {
                logger.error(
                    "a pipeline failed; it goes on from its last checkpoint",
                    metadata: ["pipeline": "\(definition.name)", "error": "\(error)", "wait": "\(pause)"])
                let wait = pause
                try? await cancelWhenGracefulShutdown { try await Task.sleep(for: wait) }
                pause = min(pause * 2, .seconds(60))
            }
        }
    }
}

/// Reads the configuration again and puts it in force, or keeps the old one if the new one is bad.
final class Reloader: Sendable {
    private let file: String?
    private let dataDirectory: String
    private let alerts: AlertManager
    private let successful: Gauge
    private let time: Gauge
    private let logger: Logger

    init(file: String?, dataDirectory: String, alerts: AlertManager, metrics: MetricsRegistry, logger: Logger) {
        self.file = file
        self.dataDirectory = dataDirectory
        self.alerts = alerts
        self.logger = logger
        successful =
            metrics.gauge("obs_config_last_reload_successful", help: "Whether the last reading of the configuration succeeded.")[]
        time =
            metrics.gauge(
                "obs_config_last_reload_timestamp_seconds", help: "When the configuration in force was read, since 1970.")[]
        successful.set(1)
        time.set(WallClock.now)
    }

    /// Nil, or what is wrong with the new configuration. Routes and receivers are in force at once; sources and pipelines with the next start.
    func reload() async -> String? {
        do {
            let new = try Configuration.load(file: file, dataDirectory: dataDirectory)
            alerts.reconfigure(new.alerting)
            successful.set(1)
            time.set(WallClock.now)
            logger.info("the configuration is reloaded")
            return nil
        } catch {
            successful.set(0)
            logger.error("the new configuration is bad; the old one stays in force", metadata: ["error": "\(error)"])
            return "\(error)"
        }
    }
}

/// Reloads on SIGHUP.
struct HangUpService: Service {
    let reloader: Reloader

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() { _ = await reloader.reload() }
    }
}
