import Columns
import Foundation
import Logging
import Parsing
import Telemetry

/// Reads files from start to end, then is done: `obs process FILE…`.
///
/// A file whose text was processed before is known by its content, under whatever name and however compressed: only what came after is read.
public struct FileSource: Source {
    /// The lines of one batch, or the bytes, whichever comes first.
    private static let batchLines = 65_536
    private static let batchBytes = 8 << 20

    public let name: String
    private let paths: [String]
    private let metrics: SourceMetrics
    private let logger: Logger
    private let progress: @Sendable (_ bytes: Int64, _ total: Int64?) -> Void
    /// How many files are read, and decompressed, at once.
    private let parallelFiles: Int

    /// - Parameters:
    ///   - paths: `-` is standard input, which is never known from before.
    ///   - parallelFiles: more than one gives the lines of several files in turns; those of one stay in order.
    ///   - progress: told how many bytes of all files were read, and of how many if that is known.
    public init(
        name: String, paths: [String], parallelFiles: Int = 1, metrics: MetricsRegistry, logger: Logger,
        progress: @escaping @Sendable (_ bytes: Int64, _ total: Int64?) -> Void = { _, _ in }
    ) {
        self.name = name
        self.paths = paths
        self.parallelFiles = max(1, parallelFiles)
        self.metrics = SourceMetrics(metrics, source: name)
        self.logger = logger
        self.progress = progress
    }

    /// Each file is a partition; of those that are `-` there is one.
    public var partitions: [String] { paths }

    public func run(from position: SourcePosition?, deliver: @Sendable (SourceChunk) async throws -> Void) async throws {
        // All are opened before the first is read: a name that is wrong is said before hours of work, not after.
        let readers = try paths.map { path in try TextReader(path: path) }
        let sizes = readers.map(\.fileSize)
        let total = sizes.allSatisfy { $0 != nil } ? sizes.reduce(0) { $0 + $1! } : nil
        let ledger = FileLedger(position ?? SourcePosition(), total: total, progress: progress)
        try await withoutActuallyEscaping(deliver) { deliver in
            try await withThrowingTaskGroup(of: Void.self) { group in
                var next = 0
                func start() {
                    guard next < readers.count else { return }
                    let index = next
                    next += 1
                    group.addTask { try await read(readers[index], index, ledger, deliver) }
                }
                for _ in 0..<parallelFiles { start() }
                while try await group.next() != nil { start() }
            }
        }
        await ledger.showEnd()
    }

    private func read(
        _ opened: TextReader, _ number: Int, _ ledger: FileLedger, _ deliver: @Sendable (SourceChunk) async throws -> Void
    ) async throws {
        var reader = opened
        var text = try await next(reader)
        var isAtEnd = text.isEmpty
        var recent: [UInt8] = []
        var position = FilePosition(path: opened.path, device: 0, inode: 0, offset: 0, head: .none, tail: .none)
        var head = Array(text.prefix(FilePosition.headLength))
        // A file that begins as one that is being read may be the same under another name: it waits until that one is known to its end.
        await ledger.claim(head, number)
        var index: Int?
        // The longest first: a file may begin with all that another one holds.
        let candidates = await ledger.files.enumerated().sorted { $0.element.offset > $1.element.offset }
        for (known, candidate) in candidates where opened.path != "-" && candidate.offset > 0 {
            // Only where the start fits is the file read up to the offset, to see whether the rest does.
            guard text.count >= candidate.head.length, Fingerprint(of: text.prefix(candidate.head.length)) == candidate.head,
                let rest = try PositionedText(path: opened.path, at: candidate)
            else { continue }
            (index, position, reader, recent) = (known, candidate, rest.reader, rest.recent)
            logger.debug(
                "a file was processed before; what came since is read",
                metadata: ["file": "\(opened.path)", "offset": "\(candidate.offset)"])
            text = try await next(reader)
            isAtEnd = text.isEmpty
            break
        }
        var builder = RawLinesBuilder()
        func flush(isLast: Bool) async throws {
            guard builder.count > 0 || isLast else { return }
            if position.head.length < FilePosition.headLength {
                position.head = Fingerprint(of: head.prefix(Int(position.offset)))
            }
            position.tail = Fingerprint(of: recent)
            let lines = builder.finish()
            // Positions and chunks leave in one order: a position never says more than what was delivered before it.
            await ledger.lock()
            do {
                if opened.path != "-", position.offset > 0 { index = await ledger.note(position, at: index) }
                try await deliver(
                    SourceChunk(
                        lines: lines, position: SourcePosition(files: await ledger.files), partition: opened.path,
                        endsPartition: isLast))
            } catch {
                await ledger.unlock()
                throw error
            }
            await ledger.unlock()
            metrics.lines.increment(by: lines.count)
            await ledger.show(reader.bytesRead, of: number)
        }
        do {
            while !Task.isCancelled {
                if let block = LineBlock(text, at: position.offset, isEnd: isAtEnd) {
                    // Room for a whole batch, unless the file ends here: buffers that double copy all that is in them.
                    if builder.count == 0, !isAtEnd, text.count >= LineBlock.size {
                        builder.reserveCapacity(lines: Self.batchLines, bytes: Self.batchBytes + LineBlock.size)
                    }
                    _ = block.append(
                        to: &builder, source: name, file: opened.path, arrival: Timestamp(microseconds: WallClock.microseconds))
                    metrics.bytes.increment(by: block.length)
                    position.offset += Int64(block.length)
                    recent = Array(
                        (recent + block.bytes[max(0, block.length - FilePosition.tailLength)..<block.length]).suffix(
                            FilePosition.tailLength))
                    text = Array(text[block.length...])
                    if builder.count >= Self.batchLines || builder.byteCount >= Self.batchBytes { try await flush(isLast: false) }
                }
                if isAtEnd { break }
                do {
                    let more = try await next(reader)
                    if more.isEmpty { isAtEnd = true } else { text += more }
                    if head.count < FilePosition.headLength { head += more.prefix(FilePosition.headLength - head.count) }
                } catch {
                    // What was good comes first, then the error.
                    try await flush(isLast: false)
                    throw error
                }
            }
            try await flush(isLast: !Task.isCancelled)
        } catch {
            await ledger.release(number)
            throw error
        }
        await ledger.release(number)
    }

    /// Reads may block for long (a pipe, a slow disk): they run on a queue of their own, not on the shared pool.
    private func next(_ reader: TextReader) async throws -> [UInt8] {
        try await withCheckedThrowingContinuation { continuation in
            Self.readQueue.async { continuation.resume(with: Result { try reader.read(LineBlock.size) }) }
        }
    }

    private static let readQueue = DispatchQueue(label: "obs.ingest.read", attributes: .concurrent)
}
