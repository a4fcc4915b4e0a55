import Columns
import Foundation
@preconcurrency import GRDB

/// The newest row per key of the gold tables, for programs that look up one key at a time. It is a database of its own
/// (`serve.db`).
///
/// Every row comes from a gold table, so the file can always be rebuilt. A key has one row: the size follows the number of keys.
public struct ServingStore: Sendable {
    /// The newest row of one key.
    public struct Entry: Sendable, Equatable {
        /// The values of the key columns, joined with commas; `all` for a table without key columns.
        public let key: String
        /// The event time of the row; a row with an earlier one never replaces it.
        public let eventTime: Timestamp
        /// The row as a JSON object.
        public let row: String
    }

    private let database: DatabasePool
    private let path: String

    /// Opens the file for reading and writing; creates it if needed.
    ///
    /// - Throws: ``ServingStoreError`` when the file is not a database, or has damaged pages.
    public init(path: String) throws {
        self.path = path
        do {
            database = try Self.open(path)
        } catch let error as DatabaseError {
            throw ServingStoreError(error, path)
        }
    }

    /// Opens an existing file for reading only; nothing is written.
    ///
    /// - Throws: ``ServingStoreError`` when the file is not a database, or has damaged pages; ``StoreError`` when it cannot be
    ///   read without the right to write.
    public init(reading path: String) throws {
        self.path = path
        do {
            database = try Self.open(path, isReading: true)
        } catch let error as DatabaseError {
            throw ServingStoreError(error, path)
        }
    }

    /// Opens the file. A damaged file is moved aside first and replaced by an empty one.
    ///
    /// - Returns: the store; whether it is new and must be filled from the gold tables; the path of the damaged file, if there
    ///   was one.
    public static func opened(path: String, now: Date) throws -> (store: ServingStore, isNew: Bool, kept: String?) {
        guard FileManager.default.fileExists(atPath: path) else { return (try ServingStore(path: path), true, nil) }
        do {
            let store = try ServingStore(path: path)
            if try store.problem() == nil { return (store, false, nil) }
            try store.database.close()
        } catch let error as ServingStoreError {
            guard error.isDamage else { throw error }
        }
        let kept = try Store.setAside(path, now: now)
        return (try ServingStore(path: path), true, kept)
    }

    /// Deletes the rows that name a person, and overwrites them.
    ///
    /// - Returns: how many they are.
    package func erase(_ person: NamedPerson, isDryRun: Bool) throws -> Int {
        func named(_ database: Database) throws -> [Row] {
            try Row.fetchAll(database, sql: "SELECT \"table\", key, row FROM serving").filter { row in
                [1, 2].contains { String.fromDatabaseValue(row[$0]).map { person.isIn($0) } == true }
            }
        }
        guard !isDryRun else { return try database.read(named).count }
        return try database.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA secure_delete = ON")
            let rows = try named(database)
            for row in rows {
                try database.execute(
                    sql: "DELETE FROM serving WHERE \"table\" = ? AND key = ?",
                    arguments: [row[0] as DatabaseValue, row[1] as DatabaseValue])
            }
            _ = try database.checkpoint(.truncate)
            return rows.count
        }
    }

    /// What is wrong with the file, or nil. Checks all pages and compares every row with its checksum.
    public func problem() throws -> String? {
        do {
            return try database.read { database in
                if let found = try String.fetchAll(database, sql: "PRAGMA quick_check(1)").first(where: { $0 != "ok" }) {
                    return ServingStoreError.sentence(path, found)
                }
                let rows = try Row.fetchCursor(database, sql: "SELECT \(Self.columns) FROM serving")
                while let row = try rows.next() {
                    guard Self.entry(row) != nil else {
                        return ServingStoreError.sentence(path, "a row does not match its checksum")
                    }
                }
                return nil
            }
        } catch let error as DatabaseError {
            return ServingStoreError(error, path).description
        }
    }

    private static func open(_ path: String, isReading: Bool = false) throws -> DatabasePool {
        var status = stat()
        if stat(path, &status) == 0, status.st_size == 0 {
            throw DatabaseError(resultCode: .SQLITE_NOTADB, message: "the file is empty")
        }
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        // Waiting for a reader blocks a thread of the shared pool, which has as many threads as cores. If the tasks that hold the
        // readers need those threads to continue, all of them wait forever. So there are more readers than can be in use at once;
        // each is opened when it is first needed.
        configuration.maximumReaderCount = 64
        configuration.readonly = isReading
        let database = try DatabasePool(path: isReading ? Store.readingName(path) : path, configuration: configuration)
        if isReading { return database }
        try database.writeWithoutTransaction { database in
            // A committed epoch is not replayed after a power cut, so its rows must already be on disk.
            try database.execute(sql: "PRAGMA synchronous = FULL")
            try database.execute(
                sql: """
                    CREATE TABLE IF NOT EXISTS serving (
                        "table" TEXT NOT NULL, key TEXT NOT NULL, event_time INTEGER NOT NULL, row TEXT NOT NULL,
                        checksum INTEGER NOT NULL,
                        PRIMARY KEY ("table", key)) WITHOUT ROWID
                    """)
        }
        return database
    }

    private static let columns = "\"table\", key, event_time, row, checksum"

    /// The checksum of one row's values.
    private static func checksum(_ table: String, _ key: String, _ time: Int64, _ row: String) -> Int64 {
        var hash = StableHash()
        for text in [table, key, String(time), row] {
            hash.add(text)
            hash.add(0)
        }
        return Int64(bitPattern: hash.value)
    }

    /// Stores rows of a gold table, on disk before this returns. Per key the row with the latest event time stays, so a row that
    /// arrives twice or late changes nothing.
    ///
    /// - Parameters:
    ///   - keyColumns: the columns that form the key, joined with commas. Without any, the table has one row with the key `all`.
    ///   - timeColumn: the column with the event time.
    public func put(_ rows: Batch, table: String, keyColumns: [String], timeColumn: String) throws {
        guard let time = rows[timeColumn], !rows.isEmpty else { return }
        try database.write { database in
            let statement = try database.cachedStatement(
                sql: """
                    INSERT INTO serving ("table", key, event_time, row, checksum) VALUES (?, ?, ?, ?, ?)
                    ON CONFLICT ("table", key)
                    DO UPDATE SET event_time = excluded.event_time, row = excluded.row, checksum = excluded.checksum
                    WHERE excluded.event_time >= serving.event_time
                    """)
            for row in 0..<rows.count {
                let values = rows.row(row)
                let parts = keyColumns.map { name in rows.schema.index(of: name).map { values[$0].description } ?? "" }
                let key = keyColumns.isEmpty ? "all" : parts.joined(separator: ",")
                let at = time.integer(at: row) ?? 0, text = Self.json(rows.schema, values)
                try statement.execute(arguments: [table, key, at, text, Self.checksum(table, key, at, text)])
            }
        }
    }

    /// The newest row of `key`, or nil when there is none.
    ///
    /// - Throws: ``ServingStoreError`` when that row is damaged.
    public func row(table: String, key: String) throws -> Entry? {
        try database.read { database in
            try Row.fetchOne(
                database, sql: "SELECT \(Self.columns) FROM serving WHERE \"table\" = ? AND key = ?", arguments: [table, key]
            ).map { row in
                guard let entry = Self.entry(row) else {
                    throw ServingStoreError(path, "the row of '\(key)' does not match its checksum")
                }
                return entry
            }
        }
    }

    /// Rows of a table, newest event time first. Damaged rows are skipped.
    public func rows(table: String, limit: Int) throws -> [Entry] {
        try database.read { database in
            try Row.fetchAll(
                database,
                sql: "SELECT \(Self.columns) FROM serving WHERE \"table\" = ? ORDER BY event_time DESC, key LIMIT ?",
                arguments: [table, limit]
            ).compactMap(Self.entry)
        }
    }

    /// The names of the tables that have rows, in order.
    public func tables() throws -> [String] {
        try database.read { try String.fetchAll($0, sql: "SELECT DISTINCT \"table\" FROM serving ORDER BY 1") }
    }

    /// Nil for a row that does not match its checksum.
    private static func entry(_ row: Row) -> Entry? {
        guard let table = String.fromDatabaseValue(row[0]), let key = String.fromDatabaseValue(row[1]),
            let time = Int64.fromDatabaseValue(row[2]), let text = String.fromDatabaseValue(row[3]),
            Int64.fromDatabaseValue(row[4]) == Self.checksum(table, key, time, text)
        else { return nil }
        return Entry(key: key, eventTime: Timestamp(microseconds: time), row: text)
    }

    private static func json(_ schema: Schema, _ values: [Value]) -> String {
        let members = zip(schema.fields, values).map { "\(JSONText.quote($0.name)):\(JSONText.render($1))" }
        return "{\(members.joined(separator: ","))}"
    }
}

/// Why the file of the serving store cannot be used.
struct ServingStoreError: Error, CustomStringConvertible {
    /// One sentence: what is wrong, with which file, and what to do.
    let description: String
    /// Whether the file is damaged, so that it has to be rebuilt from the gold tables.
    let isDamage: Bool

    init(_ error: DatabaseError, _ path: String) {
        isDamage = [.SQLITE_NOTADB, .SQLITE_CORRUPT].contains(error.resultCode)
        let reason = error.message ?? "\(error.resultCode)"
        description =
            isDamage
            ? Self.sentence(path, reason)
            : """
            \(path): cannot be opened as a database: \(reason); run obs as the user who owns the folder, \
            and check whether its disk \
            is full
            """
    }

    init(_ path: String, _ reason: String) {
        isDamage = true
        description = Self.sentence(path, reason)
    }

    static func sentence(_ path: String, _ reason: String) -> String {
        """
        \(path): the newest gold rows are damaged: \(reason); \
        the next start of 'obs run' or 'obs process' moves the file aside and \
        rebuilds it from the gold tables
        """
    }
}
