import Columns
import Foundation
import Logging
import Parsing
import Telemetry
import TestSupport
import Testing

@testable import Streaming

/// Traffic of five weeks: little by night, less on Saturdays and Sundays, and never quite the same. The number of each hour.
private struct OrdinaryWeeks {
    var scale: Double
    private var generator: SeededGenerator

    init(scale: Double, seed: UInt64) {
        self.scale = scale
        generator = SeededGenerator(seed: seed)
    }

    mutating func next(hour: Int) -> Double {
        let day = Double(hour % 24), isWeekend = hour / 24 % 7 >= 5
        let usual = scale * (1 + 0.8 * sin((day - 9) / 24 * 2 * .pi)) * (isWeekend ? 0.6 : 1)
        let noise = (0..<6).reduce(0.0) { sum, _ in sum + generator.uniform() - 0.5 } * 1.4
        return max(0, (usual + noise * usual.squareRoot()).rounded())
    }
}

private struct SeededGenerator {
    var state: UInt64
    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }
    mutating func uniform() -> Double {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Double(state >> 11) / Double(UInt64(1) << 53)
    }
}

private let monday = Timestamp(year: 2026, month: 3, day: 2)

struct `What is learned of one measure` {
    /// The hours at which the measure is unlike usual.
    private func unusual(
        _ measure: UsualExpectation.Measure, hours: Int = 35 * 24, rows: Int = 1000, _ value: (Int) -> Double
    ) -> [Int] {
        var learned = LearnedMeasure(measure, column: "c")
        return (0..<hours).filter { hour in
            learned.observe(value(hour), at: monday + .seconds(3600 * hour), rows: rows)
            return learned.since != nil
        }
    }

    @Test(arguments: [10.0, 200, 20_000], [UInt64(1), 2, 3])
    func `says nothing of five weeks of ordinary life`(scale: Double, seed: UInt64) {
        var weeks = OrdinaryWeeks(scale: scale, seed: seed)
        #expect(unusual(.volume) { weeks.next(hour: $0) } == [])
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func `finds that half of the rows are missing, until they are back`(seed: UInt64) {
        var weeks = OrdinaryWeeks(scale: 1000, seed: seed)
        let half = 27 * 24 + 10..<27 * 24 + 16
        let found = unusual(.volume) { (half.contains($0) ? 0.5 : 1) * weeks.next(hour: $0) }
        // At once, or with the fourth value that is too low.
        #expect(found == Array(half) || found == Array(half.dropFirst(3)))
    }

    @Test func `takes what lasts for more than a day for usual`() {
        var weeks = OrdinaryWeeks(scale: 1000, seed: 4)
        let found = unusual(.volume) { ($0 >= 25 * 24 ? 3 : 1) * weeks.next(hour: $0) }
        #expect((25 * 24..<25 * 24 + 4).contains(found.first ?? 0) && found.count > 20)
        #expect((found.last ?? .max) < 28 * 24, "\(found)")
    }

    @Test func `finds nulls that jump, and not a few more than before`() {
        var generator = SeededGenerator(seed: 7)
        func share(_ hour: Int, _ jump: Double) -> Double { (hour < 20 * 24 ? 0 : jump) + 0.01 * generator.uniform() }
        #expect(unusual(.nulls) { share($0, 0.01) } == [])
        #expect(unusual(.nulls) { share($0, 0.3) }.first == 20 * 24)
        // Of a column that always had a value.
        #expect(unusual(.nulls) { $0 == 400 ? 0.001 : 0 } == [])
        #expect(unusual(.nulls) { (400..<403).contains($0) ? 0.2 : 0 } == [400, 401, 402])
        // Two of twenty are chance.
        #expect(unusual(.nulls, rows: 20) { $0 == 400 ? 0.1 : 0 } == [])
    }

    @Test func `says what was expected`() {
        var learned = LearnedMeasure(.nulls, column: "fare")
        #expect(learned.sentence == nil)
        for hour in 0..<400 { learned.observe(hour == 399 ? 0.5 : 0, at: monday + .seconds(3600 * hour), rows: 100) }
        #expect(learned.sentence == "50.0 % of 'fare' are null, where 0.0 % to 0.0 % are usual (0.0 % expected)")
    }
}

struct `Rows that are expected to be as usual` {
    private static let schema = Schema([
        Field("event_time", .timestamp), Field("zone", .text, isNullable: true), Field("fare", .double, isNullable: true),
    ])
    private static let node = PipelineSchemas.Node(schema: schema, timeColumn: "event_time")

    private final class Stream {
        let metrics = MetricsRegistry()
        var chain: StageChain
        let definition: PipelineDefinition

        init(_ settings: String) throws {
            let step = Step(try JSONDecoder().decode(Streaming.Expectation.self, from: Data(settings.utf8)))
            definition = PipelineDefinition(
                name: "p",
                inputs: [InputDefinition(name: "trips", table: "trips", format: "json", steps: [step])])
            chain = try StageChain(
                [step], name: "trips", from: node,
                .init(
                    pipeline: "p", nodes: [:], allowedLateness: .zero, scorers: { _ in nil },
                    metrics: StepMetrics(metrics, definition), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
        }

        /// Rows of an hour, `count` of them, of some zones; some have no fare.
        func hour(_ hour: Int, _ count: Int, zones: Int = 5, nulls: Int = 0, isSplit: Bool = false) throws {
            let start = monday + .seconds(3600 * hour)
            let rows: [[Value]] = (0..<count).map { row in
                [
                    .timestamp(start + .seconds(row * 3600 / max(count, 1))), .text("zone \(row % zones)"),
                    row < nulls ? .null : .double(3),
                ]
            }
            for rows in isSplit ? [Array(rows.prefix(count / 3)), Array(rows.dropFirst(count / 3))] : [rows] {
                var round = round(.min)
                let batch = try Batch(schema: schema, rows: rows)
                _ = try chain.run(
                    [Flow(batch: batch, watermarks: RowWatermarks(rows: nil, floor: .min), origins: nil)], in: &round)
            }
            try advance(to: start)
        }

        func advance(to time: Timestamp) throws {
            var round = round(time.microseconds)
            _ = try chain.run([], in: &round)
        }

        private func round(_ watermark: Int64) -> StageRound {
            StageRound(
                name: "trips", arrivals: nil, others: [:], otherWatermarks: [:], watermark: watermark, notes: RoundNotes())
        }

        var sentences: [String] { definition.unusualRows(in: metrics).flatMap(\.sentences) }

        func row(at time: Timestamp) throws {
            var round = round(.min)
            let batch = try Batch(schema: schema, rows: [[.timestamp(time), .text("a"), .null]])
            _ = try chain.run([Flow(batch: batch, watermarks: RowWatermarks(rows: nil, floor: .min), origins: nil)], in: &round)
        }

        func restored(_ settings: String = #""usual""#) throws -> Stream {
            var writer = StateWriter()
            chain.encode(to: &writer)
            let other = try Stream(settings)
            var reader = StateReader(writer.data)
            try other.chain.decode(from: &reader)
            #expect(reader.isAtEnd)
            return other
        }
    }

    /// Three weeks of 60 to 80 rows per hour.
    private func known(isSplit: Bool = false) throws -> Stream {
        let stream = try Stream(#""usual""#)
        for hour in 0..<21 * 24 { try stream.hour(hour, 70 + hour * 7 % 11, nulls: hour % 3, isSplit: isSplit) }
        return stream
    }

    @Test func `are found missing for an hour, and that they are back`() throws {
        let stream = try known()
        try stream.hour(504, 75)
        #expect(stream.sentences == [])
        try stream.advance(to: monday + .seconds(3600 * 506 - 1))
        #expect(stream.sentences == [], "the hour is not over")
        try stream.advance(to: monday + .seconds(3600 * 506))
        let sentence = try #require(stream.sentences.first)
        #expect(stream.sentences.count == 1 && sentence.hasPrefix("0 rows, where ") && sentence.hasSuffix(" expected)"))
        try stream.hour(506, 75)
        try stream.advance(to: monday + .seconds(3600 * 507))
        #expect(stream.sentences == [])
    }

    @Test func `are found with nulls, and with fewer different values, where they had none`() throws {
        let stream = try known()
        for hour in 504..<506 { try stream.hour(hour, 75, zones: 1, nulls: 40) }
        let sentences = stream.sentences
        #expect(sentences.count == 1 && sentences[0].hasPrefix("53.3 % of 'fare' are null"), "\(sentences)")
        #expect(stream.definition.unusualRows(in: stream.metrics).map(\.expectation) == ["usual"])
        #expect(stream.definition.unusualRows(in: stream.metrics).map(\.stream) == ["trips"])
    }

    @Test func `are counted alike however they are cut, and after a restart at any moment`() throws {
        let whole = try known(), split = try known(isSplit: true), restored = try whole.restored()
        for stream in [whole, split, restored] { try stream.hour(504, 30, isSplit: true) }
        let again = try restored.restored()
        for stream in [whole, split, again] { for hour in 505..<507 { try stream.hour(hour, 75) } }
        #expect(whole.metrics.exposition() == again.metrics.exposition())
        #expect(whole.metrics.exposition() == split.metrics.exposition())
    }

    @Test func `are found stale by the clock, though none comes any more`() throws {
        let stream = try Stream(#"{ "name": "usual", "usual": { "of": ["freshness"] } }"#)
        var clock = monday
        for hour in 0..<10 * 24 {
            // Each ten minutes a row; the clock is looked at each five.
            for minutes in stride(from: 0, to: 60, by: 5) {
                clock = monday + .seconds(hour * 3600 + minutes * 60)
                if minutes % 10 == 0 { try stream.row(at: clock - .seconds(20 + (hour + minutes) % 7)) }
                stream.chain.pass(clock)
                #expect(stream.sentences == [])
            }
        }
        stream.chain.pass(clock + .seconds(30))
        #expect(stream.sentences == [])
        stream.chain.pass(clock + .seconds(7200))
        #expect(stream.sentences.first?.hasPrefix("the newest row is 12") == true, "\(stream.sentences)")
        // What was not read while obs was down is not old for that.
        let restarted = try stream.restored(#"{ "name": "usual", "usual": { "of": ["freshness"] } }"#)
        restarted.chain.pass(clock + .seconds(90_000))
        #expect(restarted.sentences == [])
        restarted.chain.pass(clock + .seconds(97_200))
        #expect(restarted.sentences.count == 1)
        try restarted.row(at: clock + .seconds(97_200))
        restarted.chain.pass(clock + .seconds(97_210))
        #expect(restarted.sentences == [])
    }

    @Test func `do not open spans without end by wrong clocks, nor fill centuries with empty ones`() throws {
        let stream = try Stream(#"{ "name": "usual", "usual": { "of": ["volume"], "every": "1m" } }"#)
        for year in 1...500 { try stream.row(at: monday + .seconds(86_400 * 365 * year)) }
        #expect(stream.chain.stateRows <= 65)
        try stream.advance(to: monday + .seconds(86_400 * 365 * 800))
        #expect(stream.chain.stateRows == 1)
    }

    @Test(arguments: [
        (#""usually""#, "write 'usual'"), (#"{ "name": "u", "usual": {}, "action": "drop" }"#, "its action is warn"),
        (#"{ "name": "u", "usual": { "columns": ["zones"] } }"#, "zones"),
        (#"{ "name": "u", "usual": { "every": "2d" } }"#, "from 1m to 1d"),
        (#"{ "name": "u", "usual": { "of": [] } }"#, "volume, freshness, nulls, distinct"),
    ])
    func `are refused with a sentence where the settings make no sense`(settings: String, sentence: String) {
        #expect { try Stream(settings) } throws: { "\($0)".contains(sentence) }
    }
}
