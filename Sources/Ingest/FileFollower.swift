import Foundation
import Logging

/// Follows one path through appends, rotation, truncation and replacement: decides which bytes of which file come next.
///
///                  ┌─ rest of a rotated file ─┐   backlog: read to its end first
///     next() ──────┼─ moved away, still written┤  draining: until it has been quiet for a while
///                  └─ the file at the path ────┘  current
///
/// What happens to the file is told by its content (``FilePosition``):
///
/// | what is seen | what happened | what is done |
/// |---|---|---|
/// | another inode at the path | rotation by rename | the old file is drained beside the new one |
/// | shorter than the offset, or other bytes before it | copytruncate, or written anew | the rest is looked for in a copy beside it, then from 0 |
/// | at start: not the file that was read | rotation while stopped, or the inode used again | the file is looked for by its content, also compressed |
///
/// Used by one task. A block that was returned and not ``commit(_:)``ted is returned again.
final class FileFollower {
    /// What was read from where, until ``commit(_:)``.
    struct Read {
        var block: LineBlock
        var file: String
        fileprivate var origin: Origin
    }

    fileprivate enum Origin { case backlog, draining(Int), current }

    /// A file that is being read, and how far.
    private final class Tracked {
        let file: OpenFile
        var position: FilePosition
        var checked: FileVersion?
        var quietSince: ContinuousClock.Instant?

        init(_ file: OpenFile, position: FilePosition? = nil) {
            self.file = file
            self.position =
                position
                ?? FilePosition(path: file.path, device: file.device, inode: file.inode, offset: 0, head: .none, tail: .none)
            self.position.device = file.device
            self.position.inode = file.inode
        }

        /// Whether the file is still the one that was read up to the offset. Reads a kilobyte when it has changed since the last time.
        func isUnchanged() throws -> Bool {
            let version = file.version()
            if version == checked { return true }
            guard try position.offset == 0 || FileFollower.isPosition(position, in: file) else { return false }
            checked = version
            return true
        }

        /// Moves on past a block and takes the fingerprints of what is now behind.
        func advance(by block: LineBlock) throws {
            position.offset = block.offset + Int64(block.length)
            if position.head.length < FilePosition.headLength {
                position.head = Fingerprint(of: try file.read(at: 0, length: min(FilePosition.headLength, Int(position.offset))))
            }
            let tailLength = min(FilePosition.tailLength, Int(position.offset))
            position.tail =
                block.length >= tailLength
                ? Fingerprint(of: block.bytes[(block.length - tailLength)..<block.length])
                : Fingerprint(of: try file.read(at: position.offset - Int64(tailLength), length: tailLength))
        }
    }

    let path: String
    /// How long a file that was moved away is watched for late writes.
    private let drainTime: Duration
    private let logger: Logger
    private let metrics: SourceMetrics

    private var backlog: [RotatedFile] = []
    private var draining: [Tracked] = []
    private var current: Tracked?
    /// What was read last before the current file, until that has been read beyond its start: files that come to stand beside the path until then came in between.
    private var predecessor: FilePosition?
    /// The folder as it was when such files were last looked for.
    private var folderSeen: FileVersion?
    private var complaint: Int32 = 0

    /// - Parameter positions: where an earlier run stopped, in this path's file and in those that were rotated away from it.
    init(path: String, from positions: [FilePosition], drainTime: Duration, metrics: SourceMetrics, logger: Logger) throws {
        self.path = path
        self.drainTime = drainTime
        self.metrics = metrics
        self.logger = logger
        var open = positions
        if let file = OpenFile(path: path), let index = try positions.lastIndex(where: { try Self.isPosition($0, in: file) }) {
            current = Tracked(file, position: open.remove(at: index))
        }
        // What came after a file is unread only while nothing of the current one is read.
        if isCurrentUnread { predecessor = open.last { $0.offset > 0 } ?? open.last }
        if !open.isEmpty {
            backlog = try RotatedFile.rest(
                after: open, andAllAfter: predecessor, beside: path, metrics: metrics, logger: logger)
        }
    }

    /// Whether `file` is the one that was read up to `position`: by its content, or, when nothing was read, by its inode.
    fileprivate static func isPosition(_ position: FilePosition, in file: OpenFile) throws -> Bool {
        if position.offset == 0 { return file.device == position.device && file.inode == position.inode }
        guard file.version().size >= position.offset else { return false }
        return try position.isPosition { try file.read(at: $0, length: $1) }
    }

    private var isCurrentUnread: Bool { current.map { $0.position.offset == 0 } ?? true }

    /// Where each file stands that has been read and is not done with, the newest last. Files that came after the last one of which something was read are found by
    /// it.
    var positions: [FilePosition] {
        var all = draining.map(\.position)
        for position in [isCurrentUnread ? predecessor : nil, backlog.first?.position, current?.position] {
            guard let position else { continue }
            all.removeAll { $0 == position }
            all.append(position)
        }
        return all
    }

    /// Bytes that are there and not read: 0 when all is.
    var lag: Int64 {
        current.map { max(0, $0.file.version().size - $0.position.offset) } ?? 0
    }

    private func isReading(device: UInt64, inode: UInt64) -> Bool {
        draining.contains { $0.file.device == device && $0.file.inode == inode }
            || (current.map { $0.file.device == device && $0.file.inode == inode } ?? false)
    }

    /// The next whole lines, or nil when there is nothing to read now.
    func next(now: ContinuousClock.Instant) throws -> Read? {
        while let file = backlog.first {
            if let block = try file.nextBlock() { return Read(block: block, file: file.file, origin: .backlog) }
            backlog.removeFirst()
        }
        for (index, tracked) in draining.enumerated().reversed() {
            if let block = try read(tracked, isEnd: false) {
                tracked.quietSince = nil
                return Read(block: block, file: tracked.position.path, origin: .draining(index))
            }
            let quietSince = tracked.quietSince ?? now
            tracked.quietSince = quietSince
            guard now - quietSince >= drainTime else { continue }
            // Nobody writes to it any more: a last line without its end is whole.
            if let block = try read(tracked, isEnd: true) {
                return Read(block: block, file: tracked.position.path, origin: .draining(index))
            }
            draining.remove(at: index)
        }
        while true {
            guard let tracked = current else {
                guard let file = openAtPath() else { return nil }
                current = Tracked(file)
                continue
            }
            guard try tracked.isUnchanged() else {
                metrics.truncations.increment()
                logger.info(
                    "a followed file was truncated or written anew",
                    metadata: ["file": "\(path)", "offset": "\(tracked.position.offset)"])
                predecessor = tracked.position
                backlog = try RotatedFile.rest(
                    after: [tracked.position], andAllAfter: tracked.position, beside: path, metrics: metrics, logger: logger,
                    isReading: isReading)
                current = Tracked(tracked.file)
                if !backlog.isEmpty { return try next(now: now) }
                continue
            }
            if try isFollowedByOthers(before: tracked) { return try next(now: now) }
            if let block = try read(tracked, isEnd: false) { return Read(block: block, file: path, origin: .current) }
            let standing = OpenFile.identity(of: path)
            guard let standing, standing.device != tracked.file.device || standing.inode != tracked.file.inode else { return nil }
            metrics.rotations.increment()
            logger.info("a followed file was rotated", metadata: ["file": "\(path)"])
            draining.append(tracked)
            predecessor = tracked.position
            current = nil
        }
    }

    /// Between two looks there may have been several rotations: what was at the path in between is looked for beside it, and put before the current file while nothing of
    /// that has been read.
    private func isFollowedByOthers(before tracked: Tracked) throws -> Bool {
        guard tracked.position.offset == 0, let predecessor else { return false }
        let name = (path as NSString).deletingLastPathComponent
        guard let folder = FileVersion(path: name.isEmpty ? "." : name), folder != folderSeen || folder.isRecent else {
            return false
        }
        folderSeen = folder
        backlog = try RotatedFile.rest(
            after: [predecessor], andAllAfter: predecessor, beside: path, metrics: nil, logger: logger, isReading: isReading)
        // A copy that is made before the file is cut holds what is still in it.
        backlog.removeAll { $0.position.offset == 0 && tracked.file.begins(with: $0.file) }
        while let first = backlog.first, try first.nextBlock() == nil { backlog.removeFirst() }
        return !backlog.isEmpty
    }

    /// Moves on past a block that was delivered.
    func commit(_ read: Read) throws {
        switch read.origin {
        case .backlog:
            guard let file = backlog.first else { return }
            file.advance(by: read.block)
            if isCurrentUnread, file.isAtFront { predecessor = file.position }
        case .draining(let index):
            let isLast = predecessor == draining[index].position
            try draining[index].advance(by: read.block)
            if isLast { predecessor = draining[index].position }
        case .current:
            try current?.advance(by: read.block)
            predecessor = nil
        }
    }

    /// The next block of a file, or nil when there is no whole line, or when the file was changed under the read.
    private func read(_ tracked: Tracked, isEnd: Bool) throws -> LineBlock? {
        let bytes = try tracked.file.read(at: tracked.position.offset, length: LineBlock.size)
        guard let block = LineBlock(bytes, at: tracked.position.offset, isEnd: isEnd) else { return nil }
        // A file that is truncated and written anew between the check and the read would give bytes from its middle as if they went on.
        guard try tracked.isUnchanged() else { return nil }
        return block
    }

    private func openAtPath() -> OpenFile? {
        if let file = OpenFile(path: path) {
            complaint = 0
            return file
        }
        if errno != complaint {
            complaint = errno
            if errno == ENOENT {
                logger.info("waiting for a file to appear", metadata: ["file": "\(path)"])
            } else {
                logger.warning(
                    "a file cannot be read; it is tried again",
                    metadata: [
                        "file": "\(path)",
                        "error": "\(errno == EISDIR ? "it is no regular file" : String(cString: strerror(errno)))",
                    ])
            }
        }
        return nil
    }
}
