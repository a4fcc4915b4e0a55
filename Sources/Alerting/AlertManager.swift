import Columns
import Incidents
import Detection
import Foundation
import GRDB
import Logging
import Notify
import ServiceLifecycle
import Store
import Synchronization
import Telemetry

/// Turns findings into incidents and sees to it that those who are owed a notification get it.
///
/// Nothing that it must remember is in memory: it may be killed at any moment, and the next start goes on with the outbox. Only what went out while the
/// store could not be written to is remembered there until it can (``Unstored``).
public final class AlertManager: Service, Sendable {
    let incidents: IncidentStore
    let outbox: Outbox
    private let configuration: Mutex<AlertingConfiguration>
    let notifiers = Notifiers()
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
    private let forgetsAt = Mutex(ContinuousClock.now)
    private let looksOverAt = Mutex(ContinuousClock.now)
    let chores = Mutex(ChoreFailures())
    /// What is wrong with the store's rows and with what is done beside the sending.
    let health: HealthNotes
    private let clock = Mutex(ClockWatch())
    private let wakeUps: AsyncStream<Void>
    private let wakeUp: AsyncStream<Void>.Continuation

    /// How long at most until another process's changes (`obs incident resolve`) are seen.
    private static let lookInterval = Duration.seconds(1)

    private static let forgetInterval = Duration.seconds(3600)

    private static let mostRowsLogged = 20

    /// Between two looks over the rows of the store.
    private static let lookOverInterval = Duration.seconds(60)

    public init(
        _ configuration: AlertingConfiguration, incidents: IncidentStore, metrics: MetricsRegistry, logger: Logger,
        health: HealthNotes = HealthNotes()
    ) {
        self.health = health
        links = Self.links(besides: incidents.store.path, health, logger)
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
            "obs_notifications_unstored",
            help: "Notifications that went out and could not be written down yet; they are not sent again meanwhile.", labels: []
        ) { [weak self] in self.map { [([], Double($0.deliveries.withLock { $0.unstored.count }))] } ?? [] }
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
                Dictionary(grouping: receiver.notifiers.indices) { receiver.notifiers[$0].kind }.map {
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
            try incidents.record(findings, routing: route, policy: policy, now: .now, database)
        }
        let past = outcomes.count { if case .foundInPast = $0 { true } else { false } }
        if past > 0 { logger.info("incidents found in the past", metadata: ["count": "\(past)"]) }
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
            switches.withLock { $0.hear(alerts, configuration.deadMansSwitches, now: .now) }
        }
    }

    private func take(_ alerts: [Alert], _ configuration: AlertingConfiguration) async throws {
        let route = configuration.route
        let routed = alerts.map { RoutedAlert($0, route) }
        let isOwing = try await incidents.write { try AlertStore.put(routed, now: .now, $0) }
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
            // In a task of its own, which is not cancelled with this one: SQLite refuses to write in a task that is, and so did what was under way.
            await Task { await self.storeWhatWaits() }.value
        } onGracefulShutdown: {
            self.wakeUp.yield()
        }
    }

    /// Begins every delivery that is due and not under way, and sets the alarm for the next. What else there is to do comes before, and none of it can keep the notifications from going out.
    private func sendDue(in group: inout DiscardingTaskGroup) async {
        let configuration = configuration.withLock { $0 }
        let now = Timestamp.now
        var nextLook = now + Self.lookInterval
        let quiet = Quiet()
        await keepUp(configuration, now: now)
        if mayTry(Self.sending) {
            do {
                let integrations = Dictionary(configuration.receivers.map { ($0.name, $0.notifiers.count) }) { first, _ in
                    first
                }
                for (id, receiver) in try await outbox.due(now: now)
                where deliveries.withLock({ $0.begin(id, to: receiver, integrations: integrations[receiver] ?? 0, now: now) }) {
                    group.addTask {
                        await self.deliver(id, to: receiver, configuration, quiet)
                        self.deliveries.withLock { $0.end(id, to: receiver) }
                        self.wakeUp.yield()
                    }
                }
                if let due = try await outbox.nextDue(after: now) { nextLook = min(nextLook, due) }
                done(Self.sending)
            } catch {
                failed(Self.sending, error)
            }
        }
        group.addTask {
            await self.chore("reading the numbers of the store") {
                try await self.gauges.refresh(self.incidents, configuration, now: .now)
            }
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

    private static let sending = "looking for notifications that are due"

    /// All that is done beside the sending, each on its own: one that fails waits and is tried again, and the others go on.
    private func keepUp(_ configuration: AlertingConfiguration, now: Timestamp) async {
        await chore("putting right what a clock that was ahead has stored") {
            try await self.correctClock(configuration, now: now)
        }
        await chore("looking over the rows of the store") { try await self.lookOver(now: now) }
        await chore("putting alerts into the groups of the configuration") { try await self.regroup(configuration, now: now) }
        await chore("forgetting what ended long ago") { try await self.forget(configuration, now: now) }
        if !configuration.deadMansSwitches.isEmpty {
            await chore("watching dead man's switches") { try await self.watch(configuration, now: now) }
        }
        await chore("escalating") { try await self.escalate(configuration, now: now) }
        await chore("summing up what was found in the past") { try await self.summarizePast(configuration, now: now) }
        await chore("counting how long incidents took") { try self.metrics.times.catchUp(self.incidents) }
        await chore("resolving incidents that have gone quiet") {
            _ = try self.incidents.resolveQuiet(after: configuration.resolveTimeout, now: now) { self.passedOver($0, $1) }
        }
    }

    private func escalate(_ configuration: AlertingConfiguration, now: Timestamp) async throws {
        let escalation = Escalation(configuration: configuration)
        guard try await incidents.store.database.read({ try escalation.isDue(now: now, $0) }) else { return }
        let failed = try await incidents.write { try escalation.advance(now: now, $0) }
        for (number, error) in failed { passedOver(number, error) }
    }

    /// Owes one notification per receiver for what was found in the past, when all of it has been read.
    private func summarizePast(_ configuration: AlertingConfiguration, now: Timestamp) async throws {
        guard try await incidents.store.database.read({ try PastSummary.isDue(now: now, $0) }) else { return }
        _ = try await incidents.write { try PastSummary.send(configuration, now: now, $0) }
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
        do { if !due.isEmpty { try await take(due, configuration) } } catch {
            // It is neither raised nor ended before the store has it.
            switches.withLock { $0.couldNotPost(due) }
            throw error
        }
        metrics.show(switches.withLock { $0.heard(configuration.deadMansSwitches) })
    }

    /// At the start, and whenever the clock has gone back: what it put into the future while it was ahead is due now.
    private func correctClock(_ configuration: AlertingConfiguration, now: Timestamp) async throws {
        guard clock.withLock({ $0.wentBack(now: now) }) else { return }
        deliveries.withLock { $0.clockWentBack(to: now) }
        switches.withLock { $0.clockWentBack(to: now) }
        do {
            let count = try await incidents.write { try ClockCorrection(configuration, now: now).apply($0) }
            guard count > 0 else { return }
            logger.warning(
                "the clock was ahead when times were stored; what they held back is due now", metadata: ["rows": "\(count)"])
        } catch {
            clock.withLock { $0 = ClockWatch() }
            throw error
        }
    }

    /// Puts alerts into the groups of a configuration that has changed, at the start too.
    private func regroup(_ configuration: AlertingConfiguration, now: Timestamp) async throws {
        guard isRegrouping.exchange(false, ordering: .acquiringAndReleasing) else { return }
        do {
            _ = try await incidents.write { try AlertStore.regroup(configuration.route, now: now, $0) }
        } catch {
            isRegrouping.store(true, ordering: .releasing)
            throw error
        }
    }

    /// Forgets what ended long ago.
    private func forget(_ configuration: AlertingConfiguration, now: Timestamp) async throws {
        guard isTime(forgetsAt, every: Self.forgetInterval) else { return }
        // By a clock that has jumped, what is young would be old.
        let now = try await incidents.write { try IncidentStore.believedTime(now, $0) }
        try await incidents.write {
            try AlertStore.forget(endedBefore: now - AlertStore.memory, $0)
            try NotificationLog.forget(before: now - NotificationLog.memory, $0)
        }
        while try incidents.forget(endedBefore: now - configuration.incidents.keep) > 0 { await Task.yield() }
    }

    /// Takes rows that cannot be read out of the way of the others, and says which.
    private func lookOver(now: Timestamp) async throws {
        guard isTime(looksOverAt, every: Self.lookOverInterval) else { return }
        let found = try await incidents.lookOver(now: now)
        metrics.show(unreadable: found.standing + found.setAside)
        let rows =
            found.setAside.map { ($0, $0.sentence(isSetAside: true)) }
            + found.standing.map { ($0, $0.sentence(isSetAside: false)) }
        let sentences = Dictionary(rows.map { ("\($0.table) \($0.id) \($0.reason)", $1) }) { first, _ in first }
        let new = health.replace(.unreadableRow, with: sentences)
        for name in new.prefix(Self.mostRowsLogged) {
            logger.error(
                "a row of the store cannot be read",
                metadata: ["path": "\(incidents.store.path)", "error": "\(sentences[name] ?? name)"])
        }
        // Alerts whose group had to go find their way into it again.
        if new.contains(where: { $0.utf8.starts(with: "alert".utf8) }) { isRegrouping.store(true, ordering: .releasing) }
    }

    /// Whether a chore that is done now and then is due; it then is not for `interval`.
    private func isTime(_ next: borrowing Mutex<ContinuousClock.Instant>, every interval: Duration) -> Bool {
        next.withLock { next in
            let now = ContinuousClock.now
            guard now >= next else { return false }
            next = now + interval
            return true
        }
    }

}
