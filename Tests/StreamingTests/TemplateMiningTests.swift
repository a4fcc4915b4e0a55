import Columns
import Foundation
import Lake
import Logging
import Parsing
import Telemetry
import Templates
import TestSupport
import Testing

@testable import Streaming

struct `The templates of a stream` {
    private static let node = PipelineSchemas.Node(schema: Rows.schema, timeColumn: "event_time")

    private func stage(_ settings: String) throws -> TemplateMining {
        try JSONDecoder().decode(TemplateMining.self, from: Data(settings.utf8))
    }

    private func chain(_ stage: TemplateMining) throws -> StageChain {
        try StageChain(
            [Step(stage)], name: "i", from: Self.node,
            .init(
                pipeline: "p", nodes: [:], allowedLateness: .seconds(10), scorers: { _ in nil },
                metrics: StepMetrics(MetricsRegistry(), PipelineDefinition(name: "p", format: "json", windows: [])),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    }

    private func run(_ chain: inout StageChain, _ messages: [String?]) throws -> (rows: Flow, side: [Flow]) {
        let batch = Rows.batch(messages.enumerated().map { (Double($0), $1, nil) })
        var round = StageRound(
            name: "i", arrivals: nil, others: [:], otherWatermarks: [:], watermark: .min, notes: RoundNotes())
        let flow = Flow(
            batch: batch, watermarks: RowWatermarks(rows: nil, floor: .min), origins: (0..<Int32(batch.count)).map { $0 })
        let rows = try chain.run([flow], in: &round)[0]
        return (rows, round.notes.side.map(\.rows))
    }

    @Test func `are ids and texts in columns, null where there is no message or another row was meant`() throws {
        var chain = try chain(try stage(#"{ "column": "k", "text": "t", "table": "x", "where": "k!~\"debug.*\"" }"#))
        let rows = try run(&chain, ["took 7 ms", nil, "debug 1", "took 9 ms"]).rows.batch
        #expect((0..<4).map { rows["t"]!.string(at: $0) } == ["took <*> ms", nil, nil, "took <*> ms"])
        let ids = (0..<4).map { rows["template_id"]!.string(at: $0) }
        #expect(ids[0] != nil && ids[0] == ids[3] && ids[1] == nil && ids[2] == nil)
        #expect(chain.stateRows == 1)
    }

    @Test func `take the place of the message where it is to be dropped`() throws {
        var chain = try chain(try stage(#"{ "column": "k", "text": "t", "table": "x", "drop": true }"#))
        let rows = try run(&chain, ["took 7 ms", nil]).rows.batch
        #expect(rows["k"] == nil && rows.schema["k"] == nil)
        #expect(rows.columns.count == rows.schema.fields.count)
        #expect((0..<2).map { rows["t"]!.string(at: $0) } == ["took <*> ms", nil])
    }

    @Test func `are a table of what became of them, at the time of the row that caused it`() throws {
        var chain = try chain(try stage(#"{ "column": "k", "table": "x" }"#))
        let side = try run(&chain, ["if ee up", "if ee up", "if alt up", "if scip up", "if wlan up"]).side
        #expect(side.count == 1 && side[0].origins == [0, 2, 3, 4, 4, 4])
        let batch = side[0].batch
        let lines = (0..<batch.count).map { row in
            "\(batch["event_time"]!.integer(at: row)! / 1_000_000) \(batch["change"]!.string(at: row)!) "
                + "\(batch["template"]!.string(at: row)!)"
        }
        #expect(
            lines == [
                "0 new if ee up", "2 new if alt up", "3 new if scip up", "4 merged if alt up", "4 merged if scip up",
                "4 widened if <*> up",
            ])
        let first = batch["template_id"]!.string(at: 0)
        #expect((0..<6).map { batch["resolved_to"]!.string(at: $0) } == [nil, nil, nil, first, first, nil])
        #expect(try run(&chain, ["if eth up"]).side.isEmpty)
    }

    @Test func `go on from a checkpoint`() throws {
        let stage = try stage(#"{ "column": "k", "text": "t", "table": "x" }"#)
        var whole = try chain(stage), restored = try chain(stage)
        _ = try run(&whole, ["if ee up", "if alt up", "if scip up"])
        var writer = StateWriter()
        whole.encode(to: &writer)
        var reader = StateReader(writer.data)
        try restored.decode(from: &reader)
        #expect(reader.isAtEnd)
        let (left, right) = (try run(&whole, ["if wlan up"]), try run(&restored, ["if wlan up"]))
        #expect(left.rows.batch.lines == right.rows.batch.lines)
        #expect(left.side.map(\.batch.lines) == right.side.map(\.batch.lines))
    }

    @Test(arguments: [
        (#"{ "column": "none", "table": "x" }"#, "'none'"), (#"{ "column": "v", "table": "x" }"#, "must be text"),
        (#"{ "column": "k", "as": "id", "table": "x" }"#, "'id', which is there already"),
    ])
    func `are refused of columns that cannot have them`(settings: String, part: String) throws {
        let stage = try stage(settings)
        let error = #expect(throws: DefinitionError.self) {
            try stage.node(behind: Self.node, in: StagePlace(name: "test", isStream: true, nodes: [:]))
        }
        #expect(error?.description.contains(part) == true)
    }

    private static func definition(table: String = "web_templates") -> PipelineDefinition {
        var stage = TemplateMining(column: "message", table: table)
        stage.text = "template"
        let columns: [FormatOptions.DeclaredColumn] = [
            .init("event_time", .timestamp, isNullable: false), .init("message", .text),
        ]
        let options = FormatOptions(columns: columns)
        return PipelineDefinition(
            name: "web",
            inputs: [InputDefinition(name: "web", table: "web", format: "json", options: options, steps: [Step(stage)])],
            streams: [
                StreamDefinition(
                    name: "fresh", from: table, steps: [Step(Filter(try! [Matcher](parsing: "change=\"new\"")))], table: "fresh")
            ])
    }

    @Test func `bring a table that others can read from, and a window that counts`() throws {
        let definition = Self.definition(), schemas = try PipelineSchemas(definition)
        #expect(definition.goldTables == ["fresh", "web_templates_counts", "web_templates"])
        #expect(schemas.schema(of: "web_templates")?.fields.map(\.name) == TemplateTable.schema.fields.map(\.name))
        #expect(
            schemas.schema(of: "web_templates_counts")?.fields.map(\.name)
                == ["window_start", "window_end", "template_id", "lines", "first_seen", "last_seen"])
        #expect(throws: DefinitionError.twice("fresh")) { try PipelineSchemas(Self.definition(table: "fresh")) }
    }

    /// The rows, the table of templates and the counts are of the same epochs.
    @Test func `are in the tables once, when the run was broken off and began again`() async throws {
        let folder = TemporaryFolder()
        let colours = ["red", "blue", "grey", "pink", "teal"]
        let lines = (0..<400).map { index in
            let time = Timestamp(seconds: 1_800_000_000 + Int64(index) * 10)
            return #"{"event_time":"\#(time)","message":"job \#(index) of \#(colours[index / 7 % 5]) ended"}"#
        }
        for failure in [90, 40, 200, nil] {
            let runner = try await PipelineRunner(
                Self.definition(), lake: folder.lake, checkpoints: folder.path + "/checkpoints",
                exportFolder: folder.path + "/export", metrics: MetricsRegistry(),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let source = ListSource(name: "s", lines: lines, chunk: 10, failsAfter: failure)
            _ = try? await runner.run([source], mode: .batch)
        }
        func rows(_ table: String) throws -> [String] {
            var rows: [String] = []
            try folder.lake.table(table).scan { batch in
                rows += batch.lines
                return true
            }
            return rows
        }
        let changes = try rows("gold.web_templates")
        #expect(changes.count { $0.contains(" new ") } == 3 && changes.count { $0.contains(" merged ") } == 2)
        #expect(try rows("gold.fresh").count == 3)
        #expect(try rows("silver.web").count == 400)
        var counted: Int64 = 0
        try folder.lake.table("gold.web_templates_counts").scan { batch in
            for row in 0..<batch.count { counted += batch["lines"]!.integer(at: row)! }
            return true
        }
        #expect(counted == 400)
    }
}
