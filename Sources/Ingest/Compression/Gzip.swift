internal import CZlib

/// gzip, by zlib: members behind one another, and the zeros with which tapes and some tools pad (RFC 1952); or the zlib form of
/// the same data, which HTTP calls deflate (RFC 1950).
final class Gzip: Decompressor {
    private var stream = z_stream()
    private var isOpen = false
    private var hasRead = false

    private let windowBits: Int32

    /// - Parameter isZlib: the data has zlib's header and not that of gzip.
    init(isZlib: Bool = false) { windowBits = isZlib ? 15 : 15 + 16 }

    var mayEnd: Bool { !isOpen }

    deinit {
        if isOpen { inflateEnd(&stream) }
    }

    func decompress(_ input: UnsafeBufferPointer<UInt8>, isEnd: Bool, into output: UnsafeMutableBufferPointer<UInt8>)
        -> DecompressionStep
    {
        var step = DecompressionStep()
        if !isOpen {
            if hasRead { while step.consumed < input.count, input[step.consumed] == 0 { step.consumed += 1 } }
            guard step.consumed < input.count else { return step }
            stream = z_stream()
            guard obs_inflateInit2(&stream, windowBits) == Z_OK else {
                step.problem = "zlib has no memory"
                return step
            }
            isOpen = true
            hasRead = true
        }
        // Safe because zlib is given what there is to read and the room to write, and does not write to its input.
        stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress.map { $0 + step.consumed })
        stream.avail_in = UInt32(input.count - step.consumed)
        stream.next_out = output.baseAddress
        stream.avail_out = UInt32(output.count)
        let status = inflate(&stream, Z_NO_FLUSH)
        step.consumed = input.count - Int(stream.avail_in)
        step.written = output.count - Int(stream.avail_out)
        if status == Z_STREAM_END {
            inflateEnd(&stream)
            isOpen = false
        } else if status != Z_OK, status != Z_BUF_ERROR {
            step.problem = "the gzip data is damaged"
        }
        return step
    }
}
