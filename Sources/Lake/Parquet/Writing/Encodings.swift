// Parquet's value encodings, writing side. Source: Apache Parquet, "Parquet encoding definitions" (Encodings.md).

/// The hybrid of run lengths and bit packing: definition levels and dictionary codes.
enum HybridEncoding {
    /// Appends `values`, each below `1 << bitWidth`.
    ///
    /// Runs of eight or more equal values become a run; what is between is packed in groups of eight.
    static func append(_ values: Span<UInt32>, bitWidth: Int, to bytes: inout [UInt8]) {
        var start = 0  // of what waits to be packed
        var index = 0
        while index < values.count {
            var end = index + 1
            // Safe because index < end < count.
            while end < values.count, values[unchecked: end] == values[unchecked: index] { end += 1 }
            // What is packed comes in whole groups of eight: a run gives up the few that complete the last group before it.
            let waiting = index - start
            let lent = waiting % 8 == 0 ? 0 : min(8 - waiting % 8, end - index)
            if end - index - lent >= 8 {
                pack(values.extracting(start..<(index + lent)), bitWidth: bitWidth, to: &bytes)
                bytes.append(varint: UInt64(end - index - lent) << 1)
                appendRunValue(values[index], bitWidth: bitWidth, to: &bytes)
                start = end
            }
            index = end
        }
        pack(values.extracting(start..<values.count), bitWidth: bitWidth, to: &bytes)
    }

    private static func appendRunValue(_ value: UInt32, bitWidth: Int, to bytes: inout [UInt8]) {
        for shift in stride(from: 0, to: (bitWidth + 7) / 8 * 8, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(shift)))
        }
    }

    /// Packs in groups of eight; the last group is filled with zeros, which readers that know the count ignore.
    private static func pack(_ values: Span<UInt32>, bitWidth: Int, to bytes: inout [UInt8]) {
        guard !values.isEmpty else { return }
        let groups = (values.count + 7) / 8
        bytes.append(varint: UInt64(groups) << 1 | 1)
        var packer = BitPacker()
        for index in 0..<(groups * 8) {
            packer.append(index < values.count ? UInt64(values[index]) : 0, width: bitWidth, to: &bytes)
        }
        packer.flush(to: &bytes)
    }

    /// The bits that a value up to `maximum` needs.
    static func bitWidth(upTo maximum: Int) -> Int {
        maximum == 0 ? 0 : Int.bitWidth - maximum.leadingZeroBitCount
    }
}

/// Collects values of up to 64 bits, lowest bit first.
struct BitPacker {
    private var buffer: UInt64 = 0
    private var count = 0

    @inline(__always) mutating func append(_ value: UInt64, width: Int, to bytes: inout [UInt8]) {
        guard width > 0 else { return }
        buffer |= value << UInt64(count)
        let room = 64 - count
        if width < room {
            count += width
            return
        }
        withUnsafeBytes(of: buffer.littleEndian) { bytes.append(contentsOf: $0) }
        buffer = width == room ? 0 : value >> UInt64(room)
        count = width - room
    }

    mutating func flush(to bytes: inout [UInt8]) {
        while count > 0 {
            bytes.append(UInt8(truncatingIfNeeded: buffer))
            buffer >>= 8
            count -= 8
        }
        count = 0
        buffer = 0
    }
}

/// DELTA_BINARY_PACKED: differences between neighbours in blocks, each less the smallest of its block and packed in as few bits
/// as needed.
enum DeltaEncoding {
    static let blockSize = 128
    static let miniblocks = 4

    /// - Parameter is32Bit: the column is of `INT32`: differences wrap around at 32 bits, so that none needs more.
    static func append(_ values: Span<Int64>, is32Bit: Bool, to bytes: inout [UInt8]) {
        let perMiniblock = blockSize / miniblocks
        bytes.append(varint: UInt64(blockSize))
        bytes.append(varint: UInt64(miniblocks))
        bytes.append(varint: UInt64(values.count))
        bytes.append(varint: zigzag(values.isEmpty ? 0 : values[0]))
        var deltas = [Int64](repeating: 0, count: blockSize)
        var start = 1
        while start < values.count {
            let count = min(blockSize, values.count - start)
            var smallest = Int64.max
            for index in 0..<count {
                var delta = values[start + index] &- values[start + index - 1]
                if is32Bit { delta = Int64(Int32(truncatingIfNeeded: delta)) }
                deltas[index] = delta
                smallest = min(smallest, delta)
            }
            bytes.append(varint: zigzag(smallest))
            let widths = bytes.count
            bytes.append(contentsOf: [0, 0, 0, 0])
            for miniblock in 0..<miniblocks where miniblock * perMiniblock < count {
                let range = (miniblock * perMiniblock)..<((miniblock + 1) * perMiniblock)
                var all: UInt64 = 0
                for index in range where index < count { all |= UInt64(bitPattern: deltas[index] &- smallest) }
                let width = UInt64.bitWidth - all.leadingZeroBitCount
                bytes[widths + miniblock] = UInt8(width)
                var packer = BitPacker()
                for index in range {
                    packer.append(index < count ? UInt64(bitPattern: deltas[index] &- smallest) : 0, width: width, to: &bytes)
                }
                packer.flush(to: &bytes)
            }
            start += count
        }
    }

    private static func zigzag(_ value: Int64) -> UInt64 {
        UInt64(bitPattern: (value << 1) ^ (value >> 63))
    }
}
