import Columns

/// Keeps the first row of each key, as long as the watermark has not passed its time plus the allowed lateness.
///
///     deduplicate: [order_id]
struct Deduplicate: Stage {
    static let key = "deduplicate"

    var columns: [String]

    init(by columns: [String]) {
        self.columns = columns
    }

    init(from decoder: any Decoder) throws {
        columns = try TextList(from: decoder).texts
    }

    var signature: String { "deduplicate \(columns)" }

    func node(
        behind node: PipelineSchemas.Node, in place: StagePlace
    ) throws(DefinitionError) -> PipelineSchemas.Node {
        try place.require(columns, of: node, "'deduplicate'")
        guard !columns.isEmpty else { throw .bad("\(place.name): 'deduplicate' names no column") }
        return node
    }

    func start(_ start: StageStart) -> any RunningStage {
        Deduplication(by: columns, timeColumn: start.before.timeColumn, allowedLateness: start.allowedLateness)
    }
}

extension Deduplication: RunningStage {
    mutating func run(_ flows: [Flow], in round: inout StageRound) -> [Flow] {
        let passed = flows.map { flow in
            let result = observe(flow.batch, flow.watermarks)
            round.notes.noteLate(result.late, of: flow, for: round.name)
            round.notes.duplicates += result.duplicates
            return result.first.count == flow.batch.count ? flow : flow.gather(result.first)
        }
        forget(upTo: round.watermark)
        return passed
    }
}
