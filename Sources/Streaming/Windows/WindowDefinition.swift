import Columns

/// What a table of windows holds: how long a window is, by which column rows are grouped, and what is computed of each group.
///
///     table: ssh_by_source
///     length: 5m
///     allowed_lateness: 1m
///     by: source
///     aggregates:
///       - { name: failures, function: sum, column: count, where: 'event=~"failed_.*"' }
public struct WindowDefinition: Sendable, Hashable {
    /// In the gold layer.
    public var table: String
    /// Length of a window in event time; windows tumble: one begins where the other ends, counted from 1970.
    public var length: Duration
    /// How far behind the newest event one may be and still count.
    public var allowedLateness: Duration
    /// The text column that rows are grouped by. Rows without a value belong to no group.
    public var by: String
    public var aggregates: [Aggregate]

    public init(
        table: String, length: Duration = .seconds(300), allowedLateness: Duration = .seconds(60), by: String,
        aggregates: [Aggregate]
    ) {
        self.table = table
        self.length = length
        self.allowedLateness = allowedLateness
        self.by = by
        self.aggregates = aggregates
    }

    /// `window_start`, `window_end`, the group, then the aggregates.
    public var schema: Schema {
        Schema(
            [Field("window_start", .timestamp), Field("window_end", .timestamp), Field(by, .text)]
                + aggregates.map { Field($0.name, .int64) })
    }
}

/// One number that is computed of the rows of a window and group.
public struct Aggregate: Sendable, Hashable {
    public enum Function: String, Sendable, Hashable, CaseIterable {
        /// Rows.
        case count
        /// The sum of a whole-number column.
        case sum
        /// How many distinct texts or numbers a column has, exactly.
        case distinct
    }

    public var name: String
    public var function: Function
    /// Not for ``Function/count``.
    public var column: String?
    /// Which rows it is computed of.
    public var filter: [Matcher]

    public init(_ name: String, _ function: Function, column: String? = nil, where filter: [Matcher] = []) {
        self.name = name
        self.function = function
        self.column = column
        self.filter = filter
    }
}
