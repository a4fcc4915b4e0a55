import Columns
import Incidents
import Detection
import Notify
import Store
import Telemetry

/// What the alert manager counts as it happens; what stands in the store is in ``StoreGauges``.
struct AlertingMetrics: Sendable {
    let notifications: CounterFamily
    let duration: HistogramFamily
    let latency: Histogram
    let storeErrors: Counter
    private let heard: GaugeFamily
    private let unreadable: GaugeFamily
    let received: CounterFamily
    let times: IncidentTimes

    init(_ registry: MetricsRegistry, incidents: IncidentStore, receivers: [Receiver]) {
        notifications = registry.counter(
            "obs_notifications_total",
            help:
                "Tries to notify a receiver, by how they ended: sent, partly (some recipients refused), failed (tried again), refused, empty (the templates said nothing).",
            labels: ["receiver", "integration", "outcome"])
        duration = registry.histogram(
            "obs_notification_duration_seconds", help: "How long a try to notify a receiver took.",
            labels: ["receiver", "integration"], buckets: [0.005, 0.025, 0.1, 0.25, 1, 2.5, 5, 10, 30])
        for receiver in receivers {
            for kind in Set(receiver.notifiers.map { $0.kind }) {
                for outcome in ["sent", "partly", "failed", "refused", "empty"] {
                    _ = notifications[receiver.name, kind, outcome]
                }
                _ = duration[receiver.name, kind]
            }
        }
        latency =
            registry.histogram(
                "obs_notification_latency_seconds", help: "Time from the moment a notification is owed to its delivery.",
                buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300])[]
        received = registry.counter(
            "obs_alerts_received_total",
            help: "Alerts that were posted, by what they said; a body that is refused as a whole is one that is invalid.",
            labels: ["outcome"])
        for outcome in ["firing", "resolved", "invalid"] { _ = received[outcome] }
        heard = registry.gauge(
            "obs_dead_mans_switch_heard_timestamp_seconds", help: "When a dead man's switch had its last sign of life.",
            labels: ["switch"])
        storeErrors = registry.counter("obs_store_errors_total", help: "Failed reads and writes of the incident store.")[]
        times = IncidentTimes(registry, incidents)
        unreadable = registry.gauge(
            "obs_store_unreadable_rows",
            help:
                "Rows of the store that cannot be read and are passed over, by table; 'obs check store' names them and says what to do.",
            labels: ["table"])
        for check in IncidentStore.rowChecks { unreadable[check.table].set(0) }
    }

    func show(unreadable rows: [UnreadableRow]) {
        for check in IncidentStore.rowChecks { unreadable[check.table].set(Double(rows.count { $0.table == check.table })) }
    }

    func show(_ switches: [(name: String, at: Timestamp?)]) {
        for (name, at) in switches { if let at { heard[name].set(at.secondsSince1970) } }
    }
}
