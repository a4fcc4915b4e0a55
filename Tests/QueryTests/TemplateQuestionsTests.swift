import Columns
import Lake
import TestSupport
import Testing

@testable import Query
@testable import Templates

struct `A query on templates` {
    private let folder = TemporaryFolder()
    private let lake: Lake
    private let now = Timestamp.night + .seconds(48 * 3600)

    /// Two days, hour by hour: `steady` always, `growing` more on the second day, `gone` on the first, `fresh` on the second;
    /// `alt` was merged into `steady`.
    init() throws {
        lake = Lake(root: folder.path)
        var changes = TemplateTable()
        for (id, text, hour) in [(1, "steady", 0), (2, "alt", 0), (3, "growing", 1), (4, "gone", 1), (5, "fresh", 40)] {
            changes.append(
                TemplateChange(kind: .new, id: UInt64(id), text: Array(text.utf8), into: nil), at: Self.hour(hour).microseconds)
        }
        changes.append(
            TemplateChange(kind: .merged, id: 2, text: Array("alt".utf8), into: 1), at: Self.hour(2).microseconds)
        changes.append(TemplateChange(kind: .widened, id: 1, text: Array("<*>".utf8), into: nil), at: Self.hour(2).microseconds)
        try write(changes.finish(), "gold.web_templates")
        let schema = Schema([
            Field("window_start", .timestamp), Field("window_end", .timestamp), Field("template_id", .text),
            Field("lines", .int64), Field("first_seen", .timestamp, isNullable: true),
            Field("last_seen", .timestamp, isNullable: true),
        ])
        let rows = (0..<48).flatMap { hour -> [[Value]] in
            [(1, 10), (2, hour < 2 ? 5 : 0), (3, hour < 24 ? 1 : 4), (4, hour < 24 ? 7 : 0), (5, hour < 40 ? 0 : 2)].compactMap {
                id, lines -> [Value]? in
                let start = Self.hour(hour)
                return lines == 0
                    ? nil
                    : [
                        .timestamp(start), .timestamp(start + .seconds(300)), .text(TemplateTable.text(of: UInt64(id))),
                        .int(Int64(lines)), .timestamp(start), .timestamp(start + .seconds(200)),
                    ]
            }
        }
        try write(try Batch(schema: schema, rows: rows), "gold.web_templates_counts")
    }

    private static func hour(_ hour: Int) -> Timestamp { .night + .seconds(3600 * hour) }

    private func write(_ batch: Batch, _ name: String) throws {
        let table = try lake.table(name, creating: batch.schema), writer = table.writer()
        try writer.append(batch)
        try table.commit(adding: writer.finish())
    }

    private func rows(
        _ selection: TemplateQuestions.Selection, matchers: String = "", since: Int? = nil, limit: Int = 100
    ) throws -> [String] {
        let answer = try TemplateQuestions(lake).list(
            selection, matchers: matchers, since: since.map(Self.hour), limit: limit, now: now)
        return answer.rows.map { row in row[1...4].map { $0 == .null ? "-" : $0.description }.joined(separator: " ") }
    }

    @Test func `lists those that are not merged with all their rows, seen last first`() throws {
        #expect(try rows(.all) == ["<*> 490 - -", "growing 120 - -", "fresh 16 - -", "gone 168 - -"])
        #expect(try rows(.all, matchers: #"template=~"g.*""#) == ["growing 120 - -", "gone 168 - -"])
        #expect(try rows(.all, since: 46) == ["<*> 20 20 1", "growing 8 8 1", "fresh 4 4 1"])
    }

    @Test func `finds what is new, what grows and what is gone since yesterday`() throws {
        #expect(try rows(.new) == ["fresh 16 0 -"])
        #expect(try rows(.growing) == ["growing 96 24 4"])
        #expect(try rows(.gone) == ["gone 0 168 0"])
        #expect(try rows(.gone, since: 20) == [])
    }

    @Test func `says what a merged id stands for`() throws {
        let answer = try TemplateQuestions(lake).list(.merged, now: now)
        #expect(answer.rows.map { $0[0] } == [.text("000000000002")] && answer.rows.map { $0[8] } == [.text("000000000001")])
    }

    /// One run saw `a` first, the other `b`.
    @Test func `agrees with itself when two runs merged in another order`() throws {
        var changes = TemplateTable()
        for (id, into) in [(10, 11), (11, 10)] {
            changes.append(
                TemplateChange(kind: .new, id: UInt64(id), text: [UInt8(ascii: "x")], into: nil), at: Self.hour(id).microseconds)
            changes.append(
                TemplateChange(kind: .merged, id: UInt64(id), text: [], into: UInt64(into)), at: Self.hour(12).microseconds)
        }
        try write(changes.finish(), "gold.other")
        let answer = try TemplateQuestions(lake).list(table: "gold.other", now: now)
        #expect(answer.rows.map { $0[0] } == [.text(TemplateTable.text(of: 10))])
    }

    @Test func `has as many as the limit, and says that there are more`() throws {
        let answer = try TemplateQuestions(lake).list(limit: 1, now: now)
        #expect(answer.rows.count == 1 && answer.note?.contains("the first 1 of 4") == true)
    }

    @Test func `refuses a table without templates, and a column that it does not have`() throws {
        for (table, matchers) in [("gold.web_templates_counts", ""), ("gold.web_templates", "x=\"1\"")] {
            #expect(throws: QueryError.self) { try TemplateQuestions(lake).list(table: table, matchers: matchers, now: now) }
        }
    }
}
