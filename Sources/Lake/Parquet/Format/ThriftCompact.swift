/// Writes the Thrift compact protocol, in which Parquet's headers and footers are.
///
/// Source: Apache Thrift, "Thrift Compact protocol encoding".
struct ThriftWriter {
    enum FieldType: UInt8 {
        case yes = 1, no = 2, i32 = 5, i64 = 6, binary = 8, list = 9, structure = 12
    }

    private(set) var bytes: [UInt8] = []
    private var lastField: [Int16] = [0]

    mutating func i32(_ field: Int16, _ value: Int32) {
        header(field, .i32)
        varint(UInt64(truncatingIfNeeded: UInt32(bitPattern: (value << 1) ^ (value >> 31))))
    }

    mutating func i64(_ field: Int16, _ value: Int64) {
        header(field, .i64)
        varint(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }

    mutating func bool(_ field: Int16, _ value: Bool) {
        header(field, value ? .yes : .no)
    }

    mutating func binary(_ field: Int16, _ value: [UInt8]) {
        header(field, .binary)
        raw(value)
    }

    mutating func string(_ field: Int16, _ value: String) {
        binary(field, Array(value.utf8))
    }

    mutating func structure(_ field: Int16, _ body: (inout ThriftWriter) -> Void) {
        header(field, .structure)
        element(body)
    }

    /// A list of structures.
    mutating func list<Item>(_ field: Int16, _ items: [Item], _ body: (inout ThriftWriter, Item) -> Void) {
        listHeader(field, items.count, .structure)
        for item in items { element { body(&$0, item) } }
    }

    mutating func list(_ field: Int16, i32s: [Int32]) {
        listHeader(field, i32s.count, .i32)
        for value in i32s { varint(UInt64(UInt32(bitPattern: (value << 1) ^ (value >> 31)))) }
    }

    mutating func list(_ field: Int16, strings: [String]) {
        listHeader(field, strings.count, .binary)
        for value in strings { raw(Array(value.utf8)) }
    }

    /// The structure that has no field number: the message itself.
    mutating func element(_ body: (inout ThriftWriter) -> Void) {
        lastField.append(0)
        body(&self)
        bytes.append(0)
        lastField.removeLast()
    }

    private mutating func header(_ field: Int16, _ type: FieldType) {
        let delta = field - lastField[lastField.count - 1]
        precondition((1...15).contains(delta), "fields are written in rising order, without large gaps")
        bytes.append(UInt8(delta) << 4 | type.rawValue)
        lastField[lastField.count - 1] = field
    }

    private mutating func listHeader(_ field: Int16, _ count: Int, _ type: FieldType) {
        header(field, .list)
        if count < 15 {
            bytes.append(UInt8(count) << 4 | type.rawValue)
        } else {
            bytes.append(0xF0 | type.rawValue)
            varint(UInt64(count))
        }
    }

    private mutating func raw(_ value: [UInt8]) {
        varint(UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    private mutating func varint(_ value: UInt64) {
        bytes.append(varint: value)
    }
}

extension [UInt8] {
    /// Unsigned LEB128, as Thrift and Parquet's encodings have it.
    mutating func append(varint value: UInt64) {
        var value = value
        while value >= 0x80 {
            append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        append(UInt8(value))
    }
}

/// Reads the Thrift compact protocol. Everything is checked against the end of the bytes and a depth limit: the bytes may be
/// hostile.
struct ThriftReader {
    struct Malformed: Error {}

    private var input: PageBytes
    private var depth = 0

    init(_ bytes: [UInt8], from start: Int = 0) {
        input = PageBytes(bytes, from: start)
    }

    var position: Int { input.position }

    /// Reads the fields of a structure: `body` gets each field's number and type and reads its value, or returns false to have
    /// it skipped.
    mutating func structure(_ body: (inout ThriftReader, _ field: Int16, _ type: UInt8) throws -> Bool) throws {
        depth += 1
        guard depth < 32 else { throw Malformed() }
        var field: Int16 = 0
        while true {
            let head = try input.byte()
            if head == 0 { break }
            let type = head & 15
            if head >> 4 != 0 {
                field &+= Int16(head >> 4)
            } else {
                field = Int16(truncatingIfNeeded: try input.zigzag())
            }
            if try !body(&self, field, type) { try skip(type) }
        }
        depth -= 1
    }

    mutating func list(_ body: (inout ThriftReader, _ type: UInt8) throws -> Void) throws {
        let head = try input.byte()
        let count = head >> 4 == 15 ? try count(of: try input.varint()) : Int(head >> 4)
        // Each element takes at least a byte, so a count beyond what is left is a lie.
        guard count <= input.left else { throw Malformed() }
        for _ in 0..<count { try body(&self, head & 15) }
    }

    mutating func i64() throws -> Int64 { try input.zigzag() }
    mutating func i32() throws -> Int32 { Int32(truncatingIfNeeded: try input.zigzag()) }

    mutating func binary() throws -> [UInt8] {
        let count = try count(of: try input.varint())
        return Array(input.bytes[try input.take(count)])
    }

    mutating func string() throws -> String { String(decoding: try binary(), as: UTF8.self) }

    private func count(of value: UInt64) throws -> Int {
        guard let count = Int(exactly: value) else { throw Malformed() }
        return count
    }

    private mutating func skip(_ type: UInt8) throws {
        switch type {
        case 1, 2: break
        case 3: _ = try input.byte()
        case 4, 5, 6: _ = try input.varint()
        case 7: _ = try input.take(8)
        case 8: _ = try binary()
        case 9, 10:
            try list { reader, type in
                if type == 1 || type == 2 { _ = try reader.input.byte() } else { try reader.skip(type) }
            }
        case 11:
            let count = try count(of: try input.varint())
            guard count <= input.left else { throw Malformed() }
            if count > 0 {
                let types = try input.byte()
                for _ in 0..<count {
                    try skip(types >> 4)
                    try skip(types & 15)
                }
            }
        case 12: try structure { _, _, _ in false }
        default: throw Malformed()
        }
    }
}
