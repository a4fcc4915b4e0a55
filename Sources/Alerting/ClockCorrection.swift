import Columns
@preconcurrency import GRDB
import Notify

/// Notices that the clock has gone back: it was ahead, and what was stored by it may lie further in the future than it should.
struct ClockWatch: Sendable {
    /// Less than this is the slewing of a clock that is kept in time.
    static let tolerance = Duration.seconds(2)

    private var latest: Timestamp?

    /// True at the first look of a process, which does not know what the clock of the one before said, and when `now` lies before what was seen.
    mutating func wentBack(now: Timestamp) -> Bool {
        guard let known = latest else {
            latest = now
            return true
        }
        latest = now + ClockWatch.tolerance < known ? now : max(known, now)
        return now + ClockWatch.tolerance < known
    }
}

/// Makes due what a clock that was ahead put into the future.
///
/// A time at which something *was done* cannot lie ahead of now: where one does, the clock was ahead when it was written, and so are the times that were
/// reckoned from it. And no time at which something *is to be done* lies further ahead than the longest interval that leads to one. What is found so is due
/// now; a look at a group that has nothing to tell costs nothing.
struct ClockCorrection {
    private let configuration: AlertingConfiguration
    private let now: Timestamp

    init(_ configuration: AlertingConfiguration, now: Timestamp) {
        self.configuration = configuration
        self.now = now
    }

    /// - Returns: how many rows were changed.
    func apply(_ database: Database) throws -> Int {
        let before = database.totalChangesCount
        let soon = (now + ClockWatch.tolerance).microseconds
        try correctOutbox(soon, database)
        try correctGroups(soon, database)
        try correctEscalations(soon, database)
        try correctAlerts(soon, database)
        try correctIncidents(soon, database)
        return database.totalChangesCount - before
    }

    private func correctOutbox(_ soon: Int64, _ database: Database) throws {
        // Of a group that was never looked at, `created_at` is when it was owed its first look; later it may be the time of the look itself.
        try database.execute(
            sql: """
                UPDATE outbox SET due_at = ?1, created_at = min(created_at, ?1), first_due = min(first_due, ?1), tried_at = min(tried_at, ?1) WHERE id IN (
                    SELECT o.id FROM outbox o LEFT JOIN alert_grouping g ON g.receiver = o.receiver AND g.group_key = o.group_key
                    WHERE o.state IN ('pending', 'resending') AND o.due_at > ?1 AND (
                        o.tried_at > ?2 OR g.last_flush > ?2 OR g.last_sent > ?2
                        OR (o.state = 'resending' OR g.last_flush IS NULL) AND o.created_at > ?2
                        OR o.attempts > 0 AND o.due_at > ?1 + ?3
                        OR o.due_at > ?2 + max(?4, coalesce(g.group_interval, 0) + coalesce(g.repeat_interval, 0))))
                """,
            arguments: [
                now.microseconds, soon, NoticeOutcome.longestPause.inMicroseconds,
                longestWait(configuration.route).inMicroseconds,
            ])
    }

    private func longestWait(_ route: Route?) -> Duration {
        guard let route else { return Route.defaultGroupWait }
        return max(route.groupWait ?? Route.defaultGroupWait, route.routes.map(longestWait).max() ?? .zero)
    }

    private func correctGroups(_ soon: Int64, _ database: Database) throws {
        try database.execute(
            sql: """
                UPDATE alert_grouping SET last_flush = min(last_flush, ?1), last_sent = min(last_sent, ?1) WHERE last_flush > ?2 OR last_sent > ?2
                """, arguments: [now.microseconds, soon])
    }

    private func correctEscalations(_ soon: Int64, _ database: Database) throws {
        let longest = configuration.escalations.flatMap(\.steps).map(\.after).max() ?? .zero
        try database.execute(
            sql: """
                UPDATE escalation SET since = min(since, ?1), due_at = ?1 WHERE due_at IS NOT NULL AND (since > ?2 OR due_at > ?2 + ?3)
                """, arguments: [now.microseconds, soon, longest.inMicroseconds])
    }

    /// What is posted now is younger than what was posted by the clock that was ahead, and an end that was only a time-out is reckoned from now.
    private func correctAlerts(_ soon: Int64, _ database: Database) throws {
        try database.execute(
            sql: """
                UPDATE alert SET updated_at = ?1, ends_at = iif(has_timeout AND ends_at > ?1 + ?3, ?1 + ?3, ends_at) WHERE updated_at > ?2
                """, arguments: [now.microseconds, soon, configuration.resolveTimeout.inMicroseconds])
    }

    /// So that one that goes quiet ends, and what is seen from now on is newer than what it knows.
    private func correctIncidents(_ soon: Int64, _ database: Database) throws {
        try database.execute(
            sql: """
                UPDATE incident SET last_seen = min(last_seen, ?1), updated_at = ?1 WHERE \(IncidentTables.goesOn) AND updated_at > ?2
                """, arguments: [now.microseconds, soon])
        // Of those that have ended only what is seen anew matters, and only the newest can have been written lately.
        try database.execute(
            sql: """
                UPDATE incident SET last_seen = ?1 WHERE number > (SELECT max(number) FROM incident) - 10000
                    AND state = 'resolved' AND resolved_at > ?2 AND last_seen > ?1
                """, arguments: [now.microseconds, soon])
    }
}
