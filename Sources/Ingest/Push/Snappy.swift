/// Decompresses one block of Snappy, as Loki's and Prometheus's senders compress their bodies.
///
/// Source: Snappy's format_description.txt.
enum Snappy {
    /// What is wrong with a block.
    struct Damaged: Error {}

    /// The text of a block.
    ///
    /// - Parameter limit: a text of more bytes is not decompressed: nil. Its length is said before the text.
    static func decompress(_ block: Span<UInt8>, limit: Int) throws(Damaged) -> [UInt8]? {
        var at = 0
        let count = try length(block, &at)
        guard count <= limit else { return nil }
        var text: [UInt8] = []
        // A damaged length is not believed: a byte of the block is at most 64 of the text, but for two or three of its tag.
        text.reserveCapacity(min(count, block.count * 64))
        while at < block.count {
            let tag = block[at]
            at += 1
            if tag & 3 == 0 {
                let length = try literalLength(block, tag, &at)
                guard length <= block.count - at, length <= count - text.count else { throw Damaged() }
                for index in at..<(at + length) { text.append(block[index]) }
                at += length
            } else {
                let (length, offset) = try copy(block, tag, &at)
                guard offset > 0, offset <= text.count, length <= count - text.count else { throw Damaged() }
                // Byte by byte, because what is copied may overlap what is being written: that is how a run is said.
                for _ in 0..<length { text.append(text[text.count - offset]) }
            }
        }
        guard text.count == count else { throw Damaged() }
        return text
    }

    private static func length(_ block: Span<UInt8>, _ at: inout Int) throws(Damaged) -> Int {
        var length = 0
        for shift in stride(from: 0, through: 28, by: 7) {
            let byte = try number(block, 1, &at)
            length |= (byte & 0x7F) << shift
            if byte < 0x80 { return length }
        }
        throw Damaged()
    }

    private static func literalLength(_ block: Span<UInt8>, _ tag: UInt8, _ at: inout Int) throws(Damaged) -> Int {
        let short = Int(tag >> 2)
        return short < 60 ? short + 1 : try number(block, short - 59, &at) + 1
    }

    private static func copy(_ block: Span<UInt8>, _ tag: UInt8, _ at: inout Int) throws(Damaged) -> (length: Int, offset: Int) {
        switch tag & 3 {
        case 1: (Int(tag >> 2 & 7) + 4, Int(tag >> 5) << 8 | (try number(block, 1, &at)))
        case 2: (Int(tag >> 2) + 1, try number(block, 2, &at))
        default: (Int(tag >> 2) + 1, try number(block, 4, &at))
        }
    }

    /// So many bytes, the lowest first.
    private static func number(_ block: Span<UInt8>, _ count: Int, _ at: inout Int) throws(Damaged) -> Int {
        guard count <= block.count - at else { throw Damaged() }
        var number = 0
        for index in 0..<count { number |= Int(block[at + index]) << (8 * index) }
        at += count
        return number
    }
}
