import Columns
import Foundation
@preconcurrency import GRDB
import Store

/// What is known of sources, kept over a restart: a source that has ended its life while obs was being upgraded is noticed all
/// the same.
public struct SourceActivities: Sendable {
    let store: Store

    /// Of the sources that `store` knows.
    public init(store: Store) { self.store = store }

    static let migrations = [
        Migration(
            id: "0.1 sources",
            sql: """
                -- What is known of each source over a restart, so that one that went silent meanwhile is noticed.
                CREATE TABLE source_activity (
                    source TEXT PRIMARY KEY,
                    -- Microseconds since 1970.
                    saved_at INTEGER NOT NULL,
                    -- When lines came, and how long its usual pauses are, as JSON.
                    activity TEXT NOT NULL) WITHOUT ROWID;
                """)
    ]

    /// A source that nobody names any more is forgotten after so long.
    private static let memory = Duration.seconds(30 * 86_400)

    /// By source. What cannot be read is learned anew.
    public func load() throws -> [String: SourceActivity] {
        let rows = try store.database.read { try Row.fetchAll($0, sql: "SELECT source, activity FROM source_activity") }
        return Dictionary(
            rows.compactMap { row in
                guard let source = String.fromDatabaseValue(row[0]), let text = String.fromDatabaseValue(row[1]) else {
                    return nil
                }
                return (try? JSONDecoder().decode(SourceActivity.self, from: Data(text.utf8))).map { (source, $0) }
            }, uniquingKeysWith: { $1 })
    }

    /// Keeps what is known of each, and forgets sources that said nothing for thirty days.
    public func save(_ activities: [String: SourceActivity], now: Timestamp) throws {
        try store.database.write { database in
            for (source, activity) in activities {
                let text = String(decoding: try JSONEncoder().encode(activity), as: UTF8.self)
                try database.executeCached(
                    sql: "INSERT OR REPLACE INTO source_activity (source, saved_at, activity) VALUES (?, ?, ?)",
                    arguments: [source, now.microseconds, text])
            }
            try database.executeCached(
                sql: "DELETE FROM source_activity WHERE saved_at < ?", arguments: [(now - Self.memory).microseconds])
        }
    }
}
