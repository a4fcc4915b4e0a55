import Columns
import Foundation
import Logging

/// The stages of a pipeline behind the parsing, with all their state: parsed events in, rows for the tables out. It opens no
/// table and knows no clock.
///
/// It works in rounds. A round takes the events of one chunk of one input through every stage in the order of
/// ``PipelineSchemas``, then moves the watermark: what that closes goes on in the same round. So what comes out depends on the
/// order of rows within each partition and on nothing else.
struct PipelineGraph {
    /// What a round gives.
    struct Output {
        /// The rows of the input's silver table.
        var silver: Flow?
        /// Rows of gold tables, in the order in which they came about.
        var gold: [(table: String, rows: Batch, isWindow: Bool)] = []
        var notes = RoundNotes()
        /// Rows that the windows have taken in.
        var windowed = 0
        var lateForWindows = 0
        /// Rows of windows that gave way before their time.
        var givenEarly = 0
    }

    private let definition: PipelineDefinition
    let schemas: PipelineSchemas
    private var inputs: [StageChain]
    private var streams: [StageChain]
    private var windows: [WindowedAggregation]
    private let metrics: StepMetrics
    /// By the name of an input, stream or window: how far it is.
    private var watermarks: [String: Int64] = [:]

    init(
        _ definition: PipelineDefinition, schemas: PipelineSchemas, formats: [Schema], scorers: @escaping ScorerProvider,
        metrics: StepMetrics, logger: Logger
    ) throws {
        self.definition = definition
        self.schemas = schemas
        self.metrics = metrics
        let surroundings = StageChain.Surroundings(
            pipeline: definition.name, nodes: schemas.nodes,
            allowedLateness: definition.inputs.map(\.allowedLateness).max() ?? .zero,
            scorers: scorers, metrics: metrics, logger: logger)
        inputs = try zip(definition.inputs, formats).map { input, schema in
            try StageChain(input.steps, name: input.name, from: .init(schema: schema, timeColumn: "event_time"), surroundings)
        }
        streams = try definition.streams.map { stream in
            try StageChain(stream.steps, name: stream.name, from: schemas.nodes[stream.from]!, surroundings)
        }
        windows = try definition.windows.map { window in
            let node = schemas.nodes[window.from ?? definition.inputs[0].name]!
            return try WindowedAggregation(window, input: node.schema, timeColumn: node.timeColumn)
        }
    }

    /// Rows, keys and groups that are kept: what memory is bounded by.
    var stateRows: Int {
        inputs.reduce(0) { $0 + $1.stateRows } + streams.reduce(0) { $0 + $1.stateRows } + windows.reduce(0) { $0 + $1.stateRows }
    }

    /// Runs the parsed events of one chunk through the stages.
    ///
    /// - Parameters:
    ///   - input: its index in the definition's list.
    ///   - rowWatermarks: for each row the watermark of its partition.
    ///   - arrivals: for each row when its line arrived.
    mutating func run(_ events: Batch, input: Int, rowWatermarks: [Int64], arrivals: Column) throws -> Output {
        var output = Output()
        let name = definition.inputs[input].name
        let floor = watermarks[name] ?? .min
        let flow = Flow(
            batch: events, watermarks: RowWatermarks(rows: rowWatermarks, floor: floor),
            origins: (0..<Int32(events.count)).map { $0 })
        var round = StageRound(
            name: name, arrivals: arrivals, others: [:], otherWatermarks: [:], watermark: floor, notes: output.notes)
        let flows = try inputs[input].run([flow], in: &round)
        output.notes = round.notes
        output.silver = flows[0]
        var outputs = [name: flows]
        Self.takeSideRows(&output, &outputs)
        try run(outputs, arrivals, &output)
        return output
    }

    /// Gives the rows that steps made besides their own to the tables, and to what reads from these.
    private static func takeSideRows(_ output: inout Output, _ outputs: inout [String: [Flow]]) {
        for (table, rows) in output.notes.side {
            output.gold.append((table, rows.batch, false))
            outputs[table, default: []].append(rows)
        }
        output.notes.side = []
    }

    /// The tables beside an input or stream are as far as it is.
    private mutating func move(_ name: String, _ steps: [Step], to watermark: Int64) {
        watermarks[name] = watermark
        for step in steps { if let side = step.stage.sideTable { watermarks[side.name] = watermark } }
    }

    /// Moves the watermark of the pipeline to `watermark` and gives what that closes. At `.max` everything closes.
    mutating func advance(to watermark: Int64) throws -> Output {
        var output = Output()
        for (index, input) in definition.inputs.enumerated() {
            move(input.name, input.steps, to: watermark)
            var round = StageRound(
                name: input.name, arrivals: nil, others: [:], otherWatermarks: [:], watermark: watermark, notes: output.notes)
            _ = try inputs[index].run([], in: &round)
            output.notes = round.notes
        }
        try run([:], nil, &output)
        // Once the watermark has closed what it closes: only what is still too much gives way.
        if let start = OpenWindows.cut(windows, limit: definition.maxOpenGroups) {
            try run([:], nil, givingEarlyFrom: start, &output)
        }
        return output
    }

    private mutating func run(
        _ flows: [String: [Flow]], _ arrivals: Column?, givingEarlyFrom start: Int64? = nil, _ output: inout Output
    ) throws {
        var outputs = flows
        for member in schemas.order {
            switch member {
            case .stream(let index):
                let stream = definition.streams[index]
                var round = StageRound(
                    name: stream.name, arrivals: arrivals, others: outputs, otherWatermarks: watermarks,
                    watermark: watermarks[stream.from] ?? .min, notes: output.notes)
                let rows = try streams[index].run(outputs[stream.from] ?? [], in: &round)
                output.notes = round.notes
                outputs[stream.name] = rows
                move(stream.name, stream.steps, to: round.watermark)
                Self.takeSideRows(&output, &outputs)
                if let table = stream.table {
                    for flow in rows where !flow.isEmpty { output.gold.append((table, flow.batch, false)) }
                }
            case .window(let index):
                let window = definition.windows[index]
                let from = window.from ?? definition.inputs[0].name
                let otherRows = windows[index].otherRows
                for flow in outputs[from] ?? [] {
                    let late = windows[index].observe(flow.batch, flow.watermarks)
                    output.notes.noteLate(late, of: flow, for: window.table)
                    output.windowed += flow.batch.count - late.count
                    output.lateForWindows += late.count
                }
                let more = windows[index].otherRows - otherRows
                if more > 0 { metrics.record(window: window.table, otherRows: more) }
                let watermark = watermarks[from] ?? .min
                var given = [windows[index].close(upTo: watermark)]
                if let start {
                    given.append(windows[index].giveEarly(from: start))
                    metrics.record(window: window.table, earlyRows: given[1].count)
                    output.givenEarly += given[1].count
                }
                let floor = RowWatermarks(rows: nil, floor: watermarks[window.table] ?? .min)
                for rows in given where !rows.isEmpty {
                    output.gold.append((window.table, rows, true))
                    outputs[window.table, default: []].append(Flow(batch: rows, watermarks: floor, origins: nil))
                }
                watermarks[window.table] = windows[index].watermark(behind: watermark)
            }
        }
    }

    /// Groups in open windows.
    var openGroups: Int { windows.reduce(0) { $0 + $1.stateRows } }

    /// Whether something is expected of an epoch as a whole.
    var expectsOfEpochs: Bool { inputs.contains { $0.expectsOfEpochs } || streams.contains { $0.expectsOfEpochs } }

    /// Asks the expectations about the epoch as a whole.
    mutating func endEpoch() throws {
        for index in inputs.indices { try inputs[index].endEpoch() }
        for index in streams.indices { try streams[index].endEpoch() }
    }

    /// Shows the stages the clock of a stream, for what is expected of the time that passes without rows.
    mutating func pass(_ now: Timestamp) {
        for index in inputs.indices { inputs[index].pass(now) }
        for index in streams.indices { streams[index].pass(now) }
    }

    /// Everything was closed and a new run begins, with no watermark.
    mutating func reset() {
        watermarks = [:]
        for index in inputs.indices { inputs[index].reset() }
        for index in streams.indices { streams[index].reset() }
    }

    func snapshot() -> Data {
        var writer = StateWriter()
        writer.write(watermarks.count)
        for (name, watermark) in watermarks.sorted(by: { $0.key < $1.key }) {
            writer.write(name)
            writer.write(watermark)
        }
        for chain in inputs + streams { chain.encode(to: &writer) }
        for window in windows { writer.write(Array(window.snapshot())) }
        return writer.data
    }

    mutating func restore(_ snapshot: Data) throws {
        var reader = StateReader(snapshot)
        for _ in 0..<(try reader.count()) {
            let name = try reader.string()
            watermarks[name] = try reader.int64()
        }
        for index in inputs.indices { try inputs[index].decode(from: &reader) }
        for index in streams.indices { try streams[index].decode(from: &reader) }
        for index in windows.indices { try windows[index].restore(Data(try reader.array())) }
        guard reader.isAtEnd else { throw StateReader.Damaged() }
    }
}
