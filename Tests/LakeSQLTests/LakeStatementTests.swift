import CSQLite
import Columns
import Foundation
import Lake
import TestSupport
import Testing

@testable import LakeSQL

/// A connection of SQLite that reads a file which has one table, with what a statement needs of a lake.
private final class Connection {
    private var database: OpaquePointer?

    init(_ path: String) {
        sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nil)
        sqlite3_exec(database, "CREATE TABLE IF NOT EXISTS person (name, age)", nil, nil, nil)
        sqlite3_close(database)
        sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, nil)
    }

    deinit { sqlite3_close(database) }

    struct Failed: Error, CustomStringConvertible { let description: String }

    /// The rows of a statement, the values joined by blanks.
    func ask(_ text: String, _ lake: Lake, _ stop: StopSign = StopSign()) throws -> [String] {
        let statement = try LakeStatement(text, over: lake, stop: stop)
        try SQLFunction.register(on: database, now: .now)
        try statement.attach(to: database)
        var prepared: OpaquePointer?
        guard sqlite3_prepare_v2(database, statement.text, -1, &prepared, nil) == SQLITE_OK else {
            throw Failed(description: String(cString: sqlite3_errmsg(database)))
        }
        defer { sqlite3_finalize(prepared) }
        var rows: [String] = []
        while true {
            switch sqlite3_step(prepared) {
            case SQLITE_ROW:
                let values = (0..<sqlite3_column_count(prepared)).map { column in
                    sqlite3_column_text(prepared, column).map { String(cString: $0) } ?? "null"
                }
                rows.append(values.joined(separator: " "))
            case SQLITE_DONE: return rows
            default: throw Failed(description: String(cString: sqlite3_errmsg(database)))
            }
        }
    }
}

struct `A statement over the tables of a lake` {
    private let folder = TemporaryFolder()
    private var lake: Lake { Lake(root: folder.path + "/lake") }

    private static let schema = Schema([
        Field("event_time", .timestamp), Field("user", .text, isNullable: true), Field("port", .int32, isNullable: true),
        Field("load", .double, isNullable: true), Field("ok", .bool), Field("day", .date),
        Field("raw", .binary, isNullable: true),
    ])

    /// Ten rows a file, two files a version; rows of the first minutes of a day.
    private func fill(_ versions: Int = 3) throws {
        let table = try lake.table("silver.ssh", creating: Self.schema)
        for version in 0..<versions {
            let files = try (0..<2).flatMap { file in
                let writer = table.writer()
                try writer.append(
                    Batch(schema: Self.schema, rows: (0..<10).map { Self.row(version * 20 + file * 10 + $0) }))
                return try writer.finish()
            }
            _ = try table.commit(adding: files)
        }
    }

    private static let start = Timestamp(iso8601: "2026-11-27T00:00:00Z")!

    private static func row(_ number: Int) -> [Value] {
        [
            .timestamp(start + .seconds(number) + .milliseconds(number % 3 * 250)),
            number % 4 == 3 ? .null : .text("user\(number % 4)"),
            number % 5 == 0 ? .null : .int(Int64(1000 + number)), .double(Double(number) / 4), .bool(number % 2 == 0),
            .date(20_784 + Int32(number / 20)), number % 7 == 0 ? .binary([0, 0xFF]) : .null,
        ]
    }

    private func ask(_ text: String) throws -> [String] { try Connection(folder.path + "/obs.db").ask(text, lake) }

    @Test(arguments: [
        ("SELECT count(*) FROM silver.ssh", ["60"]),
        ("SELECT user, count(*) FROM silver.ssh GROUP BY user ORDER BY user", ["null 15", "user0 15", "user1 15", "user2 15"]),
        ("SELECT port FROM silver.ssh WHERE user = 'user1' AND port > 1050", ["1053", "1057"]),
        ("SELECT port FROM silver.ssh WHERE port IN (1001, 1059, 5, NULL)", ["1001", "1059"]),
        ("SELECT port FROM silver.ssh WHERE port = '1001'", ["1001"]),
        ("SELECT count(*) FROM silver.ssh WHERE port IS NULL", ["12"]),
        ("SELECT count(*) FROM silver.ssh WHERE port = NULL", ["0"]),
        ("SELECT count(*) FROM silver.ssh WHERE port <> 1001 OR user IS NULL", ["50"]),
        (
            "SELECT event_time, load, ok, day, hex(raw) FROM silver.ssh LIMIT 2",
            ["2026-11-27T00:00:00.000000Z 0.0 1 2026-11-27 00FF", "2026-11-27T00:00:01.250000Z 0.25 0 2026-11-27 "]
        ),
        // Times are compared as times, however they are written.
        ("SELECT count(*) FROM silver.ssh WHERE event_time >= '2026-11-27T00:00:57Z'", ["3"]),
        ("SELECT count(*) FROM silver.ssh WHERE event_time < '2026-11-27 00:00:03'", ["3"]),
        ("SELECT count(*) FROM silver.ssh WHERE event_time = '2026-11-27T01:00:03+01:00'", ["1"]),
        ("SELECT count(*) FROM silver.ssh WHERE event_time BETWEEN '2026-11-27' AND '2026-11-27T00:00:10Z'", ["10"]),
        ("SELECT count(*) FROM silver.ssh WHERE event_time > '2026-11-26' OR 1 = 2", ["60"]),
        ("SELECT strftime('%M:%S', event_time) FROM silver.ssh WHERE port = 1059", ["00:59"]),
        ("SELECT count(*) FROM silver.ssh WHERE day = '2026-11-28'", ["20"]),
        ("SELECT count(*) FROM silver.ssh WHERE day >= '2026-11'", ["60"]),
        ("SELECT count(*) FROM silver.ssh WHERE load > 14", ["3"]),
        ("SELECT count(*) FROM silver.ssh WHERE load < 1e300", ["60"]),
        ("SELECT count(*) FROM silver.ssh WHERE ok", ["30"]), ("SELECT count(*) FROM silver.ssh WHERE user = 1", ["0"]),
        ("SELECT count(*) FROM silver.ssh WHERE user = 'USER1' COLLATE NOCASE", ["15"]),
        // As it was.
        ("SELECT count(*) FROM silver.ssh@v1", ["20"]), ("SELECT count(*) FROM silver.\"ssh@v2\"", ["40"]),
        ("SELECT (SELECT count(*) FROM silver.ssh@v3) - (SELECT count(*) FROM silver.ssh@v1)", ["40"]),
        // With others, and with itself.
        ("SELECT count(*) FROM silver.ssh a JOIN silver.ssh b ON a.port = b.port + 1 WHERE a.port < 1010", ["6"]),
        ("SELECT count(*) FROM silver.ssh, person", ["0"]),
        (
            "WITH last AS (SELECT max(event_time) AS t FROM silver.ssh) SELECT port FROM silver.ssh, last WHERE event_time = t",
            ["1059"]
        ),
        // Names in texts and comments are none.
        ("SELECT 'silver.nope' -- silver.nope\n/* silver.nope */", ["silver.nope"]),
        ("SELECT \"silver\".[ssh].\"port\" FROM silver.ssh LIMIT 1", ["null"]),
    ])
    func `is answered as the rows say`(statement: String, expected: [String]) throws {
        try fill()
        #expect(try ask(statement) == expected, "\(statement)")
    }

    /// Random conditions, against SQLite's own look at all rows.
    @Test(arguments: 0..<20) func `reads no row less for its conditions`(seed: UInt64) throws {
        try fill()
        var random = SplitMix64(seed: seed)
        let sides: [(column: String, values: [String])] = [
            ("port", ["1000", "1007", "1007.5", "'1020'", "NULL", "-1e99", "1e99"]),
            ("user", ["'user0'", "'user2'", "''", "5", "NULL"]),
            ("load", ["0", "3.25", "'4'", "1e308"]), ("ok", ["0", "1", "2"]),
            ("event_time", ["'2026-11-27T00:00:20Z'", "'2026-11-27 00:00:31.25'", "'2026-11-27'", "'x'", "5"]),
            ("day", ["'2026-11-28'", "'2026-11'", "'2026-11-29'"]),
        ]
        for _ in 0..<20 {
            let conditions = (0..<Int.random(in: 1...3, using: &random)).map { _ in
                let side = sides.randomElement(using: &random)!, value = side.values.randomElement(using: &random)!
                let comparison = ["=", "<", "<=", ">", ">=", "IS", "IS NOT", "<>", "IN"].randomElement(using: &random)!
                return (
                    side.column, comparison == "IN" ? "IN (\(side.values.joined(separator: ", ")))" : "\(comparison) \(value)"
                )
            }
            let plain = conditions.map { column, rest in "\(column) \(rest)" }.joined(separator: " AND ")
            let whole = try ask(
                "WITH all_rows AS MATERIALIZED (SELECT * FROM silver.ssh) SELECT event_time FROM all_rows WHERE \(plain)")
            #expect(try ask("SELECT event_time FROM silver.ssh WHERE \(plain)") == whole, "\(plain)")
        }
    }

    @Test func `names what is wrong`() throws {
        try fill()
        func message(_ text: String) -> String {
            do { return "\(try ask(text))" } catch { return "\(error)" }
        }
        #expect(message("SELECT * FROM silver.nope") == "no such table: silver.nope")
        #expect(message("SELECT nope FROM silver.ssh") == "no such column: nope")
        #expect(message("SELECT 1 FROM silver.ssh@v99").contains("silver.ssh: has no version 99"))
        #expect(message("SELECT 1 FROM silver.ssh@yesterday").contains("silver.ssh@yesterday: write a version or a time"))
        #expect(message("DELETE FROM silver.ssh").contains("may not be modified"))
        #expect(message("INSERT INTO silver.ssh (port) VALUES (1)").contains("may not be modified"))
        #expect(message("SELECT 1 FROM \"..\".ssh").contains("no such table"))
    }

    @Test func `says which file is damaged`() throws {
        try fill(1)
        let table = folder.path + "/lake/silver/ssh"
        let name = try #require(try FileManager.default.contentsOfDirectory(atPath: table).first { $0.hasSuffix(".parquet") })
        try "PAR1 is not all".write(toFile: table + "/" + name, atomically: true, encoding: .utf8)
        #expect { try ask("SELECT count(*) FROM silver.ssh WHERE port > 0") } throws: { "\($0)".contains(name) }
    }

    @Test func `ends when it is told to`() throws {
        try fill()
        let stop = StopSign()
        stop.set()
        #expect { try Connection(folder.path + "/obs.db").ask("SELECT count(*) FROM silver.ssh", lake, stop) } throws: {
            "\($0)" == "interrupted"
        }
    }
}
