import Columns
import Foundation
import Ingest
import Lake
import Logging
import Parsing
import ServiceLifecycle
import Telemetry

/// Runs one pipeline: lines from its sources through bronze, silver and gold, epoch by epoch, exactly once (see ``Checkpoint``).
///
///     sources ─▶ channel ─▶ parse ─▶ channel ─▶ steps ─┬▶ observers (rules, models)     at once, in memory
///                  (bounded)  ahead     (bounded)      ├▶ bronze, silver, quarantine    data files of the epoch
///                                                      └▶ streams, windows ─▶ gold, late
///     every commit interval: data files, checkpoint, Delta commits
///
/// The next lines are parsed while these are worked on. An actor whose ``run(_:mode:)`` is the one task that touches the state.
/// It runs once: then it gives back the lock of its checkpoints, and whoever goes on from them makes another.
public actor PipelineRunner {
    /// When a run ends, and what becomes of windows that are open then.
    public enum Mode: Sendable {
        /// Until the service is asked to stop. Open windows stay open, in the checkpoint.
        case stream
        /// Until the sources end; then every window is closed.
        case batch
        /// Until the sources end. Open windows stay open: a later run goes on with them.
        case available
    }

    /// A batch run commits after so many lines, so that a crash late in a long run does not cost all of it.
    private static let linesPerEpoch = 16 << 20

    /// A stream commits after so many lines too, and soon after its start: a process that never lives for a whole commit
    /// interval still gets on.
    private static let linesPerStreamEpoch = 2 << 20
    private static let firstCommit = Duration.milliseconds(200)

    /// Of how many partitions the format is remembered: a file that goes on growing is among the newest.
    static let keptFormats = 1000

    let definition: PipelineDefinition
    let folder: CheckpointFolder
    private let streamFolder: CheckpointFolder?
    let checkpoints: String
    let application: String
    let observers: ObserverLane
    let metrics: PipelineMetrics
    let logger: Logger
    let context: ParsingContext
    let names: PipelineTables.TableNames
    /// By input: what its format's state is before the first line.
    let freshStates: [Data]

    let tables: PipelineTables
    var state: PipelineState
    var positions: [String: SourcePosition] = [:]
    /// By the name of a source: the input that its lines are.
    var inputs: [String: String] = [:]
    /// What the other run of the pipeline has read; see `recallOthers`.
    var others: [String: SourcePosition] = [:]
    var othersInputs: [String: String] = [:]
    var epoch: Int64 = 0
    var linesInEpoch = 0
    /// Whether there is anything since the last commit.
    var hasNews = false
    private var summary = Summary()
    private var hasWarnedOfRoom = false

    /// Opens the tables and finishes what a crash left half done.
    ///
    /// - Parameters:
    ///   - checkpoints: the folder under which this pipeline has its own.
    ///   - variant: runs of one pipeline that must not share their state, such as `batch` beside the stream, have one each.
    ///   - context: what the formats must know that the lines do not say.
    ///   - scorers: the models that steps may ask.
    public init(
        _ definition: PipelineDefinition, lake: Lake, checkpoints: String, variant: String? = nil,
        context: ParsingContext = ParsingContext(), exportFolder: String, observers: [any PipelineObserver] = [],
        scorers: @escaping ScorerProvider = { _ in nil }, metrics registry: MetricsRegistry, logger: Logger,
        startsAnew: Bool = false
    ) async throws {
        let schemas = try PipelineSchemas(definition)
        self.definition = definition
        self.observers = ObserverLane(observers)
        self.context = context
        var logger = logger
        logger[metadataKey: "pipeline"] = "\(definition.name)"
        self.logger = logger
        application = variant.map { "\(definition.name)-\($0)" } ?? definition.name
        self.checkpoints = checkpoints
        streamFolder = try Self.lockStream(of: definition, in: checkpoints, for: variant)
        folder = try CheckpointFolder(path: checkpoints + "/" + application, pipeline: definition.name)
        if startsAnew { try folder.setAside() }
        metrics = PipelineMetrics(registry, definition)
        let formats = try Self.formats(of: definition, context)
        let parsed = formats.map(\.schema)
        freshStates = try formats.map { try $0.state }
        names = PipelineTables.TableNames()
        tables = try PipelineTables(definition, lake: lake, schemas: schemas, formats: parsed, names: names, writesBronze: true)
        state = PipelineState(
            graph: try PipelineGraph(
                definition, schemas: schemas, formats: parsed, scorers: scorers,
                metrics: StepMetrics(registry, definition), logger: logger))
        try await recover(exportFolder: exportFolder)
    }

    /// Runs the only input of the pipeline from `sources`; see ``run(_:mode:)-([PipelineSource],_)``.
    public func run(_ sources: [any Source], mode: Mode) async throws -> Summary {
        try await run(sources.map { PipelineSource($0) }, mode: mode)
    }

    /// Runs until the sources end or the service is to stop; everything read is committed when it returns.
    ///
    /// - Throws: the error of a source or table, or ``ExpectationFailure``. The current epoch is dropped then, and the next run
    /// reads its lines
    ///   again.
    public func run(_ sources: [PipelineSource], mode: Mode) async throws -> Summary {
        precondition(folder.isOpen, "a runner runs once")
        defer {
            folder.close()
            streamFolder?.close()
        }
        for source in sources { inputs[source.source.name] = try definition.input(source.input).name }
        let feeds = try sources.map { source in
            let input = try definition.input(source.input)
            return PipelineIntake.Feed(
                source: source.source, input: definition.inputs.firstIndex(of: input)!,
                position: position(of: source.source.name, input: input.name))
        }
        for feed in feeds {
            let lateness = definition.inputs[feed.input].allowedLateness
            for partition in mode == .available ? [""] : feed.source.partitions {
                state.partitions.expect(ParsingJob.partition(partition, of: feed.source.name), lateness: lateness, now: .now)
            }
        }
        let intake = PipelineIntake(
            feeds, mode: mode, known: state.formats, fresh: try Self.formats(of: definition, context),
            flushAfter: definition.flushAfter)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await intake.run() }
                do {
                    try await self.work(intake.jobs, mode: mode)
                } catch {
                    await intake.abandon()
                    throw error
                }
                try await group.waitForAll()
            }
        } catch {
            await observers.abandon()
            tables.discard()
            for lane in tables.bronze { await lane.discard() }
            throw error
        }
        return summary
    }

    // MARK: Working

    private func work(_ jobs: PipelineChannel<PipelineIntake.Delivery>, mode: Mode) async throws {
        // What is expected of an epoch is expected of one of the usual length.
        let isSoon = mode == .stream && !state.graph.expectsOfEpochs
        var pause = isSoon ? min(Self.firstCommit, definition.commitInterval) : definition.commitInterval
        var deadline = ContinuousClock.now + pause
        while true {
            switch await jobs.receive(until: deadline) {
            case .element(.job(let job)):
                try await finish(job, mode: mode)
                metrics.queueDepth.set(Double(await jobs.depth))
                if mode != .stream, linesInEpoch >= Self.linesPerEpoch { try await commit() }
            case .element(.ended(let source)):
                // A stream goes on where it ended; what a batch has read to the end says nothing any more.
                if mode == .batch { state.partitions.end(source: source) }
                if mode == .available { state.partitions.excuse(source) }
                if mode != .stream { try await advance(mode) }
            case .element(.interrupted): summary.isInterrupted = true
            case .timedOut: try await advance(mode)
            case .finished:
                if mode == .batch, !summary.isInterrupted { try await closeEverything() }
                // A run that found nothing is asked too whether it has enough rows.
                try await commit(isRun: mode != .stream)
                return
            }
            if ContinuousClock.now >= deadline || isSoon && linesInEpoch >= Self.linesPerStreamEpoch {
                if mode == .stream {
                    state.graph.pass(.now)
                    try await commit()
                }
                pause = min(pause * 2, definition.commitInterval)
                deadline = .now + pause
            }
        }
    }

    /// Works on the lines of a job, once they are parsed, and on the record that its format gave behind them.
    private func finish(_ job: ParsingJob, mode: Mode) async throws {
        let outcome = await job.outcome
        if job.chunk != nil || !outcome.flushed.isEmpty {
            state.formats[job.partition] = PartitionFormat(input: job.input, format: outcome.format, lastEpoch: epoch)
            hasNews = true
        }
        if let chunk = job.chunk, let parsed = outcome.parsed {
            positions[job.source] = chunk.position
            if !chunk.lines.isEmpty { try await work(on: Lines(raw: chunk.lines, parsed: parsed, areNew: true), of: job, mode) }
            if chunk.asksForCommit { try await commit(isEarly: true) }
        }
        for flushed in outcome.flushed {
            try await work(on: Lines(raw: flushed.lines, parsed: flushed.parsed, areNew: false), of: job, mode)
        }
        if job.endsPartition {
            state.partitions.end(job.watermarkKey)
            try await advance(mode)
        }
    }

    /// Lines, and what their format made of them.
    private struct Lines {
        let raw: Batch
        let parsed: ParsedBatch
        /// False for lines that are in bronze already.
        let areNew: Bool
        /// By event, when its line arrived.
        let arrivals: Column
        let byteCount: Int

        init(raw: Batch, parsed: ParsedBatch, areNew: Bool) {
            self.raw = raw
            self.parsed = parsed
            self.areNew = areNew
            arrivals = raw["arrival_time"]!.gather(parsed.lineRows.map(Int.init))
            guard areNew, case .text(let texts) = raw["line"]?.values, let range = raw["line"]?.range else {
                byteCount = 0
                return
            }
            byteCount = Int(texts.offsets[range.upperBound] - texts.offsets[range.lowerBound])
        }
    }

    /// Takes lines and their events through bronze, the stages, the observers and the other tables.
    private func work(on lines: Lines, of job: ParsingJob, _ mode: Mode) async throws {
        let input = definition.inputs[job.input]
        if lines.areNew { count(arrived: lines, of: input) }
        let bronze = tables.bronze[job.input], meter = metrics.bronze
        async let bronzeWritten: Void = Self.append(lines, to: bronze, meter)
        let observed = state.partitions.observe(
            lines.parsed.events, arrivals: lines.arrivals, of: job.watermarkKey, input: input, idleAfter: definition.idleAfter,
            now: .now)
        let start = ContinuousClock.now
        var output = try state.graph.run(
            lines.parsed.events, input: job.input, rowWatermarks: observed.watermarks, arrivals: lines.arrivals)
        let staged = ContinuousClock.now - start
        // Alerts do not wait for the lake: rules and models look at the events while they are written.
        let silver = output.silver!
        try await show(silver, of: lines, input)
        metrics.counters[input.format]?.count(silver.batch)
        let written = try tables.write(output, of: lines.parsed, lines: lines.raw, input: input)
        if !observed.ahead.isEmpty {
            try tables.keepAhead(observed.ahead, of: lines.parsed.events, arrivals: lines.arrivals, input)
        }
        let closing = ContinuousClock.now
        let closed = try state.graph.advance(
            to: state.partitions.advance(now: .now, idleAfter: mode == .stream ? definition.idleAfter : nil))
        warnOfRoom(closed)
        output.gold += closed.gold
        metrics.windows.record(
            StageCounts(ok: output.windowed + closed.windowed, late: output.lateForWindows), took: staged + (.now - closing))
        // The observers have seen the events of a window before they see the window.
        try await write(output.gold)
        try await bronzeWritten
        count(lines, output, written, ahead: observed.ahead.count, of: input)
        showState()
    }

    private static func append(_ lines: Lines, to bronze: PipelineTables.BronzeLane, _ meter: StageMeter) async throws {
        guard lines.areNew else { return }
        let start = ContinuousClock.now
        try await bronze.append(lines.raw)
        meter.record(StageCounts(ok: lines.raw.count, bytesIn: lines.byteCount), took: .now - start)
    }

    /// Lets the observers see the events that are in silver.
    private func show(_ silver: Flow, of lines: Lines, _ input: InputDefinition) async throws {
        let rows = silver.origins!.map { lines.parsed.lineRows[Int($0)] }
        let seen = ParsedBatch(events: silver.batch, lineRows: rows, rejected: lines.parsed.rejected), raw = lines.raw
        try await observers.notify(metrics.observers, rows: rows.count) { observer in
            try await observer.observe(seen, lines: raw, input: input.name)
        }
    }

    private func count(arrived lines: Lines, of input: InputDefinition) {
        metrics.source.record(StageCounts(ok: lines.raw.count, bytesOut: lines.byteCount))
        if let arrival = lines.raw["arrival_time"]?.integer(at: 0) {
            metrics.lag.set(max(0, Double(Timestamp.now.microseconds - arrival) / 1e6))
        }
        linesInEpoch += lines.raw.count
        summary.lines += lines.raw.count
        summary.count("bronze.\(input.table)", in: lines.raw.count, out: lines.raw.count)
    }

    /// Counts what became of lines, for the metrics and for the summary of the run.
    private func count(
        _ lines: Lines, _ output: PipelineGraph.Output, _ written: PipelineTables.Written, ahead: Int, of input: InputDefinition
    ) {
        let events = lines.parsed.events.count, silver = output.silver!.batch.count, notes = output.notes
        metrics.silver.record(
            StageCounts(ok: events, quarantined: lines.parsed.rejected.count, bytesIn: lines.byteCount))
        if written.quarantined > 0 { metrics.quarantine.record(StageCounts(ok: written.quarantined)) }
        if written.late > 0 { metrics.late.record(StageCounts(ok: written.late)) }
        let dropped = notes.filtered + notes.dropped.count + notes.droppedJoined.count
        metrics.steps.record(StageCounts(ok: silver, dropped: dropped, duplicate: notes.duplicates))
        if ahead > 0 { metrics.ahead[definition.name, input.name].increment(by: ahead) }
        summary.events += silver
        summary.quarantined += written.quarantined
        summary.late += written.late
        summary.duplicates += notes.duplicates
        summary.count(names.ahead(input), in: ahead, out: ahead)
        summary.count("parse \(input.name)", in: lines.areNew ? lines.raw.count : 0, out: events)
        summary.count(names.silver(input), in: events, out: silver)
        summary.count(names.quarantine(definition), in: written.quarantined, out: written.quarantined)
        summary.count(names.late(input), in: written.late, out: written.late)
    }

    /// Moves the watermark without new rows: a partition has become idle or has ended.
    private func advance(_ mode: Mode) async throws {
        let before = state.partitions.watermark
        let watermark = state.partitions.advance(now: .now, idleAfter: mode == .stream ? definition.idleAfter : nil)
        guard watermark > before else { return }
        let closed = try state.graph.advance(to: watermark)
        warnOfRoom(closed)
        try await write(closed.gold)
        hasNews = true
        showState()
    }

    private func closeEverything() async throws {
        try await write(try state.graph.advance(to: .max).gold)
        state.graph.reset()
        state.partitions = PartitionWatermarks()
        showState()
    }

    /// Says in the log, once per run, that windows had to give way.
    private func warnOfRoom(_ output: PipelineGraph.Output) {
        guard output.givenEarly > 0, !hasWarnedOfRoom else { return }
        hasWarnedOfRoom = true
        logger.warning(
            "open windows have more groups than max_open_groups: those that are furthest ahead are given before their time",
            metadata: ["max_open_groups": "\(definition.maxOpenGroups)"])
    }

    private func showState() {
        metrics.stateRows.set(Double(state.graph.stateRows))
        metrics.openGroups.set(Double(state.graph.openGroups))
        if state.partitions.watermark > .min { metrics.watermark.set(Double(state.partitions.watermark) / 1e6) }
    }

    private func write(_ gold: [(table: String, rows: Batch, isWindow: Bool)]) async throws {
        for (table, rows, _) in gold {
            summary.windows += rows.count
            summary.count(names.gold(table), in: rows.count, out: rows.count)
            hasNews = true
            try metrics.gold.measure {
                try tables.append(rows, to: names.gold(table))
                return ((), StageCounts(ok: rows.count))
            }
            try await observers.notify(metrics.observers, rows: 0) { try await $0.observe(gold: rows, table: table) }
        }
    }

    private static func formats(
        of definition: PipelineDefinition, _ context: ParsingContext
    ) throws -> [any LogFormat] {
        try definition.inputs.map { try LogFormats.make($0.format, context: context, options: $0.options) }
    }
}
