import Columns
import Foundation
import Lake
import Testing

@testable import Query

struct `Counts of a table` {
    private let temporary: TemporaryIncidents
    private let lake: Lake
    private let questions: TableQuestions

    private static let day = Timestamp(iso8601: "2026-11-20T00:00:00Z")!
    private static let schema = Schema([
        Field("event_time", .timestamp), Field("user", .text, isNullable: true), Field("port", .int32, isNullable: true),
        Field("latency_ms", .double), Field("age", .int64), Field("ok", .bool),
    ])

    /// An hour has a row of root more than the one before; the week before has only five rows of admin.
    init() throws {
        temporary = try TemporaryIncidents()
        lake = Lake(root: temporary.folder + "/lake")
        questions = TableQuestions(temporary.store, lake)
        let table = try lake.table("silver.ssh", creating: Self.schema)
        let writer = table.writer()
        var rows: [[Value]] = []
        for hour in 0..<4 {
            for number in 0...hour { rows.append(Self.row(.seconds(hour * 3600 + number), "root", number)) }
            rows.append(Self.row(.seconds(hour * 3600 + 60), hour % 2 == 0 ? nil : "o'brien", 100))
        }
        for number in 0..<5 { rows.append(Self.row(.seconds(-7 * 86_400 + number), "admin", 22)) }
        try writer.append(Batch(schema: Self.schema, rows: rows))
        try table.commit(adding: try writer.finish())
    }

    private static func row(_ time: Duration, _ user: String?, _ port: Int) -> [Value] {
        [
            .timestamp(day + time), user.map(Value.text) ?? .null, port == 3 ? .null : .int(Int64(port)),
            .double(Double(port) * 100), .int(Int64(port) * 30), .bool(port % 2 == 0),
        ]
    }

    private func selection(_ conditions: String, since: Timestamp? = day) -> TableQuestions.Selection {
        TableQuestions.Selection("silver.ssh", conditions: conditions, since: since)
    }

    private func lines(_ answer: Answer) -> [String] { answer.rows.map { $0.map(\.description).joined(separator: " ") } }

    @Test func `are by the most frequent values, with the share of each`() throws {
        #expect(try lines(questions.top("user", of: selection(""), limit: 5)) == ["root 10 83.3 %", "o'brien 2 16.7 %"])
        #expect(try lines(questions.top("user", of: selection("", since: nil), limit: 1)) == ["root 10 58.8 %"])
        #expect(
            try lines(questions.top("user", of: selection(""), limit: 2, per: "2h")) == [
                "2026-11-20T00:00:00Z root 3", "2026-11-20T00:00:00Z o'brien 1", "2026-11-20T02:00:00Z root 7",
                "2026-11-20T02:00:00Z o'brien 1",
            ])
        #expect(try questions.top("user", of: selection("port=\"7\""), limit: 2, per: "2h").rows.isEmpty)
    }

    @Test(arguments: [
        ("", 14), ("user=\"root\"", 10), ("user!=\"root\"", 4), ("user=\"\"", 2), ("user=\"o'brien\"", 2),
        ("user=~\"r.*|o.*\"", 12),
        ("user!~\".+\"", 2), ("port > 1", 6), ("port >= 1, port < 100", 5), ("user=\"root\", port <= 1", 7), ("port=\"100\"", 4),
        ("port!=\"100\"", 10), ("ok=\"true\"", 10), ("latency_ms > 150ms", 7), ("latency_ms >= 200ms", 7),
        ("latency_ms < 200ms", 7),
        ("age > 1m", 5), ("event_time >= 2026-11-20T03:00:00Z", 5), ("user > p", 10), ("user=\"a,b > 5\"", 0),
    ])
    func `are of the rows that fulfil all conditions`(conditions: String, count: Int64) throws {
        let answer = try questions.count(by: [], of: selection(conditions), now: Self.day + .seconds(86_400))
        #expect(answer.rows == [[.int(count)]], "\(conditions)")
    }

    @Test func `are compared with the week before, also what is no more there`() throws {
        let answer = try questions.count(
            by: ["user"], of: selection("port < 100"), before: .seconds(7 * 86_400), now: Self.day + .seconds(86_400))
        #expect(answer.schema.fields.map(\.name) == ["user", "count", "before", "change"])
        #expect(lines(answer) == ["root 9 0 new", "admin 0 5 -100 %"])
        let all = try questions.count(
            by: [], of: selection(""), before: .seconds(7 * 86_400), now: Self.day + .seconds(86_400))
        #expect(lines(all) == ["14 5 +180 %"])
    }

    @Test func `say what cannot be counted`() throws {
        func refusal(_ body: () throws -> Answer) -> String {
            do { return "\(try body().rows)" } catch { return "\(error)" }
        }
        #expect(
            refusal { try questions.top("usr", of: selection(""), limit: 1) }.contains(
                "there is no column 'usr'; known are event_time"))
        #expect(
            refusal { try questions.count(by: [], of: selection("latency_ms > soon"), now: .now) }.contains("'latency_ms > soon'")
        )
        #expect(
            refusal { try questions.count(by: [], of: selection("nope > 5"), now: .now) }.contains("there is no column 'nope'"))
        #expect(
            refusal { try questions.count(by: [], of: selection("user=~\"(\""), now: .now) }.contains(
                "is not a regular expression"))
        #expect(
            refusal { try questions.count(by: [], of: selection("", since: nil), before: .seconds(60), now: .now) }.contains(
                "--since"))
        #expect(refusal { try questions.top("user", of: selection(""), limit: 1, per: "'; --") }.contains("'; --"))
    }

    @Test func `have names that are listed, with their columns`() throws {
        let names = TableNames(lake)
        #expect(try names.all().rows.map { $0[0].description }.prefix(2) == ["silver.ssh", "incidents"])
        #expect(try names.columns(of: "silver.ssh").rows.count == 6)
        #expect(try names.columns(of: "incidents").rows.count > 20)
        #expect(throws: QueryError.self) { try names.columns(of: "incident") }
    }
}
