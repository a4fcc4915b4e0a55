import Foundation
import Logging
import Telemetry

/// Follows one path through appends, rotation, truncation and replacement: decides which bytes of which file come next.
///
///                  ┌─ rest of a rotated file ─┐   backlog: read to its end first
///     next() ──────┼─ moved away, still written┤  draining: until it has been quiet for a while
///                  └─ the file at the path ────┘  current
///
/// What happens to the file is seen in its content (``FilePosition``, ``KnownTexts``):
///
/// | what is seen | what happened | what is done |
/// |---|---|---|
/// | another inode at the path, the old one elsewhere | rotation by rename | the old file is drained beside the new one |
/// | another inode with the text of the old one | replaced, as by rsync and editors | it goes on where the old one was |
/// | shorter than the offset, or other bytes before it | copytruncate, or written anew | its copy is read, then it from 0 |
/// | at start: not the file that was read | rotation while stopped, or the inode used again | the file is found by its content |
/// | a file read by another name, or its copy | a link, a pattern that matches rotated files | nothing is read of it |
///
/// Used by one task. A block that was returned and not ``commit(_:)``ted is returned again.
final class FileFollower {
    /// What was read from where, until ``commit(_:)``.
    struct Read {
        var block: LineBlock
        var file: String
        fileprivate var origin: Origin
    }

    fileprivate enum Origin { case backlog, draining(TrackedFile), current }

    let path: String
    private let configuration: FollowSource.Configuration
    private let texts: KnownTexts
    private let logger: Logger
    private let metrics: SourceMetrics

    private var backlog: [RotatedFile] = []
    private var draining: [TrackedFile] = []
    private var current: TrackedFile?
    /// What was read last before the current file, until that has been read beyond its start: files that appear beside the path
    /// until then came in between.
    private var predecessor: FilePosition?
    /// The folder as it was when such files were last looked for.
    private var folderSeen: FileVersion?
    /// What is at the path and must not be read, as it was when that was found.
    private var passedOver: (version: FileVersion, generation: Int, at: ContinuousClock.Instant)?
    private var complaint: Int32 = 0

    /// - Parameters:
    ///   - saved: where an earlier run stopped, in this path's file and in those that were rotated away from it.
    ///   - texts: all that the source knows; what is saved is taken from there.
    init(
        path: String, from saved: [FilePosition], _ configuration: FollowSource.Configuration, texts: KnownTexts,
        metrics: SourceMetrics, logger: Logger
    ) throws {
        self.path = path
        self.configuration = configuration
        self.texts = texts
        self.metrics = metrics
        self.logger = logger
        var open = saved
        for position in saved { texts.take(position) }
        let opened = OpenFile(path: path, within: configuration.end)
        if opened == nil { try IngestError.throwIfMomentary(path) }
        if let file = opened, !texts.isReading(file.identity), !file.isCompressed {
            let index =
                try open.lastIndex { try $0.identity == file.identity && $0.isPosition(in: file) }
                ?? open.lastIndex { try $0.isPosition(in: file) }
            if let index {
                let own = open.remove(at: index)
                // Others may have read more of it.
                let furthest = try texts.furthest(in: file).flatMap { $0.offset > own.offset ? $0 : nil }
                try follow(file, from: furthest ?? own)
            }
        }
        // What came after a file is unread only while nothing of the current one is read.
        if isCurrentUnread { predecessor = open.last { $0.offset > 0 } ?? open.last ?? current?.position }
        guard !open.isEmpty || predecessor != nil else { return }
        let found = try rotated.rest(after: open, andAllAfter: predecessor)
        backlog = found.files
        for position in found.missing { miss(position) }
    }

    private var rotated: RotatedFiles { RotatedFiles(path: path, also: configuration.also, texts: texts) }

    /// Nothing was read before the current file.
    private var isOwnPredecessor: Bool {
        predecessor.map { $0.offset == 0 && $0.identity == current?.file.identity } ?? false
    }

    private var isCurrentUnread: Bool { current.map { $0.position.offset == 0 } ?? true }

    /// Nothing is read here, and nothing left to read.
    var isIdle: Bool { backlog.isEmpty && draining.isEmpty && current == nil }

    /// The position of each file that has been read and may still grow, the newest last. Files that came after the last one of
    /// which something was read are found by it.
    var positions: [FilePosition] {
        var all = draining.map(\.position)
        let others =
            [isCurrentUnread && !isOwnPredecessor ? predecessor : nil] + backlog.map(\.position).filter { $0.offset > 0 } + [
                current?.position
            ]
        for case let position? in others {
            all.removeAll { $0 == position }
            all.append(position)
        }
        return all
    }

    /// Bytes that are there and not read: 0 when all is.
    var lag: Int64 { current?.lag ?? 0 }

    /// The next whole lines, or nil when there is nothing to read now.
    func next(now: ContinuousClock.Instant) throws -> Read? {
        if let read = try nextOfBacklog() ?? nextOfDraining(now) { return read }
        while true {
            guard let tracked = current else {
                guard try attach(now: now) else { return nil }
                continue
            }
            guard !tracked.isSuperseded else {
                try texts.finish(tracked)
                current = nil
                continue
            }
            guard try tracked.isUnchanged() else {
                try restart(tracked)
                if let read = try nextOfBacklog() { return read }
                continue
            }
            guard try isToBeRead(tracked, now) else { return nil }
            // It may be a text that is known, and go on from there.
            guard current === tracked else { continue }
            if try isFollowedByOthers(before: tracked) { return try next(now: now) }
            // What came into an empty file since it was looked at is judged first.
            if tracked.isJudged, let block = try tracked.nextBlock(isEnd: false) {
                tracked.quietSince = nil
                return Read(block: block, file: path, origin: .current)
            }
            guard hasMoved(tracked, now) else { return nil }
            tracked.quietSince = nil
            tracked.hasLeftPath = true
            draining.append(tracked)
            predecessor = tracked.position
            current = nil
        }
    }

    private func nextOfBacklog() throws -> Read? {
        while let file = backlog.first {
            do {
                if let block = try file.nextBlock() { return Read(block: block, file: file.file, origin: .backlog) }
                backlog.removeFirst()
                // Somebody may go on writing to it, as before it was moved.
                if let plain = file.plain { draining.append(plain) } else { texts.finish(file.position) }
            } catch let error as IngestError where !error.isOfReading {
                // What is good of it has been given. It spoils nothing else.
                metrics.lost.increment()
                logger.error("a rotated file cannot be read to its end", metadata: ["file": "\(file.file)", "error": "\(error)"])
                backlog.removeFirst()
                if let plain = file.plain { try texts.finish(plain) } else { texts.finish(file.position) }
            }
        }
        return nil
    }

    private func nextOfDraining(_ now: ContinuousClock.Instant) throws -> Read? {
        for tracked in draining.reversed() {
            let file = tracked.file.path
            if !tracked.isSuperseded {
                if let block = try tracked.nextBlock(isEnd: false) {
                    tracked.quietSince = nil
                    return Read(block: block, file: file, origin: .draining(tracked))
                }
                let quietSince = tracked.quietSince ?? now
                tracked.quietSince = quietSince
                guard now - quietSince >= configuration.drainTime else { continue }
                // Nobody writes to it any more: a last line without its end is whole. Where another name leads to it, it is
                // followed by that.
                if texts.standing[tracked.file.identity] == nil, let block = try tracked.nextBlock(isEnd: true) {
                    return Read(block: block, file: file, origin: .draining(tracked))
                }
            }
            draining.removeAll { $0 === tracked }
            try texts.finish(tracked)
        }
        return nil
    }

    /// Moves on past a block that was delivered.
    func commit(_ read: Read) throws {
        switch read.origin {
        case .backlog:
            guard let file = backlog.first else { return }
            try file.advance(by: read.block)
            if isCurrentUnread, file.isAtFront { predecessor = file.position }
        case .draining(let tracked):
            let isLast = predecessor == tracked.position
            try tracked.advance(by: read.block)
            if isLast { predecessor = tracked.position }
        case .current:
            try current?.advance(by: read.block)
            predecessor = nil
        }
    }

    // MARK: The file at the path

    /// Opens the file at the path if it is to be read.
    @discardableResult func attach(now: ContinuousClock.Instant) throws -> Bool {
        guard backlog.isEmpty, current == nil else { return current != nil }
        if let version = FileVersion(path: path) {
            if let identity = FileIdentity(path: path), texts.isReading(identity) { return false }
            if let passedOver, passedOver.version == version, passedOver.generation == texts.generation,
                now - passedOver.at < .seconds(1)
            {
                return false
            }
        }
        guard let file = openAtPath(), !texts.isReading(file.identity) else {
            // A file that comes later is the one that was waited for, and so is one that comes and is rotated away.
            if isIdle, predecessor == nil, !configuration.isPattern {
                predecessor = FilePosition(path: path)
                predecessor!.modified = FileVersion.now
            }
            return false
        }
        if file.isCompressed { return passOver(file, now) }
        switch try judge(file) {
        case .held: return passOver(file, now)
        case .known(let position): try follow(file, from: position)
        case .empty: try follow(file, from: nil)
        case .new:
            try follow(file, from: nil)
            current?.isJudged = true
        }
        return true
    }

    private func judge(_ file: OpenFile) throws -> KnownTexts.Verdict {
        try texts.judge(file, after: draining.filter(\.hasLeftPath).map(\.file.identity))
    }

    private func follow(_ file: OpenFile, from position: FilePosition?) throws {
        let tracked = try TrackedFile(file, path: path, position: position)
        if let position { texts.take(position) }
        texts.begin(tracked)
        current = tracked
        passedOver = nil
        if tracked.position.offset > 0 { predecessor = nil }
        if predecessor == nil, isCurrentUnread { predecessor = tracked.position }
    }

    private func passOver(_ file: OpenFile, _ now: ContinuousClock.Instant) -> Bool {
        passedOver = (file.version(), texts.generation, now)
        return false
    }

    /// Compares what came into an empty file with what is known.
    private func isToBeRead(_ tracked: TrackedFile, _ now: ContinuousClock.Instant) throws -> Bool {
        guard !tracked.isJudged, tracked.file.version().size > 0 else { return true }
        texts.drop(tracked)
        current = nil
        switch try judge(tracked.file) {
        case .held: return passOver(tracked.file, now)
        case .known(let position):
            try follow(tracked.file, from: position)
            return true
        case .new: tracked.isJudged = true
        case .empty: break
        }
        texts.begin(tracked)
        current = tracked
        return true
    }

    /// Another text is in the file: what was not read of the one before is looked for in a copy.
    private func restart(_ tracked: TrackedFile) throws {
        let position = tracked.position
        metrics.truncations.increment()
        logger.info(
            "a followed file was truncated or written anew", metadata: ["file": "\(path)", "offset": "\(position.offset)"])
        predecessor = position
        let restarted = try TrackedFile(tracked.file, path: path)
        try texts.replace(tracked, by: restarted)
        current = restarted
        let found = try rotated.rest(after: [position], andAllAfter: position)
        backlog = found.files
        for position in found.missing { miss(position) }
    }

    /// Whether the file is not the one at the path any more.
    private func hasMoved(_ tracked: TrackedFile, _ now: ContinuousClock.Instant) -> Bool {
        if let standing = FileIdentity(path: path) {
            guard standing != tracked.file.identity else { return false }
            metrics.rotations.increment()
            logger.info("a followed file was rotated", metadata: ["file": "\(path)"])
            return true
        }
        // Nothing has come in its place yet. It is kept as long as somebody may write to it, but not its room on the disk after
        // it was removed.
        let quietSince = tracked.quietSince ?? now
        tracked.quietSince = quietSince
        return now - quietSince >= configuration.drainTime && (tracked.file.isGone || configuration.isPattern)
    }

    /// Between two looks there may have been several rotations: what was at the path in between is looked for beside it, and put
    /// before the current file while nothing of that has been read.
    private func isFollowedByOthers(before tracked: TrackedFile) throws -> Bool {
        guard tracked.position.offset == 0, let predecessor else { return false }
        let name = (path as NSString).deletingLastPathComponent
        guard let folder = FileVersion(path: name.isEmpty ? "." : name), folder != folderSeen || folder.isRecent else {
            return false
        }
        folderSeen = folder
        backlog = try rotated.rest(after: isOwnPredecessor ? [] : [predecessor], andAllAfter: predecessor).files
        // A file that was read to its end, or as far as it can be, is not watched again.
        while let first = backlog.first, try hasNothingToRead(first) {
            backlog.removeFirst()
            if let plain = first.plain { try texts.finish(plain) }
        }
        return !backlog.isEmpty
    }

    private func hasNothingToRead(_ file: RotatedFile) throws -> Bool {
        do { return try file.nextBlock() == nil } catch let error as IngestError where !error.isOfReading { return true }
    }

    /// Nothing is known of where the rest of a file is. It stays known by what was read of it.
    private func miss(_ position: FilePosition) {
        texts.finish(position)
        guard position.offset > 0 else { return }
        metrics.lost.increment()
        logger.warning(
            "the rest of a rotated file is not found; lines that came after the last read are lost if there were any",
            metadata: ["file": "\(path)", "offset": "\(position.offset)"])
    }

    /// Gives up the path: what was read last stays known.
    func end() {
        if let predecessor { texts.finish(predecessor) }
    }

    private func openAtPath() -> OpenFile? {
        if let file = OpenFile(path: path, within: configuration.end) {
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
