import Columns

/// A query in LogQL: for lines, or for numbers made of lines.
///
/// Source: Grafana Loki's documentation, "LogQL: Log query language", "Log queries" and "Metric queries".
package enum LogQuery: Sendable {
    /// Lines.
    case lines(LogSelector)
    /// Numbers at points in time.
    case metric(MetricExpression)
}

/// Which lines, and what is done with each: `{table="silver.ssh"} |= "root" | logfmt | port > 1024`.
package struct LogSelector: Sendable {
    /// Conditions on the labels of streams.
    package var matchers: [Matcher]
    /// What each line passes, in order.
    package var stages: [LogStage] = []

    /// All lines of streams, as they are.
    package init(matchers: [Matcher]) { self.matchers = matchers }

    /// The conditions on fields that hold before anything is extracted from a line or changed: what a store may look up by.
    package var directMatchers: [Matcher] {
        var found: [Matcher] = []
        for stage in stages {
            switch stage {
            case .line: continue
            case .fields(let condition): found += condition.requiredMatchers
            default: return found
            }
        }
        return found
    }
}

/// One step of a line's way.
package enum LogStage: Sendable {
    /// Keeps lines by their text.
    case line(LineFilter)
    /// Adds fields that are read from the line.
    case extract(FieldExtraction)
    /// Keeps lines by their fields.
    case fields(FieldCondition)
    /// Takes fields away; with a matcher, only where it holds.
    case drop([FieldSelection])
    /// Takes all other fields away.
    case keep([FieldSelection])
    /// Sets fields: to another one's value, which is renamed, or to a text with fields in it.
    case set([FieldAssignment])
    /// Replaces the line by a text with fields in it.
    case format(TextTemplate)
}

/// A field that `drop` or `keep` names.
package struct FieldSelection: Sendable {
    /// Its name.
    package let name: OutsideText
    /// What its value has to fulfil.
    package let matcher: Matcher?
}

/// One setting of `label_format`.
package struct FieldAssignment: Sendable {
    /// What the field is set to.
    package enum Value: Sendable {
        /// The value of a field, which is gone afterwards.
        case renamed(OutsideText)
        case template(TextTemplate)
    }

    /// The field that is set.
    package let name: OutsideText
    /// What it is set to.
    package let value: Value
}

/// Which field of a line is its number.
package struct Unwrap: Sendable {
    /// How the text is read.
    package enum Conversion: String, Sendable, CaseIterable {
        case number = ""
        /// `1h2m` and the like, as seconds.
        case duration
        case durationSeconds = "duration_seconds"
        /// `5KiB` and the like.
        case bytes
    }

    /// The name of the field.
    package let name: OutsideText
    /// How its text is read.
    package let conversion: Conversion
}

/// Which labels make a group.
package struct Grouping: Sendable, Equatable {
    /// The names that are kept, or with ``isWithout`` those that are left out.
    package var names: [OutsideText]
    /// Whether the names are those that do not matter.
    package var isWithout: Bool
}

/// A number, or numbers by labels.
package indirect enum MetricExpression: Sendable {
    /// The same number always.
    case number(Double)
    /// The number as a series without labels: `vector(0)`.
    case vector(Double)
    case range(RangeAggregation)
    case aggregate(VectorAggregation)
    case binary(BinaryOperation)
}

/// Lines within a range before each point in time, as one number per series.
package struct RangeAggregation: Sendable {
    /// What is made of the lines; the raw value is its name.
    package enum Function: String, Sendable, CaseIterable {
        case count = "count_over_time"
        case rate
        case bytes = "bytes_over_time"
        case bytesRate = "bytes_rate"
        case absent = "absent_over_time"
        case sum = "sum_over_time"
        case average = "avg_over_time"
        case minimum = "min_over_time"
        case maximum = "max_over_time"
        case first = "first_over_time"
        case last = "last_over_time"
        case deviation = "stddev_over_time"
        case variance = "stdvar_over_time"
        case quantile = "quantile_over_time"

        /// Whether it needs a number of each line.
        var needsNumbers: Bool {
            switch self {
            case .count, .rate, .bytes, .bytesRate, .absent: false
            default: true
            }
        }
    }

    /// What is made of the lines.
    package var function: Function
    /// Which lines.
    package var selector: LogSelector
    /// The number of a line.
    package var unwrap: Unwrap?
    /// How far back, in microseconds.
    package var range: Int64
    /// How much earlier, in microseconds.
    package var offset: Int64 = 0
    /// Which quantile.
    package var parameter: Double = 0
    /// The series; nil for the labels of the stream and what was read from the line.
    package var grouping: Grouping?
}

/// Several series as one per group.
package struct VectorAggregation: Sendable {
    /// What is made of them; the raw value is its name.
    package enum Function: String, Sendable, CaseIterable {
        case sum, min, max, count, topk, bottomk, stddev, stdvar
        case average = "avg"

        var takesNumber: Bool { self == .topk || self == .bottomk }
    }

    /// What is made of the series.
    package var function: Function
    /// The groups; nil for one of all.
    package var grouping: Grouping?
    /// Of `topk` and `bottomk`.
    package var count: Int = 0
    /// What gives the series.
    package var of: MetricExpression
}

/// Two numbers, or series with the same labels, as one.
package struct BinaryOperation: Sendable {
    /// Written as its raw value.
    package enum Operator: String, Sendable, CaseIterable {
        case or, and, unless
        case equal = "=="
        case notEqual = "!="
        case greater = ">"
        case greaterOrEqual = ">="
        case less = "<"
        case lessOrEqual = "<="
        case plus = "+"
        case minus = "-"
        case times = "*"
        case divided = "/"
        case modulo = "%"
        case power = "^"

        /// A larger one binds more closely.
        var precedence: Int {
            switch self {
            case .or: 1
            case .and, .unless: 2
            case .equal, .notEqual, .greater, .greaterOrEqual, .less, .lessOrEqual: 3
            case .plus, .minus: 4
            case .times, .divided, .modulo: 5
            case .power: 6
            }
        }

        var isComparison: Bool { precedence == 3 }
        var isOfSets: Bool { precedence < 3 }
    }

    /// What is done.
    package var `operator`: Operator
    /// Whether a comparison gives 1 or 0 and does not filter.
    package var isBool: Bool
    /// Which labels have to be the same; nil for all.
    package var matching: Grouping?
    /// Its left side.
    package var left: MetricExpression
    /// Its right side.
    package var right: MetricExpression
}
