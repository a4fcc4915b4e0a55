import Foundation

/// Writes the state of a stage or of rules as bytes, for a checkpoint. Numbers are little-endian, texts and lists have their
/// length in front.
///
/// JSON would be easier to look at and ten times as large and slow: a stage may hold a million groups, and all of them are
/// written at each commit.
public struct StateWriter {
    /// What was written so far.
    public private(set) var bytes: [UInt8] = []

    /// Nothing written yet.
    public init() {}

    /// ``bytes`` as Foundation has them.
    public var data: Data { Data(bytes) }

    /// A number, in as few bytes as it needs.
    public mutating func write(_ value: Int64) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// A number that is mostly small, such as what lies between two times: seven bits per byte, the lowest first, the sign in
    /// the last bit (LEB128, zigzag).
    public mutating func write(compact value: Int64) {
        var rest = UInt64(bitPattern: (value << 1) ^ (value >> 63))
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Read by ``StateReader/int()``.
    public mutating func write(_ value: Int) { write(Int64(value)) }
    /// Read by ``StateReader/uint64()``.
    public mutating func write(_ value: UInt64) { write(Int64(bitPattern: value)) }
    /// Its bits, so that the same number comes back. Read by ``StateReader/double()``.
    public mutating func write(_ value: Double) { write(value.bitPattern) }
    /// Read by ``StateReader/byte()``.
    public mutating func write(byte: UInt8) { bytes.append(byte) }
    /// Read by ``StateReader/bool()``.
    public mutating func write(_ value: Bool) { write(byte: value ? 1 : 0) }

    /// The length, then the bytes. Read by ``StateReader/array()``.
    public mutating func write(_ value: [UInt8]) {
        write(value.count)
        bytes.append(contentsOf: value)
    }

    /// The length, then the UTF-8. Read by ``StateReader/string()``.
    public mutating func write(_ text: String) { write(Array(text.utf8)) }

    /// The kind, then the value. Read by ``StateReader/value()``.
    public mutating func write(_ value: Value) {
        switch value {
        case .null: bytes.append(0)
        case .bool(let flag):
            bytes.append(1)
            write(flag)
        case .int(let number):
            bytes.append(2)
            write(number)
        case .double(let number):
            bytes.append(3)
            write(number)
        case .date(let days):
            bytes.append(4)
            write(Int64(days))
        case .timestamp(let time):
            bytes.append(5)
            write(time.microseconds)
        case .text(let text):
            bytes.append(6)
            write(text)
        case .binary(let data):
            bytes.append(7)
            write(data)
        }
    }

    /// The rows of a batch; the reader must know the schema.
    public mutating func write(_ batch: Batch) {
        write(batch.count)
        for (field, column) in zip(batch.schema.fields, batch.columns) {
            for row in 0..<batch.count { write(column.value(at: row, as: field.type)) }
        }
    }
}

/// Reads what ``StateWriter`` wrote. It is safe on any bytes: it throws instead of reading beyond them or allocating more than
/// they can hold.
public struct StateReader {
    /// The bytes are not what a writer wrote.
    public struct Damaged: Error {
        /// For decoders of states that find by themselves what cannot be.
        public init() {}
    }

    private let bytes: [UInt8]
    private var at = 0

    /// Reads from the first byte.
    public init(_ data: Data) { bytes = Array(data) }

    /// Whether all bytes were read.
    public var isAtEnd: Bool { at == bytes.count }

    private mutating func take(_ count: Int) throws(Damaged) -> ArraySlice<UInt8> {
        guard count >= 0, count <= bytes.count - at else { throw Damaged() }
        defer { at += count }
        return bytes[at..<(at + count)]
    }

    /// The next number.
    public mutating func int64() throws(Damaged) -> Int64 {
        try take(8).reversed().reduce(0) { $0 << 8 | Int64($1) }
    }

    /// The next number, of those that were written in as few bytes as they need.
    public mutating func compactInt64() throws(Damaged) -> Int64 {
        var bits: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            guard at < bytes.count, shift < 64 else { throw Damaged() }
            let byte = bytes[at]
            at += 1
            bits |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return Int64(bitPattern: bits >> 1) ^ -Int64(bitPattern: bits & 1) }
            shift += 7
        }
    }

    /// Written by ``StateWriter/write(_:)`` of an `Int`.
    public mutating func int() throws(Damaged) -> Int { Int(try int64()) }
    /// Written as a `UInt64`.
    public mutating func uint64() throws(Damaged) -> UInt64 { UInt64(bitPattern: try int64()) }
    /// Written as a `Double`.
    public mutating func double() throws(Damaged) -> Double { Double(bitPattern: try uint64()) }
    /// One byte.
    public mutating func byte() throws(Damaged) -> UInt8 { try take(1).first! }
    /// One byte; any but 0 is true.
    public mutating func bool() throws(Damaged) -> Bool { try byte() != 0 }
    /// Bytes behind their length.
    public mutating func array() throws(Damaged) -> [UInt8] { Array(try take(try int())) }
    /// Text behind its length; what is not UTF-8 in it becomes U+FFFD.
    public mutating func string() throws(Damaged) -> String { String(decoding: try take(try int()), as: UTF8.self) }

    /// A count of elements that take at least a byte each; more than there are bytes left is damage.
    public mutating func count() throws(Damaged) -> Int {
        let count = try int()
        guard count >= 0, count <= bytes.count - at else { throw Damaged() }
        return count
    }

    /// A value of any type.
    public mutating func value() throws(Damaged) -> Value {
        switch try byte() {
        case 0: return .null
        case 1: return .bool(try bool())
        case 2: return .int(try int64())
        case 3: return .double(try double())
        case 4:
            guard let days = Int32(exactly: try int64()) else { throw Damaged() }
            return .date(days)
        case 5: return .timestamp(Timestamp(microseconds: try int64()))
        case 6: return .text(try string())
        case 7: return .binary(try array())
        default: throw Damaged()
        }
    }

    /// Rows of a schema that the state itself does not hold.
    public mutating func batch(_ schema: Schema) throws(Damaged) -> Batch {
        let count = try int()
        guard count >= 0, count <= bytes.count - at || schema.count == 0 else { throw Damaged() }
        var columns: [Column] = []
        for field in schema.fields {
            var builder = ColumnBuilder(field)
            for _ in 0..<count {
                let value = try value()
                guard value != .null || field.isNullable, builder.append(value) else { throw Damaged() }
            }
            columns.append(builder.finish())
        }
        return Batch(schema: schema, columns: columns)
    }
}
