import Columns
@preconcurrency import GRDB

/// Makes due what a clock that was ahead put into the future.
///
/// A time at which something *was done* cannot lie ahead of now: where one does, the clock was ahead when it was written, and
/// so are the times that were computed from it. And no time at which something *is to be done* lies further ahead than the
/// longest interval that leads to one. What is found so is due now; a look at a group that has nothing to say costs nothing.
struct TimeCorrection {
    let now: Timestamp
    let longestPause: Duration
    let longestGroupWait: Duration
    let longestEscalation: Duration
    let resolveTimeout: Duration

    /// - Returns: how many rows were changed.
    func apply(_ database: Database) throws -> Int {
        let before = database.totalChangesCount
        let soon = (now + ObservedClock.tolerance).microseconds
        try correctOutbox(soon, database)
        try correctGroups(soon, database)
        try correctEscalations(soon, database)
        try correctAlerts(soon, database)
        try IncidentLedger.correctTimes(now: now, soon: Timestamp(microseconds: soon), database)
        return database.totalChangesCount - before
    }

    private func correctOutbox(_ soon: Int64, _ database: Database) throws {
        // Of a group that was never looked at, `created_at` is since when its first look is pending; later it may be the
        // time of the look itself.
        try database.execute(
            sql: """
                UPDATE outbox SET due_at = ?1, created_at = min(created_at, ?1), first_due = min(first_due, ?1),
                    tried_at = min(tried_at, ?1) WHERE id IN (
                    SELECT o.id FROM outbox o LEFT JOIN alert_grouping g ON g.receiver = o.receiver AND g.group_key = o.group_key
                    WHERE o.state IN ('pending', 'resending') AND o.due_at > ?1 AND (
                        o.tried_at > ?2 OR g.last_flush > ?2 OR g.last_sent > ?2
                        OR (o.state = 'resending' OR g.last_flush IS NULL) AND o.created_at > ?2
                        OR o.attempts > 0 AND o.due_at > ?1 + ?3
                        OR o.due_at > ?2 + max(?4, coalesce(g.group_interval, 0) + coalesce(g.repeat_interval, 0))))
                """,
            arguments: [
                now.microseconds, soon, longestPause.inMicroseconds, longestGroupWait.inMicroseconds,
            ])
    }

    private func correctGroups(_ soon: Int64, _ database: Database) throws {
        try database.execute(
            sql: """
                UPDATE alert_grouping SET last_flush = min(last_flush, ?1), last_sent = min(last_sent, ?1)
                    WHERE last_flush > ?2 OR last_sent > ?2
                """, arguments: [now.microseconds, soon])
    }

    private func correctEscalations(_ soon: Int64, _ database: Database) throws {
        try database.execute(
            sql: """
                UPDATE escalation SET since = min(since, ?1), due_at = ?1 WHERE due_at IS NOT NULL
                    AND (since > ?2 OR due_at > ?2 + ?3)
                """, arguments: [now.microseconds, soon, longestEscalation.inMicroseconds])
    }

    /// What is posted now is younger than what was posted by the clock that was ahead, and an end that was only a time-out is
    /// reckoned from now.
    private func correctAlerts(_ soon: Int64, _ database: Database) throws {
        try database.execute(
            sql: """
                UPDATE alert SET updated_at = ?1, ends_at = iif(has_timeout AND ends_at > ?1 + ?3, ?1 + ?3, ends_at)
                    WHERE updated_at > ?2
                """, arguments: [now.microseconds, soon, resolveTimeout.inMicroseconds])
    }
}

extension IncidentStore {
    /// Makes due what a clock that was ahead put into the future (``TimeCorrection``).
    ///
    /// - Parameters:
    ///   - longestPause: no retry of a notification is put off longer.
    ///   - longestGroupWait: of all routes.
    ///   - longestEscalation: of all steps of escalations.
    ///   - resolveTimeout: how long an alert without an end holds.
    /// - Returns: how many rows were changed.
    public static func correctTimes(
        now: Timestamp, longestPause: Duration, longestGroupWait: Duration, longestEscalation: Duration, resolveTimeout: Duration,
        _ database: Database
    ) throws -> Int {
        try TimeCorrection(
            now: now, longestPause: longestPause, longestGroupWait: longestGroupWait,
            longestEscalation: longestEscalation, resolveTimeout: resolveTimeout
        ).apply(database)
    }
}
