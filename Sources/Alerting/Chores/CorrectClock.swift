import Columns
@preconcurrency import GRDB
import Incidents
import Logging
import Notify
import Synchronization

/// Makes due what a clock that was ahead has put into the future: at the start, and whenever the clock has gone back.
final class CorrectClock: Chore {
    let name = "correcting times that a clock that was ahead has stored"
    let interval = Duration.seconds(1)

    private let incidents: IncidentStore
    private let switches: SignsOfLife
    private let logger: Logger
    private let clock = Mutex(ObservedClock())

    init(incidents: IncidentStore, switches: SignsOfLife, logger: Logger) {
        self.incidents = incidents
        self.switches = switches
        self.logger = logger
    }

    func run(_ configuration: AlertingConfiguration, now: Timestamp) async throws {
        guard clock.withLock({ $0.wentBack(now: now) }) else { return }
        switches.state.withLock { $0.clockWentBack(to: now) }
        do {
            let count = try await incidents.write { try Self.correct(configuration, now: now, $0) }
            guard count > 0 else { return }
            logger.warning(
                "the clock was ahead when times were stored; what they held back is due now", metadata: ["rows": "\(count)"])
        } catch {
            // The next call counts as the first one, and tries again.
            clock.withLock { $0 = ObservedClock() }
            throw error
        }
    }

    /// Corrects the times in the store by the longest intervals that the configuration can lead to.
    ///
    /// - Returns: how many rows were changed.
    static func correct(_ configuration: AlertingConfiguration, now: Timestamp, _ database: Database) throws -> Int {
        try IncidentStore.correctTimes(
            now: now, longestPause: NoticeOutcome.longestPause, longestGroupWait: longestWait(configuration.route),
            longestEscalation: configuration.escalations.flatMap(\.steps).map(\.after).max() ?? .zero,
            resolveTimeout: configuration.resolveTimeout, database)
    }

    private static func longestWait(_ route: Route?) -> Duration {
        guard let route else { return Route.defaultGroupWait }
        return max(route.groupWait ?? Route.defaultGroupWait, route.routes.map(longestWait).max() ?? .zero)
    }
}
