import Columns
import Incidents
import Logging
import Notify
import ServiceLifecycle
import Store
import Synchronization
import Telemetry

/// Sends notifications as they become due, each by all integrations of its receiver. All else that alerting does again and again
/// is in ``Chores``.
///
/// The outbox is in the store: the process may be killed at any moment, and the next start goes on with it. Only what was sent
/// while the store could not be written to is remembered in memory until it can be (``Unstored``).
public final class Dispatcher: Service, Sendable {
    let outbox: Outbox
    let notifiers = Notifiers()
    let metrics: DispatcherMetrics
    let logger: Logger
    let failures: FailureLog
    let deliveries = Mutex(Deliveries())
    private let configuration: ConfigurationInForce
    private let hasNews: WakeUp
    private let clock = Mutex(ObservedClock())
    /// When the outbox is read next, whatever happens until then.
    private let alarm = Mutex<Timestamp?>(nil)

    /// How long at most until another process's changes (`obs incident resolve`) are seen.
    private static let longestWait = Duration.seconds(1)

    private static let reading = "looking for notifications that are due"

    /// - Parameters:
    ///   - inbox: wakes it. What comes in by another inbox, or by another process, is seen within a second.
    ///   - health: gets a note while the store fails.
    public init(_ inbox: AlertInbox, metrics: MetricsRegistry, health: HealthNotes = HealthNotes()) {
        outbox = Outbox(incidents: inbox.incidents)
        configuration = inbox.configuration
        hasNews = inbox.hasNews
        logger = inbox.logger
        failures = FailureLog(path: inbox.incidents.store.path, health: health, metrics: metrics, logger: inbox.logger)
        self.metrics = DispatcherMetrics(metrics, receivers: inbox.inForce.receivers)
        metrics.gauge(
            "obs_notifications_unstored",
            help: "Notifications that went out and could not be written down yet; they are not sent again meanwhile.", labels: []
        ) { [weak self] in self.map { [([], Double($0.deliveries.withLock { $0.unstored.count }))] } ?? [] }
        metrics.gauge(
            "obs_receiver_circuit_state",
            help: "Whether an integration is asked: 0 yes, 1 with one try, 2 not now, after failures.",
            labels: ["receiver", "integration"]
        ) { [weak self] in self?.circuitStates ?? [] }
    }

    /// By receiver and kind of integration; of several of one kind the worst.
    private var circuitStates: [([String], Double)] {
        let known = deliveries.withLock { $0 }
        return configuration.current.receivers.flatMap { receiver in
            Dictionary(grouping: receiver.notifiers.indices) { receiver.notifiers[$0].kind }.map { kind, indices in
                let states = indices.map { known.circuit(of: .init(receiver: receiver.name, index: $0)).state.rawValue }
                return ([receiver.name, kind], Double(states.max() ?? 0))
            }
        }
    }

    /// Runs until the service is to stop; then it waits for the deliveries that are under way.
    public func run() async throws {
        let calls = hasNews.calls()
        // What an earlier run left is looked at as soon as this one runs.
        hasNews.wake()
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                for await _ in calls {
                    if Task.isShuttingDownGracefully || Task.isCancelled { break }
                    await sendDue(in: &group)
                }
                group.cancelAll()
            }
            // In a task of its own: this one may be cancelled, and SQLite refuses to write in a task that is.
            await Task { await self.storeUnstored() }.value
        } onGracefulShutdown: {
            self.hasNews.wake()
        }
    }

    /// Begins every delivery that is due and not under way, and sets the alarm for the next.
    private func sendDue(in group: inout DiscardingTaskGroup) async {
        let now = Timestamp.now
        if clock.withLock({ $0.wentBack(now: now) }) { deliveries.withLock { $0.clockWentBack(to: now) } }
        var next = now + Self.longestWait
        if failures.mayTry(Self.reading), !configuration.isGrouping() {
            do {
                try await beginDue(configuration.current, now: now, in: &group)
                if let due = try await outbox.nextDue(after: now) { next = min(next, due) }
                failures.succeeded(Self.reading)
            } catch {
                failures.failed(Self.reading, error)
            }
        }
        setAlarm(next, now: now, in: &group)
    }

    private func beginDue(_ configuration: AlertingConfiguration, now: Timestamp, in group: inout DiscardingTaskGroup)
        async throws
    {
        let muting = MutingRules()
        let counts = Dictionary(configuration.receivers.map { ($0.name, $0.notifiers.count) }) { first, _ in first }
        for (id, receiver) in try await outbox.due(now: now)
        where deliveries.withLock({ $0.begin(id, to: receiver, integrations: counts[receiver] ?? 0, now: now) }) {
            group.addTask {
                await self.deliver(id, to: receiver, configuration, muting)
                self.deliveries.withLock { $0.end(id, to: receiver) }
                self.hasNews.wake()
            }
        }
    }

    /// One alarm is set at most, unless an earlier one is needed, so that many wake-ups do not leave many sleepers.
    private func setAlarm(_ time: Timestamp, now: Timestamp, in group: inout DiscardingTaskGroup) {
        let isNeeded = alarm.withLock { set in
            if let known = set, known > now, known <= time { return false }
            set = time
            return true
        }
        guard isNeeded else { return }
        let pause = max(.milliseconds(1), time - now)
        group.addTask {
            try? await Task.sleep(for: pause)
            self.hasNews.wake()
        }
    }
}
