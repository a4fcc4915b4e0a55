import Foundation

/// Writes the state of a stage or of rules as bytes, for a checkpoint. Numbers are little-endian, texts and lists have their length in front.
///
/// JSON would be easier to look at and ten times as large and slow: a stage may hold a million groups, and all of them are written at each commit.
public struct StateWriter {
    public private(set) var bytes: [UInt8] = []

    public init() {}

    public var data: Data { Data(bytes) }

    public mutating func write(_ value: Int64) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// A number that is mostly small, such as what lies between two times: seven bits a byte, the lowest first, the sign in the last bit (LEB128, zigzag).
    public mutating func write(compact value: Int64) {
        var rest = UInt64(bitPattern: (value << 1) ^ (value >> 63))
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    public mutating func write(_ value: Int) { write(Int64(value)) }
    public mutating func write(_ value: UInt64) { write(Int64(bitPattern: value)) }
    public mutating func write(_ value: Double) { write(value.bitPattern) }
    public mutating func write(byte: UInt8) { bytes.append(byte) }
    public mutating func write(_ value: Bool) { write(byte: value ? 1 : 0) }

    public mutating func write(_ value: [UInt8]) {
        write(value.count)
        bytes.append(contentsOf: value)
    }

    public mutating func write(_ text: String) { write(Array(text.utf8)) }

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

    /// The rows of a batch; the schema is known to whoever reads them.
    public mutating func write(_ batch: Batch) {
        write(batch.count)
        for (field, column) in zip(batch.schema.fields, batch.columns) {
            for row in 0..<batch.count { write(column.value(at: row, as: field.type)) }
        }
    }
}

/// Reads what ``StateWriter`` wrote. Whatever the bytes are, it throws rather than to read beyond them or to allocate more than they can hold.
public struct StateReader {
    /// The bytes are not what a writer wrote.
    public struct Damaged: Error {
        public init() {}
    }

    private let bytes: [UInt8]
    private var at = 0

    public init(_ data: Data) { bytes = Array(data) }

    public var isAtEnd: Bool { at == bytes.count }

    private mutating func take(_ count: Int) throws(Damaged) -> ArraySlice<UInt8> {
        guard count >= 0, count <= bytes.count - at else { throw Damaged() }
        defer { at += count }
        return bytes[at..<(at + count)]
    }

    public mutating func int64() throws(Damaged) -> Int64 {
        try take(8).reversed().reduce(0) { $0 << 8 | Int64($1) }
    }

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

    public mutating func int() throws(Damaged) -> Int { Int(try int64()) }
    public mutating func uint64() throws(Damaged) -> UInt64 { UInt64(bitPattern: try int64()) }
    public mutating func double() throws(Damaged) -> Double { Double(bitPattern: try uint64()) }
    public mutating func byte() throws(Damaged) -> UInt8 { try take(1).first! }
    public mutating func bool() throws(Damaged) -> Bool { try byte() != 0 }
    public mutating func array() throws(Damaged) -> [UInt8] { Array(try take(try int())) }
    public mutating func string() throws(Damaged) -> String { String(decoding: try take(try int()), as: UTF8.self) }

    /// A number of things of which each takes at least a byte.
    public mutating func count() throws(Damaged) -> Int {
        let count = try int()
        guard count >= 0, count <= bytes.count - at else { throw Damaged() }
        return count
    }

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
