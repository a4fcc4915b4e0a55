import Columns
import Logging
import Telemetry
import Testing

@testable import Streaming

struct `The stages of an input` {
    private static let node = PipelineSchemas.Node(schema: Rows.schema, timeColumn: "event_time")

    private func chain(_ stages: [any Stage], others: [String: PipelineSchemas.Node] = [:]) throws -> StageChain {
        let definition = PipelineDefinition(name: "p", format: "json", windows: [])
        return try StageChain(
            stages.map { Step($0) }, name: "i", from: Self.node,
            .init(
                pipeline: "p", nodes: others, allowedLateness: .seconds(10), scorers: { _ in nil },
                metrics: StepMetrics(MetricsRegistry(), definition),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    }

    private func round(_ watermark: Int64 = .min) -> StageRound {
        StageRound(name: "i", arrivals: nil, others: [:], otherWatermarks: [:], watermark: watermark, notes: RoundNotes())
    }

    private func flow(_ text: String) -> Flow {
        let batch = WindowCase.rows(text)
        return Flow(batch: batch, watermarks: RowWatermarks(rows: nil, floor: .min), origins: (0..<Int32(batch.count)).map { $0 })
    }

    /// Id, key and value of each row that is left.
    private func run(_ chain: inout StageChain, _ text: String, _ round: inout StageRound) throws -> [Flow] {
        try chain.run([flow(text)], in: &round)
    }

    @Test func `of no steps gives the rows as they came`() throws {
        var chain = try chain([]), round = round()
        #expect(try run(&chain, "1:a:1 2:b:2", &round)[0].batch.lines.count == 2)
        #expect(chain.stateRows == 0 && !chain.expectsOfEpochs)
    }

    @Test func `see what the steps before them made, and note what they took out`() throws {
        var chain = try chain([
            Compute("w", try Expression("v * 2")), Filter(try [Matcher](parsing: "w!=\"4\"")),
            Select(["event_time", "w", "k"]),
            Deduplicate(by: ["k"]),
        ])
        var round = round()
        let flows = try run(&chain, "1:a:1 2:b:2 3:a:3 4:c:2", &round)
        #expect(flows[0].batch.lines == ["1 2 a"])
        #expect(flows[0].origins == [0])
        #expect(round.notes.filtered == 2 && round.notes.duplicates == 1)
        #expect(chain.stateRows == 1)
    }

    @Test func `forget keys behind the watermark, each stage by its own`() throws {
        var chain = try chain([Deduplicate(by: ["k"])]), first = round()
        _ = try run(&chain, "1:a:1", &first)
        var later = round(12_000_000)
        _ = try chain.run([], in: &later)
        #expect(chain.stateRows == 0)
    }

    @Test func `go on from a checkpoint as if there had been none`() throws {
        var whole = try chain([Deduplicate(by: ["k"]), Filter(try [Matcher](parsing: "k!=\"z\""))]), first = round()
        _ = try run(&whole, "1:a:1 2:b:1", &first)
        var writer = StateWriter()
        whole.encode(to: &writer)
        var restored = try chain([Deduplicate(by: ["k"]), Filter(try [Matcher](parsing: "k!=\"z\""))])
        var reader = StateReader(writer.data)
        try restored.decode(from: &reader)
        #expect(reader.isAtEnd && restored.stateRows == whole.stateRows)
        var next = round(), again = round()
        #expect(try run(&whole, "3:a:1 3:c:1", &next)[0].batch.lines == run(&restored, "3:a:1 3:c:1", &again)[0].batch.lines)
    }

    @Test func `stop the epoch when something is expected of it that does not hold`() throws {
        var chain = try chain([Streaming.Expectation("enough", .rowCount(from: 2, to: nil), action: .fail)]), round = round()
        #expect(chain.expectsOfEpochs)
        _ = try run(&chain, "1:a:1", &round)
        #expect(throws: ExpectationFailure.self) { try chain.endEpoch() }
        var next = self.round()
        _ = try run(&chain, "1:a:1 2:a:1", &next)
        try chain.endEpoch()
    }

    @Test func `are refused where a step names a column that no step before it gives`() {
        let error = #expect(throws: DefinitionError.self) {
            try chain([Select(["event_time", "k"]), Filter(try [Matcher](parsing: "v=\"1\""))])
        }
        #expect("\(error!)".contains("'v'"))
    }
}
