import Columns
import Incidents
import Logging
import ServiceLifecycle
import Store
import Telemetry

/// All that alerting does beside taking alerts in and sending notifications: each chore runs in a loop of its own, so that one
/// that fails or hangs stops neither another chore nor a notification.
///
/// Nothing that a chore must remember is in memory: the process may be killed at any moment.
public final class Chores: Service, Sendable {
    let all: [any Chore]
    private let configuration: ConfigurationInForce
    private let failures: FailureLog

    /// The chores of a running obs; other processes need none.
    ///
    /// - Parameter health: gets notes on chores that fail and on rows that cannot be read.
    public convenience init(_ inbox: AlertInbox, metrics: MetricsRegistry, health: HealthNotes = HealthNotes()) {
        self.init(inbox, metrics: metrics, health: health, more: [])
    }

    /// - Parameter more: further chores, for tests.
    convenience init(_ inbox: AlertInbox, metrics: MetricsRegistry, health: HealthNotes, more: [any Chore]) {
        let incidents = inbox.incidents, logger = inbox.logger
        let failures = FailureLog(path: incidents.store.path, health: health, metrics: metrics, logger: logger)
        self.init(
            [
                CorrectClock(incidents: incidents, switches: inbox.switches, logger: logger),
                Regroup(incidents: incidents, configuration: inbox.configuration, hasNews: inbox.hasNews),
                CheckRows(
                    incidents: incidents, configuration: inbox.configuration, health: health, metrics: metrics, logger: logger),
                Forget(incidents: incidents),
                WatchSwitches(inbox, metrics: metrics),
                Escalate(incidents: incidents, failures: failures, hasNews: inbox.hasNews),
                SummarizePast(incidents: incidents, hasNews: inbox.hasNews),
                MeasureTimes(incidents: incidents, metrics: metrics),
                ResolveQuiet(incidents: incidents, failures: failures, hasNews: inbox.hasNews),
                ReadGauges(incidents: incidents, receivers: inbox.inForce.receivers, metrics: metrics),
            ] + more, inbox.configuration, failures)
    }

    init(_ all: [any Chore], _ configuration: ConfigurationInForce, _ failures: FailureLog) {
        self.all = all
        self.configuration = configuration
        self.failures = failures
    }

    /// How soon a chore that failed is looked at again; its pause may be longer.
    private static let retryInterval = Duration.seconds(1)

    /// Runs until the service is to stop. What is under way then is cancelled: a transaction that is not finished leaves no
    /// trace, and the next start does it again.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                for chore in self.all { group.addTask { await self.repeatedly(chore) } }
            }
        }
    }

    private func repeatedly(_ chore: any Chore) async {
        let wakeUp = chore.wakeUp ?? WakeUp()
        while !Task.isCancelled {
            let isDone = await attempt(chore)
            await wakeUp.wait(upTo: isDone ? chore.interval : min(chore.interval, Self.retryInterval))
        }
    }

    private func attempt(_ chore: any Chore) async -> Bool {
        guard failures.mayTry(chore.name) else { return false }
        do {
            try await chore.run(configuration.current, now: Timestamp.now)
            failures.succeeded(chore.name)
            return true
        } catch {
            failures.failed(chore.name, error)
            return false
        }
    }
}
