import Columns
import TestSupport
import Testing

@testable import Lake

struct `Replacing rows of a table` {
    private let folder = TemporaryFolder()
    private var lake: Lake { Lake(root: folder.path) }
    private static let schema = Schema([Field("event_time", .timestamp), Field("n", .int64)])

    private func batch(_ numbers: [Int]) -> Batch {
        try! Batch(schema: Self.schema, rows: numbers.map { [.timestamp(Timestamp(seconds: Int64($0))), .int(Int64($0))] })
    }

    private func files(_ table: DeltaTable, _ numbers: [Int]) throws -> [DataFile] {
        let writer = table.writer()
        try writer.append(batch(numbers))
        return try writer.finish()
    }

    private func numbers(_ table: DeltaTable) throws -> [Int64] {
        var all: [Int64] = []
        try table.scan { batch in
            for row in 0..<batch.count { all.append(batch["n"]!.integer(at: row)!) }
            return true
        }
        return all.sorted()
    }

    @Test(arguments: [
        (0, 30, [100]), (5, 15, [0, 100, 20, 21]), (10, 11, [0, 11, 100, 20, 21]), (40, 50, [0, 10, 11, 100, 20, 21]),
    ])
    func `leaves those outside of the range`(from: Int, to: Int, left: [Int64]) throws {
        let table = try lake.table("silver.t", creating: Self.schema)
        try table.commit(adding: files(table, [0, 10]))
        try table.commit(adding: files(table, [11, 20]))
        try table.commit(adding: files(table, [21]))
        let range = Timestamp(seconds: Int64(from))..<Timestamp(seconds: Int64(to))
        #expect(try table.replace(times: ("event_time", range), with: files(table, [100]), transaction: ("replay", 1)) == 4)
        #expect(try numbers(table) == left.sorted())
        // The same again, as after a crash, does nothing.
        #expect(try table.replace(times: ("event_time", range), with: files(table, [100]), transaction: ("replay", 1)) == nil)
        #expect(try numbers(table) == left.sorted())
    }

    @Test func `puts new rows in place of all in one version, and the old ones can still be read`() throws {
        let table = try lake.table("silver.t", creating: Self.schema)
        try table.commit(adding: files(table, [1, 2]))
        try table.replace(times: nil, with: files(table, [3]))
        #expect(try numbers(table) == [3])
        #expect(try numbers(lake.table("silver.t", at: .version(1))) == [1, 2])
    }
}
