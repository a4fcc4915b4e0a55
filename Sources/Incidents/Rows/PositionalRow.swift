import Columns
import Foundation
@preconcurrency import GRDB

/// A record that is read by the position of its columns: to look each up by its name costs more than to read it.
///
/// The list of columns is beside the initializer that reads them; `PositionalRowTests` checks that they agree.
protocol PositionalRow: FetchableRecord {
    /// Names of the columns of its table, in the order in which `init(row:)` reads them.
    static var columns: [String] { get }
}

extension PositionalRow {
    /// The columns as a statement selects them, each with the alias of its table.
    static func columns(_ alias: String) -> String { columns.map { "\(alias).\($0)" }.joined(separator: ", ") }

    /// The records that a statement finds. A row that cannot be read is left out: it spoils only itself, and
    /// ``IncidentStore/lookOver(now:)`` names it.
    static func readable(_ statement: Statement, _ arguments: StatementArguments = []) throws -> [Self] {
        var found: [Self] = []
        let rows = try Row.fetchCursor(statement, arguments: arguments)
        while let row = try rows.next() {
            if let record = try? Self(row: row) { found.append(record) }
        }
        return found
    }

    /// The first record that a statement finds and that can be read.
    static func firstReadable(_ statement: Statement, _ arguments: StatementArguments = []) throws -> Self? {
        let rows = try Row.fetchCursor(statement, arguments: arguments)
        while let row = try rows.next() {
            if let record = try? Self(row: row) { return record }
        }
        return nil
    }
}

/// Reads the columns of a row one after the other. Each is checked against its type: SQLite keeps to none, and would give 0 for
/// a text that is not a number.
struct RowReader {
    /// A column is not what it is declared as.
    struct Unreadable: Error {}

    private let row: Row
    private var index: Int

    init(_ row: Row, from index: Int = 0) {
        self.row = row
        self.index = index
    }

    /// - Throws: ``Unreadable``.
    mutating func next<Value: DatabaseValueConvertible>() throws -> Value {
        defer { index += 1 }
        return try peek()
    }

    /// Nil for null.
    ///
    /// - Throws: ``Unreadable``.
    mutating func optional<Value: DatabaseValueConvertible>() throws -> Value? {
        defer { index += 1 }
        guard index < row.count else { throw Unreadable() }
        let value: DatabaseValue = row[index]
        if value.isNull { return nil }
        guard let decoded = Value.fromDatabaseValue(value) else { throw Unreadable() }
        return decoded
    }

    /// Bytes where they lie, without a copy; nil for null.
    ///
    /// - Throws: ``Unreadable``.
    mutating func data<Value>(_ body: (Data) throws -> Value?) throws -> Value? {
        defer { index += 1 }
        guard index < row.count else { throw Unreadable() }
        return try row.withUnsafeData(atIndex: index) { try $0.flatMap(body) }
    }

    /// Nil too for a column that cannot be read.
    mutating func lenient<Value: DatabaseValueConvertible>() -> Value? {
        defer { index += 1 }
        return index < row.count ? Value.fromDatabaseValue(row[index]) : nil
    }

    /// The next column, which stays the next.
    ///
    /// - Throws: ``Unreadable``.
    func peek<Value: DatabaseValueConvertible>() throws -> Value {
        guard index < row.count, let decoded = Value.fromDatabaseValue(row[index]) else { throw Unreadable() }
        return decoded
    }

    mutating func time() throws -> Timestamp { Timestamp(microseconds: try next()) }
    mutating func optionalTime() throws -> Timestamp? { (try optional() as Int64?).map { Timestamp(microseconds: $0) } }
    mutating func optionalDuration() throws -> Duration? { (try optional() as Int64?).map { .microseconds($0) } }
}
