import Columns
import Foundation

/// Where lines come from.
///
/// A conformer delivers every line at least once, in the order of its file, and gives its position with each batch. What was
/// delivered and then checkpointed is not delivered again; what was delivered and not checkpointed is.
public protocol Source: Sendable {
    /// The name in the configuration; it is also in the `source` column.
    var name: String { get }

    /// The partitions that are known before anything is read. The watermark waits for each until it has said something, is
    /// idle, or has ended; others may join later.
    var partitions: [String] { get }

    /// Delivers lines from `position` on (nil: from the start) until there are no more, or until the task is cancelled.
    ///
    /// `deliver` is called for one chunk at a time and awaited: a slow consumer slows the source. When it throws, the chunk
    /// counts as not delivered and the error leaves this method. Before the first line of a first start a source may deliver a
    /// chunk without lines, whose position is to be committed (``SourceChunk/asksForCommit``).
    func run(from position: SourcePosition?, deliver: @Sendable (SourceChunk) async throws -> Void) async throws
}

extension Source {
    /// One, without a name.
    public var partitions: [String] { [""] }
}

/// Some raw lines, and the position of the source after them.
public struct SourceChunk: Sendable {
    /// Of the schema `RawLines.schema`.
    public let lines: Batch
    /// Where the source goes on behind the lines.
    public let position: SourcePosition
    /// Which part of the source the lines are of: a followed path, a file of a batch, a partition of a topic; empty where there
    /// is only one. Lines of one partition come in order and have a watermark of their own; all lines of a chunk are of one.
    public let partition: String
    /// Nothing comes of the partition after these lines, which may be none: the watermark does not wait for it any more.
    public let endsPartition: Bool
    /// The position is to be in a checkpoint before anything that comes after it.
    public let asksForCommit: Bool

    /// Lines and the position behind them.
    public init(
        lines: Batch, position: SourcePosition, partition: String = "", endsPartition: Bool = false, asksForCommit: Bool = false
    ) {
        self.lines = lines
        self.position = position
        self.partition = partition
        self.endsPartition = endsPartition
        self.asksForCommit = asksForCommit
    }
}

extension SourceChunk {
    /// The same with other lines, as many as there were.
    func with(lines: Batch) -> SourceChunk {
        SourceChunk(
            lines: lines, position: position, partition: partition, endsPartition: endsPartition, asksForCommit: asksForCommit)
    }
}

/// Where a source goes on: how far each file was read.
public struct SourcePosition: Codable, Sendable, Equatable {
    var files: [FilePosition]
    /// Where a source that does not read files goes on, in its own notation: the last key of a table, an offset of a topic.
    public var cursor: String?
    /// How far files were read for the same input by others: other runs, and sources of other names. A source reads nothing of
    /// that again, and does not answer for it: it is not part of what is stored.
    var elsewhere: [FilePosition] = []

    private enum CodingKeys: String, CodingKey { case files, cursor }

    init(files: [FilePosition], cursor: String? = nil, elsewhere: [FilePosition] = []) {
        self.files = files
        self.cursor = cursor
        self.elsewhere = elsewhere
    }

    /// Where a source without files goes on; nil begins at the start.
    public init(cursor: String? = nil) { self.init(files: [], cursor: cursor) }

    /// The same position with what others have read of the same input, which is not read again.
    public func beside(_ others: some Sequence<SourcePosition>) -> SourcePosition {
        SourcePosition(files: files, cursor: cursor, elsewhere: others.flatMap(\.files))
    }

    /// Whether any file is part of it.
    public var hasFiles: Bool { !files.isEmpty }

    /// Whether all that is still being read is in the file with `inode`; false where nothing is.
    public func isOnly(inFile inode: UInt64) -> Bool {
        let open = files.filter { !$0.isDone }
        return !open.isEmpty && open.allSatisfy { $0.inode == inode }
    }
}

/// Why a source cannot go on.
enum IngestError: Error, CustomStringConvertible {
    case cannotRead(path: String, reason: String)
    case damaged(path: String, offset: Int64, reason: String)
    case noSuchFile(String)
    case unreadCompression(path: String, name: String)
    case notTheSame(path: String)
    case cannotListen(String, reason: String)

    /// Errors of a call that say nothing of the file: the disk fails, or there are too many open files. What is found out from
    /// then on would be wrong, such as that a file is gone.
    static let momentary: Set<Int32> = [EIO, EMFILE, ENFILE, ENOMEM]

    /// - Throws: ``cannotRead(path:reason:)`` when the call before failed by such an error.
    static func throwIfMomentary(_ path: String) throws(IngestError) {
        let code = errno
        if momentary.contains(code) { throw .cannotRead(path: path, reason: String(cString: strerror(code))) }
    }

    /// Whether it is not the file that is bad, but that it cannot be read now.
    var isOfReading: Bool { if case .cannotRead = self { true } else { false } }

    var description: String {
        switch self {
        case .cannotRead(let path, let reason): "\(path): cannot be read: \(reason)"
        case .damaged(let path, let offset, let reason):
            "\(path): \(reason) after \(offset) bytes of text; what came before is processed; fetch the file again and process "
                + "it once more to get the rest"
        case .cannotListen(let address, let reason): "cannot listen on \(address): \(reason)"
        case .noSuchFile(let path): "\(path): there is no such file"
        case .unreadCompression(let path, let name):
            "\(path): it is compressed by \(name), which obs does not read; decompress it first, or use gzip, zstd, xz or bzip2"
        case .notTheSame(let path):
            "\(path == "-" ? "standard input" : path): it begins as a text that was processed before, and goes on or ends "
                + "otherwise; write it to a file and process that"
        }
    }
}
