import Columns
import Detection
import Foundation
import Logging
import ServiceLifecycle
import Synchronization
import Telemetry

/// Turns findings into incidents and sees to it that those who are owed a notification get it.
///
/// Nothing that it must remember is in memory: it may be killed at any moment, and the next start goes on with the outbox.
public final class AlertManager: Service, Sendable {
    private let incidents: IncidentStore
    private let outbox: Outbox
    private let configuration: Mutex<AlertingConfiguration>
    private let sender = WebhookSender()
    private let metrics: AlertingMetrics
    private let logger: Logger
    private let wakeUps: AsyncStream<Void>
    private let wakeUp: AsyncStream<Void>.Continuation

    /// How long at most until another process's changes (`obs incident resolve`) are seen.
    private static let lookInterval = Duration.seconds(1)

    public init(_ configuration: AlertingConfiguration, incidents: IncidentStore, metrics: MetricsRegistry, logger: Logger) {
        self.configuration = Mutex(configuration)
        self.incidents = incidents
        outbox = Outbox(incidents: incidents)
        self.metrics = AlertingMetrics(metrics, incidents: incidents, receivers: configuration.receivers.map(\.name))
        self.logger = logger
        (wakeUps, wakeUp) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// From now on new findings are routed so.
    public func reconfigure(_ new: AlertingConfiguration) {
        configuration.withLock { $0 = new }
    }

    /// Takes in findings; they are durable when it returns.
    @discardableResult
    public func receive(_ findings: [Finding]) throws -> [IncidentStore.Outcome] {
        let route = configuration.withLock { $0.route }
        let outcomes = try incidents.record(findings, routing: route, now: Self.now)
        for case .opened(let id) in outcomes { logger.notice("incident opened", metadata: ["incident": "\(id)"]) }
        if outcomes.contains(where: { if case .opened = $0 { true } else { false } }) { wakeUp.yield() }
        return outcomes
    }

    /// Sends what is owed as it becomes due, and resolves incidents that have gone quiet, until the service is to stop.
    public func run() async throws {
        await withGracefulShutdownHandler {
            var signals = wakeUps.makeAsyncIterator()
            while !Task.isShuttingDownGracefully, !Task.isCancelled {
                let configuration = configuration.withLock { $0 }
                do {
                    _ = try incidents.resolveQuiet(after: configuration.resolveTimeout, now: Self.now)
                    let due = try outbox.due(now: Self.now, externalURL: configuration.externalURL)
                    await withTaskGroup { group in
                        for notification in due { group.addTask { await self.deliver(notification, configuration) } }
                    }
                    if !due.isEmpty { continue }
                } catch {
                    metrics.storeErrors.increment()
                    logger.error("the incident store failed; it is tried again", metadata: ["error": "\(error)"])
                }
                let pause = min(Self.lookInterval, max(.milliseconds(1), ((try? outbox.nextDue()) ?? nil).map { $0 - Self.now } ?? Self.lookInterval))
                let wakeUp = wakeUp
                let alarm = Task {
                    try? await Task.sleep(for: pause)
                    wakeUp.yield()
                }
                _ = await signals.next()
                alarm.cancel()
            }
        } onGracefulShutdown: {
            self.wakeUp.yield()
        }
    }

    /// Sends one notification to each webhook of its receiver and writes down how it went.
    private func deliver(_ due: Outbox.Due, _ configuration: AlertingConfiguration) async {
        do {
            guard let receiver = configuration.receivers.first(where: { $0.name == due.receiver }) else {
                try outbox.markFailed(due, reason: "there is no receiver '\(due.receiver)' any more", retryAt: nil)
                return
            }
            if due.alerts.isEmpty {
                try outbox.markSent(due, now: Self.now)  // all of it was resolved and told in the meantime
                return
            }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let body = try encoder.encode(due.payload)
            for webhook in receiver.webhooks where webhook.sendsResolved || due.payload.status == "firing" {
                switch await sender.post(body, to: webhook, idempotencyKey: "obs-\(due.id)") {
                case .delivered: break
                case .retry(let reason):
                    metrics.notifications[due.receiver, "failed"].increment()
                    let isLast = due.attempts + 1 >= Outbox.maxAttempts
                    logger.warning("a notification was not delivered", metadata: ["receiver": "\(due.receiver)", "attempts": "\(due.attempts + 1)", "error": "\(reason)"])
                    try outbox.markFailed(due, reason: reason, retryAt: isLast ? nil : Self.now + Self.backoff(due.attempts))
                    return
                case .refused(let reason):
                    metrics.notifications[due.receiver, "failed"].increment()
                    logger.error("a notification was refused", metadata: ["receiver": "\(due.receiver)", "error": "\(reason)"])
                    try outbox.markFailed(due, reason: reason, retryAt: nil)
                    return
                }
            }
            try outbox.markSent(due, now: Self.now)
            metrics.notifications[due.receiver, "sent"].increment()
            metrics.latency.observe((Self.now - due.createdAt).inSeconds)
        } catch {
            metrics.storeErrors.increment()
            logger.error("the incident store failed; it is tried again", metadata: ["error": "\(error)"])
        }
    }

    /// Doubles from half a second to a minute, and takes a random part of it, so that many that failed together do not come back together.
    ///
    /// Source: M. Brooker, "Exponential Backoff And Jitter", full jitter.
    static func backoff(_ attempts: Int) -> Duration {
        let ceiling = min(60_000, 500 << min(attempts, 10))
        return .milliseconds(Int.random(in: (ceiling / 4)...ceiling))
    }

    private static var now: Timestamp { Timestamp(microseconds: WallClock.microseconds) }
}

struct AlertingMetrics: Sendable {
    let notifications: CounterFamily
    let latency: Histogram
    let storeErrors: Counter

    init(_ registry: MetricsRegistry, incidents: IncidentStore, receivers: [String]) {
        notifications = registry.counter(
            "obs_notifications_total", help: "Tries to notify a receiver, by how they ended.", labels: ["receiver", "outcome"])
        for receiver in receivers { for outcome in ["sent", "failed"] { _ = notifications[receiver, outcome] } }
        latency = registry.histogram(
            "obs_notification_latency_seconds", help: "Time from the moment a notification is owed to its delivery.",
            buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300])[]
        storeErrors = registry.counter("obs_store_errors_total", help: "Failed reads and writes of the incident store.")[]
        registry.gauge("obs_incidents", help: "Incidents by state and severity.", labels: ["state", "severity"]) {
            var counts: [[String]: Double] = [:]
            for state in Incident.State.allCases { for severity in Severity.allCases { counts[[state.rawValue, severity.rawValue]] = 0 } }
            for entry in (try? incidents.counts()) ?? [] { counts[[entry.state, entry.severity]] = Double(entry.count) }
            return counts.map { ($0.key, $0.value) }
        }
        let outbox = Outbox(incidents: incidents)
        registry.gauge("obs_outbox_depth", help: "Notifications that are owed and not delivered.") { [([], Double((try? outbox.depth().count) ?? 0))] }
        registry.gauge("obs_outbox_oldest_timestamp_seconds", help: "Since when the oldest undelivered notification is owed; 0 when none is.") {
            [([], ((try? outbox.depth().oldest) ?? nil)?.secondsSince1970 ?? 0)]
        }
    }
}
