import Columns
import Logging

/// Gives a number for each row of a batch: what a model says. `Detection` has conformers; a pipeline knows them by name.
public protocol RowScorer: Sendable {
    /// One number a row, nil where it has none.
    func scores(_ rows: Batch) -> [Double?]
}

/// The model of a name that is in production now, or nil. Asked once a batch.
public typealias ScorerProvider = @Sendable (_ model: String) -> (any RowScorer)?

/// What one round of a pipeline notes on the way, beside the rows.
struct RoundNotes {
    /// By row of the parsed batch: the windows, joins and steps that it was too late for.
    var late: [Int32: [String]] = [:]
    var lateCount = 0
    /// Rows that an expectation sends to quarantine, by row of the parsed batch.
    var dropped: [(row: Int32, expectation: String)] = []
    /// The same for rows that were made of several: the row as JSON, and the stream it was in.
    var droppedJoined: [(stream: String, json: String, expectation: String)] = []
    var filtered = 0
    var duplicates = 0

    mutating func noteLate(_ rows: [Int], of flow: Flow, for name: String) {
        lateCount += rows.count
        guard let origins = flow.origins else { return }
        for row in rows { late[origins[row], default: []].append(name) }
    }
}

/// The steps of one input or stream, with their state, in order.
struct StepChain {
    private enum Stage {
        case filter([Matcher])
        case compute(Expression)
        case select([String])
        case deduplicate(Deduplication)
        case join(StreamJoining, with: String)
        case lookup(ReferenceTable, keepsOnlyFound: Bool)
        case expect(ExpectationCheck)
        case score(String)
    }

    /// Where a chain is made: what all its stages may need.
    struct Surroundings {
        let pipeline: String
        let nodes: [String: PipelineSchemas.Node]
        /// Of all inputs the largest: how long a key is remembered.
        let allowedLateness: Duration
        let scorers: ScorerProvider
        let metrics: StepMetrics
        let logger: Logger
    }

    private let name: String
    private let surroundings: Surroundings
    /// Each stage with the schema behind it.
    private var stages: [(stage: Stage, schema: Schema)] = []
    /// Behind each stage, how far the watermark was in the last round.
    private var watermarks: [Int64]

    /// - Throws: ``ReferenceError`` when a reference file cannot be read.
    init(_ steps: [Step], name: String, from node: PipelineSchemas.Node, _ surroundings: Surroundings) throws {
        self.name = name
        self.surroundings = surroundings
        watermarks = Array(repeating: .min, count: steps.count)
        var node = node
        for step in steps {
            let before = node
            node = try PipelineSchemas.apply(step, to: node, in: "'\(name)'", nodes: surroundings.nodes)
            let stage: Stage =
                switch step {
                case .filter(let matchers): .filter(matchers)
                case .compute(_, let expression): .compute(expression)
                case .select(let names): .select(names)
                case .deduplicate(let columns):
                    .deduplicate(
                        Deduplication(by: columns, timeColumn: node.timeColumn, allowedLateness: surroundings.allowedLateness))
                case .join(let join):
                    .join(
                        StreamJoining(join, left: before, right: surroundings.nodes[join.with]!, schema: node.schema),
                        with: join.with)
                case .lookup(let lookup):
                    .lookup(
                        try ReferenceTable(lookup, gauges: surroundings.metrics.references, logger: surroundings.logger),
                        keepsOnlyFound: lookup.kind == .inner)
                case .expect(let expectation): .expect(ExpectationCheck(expectation, timeColumn: node.timeColumn))
                case .score(let model, _): .score(model)
                }
            stages.append((stage, node.schema))
        }
    }

    var isEmpty: Bool { stages.isEmpty }

    var stateRows: Int {
        stages.reduce(0) { total, entry in
            switch entry.stage {
            case .deduplicate(let stage): total + stage.stateRows
            case .join(let stage, _): total + stage.stateRows
            case .expect(let stage): total + stage.stateRows
            default: total
            }
        }
    }

    /// Takes `flows` through the steps, then moves the watermark on and gives what that sets free.
    ///
    /// - Parameters:
    ///   - others: what streams that this one joins with gave in this round.
    ///   - arrivals: when the line of each row of the parsed batch arrived.
    ///   - watermark: of what it reads from; `otherWatermarks` of what it joins with.
    /// - Returns: the rows, and how far whoever reads from here can rely on.
    /// - Throws: ``ExpectationFailure``.
    mutating func run(
        _ flows: [Flow], others: [String: [Flow]], arrivals: Column?, watermark: Int64, otherWatermarks: [String: Int64],
        _ notes: inout RoundNotes
    ) throws -> (flows: [Flow], watermark: Int64) {
        var flows = flows
        var watermark = watermark
        for index in stages.indices {
            let schema = stages[index].schema
            switch stages[index].stage {
            case .filter(let matchers):
                flows = flows.map { flow in
                    let kept = flow.filter(matchers.rows(in: flow.batch))
                    notes.filtered += flow.batch.count - kept.batch.count
                    return kept
                }
            case .compute(let expression):
                flows = flows.map { flow in flow.with(Self.replace(flow.batch, schema, expression.column(of: flow.batch))) }
            case .select(let names): flows = flows.map { $0.with($0.batch.selecting(names)) }
            case .lookup(let table, let keepsOnlyFound):
                if !flows.isEmpty { table.refresh() }
                flows = flows.map { Self.look(up: $0, in: table, schema, keepsOnlyFound, &notes) }
            case .score(let model):
                let scorer = surroundings.scorers(model)
                flows = flows.map { flow in
                    var builder = NumberBuilder<Double>()
                    let scores = scorer?.scores(flow.batch)
                    for row in 0..<flow.batch.count { builder.append(scores?[row]) }
                    return flow.with(Batch(schema: schema, columns: flow.batch.columns + [builder.finish()]))
                }
            case .deduplicate(var stage):
                stages[index].stage = .filter([])  // so that the state is not copied when it is changed
                flows = flows.map { flow in
                    let result = stage.observe(flow.batch, flow.watermarks)
                    notes.noteLate(result.late, of: flow, for: name)
                    notes.duplicates += result.duplicates
                    return result.first.count == flow.batch.count ? flow : flow.gather(result.first)
                }
                stage.forget(upTo: watermark)
                stages[index].stage = .deduplicate(stage)
            case .expect(var stage):
                stages[index].stage = .filter([])
                flows = try flows.map { try check($0, &stage, arrivals, &notes) }
                stage.forget(upTo: watermark)
                stages[index].stage = .expect(stage)
            case .join(var stage, let with):
                stages[index].stage = .filter([])
                let floor = watermarks[index]
                var built: [Batch] = []
                for flow in flows {
                    let (pairs, late) = stage.observe(left: flow.batch, flow.watermarks)
                    built += pairs
                    notes.noteLate(late, of: flow, for: name)
                }
                for flow in others[with] ?? [] {
                    let (pairs, late) = stage.observe(right: flow.batch, flow.watermarks)
                    built += pairs
                    notes.noteLate(late, of: flow, for: name)
                }
                watermark = min(watermark, otherWatermarks[with] ?? .min)
                built += stage.advance(to: watermark)
                watermark = max(floor, stage.watermark(behind: watermark))
                flows = built.filter { !$0.isEmpty }.map {
                    Flow(batch: $0, watermarks: RowWatermarks(rows: nil, floor: floor), origins: nil)
                }
                stages[index].stage = .join(stage, with: with)
            }
            watermarks[index] = watermark
        }
        return (flows, watermark)
    }

    private static func replace(_ batch: Batch, _ schema: Schema, _ column: Column) -> Batch {
        var columns = batch.columns
        // The new column is the one whose field differs, or the last.
        if columns.count == schema.count {
            let index = schema.fields.indices.first { schema.fields[$0] != batch.schema.fields[$0] } ?? 0
            columns[index] = column
        } else {
            columns.append(column)
        }
        return Batch(schema: schema, columns: columns)
    }

    private static func look(
        up flow: Flow, in table: ReferenceTable, _ schema: Schema, _ keepsOnlyFound: Bool, _ notes: inout RoundNotes
    ) -> Flow {
        var found = table.find(flow.batch)
        var flow = flow
        if keepsOnlyFound, found.contains(where: { $0 == nil }) {
            let kept = found.indices.filter { found[$0] != nil }
            notes.filtered += found.count - kept.count
            flow = flow.gather(kept)
            found = kept.map { found[$0] }
        }
        let added = (flow.batch.schema.count..<schema.count).enumerated().map { position, _ in
            var builder = DictionaryBuilder()
            for row in found {
                if let text = row?[position] { builder.append(utf8: text) } else { builder.appendNull() }
            }
            return builder.finish()
        }
        return flow.with(Batch(schema: schema, columns: flow.batch.columns + added))
    }

    private func check(_ flow: Flow, _ stage: inout ExpectationCheck, _ arrivals: Column?, _ notes: inout RoundNotes) throws
        -> Flow
    {
        let expectation = stage.expectation
        let times = flow.origins.flatMap { origins in
            arrivals.map { arrivals in origins.map { arrivals.integer(at: Int($0)) ?? 0 } }
        }
        let failing = stage.failing(flow.batch, arrivals: times)
        let count = failing.count { $0 }
        if case .rowCount = expectation.check { return flow }
        surroundings.metrics.record(expectation.name, succeeded: failing.count - count, failed: count)
        guard count > 0 else { return flow }
        switch expectation.action {
        case .warn: return flow
        case .fail:
            let row = failing.firstIndex(of: true)!
            throw ExpectationFailure(
                pipeline: surroundings.pipeline, expectation: expectation.name,
                detail: "\(count) of \(failing.count) rows, the first is \(Self.json(flow.batch, row))")
        case .drop:
            for row in failing.indices where failing[row] {
                if let origins = flow.origins {
                    notes.dropped.append((origins[row], expectation.name))
                } else {
                    notes.droppedJoined.append((name, Self.json(flow.batch, row), expectation.name))
                }
            }
            return flow.filter(failing.map { !$0 })
        }
    }

    private static func json(_ batch: Batch, _ row: Int) -> String {
        let members = zip(batch.schema.fields, batch.row(row)).filter { $1 != .null }.map {
            "\(JSONText.quote($0.name)):\(JSONText.render($1))"
        }
        return "{\(members.joined(separator: ","))}"
    }

    /// Whether something is expected of an epoch as a whole.
    var expectsOfEpochs: Bool {
        stages.contains { entry in
            guard case .expect(let stage) = entry.stage, case .rowCount = stage.expectation.check else { return false }
            return true
        }
    }

    /// Asks the expectations about the epoch as a whole.
    ///
    /// - Throws: ``ExpectationFailure``.
    mutating func endEpoch() throws {
        for index in stages.indices {
            guard case .expect(var stage) = stages[index].stage, let (holds, rows) = stage.endEpoch() else { continue }
            stages[index].stage = .expect(stage)
            let expectation = stage.expectation
            surroundings.metrics.record(expectation.name, succeeded: holds ? 1 : 0, failed: holds ? 0 : 1)
            if !holds, expectation.action == .fail {
                throw ExpectationFailure(
                    pipeline: surroundings.pipeline, expectation: expectation.name, detail: "the epoch has \(rows) rows")
            }
        }
    }

    func encode(to writer: inout StateWriter) {
        for (index, entry) in stages.enumerated() {
            writer.write(watermarks[index])
            switch entry.stage {
            case .deduplicate(let stage): stage.encode(to: &writer)
            case .join(let stage, _): stage.encode(to: &writer)
            case .expect(let stage): stage.encode(to: &writer)
            default: break
            }
        }
    }

    mutating func decode(from reader: inout StateReader) throws {
        for index in stages.indices {
            watermarks[index] = try reader.int64()
            switch stages[index].stage {
            case .deduplicate(var stage):
                try stage.decode(from: &reader)
                stages[index].stage = .deduplicate(stage)
            case .join(var stage, let with):
                try stage.decode(from: &reader)
                stages[index].stage = .join(stage, with: with)
            case .expect(var stage):
                try stage.decode(from: &reader)
                stages[index].stage = .expect(stage)
            default: break
            }
        }
    }

    /// A new run begins, with no watermark.
    mutating func reset() { watermarks = Array(repeating: .min, count: watermarks.count) }
}

extension Flow {
    fileprivate func with(_ batch: Batch) -> Flow { Flow(batch: batch, watermarks: watermarks, origins: origins) }
}
