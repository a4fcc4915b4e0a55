import Columns
import Foundation

/// A hash of some bytes of a file and how many they were.
public struct Fingerprint: Codable, Sendable, Equatable {
    public var length: Int
    public var hash: UInt64

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

/// How far one file was read, and how it is known again.
///
/// A name is not enough (rotation moves it), nor is the inode (it is used again), nor the size (a file can be written anew and be longer). So three
/// things together say that a file is the one that was read up to `offset`: the bytes at its start, the bytes just before `offset`, and that it is at least that
/// long. Device and inode only say where to look first.
public struct FilePosition: Codable, Sendable, Equatable {
    /// Bytes at the start that are hashed; fewer while the file is shorter.
    static let headLength = 1024
    /// Bytes before the offset that are hashed: they tell files apart that begin alike, as logs with a header do.
    static let tailLength = 256

    public var path: String
    public var device: UInt64
    public var inode: UInt64
    /// Bytes of text that were delivered; in a compressed file of the decompressed text. Always at the start of a line.
    public var offset: Int64
    public var head: Fingerprint
    public var tail: Fingerprint

    /// Whether `stream` holds the text that was read: asked of a file by its content alone.
    func isPosition(in stream: (_ offset: Int64, _ length: Int) throws -> [UInt8]) rethrows -> Bool {
        guard head.length > 0 || offset == 0 else { return false }
        guard Fingerprint(of: try stream(0, head.length)) == head else { return false }
        return Fingerprint(of: try stream(offset - Int64(tail.length), tail.length)) == tail
    }
}

/// A file that is open for reading at any place.
final class OpenFile {
    let path: String
    let device: UInt64
    let inode: UInt64
    private let descriptor: Int32

    /// Nil if there is no such file, it may not be read, or it is no regular file; `errno` says which.
    init?(path: String) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        var information = stat()
        guard fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            errno = EISDIR
            return nil
        }
        self.path = path
        device = UInt64(information.st_dev)
        inode = UInt64(information.st_ino)
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
        guard offset >= 0, length > 0 else { return [] }
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            // Safe because each read is told how much room is left.
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

    /// Whether the file begins with the whole text of another that is not compressed, as far as their first kilobyte and the end of the other tell.
    func begins(with path: String) -> Bool {
        guard let other = OpenFile(path: path) else { return false }
        let size = other.version().size
        guard size > 0, size <= version().size else { return false }
        func isSame(from offset: Int64, _ length: Int) -> Bool {
            guard let ours = try? read(at: offset, length: length), let theirs = try? other.read(at: offset, length: length)
            else { return false }
            return ours == theirs
        }
        return isSame(from: 0, min(FilePosition.headLength, Int(size)))
            && isSame(from: max(0, size - Int64(FilePosition.tailLength)), min(FilePosition.tailLength, Int(size)))
    }

    /// Device and inode of what stands at `path` now, or nil if nothing does.
    static func identity(of path: String) -> (device: UInt64, inode: UInt64)? {
        var information = stat()
        guard stat(path, &information) == 0 else { return nil }
        return (UInt64(information.st_dev), UInt64(information.st_ino))
    }
}
