import Columns
import Alerting
import Configuration
import Incidents
import Foundation
import Logging
import Query
import Server
import ServiceLifecycle
import Store
import Streaming
import Synchronization
import Telemetry
import UnixSignals

/// Reads the configuration again and puts it in force, or keeps the old one if the new one is bad.
final class Reloader: Sendable {
    private let inForce: Mutex<Configuration>
    private let file: String?
    private let alerts: AlertInbox
    private let pipelines: PipelineSupervisor
    private let successful: Gauge
    private let time: Gauge
    private let logger: Logger

    /// - Parameter file: what is read again; nil is `obs.yaml`, as at the start.
    init(
        _ configuration: Configuration, file: String?, alerts: AlertInbox, pipelines: PipelineSupervisor,
        metrics: MetricsRegistry,
        logger: Logger
    ) {
        inForce = Mutex(configuration)
        self.file = file
        self.alerts = alerts
        self.pipelines = pipelines
        self.logger = logger
        successful =
            metrics.gauge("obs_config_last_reload_successful", help: "Whether the last reading of the configuration succeeded.")[]
        time =
            metrics.gauge(
                "obs_config_last_reload_timestamp_seconds", help: "When the configuration in force was read, since 1970.")[]
        successful.set(1)
        time.set(Timestamp.now.secondsSince1970)
    }

    /// The configuration in force.
    var configuration: Configuration { inForce.withLock { $0 } }
    /// What may be blocked, by the configuration in force.
    var blocklist: BlocklistPolicy { configuration.blocklist }

    /// Nil, or what is wrong with the new configuration. The audit has who asked for it, and how it ended.
    ///
    /// All of it is in force when it returns: pipelines that changed have stopped at a commit, and go on with what is new.
    ///
    /// - Parameter actor: the user or the token that asks for it.
    func reload(by actor: String = "obs") async -> String? {
        let problem = await putInForce()
        do {
            try await alerts.audit(
                "config.reload", of: file ?? "obs.yaml", by: actor, detail: problem ?? "the new configuration is in force")
        } catch {
            logger.error("a reload cannot be written to the audit", metadata: ["error": "\(error)"])
        }
        return problem
    }

    private func putInForce() async -> String? {
        do {
            let old = inForce.withLock { $0 }
            var new = try Configuration.load(file: file, dataDirectory: old.dataDirectory)
            // Without a file what was found at the start is watched on.
            if !Configuration.hasFile(file) { new.sources = old.sources }
            // The flag of the command line, which no file has.
            if old.http.isInsecure { new.http.isInsecure = true }
            if old.readsStandardInput { try new.addStandardInput() }
            let plans = try PipelinePlan.plans(new)
            try pipelines.check(plans)
            alerts.reconfigure(new.alerting)
            await pipelines.apply(plans)
            inForce.withLock { $0 = new }
            successful.set(1)
            time.set(Timestamp.now.secondsSince1970)
            let waiting = Self.needsRestart(old, new)
            if !waiting.isEmpty {
                logger.warning("these changes wait for a restart", metadata: ["keys": "\(waiting.joined(separator: ", "))"])
            }
            logger.info("the configuration is reloaded")
            return nil
        } catch {
            successful.set(0)
            logger.error("the new configuration is bad; the old one stays in force", metadata: ["error": "\(error)"])
            return Self.answer(error)
        }
    }

    /// What whoever reaches the port may know. Details of the files are for those who may read them or the log: a typing mistake
    /// can make a secret part of what is wrong.
    private static func answer(_ error: any Error) -> String {
        if let error = error as? PipelineError { return error.description }
        let count = (error as? ConfigurationError)?.count ?? 1
        return "the new configuration has \(count == 1 ? "a mistake" : "\(count) mistakes") and the old one stays in force; "
            + "'obs check config' and the log say what is wrong"
    }

    /// The keys whose new values cannot be put in force while the process runs.
    private static func needsRestart(_ old: Configuration, _ new: Configuration) -> [String] {
        [("http", old.http != new.http), ("runbooks", old.runbooks != new.runbooks), ("log", old.logLevel != new.logLevel)]
            .filter(\.1).map(\.0)
    }
}

/// Reloads on SIGHUP.
struct HangUpService: Service {
    let reloader: Reloader

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            _ = await Store.$auditOrigin.withValue("SIGHUP") { await reloader.reload() }
        }
    }
}
