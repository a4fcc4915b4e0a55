import Columns

/// What the groups of a ``GroupTable`` are made of, and what is counted of each.
struct GroupShape: Equatable {
    /// What the rows of a group are alike in.
    enum Key: Equatable {
        /// A column, by its index in the table.
        case column(Int)
        /// The span of time that a column's time is in.
        case span(Int, TimeSpan, Edge)

        var column: Int {
            switch self {
            case .column(let column), .span(let column, _, _): column
            }
        }
    }

    /// What becomes of the last half of a millisecond of a span. SQLite's functions of time round to milliseconds, in some of
    /// its versions into the next span: those times are a group of their own, the last microsecond of the span.
    enum Edge { case isOfSpan, isApart }

    /// A number that is kept per group; the rows of groups that are put together add up, or have the least and the greatest.
    enum Measure: Equatable {
        /// How many rows have a value.
        case present(Int)
        case sum(Int)
        case least(Int)
        case greatest(Int)

        var column: Int {
            switch self {
            case .present(let column), .sum(let column), .least(let column), .greatest(let column): column
            }
        }
    }

    private(set) var keys: [Key] = []
    private(set) var measures: [Measure] = []
    /// Columns that conditions are on, which need not be kept.
    private(set) var filters: Set<Int> = []

    /// The name of a column for how many rows are in a group.
    static let countName = "#n"

    /// - Returns: the column of the table of groups.
    mutating func key(_ key: Key) -> String {
        if !keys.contains(key) { keys.append(key) }
        return "\"#k\(keys.firstIndex(of: key)!)\""
    }

    mutating func measure(_ measure: Measure) -> String {
        if !measures.contains(measure) { measures.append(measure) }
        return "\"#m\(measures.firstIndex(of: measure)!)\""
    }

    mutating func filter(_ column: Int) { filters.insert(column) }

    /// The columns of the lake's table that are read for groups, in order.
    var columns: [Int] { Set(keys.map(\.column) + measures.map(\.column)).sorted() }
}
