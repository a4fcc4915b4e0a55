#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension Span<UInt8> {
    /// Writes all of the bytes to an open file, a pipe or a terminal: a write may take only some of them, or be interrupted.
    ///
    /// - Returns: the number of the system's error, or 0. After an error some of them may have been written.
    package func writeAll(to descriptor: Int32) -> Int32 {
        withUnsafeBufferPointer { buffer in
            var written = 0
            // Safe because each write is limited to what is left.
            while written < buffer.count {
                let count = write(descriptor, buffer.baseAddress! + written, buffer.count - written)
                if count < 0, errno == EINTR { continue }
                if count < 0 { return errno }
                // Nothing written and no error: whatever it is, the bytes are not there.
                if count == 0 { return EIO }
                written += count
            }
            return 0
        }
    }
}
