import Columns

/// Keeps the rows that all matchers hold for.
///
///     where: 'status=~"5..", method="GET"'
struct Filter: Stage, RunningStage {
    static let key = "where"

    var matchers: [Matcher]

    init(_ matchers: [Matcher]) {
        self.matchers = matchers
    }

    init(from decoder: any Decoder) throws {
        matchers = try [Matcher](parsing: try decoder.singleValueContainer().decode(String.self))
    }

    var signature: String { "where \(matchers.map(\.description))" }

    func node(
        behind node: PipelineSchemas.Node, in place: StagePlace
    ) throws(DefinitionError) -> PipelineSchemas.Node {
        try place.require(matchers.map(\.name), of: node, "'where'")
        return node
    }

    func start(_ start: StageStart) -> any RunningStage { self }

    mutating func run(_ flows: [Flow], in round: inout StageRound) -> [Flow] {
        flows.map { flow in
            let kept = flow.filter(matchers.rows(in: flow.batch))
            round.notes.filtered += flow.batch.count - kept.batch.count
            return kept
        }
    }
}
