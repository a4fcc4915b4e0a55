import Columns
import Foundation
import Logging
import Parsing
import Telemetry

/// Reads files from start to end, then is done: `obs process FILE…`.
///
/// A file whose text was processed before is known by its content, under whatever name and however compressed: only what came
/// after is read.
public struct FileSource: Source {
    /// The lines of one batch, or the bytes, whichever comes first.
    private static let batchLines = 65_536
    private static let batchBytes = 8 << 20

    private let setup: SourceSetup
    private let paths: [String]
    private let progress: @Sendable (_ bytes: Int64, _ total: Int64?) -> Void
    private let takesUnfinishedLines: Bool
    private let unfinished: @Sendable (_ path: String) -> Void
    /// How many files are read, and decompressed, at once.
    private let parallelFiles: Int
    /// How far the file may be read, where it is a spool.
    private var end: SpoolEnd?

    /// - Parameters:
    ///   - paths: `-` is standard input.
    ///   - parallelFiles: more than one gives the lines of several files in turns; those of one stay in order.
    ///   - takesUnfinishedLines: whether a last line without its end counts as a line also in a file that may still grow: one
    ///     that is neither compressed nor a pipe. Otherwise it is left for a later run.
    ///   - unfinished: called with each file whose last line is left.
    ///   - progress: called with the bytes of all files that were read, and their total if it is known.
    public init(
        _ setup: SourceSetup, paths: [String], parallelFiles: Int = 1, takesUnfinishedLines: Bool = false,
        unfinished: @escaping @Sendable (_ path: String) -> Void = { _ in },
        progress: @escaping @Sendable (_ bytes: Int64, _ total: Int64?) -> Void = { _, _ in }
    ) {
        self.setup = setup
        self.paths = paths
        self.parallelFiles = max(1, parallelFiles)
        self.progress = progress
        self.takesUnfinishedLines = takesUnfinishedLines
        self.unfinished = unfinished
    }

    /// The files that match a path or pattern now; nil when there are none.
    init?(_ setup: SourceSetup, matching pattern: String) {
        let paths = SourcePattern.paths(pattern)
        guard !paths.isEmpty else { return nil }
        self.init(setup, paths: paths)
    }

    /// What a spool has taken in for good.
    init(_ setup: SourceSetup, of spool: Spool) {
        self.init(setup, paths: [spool.path])
        end = spool.end
    }

    /// As in the configuration.
    public var name: String { setup.name }

    /// Each file is a partition; standard input is one.
    public var partitions: [String] { paths }

    /// See ``Source/run(from:deliver:)``.
    public func run(from position: SourcePosition?, deliver: @Sendable (SourceChunk) async throws -> Void) async throws {
        // All are opened before the first is read: a name that is wrong is said before hours of work, not after.
        let readers = try paths.map { path in try TextReader(path: path, within: end) }
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
        var file = try await FilePass(opened, isWhole: takesUnfinishedLines)
        // A file that begins as one that is being read may be the same under another name: it waits until that one is known to
        // its end.
        await ledger.claim(file.head, number)
        do {
            try await read(&file, number, ledger, deliver)
        } catch {
            await ledger.release(number)
            throw error
        }
        await ledger.release(number)
    }

    private func read(
        _ file: inout FilePass, _ number: Int, _ ledger: FileLedger, _ deliver: @Sendable (SourceChunk) async throws -> Void
    ) async throws {
        var index: Int?
        if let position = try await file.resume(after: await ledger.known) {
            index = await ledger.index(of: position)
            setup.logger.debug(
                "a file was processed before; what came since is read",
                metadata: ["file": "\(file.path)", "offset": "\(file.progress.position.offset)"])
        }
        var builder = RawLinesBuilder()
        do {
            while !Task.isCancelled, let block = try await file.next() {
                // Room for a whole batch, unless the file ends here: buffers that double copy all that is in them.
                if builder.count == 0, file.isLong {
                    builder.reserveCapacity(lines: Self.batchLines, bytes: Self.batchBytes + LineBlock.size)
                }
                _ = block.append(to: &builder, source: name, file: file.path, arrival: .now, setup.metrics)
                file.advance(by: block)
                guard builder.count >= Self.batchLines || builder.byteCount >= Self.batchBytes else { continue }
                index = try await pass(builder.finish(), of: file, number, at: index, ledger, deliver)
            }
        } catch {
            // What was good comes first, then the error.
            if builder.count > 0 { _ = try await pass(builder.finish(), of: file, number, at: index, ledger, deliver) }
            throw error
        }
        let isWhole = !Task.isCancelled
        if isWhole, file.unfinishedBytes > 0 { unfinished(file.path) }
        if builder.count > 0 || isWhole {
            _ = try await pass(builder.finish(), of: file, number, at: index, ledger, deliver, isLast: isWhole)
        }
    }

    /// Delivers lines; gives the file's index in the ledger.
    private func pass(
        _ lines: Batch, of file: FilePass, _ number: Int, at index: Int?, _ ledger: FileLedger,
        _ deliver: @Sendable (SourceChunk) async throws -> Void, isLast: Bool = false
    ) async throws -> Int? {
        var index = index
        let position = file.progress.position
        // Positions and chunks leave in one order: a position never says more than what was delivered before it.
        await ledger.lock()
        do {
            if position.offset > 0 { index = await ledger.note(position, at: index) }
            try await deliver(
                SourceChunk(
                    lines: lines, position: SourcePosition(files: await ledger.files), partition: file.path, endsPartition: isLast
                ))
        } catch {
            await ledger.unlock()
            throw error
        }
        await ledger.unlock()
        setup.metrics.lines.increment(by: lines.count)
        await ledger.show(file.reader.bytesRead, of: number)
        return index
    }
}
