import Foundation

/// A file that was moved or copied away from a followed path and is read to its end, plain or compressed.
final class RotatedFile {
    /// Where it lies now; ``FilePosition/path`` is the path that it was rotated from.
    let file: String
    /// Whether it is the last of which something was read, or came after that one.
    let isAtFront: Bool
    /// A plain file, which somebody may go on writing to; nil for a compressed one.
    let plain: TrackedFile?
    private var compressed: (reader: TextReader, progress: TextProgress)?
    private var cutter = TextCutter()

    init(_ plain: TrackedFile, isAtFront: Bool) {
        file = plain.file.path
        self.plain = plain
        self.isAtFront = isAtFront
    }

    init(_ reader: TextReader, _ progress: TextProgress, isAtFront: Bool) {
        file = reader.path
        plain = nil
        compressed = (reader, progress)
        self.isAtFront = isAtFront
    }

    var position: FilePosition { plain?.position ?? compressed!.progress.position }

    /// Of the opened file, which its name may not lead to any more.
    var identity: FileIdentity { plain?.file.identity ?? compressed!.reader.identity }

    /// The next lines, or nil at the end; the last one of a compressed file is whole even without its end, because nothing
    /// follows it.
    func nextBlock() throws -> LineBlock? {
        guard let reader = compressed?.reader else { return try plain?.nextBlock(isEnd: false) }
        while true {
            if let block = cutter.next(behind: position, takesEnd: true) { return block }
            if cutter.isAtEnd { return nil }
            cutter.add(try reader.read(LineBlock.size))
        }
    }

    func advance(by block: LineBlock) throws {
        try plain?.advance(by: block)
        guard compressed != nil else { return }
        cutter.advance(by: block)
        compressed!.progress.advance(by: block)
    }
}

/// Where the files lie that were rotated away from a followed path, and what there is to read in them.
///
/// | where | by what a file is known there |
/// |---|---|
/// | the folder of the path, and of the file that it links to | by content; later files by name too (``RotatedName``) |
/// | what `also` names | by content; what came after it, all |
/// | the folders in that folder | by content |
struct RotatedFiles {
    let path: String
    let also: [String]
    let texts: KnownTexts

    /// In a folder with more files only the newest are looked at.
    private static let maxCandidates = 10_000

    struct Candidate {
        let path: String
        let version: FileVersion
        /// Whether it may be one that was rotated away, by where it is and what it is called.
        let isRotated: Bool
    }

    /// A file that was opened to look at it. What counts is its own identity: its name may lead to another file by now, because
    /// a rotation renames all of them.
    private enum Opened {
        case plain(OpenFile)
        case compressed(FileIdentity)

        /// - Throws: where nobody can say at the moment what is in it: its text must not pass for missing.
        init?(_ path: String) throws(IngestError) {
            guard let file = OpenFile(path: path) else {
                try IngestError.throwIfMomentary(path)
                return nil
            }
            self = file.isCompressed ? .compressed(file.identity) : .plain(file)
        }

        var identity: FileIdentity {
            switch self {
            case .plain(let file): file.identity
            case .compressed(let identity): identity
            }
        }
    }

    /// What one look at the folders finds.
    private struct Found {
        var files: [RotatedFile] = []
        /// Positions whose files are not found.
        var missing: [FilePosition]
        /// Positions that files go on from, beside those that were asked for.
        var taken: [FilePosition] = []
    }

    /// So often the folders are looked at again where files were renamed meanwhile.
    private static let maxLooks = 4

    /// Of each file that one of `positions` is of, wherever it was moved or copied to, the rest; of each that came after `last`,
    /// all that is not known. Oldest first.
    ///
    /// - Parameter last: nil when nothing came after `positions` that was not read.
    /// - Returns: also the positions whose files are not found.
    func rest(after positions: [FilePosition], andAllAfter last: FilePosition?) throws -> (
        files: [RotatedFile], missing: [FilePosition]
    ) {
        var found = Found(missing: positions)
        for _ in 0..<Self.maxLooks {
            let before = FileVersion(path: folder)
            found = try look(for: positions, andAllAfter: last)
            // A file that is renamed between the list of names and the look at its own may not be met at all.
            let isSettled = before.map { $0 == FileVersion(path: folder) && !$0.isRecent } ?? true
            if found.missing.isEmpty || isSettled { break }
        }
        for position in found.taken { texts.take(position) }
        for case let plain? in found.files.map(\.plain) { texts.begin(plain) }
        return (found.files, found.missing)
    }

    private func look(for positions: [FilePosition], andAllAfter last: FilePosition?) throws -> Found {
        var found = Found(missing: positions), met: [FilePosition] = []
        var isAfterLast = false
        // All names of a file are one file.
        var seen: Set<FileIdentity> = FileIdentity(path: path).map { [$0] } ?? []
        func look(at candidates: [Candidate]) throws {
            for candidate in candidates {
                guard let opened = try Opened(candidate.path), seen.insert(opened.identity).inserted else { continue }
                if let index = try found.missing.lastIndex(where: { try holds($0, opened, candidate) }) {
                    let position = found.missing.remove(at: index)
                    met.append(position)
                    if position == last { isAfterLast = true }
                    if position.offset > 0 { texts.claim(opened.identity) }
                    guard !texts.isReading(opened.identity) else { continue }
                    if let file = try file(opened, candidate, from: position, isAtFront: position == last) {
                        found.files.append(file)
                    } else {
                        // Another file has the name by now.
                        met.removeLast()
                        found.missing.append(position)
                    }
                } else if isAfterLast, candidate.isRotated {
                    try readUnknown(opened, candidate)
                }
            }
        }
        func readUnknown(_ opened: Opened, _ candidate: Candidate) throws {
            // A copy of one that is read already, as `gzip -k` leaves it, is known as that.
            guard try !texts.isReading(opened.identity) && !met.contains(where: { try holds($0, opened, candidate) }) else {
                return
            }
            try addUnknown(opened, candidate, to: &found)
        }
        let near = try candidates()
        try look(at: near)
        if !found.missing.isEmpty { try look(at: try inFolders(but: near)) }
        if let last, !isAfterLast, last.modified > 0 {
            // It was removed, or nothing had been in it: what was written to later came after it.
            let later = near.filter { $0.isRotated && $0.version.modified > last.modified }
            let standing = FileIdentity(path: path)
            for candidate in later {
                guard let opened = try Opened(candidate.path), opened.identity != standing,
                    !found.files.contains(where: { $0.identity == opened.identity })
                else { continue }
                try readUnknown(opened, candidate)
            }
        }
        return found
    }

    private func holds(_ position: FilePosition, _ opened: Opened, _ candidate: Candidate) throws -> Bool {
        switch opened {
        case .plain(let file): return try position.isPosition(in: file)
        case .compressed:
            do {
                return try PositionedText(path: candidate.path, at: position) != nil
            } catch let error as IngestError where !error.isOfReading {
                // Damaged, or renamed meanwhile.
                return false
            }
        }
    }

    /// The rest of a file that is known.
    private func file(_ opened: Opened, _ candidate: Candidate, from position: FilePosition, isAtFront: Bool) throws
        -> RotatedFile?
    {
        switch opened {
        case .plain(let file):
            // Others may have read more of it.
            let furthest = try texts.furthest(in: file).flatMap { $0.offset > position.offset ? $0 : nil } ?? position
            return RotatedFile(try TrackedFile(file, path: path, position: furthest), isAtFront: isAtFront)
        case .compressed(let identity):
            let furthest =
                try texts.furthest(of: TextReader(path: candidate.path), at: candidate.path)
                .flatMap { $0.offset > position.offset ? $0 : nil } ?? position
            guard let text = try PositionedText(path: candidate.path, at: furthest), text.reader.identity == identity else {
                return nil
            }
            return RotatedFile(text.reader, text.progress, isAtFront: isAtFront)
        }
    }

    /// Adds what is to be read of a file that came after what was read last, unless all of it is known.
    private func addUnknown(_ opened: Opened, _ candidate: Candidate, to found: inout Found) throws {
        switch opened {
        case .plain(let file):
            switch try texts.judge(file) {
            case .held, .empty: break
            case .known(let position):
                guard position.offset < file.version().size else { return texts.finish(position) }
                found.taken.append(position)
                found.files.append(RotatedFile(try TrackedFile(file, path: path, position: position), isAtFront: true))
            case .new: found.files.append(RotatedFile(try TrackedFile(file, path: path), isAtFront: true))
            }
        case .compressed(let identity):
            guard let start = try? TextReader(path: candidate.path).read(FilePosition.headLength), !start.isEmpty,
                !(found.files.compactMap(\.plain) + texts.reading).contains(where: { $0.begins(with: start) }),
                let reader = try? TextReader(path: candidate.path), reader.identity == identity
            else { return }
            if let known = try? texts.furthest(of: TextReader(path: candidate.path), at: candidate.path),
                let text = try PositionedText(path: candidate.path, at: known)
            {
                guard text.reader.identity == identity else { return }
                found.files.append(RotatedFile(text.reader, text.progress, isAtFront: true))
            } else {
                found.files.append(RotatedFile(reader, TextProgress(path: path, identity), isAtFront: true))
            }
        }
    }

    // MARK: Where they lie

    private var folder: String { Self.folder(of: path) }

    private static func folder(of path: String) -> String {
        let folder = (path as NSString).deletingLastPathComponent
        return folder.isEmpty ? "." : folder
    }

    func candidates() throws -> [Candidate] {
        var found: [String: Candidate] = [:]
        func look(_ paths: [String], isRotated: (String) -> Bool) throws {
            for path in paths where found[path] == nil { found[path] = try candidate(path, isRotated: isRotated(path)) }
        }
        for pattern in also { try look(FileNames.paths(pattern)) { _ in true } }
        // A link, as those of containers, is elsewhere than what it leads to, and that is what is rotated.
        let target = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        for place in target == path ? [path] : [path, target] {
            let name = RotatedName(of: place)
            try look(Self.files(in: Self.folder(of: place))) { name.matches(($0 as NSString).lastPathComponent) }
        }
        try look(Array(texts.standing.values)) { _ in false }
        return Self.sorted(found.values)
    }

    private func inFolders(but known: [Candidate]) throws -> [Candidate] {
        let seen = Set(known.map(\.path))
        let folders = try Self.files(in: folder).filter {
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: $0, isDirectory: &isFolder) && isFolder.boolValue
        }
        return Self.sorted(
            try folders.prefix(Self.maxCandidates).flatMap { try Self.files(in: $0) }.filter { !seen.contains($0) }.compactMap {
                try candidate($0, isRotated: false)
            })
    }

    /// None in a folder that is not there or may not be read.
    private static func files(in folder: String) throws(IngestError) -> [String] {
        guard let listed = opendir(folder) else {
            try IngestError.throwIfMomentary(folder)
            return []
        }
        closedir(listed)
        let names: [String]
        do { names = try FileManager.default.contentsOfDirectory(atPath: folder) } catch {
            throw .cannotRead(path: folder, reason: String(cString: strerror(EIO)))
        }
        return names.map { folder == "." ? $0 : folder + "/" + $0 }
    }

    private func candidate(_ path: String, isRotated: Bool) throws(IngestError) -> Candidate? {
        var information = stat()
        guard stat(path, &information) == 0 else {
            try IngestError.throwIfMomentary(path)
            return nil
        }
        guard information.st_mode & S_IFMT == S_IFREG, information.st_size > 0 else { return nil }
        return Candidate(path: path, version: FileVersion(information), isRotated: isRotated)
    }

    /// Oldest first, by their last change.
    private static func sorted(_ candidates: some Collection<Candidate>) -> [Candidate] {
        candidates.sorted { ($0.version.modified, $0.path) < ($1.version.modified, $1.path) }.suffix(maxCandidates)
    }
}
