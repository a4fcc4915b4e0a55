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
    public var answerLimit = 64 << 20
    /// What SQLite may take in the whole process while the statement runs, beyond what it takes at its begin, in bytes.
    public var memoryLimit: Int64 = 256 << 20
    /// Tables of the store that the statement may not read, by any name of theirs.
    public var hiddenTables: Set<String> = []
    /// Statements that run, also those that nobody waits for any more; nil counts none.
    public var running: RunningStatements?

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
        let verb = Self.verb(sql)
        guard ["SELECT", "WITH", "VALUES", "EXPLAIN"].contains(verb) else {
            throw QueryError.badSQL("it begins with '\(verb.prefix(20))'; only SELECT, WITH, VALUES and EXPLAIN are run here")
        }
        // SQLite cannot be interrupted within one call of a function, and some take quadratic time. So the statement runs on a
        // thread of its own, and nothing waits for it longer than the time limit.
        let done = DispatchSemaphore(value: 0)
        let given = Given(), stop = StopSign()
        let statement = try LakeStatement(sql, over: lake, stop: stop)
        guard running?.begin() != false else { throw QueryError.tooManyStatements }
        Thread.detachNewThread {
            let answered = Result { try run(statement, stop) }
            running?.end()
            given.set(answered)
            done.signal()
        }
        guard done.wait(timeout: .now() + timeLimit.inSeconds + 0.5) == .success, let answered = given.value else {
            throw tooLong
        }
        return try answered.get()
    }

    /// The first word of a statement, in capitals.
    private static func verb(_ sql: String) -> String {
        sql.drop { $0.isWhitespace || $0 == "(" }.prefix { $0.isLetter }.uppercased()
    }

    private var tooLong: QueryError { .badSQL("it took longer than \(Int(timeLimit.inSeconds)) s") }

    private func run(_ statement: LakeStatement, _ stop: StopSign) throws -> Answer {
        let watch = MemoryWatch(limit: memoryLimit)
        defer { withExtendedLifetime(watch) {} }
        var configuration = GRDB.Configuration()
        configuration.readonly = true
        configuration.prepareDatabase { database in
            // The schemas of the layers are written, into memory.
            try database.execute(sql: "PRAGMA query_only = OFF; PRAGMA temp_store = MEMORY")
            try SQLFunction.register(on: database.sqliteConnection, now: .now)
            try statement.attach(to: database.sqliteConnection)
            for view in SQLViews.ofStore { try database.execute(sql: view.statement) }
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
            watch.begin(on: database.sqliteConnection)
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
            return try queue.read { database in
                if let answer = try overGroups(statement, database) { return answer }
                do {
                    return try rows(of: statement.text, database)
                } catch let error as DatabaseError where error.resultCode == .SQLITE_ERROR {
                    throw QueryError.badSQL(
                        SQLSuggestion.sentence(
                            error.message ?? "\(error)", lakeTables: (try? lake.tables()) ?? [], words: statement.words, database)
                    )
                }
            }
        } catch let error as LakeSQLError {
            throw QueryError.badSQL("\(error)")
        } catch let error as DatabaseError {
            switch error.resultCode {
            case .SQLITE_INTERRUPT where !watch.isBeyond: throw tooLong
            case .SQLITE_NOMEM, .SQLITE_INTERRUPT:
                throw QueryError.badSQL("it needs more memory than it may have; ask for less at once")
            case .SQLITE_TOOBIG:
                throw QueryError.badSQL(
                    "it reads or builds a value of more than \(Self.maxValueLength) bytes; leave that out")
            default: throw QueryError.badSQL(error.message ?? "\(error)")
            }
        }
    }

    /// The answer of the statement that counts by column; nil where there is none, or where the statement itself must say it.
    private func overGroups(_ statement: LakeStatement, _ database: Database) throws -> Answer? {
        guard let text = statement.groupedText else { return nil }
        do {
            return try rows(of: text, database)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_ERROR {
            return nil
        }
    }

    private func rows(of sql: String, _ database: Database) throws -> Answer {
        let statements = try database.allStatements(sql: sql)
        guard let statement = try statements.next() else { throw QueryError.badSQL("it is empty") }
        guard statement.isReadonly, try statements.next() == nil else {
            throw QueryError.badSQL("only one statement that reads is run here")
        }
        try refuseHidden(statement, sql, database)
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

    /// - Throws: ``QueryError/badSQL(_:)`` for a statement that reads one of ``hiddenTables``, by any name and in any way.
    private func refuseHidden(_ statement: Statement, _ sql: String, _ database: Database) throws {
        guard !hiddenTables.isEmpty else { return }
        let refusal = { (table: String) in QueryError.badSQL("the table '\(table)' is not read here; ask on the machine of obs") }
        for table in hiddenTables.sorted() where statement.databaseRegion.isModified(byEventsOfKind: .delete(tableName: table)) {
            throw refusal(table)
        }
        // SQLite does not report all that it reads (a column of USING): what the program of the statement opens is certain.
        guard Self.verb(sql) != "EXPLAIN" else { return }
        let list = hiddenTables.map { "'\($0)'" }.joined(separator: ",")
        let pages = try Row.fetchAll(
            database, sql: "SELECT rootpage, tbl_name FROM main.sqlite_schema WHERE tbl_name IN (\(list)) AND rootpage > 0")
        for step in try Row.fetchAll(database, sql: "EXPLAIN " + sql) {
            guard ["OpenRead", "ReopenIdx"].contains(step["opcode"] as String), step["p3"] as Int == 0 else { continue }
            if let page = pages.first(where: { $0["rootpage"] as Int == step["p2"] as Int }) { throw refusal(page["tbl_name"]) }
        }
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

/// How many statements run at a time in a process that answers many people.
public final class RunningStatements: Sendable {
    private let most: Int
    private let count = Mutex(0)

    /// - Parameter most: further ones are refused with ``QueryError/tooManyStatements``.
    public init(most: Int) { self.most = most }

    fileprivate func begin() -> Bool {
        count.withLock { count in
            guard count < most else { return false }
            count += 1
            return true
        }
    }

    fileprivate func end() { count.withLock { $0 -= 1 } }
}

/// Ends a statement when SQLite takes much more memory than at its begin.
// Safe because only the thread that steps the statement calls it, and reads it.
private final class MemoryWatch: @unchecked Sendable {
    /// Instructions of SQLite between two looks: few, because one of them may take as much as a value may have.
    private static let interval: Int32 = 50

    private let limit: Int64
    private var before: Int64 = 0
    private(set) var isBeyond = false

    init(limit: Int64) { self.limit = limit }

    /// - Precondition: the watch outlives the statements of the connection.
    func begin(on connection: OpaquePointer?) {
        before = sqlite3_memory_used()
        sqlite3_progress_handler(
            connection, Self.interval,
            { watch in
                let watch = Unmanaged<MemoryWatch>.fromOpaque(watch!).takeUnretainedValue()
                watch.isBeyond = sqlite3_memory_used() - watch.before > watch.limit
                return watch.isBeyond ? 1 : 0
            }, Unmanaged.passUnretained(self).toOpaque())
    }
}

/// What a thread gives, which may come when nobody waits for it any more.
private final class Given: Sendable {
    private let state = Mutex<Result<Answer, any Error>?>(nil)
    var value: Result<Answer, any Error>? { state.withLock { $0 } }
    func set(_ result: Result<Answer, any Error>) { state.withLock { $0 = result } }
}
