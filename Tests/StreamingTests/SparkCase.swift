import Columns
import Foundation
import Parsing
import Testing

@testable import Streaming

/// Events in arrival order, a window or join, and what Spark Structured Streaming 3.5 gave in which micro-batch.
///
/// Spark measures late rows against the watermark of the micro-batch before, and closes with that of the micro-batch at hand (since 3.4, so that several stateful
/// operators can follow each other); both are the newest event time of earlier micro-batches minus the delay.
struct SparkCase: Decodable, CustomTestStringConvertible {
    struct Event: Decodable {
        var id: Int
        var t: String
        var k: String
        var v: Double
    }
    struct Spec: Decodable {
        var kind: String
        var watermark_delay_s: Double
        var size_s: Double?
        var slide_s: Double?
        var gap_s: Double?
        var within_s: Double?
        var how: String?
    }
    struct Emission: Decodable {
        struct Row: Decodable {
            var start: String?
            var end: String?
            var k: String
            var count: Int?
            var sum: Double?
            var min: Double?
            var max: Double?
            var id: Int?
        }
        var epoch: Int
        var rows: [Row]
    }
    struct Pair: Decodable, Hashable {
        var lid: Int
        var rid: Int?
    }
    var name: String
    var spec: Spec
    var epochs: [[Event]]?
    var left: [[Event]]?
    var right: [[Event]]?
    var emitted: [Emission]?
    var joined: [Pair]?
    var testDescription: String { name }

    /// Does the same with obs, and expects what Spark gave.
    func check() throws {
        switch spec.kind {
        case "dedup_within_watermark": try checkDeduplication()
        case "stream_join": try checkJoin()
        default: try checkWindows()
        }
    }

    /// The watermark of Spark's micro-batches.
    private struct EpochWatermark {
        let delay: Int64
        var newest: [Int64?]
        /// Of the micro-batch before, and of the one at hand; Spark begins at 1970.
        var before: Int64 = 0
        var current: Int64 = 0

        init(delay: Double, streams: Int) {
            self.delay = Int64(delay * 1e6)
            newest = Array(repeating: nil, count: streams)
        }

        mutating func begin() {
            before = current
            if newest.allSatisfy({ $0 != nil }) { current = max(current, newest.compactMap { $0 }.min()! - delay) }
        }

        mutating func see(_ batch: Batch, stream: Int = 0) {
            for row in 0..<batch.count {
                let time = batch["event_time"]!.integer(at: row)!
                newest[stream] = max(newest[stream] ?? time, time)
            }
        }
    }

    private func batch(_ events: [Event]) -> Batch {
        try! Batch(
            schema: Rows.schema,
            rows: events.map {
                [.timestamp(Timestamp(iso8601: $0.t)!), .int(Int64($0.id)), .text($0.k), .double($0.v), .int(Int64($0.v))]
            })
    }

    private func checkWindows() throws {
        let kind: WindowDefinition.Kind =
            switch spec.kind {
            case "tumbling": .tumbling(length: .seconds(spec.size_s!))
            case "hopping": .hopping(length: .seconds(spec.size_s!), slide: .seconds(spec.slide_s!))
            default: .session(gap: .seconds(spec.gap_s!))
            }
        let definition = WindowDefinition(
            table: "w", kind: kind, by: ["k"],
            aggregates: [
                Aggregate("count", .count), Aggregate("sum", .sum, column: "v"), Aggregate("min", .min, column: "v"),
                Aggregate("max", .max, column: "v"),
            ])
        var windows = try WindowedAggregation(definition, input: Rows.schema)
        var watermark = EpochWatermark(delay: spec.watermark_delay_s, streams: 1)
        var given: [Int: Set<String>] = [:]
        for (epoch, events) in (try #require(epochs) + [[]]).enumerated() {
            watermark.begin()
            let rows = batch(events)
            watermark.see(rows)
            _ = windows.observe(rows, .epoch(watermark.before))
            let closed = windows.close(upTo: watermark.current)
            for row in 0..<closed.count {
                given[epoch, default: []].insert(closed.row(row).map(Self.rounded).joined(separator: " "))
            }
        }
        var expected: [Int: Set<String>] = [:]
        for emission in try #require(emitted) {
            for row in emission.rows {
                let values: [Value] = [
                    .timestamp(Timestamp(iso8601: row.start!)!), .timestamp(Timestamp(iso8601: row.end!)!), .text(row.k),
                    .int(Int64(row.count!)), .double(row.sum!), .double(row.min!), .double(row.max!),
                ]
                expected[emission.epoch, default: []].insert(values.map(Self.rounded).joined(separator: " "))
            }
        }
        #expect(given == expected, "\(name)")
    }

    /// Sums of doubles depend in their last digits on the order of addition, which Spark does not fix.
    private static func rounded(_ value: Value) -> String {
        if case .double(let number) = value { return String(format: "%.6f", number) }
        return value.description
    }

    private func checkDeduplication() throws {
        var stage = Deduplication(by: ["k"], timeColumn: "event_time", allowedLateness: .seconds(spec.watermark_delay_s))
        var watermark = EpochWatermark(delay: spec.watermark_delay_s, streams: 1)
        var given: [Int: [Int64]] = [:]
        for (epoch, events) in (try #require(epochs) + [[]]).enumerated() {
            watermark.begin()
            let rows = batch(events)
            watermark.see(rows)
            for row in stage.observe(rows, .epoch(watermark.before)).first {
                given[epoch, default: []].append(rows["id"]!.integer(at: row)!)
            }
            stage.forget(upTo: watermark.current)
        }
        var expected: [Int: [Int64]] = [:]
        for emission in try #require(emitted) { expected[emission.epoch] = emission.rows.map { Int64($0.id!) } }
        #expect(given.mapValues { $0.sorted() } == expected.mapValues { $0.sorted() }, "\(name)")
    }

    private func checkJoin() throws {
        let join = StreamJoin(
            with: "right", on: ["k"], within: .seconds(spec.within_s!),
            kind: spec.how?.hasPrefix("left") == true ? .left : .inner)
        let node = PipelineSchemas.Node(schema: Rows.schema, timeColumn: "event_time")
        let schema = try join.node(
            behind: node, in: StagePlace(name: "test", isStream: true, nodes: ["right": node])
        ).schema
        var stage = StreamJoining(join, left: node, right: node, schema: schema)
        var watermark = EpochWatermark(delay: spec.watermark_delay_s, streams: 2)
        var given: Set<Pair> = []
        func take(_ batches: [Batch]) {
            for batch in batches {
                for row in 0..<batch.count {
                    let pair = Pair(
                        lid: Int(batch["id"]!.integer(at: row)!), rid: batch["right_id"]!.integer(at: row).map(Int.init))
                    #expect(given.insert(pair).inserted, "\(pair) is given twice")
                }
            }
        }
        let left = try #require(self.left), right = try #require(self.right)
        for epoch in 0...left.count {
            watermark.begin()
            let rows = [epoch < left.count ? left[epoch] : [], epoch < right.count ? right[epoch] : []].map(batch)
            for (stream, rows) in rows.enumerated() { watermark.see(rows, stream: stream) }
            take(stage.observe(left: rows[0], .epoch(watermark.before)).pairs)
            take(stage.observe(right: rows[1], .epoch(watermark.before)).pairs)
            take(stage.advance(to: watermark.current))
        }
        #expect(given == Set(try #require(joined)), "\(name)")
    }
}
