/// A run of values of one type: the unit that parsers build, the lake writes and detectors read.
///
/// A column is a view: `range` says which rows of `values` it shows, so a slice shares the storage and costs nothing.
/// Row numbers in the methods count from the view's start; in hot loops read `values` directly at `range`.
///
///     values    a b c d e f g h          one buffer, shared
///     column      [──────)               range 1..<5
///     slice(1..<3)  [──)                 range 2..<4, the same buffer
public struct Column: Sendable {
    /// The physical storage. A null has a slot too, of unspecified value (zero or empty from our builders).
    public enum Values: Sendable {
        case bool([Bool])
        /// Also ``ColumnType/date``.
        case int32([Int32])
        /// Also ``ColumnType/timestamp``.
        case int64([Int64])
        case float([Float])
        case double([Double])
        /// Also ``ColumnType/binary``. Text is valid UTF-8: the code that builds a column of bytes from outside checks them.
        case text(TextValues)
        /// Also ``ColumnType/binary``.
        case dictionary(DictionaryValues)
    }

    /// Of all rows that the buffers hold; ``range`` says which of them are this column's.
    public let values: Values
    /// The rows of `values` (and of `validity`) that this column shows.
    public let range: Range<Int>
    /// A set bit for each value that is there, indexed as `values`; nil when none of the storage is null.
    public let validity: Bitmap?

    /// - Precondition: `validity` has as many bits as there are values.
    public init(_ values: Values, validity: Bitmap? = nil) {
        precondition(validity == nil || validity!.count == values.count, "validity has one bit a value")
        self.init(values: values, range: 0..<values.count, validity: validity)
    }

    private init(values: Values, range: Range<Int>, validity: Bitmap?) {
        self.values = values
        self.range = range
        self.validity = validity
    }

    /// The number of rows.
    @inlinable public var count: Int { range.count }

    /// How many rows are null.
    public var nullCount: Int {
        validity.map { range.count - $0.setCount(in: range) } ?? 0
    }

    /// Whether the row has no value.
    @inlinable public func isNull(at row: Int) -> Bool {
        validity.map { !$0[range.lowerBound + row] } ?? false
    }

    /// The rows `rows` of this column, sharing its storage.
    public func slice(_ rows: Range<Int>) -> Column {
        precondition(rows.lowerBound >= 0 && rows.upperBound <= count, "a slice lies within its column")
        let start = range.lowerBound + rows.lowerBound
        return Column(values: values, range: start..<(start + rows.count), validity: validity)
    }

    /// A new column of the rows that `rows` names, in that order; a row may be named more than once.
    public func gather(_ rows: [Int]) -> Column {
        let base = range.lowerBound
        let gathered: Values =
            switch values {
            case .bool(let all): .bool(rows.map { all[base + $0] })
            case .int32(let all): .int32(rows.map { all[base + $0] })
            case .int64(let all): .int64(rows.map { all[base + $0] })
            case .float(let all): .float(rows.map { all[base + $0] })
            case .double(let all): .double(rows.map { all[base + $0] })
            case .text(let all): .text(all.gather(rows, base: base))
            case .dictionary(let all):
                .dictionary(DictionaryValues(codes: rows.map { all.codes[base + $0] }, dictionary: all.dictionary))
            }
        guard let validity else { return Column(gathered) }
        var kept = Bitmap()
        for row in rows { kept.append(validity[base + row]) }
        return Column(gathered, validity: kept)
    }

    /// A column of `type` with `count` nulls.
    public static func nulls(_ type: ColumnType, count: Int) -> Column {
        let values: Values =
            switch type {
            case .bool: .bool(Array(repeating: false, count: count))
            case .int32, .date: .int32(Array(repeating: 0, count: count))
            case .int64, .timestamp: .int64(Array(repeating: 0, count: count))
            case .float: .float(Array(repeating: 0, count: count))
            case .double: .double(Array(repeating: 0, count: count))
            case .text, .binary: .text(TextValues(bytes: [], offsets: Array(repeating: 0, count: count + 1)))
            }
        return Column(values, validity: Bitmap(repeating: false, count: count))
    }
}

// MARK: Single values

extension Column {
    /// The value at `row`, read as `type`; for cold paths.
    public func value(at row: Int, as type: ColumnType) -> Value {
        if isNull(at: row) { return .null }
        let index = range.lowerBound + row
        switch values {
        case .bool(let all): return .bool(all[index])
        case .int32(let all): return type == .date ? .date(all[index]) : .int(Int64(all[index]))
        case .int64(let all): return type == .timestamp ? .timestamp(Timestamp(microseconds: all[index])) : .int(all[index])
        case .float(let all): return .double(Double(all[index]))
        case .double(let all): return .double(all[index])
        case .text, .dictionary:
            return withBytes(at: row) { bytes in
                type == .binary
                    ? .binary(bytes.withUnsafeBufferPointer(Array.init))
                    : .text(bytes.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) })
            }
        }
    }

    /// The bytes of a text or binary value; empty for a null and for a column of another type.
    @inlinable public func withBytes<Result>(at row: Int, _ body: (Span<UInt8>) throws -> Result) rethrows -> Result {
        let index = range.lowerBound + row
        switch values {
        case .text(let all): return try body(all[index])
        case .dictionary(let all): return try body(all[index])
        default:
            let none: [UInt8] = []
            return try body(none.span)
        }
    }

    /// The text at `row`, or nil for a null or a column that holds no text.
    public func string(at row: Int) -> String? {
        if isNull(at: row) { return nil }
        switch values {
        case .text(let all): return all.string(at: range.lowerBound + row)
        case .dictionary(let all): return all.dictionary.string(at: Int(all.codes[range.lowerBound + row]))
        default: return nil
        }
    }

    /// The whole number at `row` (a date in days, a timestamp in microseconds), or nil for a null or another type.
    @inlinable public func integer(at row: Int) -> Int64? {
        if isNull(at: row) { return nil }
        switch values {
        case .int32(let all): return Int64(all[range.lowerBound + row])
        case .int64(let all): return all[range.lowerBound + row]
        default: return nil
        }
    }

    /// The number at `row` as a `Double` (true is 1), or nil for a null or a column that holds text.
    @inlinable public func number(at row: Int) -> Double? {
        if isNull(at: row) { return nil }
        let index = range.lowerBound + row
        switch values {
        case .bool(let all): return all[index] ? 1 : 0
        case .int32(let all): return Double(all[index])
        case .int64(let all): return Double(all[index])
        case .float(let all): return Double(all[index])
        case .double(let all): return all[index]
        case .text, .dictionary: return nil
        }
    }
}

extension Column.Values {
    /// The number of rows in the buffers.
    public var count: Int {
        switch self {
        case .bool(let all): all.count
        case .int32(let all): all.count
        case .int64(let all): all.count
        case .float(let all): all.count
        case .double(let all): all.count
        case .text(let all): all.count
        case .dictionary(let all): all.codes.count
        }
    }

    /// Whether this storage can hold values of `type`.
    public func fits(_ type: ColumnType) -> Bool {
        switch (self, type) {
        case (.bool, .bool), (.int32, .int32), (.int32, .date), (.int64, .int64), (.int64, .timestamp), (.float, .float),
            (.double, .double), (.text, .text), (.text, .binary), (.dictionary, .text), (.dictionary, .binary):
            true
        default: false
        }
    }
}

extension TextValues {
    fileprivate func gather(_ rows: [Int], base: Int) -> TextValues {
        var gathered = TextValues()
        for row in rows { gathered.append(self[base + row]) }
        return gathered
    }
}

/// The texts of a column whose rows come in runs, such as the files of lines: each run makes its `String` once.
public struct TextRuns: Sendable {
    private let column: Column
    private var code: UInt32?
    /// The text at the row that was asked for last; empty for a null.
    public private(set) var text = ""

    /// Begins before the first row of `column`.
    public init(_ column: Column) {
        self.column = column
    }

    /// Moves to `row`; whether another text may begin there.
    public mutating func isNew(at row: Int) -> Bool {
        if case .dictionary(let values) = column.values, !column.isNull(at: row) {
            let code = values.codes[column.range.lowerBound + row]
            if code == self.code { return false }
            self.code = code
        } else {
            code = nil
        }
        text = column.string(at: row) ?? ""
        return true
    }
}
