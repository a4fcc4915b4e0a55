import Columns
import Testing

@testable import Streaming

struct `A tumbling window` {
    private static let schema = Schema([
        Field("event_time", .timestamp), Field("source", .text, isNullable: true), Field("event", .text),
        Field("user", .text, isNullable: true), Field("count", .int32),
    ])

    private let definition = WindowDefinition(
        table: "t", by: ["source"],
        aggregates: [
            Aggregate("attempts", .count),
            Aggregate("failures", .sum, column: "count", where: try! [Matcher](parsing: "event=failed")),
            Aggregate("users", .distinct, column: "user"),
        ])

    /// The same over rows of another schema.
    private struct Run {
        var windows: WindowedAggregation
        var partitions = PartitionWatermarks()

        init(_ definition: WindowDefinition) { windows = try! WindowedAggregation(definition, input: schema) }

        mutating func observe(_ batch: Batch) -> [Int] {
            let rows = partitions.observe(batch["event_time"]!, of: "p", lateness: .seconds(60), now: .now)
            return windows.observe(batch, RowWatermarks(rows: rows, floor: .min))
        }

        mutating func advance() -> Batch { windows.close(upTo: partitions.advance(now: .now, idleAfter: nil)) }
        mutating func finish() -> Batch { windows.close(upTo: .max) }
    }

    private func make() -> Run { Run(definition) }

    private func batch(_ rows: [(Int, String?, String, String?, Int)]) -> Batch {
        try! Batch(
            schema: Self.schema,
            rows: rows.map {
                [
                    .timestamp(Timestamp(seconds: Int64($0.0))), $0.1.map(Value.text) ?? .null, .text($0.2),
                    $0.3.map(Value.text) ?? .null, .int(Int64($0.4)),
                ]
            })
    }

    private func rows(_ batch: Batch) -> [String] {
        (0..<batch.count).map { row in
            batch.row(row).map { value in
                if case .timestamp(let time) = value { return "\(time.microseconds / 1_000_000)" }
                return value.description
            }.joined(separator: " ")
        }
    }

    @Test(arguments: [(359, 0), (360, 1), (400, 1), (659, 1), (660, 2)])
    func `is given once the watermark reaches its end, not before`(newest: Int, given: Int) {
        var windows = make()
        #expect(
            windows.observe(
                batch([(10, "a", "failed", "root", 1), (310, "a", "failed", "root", 1), (newest, "b", "ok", nil, 1)])) == [])
        let first = windows.advance()
        #expect(Set((0..<first.count).map { first["window_start"]!.integer(at: $0)! }).count == given)
        #expect(windows.advance().count == 0)
    }

    @Test func `computes counts, sums and distinct values of each group`() {
        var windows = make()
        _ = windows.observe(
            batch([
                (0, "a", "failed", "root", 5), (1, "b", "ok", "x", 1), (2, "a", "ok", "admin", 1),
                (299, "a", "failed", "root", 2), (3, nil, "failed", "y", 9),
            ]))
        #expect(rows(windows.finish()) == ["0 300 a 3 7 2", "0 300 b 1 0 1"])
    }

    @Test func `gives back an event that comes after it closed`() {
        var windows = make()
        _ = windows.observe(batch([(10, "a", "failed", nil, 1), (400, "a", "failed", nil, 1)]))
        #expect(rows(windows.advance()) == ["0 300 a 1 1 0"])
        #expect(windows.observe(batch([(299, "a", "failed", nil, 1), (350, "a", "failed", nil, 1)])) == [0])
        #expect(windows.partitions.watermark == 340_000_000)
        #expect(rows(windows.finish()) == ["300 600 a 2 2 0"])
    }

    @Test func `goes on from a checkpoint as if there had been none`() throws {
        let all = (0..<500).map {
            (($0 * 37) % 50 + $0 * 5, ["a", "b", "c"][$0 % 3], $0 % 4 == 0 ? "ok" : "failed", "u\($0 % 11)", $0 % 3)
                as (Int, String?, String, String?, Int)
        }
        var whole = make()
        var expected: [String] = []
        for part in 0..<10 {
            _ = whole.observe(batch(Array(all[(part * 50)..<(part * 50 + 50)])))
            expected += rows(whole.advance())
        }
        for cut in 1..<10 {
            var given: [String] = []
            var windows = make()
            for part in 0..<10 {
                if part == cut {
                    let snapshot = windows.windows.snapshot()
                    windows.windows = try WindowedAggregation(definition, input: Self.schema)
                    try windows.windows.restore(snapshot)
                }
                _ = windows.observe(batch(Array(all[(part * 50)..<(part * 50 + 50)])))
                given += rows(windows.advance())
            }
            #expect(given == expected)
        }
    }
}
