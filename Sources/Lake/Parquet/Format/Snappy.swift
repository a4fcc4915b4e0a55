/// The Snappy block format, in which pyarrow and Spark compress by default.
///
/// Source: google/snappy, "Snappy compressed format description".
enum Snappy {
    /// - Parameter size: what the page header says; another size is damage.
    static func decompress(_ input: ArraySlice<UInt8>, size: Int) throws(Decompression.Failed) -> [UInt8] {
        let damaged = Decompression.Failed(reason: "a snappy page is damaged")
        var isWhole = false
        let output = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            isWhole = input.withUnsafeBytes { decompress($0, into: UnsafeMutableRawBufferPointer(buffer)) }
            count = isWhole ? size : 0
        }
        guard isWhole else { throw damaged }
        return output
    }

    /// Fills all of `output`, or returns false.
    ///
    /// Safe because every copy is preceded by a comparison of its length with what is left of input and output.
    private static func decompress(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Bool {
        var at = 0, written = 0, declared = 0, shift = 0
        while true {
            guard at < input.count, shift <= 28 else { return false }
            let byte = input[at]
            at += 1
            declared |= Int(byte & 0x7F) << shift
            if byte < 0x80 { break }
            shift += 7
        }
        guard declared == output.count else { return false }
        func number(_ bytes: Int) -> Int? {
            guard input.count - at >= bytes else { return nil }
            var value = 0
            for index in 0..<bytes { value |= Int(input[at + index]) << (8 * index) }
            at += bytes
            return value
        }
        while at < input.count {
            let tag = Int(input[at])
            at += 1
            if tag & 3 == 0 {
                var length = tag >> 2
                if length >= 60 {
                    guard let long = number(length - 59) else { return false }
                    length = long
                }
                length += 1
                guard length <= input.count - at, length <= output.count - written else { return false }
                (output.baseAddress! + written).copyMemory(from: input.baseAddress! + at, byteCount: length)
                at += length
                written += length
                continue
            }
            let length: Int, distance: Int
            switch tag & 3 {
            case 1:
                guard let low = number(1) else { return false }
                length = (tag >> 2 & 7) + 4
                distance = (tag >> 5) << 8 | low
            case let kind:
                guard let far = number(kind == 2 ? 2 : 4) else { return false }
                length = (tag >> 2) + 1
                distance = far
            }
            guard distance > 0, distance <= written, length <= output.count - written else { return false }
            let target = output.baseAddress! + written
            if distance >= length {
                target.copyMemory(from: target - distance, byteCount: length)
            } else {
                // Byte by byte, because source and target overlap: that is how a run is written.
                for index in 0..<length { output[written + index] = output[written + index - distance] }
            }
            written += length
        }
        return written == output.count
    }
}
