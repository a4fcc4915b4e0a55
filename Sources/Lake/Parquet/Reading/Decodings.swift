import Columns

// Parquet's value encodings, reading side. Source: Apache Parquet, "Parquet encoding definitions" (Encodings.md).

extension HybridEncoding {
    /// Calls one of the two for each run of exactly `count` values of `bitWidth` bits: equal ones, or packed ones with the byte
    /// at which they start.
    @inline(__always)
    private static func forEachRun(
        _ page: inout PageBytes, bitWidth: Int, count: Int, equal: (_ value: UInt32, _ count: Int) -> Void,
        packed: (_ start: Int, _ count: Int) -> Void
    ) throws(DamagedPage) {
        guard (0...32).contains(bitWidth) else { throw DamagedPage("codes of \(bitWidth) bits") }
        var left = count
        while left > 0 {
            let head = try page.varint()
            if head & 1 == 0 {
                let length = min(Int(clamping: head >> 1), left)
                guard length > 0 else { throw DamagedPage("an empty run") }
                var value: UInt32 = 0
                for shift in stride(from: 0, to: (bitWidth + 7) / 8 * 8, by: 8) {
                    value |= UInt32(try page.byte()) << UInt32(shift)
                }
                equal(value, length)
                left -= length
            } else {
                let groups = Int(clamping: head >> 1)
                guard groups > 0, bitWidth == 0 || groups <= page.left else {
                    throw DamagedPage("packed values beyond the end of the page")
                }
                // The last group need not be written to its end: what is used of it must be there.
                let used = groups > left / 8 ? left : groups * 8
                guard (used * bitWidth + 7) / 8 <= page.left else {
                    throw DamagedPage("packed values beyond the end of the page")
                }
                packed(page.position, used)
                _ = try page.take(min(groups * bitWidth, page.left))
                left -= used
            }
        }
    }

    /// Appends exactly `count` values of `bitWidth` bits.
    static func decode(_ page: inout PageBytes, bitWidth: Int, count: Int, into values: inout [UInt32]) throws(DamagedPage) {
        if bitWidth == 0 {
            // All values are zero; writers put one run, a few bytes, or nothing.
            values.append(contentsOf: repeatElement(0, count: count))
            return
        }
        let bytes = page.bytes
        try forEachRun(&page, bitWidth: bitWidth, count: count) { value, length in
            values.append(contentsOf: repeatElement(value, count: length))
        } packed: { start, length in
            bytes.withUnsafeBytes { raw in
                values.append(
                    contentsOf: [UInt32](unsafeUninitializedCapacity: length) { buffer, initialized in
                        // Safe because the run's bytes were compared with the page, and all `length` values are written.
                        BitUnpacking.unpack(
                            raw, from: start, width: bitWidth, into: UnsafeMutableBufferPointer(rebasing: buffer[..<length]))
                        initialized = length
                    })
            }
        }
    }

    /// Appends exactly `count` levels of 0 or 1 as bits.
    static func decodeBits(_ page: inout PageBytes, count: Int, into bits: inout Bitmap) throws(DamagedPage) {
        let bytes = page.bytes
        try forEachRun(&page, bitWidth: 1, count: count) { value, length in
            bits.append(repeating: value != 0, count: length)
        } packed: { start, length in
            // Packed bits are a bitmap already: a byte at a time.
            for index in 0..<((length + 7) / 8) {
                bits.append(bits: UInt64(bytes[start + index]), count: min(8, length - index * 8))
            }
        }
    }
}

extension DeltaEncoding {
    /// Appends all values of a DELTA_BINARY_PACKED run; at most `limit`, which the page's header says.
    static func decode<Number: FixedWidthInteger>(
        _ page: inout PageBytes, limit: Int, into values: inout [Number]
    ) throws(DamagedPage) -> Int {
        let blockSize = Int(clamping: try page.varint()), miniblocks = Int(clamping: try page.varint())
        let count = Int(clamping: try page.varint())
        let first = try page.zigzag()
        guard count <= limit else { throw DamagedPage("more values than its header says") }
        guard count > 0 else { return 0 }
        guard blockSize > 0, blockSize <= 1 << 20, miniblocks > 0, blockSize % miniblocks == 0, blockSize / miniblocks % 32 == 0
        else {
            throw DamagedPage("blocks of \(blockSize) values in \(miniblocks) parts")
        }
        let perMiniblock = blockSize / miniblocks
        values.append(Number(truncatingIfNeeded: first))
        var last = first
        var left = count - 1
        var deltas = [UInt64](repeating: 0, count: perMiniblock)
        while left > 0 {
            let smallest = try page.zigzag()
            let widths = try page.take(miniblocks)
            for miniblock in 0..<miniblocks where left > 0 {
                let width = Int(page.bytes[widths.lowerBound + miniblock])
                guard width <= 64 else { throw DamagedPage("differences of \(width) bits") }
                let used = min(perMiniblock, left)
                guard (used * width + 7) / 8 <= page.left else { throw DamagedPage("a page ends too early") }
                let start = page.position
                // Safe because the bytes of the values that are used were compared with the page above; `deltas` has room for a
                // miniblock.
                page.bytes.withUnsafeBytes { raw in
                    deltas.withUnsafeMutableBufferPointer { deltas in
                        BitUnpacking.unpack(
                            raw, from: start, width: width, into: UnsafeMutableBufferPointer(rebasing: deltas[..<used]))
                        for index in 0..<used {
                            last = last &+ smallest &+ Int64(bitPattern: deltas[index])
                            values.append(Number(truncatingIfNeeded: last))
                        }
                    }
                }
                _ = try page.take(min(perMiniblock * width / 8, page.left))
                left -= used
            }
        }
        return count
    }
}

/// The encodings of texts.
enum TextDecoding {
    static func plain(_ page: inout PageBytes, count: Int, into texts: inout TextValues) throws(DamagedPage) {
        for _ in 0..<count {
            let length = Int(try page.number(UInt32.self))
            let range = try page.take(length)
            texts.append(page.bytes.span.extracting(range))
        }
    }

    static func fixed(_ page: inout PageBytes, length: Int, count: Int, into texts: inout TextValues) throws(DamagedPage) {
        for _ in 0..<count {
            let range = try page.take(length)
            texts.append(page.bytes.span.extracting(range))
        }
    }

    /// DELTA_LENGTH_BYTE_ARRAY: all lengths, then all bytes.
    static func deltaLength(_ page: inout PageBytes, count: Int, into texts: inout TextValues) throws(DamagedPage) {
        let lengths = try lengths(&page, count: count)
        for length in lengths {
            let range = try page.take(Int(length))
            texts.append(page.bytes.span.extracting(range))
        }
    }

    /// DELTA_BYTE_ARRAY: each text is a beginning of the one before and what follows it.
    ///
    /// - Parameter limit: bytes that the texts of a page may have: few bytes of input can stand for very many.
    static func delta(_ page: inout PageBytes, count: Int, limit: Int, into texts: inout TextValues) throws(DamagedPage) {
        let prefixes = try lengths(&page, count: count), suffixes = try lengths(&page, count: count)
        var last: [UInt8] = []
        var total = 0
        for index in 0..<count {
            guard prefixes[index] <= last.count else {
                throw DamagedPage("a text begins with more of the one before than that has")
            }
            let range = try page.take(Int(suffixes[index]))
            last.removeSubrange(Int(prefixes[index])...)
            last.append(contentsOf: page.bytes[range])
            total += last.count
            guard total <= limit else { throw DamagedPage("its texts are too long together") }
            texts.append(last.span)
        }
    }

    private static func lengths(_ page: inout PageBytes, count: Int) throws(DamagedPage) -> [Int64] {
        var lengths: [Int64] = []
        let found = try DeltaEncoding.decode(&page, limit: count, into: &lengths)
        guard found == count else { throw DamagedPage("fewer lengths than its header says") }
        for length in lengths { guard length >= 0 else { throw DamagedPage("a negative length") } }
        return lengths
    }
}

/// BYTE_STREAM_SPLIT: the first bytes of all values, then all second bytes, and so on.
enum SplitDecoding {
    static func joined(_ page: inout PageBytes, width: Int, count: Int) throws(DamagedPage) -> [UInt8] {
        guard width > 0, count <= page.left / width else { throw DamagedPage("a page ends too early") }
        let range = try page.take(width * count)
        var bytes = [UInt8](repeating: 0, count: width * count)
        for part in 0..<width {
            for index in 0..<count { bytes[index * width + part] = page.bytes[range.lowerBound + part * count + index] }
        }
        return bytes
    }
}
