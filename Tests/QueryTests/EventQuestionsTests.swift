import Columns
import Lake
import TestSupport
import Testing

@testable import Query

struct `A query on events` {
    private let folder = TemporaryFolder()
    private let lake: Lake

    /// Ten rows in two commits, a minute apart.
    init() throws {
        lake = Lake(root: folder.path)
        let schema = Schema([
            Field("event_time", .timestamp), Field("user", .text), Field("port", .int64), Field("file", .text, isNullable: true),
        ])
        let table = try lake.table("silver.ssh", creating: schema)
        for part in [0..<5, 5..<10] {
            let writer = table.writer()
            let rows = part.map { minute -> [Value] in
                [
                    .timestamp(.night + .seconds(60 * minute)), .text(minute.isMultiple(of: 2) ? "root" : "ann"),
                    .int(Int64(minute)), .null,
                ]
            }
            try writer.append(try Batch(schema: schema, rows: rows))
            try table.commit(adding: writer.finish())
        }
    }

    private func ports(
        _ matchers: String = "", since: Int? = nil, until: Int? = nil, limit: Int = 100
    ) throws -> [String] {
        try answer(matchers, since: since, until: until, limit: limit).rows.map { $0[2].description }
    }

    private func answer(_ matchers: String = "", since: Int? = nil, until: Int? = nil, limit: Int = 100) throws -> Answer {
        try EventQuestions(lake).rows(
            of: "silver.ssh", time: "event_time", matchers: matchers, since: since.map { .night + .seconds(60 * $0) },
            until: until.map { .night + .seconds(60 * $0) }, limit: limit)
    }

    @Test func `keeps the rows that all matchers and both times leave, oldest commit first`() throws {
        #expect(try ports() == (0..<10).map(String.init))
        #expect(try ports(#"user="root""#) == ["0", "2", "4", "6", "8"])
        #expect(try ports(#"user="root", port!="4""#, since: 2, until: 6) == ["2", "6"])
        #expect(try ports(since: 9) == ["9"] && ports(until: 0) == ["0"])
        #expect(try ports(since: 7, until: 3) == [], "a range that ends before it begins is empty")
    }

    @Test func `has the newest rows of a limit, and says that there are more`() throws {
        let answer = try answer(limit: 3)
        #expect(answer.rows.map { $0[2].description } == ["7", "8", "9"])
        #expect(answer.note?.contains("the newest 3 of 10 rows") == true)
        #expect(try self.answer(limit: 10).note == nil)
    }

    @Test func `can do without columns that are the same in all rows`() throws {
        let answer = try answer(#"user="root""#)
        #expect(answer.dispensable.contains("user") && answer.dispensable.contains("file"))
        #expect(!answer.dispensable.contains("port") && !answer.dispensable.contains("event_time"))
    }

    @Test func `refuses a column or a table that there is not`() throws {
        #expect(throws: QueryError.self) { try answer(#"host="x""#) }
        #expect(throws: LakeError.self) {
            try EventQuestions(lake).rows(
                of: "silver.none", time: "event_time", matchers: "", since: nil, until: nil, limit: 1)
        }
    }
}
