import Columns
import Foundation
import Logging
import Parsing
import Telemetry

/// What other programs write to standard input of `obs run` or to a named pipe. It is in a ``Spool`` before more is read, so
/// that writers wait while the disk is slow. While the pipeline does not run, nobody reads.
///
///     - { name: auth, pipe: /run/obs/auth.fifo, pipeline: ssh }
///     - { name: stdin, pipe: "-", pipeline: ssh }
struct PipeSettings: Sendable, Hashable {
    /// Of the FIFO; `-` for standard input.
    var path: String

    var isStandardInput: Bool { path == "-" }
}

extension PipeSettings: SourceKind {
    /// `pipe`.
    static let entryKey = "pipe"

    private enum CodingKeys: CodingKey { case name, pipe }

    /// Reads an entry.
    ///
    /// - Throws: when the name cannot be a part of the names of files.
    init(from decoder: any Decoder) throws {
        let entry = try decoder.container(keyedBy: CodingKeys.self)
        let name = try entry.decode(String.self, forKey: .name)
        path = try entry.decode(String.self, forKey: .pipe)
        guard PushedSource.isName(name) else {
            throw entry.refused(.name, "source '\(name)' has a spool; write letters, digits, '-' and '_' in its name, at most 64")
        }
        guard !path.utf8.isEmpty else { throw entry.refused(.pipe, "pipe is empty; write the path of a FIFO, or \"-\"") }
    }

    /// The path, or `standard input`.
    func place(of name: String) -> String { isStandardInput ? "standard input" : path }

    /// The path, or `standard input`.
    var exclusivePlaces: [String] { [place(of: "")] }

    /// The FIFO.
    func look() -> SourceLook {
        guard !isStandardInput else { return SourceLook() }
        switch SourceLook.state(of: path) {
        case .irregular(_, "FIFO"):
            var information = stat()
            if stat(path, &information) == 0, SourceLook.mayRead(path) { return SourceLook(files: [path]) }
            return SourceLook(problem: .unreadable(path, access: SourceLook.fileAccess(information, group: S_IRGRP)))
        case .reading: return SourceLook(problem: .unavailable(sentence: "\(path): is a file; name it under 'file'"))
        case let problem: return SourceLook(problem: problem)
        }
    }

    /// Reads it, and follows the spool.
    func source(_ setup: SourceSetup) async throws -> any Source {
        let spool = try await setup.spool()
        let feed = PipeFeed(settings: self, setup: setup, spool: spool)
        return SpooledSource(setup, of: spool) { try await feed.run() }
    }

    /// Reads what is in the spool.
    func endingSource(_ setup: SourceSetup) async throws -> (any Source)? {
        FileSource(setup, of: try await setup.spool())
    }
}

/// Puts what is written to a pipe into a spool, whole lines at a time.
struct PipeFeed: Sendable {
    let settings: PipeSettings
    let setup: SourceSetup
    let spool: Spool
    /// How long to wait for a FIFO that is not there.
    var pause = Duration.seconds(1)

    /// Reads until the task is cancelled. A FIFO is opened again when its writers have gone; standard input has one end.
    func run() async throws {
        var isReported = false
        // Kept until the next one is open: otherwise a writer that comes in between would fail.
        var last: InputPipe?
        while !Task.isCancelled {
            do {
                let pipe = try InputPipe(settings.path)
                last = pipe
                isReported = false
                guard try await read(pipe), !settings.isStandardInput else { break }
            } catch let error as IngestError {
                if !isReported {
                    setup.logger.warning(
                        "a pipe cannot be read; it is tried again", metadata: ["source": "\(setup.name)", "error": "\(error)"])
                }
                isReported = true
                try await Task.sleep(for: pause)
            }
        }
        _ = last
        // Nothing comes any more; the spool is followed on, because ending here would end the pipeline.
        while !Task.isCancelled { try await Task.sleep(for: .seconds(3600)) }
    }

    /// From one opening to the end of its writers; false when the task is cancelled.
    private func read(_ pipe: InputPipe) async throws -> Bool {
        var cutter = PipeCutter()
        while true {
            let hasRest = cutter.hasRest
            let read = await withTaskCancellationHandler {
                await pipe.read(PipeCutter.readBytes, looksForEnd: hasRest)
            } onCancel: {
                pipe.stop()
            }
            switch read {
            case .bytes(let bytes): try await store(&cutter) { cutter, lines in cutter.take(bytes, into: &lines) }
            case .end:
                try await store(&cutter) { cutter, lines in cutter.finish(into: &lines) }
                if settings.isStandardInput {
                    setup.logger.notice("standard input has ended", metadata: ["source": "\(setup.name)"])
                }
                return true
            case .stopped:
                // What was taken from the pipe is nowhere else.
                try await store(&cutter) { cutter, lines in cutter.finish(into: &lines) }
                return false
            case .failed(let reason): throw IngestError.cannotRead(path: settings.path, reason: reason)
            }
        }
    }

    private func store(_ cutter: inout PipeCutter, _ body: (inout PipeCutter, inout [UInt8]) -> Void) async throws {
        var lines: [UInt8] = []
        let before = cutter.cut
        body(&cutter, &lines)
        setup.metrics.cut.increment(by: cutter.cut - before)
        try await spool.appendWhenPossible(lines, source: setup.name, logger: setup.logger)
    }
}

/// Whole lines of what comes through a pipe in pieces.
struct PipeCutter {
    /// So much is read at once.
    static let readBytes = 256 << 10
    /// A line that is longer is cut, because the spool takes none.
    static let maxLine = RawLines.maxLineLength - 1

    /// The line that has not ended.
    private var rest: [UInt8] = []
    /// How many lines were cut.
    private(set) var cut = 0

    /// Whether a line has begun and not ended.
    var hasRest: Bool { !rest.isEmpty }

    /// Takes what came next, and appends the lines that it completes.
    mutating func take(_ bytes: [UInt8], into lines: inout [UInt8]) {
        rest += bytes
        if let end = rest.span.lastIndex(of: 10) {
            lines = rest
            rest = Array(lines[(end + 1)...])
            lines.removeLast(rest.count)
        }
        while rest.count > Self.maxLine {
            cut += 1
            lines += rest.prefix(Self.maxLine)
            lines.append(10)
            rest.removeFirst(Self.maxLine)
        }
        cutLongLines(of: &lines)
    }

    /// The writers have gone: a last line without its end is whole.
    mutating func finish(into lines: inout [UInt8]) {
        lines = rest
        rest = []
        if !lines.isEmpty { lines.append(10) }
    }

    /// Slow path: a line of several pieces that ends in the last one may be too long too.
    private mutating func cutLongLines(of lines: inout [UInt8]) {
        guard lines.count > Self.maxLine, let first = lines.span.firstIndex(of: 10), first > Self.maxLine else { return }
        cut += 1
        lines.insert(10, at: Self.maxLine)
    }
}
