import Foundation

/// All texts that one source knows, whichever name led to them: what is being read, what was read to its end, and what others
/// have read. A file that turns up, by a new name or with a new inode, is compared with them before anything of it is read.
///
///     a file turns up ──▶ judge ──┬▶ new         read from its start
///                                 ├▶ known       it goes on as a text that is known: read from there
///                                 ├▶ empty       judged again when something is in it
///                                 └▶ held        it begins as a text that is being read does, and holds no more: not read
///
/// A name is not asked, nor is an inode by itself: a rotated file has another name, a copied one another inode, and an inode is
/// used again. Two things say more than the content of a short file does: a file that was renamed away is not the one in its
/// place, and files whose names are their owner's (``FollowSource/Configuration/isSpool``) are each what they are.
///
/// Used by the one task that follows the source.
final class KnownTexts {
    enum Verdict {
        /// Nothing is in it yet: it is judged when something is, because it may be about to become a copy.
        case empty
        case new
        /// It holds what was read up to this position.
        case known(FilePosition)
        /// It is not to be read now. It is judged again when it changes, and when what it was compared with does.
        case held
    }

    /// Texts that were read to their end are remembered, so many of a source: as many rotations as anybody keeps.
    private static let maxFinished = 512

    private let comparesContent: Bool
    /// How long a file that may still be in the middle of being copied is left alone.
    private let copyTime: Duration
    /// Read to their end, or open in a checkpoint and not found yet; the newest last.
    private(set) var finished: [FilePosition]
    private let elsewhere: [FilePosition]
    /// What followers are reading.
    private(set) var reading: [TrackedFile] = []
    /// By its identity, a file that is held: the file whose text it has.
    private var held: [FileIdentity: (copy: OpenFile, original: TrackedFile)] = [:]
    /// The files that the names of the source lead to now.
    var standing: [FileIdentity: String] = [:]
    /// Changes when a verdict could be another one than before.
    private(set) var generation = 0

    init(_ position: SourcePosition, comparesContent: Bool, copyTime: Duration) {
        finished = position.files
        elsewhere = position.elsewhere
        self.comparesContent = comparesContent
        self.copyTime = copyTime
    }

    func isReading(_ identity: FileIdentity) -> Bool { reading.contains { $0.file.identity == identity && !$0.isSuperseded } }

    func begin(_ tracked: TrackedFile) { reading.append(tracked) }

    /// The file is not read any more. Its text stays known.
    func finish(_ tracked: TrackedFile) throws {
        reading.removeAll { $0 === tracked }
        if !tracked.isSuperseded { finish(tracked.position) }
        try release(from: tracked)
    }

    func finish(_ position: FilePosition) {
        var position = position
        position.isDone = true
        guard position.offset > 0 else { return }
        finished.removeAll { $0.head == position.head && $0.tail == position.tail && $0.offset == position.offset }
        finished.append(position)
        if finished.count > Self.maxFinished { finished.removeFirst(finished.count - Self.maxFinished) }
        generation += 1
    }

    /// A position that a follower goes on from, and answers for.
    func take(_ position: FilePosition) { finished.removeAll { $0 == position } }

    /// Takes a file away from a follower that opened it while it was empty, because another follower has found the rest of its
    /// text in it: it is the copy that was about to be made, and a short text does not say by itself which one it is.
    func claim(_ identity: FileIdentity) {
        for tracked in reading where tracked.file.identity == identity && !tracked.isJudged && tracked.position.offset == 0 {
            tracked.isSuperseded = true
        }
    }

    /// Stops reading a file that is judged otherwise than before.
    func drop(_ tracked: TrackedFile) { reading.removeAll { $0 === tracked } }

    /// The file holds another text now than what was read of it, as its position shows.
    func replace(_ tracked: TrackedFile, by other: TrackedFile) throws {
        reading.removeAll { $0 === tracked }
        finish(tracked.position)
        try release(from: tracked)
        reading.append(other)
    }

    /// What was held because it has the text of `original`: if it holds less than what was read of that, all of it is known.
    private func release(from original: TrackedFile) throws {
        for (identity, entry) in held where entry.original === original || entry.copy.isGone {
            held[identity] = nil
            guard entry.original === original, entry.copy.version().size < original.position.offset else { continue }
            finish(try FilePosition(behindAllOf: entry.copy, path: entry.copy.path))
        }
        generation += 1
    }

    // MARK: Judging

    /// The furthest position that `file` is known up to by content, among what is not being read.
    func furthest(in file: OpenFile) throws -> FilePosition? {
        guard comparesContent else { return finished.first { $0.identity == file.identity && $0.offset > 0 } }
        var hashes: [Int: Fingerprint] = [:]
        let head = try file.read(at: 0, length: FilePosition.headLength)
        let tell = finished.filter { $0.tellsByContent || !$0.isDone || $0.identity == file.identity }
        // A pipe was not a file that could be another one.
        return try (tell + elsewhere.filter { $0.tellsByContent || $0.inode == 0 || $0.identity == file.identity })
            .filter { $0.offset > 0 && $0.head.length <= head.count }
            .sorted { $0.offset > $1.offset }
            .first { position in
                let length = position.head.length
                let hash = hashes[length] ?? Fingerprint(of: head.prefix(length))
                hashes[length] = hash
                return try hash == position.head && position.isPosition(in: file)
            }
    }

    /// The same of a file that may be compressed.
    func furthest(of reader: TextReader, at path: String) throws -> FilePosition? {
        guard comparesContent else { return nil }
        if reader.isRegular, !reader.isCompressed { return try OpenFile(path: path).flatMap { try furthest(in: $0) } }
        var search = TextSearch((finished + elsewhere).filter { $0.tellsByContent || !$0.isDone })
        while !search.isDecided {
            let bytes = try reader.read(LineBlock.size)
            if bytes.isEmpty { search.end() } else { search.add(bytes) }
        }
        return search.found?.position
    }

    /// What to do with a file that nothing was read of yet.
    ///
    /// - Parameter successor: the files that were renamed away from its path: it is none of them.
    func judge(_ file: OpenFile, after moved: [FileIdentity] = []) throws -> Verdict {
        let size = file.version().size
        held[file.identity] = nil
        guard size > 0 else { return .empty }
        if let own = try finished.last(where: { try $0.identity == file.identity && $0.offset > 0 && $0.isPosition(in: file) }) {
            return .known(own)
        }
        guard comparesContent else { return .new }
        var best: FilePosition?, superseded: TrackedFile?
        for other in reading where other.file.identity != file.identity && !other.isSuperseded {
            let position = other.position
            guard try other.isUnchanged() else {
                // It holds another text by now. If what was read of it is here, its own follower is about to look for that, and
                // reads it first.
                guard try position.head.length > 0 && position.isPosition(in: file) else { continue }
                held[file.identity] = (file, other)
                return .held
            }
            let otherSize = other.file.version().size, isGone = other.file.isGone
            let isInPlace = moved.contains(other.file.identity) && !isGone
            if size <= otherSize {
                guard !isInPlace else { continue }
                guard try file.isAlike(other.file, length: size) else {
                    // It may have been cut while it was compared: whoever copies a file cuts it in the next moment.
                    guard try !other.isUnchanged(), position.head.length > 0, try position.isPosition(in: file) else { continue }
                    held[file.identity] = (file, other)
                    return .held
                }
                // The same text, or the beginning of it, while it is being copied or for good.
                guard isGone, size >= position.offset else {
                    held[file.identity] = (file, other)
                    return .held
                }
                (best, superseded) = (position, other)
            } else if position.offset > best?.offset ?? 0, isGone || position.tellsByContent, try position.isPosition(in: file) {
                // The same and more. If the other one has something else behind it, both go on.
                (best, superseded) = (position, try file.isAlike(other.file, length: otherSize) ? other : nil)
            } else if try !other.isUnchanged(), position.head.length > 0, try position.isPosition(in: file) {
                // It was cut since it was looked at.
                held[file.identity] = (file, other)
                return .held
            }
        }
        if let furthest = try furthest(in: file), furthest.offset > best?.offset ?? 0 { (best, superseded) = (furthest, nil) }
        if let best {
            superseded?.isSuperseded = true
            return .known(best)
        }
        return try isBeingCopied(file, size) ? .held : .new
    }

    /// Whether the file begins as a text that is known, is shorter, and was written to a moment ago.
    private func isBeingCopied(_ file: OpenFile, _ size: Int64) throws -> Bool {
        guard file.version().age < copyTime else { return false }
        let start = try file.read(at: 0, length: FilePosition.headLength)
        guard start.count == FilePosition.headLength else { return false }
        let head = Fingerprint(of: start)
        return (finished + elsewhere).contains { $0.head == head && $0.offset > size }
    }
}
