import Columns
import Foundation
import Logging
import Parsing
import Telemetry
import TestSupport
import Testing

@testable import Streaming

struct `What is usual of a number` {
    private static let schema = Schema([
        Field("window_start", .timestamp), Field("zone", .text, isNullable: true), Field("trips", .int64, isNullable: true),
    ])
    private static let node = PipelineSchemas.Node(schema: schema, timeColumn: "window_start")

    private func chain(_ settings: String) throws -> StageChain {
        try StageChain(
            [Step(try JSONDecoder().decode(UsualValues.self, from: Data(settings.utf8)))], name: "s", from: Self.node,
            .init(
                pipeline: "p", nodes: [:], allowedLateness: .seconds(10), scorers: { _ in nil },
                metrics: StepMetrics(MetricsRegistry(), PipelineDefinition(name: "p", format: "json", windows: [])),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    }

    private func run(_ chain: inout StageChain, _ rows: [(number: Int, zone: String?, trips: Int64?)]) throws -> Batch {
        let batch = try Batch(
            schema: Self.schema,
            rows: rows.map {
                [
                    .timestamp(Timestamp(seconds: 1_700_000_000 + Int64($0.number) * 300)), $0.zone.map(Value.text) ?? .null,
                    $0.trips.map(Value.int) ?? .null,
                ]
            })
        var round = StageRound(
            name: "s", arrivals: nil, others: [:], otherWatermarks: [:], watermark: .min, notes: RoundNotes())
        return try chain.run([Flow(batch: batch, watermarks: RowWatermarks(rows: nil, floor: .min), origins: nil)], in: &round)[0]
            .batch
    }

    private func usual(_ numbers: Range<Int>, _ zone: String = "a") -> [(number: Int, zone: String?, trips: Int64?)] {
        numbers.map { ($0, zone, Int64(100 + $0 * 7 % 11)) }
    }

    @Test func `is in columns beside it, as known before the row came`() throws {
        var chain = try chain(#"{ "column": "trips", "by": ["zone"] }"#)
        _ = try run(&chain, usual(0..<400))
        let rows = try run(&chain, [(400, "a", 104), (401, "a", 400), (402, "b", 7), (403, nil, 7), (404, "a", nil)])
        #expect(rows.schema.fields.suffix(4).map(\.name) == ["trips_expected", "trips_low", "trips_high", "trips_score"])
        let low = try #require(rows["trips_low"]?.number(at: 0)), high = try #require(rows["trips_high"]?.number(at: 0))
        #expect((80...100).contains(low) && (110...130).contains(high))
        #expect((low...high).contains(try #require(rows["trips_expected"]?.number(at: 0))))
        #expect((rows["trips_score"]?.number(at: 0) ?? 1) < 0.4 && (rows["trips_score"]?.number(at: 1) ?? 0) > 0.8)
        for name in ["trips_expected", "trips_low", "trips_high", "trips_score"] {
            #expect((2...4).allSatisfy { rows[name]!.isNull(at: $0) })
        }
        #expect(chain.stateRows == 2)
    }

    @Test func `is the same after a checkpoint`() throws {
        let settings = #"{ "column": "trips" }"#
        var whole = try chain(settings), restored = try chain(settings)
        _ = try run(&whole, usual(0..<300))
        var writer = StateWriter()
        whole.encode(to: &writer)
        var reader = StateReader(writer.data)
        try restored.decode(from: &reader)
        #expect(reader.isAtEnd)
        #expect(try run(&whole, usual(300..<400)).lines == run(&restored, usual(300..<400)).lines)
    }

    @Test func `is of at most a thousand groups, the last seen`() throws {
        var chain = try chain(#"{ "column": "trips", "by": ["zone"] }"#)
        _ = try run(&chain, (0..<1500).map { ($0, "zone \($0)", 1) })
        #expect((500...1000).contains(chain.stateRows))
    }

    @Test(arguments: [
        (#"{ "column": "trip" }"#, "trip"), (#"{ "column": "zone" }"#, "a number"), (#"{ "column": "trips", "by": ["x"] }"#, "x"),
    ])
    func `is refused of what is not a number, or not there`(settings: String, sentence: String) {
        #expect { try chain(settings) } throws: { "\($0)".contains(sentence) }
    }
}
