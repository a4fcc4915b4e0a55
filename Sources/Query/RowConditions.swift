import Columns

/// Conditions on the rows of a table as people write them: matchers as in routes, and comparisons with numbers, durations and
/// times.
///
///     outcome="failure", user=~"adm.*", port > 1024, latency_ms >= 500ms
///
/// A duration is compared in the unit that the name of the column ends in (`_ms`, `_us`, `_ns`, `_minutes`, `_hours`, `_days`),
/// else in seconds. Null is the empty text for a matcher, as an absent label is, and fulfils no comparison.
struct RowConditions {
    /// Each in SQL; all must be true.
    private(set) var sql: [String] = []

    /// - Throws: ``QueryError/unknown(_:_:known:)`` for a column that is not there, ``QueryError/badComparison(_:)``, and the
    ///   errors of matchers.
    init(parsing text: String, _ schema: Schema) throws {
        var matchers: [String] = []
        for part in Self.parts(text) {
            if let comparison = Self.comparison(part) {
                sql.append(try Self.sql(comparison, part, schema))
            } else {
                matchers.append(part)
            }
        }
        for matcher in try [Matcher](parsing: matchers.joined(separator: ",")) {
            guard let field = schema[matcher.name] else {
                throw QueryError.unknown("column", matcher.name, known: schema.fields.map(\.name))
            }
            sql.append(Self.sql(matcher, field.type))
        }
    }

    /// What is between commas that are in no quotes.
    private static func parts(_ text: String) -> [String] {
        var parts: [[UInt8]] = [[]], isQuoted = false, isEscaped = false
        for byte in text.utf8 {
            if byte == UInt8(ascii: ","), !isQuoted {
                parts.append([])
                continue
            }
            if byte == UInt8(ascii: "\""), !isEscaped { isQuoted.toggle() }
            isEscaped = isQuoted && byte == UInt8(ascii: "\\") && !isEscaped
            parts[parts.count - 1].append(byte)
        }
        return parts.map { OutsideText(String(decoding: $0, as: UTF8.self)).trimmed }.filter { !$0.isEmpty }
    }

    /// A part such as `port > 1024`; nil for a matcher.
    private static func comparison(_ part: String) -> (column: String, sign: String, value: String)? {
        let bytes = Array(part.utf8)
        let isName = { (byte: UInt8) in byte.isDigit || (0x61...0x7A).contains(byte | 0x20) || byte == UInt8(ascii: "_") }
        let name = bytes.prefix(while: isName)
        let rest = bytes[name.endIndex...].drop { $0 == UInt8(ascii: " ") }
        guard !name.isEmpty, let first = rest.first, first == UInt8(ascii: "<") || first == UInt8(ascii: ">") else { return nil }
        let hasEqual = rest.dropFirst().first == UInt8(ascii: "=")
        let sign = String(decoding: [first] + (hasEqual ? [UInt8(ascii: "=")] : []), as: UTF8.self)
        let value = OutsideText(String(decoding: rest.dropFirst(hasEqual ? 2 : 1), as: UTF8.self)).trimmed
        return (String(decoding: name, as: UTF8.self), sign, value)
    }

    private static func sql(_ comparison: (column: String, sign: String, value: String), _ part: String, _ schema: Schema) throws
        -> String
    {
        guard let field = schema[comparison.column] else {
            throw QueryError.unknown("column", comparison.column, known: schema.fields.map(\.name))
        }
        let value: String
        switch field.type {
        case .int32, .int64, .float, .double:
            if let number = Double(comparison.value), number.isFinite {
                value = comparison.value
            } else if let duration = Duration(parsing: comparison.value) {
                value = String(Double(duration.inMicroseconds) / unit(of: field.name))
            } else {
                throw QueryError.badComparison(part)
            }
        case .timestamp:
            guard let time = Timestamp(iso8601: comparison.value) else { throw QueryError.badComparison(part) }
            value = "'\(time)'"
        case .date, .text: value = SQLText.literal(comparison.value)
        case .bool, .binary: throw QueryError.badComparison(part)
        }
        return "\(SQLText.name(field.name)) \(comparison.sign) \(value)"
    }

    /// Microseconds of the unit of a column.
    private static func unit(of name: String) -> Double {
        let parts = name.utf8.split(separator: UInt8(ascii: "_")).map { String(decoding: $0, as: UTF8.self) }
        return switch parts.last {
        case "ns", "nanoseconds": 0.001
        case "us", "microseconds": 1
        case "ms", "milliseconds": 1000
        case "minutes": 60e6
        case "hours": 3600e6
        case "days": 86_400e6
        default: 1e6
        }
    }

    private static func sql(_ matcher: Matcher, _ type: ColumnType) -> String {
        let name = SQLText.name(matcher.name)
        // Numbers and flags are compared as they are written; what is a text already needs no cast, which scans do not know.
        let written =
            switch type {
            case .text, .date, .timestamp: name
            case .bool: "CASE \(name) WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"
            default: "CAST(\(name) AS TEXT)"
            }
        let value = SQLText.literal(matcher.value)
        switch matcher.operator {
        case .equal where matcher.value.isEmpty: return "coalesce(\(written), '') = ''"
        case .equal:
            if type == .int32 || type == .int64, let number = Int64(matcher.value) { return "\(name) = \(number)" }
            return "\(written) = \(value)"
        case .notEqual: return "coalesce(\(written), '') <> \(value)"
        case .matches: return "matches(coalesce(\(written), ''), \(value))"
        case .doesNotMatch: return "NOT matches(coalesce(\(written), ''), \(value))"
        }
    }
}
