import Foundation
import Logging

/// A file that was moved or copied away and is read to its end, plain or compressed.
final class RotatedFile {
    /// Where it lies now; ``FilePosition/path`` is the path that it was rotated from.
    let file: String
    /// Whether it is the last of which something was read, or came after that one.
    let isAtFront: Bool
    private let reader: TextReader
    private var progress: TextProgress
    private var rest: [UInt8] = []
    private var isAtEnd = false

    private init(_ reader: TextReader, file: String, _ progress: TextProgress, isAtFront: Bool) {
        self.isAtFront = isAtFront
        self.reader = reader
        self.file = file
        self.progress = progress
    }

    var position: FilePosition { progress.position }

    /// The next lines; the last one is whole even without its end, because nothing follows it.
    func nextBlock() throws -> LineBlock? {
        while !isAtEnd, rest.count < LineBlock.size {
            let more = try reader.read(LineBlock.size)
            if more.isEmpty { isAtEnd = true }
            rest += more
        }
        return LineBlock(rest, at: position.offset, isEnd: isAtEnd)
    }

    func advance(by block: LineBlock) {
        rest.removeFirst(block.length)
        progress.advance(by: block)
    }

    /// What there is to read in the files that were rotated away from `path`: of each file that one of `positions` is of, wherever it was moved or
    /// copied to, the rest; of each that came after `last`, all. Oldest first.
    ///
    /// - Parameters:
    ///   - last: one of `positions`; nil when nothing came after them that was not read.
    ///   - metrics: nil when it is known already what is not found.
    ///   - isReading: whether a file, by device and inode, is being read already.
    static func rest(
        after positions: [FilePosition], andAllAfter last: FilePosition?, beside path: String, metrics: SourceMetrics?,
        logger: Logger, isReading: (_ device: UInt64, _ inode: UInt64) -> Bool = { _, _ in false }
    ) throws -> [RotatedFile] {
        var open = positions
        var files: [RotatedFile] = []
        var isAfterLast = false
        for sibling in siblings(of: path) {
            guard let identity = OpenFile.identity(of: sibling) else { continue }
            let isBeingRead = isReading(identity.device, identity.inode)
            if let match = open.firstIndex(where: { (try? PositionedText(path: sibling, at: $0)) != nil }),
                let text = try PositionedText(path: sibling, at: open[match])
            {
                let position = open.remove(at: match)
                if position == last { isAfterLast = true }
                if isBeingRead { continue }
                files.append(RotatedFile(text.reader, file: sibling, text.progress, isAtFront: position == last))
            } else if isAfterLast, !isBeingRead, let reader = try? TextReader(path: sibling) {
                let start = TextProgress(path: path, device: identity.device, inode: identity.inode)
                files.append(RotatedFile(reader, file: sibling, start, isAtFront: true))
            }
        }
        guard let metrics else { return files }
        for position in open where position.offset > 0 {
            metrics.lost.increment()
            logger.warning(
                "the rest of a rotated file is not found; lines that came after the last read are lost if there were any",
                metadata: ["file": "\(path)", "offset": "\(position.offset)"])
        }
        return files
    }

    /// `auth.log.2.gz`, `auth.log.1`, `auth.log-20261120`: files beside `path` whose names begin with its name, oldest first by their last change.
    private static func siblings(of path: String) -> [String] {
        let folder = (path as NSString).deletingLastPathComponent, name = (path as NSString).lastPathComponent
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.isEmpty ? "." : folder)) ?? []
        return names.filter { $0.hasPrefix(name) && $0 != name && [".", "-", "_"].contains($0.dropFirst(name.count).first) }
            .map { folder.isEmpty ? $0 : folder + "/" + $0 }
            .compactMap { path -> (path: String, modified: Int64)? in
                var information = stat()
                guard stat(path, &information) == 0, information.st_mode & S_IFMT == S_IFREG else { return nil }
                return (path, FileVersion(information).modified)
            }
            .sorted { $0.modified < $1.modified }
            .map(\.path)
    }
}
