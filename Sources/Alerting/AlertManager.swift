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
    let incidents: IncidentStore
    private let outbox: Outbox
    private let configuration: Mutex<AlertingConfiguration>
    private let courier = Courier()
    private let metrics: AlertingMetrics
    private let logger: Logger
    private let deliveries = Mutex(Deliveries())
    /// When the next look at the outbox is due for certain.
    private let alarm = Mutex<Timestamp?>(nil)
    private let isRegrouping = Atomic(true)
    private let forgetsAt = Mutex(Timestamp(microseconds: 0))
    private let wakeUps: AsyncStream<Void>
    private let wakeUp: AsyncStream<Void>.Continuation

    /// How long at most until another process's changes (`obs incident resolve`) are seen.
    private static let lookInterval = Duration.seconds(1)

    private static let forgetInterval = Duration.seconds(3600)

    public init(_ configuration: AlertingConfiguration, incidents: IncidentStore, metrics: MetricsRegistry, logger: Logger) {
        self.configuration = Mutex(configuration.settled)
        self.incidents = incidents
        outbox = Outbox(incidents: incidents)
        self.metrics = AlertingMetrics(metrics, incidents: incidents, receivers: configuration.receivers)
        self.logger = logger
        (wakeUps, wakeUp) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        // What an earlier run left is looked at as soon as this one runs.
        wakeUp.yield()
        metrics.gauge(
            "obs_receiver_circuit_state", help: "Whether a receiver is asked: 0 yes, 1 with one try, 2 not now, after failures.",
            labels: ["receiver"]
        ) {
            [weak self] in
            guard let self else { return [] }
            let circuits = deliveries.withLock { $0.circuits }
            return self.configuration.withLock { $0.receivers.map(\.name) }.map {
                ([$0], Double((circuits[$0] ?? ReceiverCircuit()).state.rawValue))
            }
        }
    }

    /// Silences that this manager keeps to, also those that another process sets.
    public var silences: SilenceStore { SilenceStore(incidents.store) }

    /// From now on new findings are routed so.
    public func reconfigure(_ new: AlertingConfiguration) {
        configuration.withLock { $0 = new.settled }
        isRegrouping.store(true, ordering: .releasing)
        wakeUp.yield()
    }

    /// The configuration in force.
    public var inForce: AlertingConfiguration { configuration.withLock { $0 } }

    /// Takes in findings; they are durable when it returns.
    @discardableResult
    public func receive(_ findings: [Finding]) async throws -> [IncidentStore.Outcome] {
        guard !findings.isEmpty else { return [] }
        let route = inForce.route
        let outcomes = try await incidents.store.database.write { [incidents] database in
            try incidents.record(findings, routing: route, now: Self.now, database)
        }
        for case .opened(let id) in outcomes { logger.notice("incident opened", metadata: ["incident": "\(id)"]) }
        if outcomes.contains(where: { if case .opened = $0 { true } else { false } }) { wakeUp.yield() }
        return outcomes
    }

    /// Takes in posted alerts that have no fault; they are durable when it returns.
    public func receive(_ alerts: [Alert]) async throws {
        guard !alerts.isEmpty else { return }
        let route = inForce.route
        let isOwing = try await incidents.store.database.write { database in
            try AlertStore.put(alerts, route: route, now: Self.now, database)
        }
        if isOwing { wakeUp.yield() }
    }

    /// Sends what is owed as it becomes due, and resolves incidents that have gone quiet, until the service is to stop; what is under way then is
    /// waited for.
    public func run() async throws {
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                for await _ in wakeUps {
                    if Task.isShuttingDownGracefully || Task.isCancelled { break }
                    await sendDue(in: &group)
                }
                group.cancelAll()
            }
        } onGracefulShutdown: {
            self.wakeUp.yield()
        }
    }

    /// Begins every delivery that is due and not under way, and sets the alarm for the next.
    private func sendDue(in group: inout DiscardingTaskGroup) async {
        let configuration = configuration.withLock { $0 }
        let now = Self.now
        var nextLook = now + Self.lookInterval
        let quiet = Quiet()
        do {
            try await keepUp(configuration, now: now)
            _ = try incidents.resolveQuiet(after: configuration.resolveTimeout, now: now)
            for (id, receiver) in try await outbox.due(now: now)
            where deliveries.withLock({ $0.begin(id, to: receiver, now: now) }) {
                group.addTask {
                    await self.deliver(id, to: receiver, configuration, quiet)
                    self.deliveries.withLock { $0.end(id, to: receiver) }
                    self.wakeUp.yield()
                }
            }
            if let due = try await outbox.nextDue(after: now) { nextLook = min(nextLook, due) }
        } catch {
            metrics.storeErrors.increment()
            logger.error("the incident store failed; it is tried again", metadata: ["error": "\(error)"])
        }
        // At most one alarm is set unless an earlier one is needed, so that many wake-ups do not leave many sleepers.
        guard
            alarm.withLock({ set in
                if let known = set, known > now, known <= nextLook { return false }
                set = nextLook
                return true
            })
        else { return }
        let pause = max(.milliseconds(1), nextLook - now)
        group.addTask {
            try? await Task.sleep(for: pause)
            self.wakeUp.yield()
        }
    }

    /// Puts alerts into the groups of a configuration that has changed, at the start too, and forgets what ended long ago.
    private func keepUp(_ configuration: AlertingConfiguration, now: Timestamp) async throws {
        if isRegrouping.exchange(false, ordering: .acquiringAndReleasing) {
            do {
                _ = try await incidents.store.database.write { try AlertStore.regroup(configuration.route, now: now, $0) }
            } catch {
                isRegrouping.store(true, ordering: .releasing)
                throw error
            }
        }
        let isTime = forgetsAt.withLock { next in
            guard now >= next else { return false }
            next = now + Self.forgetInterval
            return true
        }
        if isTime { try await incidents.store.database.write { try AlertStore.forget(endedBefore: now - AlertStore.memory, $0) } }
    }

    /// Sends one notification to each endpoint of its receiver and writes down how it went.
    private func deliver(_ id: Int64, to receiverName: String, _ configuration: AlertingConfiguration, _ quiet: Quiet) async {
        do {
            guard let due = try await outbox.load(id, now: Self.now, configuration, quiet: quiet) else {
                deliveries.withLock { $0.circuits[receiverName]?.wasNotTried(now: Self.now) }
                return
            }
            // What no route takes has no receiver: it is kept, and nobody is told.
            let nobody = receiverName.isEmpty ? Receiver(name: "", integrations: []) : nil
            guard let receiver = configuration.receivers.first(where: { $0.name == receiverName }) ?? nobody else {
                try await outbox.markFailed(
                    due, reason: "there is no receiver '\(receiverName)' any more", retryAt: nil, now: Self.now)
                return
            }
            guard let reason = due.reason else {
                deliveries.withLock { $0.circuits[receiverName]?.wasNotTried(now: Self.now) }
                try await outbox.pass(due, now: Self.now)
                return
            }
            var delivered = due.delivered
            var isWanted = false
            for (index, integration) in receiver.integrations.enumerated() {
                // As Alertmanager: who is not told of ends gets what still fires, and nothing when all has ended.
                guard let content = due.content(for: integration, reason, configuration, now: Self.now) else { continue }
                isWanted = true
                let delivery = Outbox.delivery(endpoint: index, digest: content.key)
                guard !delivered.contains(delivery) else { continue }
                let kind = type(of: integration).name
                let begin = ContinuousClock.now
                let outcome = await integration.deliver(content, by: courier)
                metrics.duration[receiverName, kind].observe((ContinuousClock.now - begin).inSeconds)
                let now = Self.now
                deliveries.withLock { $0.circuits[receiverName, default: ReceiverCircuit()].ended(outcome, now: now) }
                metrics.notifications[receiverName, kind, outcome.name].increment()
                switch outcome {
                case .delivered: delivered.insert(delivery)
                case .retry(let reason, let after):
                    let isLast = now - due.createdAt > configuration.giveUpAfter
                    logger.warning(
                        "a notification was not delivered",
                        metadata: [
                            "receiver": "\(receiverName)", "integration": "\(kind)", "attempts": "\(due.attempts + 1)",
                            "error": "\(reason)", "given_up": "\(isLast)",
                        ])
                    let pause = max(after ?? .zero, Self.backoff(due.attempts))
                    try await outbox.markFailed(
                        due, reason: "\(kind): \(reason)", delivered: delivered, retryAt: isLast ? nil : now + pause, now: now)
                    return
                case .refused(let reason):
                    logger.error(
                        "a notification was refused",
                        metadata: ["receiver": "\(receiverName)", "integration": "\(kind)", "error": "\(reason)"])
                    try await outbox.markFailed(due, reason: "\(kind): \(reason)", delivered: delivered, retryAt: nil, now: now)
                    return
                }
            }
            deliveries.withLock { $0.circuits[receiverName]?.wasNotTried(now: Self.now) }
            try await outbox.markSent(due, isTold: isWanted, now: Self.now)
            guard isWanted else { return }
            metrics.latency.observe((Self.now - due.createdAt).inSeconds)
        } catch {
            deliveries.withLock { $0.circuits[receiverName]?.wasNotTried(now: Self.now) }
            metrics.storeErrors.increment()
            logger.error("the incident store failed; it is tried again", metadata: ["error": "\(error)"])
        }
    }

    /// Doubles from half a second to a quarter of a minute, and takes a random part of it, so that many that failed together do not come back together.
    ///
    /// Source: M. Brooker, "Exponential Backoff And Jitter", full jitter.
    static func backoff(_ attempts: Int) -> Duration {
        let ceiling = min(15_000, 500 << min(attempts, 10))
        return .milliseconds(Int.random(in: (ceiling / 4)...ceiling))
    }

    static var now: Timestamp { Timestamp(microseconds: WallClock.microseconds) }
}

/// Which notifications are under way, and how the receivers are.
private struct Deliveries {
    /// At once to one receiver: one that is slow must not take all the threads.
    private static let maxPerReceiver = 8

    var circuits: [String: ReceiverCircuit] = [:]
    private var underWay: Set<Int64> = []
    private var countByReceiver: [String: Int] = [:]

    /// Whether this notification is to be sent now; it then counts as under way until ``end(_:to:)``.
    mutating func begin(_ id: Int64, to receiver: String, now: Timestamp) -> Bool {
        guard !underWay.contains(id), countByReceiver[receiver, default: 0] < Self.maxPerReceiver,
            circuits[receiver, default: ReceiverCircuit()].permitsTry(now: now)
        else { return false }
        underWay.insert(id)
        countByReceiver[receiver, default: 0] += 1
        return true
    }

    mutating func end(_ id: Int64, to receiver: String) {
        underWay.remove(id)
        countByReceiver[receiver, default: 1] -= 1
    }
}

extension ReceiverCircuit {
    /// A receiver that refuses is there: only silence and failure of its own open the circuit.
    fileprivate mutating func ended(_ outcome: DeliveryOutcome, now: Timestamp) {
        if case .retry = outcome { failed(now: now) } else { succeeded() }
    }
}

extension DeliveryOutcome {
    /// As the metric `obs_notifications_total` has it.
    fileprivate var name: String {
        switch self {
        case .delivered: "sent"
        case .retry: "failed"
        case .refused: "refused"
        }
    }
}

struct AlertingMetrics: Sendable {
    let notifications: CounterFamily
    let duration: HistogramFamily
    let latency: Histogram
    let storeErrors: Counter

    init(_ registry: MetricsRegistry, incidents: IncidentStore, receivers: [Receiver]) {
        notifications = registry.counter(
            "obs_notifications_total", help: "Tries to notify a receiver, by how they ended.",
            labels: ["receiver", "integration", "outcome"])
        duration = registry.histogram(
            "obs_notification_duration_seconds", help: "How long a try to notify a receiver took.",
            labels: ["receiver", "integration"], buckets: [0.005, 0.025, 0.1, 0.25, 1, 2.5, 5, 10, 30])
        for receiver in receivers {
            for kind in Set(receiver.integrations.map { type(of: $0).name }) {
                for outcome in ["sent", "failed", "refused"] { _ = notifications[receiver.name, kind, outcome] }
                _ = duration[receiver.name, kind]
            }
        }
        latency =
            registry.histogram(
                "obs_notification_latency_seconds", help: "Time from the moment a notification is owed to its delivery.",
                buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300])[]
        storeErrors = registry.counter("obs_store_errors_total", help: "Failed reads and writes of the incident store.")[]
        registry.gauge("obs_incidents", help: "Incidents by state and severity.", labels: ["state", "severity"]) {
            var counts: [[String]: Double] = [:]
            for state in Incident.State.allCases {
                for severity in Severity.allCases { counts[[state.rawValue, severity.rawValue]] = 0 }
            }
            for entry in (try? incidents.counts()) ?? [] { counts[[entry.state, entry.severity]] = Double(entry.count) }
            return counts.map { ($0.key, $0.value) }
        }
        let outbox = Outbox(incidents: incidents)
        registry.gauge("obs_outbox_depth", help: "Notifications that are owed and not delivered.") {
            [([], Double((try? outbox.depth(now: AlertManager.now).count) ?? 0))]
        }
        registry.gauge(
            "obs_outbox_oldest_timestamp_seconds", help: "Since when the oldest undelivered notification is owed; 0 when none is."
        ) {
            [([], ((try? outbox.depth(now: AlertManager.now).oldest) ?? nil)?.secondsSince1970 ?? 0)]
        }
    }
}
