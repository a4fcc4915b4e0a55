import Columns
import Foundation
@preconcurrency import GRDB
import GRDBSQLite
import Store

/// Free questions in SQL to the operational store: read only, with a limit of time and of rows.
public struct SQLQuestion: Sendable {
    private let path: String
    public var timeLimit = Duration.seconds(10)
    public var rowLimit = 10_000

    public init(_ store: Store) {
        path = store.name
    }

    /// - Throws: ``QueryError/badSQL(_:)`` for what is no single reading statement, or takes too long.
    public func answer(_ sql: String) throws -> Answer {
        // SQLite calls ATTACH and PRAGMA reading statements, because they do not write to this file: only questions are let through.
        let verb = sql.drop { $0.isWhitespace || $0 == "(" }.prefix { $0.isLetter }.uppercased()
        guard ["SELECT", "WITH", "VALUES", "EXPLAIN"].contains(verb) else {
            throw QueryError.badSQL("it begins with '\(verb)'; only SELECT, WITH, VALUES and EXPLAIN are run here")
        }
        var configuration = GRDB.Configuration()
        configuration.readonly = true
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA query_only = ON; PRAGMA trusted_schema = OFF")
            // What one function call may build or try cannot be interrupted: it is kept small. Nothing else can be attached.
            for (limit, value) in [
                (SQLITE_LIMIT_LENGTH, 16 << 20), (SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 100), (SQLITE_LIMIT_ATTACHED, 0),
            ] {
                sqlite3_limit(database.sqliteConnection, limit, Int32(value))
            }
        }
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            // A step can take for ever without giving a row: it is stopped from outside.
            let alarm = DispatchWorkItem { queue.interrupt() }
            DispatchQueue.global().asyncAfter(deadline: .now() + timeLimit.inSeconds, execute: alarm)
            defer { alarm.cancel() }
            return try queue.read { database in
                let statements = try database.allStatements(sql: sql)
                guard let statement = try statements.next() else { throw QueryError.badSQL("it is empty") }
                guard statement.isReadonly, try statements.next() == nil else {
                    throw QueryError.badSQL("only one statement that reads is run here")
                }
                var rows: [[Value]] = []
                var isCut = false
                let names = statement.columnNames
                let cursor = try Row.fetchCursor(statement)
                while let row = try cursor.next() {
                    if rows.count >= rowLimit {
                        isCut = true
                        break
                    }
                    rows.append(row.databaseValues.map(Self.value))
                }
                // Two columns may have one name; a schema's names are unique.
                var seen: [OutsideText: Int] = [:]
                let columns = names.map { name -> (String, ColumnType) in
                    let count = seen[OutsideText(name), default: 0] + 1
                    seen[OutsideText(name)] = count
                    return (count > 1 ? "\(name)_\(count)" : name, .text)
                }
                return Answer(columns, rows: rows, note: isCut ? "only the first \(rowLimit) rows are shown" : nil)
            }
        } catch let error as DatabaseError {
            if error.resultCode == .SQLITE_INTERRUPT {
                throw QueryError.badSQL("it took longer than \(Int(timeLimit.inSeconds)) s")
            }
            throw QueryError.badSQL(error.message ?? "\(error)")
        }
    }

    private static func value(_ value: DatabaseValue) -> Value {
        switch value.storage {
        case .null: .null
        case .int64(let number): .int(number)
        case .double(let number): .double(number)
        case .string(let text): .text(text)
        case .blob(let data): .binary(Array(data))
        }
    }
}
