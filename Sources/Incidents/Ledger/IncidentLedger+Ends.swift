import Columns
@preconcurrency import GRDB
import Store

/// Ends, returns, and what people decide.
extension IncidentLedger {
    static func resolve(
        _ number: Int64, _ resolution: Incident.Resolution, _ at: Timestamp, _ person: String?, _ now: Timestamp,
        _ database: Database
    ) throws {
        try database.executeCached(
            sql: """
                UPDATE incident SET state = 'resolved', resolution = ?, resolved_at = ?, updated_at = ?, changed_by = ?,
                    quiet_for = NULL
                WHERE number = ?
                """, arguments: [resolution.rawValue, at.microseconds, now.microseconds, person, number])
    }

    static func reopen(_ number: Int64, _ isByHand: Bool, _ now: Timestamp, _ database: Database) throws {
        try database.executeCached(
            sql: """
                UPDATE incident SET state = 'open', resolved_at = NULL, resolution = NULL, acknowledged_by = NULL,
                    reopened = reopened + 1, updated_at = ?,
                    ends_by_hand = max(ends_by_hand, ?) WHERE number = ?
                """, arguments: [now.microseconds, isByHand, number])
    }

    static func revive(_ number: Int64, _ now: Timestamp, _ database: Database) throws {
        try database.executeCached(
            sql: "UPDATE incident SET state = 'open', resolution = NULL, resolved_at = NULL, updated_at = ? WHERE number = ?",
            arguments: [now.microseconds, number])
    }

    /// From now on somebody says when it has ended, whatever becomes of it.
    static func acknowledge(_ number: Int64, _ person: String, _ now: Timestamp, _ database: Database) throws {
        try database.executeCached(
            sql: """
                UPDATE incident SET state = 'acknowledged', acknowledged_by = ?1,
                    acknowledged_at = coalesce(acknowledged_at, ?2), ends_by_hand = 1
                WHERE (number = ?3 OR merged_into = ?3) AND state = 'open'
                """, arguments: [person, now.microseconds, number])
    }

    static func handBack(_ number: Int64, _ database: Database) throws {
        try database.executeCached(
            sql: """
                UPDATE incident SET state = 'open', acknowledged_by = NULL, acknowledged_at = NULL
                WHERE (number = ?1 OR merged_into = ?1) AND state = 'acknowledged'
                """, arguments: [number])
    }

    /// Writes down who made the decision that changed an incident, and that somebody has seen it.
    ///
    /// - Parameter version: before the decision.
    static func sign(_ number: Int64, by person: String, after version: Int, _ database: Database) throws {
        try database.executeCached(
            sql: "UPDATE incident SET changed_by = ? WHERE number = ? AND version > ?", arguments: [person, number, version])
        try database.executeCached(
            sql: "UPDATE incident SET seen_by = ?1 WHERE (number = ?2 OR merged_into = ?2) AND seen_by IS NULL",
            arguments: [person, number])
    }

    /// Writes on the timeline of the incident that a silence was made from, if any, that it was ended.
    static func noteEnd(ofSilence id: String, by actor: String, now: Timestamp, _ database: Database) throws {
        let incident = try Int64.fetchOne(
            database.cachedStatement(sql: "SELECT incident FROM incident_silence WHERE silence = ?"), arguments: [id])
        if let incident { try note(incident, now, actor: actor, .silenced, "the silence was ended", database) }
    }

    // MARK: Upkeep

    /// Deletes an incident, with its evidence and timeline.
    static func delete(_ number: Int64, _ database: Database) throws {
        try database.executeCached(sql: "DELETE FROM incident WHERE number = ?", arguments: [number])
    }

    /// Corrects times that a clock that was ahead has written, so that an incident that goes quiet ends, and what is seen from
    /// now on is newer than what is known.
    ///
    /// - Parameter soon: what lies after it cannot have been written by a clock that is right.
    static func correctTimes(now: Timestamp, soon: Timestamp, _ database: Database) throws {
        try database.execute(
            sql: """
                UPDATE incident SET last_seen = min(last_seen, ?1), updated_at = ?1 WHERE \(IncidentSchema.goesOn)
                    AND updated_at > ?2
                """, arguments: [now.microseconds, soon.microseconds])
        // Of those that have ended only what is seen anew matters, and only the newest can have been written lately.
        try database.execute(
            sql: """
                UPDATE incident SET last_seen = ?1 WHERE number > (SELECT max(number) FROM incident) - 10000
                    AND state = 'resolved' AND resolved_at > ?2 AND last_seen > ?1
                """, arguments: [now.microseconds, soon.microseconds])
    }
}
