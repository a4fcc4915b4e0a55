import Columns
import Testing

@testable import Streaming

struct `An expression` {
    private static let schema = Schema([
        Field("event_time", .timestamp), Field("n", .int64, isNullable: true), Field("x", .double, isNullable: true),
        Field("s", .text, isNullable: true), Field("b", .bool, isNullable: true), Field("when", .timestamp),
    ])
    private static let row: [Value] = [
        .timestamp(Timestamp(seconds: 1_763_719_200)), 7, 2.5, "Text", true, .timestamp(Timestamp(seconds: 1_763_719_260)),
    ]
    private static let nulls: [Value] = [
        .timestamp(Timestamp(seconds: 0)), .null, .null, .null, .null, .timestamp(Timestamp(seconds: 0)),
    ]

    private func value(_ text: String, _ row: [Value] = row) throws -> Value {
        let expression = try Expression(text)
        let batch = try Batch(schema: Self.schema, rows: [row])
        let type = try expression.type(in: Self.schema)
        let column = expression.column(of: batch)
        #expect(column.values.fits(type))
        return column.value(at: 0, as: type)
    }

    @Test(
        arguments: [
            ("1 + 2 * 3", 7), ("(1 + 2) * 3", 9), ("-2 + 5", 3), ("7 % 4", 3), ("n * 2", 14), ("n / 2", 3.5), ("n + x", 9.5),
            ("x * x", 6.25),
            ("2 - - 2", 4), ("n > 3", true), ("n > 3 and x < 1", false), ("not b or n == 7", true), ("n >= 7 and n <= 7", true),
            ("s == 'Text'", true), ("s != 'Text'", false), ("s < 'Z'", true), ("if(n > 5, 'big', 'small')", "big"),
            ("if(b, 1, 2.5)", 1.0), ("coalesce(null, s, 'x')", "Text"), ("is_null(n)", false), ("lower(s)", "text"),
            ("upper(s)", "TEXT"),
            ("length(s)", 4), ("concat(s, '-', n)", "Text-7"), ("contains(s, 'ex')", true), ("starts_with(s, 'T')", true),
            ("ends_with(s, 'x')", false), ("abs(-3)", 3), ("floor(x)", 2), ("ceil(x)", 3), ("round(2.6)", 3), ("min(n, 3)", 3),
            ("max(n, 3.5)", 7.0),
            ("day(event_time)", "2025-11-21"), ("hour(event_time)", 10), ("weekday(event_time)", 5), ("when - event_time", 60.0),
            ("event_time + 60 == when", true), ("start_of(when, '1h') == event_time", true), ("event_time < '2026-01-01'", true),
            ("number('12.5') + 1", 13.5), ("text(n)", "7"), ("seconds(event_time)", 1_763_719_200.0), ("1_000", 1000),
            ("n / 0", nil), ("9223372036854775807 + 1", nil), ("number('abc')", nil), ("n % 0", nil),
        ] as [(String, Value)])
    func `gives its value`(text: String, expected: Value) throws {
        #expect(try value(text) == expected)
    }

    @Test(
        arguments: [
            ("n + 1", nil), ("n > 3", nil), ("n > 3 and false", false), ("n > 3 or true", true), ("not b", nil),
            ("is_null(n)", true),
            ("coalesce(n, 9)", 9), ("if(b, 1, 2)", 2), ("concat(s, 'x')", nil), ("lower(s)", nil), ("min(n, 3)", nil),
        ] as [(String, Value)])
    func `of nulls is null, save where it says otherwise`(text: String, expected: Value) throws {
        #expect(try value(text, Self.nulls) == expected)
    }

    @Test(arguments: [
        ("n +", "it ends too early"), ("(n", "a ')' is missing"), ("n n", "'n' is not expected there"),
        ("foo(n)", "there is no function 'foo'"),
        ("'abc", "a closing quote is missing"), ("n & 1", "'&' has no meaning in it"), ("if(b, 1)", "if has 2 arguments"),
        ("1.2.3", "'1.2.3' is not a number"),
        (String(repeating: "(", count: 100) + "1", "nested more than 64 deep"),
    ])
    func `that is none is refused with the reason`(text: String, reason: String) {
        #expect { try Expression(text) } throws: { "\($0)".contains(reason) }
    }

    @Test(arguments: [
        ("m + 1", "names the column 'm', which there is not"), ("s + 1", "'+' needs numbers"),
        ("n == 'x'", "compares values of two kinds"),
        ("if(n, 1, 2)", "'if' needs a condition first"), ("lower(n)", "'lower' needs text"), ("null", "is always null"),
        ("coalesce(n, s)", "of two kinds"), ("start_of(event_time, 'soon')", "needs a duration"),
        ("event_time > 'soon'", "'soon' is not a time"),
    ])
    func `that cannot use its columns is refused before anything runs`(text: String, reason: String) throws {
        let expression = try Expression(text)
        #expect { try expression.type(in: Self.schema) } throws: { "\($0)".contains(reason) }
    }
}

struct `A schedule` {
    private func time(_ text: String) -> Timestamp { Timestamp(iso8601: text)! }

    @Test(arguments: [
        ("*/5 * * * *", "2026-11-21T10:02:30Z", "2026-11-21T10:05:00Z"),
        ("*/5 * * * *", "2026-11-21T10:05:00Z", "2026-11-21T10:10:00Z"),
        ("0 2 * * *", "2026-11-21T10:00:00Z", "2026-11-22T02:00:00Z"),
        ("30 23 31 12 *", "2026-11-21T10:00:00Z", "2026-12-31T23:30:00Z"),
        ("0 0 29 2 *", "2026-11-21T10:00:00Z", "2028-02-29T00:00:00Z"),
        ("0 9 * * 1-5", "2026-11-21T10:00:00Z", "2026-11-23T09:00:00Z"),
        ("0 9 * * sun", "2026-11-21T10:00:00Z", "2026-11-22T09:00:00Z"),
        ("0 9 * * 7", "2026-11-21T10:00:00Z", "2026-11-22T09:00:00Z"),
        ("0 0 13 * fri", "2026-11-21T10:00:00Z", "2026-11-27T00:00:00Z"),
        ("15,45 8-9 1 jan,jul *", "2026-11-21T10:00:00Z", "2027-01-01T08:15:00Z"),
        ("0 0 */10 * *", "2026-11-21T10:00:00Z", "2026-12-01T00:00:00Z"),
        ("59 23 * * *", "2026-12-31T23:59:00Z", "2027-01-01T23:59:00Z"),
    ])
    func `by cron names its next time`(text: String, now: String, next: String) throws {
        #expect(try CronExpression(text).next(after: time(now)) == time(next))
    }

    @Test func `by an interval is at its multiples`() {
        #expect(Schedule.every(.seconds(300)).next(after: time("2026-11-21T10:02:30Z")) == time("2026-11-21T10:05:00Z"))
        #expect(Schedule.every(.seconds(300)).next(after: time("2026-11-21T10:05:00Z")) == time("2026-11-21T10:10:00Z"))
    }

    @Test(arguments: [
        "", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "a * * * *", "5-1 * * * *",
        "*/0 * * * *", "1,, * * * *",
    ])
    func `that is no cron expression is refused`(text: String) {
        #expect(throws: CronExpression.Malformed.self) { try CronExpression(text) }
    }

    @Test func `that never comes has no next time`() throws {
        #expect(try CronExpression("0 0 30 2 *").next(after: time("2026-11-21T10:00:00Z")) == nil)
    }
}
