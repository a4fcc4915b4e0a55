/// Reads the fields of a message of Protocol Buffers one after another, on bytes. It knows no schema: who reads says what a field
/// is. A library with generated code would make a tree of objects for each line of a log; two messages are read here.
///
/// Source: Protocol Buffers, "Encoding".
struct ProtobufFields {
    /// What is wrong with a message.
    struct Damaged: Error {}

    /// The value of a field.
    enum Value {
        case number(UInt64)
        /// A text, bytes or a message: its place in the bytes.
        case bytes(Range<Int>)
    }

    private let bytes: [UInt8]
    private var at: Int
    private let end: Int

    /// The fields of the message in a range of `bytes`.
    init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        at = range.lowerBound
        end = range.upperBound
    }

    /// The next field; nil at the end.
    mutating func next() throws(Damaged) -> (number: Int, value: Value)? {
        guard at < end else { return nil }
        let tag = try varint()
        // Numbers of fields have 29 bits; 0 is none.
        guard (8...0xFFFF_FFFF).contains(tag) else { throw Damaged() }
        let number = Int(tag >> 3)
        switch tag & 7 {
        case 0: return (number, .number(try varint()))
        case 1: return (number, .number(try fixed(8)))
        case 5: return (number, .number(try fixed(4)))
        case 2:
            let length = try varint()
            guard length <= UInt64(end - at) else { throw Damaged() }
            defer { at += Int(length) }
            return (number, .bytes(at..<(at + Int(length))))
        default: throw Damaged()
        }
    }

    private mutating func varint() throws(Damaged) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 63, by: 7) {
            guard at < end else { throw Damaged() }
            let byte = bytes[at]
            at += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw Damaged()
    }

    private mutating func fixed(_ count: Int) throws(Damaged) -> UInt64 {
        guard count <= end - at else { throw Damaged() }
        var value: UInt64 = 0
        for index in 0..<count { value |= UInt64(bytes[at + index]) << UInt64(8 * index) }
        at += count
        return value
    }
}
