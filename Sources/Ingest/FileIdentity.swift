import Columns
import Foundation

/// A hash of some bytes of a file and how many they were.
struct Fingerprint: Codable, Sendable, Equatable {
    var length: Int
    var hash: UInt64

    static let none = Fingerprint(of: [])

    /// A hash that protects nothing is enough: who can write the log can already write what he wants into it.
    init(of bytes: some Sequence<UInt8>) {
        var hash = StableHash()
        var length = 0
        for byte in bytes {
            hash.add(byte)
            length += 1
        }
        self.length = length
        self.hash = hash.value
    }
}

/// Which file something is, while it is there: all its names, links and renames have the same one.
struct FileIdentity: Hashable, Sendable {
    var device: UInt64
    var inode: UInt64

    init(device: UInt64, inode: UInt64) {
        self.device = device
        self.inode = inode
    }

    init(_ information: stat) {
        self.init(device: UInt64(information.st_dev), inode: UInt64(information.st_ino))
    }

    /// Of what is at `path` now, behind symbolic links; nil if nothing does.
    init?(path: String) {
        var information = stat()
        guard stat(path, &information) == 0 else { return nil }
        self.init(information)
    }
}

/// A file that is open for reading at any place.
final class OpenFile {
    let path: String
    let identity: FileIdentity
    private let descriptor: Int32
    private let end: SpoolEnd?

    /// Nil if there is no such file, it may not be read, or it is not a regular file; `errno` says which.
    ///
    /// - Parameter end: how far it may be read, where it is a spool.
    init?(path: String, within end: SpoolEnd? = nil) {
        self.end = end
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        var information = stat()
        guard fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            errno = EISDIR
            return nil
        }
        self.path = path
        identity = FileIdentity(information)
    }

    deinit {
        close(descriptor)
    }

    /// How it looks now; all zeros when that cannot be said.
    func version() -> FileVersion {
        var information = stat()
        return fstat(descriptor, &information) == 0 ? FileVersion(information) : FileVersion(stat())
    }

    /// Up to `length` bytes from `offset`; fewer at the end of the file.
    func read(at offset: Int64, length: Int) throws(IngestError) -> [UInt8] {
        let length = end?.end(of: identity).map { Int(min(Int64(length), $0 - offset)) } ?? length
        guard offset >= 0, length > 0 else { return [] }
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            // Safe because each read is limited to the room that is left.
            while count < length {
                let read = pread(descriptor, buffer.baseAddress! + count, length - count, off_t(offset) + count)
                if read < 0, errno == EINTR { continue }
                if read < 0 { failure = errno }
                if read <= 0 { break }
                count += read
            }
        }
        if failure != 0 { throw .cannotRead(path: path, reason: String(cString: strerror(failure))) }
        return bytes
    }

    /// Whether no name leads to the file any more: it was removed, or another one was put in its place.
    var isGone: Bool {
        var information = stat()
        return fstat(descriptor, &information) == 0 && information.st_nlink == 0
    }

    /// Whether the first `length` bytes are those of another file, as far as their first kilobyte and the end tell.
    func isAlike(_ other: OpenFile, length: Int64) throws(IngestError) -> Bool {
        let head = Int(min(length, Int64(FilePosition.headLength))), tail = Int(min(length, Int64(FilePosition.tailLength)))
        guard length > 0 else { return false }
        let start = try read(at: 0, length: head), end = try read(at: length - Int64(tail), length: tail)
        guard start.count == head, end.count == tail else { return false }
        guard try other.read(at: 0, length: head) == start else { return false }
        return try other.read(at: length - Int64(tail), length: tail) == end
    }

    /// Whether it is compressed: such a file is read as a whole, and not followed.
    var isCompressed: Bool {
        guard let start = try? read(at: 0, length: Compression.magicLength) else { return false }
        return Compression(of: start) != nil || Compression.unreadName(start) != nil
    }
}
