internal import CZstd

/// Zstandard: frames behind one another. A frame that wants a window of more than 128 MB (`zstd --long=28` and above) is refused
/// by the library. RFC 8878.
final class Zstandard: Decompressor {
    private let stream: OpaquePointer
    private var isInsideFrame = false

    var mayEnd: Bool { !isInsideFrame }

    init?() {
        guard let stream = ZSTD_createDStream() else { return nil }
        self.stream = stream
    }

    deinit { ZSTD_freeDStream(stream) }

    func decompress(_ input: UnsafeBufferPointer<UInt8>, isEnd: Bool, into output: UnsafeMutableBufferPointer<UInt8>)
        -> DecompressionStep
    {
        // Behind a frame an empty call would begin the next one.
        if input.isEmpty, !isInsideFrame { return DecompressionStep() }
        // Safe because zstd is given what there is to read and the room to write.
        var from = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var to = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let result = ZSTD_decompressStream(stream, &to, &from)
        var step = DecompressionStep(consumed: from.pos, written: to.pos)
        if ZSTD_isError(result) == 0 {
            isInsideFrame = result != 0
        } else {
            step.problem =
                ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge
                ? "the zstd data needs more than 128 MB of memory; decompress it first, with 'zstd -d --long=31'"
                : "the zstd data is damaged"
        }
        return step
    }
}
