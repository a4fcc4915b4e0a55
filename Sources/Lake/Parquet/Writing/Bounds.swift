import Columns

/// The smallest and largest value of a column chunk, for its statistics.
struct Bounds {
    /// Statistics hold no more of a text than this.
    private static let boundLength = 64

    private let type: ColumnType
    private var integers: ClosedRange<Int64>?
    private var doubles: ClosedRange<Double>?
    private var hasNaN = false
    private var smallest: [UInt8]?
    private var largest: [UInt8]?

    init(type: ColumnType) {
        self.type = type
    }

    mutating func observe(_ values: [Int64]) {
        guard let first = values.first else { return }
        var low = integers?.lowerBound ?? first
        var high = integers?.upperBound ?? first
        for value in values {
            low = min(low, value)
            high = max(high, value)
        }
        integers = low...high
    }

    mutating func observe(_ values: [Double]) {
        for value in values {
            if value.isNaN {
                hasNaN = true
            } else if let known = doubles {
                doubles = min(known.lowerBound, value)...max(known.upperBound, value)
            } else {
                doubles = value...value
            }
        }
    }

    mutating func observe(_ values: TextValues) {
        for index in 0..<values.count {
            let text = values[index]
            if smallest == nil || text.precedes(smallest!.span) { smallest = text.withUnsafeBufferPointer(Array.init) }
            if largest == nil || largest!.span.precedes(text) { largest = text.withUnsafeBufferPointer(Array.init) }
        }
    }

    func statistics(nullCount: Int) -> ParquetFormat.Statistics {
        var statistics = ParquetFormat.Statistics(nullCount: nullCount)
        switch type {
        case .int64, .timestamp:
            statistics.minimum = integers.map { [UInt8](littleEndian: $0.lowerBound) }
            statistics.maximum = integers.map { [UInt8](littleEndian: $0.upperBound) }
        case .int32, .date:
            statistics.minimum = integers.map { [UInt8](littleEndian: Int32($0.lowerBound)) }
            statistics.maximum = integers.map { [UInt8](littleEndian: Int32($0.upperBound)) }
        case .double:
            // A NaN is neither small nor large: with one, bounds could hide rows. Zero has two signs: -0 bounds from below, +0
            // from above.
            guard !hasNaN else { break }
            statistics.minimum = doubles.map { [UInt8](littleEndian: ($0.lowerBound == 0 ? -0.0 : $0.lowerBound).bitPattern) }
            statistics.maximum = doubles.map { [UInt8](littleEndian: ($0.upperBound == 0 ? 0.0 : $0.upperBound).bitPattern) }
        case .float:
            guard !hasNaN else { break }
            statistics.minimum = doubles.map {
                [UInt8](littleEndian: Float($0.lowerBound == 0 ? -0.0 : $0.lowerBound).bitPattern)
            }
            statistics.maximum = doubles.map { [UInt8](littleEndian: Float($0.upperBound == 0 ? 0.0 : $0.upperBound).bitPattern) }
        case .text, .binary:
            statistics.minimum = smallest.map(Self.cutDown)
            statistics.maximum = largest.flatMap(Self.cutUp)
        case .bool: break
        }
        return statistics
    }

    /// A short text that is not above `text`.
    private static func cutDown(_ text: [UInt8]) -> [UInt8] {
        Array(text.prefix(wholeCharacters(text)))
    }

    /// A short text that is not below `text`: the cut one with its last character raised; nil when that cannot be done simply.
    private static func cutUp(_ text: [UInt8]) -> [UInt8]? {
        guard text.count > boundLength else { return text }
        var cut = Array(text.prefix(wholeCharacters(text)))
        while let last = cut.last {
            if last < 0x7E {
                cut[cut.count - 1] = last + 1
                return cut
            }
            // A character of several bytes, or the last of ASCII: the one before it is raised instead.
            cut.removeLast()
            while let next = cut.last, next & 0xC0 == 0x80 { cut.removeLast() }
            if let next = cut.last, next >= 0xC0 { cut.removeLast() }
        }
        return nil
    }

    private static func wholeCharacters(_ text: [UInt8]) -> Int {
        guard text.count > boundLength else { return text.count }
        var length = boundLength
        while length > 0, text[length] & 0xC0 == 0x80 { length -= 1 }
        return length
    }
}

extension Span<UInt8> {
    /// Whether these bytes come before `other` in the order of unsigned bytes.
    func precedes(_ other: Span<UInt8>) -> Bool {
        let shared = Swift.min(count, other.count)
        for index in 0..<shared where self[index] != other[index] { return self[index] < other[index] }
        return count < other.count
    }
}

extension [UInt8] {
    init<Number: FixedWidthInteger>(littleEndian number: Number) {
        self = []
        append(littleEndian: number)
    }
}
