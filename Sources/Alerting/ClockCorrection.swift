import Columns
@preconcurrency import GRDB
import Notify
import Incidents

/// Notices that the clock has gone back: it was ahead, and what was stored by it may lie further in the future than it should.
struct ClockWatch: Sendable {
    /// Less than this is the slewing of a clock that is kept in time.
    static let tolerance = Duration.seconds(2)

    private var latest: Timestamp?

    /// True at the first look of a process, which does not know what the clock of the one before said, and when `now` lies before
    /// what was seen.
    mutating func wentBack(now: Timestamp) -> Bool {
        guard let known = latest else {
            latest = now
            return true
        }
        latest = now + ClockWatch.tolerance < known ? now : max(known, now)
        return now + ClockWatch.tolerance < known
    }
}

/// Makes due what a clock that was ahead has stored, by the intervals of a configuration.
struct ClockCorrection {
    private let configuration: AlertingConfiguration
    private let now: Timestamp

    init(_ configuration: AlertingConfiguration, now: Timestamp) {
        self.configuration = configuration
        self.now = now
    }

    /// - Returns: how many rows were changed.
    func apply(_ database: Database) throws -> Int {
        try IncidentStore.correctTimes(
            now: now, tolerance: ClockWatch.tolerance, longestPause: NoticeOutcome.longestPause,
            longestGroupWait: Self.longestWait(configuration.route),
            longestEscalation: configuration.escalations.flatMap(\.steps).map(\.after).max() ?? .zero,
            resolveTimeout: configuration.resolveTimeout, database)
    }

    private static func longestWait(_ route: Route?) -> Duration {
        guard let route else { return Route.defaultGroupWait }
        return max(route.groupWait ?? Route.defaultGroupWait, route.routes.map(longestWait).max() ?? .zero)
    }
}
