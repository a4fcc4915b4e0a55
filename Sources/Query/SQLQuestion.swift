import CSQLite
import Columns
import Foundation
@preconcurrency import GRDB
import GRDBSQLite
import Lake
import LakeSQL
import Store
import Synchronization

/// A query in SQL on the operational store and the tables of the lake: read only, and limited in length, time, memory, rows and
/// bytes.
public struct SQLQuestion: Sendable {
    private let path: String
    private let lake: Lake
    /// How long it may run.
    public var timeLimit = Duration.seconds(10)
    /// The maximum number of rows in the answer; more are cut off, and the note says so.
    public var rowLimit = 10_000
    /// The maximum number of bytes of texts and blobs in the answer.
    var answerLimit = 64 << 20

    /// The longest statement in bytes.
    static let maxLength = 64 << 10
    /// The longest value that a statement may read or build.
    static let maxValueLength = 1 << 20

    /// Queries on the file of a store, and on a lake.
    public init(_ store: Store, _ lake: Lake) {
        path = store.name
        self.lake = lake
    }

    /// Limits the memory of SQLite in the whole process: for a process that runs one query.
    public static func boundProcessMemory() { sqlite3_hard_heap_limit64(256 << 20) }

    /// The rows of one statement. Blocks the calling thread for at most ``timeLimit``.
    ///
    /// - Throws: ``QueryError/badSQL(_:)`` for anything but a single reading statement, and for one that takes too long or too
    ///   much.
    public func answer(_ sql: String) throws -> Answer {
        guard sql.utf8.count <= Self.maxLength else {
            throw QueryError.badSQL("it has \(sql.utf8.count) bytes; write at most \(Self.maxLength)")
        }
        // SQLite regards ATTACH and PRAGMA as reading statements, because they do not write to this file: only queries are
        // allowed.
        let verb = sql.drop { $0.isWhitespace || $0 == "(" }.prefix { $0.isLetter }.uppercased()
        guard ["SELECT", "WITH", "VALUES", "EXPLAIN"].contains(verb) else {
            throw QueryError.badSQL("it begins with '\(verb.prefix(20))'; only SELECT, WITH, VALUES and EXPLAIN are run here")
        }
        // SQLite cannot be interrupted within one call of a function, and some take quadratic time. So the statement runs on a
        // thread of its own, and nothing waits for it longer than the time limit.
        let done = DispatchSemaphore(value: 0)
        let given = Given(), stop = StopSign()
        let statement = try LakeStatement(sql, over: lake, stop: stop)
        Thread.detachNewThread {
            let answered = Result { try run(statement, stop) }
            given.set(answered)
            done.signal()
        }
        guard done.wait(timeout: .now() + timeLimit.inSeconds + 0.5) == .success, let answered = given.value else {
            throw tooLong
        }
        return try answered.get()
    }

    private var tooLong: QueryError { .badSQL("it took longer than \(Int(timeLimit.inSeconds)) s") }

    private func run(_ statement: LakeStatement, _ stop: StopSign) throws -> Answer {
        var configuration = GRDB.Configuration()
        configuration.readonly = true
        configuration.prepareDatabase { database in
            // The schemas of the layers are written, into memory.
            try database.execute(sql: "PRAGMA query_only = OFF; PRAGMA temp_store = MEMORY")
            try statement.attach(to: database.sqliteConnection)
            try database.execute(sql: "PRAGMA query_only = ON")
            guard obs_sqlite_defend(database.sqliteConnection) == SQLITE_OK else {
                throw QueryError.badSQL("SQLite has no defensive mode here; install a newer one")
            }
            // What is built within one function call is kept small. Nothing else can be attached.
            for (limit, value) in [
                (SQLITE_LIMIT_LENGTH, Self.maxValueLength), (SQLITE_LIMIT_SQL_LENGTH, Self.maxLength),
                (SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 100), (SQLITE_LIMIT_ATTACHED, 0),
            ] {
                sqlite3_limit(database.sqliteConnection, limit, Int32(value))
            }
        }
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            // A step can take for ever without giving a row: it is stopped from outside.
            let alarm = DispatchWorkItem {
                stop.set()
                queue.interrupt()
            }
            DispatchQueue.global().asyncAfter(deadline: .now() + timeLimit.inSeconds, execute: alarm)
            defer { alarm.cancel() }
            return try queue.read { database in try rows(of: statement.text, database) }
        } catch let error as LakeSQLError {
            throw QueryError.badSQL("\(error)")
        } catch let error as DatabaseError {
            switch error.resultCode {
            case .SQLITE_INTERRUPT: throw tooLong
            case .SQLITE_NOMEM: throw QueryError.badSQL("it needs more memory than it may have; ask for less at once")
            case .SQLITE_TOOBIG:
                throw QueryError.badSQL(
                    "it reads or builds a value of more than \(Self.maxValueLength) bytes; leave that out")
            default: throw QueryError.badSQL(error.message ?? "\(error)")
            }
        }
    }

    private func rows(of sql: String, _ database: Database) throws -> Answer {
        let statements = try database.allStatements(sql: sql)
        guard let statement = try statements.next() else { throw QueryError.badSQL("it is empty") }
        guard statement.isReadonly, try statements.next() == nil else {
            throw QueryError.badSQL("only one statement that reads is run here")
        }
        var rows: [[Value]] = []
        var note: String?
        var bytes = 0
        let names = statement.columnNames
        let cursor = try Row.fetchCursor(statement)
        while let row = try cursor.next() {
            guard rows.count < rowLimit else {
                note = "only the first \(rowLimit) rows are shown"
                break
            }
            let values: [Value] = row.databaseValues.map(Self.value)
            bytes += values.reduce(0) { $0 + Self.size($1) }
            guard bytes <= answerLimit else {
                note = "only the first \(rows.count) rows are shown: more would pass \(answerLimit) bytes"
                break
            }
            rows.append(values)
        }
        // Two columns may have one name; a schema's names are unique.
        var seen: [OutsideText: Int] = [:]
        let columns = names.map { name -> (String, ColumnType) in
            let count = seen[OutsideText(name), default: 0] + 1
            seen[OutsideText(name)] = count
            return (count > 1 ? "\(name)_\(count)" : name, .text)
        }
        return Answer(columns, rows: rows, note: note)
    }

    /// What a value takes in an answer; a blob is shown in two digits a byte.
    private static func size(_ value: Value) -> Int {
        switch value {
        case .text(let text): text.utf8.count
        case .binary(let bytes): 2 * bytes.count
        default: 8
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

/// What a thread gives, which may come when nobody waits for it any more.
private final class Given: Sendable {
    private let state = Mutex<Result<Answer, any Error>?>(nil)
    var value: Result<Answer, any Error>? { state.withLock { $0 } }
    func set(_ result: Result<Answer, any Error>) { state.withLock { $0 = result } }
}
