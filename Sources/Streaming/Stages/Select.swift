import Columns

/// Keeps these columns, in this order.
///
///     select: [event_time, user_id]
struct Select: Stage, RunningStage {
    static let key = "select"

    var columns: [String]

    init(_ columns: [String]) {
        self.columns = columns
    }

    init(from decoder: any Decoder) throws {
        columns = try TextList(from: decoder).texts
    }

    var signature: String { "select \(columns)" }

    func node(
        behind node: PipelineSchemas.Node, in place: StagePlace
    ) throws(DefinitionError) -> PipelineSchemas.Node {
        try place.require(columns, of: node, "'select'")
        guard columns.contains(node.timeColumn) else { throw .bad("\(place.name): 'select' must keep '\(node.timeColumn)'") }
        guard Set(columns).count == columns.count else { throw .bad("\(place.name): 'select' names a column twice") }
        var node = node
        node.schema = node.schema.selecting(columns)
        return node
    }

    func start(_ start: StageStart) -> any RunningStage { self }

    mutating func run(_ flows: [Flow], in round: inout StageRound) -> [Flow] {
        flows.map { $0.with($0.batch.selecting(columns)) }
    }
}
