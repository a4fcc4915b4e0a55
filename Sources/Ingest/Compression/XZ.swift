internal import CLzma

/// xz, by liblzma: streams behind one another, and the zeros between them.
final class XZ: Decompressor {
    /// `xz -9` needs 65 MB; what wants more than this is not a log that somebody rotated.
    static let memoryLimit: UInt64 = 256 << 20

    private var stream = lzma_stream()
    private var isAtEnd = false

    var mayEnd: Bool { isAtEnd }

    init?() {
        guard obs_lzma_decoder(&stream, Self.memoryLimit) == LZMA_OK else { return nil }
    }

    deinit { lzma_end(&stream) }

    func decompress(_ input: UnsafeBufferPointer<UInt8>, isEnd: Bool, into output: UnsafeMutableBufferPointer<UInt8>)
        -> DecompressionStep
    {
        if isAtEnd { return DecompressionStep() }
        // Safe because liblzma is given what there is to read and the room to write.
        stream.next_in = input.baseAddress
        stream.avail_in = input.count
        stream.next_out = output.baseAddress
        stream.avail_out = output.count
        let status = lzma_code(&stream, isEnd ? LZMA_FINISH : LZMA_RUN)
        var step = DecompressionStep(consumed: input.count - stream.avail_in, written: output.count - stream.avail_out)
        switch status {
        case LZMA_OK, LZMA_BUF_ERROR: break
        case LZMA_STREAM_END: isAtEnd = true
        case LZMA_MEMLIMIT_ERROR:
            step.problem = "the xz data needs more than \(Self.memoryLimit >> 20) MB of memory; decompress it first, with 'xz -d'"
        case LZMA_MEM_ERROR: step.problem = "liblzma has no memory"
        default: step.problem = "the xz data is damaged"
        }
        return step
    }
}
