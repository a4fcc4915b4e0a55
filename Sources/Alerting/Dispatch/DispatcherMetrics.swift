import Notify
import Telemetry

/// What the dispatcher counts as it happens; numbers that are read from the store are in ``StoreGauges``.
struct DispatcherMetrics: Sendable {
    let notifications: CounterFamily
    let duration: HistogramFamily
    let latency: Histogram

    init(_ registry: MetricsRegistry, receivers: [Receiver]) {
        notifications = registry.counter(
            "obs_notifications_total",
            help:
                """
                Tries to notify a receiver, by how they ended: sent, partly (some recipients refused), failed (tried \
                again), refused, empty (the templates said nothing).
                """,
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
                "obs_notification_latency_seconds", help: "Time from the moment a notification is due to its delivery.",
                buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300])[]
    }
}
