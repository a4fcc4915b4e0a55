import Columns
import Foundation
@preconcurrency import GRDB

/// The newest row of each key of the gold tables, for programs that ask for one key at a time: a database of its own, kept apart from the tables that are scanned.
///
/// It is made of what goes to gold and can be made again from it (`obs replay`); a key has one row, so it is as large as there are keys.
public struct ServingStore: Sendable {
    /// One answer.
    public struct Entry: Sendable, Equatable {
        public let key: String
        public let eventTime: Timestamp
        /// The row as a JSON object.
        public let row: String
    }

    private let database: DatabasePool

    /// Opens the file, or makes it.
    public init(path: String) throws {
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        // Whoever waits for a reader holds up a thread of the shared pool, of which there are as many as cores; when those who have the readers need these threads to
        // go on, nobody does. So there are more readers than can be asked for at once; each is opened when it is first needed.
        configuration.maximumReaderCount = 64
        database = try DatabasePool(path: path, configuration: configuration)
        try database.writeWithoutTransaction { database in
            // What a pipeline has shown must be there after a power cut too: its epoch does not come again.
            try database.execute(sql: "PRAGMA synchronous = FULL")
            try database.execute(
                sql: """
                    CREATE TABLE IF NOT EXISTS serving (
                        "table" TEXT NOT NULL, key TEXT NOT NULL, event_time INTEGER NOT NULL, row TEXT NOT NULL,
                        PRIMARY KEY ("table", key)) WITHOUT ROWID
                    """)
        }
    }

    /// Takes rows of a gold table. Of two rows of a key the newer one by event time stays, so a row that comes twice or late changes nothing.
    ///
    /// - Parameters:
    ///   - keyColumns: what a key is made of; several are joined with commas. Without any there is one row, under the key `all`.
    ///   - timeColumn: the event time.
    public func put(_ rows: Batch, table: String, keyColumns: [String], timeColumn: String) throws {
        guard let time = rows[timeColumn], !rows.isEmpty else { return }
        try database.write { database in
            let statement = try database.cachedStatement(
                sql: """
                    INSERT INTO serving ("table", key, event_time, row) VALUES (?, ?, ?, ?)
                    ON CONFLICT ("table", key) DO UPDATE SET event_time = excluded.event_time, row = excluded.row
                    WHERE excluded.event_time >= serving.event_time
                    """)
            for row in 0..<rows.count {
                let values = rows.row(row)
                let key = keyColumns.map { name in rows.schema.index(of: name).map { values[$0].description } ?? "" }
                try statement.execute(arguments: [
                    table, keyColumns.isEmpty ? "all" : key.joined(separator: ","), time.integer(at: row) ?? 0,
                    Self.json(rows.schema, values),
                ])
            }
        }
    }

    /// The newest row of `key`, or nil when there is none.
    public func row(table: String, key: String) throws -> Entry? {
        try database.read { database in
            try Row.fetchOne(
                database, sql: "SELECT key, event_time, row FROM serving WHERE \"table\" = ? AND key = ?",
                arguments: [table, key]
            ).map(Self.entry)
        }
    }

    /// The newest rows of a table, the newest first.
    public func rows(table: String, limit: Int) throws -> [Entry] {
        try database.read { database in
            try Row.fetchAll(
                database,
                sql: "SELECT key, event_time, row FROM serving WHERE \"table\" = ? ORDER BY event_time DESC, key LIMIT ?",
                arguments: [table, limit]
            ).map(Self.entry)
        }
    }

    /// The tables that have rows.
    public func tables() throws -> [String] {
        try database.read { try String.fetchAll($0, sql: "SELECT DISTINCT \"table\" FROM serving ORDER BY 1") }
    }

    private static func entry(_ row: Row) -> Entry {
        Entry(key: row["key"], eventTime: Timestamp(microseconds: row["event_time"]), row: row["row"])
    }

    private static func json(_ schema: Schema, _ values: [Value]) -> String {
        let members = zip(schema.fields, values).map { "\(JSONText.quote($0.name)):\(JSONText.render($1))" }
        return "{\(members.joined(separator: ","))}"
    }
}
