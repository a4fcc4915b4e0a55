import Columns

/// What a pipeline learns about its own rows, and then expects of them: how many come, how fresh they are, how many values of a
/// column are missing and how many different ones there are, each against the same hour of other days and weeks.
///
///     expect: usual
///     expect: { name: trips, usual: { every: 15m, columns: [zone, fare], of: [volume, nulls] } }
///
/// Rows are counted per span of event time, so which rows belong together does not depend on batches and commits.
struct UsualExpectation: Sendable, Hashable, Decodable {
    /// What is measured of the rows of a span.
    enum Measure: String, CaseIterable, Sendable, Hashable, Decodable {
        /// How many rows there are.
        case volume
        /// How long ago the newest row happened, in seconds, by the clock.
        case freshness
        /// Of a column that may be null: the share of rows without a value.
        case nulls
        /// Of a column of text: how many different values it has.
        case distinct
    }

    /// A series of a column takes up to 25 KB, and half of that in each checkpoint.
    static let maxColumns = 64

    /// Rows of so much event time are measured together.
    var every = Duration.seconds(3600)
    /// Of which columns ``Measure/nulls`` and ``Measure/distinct`` are taken; empty for all.
    var columns: [String] = []
    var measures = Set(Measure.allCases)

    private enum CodingKeys: String, CodingKey {
        case every, columns
        case measures = "of"
    }

    init() {}

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        every = try container.duration(.every) ?? every
        columns = try container.textOrTexts(.columns) ?? []
        if let given = try container.decodeIfPresent([Measure].self, forKey: .measures) { measures = Set(given) }
    }

    var signature: String { "\(every) \(columns) \(measures.map(\.rawValue).sorted())" }

    /// - Throws: when a column is missing, or there are too many.
    func check(_ schema: Schema, asked: String, action: Expectation.Action) throws(DefinitionError) {
        for column in columns where schema[column] == nil {
            throw .noColumn(column, asked: asked, known: schema.fields.map(\.name))
        }
        guard (.seconds(60) ... .seconds(86_400)).contains(every) else {
            throw .bad("\(asked): 'every' is \(every.inSeconds) seconds; write a duration from 1m to 1d")
        }
        guard !measures.isEmpty else {
            throw .bad("\(asked): 'of' is empty; give some of \(Measure.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        guard action == .warn else {
            throw .bad("\(asked) is learned and about many rows at once; its action is warn")
        }
        let watched = Set(watched(.nulls, schema) + watched(.distinct, schema))
        guard watched.count <= Self.maxColumns else {
            throw .bad("\(asked) would watch \(watched.count) columns; name at most \(Self.maxColumns) of them in 'columns'")
        }
    }

    /// The columns of which something is measured.
    func watched(_ measure: Measure, _ schema: Schema) -> [String] {
        guard measures.contains(measure) else { return [] }
        return schema.fields.filter { field in
            guard columns.isEmpty || columns.contains(field.name) else { return false }
            return measure == .nulls ? field.isNullable : measure == .distinct && field.type == .text
        }.map(\.name)
    }
}
