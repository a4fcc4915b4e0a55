/// One value of a column, for cold paths: rendering, tests, configuration. Hot paths read a column's storage.
public enum Value: Sendable, Hashable {
    case null
    case bool(Bool)
    /// Of an `int32` or `int64` column.
    case int(Int64)
    /// Of a `float` or `double` column.
    case double(Double)
    /// Days since 1970-01-01.
    case date(Int32)
    case timestamp(Timestamp)
    case text(String)
    case binary([UInt8])
}

/// Texts are equal when their bytes are (``OutsideText``).
extension Value {
    /// Numbers are equal when their bits are, so that NaN is equal to itself; texts when their bytes are.
    public static func == (left: Value, right: Value) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.int(let left), .int(let right)): left == right
        case (.double(let left), .double(let right)): left == right
        case (.date(let left), .date(let right)): left == right
        case (.timestamp(let left), .timestamp(let right)): left == right
        case (.text(let left), .text(let right)): left.hasSameBytes(as: right)
        case (.binary(let left), .binary(let right)): left == right
        default: false
        }
    }

    /// Of the bits and bytes, as equality is.
    public func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .bool(let value): hasher.combine(value)
        case .int(let value): hasher.combine(value)
        case .double(let value): hasher.combine(value)
        case .date(let value): hasher.combine(value)
        case .timestamp(let value): hasher.combine(value)
        case .text(let value): hasher.combine(bytesOf: value)
        case .binary(let value): hasher.combine(value)
        }
    }
}

extension Value: CustomStringConvertible {
    /// The value as a person or a CSV cell shows it; null is the empty text, binary is hexadecimal.
    public var description: String {
        switch self {
        case .null: ""
        case .bool(let value): String(value)
        case .int(let value): String(value)
        case .double(let value): value.rounded() == value && value.magnitude < 1e15 ? String(Int64(value)) : String(value)
        case .date(let days): String(Timestamp(seconds: Int64(days) * 86_400).description.prefix { $0 != "T" })
        case .timestamp(let value): value.description
        case .text(let value): value
        case .binary(let bytes): bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        }
    }
}

extension Value: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByNilLiteral
{
    /// A text.
    public init(stringLiteral value: String) { self = .text(value) }
    /// A whole number.
    public init(integerLiteral value: Int64) { self = .int(value) }
    /// A number.
    public init(floatLiteral value: Double) { self = .double(value) }
    /// True or false.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// No value.
    public init(nilLiteral: ()) { self = .null }
}
