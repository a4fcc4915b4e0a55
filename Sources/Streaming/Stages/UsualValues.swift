import Columns
import Series

/// Adds what is usual of a number: what was expected of it, the range that it usually is in, and how unusual it is. One series
/// per group, learned from the rows.
///
///     usual: { column: trips, by: [zone] }
///
/// adds `trips_expected`, `trips_low`, `trips_high` and `trips_score`. They are null until the series is known, and for a row
/// without a number or without a value in `by`. See ``SeriesDetector`` for what a score means.
struct UsualValues: Stage {
    static let key = "usual"

    /// The column of the numbers.
    var column: String
    /// A series per combination of values; empty for one series of all rows.
    var by: [String] = []

    /// What is behind the name of ``column`` in the names of the columns that are added.
    private static let suffixes = ["expected", "low", "high", "score"]

    private enum CodingKeys: CodingKey { case column, by }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        column = try container.decode(String.self, forKey: .column)
        by = try container.decodeIfPresent([String].self, forKey: .by) ?? []
    }

    var signature: String { "usual \(column) \(by)" }

    func node(
        behind node: PipelineSchemas.Node, in place: StagePlace
    ) throws(DefinitionError) -> PipelineSchemas.Node {
        try place.require([column] + by, of: node, "'usual'")
        guard [.int32, .int64, .float, .double].contains(node.schema[column]!.type) else {
            throw .wrongType(
                column: column, type: node.schema[column]!.type, asked: "\(place.name): 'usual'", wanted: "a number")
        }
        var node = node
        for suffix in Self.suffixes {
            let name = "\(column)_\(suffix)"
            guard node.schema[name] == nil else {
                throw .bad("\(place.name): 'usual' adds '\(name)', which is there already")
            }
            node.schema = Schema(node.schema.fields + [Field(name, .double, isNullable: true)])
        }
        return node
    }

    func start(_ start: StageStart) -> any RunningStage {
        Running(stage: self, schema: start.after.schema, timeColumn: start.before.timeColumn)
    }

    private struct Running: RunningStage {
        let stage: UsualValues
        let schema: Schema
        let timeColumn: String
        var series = KeyedSeries()

        var stateRows: Int { series.count }

        mutating func run(_ flows: [Flow], in round: inout StageRound) -> [Flow] {
            flows.map { flow in
                flow.with(Batch(schema: schema, columns: flow.batch.columns + columns(for: flow.batch)))
            }
        }

        private mutating func columns(for batch: Batch) -> [Column] {
            var builders = [NumberBuilder<Double>](repeating: NumberBuilder(), count: UsualValues.suffixes.count)
            guard let values = batch[stage.column], let times = batch[timeColumn] else { return [] }
            let groups = GroupCodes(batch, by: stage.by)
            for row in 0..<batch.count {
                var found: [Double?] = [nil, nil, nil, nil]
                if groups.codes[row] >= 0, let value = values.number(at: row), let time = times.integer(at: row) {
                    let key = groups.key(groups.codes[row])
                    if let reading = series.observe(value, at: Timestamp(microseconds: time), of: key) {
                        found = [reading.expected, reading.low, reading.high, reading.score]
                    }
                }
                for (i, value) in found.enumerated() { builders[i].append(value) }
            }
            return builders.indices.map { builders[$0].finish() }
        }

        func encode(to writer: inout StateWriter) { series.encode(to: &writer) }
        mutating func decode(from reader: inout StateReader) throws { series = try KeyedSeries(from: &reader) }
    }
}
