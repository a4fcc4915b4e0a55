import Columns
import Foundation
@preconcurrency import GRDB
import Logging
import Parsing
import Telemetry

/// Rows of a table of a SQLite database, as JSON lines, read as they are added: those whose key is greater than the greatest
/// that was read.
///
/// The database is another program's: it is opened for reading only, and each look is one short transaction. A row that changes
/// keeps its key and is not seen again; where changes matter, let the key be a column that grows with each change.
struct SQLiteSource: Source {
    /// What is read; an entry has `sqlite`, `table` and `key`.
    struct Configuration: Sendable, Hashable {
        /// Of the database file.
        var path: String
        /// The table in it.
        var table: String
        /// A column of whole numbers or texts that grows from row to row; unique. Nil is the primary key.
        var key: String?
        /// The time between two looks, once everything is read.
        var pollInterval: Duration = .seconds(1)
        /// Goes on when everything is read.
        var follows = true

        /// Reads the rows of a table in the order of `key`.
        init(path: String, table: String, key: String?) {
            self.path = path
            self.table = table
            self.key = key
        }
    }

    /// Rows of one chunk.
    private static let rowsPerChunk = 4096

    private let setup: SourceSetup
    private let configuration: Configuration

    /// Reads the table that `configuration` names.
    init(_ setup: SourceSetup, _ configuration: Configuration) {
        self.setup = setup
        self.configuration = configuration
    }

    /// As in the configuration.
    var name: String { setup.name }

    /// See ``Source/run(from:deliver:)``.
    func run(from position: SourcePosition?, deliver: @Sendable (SourceChunk) async throws -> Void) async throws {
        var cursor = try position?.cursor.map { try JSONDecoder().decode(Key.self, from: Data($0.utf8)) }
        var database: (queue: DatabaseQueue, key: String)?
        while !Task.isCancelled {
            do {
                if database == nil { database = try open() }
                let (lines, last) = try await read(database!.queue, key: database!.key, after: cursor)
                if let last {
                    cursor = last
                    let text = String(decoding: try JSONEncoder().encode(last), as: UTF8.self)
                    try await deliver(SourceChunk(lines: lines, position: SourcePosition(cursor: text)))
                    setup.metrics.lines.increment(by: lines.count)
                    continue
                }
            } catch let error as DatabaseError where configuration.follows && Self.passes(error) {
                // Another program writes, or has not made the database yet: it is looked at again.
                setup.logger.warning(
                    "a database cannot be read now; it is tried again",
                    metadata: ["source": "\(name)", "error": "\(error.message ?? error.description)"])
                database = nil
            } catch let error as DatabaseError {
                throw IngestError.cannotRead(path: configuration.path, reason: error.message ?? error.description)
            }
            guard configuration.follows else { return }
            // A cancelled sleep ends the loop.
            try? await Task.sleep(for: configuration.pollInterval)
        }
    }

    /// A key as it was in the database: a text never compares with a number there.
    private enum Key: Codable, Sendable {
        case number(Int64)
        case text(String)

        var value: DatabaseValue {
            switch self {
            case .number(let number): number.databaseValue
            case .text(let text): text.databaseValue
            }
        }
    }

    private static func passes(_ error: DatabaseError) -> Bool {
        [.SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_CANTOPEN].contains(error.resultCode)
    }

    private func open() throws -> (queue: DatabaseQueue, key: String) {
        var options = GRDB.Configuration()
        options.readonly = true
        options.busyMode = .timeout(2)
        let database = try DatabaseQueue(path: configuration.path, configuration: options)
        let (columns, primary) = try database.read {
            (try $0.columns(in: configuration.table).map(\.name), try $0.primaryKey(configuration.table).columns)
        }
        guard let key = configuration.key ?? (primary.count == 1 ? primary[0] : nil) else {
            throw IngestError.cannotRead(
                path: configuration.path,
                reason:
                    "the primary key of table '\(configuration.table)' has \(primary.count) columns; name one that grows as 'key'"
            )
        }
        guard columns.contains(key) else {
            throw IngestError.cannotRead(
                path: configuration.path,
                reason:
                    "table '\(configuration.table)' has no column '\(key)'; it has \(columns.joined(separator: ", "))"
            )
        }
        return (database, key)
    }

    private func read(_ database: DatabaseQueue, key name: String, after cursor: Key?) async throws -> (Batch, Key?) {
        let table = Self.quoted(configuration.table), key = Self.quoted(name)
        let arrival = Timestamp.now
        return try await database.read { database in
            var builder = RawLinesBuilder()
            var last: Key?
            let rows = try Row.fetchCursor(
                database,
                sql:
                    "SELECT * FROM \(table) WHERE \(key) IS NOT NULL \(cursor == nil ? "" : "AND \(key) > ?") ORDER BY \(key) "
                    + "LIMIT \(Self.rowsPerChunk)",
                arguments: cursor.map { [$0.value] } ?? [])
            while let row = try rows.next() {
                let line = Array(Self.json(row).utf8)
                let value: DatabaseValue = row[name]
                switch value.storage {
                case .int64(let number): last = .number(number)
                case .string(let text): last = .text(text)
                default:
                    throw IngestError.cannotRead(
                        path: configuration.path,
                        reason: "the key '\(name)' of table '\(configuration.table)' is not a whole number or a text")
                }
                var offset: Int64 = 0
                if case .number(let number) = last { offset = number }
                builder.append(
                    line.span, offset: offset, source: name, file: "\(configuration.path)#\(configuration.table)",
                    arrival: arrival)
                setup.metrics.bytes.increment(by: line.count)
            }
            return (builder.finish(), last)
        }
    }

    private static func quoted(_ name: String) -> String { "\"\(OutsideText(name).replacing("\"", with: "\"\""))\"" }

    private static func json(_ row: Row) -> String {
        let members = row.map { name, value -> String in
            let text: String =
                switch value.storage {
                case .null: "null"
                case .int64(let number): String(number)
                case .double(let number): JSONText.render(.double(number))
                case .string(let text): JSONText.quote(text)
                case .blob(let data): JSONText.render(.binary(Array(data)))
                }
            return "\(JSONText.quote(name)):\(text)"
        }
        return "{\(members.joined(separator: ","))}"
    }
}

extension SQLiteSource.Configuration: SourceKind {
    /// `sqlite`.
    static let entryKey = "sqlite"

    private enum CodingKeys: CodingKey { case name, sqlite, table, key }

    /// Reads an entry.
    ///
    /// - Throws: when it does not name the table and its key.
    init(from decoder: any Decoder) throws {
        let entry = try decoder.container(keyedBy: CodingKeys.self)
        let path = try entry.decode(String.self, forKey: .sqlite)
        guard let table = try entry.decodeIfPresent(String.self, forKey: .table),
            let key = try entry.decodeIfPresent(String.self, forKey: .key)
        else {
            let name = try entry.decode(String.self, forKey: .name)
            throw entry.refused(
                .sqlite, "source '\(name)' reads a database; name its 'table' and 'key', a column that grows")
        }
        self.init(path: path, table: table, key: key)
    }

    /// `shop.db#orders`.
    func place(of name: String) -> String { "\(path)#\(table)" }

    /// The database file.
    func look() -> SourceLook { .file(path) }

    /// Reads rows as they are added.
    func source(_ setup: SourceSetup) -> any Source { SQLiteSource(setup, self) }

    /// Reads the rows that exist.
    func endingSource(_ setup: SourceSetup) -> (any Source)? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        var once = self
        once.follows = false
        return SQLiteSource(setup, once)
    }
}
