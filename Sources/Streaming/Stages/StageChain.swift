import Columns
import Logging

/// The stages of one input or stream, with their state, in order.
struct StageChain {
    /// What all stages of a pipeline are started with.
    struct Surroundings {
        let pipeline: String
        let nodes: [String: PipelineSchemas.Node]
        let allowedLateness: Duration
        let scorers: ScorerProvider
        let metrics: StepMetrics
        let logger: Logger
    }

    private let name: String
    private var stages: [any RunningStage] = []
    /// By stage, the watermark behind it in the last round.
    private var watermarks: [Int64]

    /// - Throws: ``ReferenceError`` when a reference file cannot be read.
    init(_ steps: [Step], name: String, from node: PipelineSchemas.Node, _ surroundings: Surroundings) throws {
        self.name = name
        watermarks = Array(repeating: .min, count: steps.count)
        let place = StagePlace(name: "'\(name)'", isStream: true, nodes: surroundings.nodes)
        var node = node
        for step in steps {
            let before = node
            node = try step.stage.node(behind: node, in: place)
            stages.append(
                try step.stage.start(
                    StageStart(
                        pipeline: surroundings.pipeline, name: name, before: before, after: node, nodes: surroundings.nodes,
                        allowedLateness: surroundings.allowedLateness, scorers: surroundings.scorers,
                        metrics: surroundings.metrics,
                        logger: surroundings.logger)))
        }
    }

    var stateRows: Int { stages.reduce(0) { $0 + $1.stateRows } }

    /// Takes `flows` through the stages, then moves the watermark on and gives the rows that this sets free.
    ///
    /// - Parameter round: with the watermark of the rows that come in; at the end with the one that readers of this chain can
    /// rely on.
    /// - Throws: ``ExpectationFailure``.
    mutating func run(_ flows: [Flow], in round: inout StageRound) throws -> [Flow] {
        var flows = flows
        for index in stages.indices {
            round.floor = watermarks[index]
            flows = try stages[index].run(flows, in: &round)
            watermarks[index] = round.watermark
        }
        return flows
    }

    /// Whether something is expected of an epoch as a whole.
    var expectsOfEpochs: Bool { stages.contains { $0.expectsOfEpochs } }

    /// Asks the expectations about the epoch as a whole.
    ///
    /// - Throws: ``ExpectationFailure``.
    mutating func endEpoch() throws {
        for index in stages.indices { try stages[index].endEpoch() }
    }

    /// Shows the stages the clock.
    mutating func pass(_ now: Timestamp) {
        for index in stages.indices { stages[index].pass(now) }
    }

    func encode(to writer: inout StateWriter) {
        for (stage, watermark) in zip(stages, watermarks) {
            writer.write(watermark)
            stage.encode(to: &writer)
        }
    }

    mutating func decode(from reader: inout StateReader) throws {
        for index in stages.indices {
            watermarks[index] = try reader.int64()
            try stages[index].decode(from: &reader)
        }
    }

    /// A new run begins, with no watermark.
    mutating func reset() { watermarks = Array(repeating: .min, count: watermarks.count) }
}
