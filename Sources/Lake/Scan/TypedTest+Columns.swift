import Columns

extension TypedTest {
    /// Takes out of `rows` those that do not fulfil the test.
    ///
    /// - Parameter rows: one a row of the column.
    func narrow(_ rows: inout [Bool], _ column: Column) {
        switch self {
        case .nothing: rows = Array(repeating: false, count: rows.count)
        case .isNull: for row in rows.indices where rows[row] { rows[row] = column.isNull(at: row) }
        default:
            keepMatches(&rows, column)
            guard column.validity != nil else { return }
            for row in rows.indices where rows[row] && column.isNull(at: row) { rows[row] = false }
        }
    }

    private func keepMatches(_ rows: inout [Bool], _ column: Column) {
        let base = column.range.lowerBound
        switch column.values {
        case .bool(let all): keep(&rows) { contains(all[base + $0] ? 1 : 0 as Int64) }
        case .int32(let all): keep(&rows) { contains(Int64(all[base + $0])) }
        case .int64(let all): keep(&rows) { contains(all[base + $0]) }
        case .float(let all): keep(&rows) { contains(Double(all[base + $0])) }
        case .double(let all): keep(&rows) { contains(all[base + $0]) }
        case .text(let all): keep(&rows) { contains(all[base + $0]) }
        case .dictionary(let all):
            // Each distinct text is looked at once.
            let matches = (0..<all.dictionary.count).map { contains(all.dictionary[$0]) }
            keep(&rows) { matches[Int(all.codes[base + $0])] }
        }
    }

    private func keep(_ rows: inout [Bool], _ isMatch: (Int) -> Bool) {
        for row in rows.indices where rows[row] && !isMatch(row) { rows[row] = false }
    }

    private func contains(_ value: Int64) -> Bool {
        switch self {
        case .integers(let range): range.contains(value)
        case .integerSet(let set): set.contains(value)
        default: isNotNull
        }
    }

    private func contains(_ value: Double) -> Bool {
        switch self {
        case .numbers(let range): range.contains(value)
        case .numberSet(let set): set.contains(value)
        default: isNotNull
        }
    }

    private func contains(_ value: Span<UInt8>) -> Bool {
        switch self {
        case .bytes(let range): range.contains(value)
        case .bytesSet(let set): set.contains { value.isEqual(to: $0.span) }
        default: isNotNull
        }
    }

    private var isNotNull: Bool { if case .isNotNull = self { true } else { false } }
}

extension TypedTest {
    /// Whether a row of a row group may fulfil the test: true unless its statistics say that none does.
    func mayHold(_ statistics: ParquetFormat.Statistics?, of node: ParquetNode, rowCount: Int) -> Bool {
        guard let statistics else { return true }
        if case .isNull = self { return statistics.nullCount != 0 }
        if statistics.nullCount == rowCount { return false }
        guard let low = statistics.minimum, let high = statistics.maximum else { return true }
        switch self {
        case .nothing: return false
        case .isNull, .isNotNull: return true
        case .integers, .integerSet:
            guard let bounds = Self.integers(low, high, node) else { return true }
            return mayHold(bounds)
        case .numbers, .numberSet:
            guard let bounds = Self.numbers(low, high, node) else { return true }
            return mayHold(bounds)
        case .bytes(let range): return node.hasBytesInOrder ? range.overlaps(low, high) : true
        case .bytesSet(let set):
            guard node.hasBytesInOrder else { return true }
            return set.contains { !$0.span.precedes(low.span) && !high.span.precedes($0.span) }
        }
    }

    private func mayHold(_ bounds: ClosedRange<Int64>) -> Bool {
        switch self {
        case .integers(let range): range.overlaps(bounds)
        case .integerSet(let set): set.contains(where: bounds.contains)
        default: true
        }
    }

    private func mayHold(_ bounds: ClosedRange<Double>) -> Bool {
        switch self {
        case .numbers(let range): range.overlaps(bounds)
        case .numberSet(let set): set.contains(where: bounds.contains)
        default: true
        }
    }

    private static func integers(_ low: [UInt8], _ high: [UInt8], _ node: ParquetNode) -> ClosedRange<Int64>? {
        func number(_ bytes: [UInt8]) -> Int64? {
            switch (node.type, bytes.count) {
            case (.int32, 4): Int64(Int32(truncatingIfNeeded: bytes.littleEndian))
            case (.int64, 8): Int64(bitPattern: bytes.littleEndian)
            default: nil
            }
        }
        guard node.isFlat, let low = number(low), let high = number(high), low <= high else { return nil }
        switch node.meaning {
        case .asStored, .date: return low...high
        case .timestamp(let unit): return unit.microseconds(low)...unit.microseconds(high)
        default: return nil
        }
    }

    private static func numbers(_ low: [UInt8], _ high: [UInt8], _ node: ParquetNode) -> ClosedRange<Double>? {
        func number(_ bytes: [UInt8]) -> Double? {
            switch (node.type, bytes.count) {
            case (.float, 4): Double(Float(bitPattern: UInt32(truncatingIfNeeded: bytes.littleEndian)))
            case (.double, 8): Double(bitPattern: bytes.littleEndian)
            default: nil
            }
        }
        guard node.isFlat, node.meaning == .asStored, let low = number(low), let high = number(high), low <= high else {
            return nil
        }
        return low...high
    }
}

extension ParquetNode {
    /// Whether bounds of its values are in the order of unsigned bytes.
    fileprivate var hasBytesInOrder: Bool { isFlat && type == .byteArray && (meaning == .text || meaning == .asStored) }
}

extension ParquetNode.Unit {
    /// A time in this unit, in microseconds; one that is beyond all times is the last of them.
    fileprivate func microseconds(_ value: Int64) -> Int64 {
        switch self {
        case .milliseconds:
            let (product, overflow) = value.multipliedReportingOverflow(by: 1000)
            return overflow ? (value < 0 ? .min : .max) : product
        case .microseconds: return value
        case .nanoseconds: return value >= 0 ? value / 1000 : (value + 1) / 1000 - 1
        }
    }
}

extension [UInt8] {
    fileprivate var littleEndian: UInt64 { reversed().reduce(0) { $0 << 8 | UInt64($1) } }
}
