import Columns

/// A model: one number per row of a batch, nil where it has none.
public typealias RowScorer = @Sendable (_ rows: Batch) -> [Double?]

/// The model of that name in production, or nil. Called once per batch.
public typealias ScorerProvider = @Sendable (_ model: String) -> RowScorer?

/// Adds a number that a model gives; null while no model of that name is in production.
///
///     score: { model: rail-fault-risk, column: fault_risk }
struct ModelScore: Stage {
    static let key = "score"

    var model: String
    var column: String

    init(model: String, column: String) {
        self.model = model
        self.column = column
    }

    var signature: String { "score \(model) \(column)" }

    func node(
        behind node: PipelineSchemas.Node, in place: StagePlace
    ) throws(DefinitionError) -> PipelineSchemas.Node {
        guard node.schema[column] == nil else {
            throw .bad("\(place.name): 'score' adds '\(column)', which is there already")
        }
        var node = node
        node.schema = Schema(node.schema.fields + [Field(column, .double, isNullable: true)])
        return node
    }

    func start(_ start: StageStart) -> any RunningStage {
        Running(model: model, schema: start.after.schema, scorers: start.scorers)
    }

    private struct Running: RunningStage {
        let model: String
        let schema: Schema
        let scorers: ScorerProvider

        mutating func run(_ flows: [Flow], in round: inout StageRound) -> [Flow] {
            let score = scorers(model)
            return flows.map { flow in
                var builder = NumberBuilder<Double>()
                let scores = score?(flow.batch)
                for row in 0..<flow.batch.count { builder.append(scores?[row]) }
                return flow.with(Batch(schema: schema, columns: flow.batch.columns + [builder.finish()]))
            }
        }
    }
}
