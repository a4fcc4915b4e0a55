import Columns
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
}
