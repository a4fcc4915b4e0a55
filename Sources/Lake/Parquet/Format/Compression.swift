internal import CZlib
internal import CZstd

/// How a page's bytes are compressed. Raw values are the codes of the format.
enum CompressionCodec: Int32 {
    case uncompressed = 0
    case snappy = 1
    case gzip = 2
    case zstd = 6

    /// What the format calls codec `code`, for messages.
    static func name(_ code: Int32) -> String {
        [3: "LZO", 4: "Brotli", 5: "LZ4 in Hadoop's frames", 7: "LZ4"][code] ?? "the unknown codec \(code)"
    }
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
        // Nothing compresses to anything: writers put an empty frame, or no byte at all.
        if size == 0 { return [] }
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
            // Safe because zstd is given the room and writes no more.
            let written = bytes.withUnsafeBytes { ZSTD_decompress(buffer.baseAddress, size, $0.baseAddress, $0.count) }
            isWhole = ZSTD_isError(written) == 0 && written == size
            count = isWhole ? written : 0
        }
        guard isWhole else { throw Failed(reason: "a zstd page is damaged") }
        return result
    }

    /// One or several gzip members, one after the other (RFC 1952 §2.2).
    private static func gzip(_ bytes: ArraySlice<UInt8>, size: Int) throws(Failed) -> [UInt8] {
        var isWhole = false
        let result = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            var stream = z_stream()
            // 15 + 32: the largest window, and gzip or zlib by its header.
            guard obs_inflateInit2(&stream, 15 + 32) == Z_OK else { return }
            defer { inflateEnd(&stream) }
            bytes.withUnsafeBytes { input in
                // Safe because zlib reads `avail_in` and writes `avail_out` bytes at most; it does not write to its input.
                stream.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
                stream.avail_in = UInt32(input.count)
                stream.next_out = buffer.baseAddress
                stream.avail_out = UInt32(size)
                while inflate(&stream, Z_FINISH) == Z_STREAM_END {
                    if stream.avail_in == 0 || stream.avail_out == 0 {
                        isWhole = stream.avail_out == 0
                        return
                    }
                    guard inflateReset(&stream) == Z_OK else { return }
                }
            }
            // Safe because all of it is written then.
            count = isWhole ? size : 0
        }
        guard isWhole else { throw Failed(reason: "a gzip page is damaged") }
        return result
    }
}
