import Columns

/// Adds a column, or puts it in place of one of the same name.
///
///     compute: 'is_slow = latency_ms >= 500'
struct Compute: Stage {
    static let key = "compute"

    var name: String
    var expression: Expression

    init(_ name: String, _ expression: Expression) {
        self.name = name
        self.expression = expression
    }

    init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let match = text.firstMatch(of: #/^\s*([A-Za-z_][A-Za-z0-9_]*)\s*=(?!=)/#) else {
            throw DefinitionError.bad("'\(text)' computes no column; write name = expression")
        }
        self.init(String(match.1), try Expression(String(text[match.range.upperBound...])))
    }

    var signature: String { "compute \(name) = \(expression)" }

    func node(
        behind node: PipelineSchemas.Node, in place: StagePlace
    ) throws(DefinitionError) -> PipelineSchemas.Node {
        guard name != node.timeColumn else {
            throw .bad("\(place.name): '\(name)' is the event time; compute another column")
        }
        let field = Field(name, try expression.type(in: node.schema), isNullable: true)
        var node = node
        var fields = node.schema.fields
        if let index = node.schema.index(of: name) { fields[index] = field } else { fields.append(field) }
        node.schema = Schema(fields)
        return node
    }

    func start(_ start: StageStart) -> any RunningStage {
        Running(expression: expression, index: start.before.schema.index(of: name), schema: start.after.schema)
    }

    private struct Running: RunningStage {
        let expression: Expression
        /// Of the column that is replaced; nil adds one.
        let index: Int?
        let schema: Schema

        mutating func run(_ flows: [Flow], in round: inout StageRound) -> [Flow] {
            flows.map { flow in
                var columns = flow.batch.columns
                let column = expression.column(of: flow.batch)
                if let index { columns[index] = column } else { columns.append(column) }
                return flow.with(Batch(schema: schema, columns: columns))
            }
        }
    }
}
