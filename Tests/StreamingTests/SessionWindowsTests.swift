import Columns
import Testing

@testable import Streaming

struct `Sessions` {
    private static let definition = WindowDefinition(
        table: "s", kind: .session(gap: .seconds(5)), by: ["k"],
        aggregates: [Aggregate("n", .count), Aggregate("sum", .sum, column: "v")])

    private func windows(_ definition: WindowDefinition = definition) throws -> SessionWindows {
        SessionWindows(
            definition, gap: .seconds(5), input: Rows.schema, schema: try definition.schema(of: Rows.schema),
            timeColumn: "event_time")
    }

    /// `time:key:value …`, each row with the watermark before it.
    private func observe(_ windows: inout SessionWindows, _ text: String, after watermark: Int = -1000) -> [Int] {
        windows.observe(
            WindowCase.rows(text), kept: nil, RowWatermarks(rows: nil, floor: Int64(watermark) * 1_000_000))
    }

    private func close(_ windows: inout SessionWindows, _ watermark: Int) -> [String] {
        windows.close(upTo: watermark == .max ? .max : Int64(watermark) * 1_000_000).lines
    }

    @Test(arguments: [
        ("0:a:1 5:a:1", ["0 10 a 2 2"]),  // the gap belongs to the session: a row at its end still joins
        ("0:a:1 5.000001:a:1", ["0 5 a 1 1", "5.000001 10.000001 a 1 1"]),
        ("8:a:1 0:a:1 4:a:1", ["0 13 a 3 3"]),  // the row between makes two one
        ("0:a:1 20:a:2 10:a:4", ["0 5 a 1 1", "10 15 a 1 4", "20 25 a 1 2"]),
        ("0:a:1 4:b:2 8:a:4", ["0 5 a 1 1", "4 9 b 1 2", "8 13 a 1 4"]),
        ("12:a:1 0:a:1 6:a:1 3:a:1 9:a:1", ["0 17 a 5 5"]),
        ("0:-:1 1:a:1", ["1 6 a 1 1"]),
    ])
    func `join rows within the gap, in whatever order they come`(rows: String, expected: [String]) throws {
        let parts = rows.split(separator: " ").map(String.init)
        for order in [parts, parts.reversed()] {
            var windows = try windows()
            for row in order { #expect(observe(&windows, row) == []) }
            #expect(close(&windows, .max) == expected)
            #expect(windows.stateRows == 0)
        }
    }

    @Test func `are given once the watermark is at their end, and not before`() throws {
        var windows = try windows()
        _ = observe(&windows, "0:a:1 3:a:1 4:b:1")
        #expect(close(&windows, 7) == [])
        #expect(close(&windows, 8) == ["0 8 a 2 2"])
        #expect(close(&windows, 9) == ["4 9 b 1 1"])
    }

    @Test func `take no row that the watermark has passed by more than the gap, and none into a session that it has passed`()
        throws
    {
        var windows = try windows()
        _ = observe(&windows, "0:a:1")
        // Passed, though nothing has asked for it yet: the row begins a session of its own.
        #expect(observe(&windows, "3:a:1", after: 6) == [])
        #expect(observe(&windows, "1:a:1 2:a:1", after: 6) == [0])
        #expect(close(&windows, .max) == ["0 5 a 1 1", "2 8 a 2 2"])
    }

    @Test func `of too many groups are one, and are counted`() throws {
        var definition = Self.definition
        definition.maxGroups = 2
        var windows = try windows(definition)
        _ = observe(&windows, "0:a:1 0:b:1 0:c:1 1:d:1 2:a:1")
        #expect(windows.otherRows == 2)
        #expect(close(&windows, .max).sorted() == ["0 5 b 1 1", "0 6 (other) 2 2", "0 7 a 2 2"])
    }

    @Test func `go on from a checkpoint as if there had been none`() throws {
        var random = SplitMix64(seed: 5)
        let rows = (0..<400).map { _ in
            "\(Int.random(in: 0..<600, using: &random)):\(["a", "b", "c"].randomElement(using: &random)!):1"
        }
        func play(restoring: Bool) throws -> [String] {
            var windows = try windows()
            for row in rows {
                _ = observe(&windows, row)
                guard restoring else { continue }
                var writer = StateWriter()
                windows.encode(to: &writer)
                windows = try self.windows()
                var reader = StateReader(writer.data)
                try windows.decode(from: &reader)
                #expect(reader.isAtEnd)
            }
            return close(&windows, .max)
        }
        let whole = try play(restoring: false)
        #expect(whole.count > 50)
        #expect(try play(restoring: true) == whole)
    }
}
