internal import CBzip2

/// bzip2, by libbz2: streams behind one another. It takes 4 MB whatever the file says.
final class Bzip2: Decompressor {
    private var stream = bz_stream()
    private var isOpen = false

    var mayEnd: Bool { !isOpen }

    deinit {
        if isOpen { BZ2_bzDecompressEnd(&stream) }
    }

    func decompress(_ input: UnsafeBufferPointer<UInt8>, isEnd: Bool, into output: UnsafeMutableBufferPointer<UInt8>)
        -> DecompressionStep
    {
        if !isOpen {
            guard !input.isEmpty else { return DecompressionStep() }
            stream = bz_stream()
            guard BZ2_bzDecompressInit(&stream, 0, 0) == BZ_OK else { return DecompressionStep(problem: "libbz2 has no memory") }
            isOpen = true
        }
        // Safe because libbz2 is given what there is to read and the room to write, and does not write to its input.
        input.withMemoryRebound(to: CChar.self) { stream.next_in = UnsafeMutablePointer(mutating: $0.baseAddress) }
        stream.avail_in = UInt32(input.count)
        output.withMemoryRebound(to: CChar.self) { stream.next_out = $0.baseAddress }
        stream.avail_out = UInt32(output.count)
        let status = BZ2_bzDecompress(&stream)
        var step = DecompressionStep(
            consumed: input.count - Int(stream.avail_in), written: output.count - Int(stream.avail_out))
        if status == BZ_STREAM_END {
            BZ2_bzDecompressEnd(&stream)
            isOpen = false
        } else if status != BZ_OK {
            step.problem = "the bzip2 data is damaged"
        }
        return step
    }
}
