import Foundation
@preconcurrency import GRDB

/// What a table's rows must be for the rooms to read them: each column of the type that it is declared with, and some of them
/// JSON. SQLite itself holds to neither, and what a failing disk, an older version or a hand has put there must spoil its own
/// row alone.
public struct RowCheck: Sendable {
    /// The table to check.
    public let table: String
    /// Columns whose texts are JSON, where they are not null.
    public let json: [String]
    /// Whether a row that cannot be read may be taken out of the table: nothing that is sound hangs on it.
    public let isMovable: Bool

    /// A check of all columns of `table` by their declared types, and of the columns in `json` for being JSON.
    public init(_ table: String, json: [String] = [], isMovable: Bool = true) {
        self.table = table
        self.json = json
        self.isMovable = isMovable
    }
}

/// A row that cannot be read.
public struct UnreadableRow: Sendable, Equatable {
    /// The table that the row is in.
    public let table: String
    /// Its key, as text.
    public let id: String
    /// Such as `starts_at is not an integer`.
    public let reason: String
    /// The statement that would put it in again.
    public let statement: String

    /// A row that cannot be read; `statement` puts it back once it is repaired.
    public init(table: String, id: String, reason: String, statement: String = "") {
        self.table = table
        self.id = id
        self.reason = reason
        self.statement = statement
    }
}

/// Finds rows that cannot be read, and takes them out of the way of those that can.
extension Store {
    /// No more are named of one table: then it is the file that is damaged.
    private static let most = 1000

    /// The rows of a table that cannot be read. Reads the whole table, unless `rows` says which: a range of row numbers.
    public static func unreadable(_ check: RowCheck, rows: ClosedRange<Int64>? = nil, _ database: Database) throws
        -> [UnreadableRow]
    {
        guard let plan = try CheckPlan(check, database) else { return [] }
        let range = rows.map { plan.hasRowID ? "rowid BETWEEN \($0.lowerBound) AND \($0.upperBound) AND " : "" } ?? ""
        let found = try Row.fetchCursor(
            database,
            sql: """
                SELECT \(plan.id), \(plan.reason), \(plan.statement) FROM "\(check.table)"
                WHERE \(range)NOT (\(plan.sound)) LIMIT \(most)
                """)
        var unreadable: [UnreadableRow] = []
        while let row = try found.next() {
            unreadable.append(
                UnreadableRow(
                    table: check.table, id: text(row[0]), reason: text(row[1]), statement: text(row[2])))
        }
        return unreadable
    }

    /// Takes a row out of its table, and keeps it in `set_aside`. All or nothing: a row that cannot be taken out stays.
    ///
    /// - Returns: whether it is set aside.
    public static func setAside(_ row: UnreadableRow, at microseconds: Int64, _ database: Database) throws -> Bool {
        guard let plan = try CheckPlan(RowCheck(row.table), database) else { return false }
        do {
            try database.inSavepoint {
                let statement = try String.fetchOne(
                    database, sql: "SELECT \(plan.statement) FROM \"\(row.table)\" WHERE \(plan.id) = ?", arguments: [row.id])
                guard let statement else { return .rollback }
                try database.execute(
                    sql: "INSERT INTO set_aside (at, \"table\", row, reason, statement) VALUES (?, ?, ?, ?, ?)",
                    arguments: [microseconds, row.table, row.id, row.reason, statement])
                try database.execute(sql: "DELETE FROM \"\(row.table)\" WHERE \(plan.id) = ?", arguments: [row.id])
                return .commit
            }
            return true
        } catch let error as DatabaseError where !error.isOfTheStore {
            return false
        }
    }

    /// What was set aside, newest first.
    public static func setAside(_ database: Database) throws -> [UnreadableRow] {
        guard try database.tableExists("set_aside") else { return [] }
        return try Row.fetchAll(
            database, sql: "SELECT \"table\", row, reason, statement FROM set_aside ORDER BY id DESC LIMIT \(most)"
        ).map { UnreadableRow(table: text($0[0]), id: text($0[1]), reason: text($0[2]), statement: text($0[3])) }
    }

    /// A value of any type as text: a column that is damaged may hold whatever.
    private static func text(_ value: DatabaseValue) -> String { String.fromDatabaseValue(value) ?? value.description }
}

extension DatabaseError {
    /// Whether it is of the store as a whole (a full disk, a damaged page, another writer), and not of what a statement was
    /// about.
    public var isOfTheStore: Bool {
        [
            .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_READONLY,
            .SQLITE_NOMEM, .SQLITE_CANTOPEN, .SQLITE_INTERRUPT,
        ].contains(resultCode)
    }
}

extension Database {
    /// Does `body` for each of `items`, each in a savepoint of its own: one that fails changes nothing and stops no other.
    ///
    /// - Returns: what failed, and how. What is wrong with the store as a whole is thrown.
    public func eachApart<Item>(_ items: some Sequence<Item>, _ body: (Item) throws -> Void) throws -> [(
        item: Item, error: any Error
    )] {
        var failed: [(item: Item, error: any Error)] = []
        for item in items {
            do {
                try inSavepoint {
                    try body(item)
                    return .commit
                }
            } catch {
                if let error = error as? DatabaseError, error.isOfTheStore { throw error }
                failed.append((item, error))
            }
        }
        return failed
    }
}

/// The SQL by which the rows of a table are looked at, made of its declaration.
private struct CheckPlan {
    let hasRowID: Bool
    /// The key as text.
    let id: String
    let sound: String
    let reason: String
    let statement: String

    /// Nil when there is no such table.
    init?(_ check: RowCheck, _ database: Database) throws {
        guard try database.tableExists(check.table) else { return nil }
        let columns = try database.columns(in: check.table)
        func quoted(_ name: String) -> String { "\"\(name)\"" }
        let keys = columns.filter { $0.primaryKeyIndex > 0 }.sorted { $0.primaryKeyIndex < $1.primaryKeyIndex }.map(\.name)
        let declaration = try String.fetchOne(
            database, sql: "SELECT sql FROM sqlite_master WHERE name = ?", arguments: [check.table])
        hasRowID = Array((declaration ?? "").uppercased().utf8.suffix(13)) != Array("WITHOUT ROWID".utf8)
        id =
            keys.isEmpty
            ? "CAST(rowid AS TEXT)" : keys.map { "coalesce(CAST(\(quoted($0)) AS TEXT), '')" }.joined(separator: " || ',' || ")
        var conditions: [(sound: String, reason: String)] = []
        for column in columns {
            let name = quoted(column.name)
            let types: [String] =
                switch column.type.uppercased() {
                case "INTEGER": ["integer"]
                case "REAL": ["real", "integer"]
                case "TEXT": ["text"]
                default: []
                }
            guard !types.isEmpty else { continue }
            let allowed = (types + (column.isNotNull || column.primaryKeyIndex > 0 ? [] : ["null"])).map { "'\($0)'" }
            conditions.append(
                ("typeof(\(name)) IN (\(allowed.joined(separator: ", ")))", "\(column.name) is not a \(column.type.lowercased())")
            )
            if check.json.contains(column.name) {
                conditions.append(("(\(name) IS NULL OR json_valid(\(name)))", "\(column.name) is not JSON"))
            }
        }
        sound = conditions.isEmpty ? "1" : conditions.map(\.sound).joined(separator: " AND ")
        reason = "CASE \(conditions.map { "WHEN NOT \($0.sound) THEN '\($0.reason)'" }.joined(separator: " ")) ELSE '' END"
        let values = columns.map { "quote(\(quoted($0.name)))" }.joined(separator: " || ', ' || ")
        let names = columns.map { quoted($0.name) }.joined(separator: ", ")
        statement = "'INSERT INTO \(quoted(check.table)) (\(names)) VALUES (' || \(values) || ');'"
    }
}
