import Columns

/// Thrown by decoders on bytes that are not what their header says; the reader adds the file's name.
struct DamagedPage: Error {
    let reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}

/// Reads numbers from the bytes of a page; every read is checked against their end, because the bytes may be hostile.
struct PageBytes {
    let bytes: [UInt8]
    var position: Int
    let end: Int

    init(_ bytes: [UInt8], from start: Int = 0, to end: Int? = nil) {
        self.bytes = bytes
        position = start
        self.end = end ?? bytes.count
    }

    var left: Int { end - position }

    mutating func byte() throws(DamagedPage) -> UInt8 {
        guard position < end else { throw DamagedPage("a page ends too early") }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func varint() throws(DamagedPage) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte()
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 { return value }
            shift += 7
            guard shift < 64 else { throw DamagedPage("a number in a page does not end") }
        }
    }

    mutating func zigzag() throws(DamagedPage) -> Int64 {
        let value = try varint()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    mutating func number<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) throws(DamagedPage) -> Number {
        let size = MemoryLayout<Number>.size
        guard left >= size else { throw DamagedPage("a page ends too early") }
        defer { position += size }
        // Safe because `left` was compared with the size above.
        return Number(littleEndian: bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: position, as: Number.self) })
    }

    mutating func take(_ count: Int) throws(DamagedPage) -> Range<Int> {
        guard count >= 0, count <= left else { throw DamagedPage("a page ends too early") }
        defer { position += count }
        return position..<(position + count)
    }
}

extension HybridEncoding {
    /// Exactly `count` values of `bitWidth` bits.
    static func decode(_ page: inout PageBytes, bitWidth: Int, count: Int) throws(DamagedPage) -> [UInt32] {
        guard (0...32).contains(bitWidth) else { throw DamagedPage("codes of \(bitWidth) bits") }
        var values: [UInt32] = []
        values.reserveCapacity(count)
        if bitWidth == 0 { return Array(repeating: 0, count: count) }
        while values.count < count {
            let head = try page.varint()
            if head & 1 == 0 {
                let length = min(Int(clamping: head >> 1), count - values.count)
                guard length > 0 else { throw DamagedPage("an empty run") }
                var value: UInt32 = 0
                for shift in stride(from: 0, to: (bitWidth + 7) / 8 * 8, by: 8) {
                    value |= UInt32(try page.byte()) << UInt32(shift)
                }
                values.append(contentsOf: repeatElement(value, count: length))
            } else {
                let groups = Int(clamping: head >> 1)
                guard groups > 0, groups <= page.left else { throw DamagedPage("packed values beyond the end of the page") }
                let range = try page.take(min(groups * bitWidth, page.left))
                var bits = BitReader(page.bytes, range)
                for _ in 0..<min(groups * 8, count - values.count) {
                    values.append(UInt32(truncatingIfNeeded: bits.next(bitWidth)))
                }
                guard !bits.isBeyondEnd else { throw DamagedPage("packed values beyond the end of the page") }
            }
        }
        return values
    }
}

/// Takes values of up to 64 bits, lowest bit first; zeros after the end, which ``isBeyondEnd`` then says.
struct BitReader {
    private let bytes: [UInt8]
    private var position: Int
    private let end: Int
    private var buffer: UInt64 = 0
    private var available = 0
    private(set) var isBeyondEnd = false

    init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    mutating func next(_ width: Int) -> UInt64 {
        var value: UInt64 = 0
        var have = 0
        while have < width {
            if available == 0 {
                if position < end {
                    buffer = UInt64(bytes[position])
                    position += 1
                } else {
                    buffer = 0
                    isBeyondEnd = true
                }
                available = 8
            }
            let taken = min(available, width - have)
            value |= (buffer & ((1 << UInt64(taken)) - 1)) << UInt64(have)
            buffer >>= UInt64(taken)
            available -= taken
            have += taken
        }
        return value
    }
}

extension DeltaEncoding {
    /// All values of a DELTA_BINARY_PACKED run; at most `limit`, which the page's header says.
    static func decode(_ page: inout PageBytes, limit: Int) throws(DamagedPage) -> [Int64] {
        let blockSize = Int(clamping: try page.varint()), miniblocks = Int(clamping: try page.varint())
        let count = Int(clamping: try page.varint())
        let first = try page.zigzag()
        guard count <= limit else { throw DamagedPage("more values than its header says") }
        guard count > 0 else { return [] }
        guard blockSize > 0, blockSize <= 1 << 20, miniblocks > 0, blockSize % miniblocks == 0, blockSize / miniblocks % 32 == 0
        else {
            throw DamagedPage("blocks of \(blockSize) values in \(miniblocks) parts")
        }
        var values: [Int64] = [first]
        values.reserveCapacity(count)
        var last = first
        while values.count < count {
            let smallest = try page.zigzag()
            let widths = try page.take(miniblocks)
            for miniblock in 0..<miniblocks where values.count < count {
                let width = Int(page.bytes[widths.lowerBound + miniblock])
                guard width <= 64 else { throw DamagedPage("differences of \(width) bits") }
                let range = try page.take(min(blockSize / miniblocks * width / 8, page.left))
                var bits = BitReader(page.bytes, range)
                for _ in 0..<min(blockSize / miniblocks, count - values.count) {
                    last = last &+ smallest &+ Int64(bitPattern: bits.next(width))
                    values.append(last)
                }
                guard !bits.isBeyondEnd else { throw DamagedPage("a page ends too early") }
            }
        }
        return values
    }
}
