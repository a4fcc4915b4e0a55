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

    /// `count` little-endian values, one after the other: one copy.
    mutating func take<Value: BitwiseCopyable>(_ count: Int, as type: Value.Type, appendingTo values: inout [Value])
        throws(DamagedPage)
    {
        let size = MemoryLayout<Value>.stride
        guard count >= 0, count <= left / size else { throw DamagedPage("a page ends too early") }
        guard count > 0 else { return }
        // Safe because the bytes were compared with `left` above, and every bit pattern is a value of these types.
        bytes.withUnsafeBytes { source in
            values.append(
                contentsOf: [Value](unsafeUninitializedCapacity: count) { buffer, initialized in
                    UnsafeMutableRawBufferPointer(buffer).copyMemory(
                        from: UnsafeRawBufferPointer(rebasing: source[position..<(position + count * size)]))
                    initialized = count
                })
        }
        position += count * size
    }
}

/// Unpacks values of up to 64 bits, lowest bit first.
enum BitUnpacking {
    /// Writes `target.count` values of `width` bits that begin at byte `start`.
    ///
    /// - Precondition: the bytes hold them all.
    @inline(__always)
    static func unpack<Number: FixedWidthInteger>(
        _ bytes: UnsafeRawBufferPointer, from start: Int, width: Int, into target: UnsafeMutableBufferPointer<Number>
    ) {
        precondition(start >= 0 && (0...64).contains(width) && target.count * width <= (bytes.count - start) * 8)
        let mask: UInt64 = width == 64 ? ~0 : (1 << UInt64(width)) - 1
        var bit = start * 8
        var index = 0
        // Fast path: one unaligned load a value, as long as eight bytes are left and the value fits in them after the shift.
        if width <= 57 {
            let last = (bytes.count - 8) * 8
            while index < target.count, bit <= last {
                // Safe because bit <= last leaves eight bytes, and index < target.count.
                let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: bit >> 3, as: UInt64.self))
                target[index] = Number(truncatingIfNeeded: (word >> UInt64(bit & 7)) & mask)
                bit += width
                index += 1
            }
        }
        // Slow path: the end of the page, and values wider than a load.
        while index < target.count {
            var value: UInt64 = 0
            var have = 0
            var at = bit
            while have < width {
                let taken = min(8 - (at & 7), width - have)
                let part = UInt64(bytes[at >> 3] >> UInt8(at & 7)) & ((1 << UInt64(taken)) - 1)
                value |= part << UInt64(have)
                have += taken
                at += taken
            }
            target[index] = Number(truncatingIfNeeded: value)
            bit += width
            index += 1
        }
    }
}
