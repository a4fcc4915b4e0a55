import Columns
import Foundation
import Lake
import Logging
import Parsing
import Telemetry

/// Rebuilds silver, gold, quarantine and late tables from bronze, after a parser or a definition has changed.
///
/// All of bronze is read, whatever the range, because a window needs all its rows. The new rows replace the old ones table by
/// table, each in
/// one version; a checkpoint that names all of them is renamed into place first, so that after a crash the next start of the
/// pipeline, or of
/// the replay, finishes the work. A replay of everything also leaves the checkpoint of the stream as if the definition at hand
/// had always
/// run: positions as they were, open windows as they are now. So a changed definition goes on without reading its sources again.
///
/// Windows of rows from `obs process` are closed at the end, as they were then. Windows of rows from a stream stay open from its
/// watermark on.
/// Rules and models do not see replayed rows, so that nobody is notified of old events.
public struct PipelineReplay {
    /// Which rows are replayed, and where they go.
    public struct Options: Sendable {
        /// Rows whose event time is in the range are replaced; nil replaces all.
        public var range: Range<Timestamp>?
        /// Replaces rows also where retention has removed the lines that they were made of: those rows are gone then.
        public var acceptsLoss = false
        /// A suffix for the names of tables that are made beside those in use, which stay as they are.
        public var beside: String?

        /// All rows of the tables in use.
        public init() {}
    }

    /// What a replay did.
    public struct Summary: Sendable {
        /// Raw lines read from bronze.
        public var lines = 0
        /// Rows of silver tables.
        public var events = 0
        /// By table, sorted: the rows that were written.
        public var tables: [(name: String, rows: Int)] = []
    }

    /// The source of what `obs process` brings, or the beginning of its name; no source of a stream is called so.
    public static let batchSource = "files"

    private let definition: PipelineDefinition
    private let lake: Lake
    private let context: ParsingContext
    private let tables: PipelineTables
    private let schemas: PipelineSchemas
    private let options: Options
    private let live: Lane
    private let batch: Lane

    /// Rows that share a watermark and windows: those of the stream, or those of batch runs.
    private final class Lane {
        var state: PipelineState
        /// By partition, its last stretch of lines and when the last of them arrived.
        var last: [String: (run: Run, arrival: Int64)] = [:]

        init(_ graph: PipelineGraph) { state = PipelineState(graph: graph) }
    }

    private init(
        _ definition: PipelineDefinition, lake: Lake, context: ParsingContext, scorers: @escaping ScorerProvider,
        options: Options,
        logger: Logger
    ) throws {
        self.definition = definition
        self.lake = lake
        self.context = context
        self.options = options
        let schemas = try PipelineSchemas(definition)
        self.schemas = schemas
        let formats = try definition.inputs.map { try LogFormats.make($0.format, context: context, options: $0.options).schema }
        let names = PipelineTables.TableNames(suffix: options.beside.map { "_\($0)" } ?? "")
        tables = try PipelineTables(
            definition, lake: lake, schemas: schemas, formats: formats, names: names, writesBronze: false, range: options.range)
        let metrics = StepMetrics(MetricsRegistry(), definition)
        func makeLane() throws -> Lane {
            Lane(
                try PipelineGraph(
                    definition, schemas: schemas, formats: formats, scorers: scorers, metrics: metrics, logger: logger))
        }
        live = try makeLane()
        batch = try makeLane()
    }

    /// Runs a replay; blocks until it is committed.
    ///
    /// - Parameter progress: called with the number of lines read so far.
    /// - Throws: ``PipelineError/locked(pipeline:)`` while the pipeline runs, ``PipelineError/definitionChanged(pipeline:)`` for
    /// a range when the
    ///   rest of the rows was made by another definition.
    public static func run(
        _ definition: PipelineDefinition, lake: Lake, checkpoints: String, context: ParsingContext = ParsingContext(),
        scorers: @escaping ScorerProvider = { _ in nil }, options: Options, logger: Logger, progress: (Int) -> Void = { _ in }
    ) throws -> Summary {
        // Both locks are held until the end: nothing is added to bronze that the replay has not seen.
        let folders = try ["", "-batch"].map {
            try CheckpointFolder(path: "\(checkpoints)/\(definition.name)\($0)", pipeline: definition.name)
        }
        let old = try folders.map { try $0.load() }
        try checkBronze(definition, lake, options)
        if options.beside == nil {
            for (checkpoint, suffix) in zip(old, ["", "-batch"]) {
                if let checkpoint { try finish(checkpoint, lake: lake, application: definition.name + suffix) }
            }
            if options.range != nil {
                for checkpoint in old.compactMap({ $0 }) where checkpoint.definitionHash != definition.fingerprint {
                    throw PipelineError.definitionChanged(pipeline: definition.name)
                }
            }
        }
        let replay = try PipelineReplay(
            definition, lake: lake, context: context, scorers: scorers, options: options, logger: logger)
        do {
            var summary = try replay.work(until: try old[0].map(PipelineState.watermark), progress)
            let files = try replay.tables.finish()
            summary.tables = replay.tables.openTables.map { name in (name, files[name]?.reduce(0) { $0 + $1.rowCount } ?? 0) }
            try replay.commit(files, folders, old)
            return summary
        } catch {
            replay.tables.discard()
            throw error
        }
    }

    /// Checks that bronze has all lines of the rows that are to be replaced. A line arrives after its event, so that the events
    /// since a time are of the lines since then.
    private static func checkBronze(_ definition: PipelineDefinition, _ lake: Lake, _ options: Options) throws {
        guard options.beside == nil, !options.acceptsLoss else { return }
        let known = Set(try lake.tables())
        for input in definition.inputs where known.contains("bronze.\(input.table)") {
            guard let since = try lake.table("bronze.\(input.table)").wholeSince else { continue }
            guard let range = options.range, range.lowerBound >= since else {
                throw PipelineError.incompleteBronze(pipeline: definition.name, table: "bronze.\(input.table)", since: since)
            }
        }
    }

    /// Commits what a crash of the pipeline left half done.
    private static func finish(_ checkpoint: Checkpoint, lake: Lake, application: String) throws {
        for (name, data) in checkpoint.pending {
            let files = try JSONDecoder().decode([DataFile].self, from: data)
            try lake.table(name).commit(adding: files, transaction: (application, checkpoint.epoch))
        }
        for (name, replacement) in checkpoint.replacing ?? [:] {
            try replacement.commit(to: lake.table(name), transaction: (application, checkpoint.epoch))
        }
    }

    // MARK: Reading bronze

    /// - Parameter closed: how far the stream had closed windows; what it still has open stays open.
    private func work(until closed: Int64?, _ progress: (Int) -> Void) throws -> Summary {
        var summary = Summary()
        let known = Set(try lake.tables())
        let inputs = definition.inputs.enumerated().filter { known.contains("bronze.\($1.table)") }
        // A first look at the partitions alone: the watermark must wait for those whose lines come last.
        for (_, input) in inputs {
            try lake.table("bronze.\(input.table)").scan(columns: ["source", "file"]) { batch in
                for run in Self.runs(batch) {
                    lane(run.source).state.partitions.expect(watermarkKey(run), lateness: input.allowedLateness, now: .now)
                }
                return true
            }
        }
        for (index, input) in inputs {
            try lake.table("bronze.\(input.table)").scan { batch in
                for run in Self.runs(batch) {
                    try work(on: batch.slice(run.rows), of: run, input: index, lane(run.source), &summary)
                }
                summary.lines += batch.count
                progress(summary.lines)
                return true
            }
        }
        try flush(batch, &summary)
        try write(batch.state.graph.advance(to: .max).gold)
        try flush(live, &summary)
        // Partitions that a run did not wait for because they were idle are waited for here: what the run closed is closed all
        // the same.
        let reached = live.state.partitions.advance(now: .now, idleAfter: nil)
        try write(live.state.graph.advance(to: max(closed ?? .min, reached)).gold)
        return summary
    }

    fileprivate struct Run {
        let source: String
        let file: String
        var rows: Range<Int>
    }

    /// The stretches of rows of one source and file.
    private static func runs(_ batch: Batch) -> [Run] {
        let sources = batch["source"]!, files = batch["file"]!
        var runs: [Run] = []
        for row in 0..<batch.count {
            if let last = runs.indices.last, isEqual(sources, row - 1, row), isEqual(files, row - 1, row) {
                runs[last].rows = runs[last].rows.lowerBound..<(row + 1)
            } else {
                runs.append(Run(source: sources.string(at: row) ?? "", file: files.string(at: row) ?? "", rows: row..<(row + 1)))
            }
        }
        return runs
    }

    private static func isEqual(_ column: Column, _ left: Int, _ right: Int) -> Bool {
        if case .dictionary(let values) = column.values {
            return values.codes[column.range.lowerBound + left] == values.codes[column.range.lowerBound + right]
        }
        return column.withBytes(at: left) { a in column.withBytes(at: right) { b in a.isEqual(to: b) } }
    }

    private func lane(_ source: String) -> Lane {
        source == Self.batchSource || source.hasPrefix(Self.batchSource + "-") ? batch : live
    }

    /// The key of the watermark that the lines had in the run that brought them.
    private func watermarkKey(_ run: Run) -> String {
        ParsingJob.partition(definition.schedule == nil || lane(run.source) === batch ? run.file : "", of: run.source)
    }

    /// Parses lines of one partition and works on their events.
    private func work(on lines: Batch, of run: Run, input index: Int, _ lane: Lane, _ summary: inout Summary) throws {
        let partition = ParsingJob.partition(run.file, of: run.source)
        var format = try lane.state.formats[partition]?.format ?? makeFormat(index, lane)
        let parsed = RawLines.parse(lines, with: &format), due = format.due()
        lane.state.formats[partition] = PartitionFormat(input: index, format: format, lastEpoch: 0)
        lane.last[partition] = (run, lines["arrival_time"]?.integer(at: lines.count - 1) ?? 0)
        try work(on: parsed, of: run, lines, input: index, lane, &summary)
        for due in due.map({ $0.of(source: run.source) }) {
            try work(on: due.parsed, of: run, due.lines, input: index, lane, &summary)
        }
    }

    /// Takes events through the stages and writes what comes out.
    private func work(
        on parsed: ParsedBatch, of run: Run, _ lines: Batch, input index: Int, _ lane: Lane, _ summary: inout Summary
    ) throws {
        let input = definition.inputs[index]
        let arrivals = lines["arrival_time"]!.gather(parsed.lineRows.map(Int.init))
        let observed = lane.state.partitions.observe(
            parsed.events, arrivals: arrivals, of: watermarkKey(run), input: input, idleAfter: definition.idleAfter, now: .now)
        let output = try lane.state.graph.run(
            parsed.events, input: index, rowWatermarks: observed.watermarks, arrivals: arrivals)
        if !observed.ahead.isEmpty { try tables.keepAhead(observed.ahead, of: parsed.events, arrivals: arrivals, input) }
        _ = try tables.write(output, of: parsed, lines: lines, input: input)
        try write(output.gold)
        try write(lane.state.graph.advance(to: lane.state.partitions.advance(now: .now, idleAfter: nil)).gold)
        summary.events += output.silver?.batch.count ?? 0
    }

    private func makeFormat(_ input: Int, _ lane: Lane) throws -> any LogFormat {
        let input = definition.inputs[input]
        var context = context
        context.ordersLines = lane === batch
        return try LogFormats.make(input.format, context: context, options: input.options)
    }

    /// Works on the records that wait for another line, as the run did: at the end of a file of a batch, and of a stream in
    /// which nothing has come for a while.
    private func flush(_ lane: Lane, _ summary: inout Summary) throws {
        let now = Timestamp.now.microseconds
        for (partition, last) in lane.last.sorted(by: { $0.key < $1.key })
        where lane === batch || now - last.arrival >= definition.flushAfter.inMicroseconds {
            guard let flushed = lane.state.formats[partition]?.format.flush()?.of(source: last.run.source),
                let input = lane.state.formats[partition]?.input
            else { continue }
            try work(on: flushed.parsed, of: last.run, flushed.lines, input: input, lane, &summary)
        }
    }

    private func write(_ gold: [(table: String, rows: Batch, isWindow: Bool)]) throws {
        for (table, rows, _) in gold { try tables.append(rows, to: tables.names.gold(table)) }
    }

    // MARK: Putting it in place

    private func commit(_ files: [String: [DataFile]], _ folders: [CheckpointFolder], _ old: [Checkpoint?]) throws {
        let replacing = try replacements(files).sorted { $0.key < $1.key }
        guard options.beside == nil else {
            for (name, replacement) in replacing { try replacement.commit(to: lake.table(name)) }
            return
        }
        let checkpoint = try checkpoint(after: old[0], replacing: Dictionary(uniqueKeysWithValues: replacing))
        try folders[0].save(checkpoint)
        if options.range == nil, var other = old[1], other.definitionHash != definition.fingerprint {
            other.definitionHash = definition.fingerprint
            other.pending = [:]
            other.states = other.states.filter { $0.key.isOfObserver }
            try folders[1].save(other)
        }
        for (name, replacement) in replacing {
            try replacement.commit(to: lake.table(name), transaction: (definition.name, checkpoint.epoch))
        }
    }

    /// By table, the files that take the place of its rows.
    private func replacements(_ files: [String: [DataFile]]) throws -> [String: Replacement] {
        let names = Set(try lake.tables())
        var replacing: [String: Replacement] = [:]
        for (name, column) in tables.names.timeColumns(definition, schemas) where names.contains(name) {
            replacing[name] = Replacement(
                files: files[name] ?? [], column: options.range == nil ? nil : column, from: options.range?.lowerBound,
                to: options.range?.upperBound)
        }
        return replacing
    }

    /// The checkpoint with which the stream goes on from the replayed rows.
    private func checkpoint(after old: Checkpoint?, replacing: [String: Replacement]) throws -> Checkpoint {
        let seen = try replacing.keys.compactMap { try lake.table($0).lastTransaction(of: definition.name) }.max() ?? 0
        var checkpoint =
            old
            ?? Checkpoint(
                pipeline: definition.name, definitionHash: definition.fingerprint, epoch: 0, positions: [:], states: [:],
                pending: [:], exportSizes: [:])
        checkpoint.epoch = max(checkpoint.epoch, seen) + 1
        checkpoint.pending = [:]
        checkpoint.replacing = replacing
        guard options.range == nil else { return checkpoint }
        checkpoint.definitionHash = definition.fingerprint
        if old != nil {
            let fresh = try definition.inputs.indices.map { try makeFormat($0, live).state }
            let states = try live.state.parts(fresh: fresh)
            checkpoint.states = checkpoint.states.filter { $0.key.isOfObserver }.merging(states) { $1 }
        }
        return checkpoint
    }
}
