import Columns
import Detection
import Foundation
import Logging
import Store
import Synchronization
import Telemetry
import TestSupport

@testable import Alerting
@testable import Notify
@testable import Incidents

/// A store in a folder of its own, removed with the value's owner.
final class TemporaryStore: Sendable {
    private let directory = TemporaryFolder()
    var folder: String { directory.path }
    let store: Store
    let incidents: IncidentStore

    init() throws {
        store = try Store(path: directory.path + "/obs.db", migrations: IncidentStore.migrations)
        incidents = IncidentStore(store)
    }
}

extension Timestamp {
    static let start = Timestamp(seconds: 1_450_000_000)
}

extension Finding {
    static func bruteForce(
        from source: String = "10.0.0.1", count: Int = 10, at time: Timestamp = .start, lines: [Int64] = [0, 80]
    ) -> Finding {
        Finding(
            name: "SSHBruteForce", detector: "rule", severity: .warning, labels: ["source": source, "host": "LabSZ"],
            title: "Brute force from \(source)",
            description: "\(count) failures in 5 minutes", startsAt: time - .seconds(60), lastSeen: time, count: count,
            evidence: lines.map {
                Evidence(file: "auth.log", offset: $0, line: "Failed password for root from \(source)", time: time)
            })
    }
}

/// Alerting as `obs run` puts it together: inbox, dispatcher and chores on one store.
struct RunningAlerting: Sendable {
    let inbox: AlertInbox
    let dispatcher: Dispatcher
    let chores: Chores

    /// Notifies `sinks`, receivers with their addresses, of each group at once.
    static func notifying(
        _ sinks: [String: String], store: TemporaryStore, metrics: MetricsRegistry = MetricsRegistry(),
        health: HealthNotes = HealthNotes(), chores more: [any Chore] = [],
        _ change: (inout AlertingConfiguration) -> Void = { _ in }
    ) -> RunningAlerting {
        var configuration = AlertingConfiguration()
        configuration.receivers = sinks.map { Receiver(name: $0.key, notifiers: [.webhook(to: $0.value)]) }
        var route = Route(receiver: sinks.keys.sorted()[0])
        route.groupBy = ["alertname"]
        route.groupWait = .zero
        route.groupInterval = .milliseconds(1)
        configuration.route = route
        // Fixtures are of 2015: what tests say of the past they say themselves.
        configuration.incidents.notifyMaxAge = .seconds(100 * 365 * 86_400)
        change(&configuration)
        let inbox = AlertInbox(
            configuration, incidents: store.incidents, links: try? AcknowledgeLinks(besides: store.store.path),
            metrics: metrics, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        return RunningAlerting(
            inbox: inbox, dispatcher: Dispatcher(inbox, metrics: metrics, health: health),
            chores: Chores(inbox, metrics: metrics, health: health, more: more))
    }

    /// Runs the dispatcher and the chores while `body` runs.
    func whileRunning(_ body: () async throws -> Void) async throws {
        let running = [Task { try await dispatcher.run() }, Task { try await chores.run() }]
        func stop() async throws {
            for task in running { task.cancel() }
            for task in running { try await task.value }
        }
        do { try await body() } catch {
            try? await stop()
            throw error
        }
        try await stop()
    }
}

extension Store {
    /// The same file once more, as another process has it open.
    static func reopened(_ other: TemporaryStore) throws -> Store {
        try Store(path: other.store.path, migrations: IncidentStore.migrations)
    }
}

extension Notifier {
    /// A webhook to an address that is one.
    static func webhook(to url: String, _ change: (inout Webhook) -> Void = { _ in }) -> Notifier {
        do {
            var webhook = try Webhook(url: url)
            change(&webhook)
            return Notifier(webhook)
        } catch { preconditionFailure("\(error)") }
    }
}
