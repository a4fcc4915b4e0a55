import Columns
@preconcurrency import GRDB
import Store

/// Incidents that were over when they were found, until they are in a summary. They are in the store, so a process that is
/// killed meanwhile goes on where it was.
enum PastFound {
    static func add(_ incident: Int64, _ now: Timestamp, _ database: Database) throws {
        try database.executeCached(
            sql: "INSERT OR IGNORE INTO past_found (found_at, incident) VALUES (?, ?)", arguments: [now.microseconds, incident])
    }

    /// Takes out an incident that is notified of otherwise.
    static func settle(_ incident: Int64, _ database: Database) throws {
        try database.executeCached(sql: "DELETE FROM past_found WHERE incident = ?", arguments: [incident])
    }

    /// When the first and the last of them were found; nil when there are none. Cheap, for each look at the outbox.
    static func times(_ database: Database) throws -> (first: Timestamp, last: Timestamp)? {
        let row = try Row.fetchOne(
            database.cachedStatement(
                sql: "SELECT (SELECT min(found_at) FROM past_found), (SELECT max(found_at) FROM past_found)"))
        guard let row, let first = Int64.fromDatabaseValue(row[0]), let last = Int64.fromDatabaseValue(row[1]) else { return nil }
        return (Timestamp(microseconds: first), Timestamp(microseconds: last))
    }

    /// Takes all of them out, and gives those that still are of the past: a child is notified of with its parent, and what
    /// somebody has reopened is open.
    static func take(_ database: Database) throws -> [Incident] {
        let found = try IncidentRow.readable(
            database.cachedStatement(
                sql: """
                    SELECT \(IncidentRow.columns("i")) FROM past_found f CROSS JOIN incident i ON i.number = f.incident
                    WHERE \(IncidentSchema.foundInPast) ORDER BY i.number
                    """)
        ).map(\.incident)
        try database.executeCached(sql: "DELETE FROM past_found")
        return found
    }
}

extension IncidentStore {
    /// When the first and the last of the incidents were found that were over by then and are in no summary yet; nil when there
    /// are none.
    public static func pastFound(_ database: Database) throws -> (first: Timestamp, last: Timestamp)? {
        try PastFound.times(database)
    }

    /// Those incidents, for a summary; from now on they count as summarized. A child is notified of with its parent, and what
    /// somebody has reopened is open, so these are left out.
    public static func takePastFound(_ database: Database) throws -> [Incident] { try PastFound.take(database) }
}
