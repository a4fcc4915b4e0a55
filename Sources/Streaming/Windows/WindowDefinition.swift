import Columns

/// What a table of windows holds: how long a window is, by which columns rows are grouped, and what is computed of each group.
///
///     table: ssh_by_source
///     length: 5m
///     by: source
///     aggregates:
///       - { name: failures, function: sum, column: count, where: 'event=~"failed_.*"' }
public struct WindowDefinition: Sendable, Hashable {
    /// How rows are cut into windows.
    public enum Kind: Sendable, Hashable {
        /// Windows follow one another without a gap, counted from 1970.
        case tumbling(length: Duration)
        /// A window begins every `slide`; a row belongs to every window that contains its time.
        case hopping(length: Duration, slide: Duration)
        /// Rows of a group that follow each other within `gap`; a window ends `gap` after its last row.
        case session(gap: Duration)
    }

    /// In the gold layer; streams and windows below may read from it by this name.
    public var table: String
    /// An input or a stream; nil is the first input.
    public var from: String?
    /// How rows are cut into windows.
    public var kind: Kind
    /// Columns that rows are grouped by; none makes one group of all. A row without a value for one of them belongs to no group.
    public var by: [String]
    /// Which rows count.
    public var filter: [Matcher]
    /// The columns of the result behind the keys, in this order.
    public var aggregates: [Aggregate]
    /// Groups of a window; the rows of all beyond are in one more.
    public var maxGroups = defaultMaxGroups

    static let defaultMaxGroups = 100_000

    /// A window with defaults for all that is not given.
    public init(
        table: String, from: String? = nil, kind: Kind = .tumbling(length: .seconds(300)), by: [String],
        where filter: [Matcher] = [],
        aggregates: [Aggregate]
    ) {
        self.table = table
        self.from = from
        self.kind = kind
        self.by = by
        self.filter = filter
        self.aggregates = aggregates
    }

    /// `window_start`, `window_end`, the groups, then the aggregates.
    ///
    /// - Throws: ``DefinitionError`` when `input` lacks a column that is named here, or has it with a type that the function
    ///   cannot use.
    func schema(of input: Schema) throws(DefinitionError) -> Schema {
        var fields = [Field("window_start", .timestamp), Field("window_end", .timestamp)]
        for name in by {
            guard let field = input[name] else {
                throw .noColumn(name, asked: "window '\(table)'", known: input.fields.map(\.name))
            }
            guard [.text, .bool, .int32, .int64, .date].contains(field.type) else {
                throw .wrongType(
                    column: name, type: field.type, asked: "window '\(table)' groups by it",
                    wanted: "text, bool, date or a whole number")
            }
            fields.append(Field(name, field.type))
        }
        for matcher in filter where input[matcher.name] == nil {
            throw .noColumn(matcher.name, asked: "'where' of window '\(table)'", known: input.fields.map(\.name))
        }
        for aggregate in aggregates { fields.append(try aggregate.field(of: input, window: table)) }
        for (index, field) in fields.enumerated() where fields[..<index].contains(where: { $0.name == field.name }) {
            throw .twice(field.name)
        }
        return Schema(fields)
    }

    var signature: String {
        let shape =
            switch kind {
            case .tumbling(let length): "tumbling \(length.inMicroseconds)"
            case .hopping(let length, let slide): "hopping \(length.inMicroseconds) \(slide.inMicroseconds)"
            case .session(let gap): "session \(gap.inMicroseconds)"
            }
        let limit = maxGroups == Self.defaultMaxGroups ? "" : " \(maxGroups)"
        return "window \(table) \(from ?? "") \(shape) \(by) \(filter.map(\.description)) \(aggregates.map(\.signature))\(limit)"
    }
}

/// One value that is computed of the rows of a window and group.
public struct Aggregate: Sendable, Hashable {
    /// What is computed; the raw value is how a definition writes it.
    public enum Function: String, Sendable, Hashable, CaseIterable {
        /// Rows.
        case count
        /// Of whole numbers a whole number, else a double.
        case sum
        case min
        case max
        case mean
        /// Of the population: divided by the number of values.
        case variance
        /// How many distinct values: exactly up to 512, with HyperLogLog (standard error 1.6 %) above.
        case distinct
        /// The value below which a share ``Aggregate/parameter`` of the values lies, within 1 % of the value (DDSketch).
        case quantile
        /// The ``Aggregate/parameter`` most frequent values with their counts, as JSON (space-saving over ten times as many
        /// counters).
        case topK = "top_k"
        /// Of the row with the lowest event time; of equal times the one that came first.
        case first
        /// Of the row with the highest event time; of equal times the one that came last.
        case last
        /// Rows per second over the length of the window.
        case rate
    }

    /// Of the column in the result.
    public var name: String
    /// What is computed of the rows of a group.
    public var function: Function
    /// Not for ``Function/count`` and ``Function/rate``.
    public var column: String?
    /// The share of ``Function/quantile`` (0 to 1), or the number of ``Function/topK``.
    public var parameter: Double
    /// Which rows it is computed of.
    public var filter: [Matcher]

    /// An aggregate; `column` may be missing for functions that count rows.
    public init(
        _ name: String, _ function: Function, column: String? = nil, parameter: Double? = nil, where filter: [Matcher] = []
    ) {
        self.name = name
        self.function = function
        self.column = column
        self.parameter = parameter ?? (function == .topK ? 5 : 0.5)
        self.filter = filter
    }

    /// Whether it can be computed of rows of this kind.
    func isPossible(in input: Schema) -> Bool { (try? field(of: input, window: "")) != nil }

    func field(of input: Schema, window: String) throws(DefinitionError) -> Field {
        let asked = "aggregate '\(name)' of window '\(window)'"
        for matcher in filter where input[matcher.name] == nil {
            throw .noColumn(matcher.name, asked: "'where' of \(asked)", known: input.fields.map(\.name))
        }
        switch function {
        case .count: return Field(name, .int64)
        case .rate: return Field(name, .double)
        default: break
        }
        guard let column else { throw .bad("\(asked) needs 'column'") }
        guard let type = input[column]?.type else { throw .noColumn(column, asked: asked, known: input.fields.map(\.name)) }
        let isWhole = type == .int32 || type == .int64
        let isNumber = isWhole || type == .float || type == .double
        func demand(_ holds: Bool, _ wanted: String) throws(DefinitionError) {
            guard holds else { throw .wrongType(column: column, type: type, asked: asked, wanted: wanted) }
        }
        switch function {
        case .count, .rate: return Field(name, .int64)
        case .sum:
            try demand(isNumber, "a number")
            return Field(name, isWhole ? .int64 : .double)
        case .min, .max:
            try demand(isNumber || type == .timestamp || type == .date, "a number or a time")
            return Field(name, type, isNullable: true)
        case .mean, .variance:
            try demand(isNumber, "a number")
            return Field(name, .double, isNullable: true)
        case .quantile:
            try demand(isNumber, "a number")
            guard (0...1).contains(parameter) else { throw .bad("\(asked): 'share' is \(parameter); write a number from 0 to 1") }
            return Field(name, .double, isNullable: true)
        case .distinct:
            try demand(type != .binary, "text, a number or a time")
            return Field(name, .int64)
        case .topK:
            try demand(type == .text, "text")
            guard (1...100).contains(parameter), parameter.rounded() == parameter else {
                throw .bad("\(asked): 'k' is \(parameter); write a whole number from 1 to 100")
            }
            return Field(name, .text)
        case .first, .last:
            try demand(type != .binary, "text, a number or a time")
            return Field(name, type, isNullable: true)
        }
    }

    var signature: String { "\(name)=\(function.rawValue)(\(column ?? ""),\(parameter))\(filter.map(\.description))" }
}
