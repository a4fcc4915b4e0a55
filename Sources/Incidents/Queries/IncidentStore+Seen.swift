import Columns
import Detection
@preconcurrency import GRDB

extension IncidentStore {
    /// Incidents that were seen since `time` and that no person has resolved: those that go on, and those that ended by
    /// themselves. Children too, because each has labels of its own.
    ///
    /// - Returns: at most `limit`, the last seen first.
    public func unresolved(seenSince time: Timestamp, limit: Int) throws -> [Incident] {
        try read { database in
            try IncidentRow.incidents(
                """
                WHERE i.last_seen >= ? AND (i.resolution IS NULL OR i.resolution IN ('quiet', 'past'))
                ORDER BY i.last_seen DESC, i.number DESC LIMIT ?
                """, [time.microseconds, limit], database)
        }
    }

    /// Whether `time` lies within a known incident of a detector: one that goes on, for at most `longest` after its start, or
    /// one that has ended otherwise than as expected.
    ///
    /// What was resolved as expected is part of what is usual; what goes on for longer than `longest` is, too.
    public func isKnown(_ incident: FindingIdentity, at time: Timestamp, longest: Duration) throws -> Bool {
        let fingerprint = IncidentLife.Identity(incident).fingerprint
        return try read { database in
            try Bool.fetchOne(
                database.cachedStatement(
                    sql: """
                        SELECT EXISTS (SELECT 1 FROM incident WHERE fingerprint = ?1 AND starts_at <= ?2
                            AND starts_at >= ?3 AND (state <> 'resolved' OR last_seen >= ?2 AND resolution <> 'expected'))
                        """), arguments: [fingerprint, time.microseconds, (time - longest).microseconds]) ?? false
        }
    }
}
