import Columns
import Foundation
import Lake
import Logging
import Parsing
import Telemetry

/// Makes silver, gold, quarantine and late tables anew from bronze, which is the truth: after a parser has learned, after a definition has changed.
///
/// Everything in bronze is read, whatever the range, because a window needs all its rows. The rows are put in place of the old ones table by table, each in one
/// version; a checkpoint that names all of them is renamed into place first, so that after a crash the next start of the pipeline, or of the replay,
/// finishes. A replay of everything also leaves the checkpoint of the stream as if the definition at hand had always run: positions as they were, open
/// windows as they are now. That is how a changed definition goes on without reading its sources again.
///
/// What `obs process` brought is closed at its end, as there. What a stream brought stays open from its watermark on. Rules and models do not see
/// replayed rows: nobody is told of what was long ago.
public struct PipelineReplay {
    public struct Options: Sendable {
        /// Rows of that time are replaced; the upper bound does not belong to it. Nil replaces all.
        public var range: Range<Timestamp>?
        /// Behind the names of tables beside those in use, which stay as they are.
        public var beside: String?

        public init() {}
    }

    public struct Summary: Sendable {
        public var lines = 0
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
        var graph: PipelineGraph
        var partitions = PartitionWatermarks()
        var formats: [String: Partition] = [:]

        struct Partition {
            var input: Int
            var run: Run
            var format: any LogFormat
            var lastArrival: Int64
        }

        init(_ graph: PipelineGraph) { self.graph = graph }
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
    /// - Parameter progress: told how many lines were read.
    /// - Throws: ``PipelineError/locked(pipeline:)`` while the pipeline runs, ``PipelineError/definitionChanged(pipeline:)`` for a range under another
    ///   definition than the one that made the rest.
    public static func run(
        _ definition: PipelineDefinition, lake: Lake, checkpoints: String, context: ParsingContext = ParsingContext(),
        scorers: @escaping ScorerProvider = { _ in nil }, options: Options, logger: Logger, progress: (Int) -> Void = { _ in }
    ) throws -> Summary {
        // Both locks are held until the end: nothing is added to bronze that the replay has not seen.
        let folders = try ["", "-batch"].map {
            try CheckpointFolder(path: "\(checkpoints)/\(definition.name)\($0)", pipeline: definition.name)
        }
        let old = try folders.map { try $0.load() }
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
            var summary = try replay.work(until: try old[0].map(watermark), progress)
            let files = try replay.tables.finish()
            summary.tables = replay.tables.openTables.map { name in (name, files[name]?.reduce(0) { $0 + $1.rowCount } ?? 0) }
            try replay.commit(files, folders, old)
            return summary
        } catch {
            replay.tables.discard()
            throw error
        }
    }

    /// Commits what a crash of the pipeline left half done.
    private static func finish(_ checkpoint: Checkpoint, lake: Lake, application: String) throws {
        for (name, data) in checkpoint.pending {
            let files = try JSONDecoder().decode([DataFile].self, from: data)
            try lake.table(name).commit(adding: files, transaction: (application, checkpoint.epoch))
        }
        for (name, replacement) in checkpoint.replacing ?? [:] {
            try replacement.commit(to: lake.table(name), application: application, epoch: checkpoint.epoch)
        }
    }

    private static func watermark(of checkpoint: Checkpoint) throws -> Int64 {
        guard let state = checkpoint.states["watermarks"] else { return .min }
        var reader = StateReader(state)
        return try reader.int64()
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
                    lane(run.source).partitions.expect(clock(run), lateness: input.allowedLateness, now: .now)
                }
                return true
            }
        }
        for (index, input) in inputs {
            try lake.table("bronze.\(input.table)").scan { batch in
                for run in Self.runs(batch) {
                    try take(batch.slice(run.rows), input: index, lane(run.source), run, &summary)
                }
                summary.lines += batch.count
                progress(summary.lines)
                return true
            }
        }
        try flush(batch, &summary)
        try write(batch.graph.advance(to: .max).gold)
        try flush(live, &summary)
        // Partitions that a run did not wait for because they were idle are waited for here: what the run closed is closed all the same.
        try write(live.graph.advance(to: max(closed ?? .min, live.partitions.advance(now: .now, idleAfter: nil))).gold)
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

    /// What the lines share a watermark with, as in the run that brought them.
    private func clock(_ run: Run) -> String {
        ParsingJob.partition(definition.schedule == nil || lane(run.source) === batch ? run.file : "", of: run.source)
    }

    private func take(_ lines: Batch, input index: Int, _ lane: Lane, _ run: Run, _ summary: inout Summary) throws {
        let input = definition.inputs[index]
        let partition = ParsingJob.partition(run.file, of: run.source)
        var format =
            try lane.formats[partition]?.format ?? LogFormats.make(input.format, context: context, options: input.options)
        let parsed = RawLines.parse(lines, with: &format)
        lane.formats[partition] = .init(
            input: index, run: run, format: format, lastArrival: lines["arrival_time"]?.integer(at: lines.count - 1) ?? 0)
        try take(parsed, lines, input, lane, run, &summary)
    }

    private func take(
        _ parsed: ParsedBatch, _ lines: Batch, _ input: InputDefinition, _ lane: Lane, _ run: Run, _ summary: inout Summary
    ) throws {
        let arrivals = lines["arrival_time"]!.gather(parsed.lineRows.map(Int.init))
        let observed = lane.partitions.observe(
            parsed.events, arrivals: arrivals, of: clock(run), input: input, idleAfter: definition.idleAfter, now: .now)
        let output = try lane.graph.take(
            parsed.events, input: definition.inputs.firstIndex(of: input)!, rowWatermarks: observed.watermarks, arrivals: arrivals
        )
        if !observed.ahead.isEmpty { try tables.keepAhead(observed.ahead, of: parsed.events, arrivals: arrivals, input) }
        _ = try tables.write(output, of: parsed, lines: lines, input: input)
        try write(output.gold)
        try write(lane.graph.advance(to: lane.partitions.advance(now: .now, idleAfter: nil)).gold)
        summary.events += output.silver?.batch.count ?? 0
    }

    /// Takes the records that wait for another line, as the run did: at the end of a file of a batch, and of a stream where nothing has come for a while.
    private func flush(_ lane: Lane, _ summary: inout Summary) throws {
        let now = WallClock.microseconds
        for (partition, entry) in lane.formats.sorted(by: { $0.key < $1.key })
        where lane === batch || now - entry.lastArrival >= definition.flushAfter.inMicroseconds {
            guard let flushed = lane.formats[partition]!.format.flush()?.of(source: entry.run.source) else { continue }
            try take(flushed.parsed, flushed.lines, definition.inputs[entry.input], lane, entry.run, &summary)
        }
    }

    private func write(_ gold: [(table: String, rows: Batch, isWindow: Bool)]) throws {
        for (table, rows, _) in gold { try tables.append(rows, to: tables.names.gold(table)) }
    }

    // MARK: Putting it in place

    private func commit(_ files: [String: [DataFile]], _ folders: [CheckpointFolder], _ old: [Checkpoint?]) throws {
        let columns = tables.names.timeColumns(definition, schemas)
        let names = Set(try lake.tables())
        var replacing: [String: Replacement] = [:]
        for (name, column) in columns where names.contains(name) {
            replacing[name] = Replacement(
                files: files[name] ?? [], column: options.range == nil ? nil : column, from: options.range?.lowerBound,
                to: options.range?.upperBound)
        }
        guard options.beside == nil else {
            for (name, replacement) in replacing.sorted(by: { $0.key < $1.key }) {
                let times = options.range.flatMap { range in columns[name].map { ($0, range) } }
                try lake.table(name).replace(times: times, with: replacement.files)
            }
            return
        }
        let seen = try replacing.keys.compactMap { try lake.table($0).lastTransaction(of: definition.name) }.max() ?? 0
        var checkpoint =
            old[0]
            ?? Checkpoint(
                pipeline: definition.name, definitionHash: definition.fingerprint, epoch: 0, positions: [:], states: [:],
                pending: [:],
                replacing: nil, exportSizes: [:])
        checkpoint.epoch = max(checkpoint.epoch, seen) + 1
        checkpoint.pending = [:]
        checkpoint.replacing = replacing
        if options.range == nil {
            checkpoint.definitionHash = definition.fingerprint
            if old[0] != nil { checkpoint.states = try states(of: live, keeping: checkpoint.states) }
        }
        try folders[0].save(checkpoint)
        if options.range == nil, var other = old[1], other.definitionHash != definition.fingerprint {
            other.definitionHash = definition.fingerprint
            other.pending = [:]
            other.states = other.states.filter { $0.key.hasPrefix("observer") }
            try folders[1].save(other)
        }
        for (name, replacement) in replacing.sorted(by: { $0.key < $1.key }) {
            try replacement.commit(to: lake.table(name), application: definition.name, epoch: checkpoint.epoch)
        }
    }

    private func states(of lane: Lane, keeping old: [String: Data]) throws -> [String: Data] {
        var states = old.filter { $0.key.hasPrefix("observer") }
        states["graph"] = lane.graph.snapshot()
        var watermarks = StateWriter()
        lane.partitions.encode(to: &watermarks)
        states["watermarks"] = watermarks.data
        var hosts = StateWriter()
        lane.partitions.encodeHosts(to: &hosts)
        states["clocks"] = hosts.data
        for (partition, entry) in lane.formats {
            let fresh = try LogFormats.make(
                definition.inputs[entry.input].format, context: context, options: definition.inputs[entry.input].options
            ).state
            let state = try entry.format.state
            if state != fresh { states["format/\(entry.input)/\(partition)"] = state }
        }
        return states
    }
}
