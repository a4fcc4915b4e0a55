import Columns
@preconcurrency import GRDB
import Incidents
import Store
import Synchronization
import Telemetry

/// Raises an alert for each dead man's switch that has been silent for too long, and resolves it when the switch is heard again.
final class WatchSwitches: Chore {
    let name = "watching dead man's switches"
    let interval = Duration.seconds(1)

    private let inbox: AlertInbox
    private let heard: GaugeFamily
    private let isRestored = Atomic(false)

    init(_ inbox: AlertInbox, metrics: MetricsRegistry) {
        self.inbox = inbox
        heard = metrics.gauge(
            "obs_dead_mans_switch_heard_timestamp_seconds", help: "When a dead man's switch had its last sign of life.",
            labels: ["switch"])
    }

    func run(_ configuration: AlertingConfiguration, now: Timestamp) async throws {
        guard !configuration.deadMansSwitches.isEmpty else { return }
        if !isRestored.load(ordering: .acquiring) {
            let raised = try await inbox.incidents.store.database.read { try AlertStore.raisedSwitches(now: now, $0) }
            inbox.switches.state.withLock { $0.restore(raised) }
            isRestored.store(true, ordering: .releasing)
        }
        let due = inbox.switches.state.withLock {
            $0.due(configuration.deadMansSwitches, resolveTimeout: configuration.resolveTimeout, now: now)
        }
        do { if !due.isEmpty { try await inbox.put(due, configuration) } } catch {
            // Until the store has it, it is neither raised nor resolved.
            inbox.switches.state.withLock { $0.couldNotPost(due) }
            throw error
        }
        for (name, at) in inbox.switches.state.withLock({ $0.heard(configuration.deadMansSwitches) }) {
            if let at { heard[name].set(at.secondsSince1970) }
        }
    }
}
