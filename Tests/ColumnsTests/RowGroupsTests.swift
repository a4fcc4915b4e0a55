import Testing

@testable import Columns

struct `Row groups` {
    private func groups(_ rows: [[Value]], _ types: [ColumnType], isEncoded: Bool = false) throws -> RowGroups {
        let schema = Schema(types.enumerated().map { Field("c\($0)", $1, isNullable: true) })
        let batch = try Batch(schema: schema, rows: rows)
        return RowGroups(batch.columns, count: batch.count)
    }

    @Test func `number rows alike that have the same values, by their first appearance`() throws {
        let found = try groups(
            [[.text("a"), .text("x")], [.text("b"), .text("x")], [.text("a"), .text("x")], [.text("a"), .text("y")]],
            [.text, .text])
        #expect(found.numbers == [0, 1, 0, 2])
        #expect(found.representatives == [0, 1, 3])
    }

    @Test func `leave out rows that lack a value`() throws {
        let found = try groups(
            [[.null, .int(1)], [.text(""), .int(1)], [.text("a"), .null], [.text("a"), .int(1)]], [.text, .int64])
        #expect(found.numbers == [-1, -1, -1, 0])
        #expect(found.representatives == [3])
    }

    @Test func `are one group without columns, and none without rows`() {
        #expect(RowGroups([], count: 3).numbers == [0, 0, 0])
        #expect(RowGroups([], count: 0).count == 0)
    }

    /// Few values go through a table of pairs, many through a hash: both must agree with a plain dictionary.
    @Test(arguments: [2, 40, 5000]) func `agree with a dictionary of values`(distinct: Int) throws {
        var random = SplitMix64(seed: UInt64(distinct))
        let rows: [[Value]] = (0..<3000).map { _ in
            let texts = (0..<2).map { _ in Int.random(in: 0..<distinct, using: &random) }
            return [.text("t\(texts[0])"), texts[1] == 0 ? .null : .int(Int64(texts[1])), .bool(texts[0] % 2 == 0)]
        }
        let found = try groups(rows, [.text, .int32, .bool])
        var known: [[Value]: Int32] = [:]
        for (row, values) in rows.enumerated() {
            guard values[1] != .null else {
                #expect(found.numbers[row] == -1)
                continue
            }
            if known[values] == nil {
                #expect(found.representatives[known.count] == row)
                known[values] = Int32(known.count)
            }
            #expect(found.numbers[row] == known[values])
        }
        #expect(found.count == known.count)
    }

    @Test func `see a slice as its own rows`() throws {
        let batch = try Batch(
            schema: Schema([Field("a", .text)]), rows: ["x", "y", "z", "y", "z"].map { [.text($0)] })
        let slice = batch.columns[0].slice(2..<5)
        #expect(RowGroups([slice], count: 3).numbers == [0, 1, 0])
        #expect(slice.stableHashes() == [StableHash.of("z"), StableHash.of("y"), StableHash.of("z")])
        #expect(slice.label(at: 1) == "y")
    }
}
