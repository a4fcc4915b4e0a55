import Server
import Streaming
import UnixSignals
import Alerting
import Incidents
import Columns
import Configuration
import Foundation
import Jobs
import Logging
import Notify
import Query
import ServiceLifecycle
import Synchronization
import Telemetry

/// `obs demo`: simulated traffic of all pipelines with attacks and faults, everything that watches it, a webhook receiver, and a
/// summary of what was found.
public struct Demo: Sendable {
    private let configuration: Configuration
    private let duration: Duration?
    private let say: @Sendable (String) -> Void

    /// - Parameters:
    ///   - duration: ends by itself after it; nil runs until it is stopped.
    ///   - say: called with what a person should see, line by line.
    public init(_ configuration: Configuration, duration: Duration?, say: @escaping @Sendable (String) -> Void) {
        self.configuration = configuration
        self.duration = duration
        self.say = say
    }

    /// Runs until the time is over, or until SIGINT or SIGTERM.
    public func run() async throws {
        let folder = configuration.dataDirectory
        try FileManager.default.createDirectory(atPath: folder + "/demo", withIntermediateDirectories: true)
        let log = folder + "/demo/auth.log"
        let delivered = Mutex<[WebhookSink.Delivery]>([])
        let say = say
        let sink = WebhookSink(listen: "127.0.0.1:0") { delivery in
            delivered.withLock { $0.append(delivery) }
            say("  webhook  \(delivery.status)  \(delivery.summaries.joined(separator: "; "))")
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            let sinkGroup = ServiceGroup(services: [sink], logger: Self.silent)
            group.addTask { try await sinkGroup.run() }
            guard let port = await sink.boundPort.wait() else { return }

            var settings = configuration
            settings.sources = [.init(name: "demo", file: log)] + DemoTraffic.sources(folder + "/demo")
            settings.pipelines = DemoTraffic.pipelines(settings.pipelines, folder: folder + "/demo")
            settings.alerting.receivers = [
                Receiver(name: "quiet", notifiers: []),
                Receiver(name: "demo", notifiers: [try .webhook("http://127.0.0.1:\(port)/hook")]),
            ]
            // What is merely unusual is kept and shown; people are notified of attacks.
            var attacks = Route(receiver: "demo")
            attacks.matchers = try [Matcher](parsing: "severity=~\"warning|critical\"")
            attacks.groupBy = ["alertname", "source"]
            attacks.groupWait = .zero
            attacks.groupInterval = .seconds(5)
            settings.alerting.route = Route(receiver: "quiet")
            settings.alerting.route?.routes = [attacks]
            for index in settings.pipelines.indices { settings.pipelines[index].commitInterval = .seconds(2) }
            settings.logLevel = .warning
            let daemon = try Daemon(settings, configurationFile: nil)

            say(
                """
                obs \(BuildInfo.version) shows itself: two hours of simulated traffic of SSH, rail, shop, events and \
                logs, then live; data in \(folder)
                """
            )
            let simulation = SSHDemoTraffic(path: log, history: .seconds(7200))
            let traffic = try DemoTraffic.simulations(folder + "/demo")
            let services = ServiceGroup(
                configuration: .init(
                    services: traffic.map { run in .init(service: Running { try await run.run() }) } + [
                        .init(service: Running { try await simulation.run() }),
                        .init(service: Running { try await daemon.run() }),
                        .init(service: Alarm(after: duration), successTerminationBehavior: .gracefullyShutdownGroup),
                    ], gracefulShutdownSignals: [.sigterm, .sigint], logger: Self.silent))
            group.addTask {
                guard let http = await daemon.boundPort.wait() else { return }
                say("  page     http://127.0.0.1:\(http)/")
                say("  metrics  http://127.0.0.1:\(http)/metrics")
                say("  API      http://127.0.0.1:\(http)/api/v1/incidents")
            }
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await services.run()) } catch { outcome = .failure(error) }
            await sinkGroup.triggerGracefulShutdown()
            try outcome.get()
            try await group.waitForAll()
            try summarize(folder, webhooks: delivered.withLock { $0 }, attacks: simulation.attackCount)
        }
    }

    private func summarize(_ folder: String, webhooks: [WebhookSink.Delivery], attacks: Int) throws {
        let workspace = try Workspace(folder)
        say("")
        say("Tables")
        for line in (try LakeQuestions(workspace.lake).tables()).rendered(as: .table).split(separator: "\n") {
            say("  \(line)")
        }
        say("")
        let incidents = try IncidentQuestions(workspace.incidents).list(
            .init(matchers: "severity=~\"warning|critical\"", limit: 10))
        let all = try workspace.incidents.incidents()
        say(
            "\(all.count) incidents of \(attacks) simulated attacks and what else stood out; \(webhooks.count) webhooks delivered"
        )
        for line in incidents.rendered(as: .table).split(separator: "\n") { say("  \(line)") }
        say("")
        say("Look further")
        // As it was called: who has just built it has it nowhere on the path.
        let program = CommandLine.arguments.first ?? "obs"
        say("  \(program) query incidents --data-dir \(folder)")
        if let id = all.first?.id { say("  \(program) query incident \(id) --data-dir \(folder)") }
        say("  \(program) query events 'event=~\"failed_.*\"' --limit 5 --data-dir \(folder)")
        say("  \(program) run -c obs.yaml        with your own logs")
    }

    private static var silent: Logger {
        var logger = Logger(label: "obs.demo")
        logger.logLevel = .critical
        return logger
    }
}

/// What ends when its group does.
private struct Running: Service {
    let work: @Sendable () async throws -> Void
    func run() async throws { try await work() }
}

/// Ends the group after a while.
private struct Alarm: Service {
    let after: Duration?

    func run() async throws {
        try? await cancelWhenGracefulShutdown { try await Task.sleep(for: after ?? .seconds(10 * 365 * 86_400)) }
    }
}
