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
/// The next lines are parsed while these are worked on. An actor whose ``run(_:mode:)`` is the one task that touches the state. It runs once: then it gives back
/// the lock of its checkpoints, and whoever goes on from them makes another.
public actor PipelineRunner {
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

    /// A stream commits after so many lines too, and soon after its start: a process that never lives for a whole commit interval still gets on.
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
    var graph: PipelineGraph
    var partitions = PartitionWatermarks()
    /// By partition: the format behind the last line that was worked on.
    var formats: [String: PartitionFormat] = [:]
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
        metrics = PipelineMetrics(registry, pipeline: definition.name)
        let formats = try definition.inputs.map { try LogFormats.make($0.format, context: context, options: $0.options) }
        let parsed = formats.map(\.schema)
        freshStates = try formats.map { try $0.state }
        names = PipelineTables.TableNames()
        tables = try PipelineTables(definition, lake: lake, schemas: schemas, formats: parsed, names: names, writesBronze: true)
        graph = try PipelineGraph(
            definition, schemas: schemas, formats: parsed, scorers: scorers,
            metrics: StepMetrics(registry, definition), logger: logger)
        try await recover(exportFolder: exportFolder)
    }

    /// Runs the only input of the pipeline from `sources`; see ``run(_:mode:)-([PipelineSource],_)``.
    public func run(_ sources: [any Source], mode: Mode) async throws -> Summary {
        try await run(sources.map { PipelineSource($0) }, mode: mode)
    }

    /// Runs until the sources end or the service is to stop; what was read is committed when it returns.
    ///
    /// - Throws: what a source or a table threw, or ``ExpectationFailure``. The epoch at hand is dropped then, and the next run reads its lines again.
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
                partitions.expect(ParsingJob.partition(partition, of: feed.source.name), lateness: lateness, now: .now)
            }
        }
        let intake = PipelineIntake(
            feeds, mode: mode, known: formats,
            fresh: try definition.inputs.map { try LogFormats.make($0.format, context: context, options: $0.options) },
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
        let isSoon = mode == .stream && !graph.expectsOfEpochs
        var pause = isSoon ? min(Self.firstCommit, definition.commitInterval) : definition.commitInterval
        var deadline = ContinuousClock.now + pause
        while true {
            switch await jobs.receive(until: deadline) {
            case .element(.job(let job)):
                try await take(job, mode: mode)
                metrics.queueDepth.set(Double(await jobs.depth))
                if mode != .stream, linesInEpoch >= Self.linesPerEpoch { try await commit() }
            case .element(.ended(let source)):
                // A stream goes on where it ended; what a batch has read to the end says nothing any more.
                if mode == .batch { partitions.end(source: source) }
                if mode == .available { partitions.excuse(source) }
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
                if mode == .stream { try await commit() }
                pause = min(pause * 2, definition.commitInterval)
                deadline = .now + pause
            }
        }
    }

    private func take(_ job: ParsingJob, mode: Mode) async throws {
        let outcome = await job.outcome
        if job.chunk != nil || outcome.flushed != nil {
            formats[job.partition] = PartitionFormat(input: job.input, format: outcome.format, lastEpoch: epoch)
            hasNews = true
        }
        if let chunk = job.chunk, let parsed = outcome.parsed {
            positions[job.source] = chunk.position
            if !chunk.lines.isEmpty { try await take(parsed, chunk.lines, job, mode, areNew: true) }
            if chunk.asksForCommit { try await commit(isEarly: true) }
        }
        if let flushed = outcome.flushed { try await take(flushed.parsed, flushed.lines, job, mode, areNew: false) }
        if job.endsPartition {
            partitions.end(job.clock)
            try await advance(mode)
        }
    }

    private func count(arrived lines: Batch, of input: InputDefinition, byteCount: Int) {
        metrics.source.record(StageCounts(ok: lines.count, bytesOut: byteCount))
        if let arrival = lines["arrival_time"]?.integer(at: 0) {
            metrics.lag.set(max(0, Double(WallClock.microseconds - arrival) / 1e6))
        }
        linesInEpoch += lines.count
        summary.lines += lines.count
        summary.count("bronze.\(input.table)", in: lines.count, out: lines.count)
    }

    /// Takes what was made of `lines` through the stages.
    ///
    /// - Parameter areNew: false for lines that are in bronze already.
    private func take(_ parsed: ParsedBatch, _ lines: Batch, _ job: ParsingJob, _ mode: Mode, areNew: Bool) async throws {
        let input = definition.inputs[job.input]
        let byteCount = areNew ? Self.byteCount(lines) : 0
        if areNew { count(arrived: lines, of: input, byteCount: byteCount) }
        let bronze = tables.bronze[job.input], meter = metrics.bronze
        async let bronzeWritten: Void = {
            guard areNew else { return }
            let start = ContinuousClock.now
            try await bronze.append(lines)
            meter.record(StageCounts(ok: lines.count, bytesIn: byteCount), took: .now - start)
        }()
        metrics.silver.record(StageCounts(ok: parsed.events.count, quarantined: parsed.rejected.count, bytesIn: byteCount))
        let arrivals = lines["arrival_time"]!.gather(parsed.lineRows.map(Int.init))
        let observed = partitions.observe(
            parsed.events, arrivals: arrivals, of: job.clock, input: input, idleAfter: definition.idleAfter, now: .now)
        let start = ContinuousClock.now
        var output = try graph.take(
            parsed.events, input: job.input, rowWatermarks: observed.watermarks, arrivals: arrivals)
        let taken = ContinuousClock.now - start
        // Alerts do not wait for the lake: rules and models look at the events while they are written.
        let silver = output.silver!
        let seen = ParsedBatch(
            events: silver.batch, lineRows: silver.origins!.map { parsed.lineRows[Int($0)] }, rejected: parsed.rejected)
        try await observers.tell(metrics.observers, rows: seen.events.count) { observer in
            try await observer.observe(seen, lines: lines, input: input.name)
        }
        if input.format == SSHD.name { metrics.count(silver.batch) }
        let written = try tables.write(output, of: parsed, lines: lines, input: input)
        if written.quarantined > 0 { metrics.quarantine.record(StageCounts(ok: written.quarantined)) }
        if !observed.ahead.isEmpty {
            try tables.keepAhead(observed.ahead, of: parsed.events, arrivals: arrivals, input)
            metrics.ahead[definition.name, input.name].increment(by: observed.ahead.count)
            summary.count(names.ahead(input), in: observed.ahead.count, out: observed.ahead.count)
        }
        if written.late > 0 { metrics.late.record(StageCounts(ok: written.late)) }
        let closing = ContinuousClock.now
        let closed = try graph.advance(to: partitions.advance(now: .now, idleAfter: mode == .stream ? definition.idleAfter : nil))
        output.gold += closed.gold
        metrics.windows.record(
            StageCounts(ok: output.windowed + closed.windowed, late: output.lateForWindows),
            took: taken + (.now - closing))
        let dropped = output.notes.filtered + output.notes.dropped.count + output.notes.droppedJoined.count
        metrics.steps.record(StageCounts(ok: silver.batch.count, dropped: dropped, duplicate: output.notes.duplicates))
        // The events of a window were told before the window is.
        try await write(output.gold)
        try await bronzeWritten
        summary.events += silver.batch.count
        summary.quarantined += written.quarantined
        summary.late += written.late
        summary.count("parse \(input.name)", in: areNew ? lines.count : 0, out: parsed.events.count)
        summary.count(names.silver(input), in: parsed.events.count, out: silver.batch.count)
        summary.count(names.quarantine(definition), in: written.quarantined, out: written.quarantined)
        summary.count(names.late(input), in: written.late, out: written.late)
        summary.duplicates += output.notes.duplicates
        showState()
    }

    /// Moves the watermark without new rows: a partition has become idle or has ended.
    private func advance(_ mode: Mode) async throws {
        let before = partitions.watermark
        let watermark = partitions.advance(now: .now, idleAfter: mode == .stream ? definition.idleAfter : nil)
        guard watermark > before else { return }
        try await write(try graph.advance(to: watermark).gold)
        hasNews = true
        showState()
    }

    private func closeEverything() async throws {
        try await write(try graph.advance(to: .max).gold)
        graph.reset()
        partitions = PartitionWatermarks()
        showState()
    }

    private func showState() {
        metrics.stateRows.set(Double(graph.stateRows))
        if partitions.watermark > .min { metrics.watermark.set(Double(partitions.watermark) / 1e6) }
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
            try await observers.tell(metrics.observers, rows: 0) { try await $0.observe(gold: rows, table: table) }
        }
    }

    private static func byteCount(_ lines: Batch) -> Int {
        guard case .text(let texts) = lines["line"]?.values, let range = lines["line"]?.range else { return 0 }
        return Int(texts.offsets[range.upperBound] - texts.offsets[range.lowerBound])
    }
}
