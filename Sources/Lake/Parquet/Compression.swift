internal import CZlib
internal import CZstd

/// How a page's bytes are compressed. Raw values are the codes of the format.
enum CompressionCodec: Int32 {
    case uncompressed = 0
    case snappy = 1
    case gzip = 2
    case zstd = 6
}

/// Compresses pages with zstd; one context for many pages, which saves setting up its tables each time.
final class ZstdCompressor {
    private let context: OpaquePointer
    private let level: Int32

    /// Level 1 is the fastest that still halves twice what log columns leave after encoding (Benchmarks/Lake, "level").
    init(level: Int32 = 1) {
        guard let context = ZSTD_createCCtx() else { preconditionFailure("zstd has no memory for a context") }
        self.context = context
        self.level = level
    }

    deinit {
        ZSTD_freeCCtx(context)
    }

    func compress(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(bytes.count)) { buffer, count in
            // Safe because the buffer has the bound that zstd asks for.
            let size = bytes.withUnsafeBytes {
                ZSTD_compressCCtx(context, buffer.baseAddress, buffer.count, $0.baseAddress, $0.count, level)
            }
            precondition(ZSTD_isError(size) == 0, "zstd compresses into a buffer of its bound")
            count = size
        }
    }
}

/// Decompresses one page of a foreign or our own file.
enum Decompression {
    struct Failed: Error {
        let reason: String
    }

    /// - Parameter size: what the page header says; a page that gives another size is damaged.
    static func decompress(_ bytes: ArraySlice<UInt8>, codec: CompressionCodec, size: Int) throws(Failed) -> [UInt8] {
        switch codec {
        case .uncompressed:
            guard bytes.count == size else { throw Failed(reason: "a page is not as long as its header says") }
            return Array(bytes)
        case .zstd: return try zstd(bytes, size: size)
        case .gzip: return try gzip(bytes, size: size)
        case .snappy: return try Snappy.decompress(bytes, size: size)
        }
    }

    private static func zstd(_ bytes: ArraySlice<UInt8>, size: Int) throws(Failed) -> [UInt8] {
        var isWhole = false
        let result = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            // Safe because zstd is told the room and writes no more.
            let written = bytes.withUnsafeBytes { ZSTD_decompress(buffer.baseAddress, size, $0.baseAddress, $0.count) }
            isWhole = ZSTD_isError(written) == 0 && written == size
            count = isWhole ? written : 0
        }
        guard isWhole else { throw Failed(reason: "a zstd page is damaged") }
        return result
    }

    private static func gzip(_ bytes: ArraySlice<UInt8>, size: Int) throws(Failed) -> [UInt8] {
        var isWhole = false
        let result = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            var stream = z_stream()
            // 15 + 32: the largest window, and gzip or zlib told apart by its header.
            guard obs_inflateInit2(&stream, 15 + 32) == Z_OK else { return }
            defer { inflateEnd(&stream) }
            bytes.withUnsafeBytes { input in
                // Safe because zlib reads `avail_in` and writes `avail_out` bytes at most; it does not write to its input.
                stream.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
                stream.avail_in = UInt32(input.count)
                stream.next_out = buffer.baseAddress
                stream.avail_out = UInt32(size)
                isWhole = inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_out == 0
            }
            count = isWhole ? size : 0
        }
        guard isWhole else { throw Failed(reason: "a gzip page is damaged") }
        return result
    }
}

/// The Snappy block format, which pyarrow and Spark write by default.
///
/// Source: google/snappy, "Snappy compressed format description".
enum Snappy {
    static func decompress(_ input: ArraySlice<UInt8>, size: Int) throws(Decompression.Failed) -> [UInt8] {
        let damaged = Decompression.Failed(reason: "a snappy page is damaged")
        var at = input.startIndex
        func next() throws(Decompression.Failed) -> UInt8 {
            guard at < input.endIndex else { throw damaged }
            defer { at += 1 }
            return input[at]
        }
        var declared = 0, shift = 0
        while true {
            let byte = try next()
            declared |= Int(byte & 0x7F) << shift
            if byte < 0x80 { break }
            shift += 7
            guard shift <= 28 else { throw damaged }
        }
        guard declared == size else { throw damaged }
        var output: [UInt8] = []
        output.reserveCapacity(size)
        while at < input.endIndex {
            let tag = try next()
            if tag & 3 == 0 {
                var length = Int(tag >> 2)
                if length >= 60 {
                    var value = 0
                    for index in 0..<(length - 59) { value |= Int(try next()) << (8 * index) }
                    length = value
                }
                length += 1
                guard length <= input.endIndex - at, output.count + length <= size else { throw damaged }
                output.append(contentsOf: input[at..<(at + length)])
                at += length
            } else {
                let length: Int, distance: Int
                switch tag & 3 {
                case 1:
                    length = Int(tag >> 2 & 7) + 4
                    distance = Int(tag >> 5) << 8 | Int(try next())
                case 2:
                    length = Int(tag >> 2) + 1
                    distance = Int(try next()) | Int(try next()) << 8
                default:
                    length = Int(tag >> 2) + 1
                    distance = Int(try next()) | Int(try next()) << 8 | Int(try next()) << 16 | Int(try next()) << 24
                }
                guard distance > 0, distance <= output.count, output.count + length <= size else { throw damaged }
                // Byte by byte, because source and target may overlap: that is how a run is written.
                for _ in 0..<length { output.append(output[output.count - distance]) }
            }
        }
        guard output.count == size else { throw damaged }
        return output
    }
}
