import Columns

/// A condition on one column of a table. Files and row groups that cannot fulfil it are passed over.
///
/// Numbers are compared as numbers, times as times, texts and bytes by their bytes. A null fulfils ``Test/isNull`` only.
public struct ColumnCondition: Sendable {
    /// What is asked of a value.
    public enum Test: Sendable {
        /// Equal to one of these.
        case isAmong([Value])
        /// Not below the first bound and not above the second; nil leaves that end open.
        case isBetween(Bound?, Bound?)
        case isNull
        case isNotNull
    }

    /// One end of a range.
    public struct Bound: Sendable {
        let value: Value
        let isIncluded: Bool

        /// - Parameter isIncluded: whether the value itself is in the range.
        public init(_ value: Value, isIncluded: Bool = true) {
            self.value = value
            self.isIncluded = isIncluded
        }
    }

    let column: String
    let test: Test

    /// - Parameter column: one that the table does not have is all null.
    public init(_ column: String, _ test: Test) {
        self.column = column
        self.test = test
    }
}

/// A condition, made ready for the values of a column of one type.
enum TypedTest {
    case isNull
    case isNotNull
    case integers(ClosedRange<Int64>)
    case integerSet(Set<Int64>)
    case numbers(NumberRange)
    case numberSet(Set<Double>)
    case bytes(BytesRange)
    case bytesSet(Set<[UInt8]>)
    case nothing

    /// - Parameter type: of the column. A value that no value of this type is equal to, or that is not comparable with one, is
    ///   fulfilled by none.
    init(_ test: ColumnCondition.Test, _ type: ColumnType) {
        switch test {
        case .isNull: self = .isNull
        case .isNotNull: self = .isNotNull
        case .isAmong(let values):
            switch type {
            case .bool, .int32, .int64, .date, .timestamp: self = .integerSet(Set(values.compactMap(Self.integer)))
            case .float, .double: self = .numberSet(Set(values.compactMap(\.number)))
            case .text, .binary: self = .bytesSet(Set(values.compactMap(\.bytes)))
            }
        case .isBetween(let low, let high):
            switch type {
            case .bool, .int32, .int64, .date, .timestamp:
                let lowest = low.map(Self.lowest) ?? .min, highest = high.map(Self.highest) ?? .max
                guard let lowest, let highest, lowest <= highest else {
                    self = .nothing
                    return
                }
                self = .integers(lowest...highest)
            case .float, .double:
                guard let range = NumberRange(low, high) else {
                    self = .nothing
                    return
                }
                self = .numbers(range)
            case .text, .binary:
                guard let range = BytesRange(low, high) else {
                    self = .nothing
                    return
                }
                self = .bytes(range)
            }
        }
    }

    /// The whole number that a value is equal to.
    private static func integer(_ value: Value) -> Int64? {
        switch value {
        case .bool(let flag): flag ? 1 : 0
        case .int(let number): number
        case .date(let days): Int64(days)
        case .timestamp(let time): time.microseconds
        case .double(let number): Int64(exactly: number)
        case .null, .text, .binary: nil
        }
    }

    /// The smallest whole number in a range that begins so; nil when there is none.
    private static func lowest(_ bound: ColumnCondition.Bound) -> Int64? {
        if let whole = integer(bound.value) {
            guard !bound.isIncluded else { return whole }
            return whole == .max ? nil : whole + 1
        }
        guard let number = bound.value.number, !number.isNaN else { return nil }
        return number >= 0x1p63 ? nil : number < -0x1p63 ? .min : Int64(number.rounded(.up))
    }

    private static func highest(_ bound: ColumnCondition.Bound) -> Int64? {
        if let whole = integer(bound.value) {
            guard !bound.isIncluded else { return whole }
            return whole == .min ? nil : whole - 1
        }
        guard let number = bound.value.number, !number.isNaN else { return nil }
        return number < -0x1p63 ? nil : number >= 0x1p63 ? .max : Int64(number.rounded(.down))
    }
}

/// Numbers between two bounds.
struct NumberRange {
    let low: Double
    let includesLow: Bool
    let high: Double
    let includesHigh: Bool

    init?(_ low: ColumnCondition.Bound?, _ high: ColumnCondition.Bound?) {
        func end(_ bound: ColumnCondition.Bound?, _ none: Double) -> Double? { bound.map { $0.value.number } ?? none }
        guard let lowEnd = end(low, -.infinity), let highEnd = end(high, .infinity) else { return nil }
        self.low = lowEnd
        self.high = highEnd
        includesLow = low?.isIncluded ?? true
        includesHigh = high?.isIncluded ?? true
    }

    func contains(_ value: Double) -> Bool {
        (includesLow ? value >= low : value > low) && (includesHigh ? value <= high : value < high)
    }

    /// Whether a value between these two may be in the range.
    func overlaps(_ bounds: ClosedRange<Double>) -> Bool {
        (includesLow ? bounds.upperBound >= low : bounds.upperBound > low)
            && (includesHigh ? bounds.lowerBound <= high : bounds.lowerBound < high)
    }
}

/// Texts or bytes between two bounds, in the order of unsigned bytes.
struct BytesRange {
    private let low: [UInt8]?
    private let includesLow: Bool
    private let high: [UInt8]?
    private let includesHigh: Bool

    init?(_ low: ColumnCondition.Bound?, _ high: ColumnCondition.Bound?) {
        func bytes(_ bound: ColumnCondition.Bound?) -> [UInt8]?? { bound.map { $0.value.bytes.map(Optional.some) } ?? .some(nil) }
        guard let lowBytes = bytes(low), let highBytes = bytes(high) else { return nil }
        self.low = lowBytes
        self.high = highBytes
        includesLow = low?.isIncluded ?? true
        includesHigh = high?.isIncluded ?? true
    }

    func contains(_ value: Span<UInt8>) -> Bool { isAboveLow(value) && isBelowHigh(value) }

    /// Whether a value between these two may be in the range.
    func overlaps(_ lowest: [UInt8], _ highest: [UInt8]) -> Bool { isAboveLow(highest.span) && isBelowHigh(lowest.span) }

    private func isAboveLow(_ value: Span<UInt8>) -> Bool {
        guard let low else { return true }
        return includesLow ? !value.precedes(low.span) : low.span.precedes(value)
    }

    private func isBelowHigh(_ value: Span<UInt8>) -> Bool {
        guard let high else { return true }
        return includesHigh ? !high.span.precedes(value) : value.precedes(high.span)
    }
}

extension Value {
    /// The value as a number; nil for what is none.
    fileprivate var number: Double? {
        switch self {
        case .bool(let flag): flag ? 1 : 0
        case .int(let number): Double(number)
        case .double(let number): number
        case .date(let days): Double(days)
        case .timestamp(let time): Double(time.microseconds)
        case .null, .text, .binary: nil
        }
    }

    /// The bytes of a text or of binary data.
    fileprivate var bytes: [UInt8]? {
        switch self {
        case .text(let text): Array(text.utf8)
        case .binary(let bytes): bytes
        default: nil
        }
    }
}
