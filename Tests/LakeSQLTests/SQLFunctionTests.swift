import CSQLite
import Columns
import Foundation
import Testing

@testable import LakeSQL

struct `The functions of SQL` {
    private static let now = Timestamp(iso8601: "2026-11-27T15:04:05.678901Z")!

    /// The one value of an expression; its error where it has one.
    private func value(_ expression: String) throws -> String {
        var database: OpaquePointer?
        sqlite3_open_v2(":memory:", &database, SQLITE_OPEN_READWRITE, nil)
        defer { sqlite3_close(database) }
        try SQLFunction.register(on: database, now: Self.now)
        var prepared: OpaquePointer?
        guard sqlite3_prepare_v2(database, "SELECT " + expression, -1, &prepared, nil) == SQLITE_OK else {
            return String(cString: sqlite3_errmsg(database))
        }
        defer { sqlite3_finalize(prepared) }
        guard sqlite3_step(prepared) == SQLITE_ROW else { return String(cString: sqlite3_errmsg(database)) }
        return sqlite3_column_text(prepared, 0).map { String(cString: $0) } ?? "null"
    }

    @Test(arguments: [
        ("ago('1d')", "2026-11-26T15:04:05.678901Z"), ("ago('1h30m')", "2026-11-27T13:34:05.678901Z"),
        ("ago('0')", "2026-11-27T15:04:05.678901Z"), ("ago(NULL)", "null"),
        ("ago('soon')", "ago: 'soon' is not a duration; write one such as 30s, 5m, 2h or 1d"),
        ("bucket('2026-11-27T15:04:05.678901Z', '5m')", "2026-11-27T15:00:00.000000Z"),
        ("bucket('2026-11-27 15:04', '1d')", "2026-11-27T00:00:00.000000Z"),
        ("bucket('2026-11-27', '1w')", "2026-11-23T00:00:00.000000Z"),
        ("bucket('1969-12-31T23:59:59Z', '1h')", "1969-12-31T23:00:00.000000Z"),
        ("bucket('no time', '1h')", "null"), ("bucket(NULL, '1h')", "null"),
        ("bucket('2026-11-27', '0')", "bucket: '0' is not above 0"),
        ("cidr('192.0.2.0/24', '192.0.2.255')", "1"), ("cidr('192.0.2.0/24', '192.0.3.1')", "0"),
        ("cidr('2001:db8::/32', '2001:db8:1::5')", "1"), ("cidr('192.0.2.0/24', '::ffff:192.0.2.9')", "1"),
        ("cidr('192.0.2.0/24', 'web-1')", "0"), ("cidr('192.0.2.0/24', NULL)", "null"),
        (
            "cidr('192.0.2.0/33', '192.0.2.1')",
            "cidr: '192.0.2.0/33' is not a network; write one such as 192.0.2.0/24 or 2001:db8::/32"
        ),
        ("matches('root', 'ro+t')", "1"), ("matches('xroot', 'root')", "0"), ("matches(NULL, 'x')", "null"),
        ("matches(22, '2.')", "1"),
        ("matches('x', '(')", "matches: '(' is not a regular expression: a ')' is missing"),
        (#"label('{"a":"1","Büro":"x y"}', 'Büro')"#, "x y"), (#"label('{"a":"1"}', 'b')"#, "null"),
        ("label('no json', 'b')", "null"), ("label(NULL, 'b')", "null"),
        ("utc(0)", "1970-01-01T00:00:00.000000Z"), ("utc(-1)", "1969-12-31T23:59:59.999999Z"), ("utc(NULL)", "null"),
    ])
    func `give what the documentation says`(expression: String, expected: String) throws {
        #expect(try value(expression) == expected, "\(expression)")
    }

    @Test func `keep a constant argument of each call, not of another`() throws {
        #expect(
            try value(
                "group_concat(cidr(n, a)) FROM (SELECT '192.0.2.0/24' n, '192.0.2.1' a UNION ALL SELECT '198.51.100.0/24', '192.0.2.1')"
            )
                == "1,0")
    }
}
