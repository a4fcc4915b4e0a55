internal import CZlib
internal import CZstd
import Foundation

/// Reads the text of a file from its start to its end: plain, gzip (also several members behind one another) or zstd, told apart by the first
/// bytes, not by the name. `-` is standard input.
///
/// Used by one task at a time; reads block.
public final class TextReader: @unchecked Sendable {
    // Safe because one task uses it, and where a read runs on another thread that task waits for it.

    private enum Kind { case plain, gzip, zstd }

    public let path: String
    private let descriptor: Int32
    private var kind = Kind.plain
    /// Compressed bytes that were read and not used.
    private var input: [UInt8] = []
    private var inputStart = 0
    private var isInputAtEnd = false
    private var gzip = z_stream()
    private var isGzipOpen = false
    private var zstd: OpaquePointer?
    private var isInsideFrame = false
    private var textOffset: Int64 = 0
    /// Bytes of the file that were read so far, for a progress bar.
    public private(set) var bytesRead: Int64 = 0

    public init(path: String) throws(IngestError) {
        self.path = path
        if path == "-" {
            descriptor = dup(STDIN_FILENO)
        } else {
            descriptor = open(path, O_RDONLY | O_CLOEXEC)
            if descriptor < 0, errno == ENOENT { throw .noSuchFile(path) }
        }
        guard descriptor >= 0 else { throw .cannotRead(path: path, reason: String(cString: strerror(errno))) }
        var information = stat()
        if fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFDIR {
            close(descriptor)
            throw .cannotRead(path: path, reason: "it is a folder")
        }
        do {
            try fill()
        } catch {
            close(descriptor)
            throw error
        }
        if input.starts(with: [0x1F, 0x8B]) {
            kind = .gzip
        } else if input.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) {
            kind = .zstd
            zstd = ZSTD_createDStream()
        }
    }

    deinit {
        close(descriptor)
        if isGzipOpen { inflateEnd(&gzip) }
        if let zstd { ZSTD_freeDStream(zstd) }
    }

    /// The size of the file, or nil when it has none, as standard input.
    public var fileSize: Int64? {
        var information = stat()
        guard fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int64(information.st_size)
    }

    /// Up to `limit` bytes of text; none at the end.
    ///
    /// - Throws: ``IngestError/damaged(path:offset:reason:)`` after all text before the damage was given.
    public func read(_ limit: Int) throws(IngestError) -> [UInt8] {
        var text: [UInt8] = []
        switch kind {
        case .plain:
            if inputStart == input.count {
                text = try readRaw(limit)
            } else {
                text = Array(input[inputStart..<min(input.count, inputStart + limit)])
                inputStart += text.count
            }
        case .gzip: text = try inflateSome(limit)
        case .zstd: text = try decompressSome(limit)
        }
        textOffset += Int64(text.count)
        return text
    }

    private func inflateSome(_ limit: Int) throws(IngestError) -> [UInt8] {
        while true {
            try fill()
            if inputStart == input.count {
                guard isGzipOpen else { return [] }
                throw damaged("the gzip data ends in the middle")
            }
            if !isGzipOpen {
                gzip = z_stream()
                // Behind the last member there may be zeros, as tapes and some tools pad.
                while inputStart < input.count, input[inputStart] == 0, textOffset > 0 { inputStart += 1 }
                if inputStart == input.count { continue }
                guard obs_inflateInit2(&gzip, 15 + 16) == Z_OK else { throw damaged("zlib has no memory") }
                isGzipOpen = true
            }
            var status = Z_OK
            var used = 0
            let text = [UInt8](unsafeUninitializedCapacity: limit) { output, count in
                input.withUnsafeBufferPointer { all in
                    // Safe because zlib is told what there is to read and the room to write, and does not write to its input.
                    gzip.next_in = UnsafeMutablePointer(mutating: all.baseAddress! + inputStart)
                    gzip.avail_in = UInt32(all.count - inputStart)
                    gzip.next_out = output.baseAddress
                    gzip.avail_out = UInt32(limit)
                    status = inflate(&gzip, Z_NO_FLUSH)
                    used = all.count - inputStart - Int(gzip.avail_in)
                    count = limit - Int(gzip.avail_out)
                }
            }
            inputStart += used
            if status == Z_STREAM_END {
                inflateEnd(&gzip)
                isGzipOpen = false
            } else if status != Z_OK, status != Z_BUF_ERROR {
                if text.isEmpty { throw damaged("the gzip data is damaged") }
                // What was read before the damage is given first; the next call meets it again.
            }
            if !text.isEmpty { return text }
        }
    }

    private func decompressSome(_ limit: Int) throws(IngestError) -> [UInt8] {
        while true {
            try fill()
            if inputStart == input.count, isInputAtEnd {
                guard isInsideFrame else { return [] }
                throw damaged("the zstd data ends in the middle")
            }
            var result = 0
            var used = 0
            let text = [UInt8](unsafeUninitializedCapacity: limit) { output, count in
                input.withUnsafeBufferPointer { all in
                    // Safe because zstd is told what there is to read and the room to write.
                    var from = ZSTD_inBuffer(src: all.baseAddress, size: all.count, pos: inputStart)
                    var to = ZSTD_outBuffer(dst: output.baseAddress, size: limit, pos: 0)
                    result = ZSTD_decompressStream(zstd, &to, &from)
                    used = from.pos - inputStart
                    count = to.pos
                }
            }
            inputStart += used
            if ZSTD_isError(result) != 0 {
                if text.isEmpty { throw damaged("the zstd data is damaged") }
            } else {
                isInsideFrame = result != 0
            }
            if !text.isEmpty { return text }
        }
    }

    /// Reads more of the file when all that was read is used.
    private func fill() throws(IngestError) {
        guard inputStart == input.count, !isInputAtEnd else { return }
        input = try readRaw(1 << 20)
        inputStart = 0
        if input.isEmpty { isInputAtEnd = true }
    }

    private func readRaw(_ limit: Int) throws(IngestError) -> [UInt8] {
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            while true {
                // Safe because the read is told the room.
                let read = Foundation.read(descriptor, buffer.baseAddress, limit)
                if read < 0, errno == EINTR { continue }
                if read < 0 { failure = errno }
                count = max(0, read)
                return
            }
        }
        if failure != 0 { throw .cannotRead(path: path, reason: String(cString: strerror(failure))) }
        bytesRead += Int64(bytes.count)
        return bytes
    }

    private func damaged(_ reason: String) -> IngestError {
        .damaged(path: path, offset: textOffset, reason: reason)
    }
}
