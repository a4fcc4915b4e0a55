import Columns
import Configuration
import Ingest
import Lake
import Query
import Streaming

/// Whether every line of a source's files is in bronze, once: each generation that is there, rotated and compressed ones too, is
/// read line by line and held against the table.
///
/// Bronze has every line, those in quarantine too. What of a file need not be there:
///
/// | lines | are |
/// |---|---|
/// | at the end of the file that is followed | pending: nobody has read them yet |
/// | before the first line that is there, where retention has removed rows | removed |
/// | of whole files before the first one of which a line is there | older than the source |
///
/// Everything else that is missing is a gap.
public struct SourceVerification: Sendable {
    /// Consecutive lines of a file with one verdict.
    struct Run: Sendable, Equatable {
        enum Kind: String, Sendable { case missing, duplicate }

        let kind: Kind
        let file: String
        /// From 1, as editors count.
        let lines: ClosedRange<Int>
        /// Of the file's text.
        let bytes: Range<Int64>

        /// For people.
        var sentence: String {
            let which = lines.count == 1 ? "line \(lines.lowerBound)" : "lines \(lines.lowerBound)–\(lines.upperBound)"
            let place = "\(which), bytes \(bytes.lowerBound)–\(bytes.upperBound), of \(file)"
            return kind == .missing ? "\(place) are in no table" : "\(place) are in bronze more than once"
        }
    }

    /// What became of the lines of one file.
    struct File: Sendable, Equatable {
        let path: String
        var lines = 0
        var found = 0
        var missing = 0
        var duplicates = 0
        var pending = 0
        var removed = 0
        var older = 0
    }

    private(set) var files: [File] = []
    private(set) var runs: [Run] = []
    /// Lines of the source that are in quarantine, and in bronze too.
    private(set) var quarantined = 0

    /// Lines that are in no table and should be.
    public var missingLines: Int { files.reduce(0) { $0 + $1.missing } }
    /// Lines that the source has brought more than once.
    public var duplicateLines: Int { files.reduce(0) { $0 + $1.duplicates } }
    /// Whether every line is there once.
    public var isClean: Bool { missingLines == 0 && duplicateLines == 0 }

    /// So many gaps are named; what is lost is mostly lost in few pieces.
    private static let maxRuns = 100

    /// Reads all files and the table. Blocks; the memory is about twenty bytes per line of the files.
    ///
    /// - Parameter progress: called with the bytes of files and tables that were read, and all of them.
    /// - Throws: `UsageError` for a source that does not follow files; what cannot be read of files and tables.
    public init(
        _ entry: Configuration.SourceEntry, _ configuration: Configuration, lake: Lake,
        progress: (_ done: Int64, _ total: Int64) throws -> Void = { _, _ in }
    ) throws {
        guard let generations = try entry.settings.generations() else {
            throw UsageError(
                "source '\(entry.name)' reads \(entry.place), which cannot be read again; 'obs verify source' is for "
                    + "sources with 'file'")
        }
        let input = try configuration.pipeline(entry.pipeline).input(entry.input)
        let name = "bronze.\(input.table)"
        let table = try lake.tables().contains(name) ? lake.table(name) : nil
        let fileBytes = generations.flatMap(\.files).reduce(0) { $0 + $1.size }
        let total = fileBytes + Int64(table?.sizeInBytes ?? 0)
        var tally = LineTally()
        var done: Int64 = 0
        var chains: [[(generation: FileGeneration, lines: Range<Int>)]] = []
        for (_, files) in generations {
            var chain: [(FileGeneration, Range<Int>)] = []
            for file in files {
                let first = tally.count
                // A file that is rotated away at this moment is met by the next run.
                guard var lines = try Self.opened(file.path) else { continue }
                while let read = try lines.next() {
                    // As bronze has them.
                    let batch = try entry.redactor?.redact(read) ?? read
                    LineTally.keys(of: batch) { tally.add($1) }
                    try progress(done, total)
                }
                done += file.size
                chain.append((file, first..<tally.count))
            }
            chains.append(chain)
        }
        if let table {
            try table.scan(columns: ["source", "offset", "line"], progress: { _, _ in }) { batch in
                let isOwn = Self.rows(of: entry.name, in: batch)
                LineTally.keys(of: batch) { row, key in tally.count(key, isOwn: isOwn(row)) }
                try progress(fileBytes, total)
                return true
            }
        }
        quarantined = try Self.quarantined(entry.name, "quarantine.\(entry.pipeline)", lake)
        for chain in chains { try judge(chain, tally, isTrimmed: table?.wholeSince != nil) }
    }

    private static func opened(_ path: String) throws -> TextLines? {
        guard FileVersion(path: path) != nil else { return nil }
        return try TextLines(path: path)
    }

    /// Whether a row of a batch is of a source.
    private static func rows(of source: String, in batch: Batch) -> (Int) -> Bool {
        let name = Array(source.utf8), column = batch["source"]!
        return { row in column.withBytes(at: row) { $0.isEqual(to: name.span) } }
    }

    private static func quarantined(_ source: String, _ name: String, _ lake: Lake) throws -> Int {
        guard try lake.tables().contains(name) else { return 0 }
        var count = 0
        try lake.table(name).scan(columns: ["source"]) { batch in
            let isOwn = rows(of: source, in: batch)
            for row in 0..<batch.count where isOwn(row) { count += 1 }
            return true
        }
        return count
    }

    // MARK: What became of each line

    /// - Parameter isTrimmed: retention has removed rows of the table.
    private mutating func judge(
        _ chain: [(generation: FileGeneration, lines: Range<Int>)], _ tally: LineTally, isTrimmed: Bool
    ) throws {
        let first = chain.first.flatMap { start in
            (start.lines.lowerBound..<chain.last!.lines.upperBound).first(where: tally.isPresent)
        }
        for (generation, lines) in chain {
            var file = File(path: generation.path)
            file.lines = lines.count
            // What is at its end is not read yet; where nothing at all was read, something is wrong with the source.
            let last = lines.last(where: tally.isPresent)
            let pending = generation.isLive && first != nil ? (last.map { $0 + 1 } ?? lines.lowerBound) : lines.upperBound
            var found: [(kind: Run.Kind, lines: ClosedRange<Int>)] = []
            for line in lines {
                guard !tally.isPresent(line) else {
                    file.found += 1
                    if Self.isDuplicate(line, of: lines, tally) {
                        file.duplicates += 1
                        Self.extend(&found, .duplicate, line)
                    }
                    continue
                }
                if line >= pending {
                    file.pending += 1
                } else if isTrimmed, first.map({ line < $0 }) ?? true {
                    file.removed += 1
                } else if let first, lines.upperBound <= first {
                    file.older += 1
                } else {
                    file.missing += 1
                    Self.extend(&found, .missing, line)
                }
            }
            files.append(file)
            try name(found, in: generation, from: lines.lowerBound)
        }
    }

    /// The first line of a file may be that of every generation, those too that are long gone: then the second must be there
    /// twice as well.
    private static func isDuplicate(_ line: Int, of lines: Range<Int>, _ tally: LineTally) -> Bool {
        guard tally.isDuplicate(line) else { return false }
        return line > lines.lowerBound || lines.count == 1 || tally.isDuplicate(line + 1)
    }

    private static func extend(_ found: inout [(kind: Run.Kind, lines: ClosedRange<Int>)], _ kind: Run.Kind, _ line: Int) {
        if let last = found.last, last.kind == kind, last.lines.upperBound == line - 1 {
            found[found.count - 1].lines = last.lines.lowerBound...line
        } else if found.count < maxRuns {
            found.append((kind, line...line))
        }
    }

    /// Looks up where the lines are in the file: it is read once more, because nearly always there is nothing to look up.
    private mutating func name(
        _ found: [(kind: Run.Kind, lines: ClosedRange<Int>)], in generation: FileGeneration, from first: Int
    ) throws {
        guard !found.isEmpty, var lines = try Self.opened(generation.path) else { return }
        var starts: [Int: Int64] = [:]
        let wanted = Set(found.flatMap { [$0.lines.lowerBound - first, $0.lines.upperBound + 1 - first] })
        var number = 0, end: Int64 = 0
        while let batch = try lines.next() {
            for row in 0..<batch.count {
                let offset = batch["offset"]?.integer(at: row) ?? 0
                if wanted.contains(number) { starts[number] = offset }
                end = offset + Int64(batch["line"]!.withBytes(at: row) { $0.count }) + 1
                number += 1
            }
        }
        for (kind, range) in found {
            let low = range.lowerBound - first, high = range.upperBound - first
            let from = starts[low] ?? 0
            runs.append(
                Run(
                    kind: kind, file: generation.path, lines: (low + 1)...(high + 1),
                    bytes: from..<max(from, starts[high + 1] ?? end)))
        }
    }

    // MARK: For people

    /// A row per file; the note names gaps and duplicates.
    public var answer: Answer {
        var answer = Answer(
            [
                ("file", .text), ("lines", .int64), ("found", .int64), ("missing", .int64), ("duplicate", .int64),
                ("pending", .int64), ("removed", .int64), ("older", .int64),
            ],
            rows: files.map { file in
                [.text(file.path)]
                    + [file.lines, file.found, file.missing, file.duplicates, file.pending, file.removed, file.older].map {
                        .int(Int64($0))
                    }
            }, note: sentences.joined(separator: "\nobs: "))
        answer.dispensable = ["older", "removed", "pending"]
        answer.main = "file"
        return answer
    }

    /// What was found, a sentence each; the first sums it up.
    public var sentences: [String] {
        let lines = files.reduce(0) { $0 + $1.lines }, pending = files.reduce(0) { $0 + $1.pending }
        let state =
            isClean
            ? "every line is in bronze once" : "\(missingLines) lines are missing, \(duplicateLines) are there more than once"
        return ["\(lines) lines in \(files.count) files: \(state); \(pending) not read yet, \(quarantined) in quarantine"]
            + runs.prefix(Self.maxRuns).map(\.sentence)
            + (runs.count > Self.maxRuns ? ["and \(runs.count - Self.maxRuns) more of these"] : [])
    }
}
