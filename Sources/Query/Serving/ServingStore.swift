import Columns
import Foundation
@preconcurrency import GRDB
import Store

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
    private let path: String

    /// Opens the file, or makes it.
    ///
    /// - Throws: ``ServingStoreError`` when it is no database, or one with damaged pages.
    public init(path: String) throws {
        self.path = path
        do {
            database = try Self.open(path)
        } catch let error as DatabaseError {
            throw ServingStoreError(error, path)
        }
    }

    /// Opens a file that is there for questions; nothing is written.
    ///
    /// - Throws: ``ServingStoreError`` when it is no database, or one with damaged pages; `StoreError` when who may only read cannot.
    public init(reading path: String) throws {
        self.path = path
        do {
            database = try Self.open(path, isReading: true)
        } catch let error as DatabaseError {
            throw ServingStoreError(error, path)
        }
    }

    /// Opens the file; one that is damaged is put aside first, and another is made.
    ///
    /// - Returns: the store; whether it is new, so that its rows are to be put in anew from the gold tables; and where a damaged one is kept.
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

    /// What is wrong with the file, or nil: its pages are looked over, and each row is compared with its checksum.
    public func problem() throws -> String? {
        do {
            return try database.read { database in
                if let found = try String.fetchAll(database, sql: "PRAGMA quick_check(1)").first(where: { $0 != "ok" }) {
                    return ServingStoreError.sentence(path, found)
                }
                // What an earlier obs has made has no checksums until a later one writes to it.
                guard try database.columns(in: "serving").contains(where: { $0.name == "checksum" }) else { return nil }
                let rows = try Row.fetchCursor(database, sql: "SELECT \(Self.columns) FROM serving")
                while let row = try rows.next() {
                    guard Self.entry(row) != nil else {
                        return ServingStoreError.sentence(path, "a row is not what its checksum is of")
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
        // Whoever waits for a reader holds up a thread of the shared pool, of which there are as many as cores; when those who have the readers need these threads to
        // go on, nobody does. So there are more readers than can be asked for at once; each is opened when it is first needed.
        configuration.maximumReaderCount = 64
        configuration.readonly = isReading
        let database = try DatabasePool(path: isReading ? Store.readingName(path) : path, configuration: configuration)
        if isReading { return database }
        try database.writeWithoutTransaction { database in
            // What a pipeline has shown must be there after a power cut too: its epoch does not come again.
            try database.execute(sql: "PRAGMA synchronous = FULL")
            try database.execute(
                sql: """
                    CREATE TABLE IF NOT EXISTS serving (
                        "table" TEXT NOT NULL, key TEXT NOT NULL, event_time INTEGER NOT NULL, row TEXT NOT NULL, checksum INTEGER,
                        PRIMARY KEY ("table", key)) WITHOUT ROWID
                    """)
            // Since the checksum is there; null is that of a row from before.
            if try !database.columns(in: "serving").contains(where: { $0.name == "checksum" }) {
                try database.execute(sql: "ALTER TABLE serving ADD COLUMN checksum INTEGER")
            }
        }
        return database
    }

    private static let columns = "\"table\", key, event_time, row, checksum"

    /// Of what a row holds.
    private static func checksum(_ table: String, _ key: String, _ time: Int64, _ row: String) -> Int64 {
        var hash = StableHash()
        for text in [table, key, String(time), row] {
            hash.add(text)
            hash.add(0)
        }
        return Int64(bitPattern: hash.value)
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
                    INSERT INTO serving ("table", key, event_time, row, checksum) VALUES (?, ?, ?, ?, ?)
                    ON CONFLICT ("table", key) DO UPDATE SET event_time = excluded.event_time, row = excluded.row, checksum = excluded.checksum
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
    /// - Throws: ``ServingStoreError`` when it is damaged.
    public func row(table: String, key: String) throws -> Entry? {
        try database.read { database in
            try Row.fetchOne(
                database, sql: "SELECT \(Self.columns) FROM serving WHERE \"table\" = ? AND key = ?", arguments: [table, key]
            ).map { row in
                guard let entry = Self.entry(row) else {
                    throw ServingStoreError(path, "the row of '\(key)' is not what its checksum is of")
                }
                return entry
            }
        }
    }

    /// The newest rows of a table, the newest first. One that is damaged is passed over.
    public func rows(table: String, limit: Int) throws -> [Entry] {
        try database.read { database in
            try Row.fetchAll(
                database,
                sql: "SELECT \(Self.columns) FROM serving WHERE \"table\" = ? ORDER BY event_time DESC, key LIMIT ?",
                arguments: [table, limit]
            ).compactMap(Self.entry)
        }
    }

    /// The tables that have rows.
    public func tables() throws -> [String] {
        try database.read { try String.fetchAll($0, sql: "SELECT DISTINCT \"table\" FROM serving ORDER BY 1") }
    }

    /// Nil for a row that is not what its checksum is of.
    private static func entry(_ row: Row) -> Entry? {
        guard let table = String.fromDatabaseValue(row[0]), let key = String.fromDatabaseValue(row[1]),
            let time = Int64.fromDatabaseValue(row[2]), let text = String.fromDatabaseValue(row[3])
        else { return nil }
        if let checksum = Int64.fromDatabaseValue(row[4]), checksum != Self.checksum(table, key, time, text) { return nil }
        return Entry(key: key, eventTime: Timestamp(microseconds: time), row: text)
    }

    private static func json(_ schema: Schema, _ values: [Value]) -> String {
        let members = zip(schema.fields, values).map { "\(JSONText.quote($0.name)):\(JSONText.render($1))" }
        return "{\(members.joined(separator: ","))}"
    }
}

/// The file of the serving store cannot be used.
public struct ServingStoreError: Error, CustomStringConvertible {
    public let description: String
    /// Its bytes are not what was written: another can be made from the gold tables.
    let isDamage: Bool

    init(_ error: DatabaseError, _ path: String) {
        isDamage = [.SQLITE_NOTADB, .SQLITE_CORRUPT].contains(error.resultCode)
        let reason = error.message ?? "\(error.resultCode)"
        description =
            isDamage
            ? Self.sentence(path, reason)
            : "\(path): cannot be opened as a database: \(reason); run obs as the user who owns the folder, and look whether its disk is full"
    }

    init(_ path: String, _ reason: String) {
        isDamage = true
        description = Self.sentence(path, reason)
    }

    static func sentence(_ path: String, _ reason: String) -> String {
        "\(path): the newest gold rows are damaged: \(reason); the next start of 'obs run' or 'obs process' puts the file aside and makes it anew from the gold tables"
    }
}
