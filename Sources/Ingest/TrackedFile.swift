import Columns
import Foundation

/// A file that is open and being read, and how far.
final class TrackedFile {
    let file: OpenFile
    private(set) var position: FilePosition
    /// Since when nothing new was in it.
    var quietSince: ContinuousClock.Instant?
    /// It was at the followed path, and was moved away from there: the file in its place is not a copy of it.
    var hasLeftPath = false
    /// Another file holds all its text, and is read in its place.
    var isSuperseded = false
    /// Whether it was compared with what is known, or something of it was read.
    var isJudged: Bool
    private var checked: FileVersion?
    /// Up to where there are only NULs behind the position, as far as was looked.
    private var nulsEnd: Int64 = 0

    /// - Parameter position: where it was read up to; nil for a file of which nothing was read.
    init(_ file: OpenFile, path: String, position: FilePosition? = nil) throws {
        self.file = file
        isJudged = (position?.offset ?? 0) > 0
        self.position = position ?? FilePosition(path: path)
        self.position.path = path
        self.position.device = file.identity.device
        self.position.inode = file.identity.inode
        self.position.isDone = false
        if self.position.offset == 0 { try see() }
    }

    /// Notes what the file begins with while nothing of it is read: by that it is known when it is moved or copied before
    /// anything was committed.
    private func see() throws {
        let start = try file.read(at: 0, length: FilePosition.headLength)
        let whole = start.count == FilePosition.headLength ? start.count : (start.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
        position.head = Fingerprint(of: start[..<whole])
        if position.modified == 0 { position.modified = FileVersion.now }
    }

    /// Whether the file is still the one that was read up to the offset. Reads a kilobyte when it has changed since the last
    /// time.
    func isUnchanged() throws -> Bool {
        let version = file.version()
        if version == checked { return true }
        guard try position.head.length == 0 || position.isPosition(in: file) else { return false }
        if position.offset == 0, position.head.length < FilePosition.headLength { try see() }
        checked = version
        return true
    }

    /// The next whole lines, or nil when there is none, or when the file was changed under the read.
    ///
    /// - Parameter isEnd: a last line without its end is whole.
    func nextBlock(isEnd: Bool) throws -> LineBlock? {
        var start = position.offset
        var bytes = try file.read(at: start, length: LineBlock.size)
        if !position.isInsideLine, bytes.first == 0 {
            // A hole may be larger than the memory, and what is behind it may not have come yet: then it is not passed over,
            // because its writer may still fill it.
            start = try endOfNULs(from: max(start, nulsEnd))
            nulsEnd = start
            bytes = try file.read(at: start, length: LineBlock.size)
        }
        if bytes.count == LineBlock.size, bytes.span.lastIndex(of: UInt8(ascii: "\n")) == nil {
            bytes += try file.read(at: start + Int64(bytes.count), length: LineBlock.window - bytes.count)
        }
        guard
            let block = LineBlock(
                bytes, at: start, isEnd: isEnd, insideLine: position.isInsideLine, skippedNULs: start - position.offset)
        else { return nil }
        // A file that is truncated and written anew between the check and the read would give bytes from its middle as if they
        // went on.
        guard try isUnchanged() else { return nil }
        return block
    }

    private func endOfNULs(from start: Int64) throws -> Int64 {
        var end = start
        while true {
            let bytes = try file.read(at: end, length: LineBlock.size)
            let count = bytes.leadingNULs
            end += Int64(count)
            if count < bytes.count || bytes.isEmpty { return end }
        }
    }

    /// Moves on past a block and takes the fingerprints of what is now behind.
    func advance(by block: LineBlock) throws {
        position.offset = block.offset + Int64(block.length)
        position.isInsideLine = block.endsInsideLine
        position.modified = file.version().modified
        let headLength = Int(min(Int64(FilePosition.headLength), position.offset))
        if position.head.length != headLength {
            position.head = Fingerprint(of: try file.read(at: 0, length: headLength))
        }
        let tailLength = Int(min(Int64(FilePosition.tailLength), position.offset))
        position.tail =
            block.length >= tailLength
            ? Fingerprint(of: block.bytes[(block.length - tailLength)..<block.length])
            : Fingerprint(of: try file.read(at: position.offset - Int64(tailLength), length: tailLength))
    }

    /// Starts again at the beginning of the file, which holds another text now.
    func restart() throws -> TrackedFile { try TrackedFile(file, path: position.path) }

    func begins(with start: [UInt8]) -> Bool { (try? file.read(at: 0, length: start.count)) == start }

    /// Bytes that are there and not read.
    var lag: Int64 { max(0, file.version().size - position.offset) }
}

extension FilePosition {
    /// The position behind the last whole line of a file that holds no line that was not read.
    init(behindAllOf file: OpenFile, path: String) throws {
        self.init(path: path, device: file.identity.device, inode: file.identity.inode)
        var end = file.version().size
        while end > 0 {
            let start = max(0, end - Int64(LineBlock.size))
            let bytes = try file.read(at: start, length: Int(end - start))
            if let newline = bytes.lastIndex(of: UInt8(ascii: "\n")) {
                end = start + Int64(newline) + 1
                break
            }
            end = start
        }
        offset = end
        head = Fingerprint(of: try file.read(at: 0, length: Int(min(end, Int64(Self.headLength)))))
        let length = Int(min(end, Int64(Self.tailLength)))
        tail = Fingerprint(of: try file.read(at: end - Int64(length), length: length))
        modified = file.version().modified
    }
}
