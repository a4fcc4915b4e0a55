import Columns

/// Events derived from others, step by step.
public struct StreamDefinition: Sendable, Hashable {
    public var name: String
    /// An input, or a stream or table of windows that stands above.
    public var from: String
    public var steps: [Step]
    /// The gold table that its rows are written to; nil keeps them to the streams and windows that read from it.
    public var table: String?

    public init(name: String, from: String, steps: [Step], table: String? = nil) {
        self.name = name
        self.from = from
        self.steps = steps
        self.table = table
    }

    var signature: String { "stream \(name) \(from) \(table ?? "") \(steps.map(\.signature))" }
}

/// One thing that is done to the rows of an input or a stream.
public enum Step: Sendable, Hashable {
    /// Keeps the rows that all matchers hold for.
    case filter([Matcher])
    /// Adds a column, or puts it in place of one of the same name.
    case compute(name: String, Expression)
    /// Keeps these columns, in this order.
    case select([String])
    /// Keeps the first row of each key, as long as the watermark has not passed its time plus the allowed lateness.
    case deduplicate(by: [String])
    case join(StreamJoin)
    case lookup(ReferenceLookup)
    case expect(Expectation)
    /// Adds a number that a model gives; null while there is no model of that name in production.
    case score(model: String, column: String)

    var signature: String {
        switch self {
        case .filter(let matchers): "where \(matchers.map(\.description))"
        case .compute(let name, let expression): "compute \(name) = \(expression)"
        case .select(let names): "select \(names)"
        case .deduplicate(let names): "deduplicate \(names)"
        case .join(let join):
            "join \(join.kind.rawValue) \(join.with) \(join.on) -\(join.before.inMicroseconds) +\(join.within.inMicroseconds) \(join.prefix)"
        case .lookup(let lookup): "lookup \(lookup.kind.rawValue) \(lookup.file) \(lookup.on) \(lookup.columns)"
        case .expect(let expectation): "expect \(expectation.name) \(expectation.check) \(expectation.action.rawValue)"
        case .score(let model, let column): "score \(model) \(column)"
        }
    }
}

/// Rows of two streams put together when they have the same key and their times are near.
///
///     join: { with: stars, on: [user_id], within: 10m }
///
/// A row of the other stream fits when its event time is from `before` before to `within` after that of this one.
public struct StreamJoin: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        case inner
        /// A row that finds no other is given with nulls, once the watermark says that none can come.
        case left
    }

    public var with: String
    public var on: [String]
    public var within: Duration
    public var before: Duration
    public var kind: Kind
    /// Stands before the names of the other stream's columns, so that no two are alike.
    public var prefix: String

    public init(
        with: String, on: [String], within: Duration, before: Duration = .zero, kind: Kind = .inner, prefix: String? = nil
    ) {
        self.with = with
        self.on = on
        self.within = within
        self.before = before
        self.kind = kind
        self.prefix = prefix ?? with + "_"
    }
}

/// Columns that are looked up in a file: JSON Lines, a JSON array of objects, or CSV with headings. It is read again when it changes.
///
///     lookup: { file: vip.json, on: [user_id], columns: [tier], kind: inner }
public struct ReferenceLookup: Sendable, Hashable {
    /// Beside the pipeline's file, if the path is not absolute.
    public var file: String
    /// Columns that both have; the first entry with the same values counts.
    public var on: [String]
    /// Columns of the file that are added, as text.
    public var columns: [String]
    /// Inner keeps only rows that are found; left gives nulls for others.
    public var kind: StreamJoin.Kind

    public init(file: String, on: [String], columns: [String], kind: StreamJoin.Kind = .left) {
        self.file = file
        self.on = on
        self.columns = columns
        self.kind = kind
    }
}
