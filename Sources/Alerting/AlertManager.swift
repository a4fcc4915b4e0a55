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
    let outbox: Outbox
    private let configuration: Mutex<AlertingConfiguration>
    let courier = Courier()
    /// Signs the links of notifications; nil when its key can neither be read nor made.
    public let links: AcknowledgeLinks?
    let metrics: AlertingMetrics
    private let gauges: StoreGauges
    let logger: Logger
    let deliveries = Mutex(Deliveries())
    /// When the next look at the outbox is due for certain.
    private let alarm = Mutex<Timestamp?>(nil)
    private let isRegrouping = Atomic(true)
    private let switches = Mutex(DeadMansSwitches())
    private let isRestored = Atomic(false)
    private let forgetsAt = Mutex(Timestamp(microseconds: 0))
    private let wakeUps: AsyncStream<Void>
    private let wakeUp: AsyncStream<Void>.Continuation

    /// How long at most until another process's changes (`obs incident resolve`) are seen.
    private static let lookInterval = Duration.seconds(1)

    private static let forgetInterval = Duration.seconds(3600)

    public init(_ configuration: AlertingConfiguration, incidents: IncidentStore, metrics: MetricsRegistry, logger: Logger) {
        links = try? AcknowledgeLinks(besides: incidents.store.path)
        self.configuration = Mutex(configuration.settled(links))
        self.incidents = incidents
        outbox = Outbox(incidents: incidents)
        self.metrics = AlertingMetrics(metrics, incidents: incidents, receivers: configuration.receivers)
        gauges = StoreGauges(metrics, receivers: configuration.receivers)
        self.logger = logger
        (wakeUps, wakeUp) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        // What an earlier run left is looked at as soon as this one runs.
        wakeUp.yield()
        metrics.gauge(
            "obs_receiver_circuit_state",
            help: "Whether an integration is asked: 0 yes, 1 with one try, 2 not now, after failures.",
            labels: ["receiver", "integration"]
        ) {
            [weak self] in
            guard let self else { return [] }
            let circuits = deliveries.withLock { $0 }
            return inForce.receivers.flatMap { receiver in
                // Of several integrations of one kind the worst is shown.
                Dictionary(grouping: receiver.integrations.indices) { type(of: receiver.integrations[$0]).name }.map {
                    kind, indices in
                    (
                        [receiver.name, kind],
                        Double(indices.map { circuits.circuit(receiver.name, $0).state.rawValue }.max() ?? 0)
                    )
                }
            }
        }
    }

    /// Silences that this manager keeps to, also those that another process sets.
    public var silences: SilenceStore { SilenceStore(incidents.store) }

    /// From now on new findings are routed so.
    public func reconfigure(_ new: AlertingConfiguration) {
        configuration.withLock { $0 = new.settled(links) }
        isRegrouping.store(true, ordering: .releasing)
        wakeUp.yield()
    }

    /// The configuration in force.
    public var inForce: AlertingConfiguration { configuration.withLock { $0 } }

    /// Takes in findings; they are durable when it returns.
    @discardableResult
    public func receive(_ findings: [Finding]) async throws -> [IncidentStore.Outcome] {
        guard !findings.isEmpty else { return [] }
        let (route, policy) = (inForce.route, inForce.incidents)
        let outcomes = try await incidents.write { [incidents] database in
            try incidents.record(findings, routing: route, policy: policy, now: Self.now, database)
        }
        for case .opened(let id) in outcomes { logger.notice("incident opened", metadata: ["incident": "\(id)"]) }
        if outcomes.contains(where: { if case .opened = $0 { true } else { false } }) { wakeUp.yield() }
        return outcomes
    }

    /// Takes in posted alerts that have no fault; they are durable when it returns.
    public func receive(_ alerts: [Alert]) async throws {
        guard !alerts.isEmpty else { return }
        let configuration = inForce
        try await take(alerts, configuration)
        if !configuration.deadMansSwitches.isEmpty {
            switches.withLock { $0.hear(alerts, configuration.deadMansSwitches, now: Self.now) }
        }
    }

    private func take(_ alerts: [Alert], _ configuration: AlertingConfiguration) async throws {
        let route = configuration.route
        let routed = alerts.map { RoutedAlert($0, route) }
        let isOwing = try await incidents.write { try AlertStore.put(routed, now: Self.now, $0) }
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
            if !configuration.deadMansSwitches.isEmpty { try await watch(configuration, now: now) }
            let escalation = Escalation(configuration: configuration)
            if try await incidents.store.database.read({ try escalation.isDue(now: now, $0) }) {
                try await incidents.write { try escalation.advance(now: now, $0) }
            }
            try metrics.times.catchUp(incidents)
            _ = try incidents.resolveQuiet(after: configuration.resolveTimeout, now: now)
            let integrations = Dictionary(configuration.receivers.map { ($0.name, $0.integrations.count) }) { first, _ in first }
            for (id, receiver) in try await outbox.due(now: now)
            where deliveries.withLock({ $0.begin(id, to: receiver, integrations: integrations[receiver] ?? 0, now: now) }) {
                group.addTask {
                    await self.deliver(id, to: receiver, configuration, quiet)
                    self.deliveries.withLock { $0.end(id, to: receiver) }
                    self.wakeUp.yield()
                }
            }
            if let due = try await outbox.nextDue(after: now) { nextLook = min(nextLook, due) }
        } catch {
            report(error)
        }
        group.addTask {
            do { try await self.gauges.refresh(self.incidents, configuration, now: Self.now) } catch { self.report(error) }
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

    /// Raises alerts for dead man's switches that nothing was heard from, and ends them for those that were.
    private func watch(_ configuration: AlertingConfiguration, now: Timestamp) async throws {
        if !isRestored.load(ordering: .acquiring) {
            let raised = try await incidents.store.database.read { try AlertStore.raisedSwitches(now: now, $0) }
            switches.withLock { $0.restore(raised) }
            isRestored.store(true, ordering: .releasing)
        }
        let due = switches.withLock {
            $0.due(configuration.deadMansSwitches, resolveTimeout: configuration.resolveTimeout, now: now)
        }
        if !due.isEmpty { try await take(due, configuration) }
        metrics.show(switches.withLock { $0.heard(configuration.deadMansSwitches) })
    }

    private func report(_ error: any Error) {
        metrics.storeErrors.increment()
        logger.error("the incident store failed; it is tried again", metadata: ["error": "\(error)"])
    }

    /// Puts alerts into the groups of a configuration that has changed, at the start too, and forgets what ended long ago.
    private func keepUp(_ configuration: AlertingConfiguration, now: Timestamp) async throws {
        if isRegrouping.exchange(false, ordering: .acquiringAndReleasing) {
            do {
                _ = try await incidents.write { try AlertStore.regroup(configuration.route, now: now, $0) }
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
        guard isTime else { return }
        try await incidents.write {
            try AlertStore.forget(endedBefore: now - AlertStore.memory, $0)
            try NotificationLog.forget(before: now - NotificationLog.memory, $0)
        }
        while try incidents.forget(endedBefore: now - configuration.incidents.keep) > 0 { await Task.yield() }
    }

    static var now: Timestamp { Timestamp(microseconds: WallClock.microseconds) }
}
