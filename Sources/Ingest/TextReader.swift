import Foundation

/// Reads the text of a file from its start to its end: plain, or compressed in a form of ``Compression``, distinguished by the
/// first bytes, not by the name. `-` is standard input.
///
/// Used by one task at a time; reads block.
public final class TextReader: @unchecked Sendable {
    // Safe because one task uses it, and where a read runs on another thread that task waits for it.

    /// `-` for standard input.
    public let path: String
    /// How far it may be read, where it is a spool.
    let end: SpoolEnd?
    private let descriptor: Int32
    private let information: stat
    private var decompressor: (any Decompressor)?
    private var form = ""
    /// Bytes of the file that were read and not used.
    private var input: [UInt8] = []
    private var inputStart = 0
    private var isInputAtEnd = false
    private var problem: String?
    private var textOffset: Int64 = 0
    /// Bytes of the file that were read so far, for a progress bar.
    private(set) var bytesRead: Int64 = 0

    /// Opens the file and finds out how it is compressed.
    ///
    /// - Throws: when it cannot be opened, is a folder, or is compressed in a way that obs does not read.
    public convenience init(path: String) throws { try self.init(path: path, within: nil) }

    /// - Parameter end: how far it may be read, where it is a spool.
    init(path: String, within end: SpoolEnd?) throws {
        self.path = path
        self.end = end
        if path == "-" {
            descriptor = dup(STDIN_FILENO)
        } else {
            descriptor = open(path, O_RDONLY | O_CLOEXEC)
            if descriptor < 0, errno == ENOENT { throw IngestError.noSuchFile(path) }
        }
        guard descriptor >= 0 else { throw IngestError.cannotRead(path: path, reason: String(cString: strerror(errno))) }
        var information = stat()
        _ = fstat(descriptor, &information)
        self.information = information
        // What is thrown from here on closes the descriptor by `deinit`: closing it here too could close somebody else's.
        if information.st_mode & S_IFMT == S_IFDIR { throw IngestError.cannotRead(path: path, reason: "it is a folder") }
        try begin()
    }

    deinit { close(descriptor) }

    /// Reads as much as tells whether the file is compressed. A pipe gives a few bytes at a time.
    private func begin() throws(IngestError) {
        while input.count < Compression.magicLength, !isInputAtEnd, input.isEmpty || Compression.mayBegin(input) {
            let more = try readRaw(1 << 20)
            if more.isEmpty { isInputAtEnd = true }
            input += more
        }
        if let name = Compression.unreadName(input) { throw .unreadCompression(path: path, name: name) }
        guard let compression = Compression(of: input) else { return }
        guard let made = compression.makeDecompressor() else {
            throw .cannotRead(path: path, reason: "there is no memory to decompress it")
        }
        decompressor = made
        form = compression.name
    }

    /// Whether its text is decompressed on the way.
    public var isCompressed: Bool { decompressor != nil }

    /// Whether it is a file that can be opened again, and not a pipe.
    var isRegular: Bool { information.st_mode & S_IFMT == S_IFREG && path != "-" }

    /// Which file it is; zeros for a pipe, which is none.
    var identity: FileIdentity { isRegular ? FileIdentity(information) : FileIdentity(device: 0, inode: 0) }

    /// The size of the file, or nil when it has none, as a pipe.
    var fileSize: Int64? {
        var information = stat()
        guard fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int64(information.st_size)
    }

    /// Up to `limit` bytes of text; none at the end.
    ///
    /// - Throws: ``IngestError/damaged(path:offset:reason:)`` after all text before the damage was given.
    public func read(_ limit: Int) throws -> [UInt8] {
        var text: [UInt8] = []
        if let decompressor {
            text = try decompress(with: decompressor, limit)
        } else if inputStart == input.count {
            text = try readRaw(limit)
        } else {
            text = Array(input[inputStart..<min(input.count, inputStart + limit)])
            inputStart += text.count
        }
        textOffset += Int64(text.count)
        return text
    }

    /// Goes on at `offset` of a regular file that is not compressed.
    func seek(to offset: Int64) {
        precondition(isRegular && !isCompressed, "only a plain file can be read at a place")
        input = []
        inputStart = 0
        isInputAtEnd = false
        bytesRead = offset
        textOffset = offset
        lseek(descriptor, off_t(offset), SEEK_SET)
    }

    private func decompress(with decompressor: any Decompressor, _ limit: Int) throws(IngestError) -> [UInt8] {
        while true {
            if let problem { throw damaged(problem) }
            if inputStart == input.count, !isInputAtEnd {
                input = try readRaw(1 << 20)
                inputStart = 0
                isInputAtEnd = input.isEmpty
            }
            var step = DecompressionStep()
            let isEnd = isInputAtEnd && inputStart == input.count
            let text = [UInt8](unsafeUninitializedCapacity: limit) { output, count in
                input.withUnsafeBufferPointer { all in
                    step = decompressor.decompress(UnsafeBufferPointer(rebasing: all[inputStart...]), isEnd: isEnd, into: output)
                    count = step.written
                }
            }
            inputStart += step.consumed
            // What was read before the damage is given first; the next call meets it again.
            problem = step.problem
            if !text.isEmpty { return text }
            guard problem == nil, step.consumed == 0 else { continue }
            if isEnd {
                if decompressor.mayEnd { return [] }
                problem = "the \(form) data ends in the middle"
            } else if inputStart < input.count {
                problem = "something else follows the end of the \(form) data"
            }
        }
    }

    private func readRaw(_ limit: Int) throws(IngestError) -> [UInt8] {
        // A spool is not compressed: what was read of it is how far it was read.
        let limit = end?.end(of: identity).map { Int(max(0, min(Int64(limit), $0 - bytesRead))) } ?? limit
        guard limit > 0 else { return [] }
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            while true {
                // Safe because the read is limited to the room.
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
