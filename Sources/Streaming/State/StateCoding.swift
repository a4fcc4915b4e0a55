import Columns
import Foundation

/// Writes the state of a stage as bytes, for a checkpoint. Numbers are little-endian, texts and lists have their length in front.
///
/// JSON would be easier to look at and ten times as large and slow: a stage may hold a million groups, and all of them are written at each commit.
struct StateWriter {
    private(set) var bytes: [UInt8] = []

    var data: Data { Data(bytes) }

    mutating func write(_ value: Int64) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func write(_ value: Int) { write(Int64(value)) }
    mutating func write(_ value: UInt64) { write(Int64(bitPattern: value)) }
    mutating func write(_ value: Double) { write(value.bitPattern) }
    mutating func write(_ value: Bool) { bytes.append(value ? 1 : 0) }

    mutating func write(_ value: [UInt8]) {
        write(value.count)
        bytes.append(contentsOf: value)
    }

    mutating func write(_ text: String) { write(Array(text.utf8)) }

    mutating func write(_ value: Value) {
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
    mutating func write(_ batch: Batch) {
        write(batch.count)
        for (field, column) in zip(batch.schema.fields, batch.columns) {
            for row in 0..<batch.count { write(column.value(at: row, as: field.type)) }
        }
    }
}

/// Reads what ``StateWriter`` wrote. Whatever the bytes are, it throws rather than to read beyond them or to allocate more than they can hold.
struct StateReader {
    struct Damaged: Error {}

    private let bytes: [UInt8]
    private var at = 0

    init(_ data: Data) { bytes = Array(data) }

    var isAtEnd: Bool { at == bytes.count }

    private mutating func take(_ count: Int) throws(Damaged) -> ArraySlice<UInt8> {
        guard count >= 0, count <= bytes.count - at else { throw Damaged() }
        defer { at += count }
        return bytes[at..<(at + count)]
    }

    mutating func int64() throws(Damaged) -> Int64 {
        try take(8).reversed().reduce(0) { $0 << 8 | Int64($1) }
    }

    mutating func int() throws(Damaged) -> Int { Int(try int64()) }
    mutating func uint64() throws(Damaged) -> UInt64 { UInt64(bitPattern: try int64()) }
    mutating func double() throws(Damaged) -> Double { Double(bitPattern: try uint64()) }
    mutating func bool() throws(Damaged) -> Bool { try take(1).first! != 0 }
    mutating func array() throws(Damaged) -> [UInt8] { Array(try take(try int())) }
    mutating func string() throws(Damaged) -> String { String(decoding: try take(try int()), as: UTF8.self) }

    /// A number of things of which each takes at least a byte.
    mutating func count() throws(Damaged) -> Int {
        let count = try int()
        guard count >= 0, count <= bytes.count - at else { throw Damaged() }
        return count
    }

    mutating func value() throws(Damaged) -> Value {
        switch try take(1).first! {
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

    mutating func batch(_ schema: Schema) throws(Damaged) -> Batch {
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
