import CSQLite
import Columns

/// A short table that is made when it is asked for, such as that of the lake's files.
struct ListTable: ModuleTable {
    private let schema: Schema
    private let rows: () throws -> [[Value]]

    /// - Parameter rows: called once per scan of the table.
    init(_ schema: Schema, rows: @escaping () throws -> [[Value]]) {
        self.schema = schema
        self.rows = rows
    }

    var declaration: String { VirtualTable.declaration(schema) }

    func plan(_ info: UnsafeMutablePointer<sqlite3_index_info>) {
        // All rows, whatever is asked; SQLite compares.
        info.pointee.estimatedRows = 1000
        info.pointee.estimatedCost = 1_000_000
        keep("", in: info)
    }

    func cursor() -> any ModuleCursor { Cursor(schema, rows) }

    private final class Cursor: ModuleCursor {
        private let schema: Schema
        private let rows: () throws -> [[Value]]
        private var made: [[Value]] = []
        private var row = 0

        init(_ schema: Schema, _ rows: @escaping () throws -> [[Value]]) {
            self.schema = schema
            self.rows = rows
        }

        var isAtEnd: Bool { row >= made.count }
        var rowID: Int64 { Int64(row) }

        func begin(_ plan: String, _ arguments: UnsafeBufferPointer<OpaquePointer?>) throws {
            made = try rows()
            row = 0
        }

        func advance() { row += 1 }

        func give(_ column: Int, to context: OpaquePointer?) {
            guard schema.fields.indices.contains(column) else { return sqlite3_result_null(context) }
            SQLType.give(made[row][column], to: context)
        }
    }
}
