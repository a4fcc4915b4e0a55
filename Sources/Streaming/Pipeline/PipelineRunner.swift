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
public actor PipelineRunner {
    public enum Mode: Sendable {
        /// Until the service is asked to stop. Open windows stay open, in the checkpoint.
        case stream
        /// Until the sources end; then every window is closed.
        case batch
        /// Until the sources end. Open windows stay open: a later run goes on with them.
        case available
    }

    /// What a run did.
    public struct Summary: Sendable {
        public var lines = 0
        public var events = 0
        public var quarantined = 0
        /// Rows of gold tables.
        public var windows = 0
        public var late = 0
        public var duplicates = 0
        /// What went into each stage and came out of it, in the order in which they were first used.
        public private(set) var stages: [StageRows] = []

        public init() {}

        mutating func count(_ stage: String, in rowsIn: Int, out rowsOut: Int) {
            guard rowsIn > 0 || rowsOut > 0 else { return }
            if let index = stages.firstIndex(where: { $0.stage == stage }) {
                stages[index].rowsIn += rowsIn
                stages[index].rowsOut += rowsOut
            } else {
                stages.append(StageRows(stage: stage, rowsIn: rowsIn, rowsOut: rowsOut))
            }
        }
    }

    /// The rows that a stage took in and gave in one run.
    public struct StageRows: Sendable, Equatable {
        public let stage: String
        public fileprivate(set) var rowsIn: Int
        public fileprivate(set) var rowsOut: Int

        public init(stage: String, rowsIn: Int, rowsOut: Int) {
            self.stage = stage
            self.rowsIn = rowsIn
            self.rowsOut = rowsOut
        }
    }

    /// Batches that may wait at each of the two places: one being made, one waiting, one being worked on.
    private static let queueCapacity = 1
    /// A batch run commits after so many lines, so that a crash late in a long run does not cost all of it.
    private static let linesPerEpoch = 16 << 20

    private enum Delivery: Sendable {
        case chunk(ParsingJob)
        /// The source has no more.
        case ended(String)
        /// It was stopped before its end.
        case interrupted
    }

    /// The format of one partition.
    private struct PartitionFormat: Sendable {
        var input: Int
        var format: any LogFormat
        /// When it was last used, so that those of files long read can be forgotten.
        var lastEpoch: Int64
    }

    /// Of how many partitions the format is remembered: a file that goes on growing is among the newest.
    private static let keptFormats = 1000

    private let definition: PipelineDefinition
    private let folder: CheckpointFolder
    private let application: String
    private let observers: [any PipelineObserver]
    private let metrics: PipelineMetrics
    private let logger: Logger
    private let context: ParsingContext
    private let names: PipelineTables.TableNames
    /// By input: what its format's state is before the first line.
    private let freshStates: [Data]

    private let tables: PipelineTables
    private var graph: PipelineGraph
    private var partitions = PartitionWatermarks()
    /// By partition: the format behind the last line that was worked on.
    private var formats: [String: PartitionFormat] = [:]
    /// Whether a source was stopped before its end.
    private var isInterrupted = false
    private var positions: [String: SourcePosition] = [:]
    private var epoch: Int64 = 0
    private var linesInEpoch = 0
    /// Whether there is anything since the last commit.
    private var hasNews = false
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
        self.observers = observers
        self.context = context
        var logger = logger
        logger[metadataKey: "pipeline"] = "\(definition.name)"
        self.logger = logger
        application = variant.map { "\(definition.name)-\($0)" } ?? definition.name
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
            expectations: ExpectationMetrics(registry, definition), logger: logger)
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
        summary = Summary()
        isInterrupted = false
        let arrivals = PipelineChannel<Delivery>(capacity: Self.queueCapacity)
        let jobs = PipelineChannel<Delivery>(capacity: Self.queueCapacity)
        let positions = positions
        let inputs = try sources.map { source in
            let input = try definition.input(source.input)
            return (source: source.source, index: definition.inputs.firstIndex(of: input)!, lateness: input.allowedLateness)
        }
        for (source, _, lateness) in inputs {
            for partition in mode == .available ? [""] : source.partitions {
                partitions.expect(ParsingJob.partition(partition, of: source.name), lateness: lateness, now: .now)
            }
        }
        let initial = InitialFormats(
            known: formats,
            fresh: try definition.inputs.map { try LogFormats.make($0.format, context: context, options: $0.options) })
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    // On a stop the sources end; what they have sent is still worked on and committed.
                    do {
                        try await cancelWhenGracefulShutdown {
                            try await withThrowingTaskGroup(of: Void.self) { readers in
                                for (source, index, _) in inputs {
                                    readers.addTask {
                                        try await Self.read(
                                            source, input: index, from: positions[source.name], mode, to: arrivals)
                                    }
                                }
                                try await readers.waitForAll()
                            }
                        }
                    } catch {
                        await arrivals.finish()
                        throw error
                    }
                    await arrivals.finish()
                }
                group.addTask { await Self.parse(arrivals, to: jobs, initial) }
                do {
                    try await self.work(jobs, mode: mode)
                } catch {
                    await arrivals.abandon()
                    await jobs.abandon()
                    throw error
                }
                try await group.waitForAll()
            }
        } catch {
            tables.discard()
            for lane in tables.bronze { await lane.discard() }
            throw error
        }
        return summary
    }

    // MARK: Reading and parsing

    private static func read(
        _ source: any Source, input: Int, from position: SourcePosition?, _ mode: Mode, to arrivals: PipelineChannel<Delivery>
    ) async throws {
        do {
            try await source.run(from: position) { chunk in
                // A run over what is there is one of many: its files are the next part of the source, not partitions that end.
                let job = ParsingJob(
                    source: source.name, input: input, clock: mode == .available ? "" : chunk.partition,
                    ends: mode == .batch && chunk.endsPartition, chunk)
                await arrivals.send(.chunk(job))
            }
        } catch {
            // What was good before it is worked on and committed; the windows wait for the rest.
            await arrivals.send(.interrupted)
            throw error
        }
        await arrivals.send(Task.isCancelled ? .interrupted : .ended(source.name))
    }

    /// What partitions begin with: the format of a checkpoint, or a fresh one of their input.
    private struct InitialFormats: Sendable {
        var known: [String: PartitionFormat]
        var fresh: [any LogFormat]
    }

    /// Starts a task for each chunk as soon as there is room behind it; those of one partition wait for each other.
    private static func parse(
        _ arrivals: PipelineChannel<Delivery>, to jobs: PipelineChannel<Delivery>, _ initial: InitialFormats
    ) async {
        await withTaskGroup(of: Void.self) { parsers in
            var last: [String: ParsingJob] = [:]
            while let delivery = await arrivals.next() {
                await jobs.send(delivery)
                guard case .chunk(let job) = delivery else { continue }
                let previous = last[job.partition]
                last[job.partition] = job.endsPartition ? nil : job
                let format = initial.known[job.partition]?.format ?? initial.fresh[job.input]
                parsers.addTask { await job.run(behind: previous, orWith: format) }
            }
        }
        await jobs.finish()
    }

    // MARK: Working

    private func work(_ jobs: PipelineChannel<Delivery>, mode: Mode) async throws {
        var deadline = ContinuousClock.now + definition.commitInterval
        while true {
            switch await jobs.receive(until: deadline) {
            case .element(.chunk(let job)):
                try await take(job, mode: mode)
                metrics.queueDepth.set(Double(await jobs.depth))
                if mode != .stream, linesInEpoch >= Self.linesPerEpoch { try await commit() }
            case .element(.ended(let source)):
                // A stream goes on where it ended; what a batch has read to the end says nothing any more.
                if mode == .batch { partitions.end(source: source) }
                if mode == .available { partitions.excuse(source) }
                if mode != .stream { try await advance(mode) }
            case .element(.interrupted): isInterrupted = true
            case .timedOut: try await advance(mode)
            case .finished:
                if mode == .batch, !isInterrupted { try await closeEverything() }
                // A run that found nothing is asked too whether it has enough rows.
                try await commit(isRun: mode != .stream)
                return
            }
            if ContinuousClock.now >= deadline {
                if mode == .stream { try await commit() }
                deadline = .now + definition.commitInterval
            }
        }
    }

    private func take(_ job: ParsingJob, mode: Mode) async throws {
        let lines = job.chunk.lines
        let (parsed, format) = await job.value
        positions[job.source] = job.chunk.position
        formats[job.partition] = PartitionFormat(input: job.input, format: format, lastEpoch: epoch)
        hasNews = true
        if !lines.isEmpty { try await take(parsed, lines, job, mode) }
        if job.endsPartition {
            partitions.end(job.clock)
            try await advance(mode)
        }
    }

    private func take(_ parsed: ParsedBatch, _ lines: Batch, _ job: ParsingJob, _ mode: Mode) async throws {
        let byteCount = Self.byteCount(lines)
        let input = definition.inputs[job.input]
        metrics.source.record(StageCounts(ok: lines.count, bytesOut: byteCount))
        if let arrival = lines["arrival_time"]?.integer(at: 0) {
            metrics.lag.set(max(0, Double(WallClock.microseconds - arrival) / 1e6))
        }
        let bronze = tables.bronze[job.input], meter = metrics.bronze
        async let bronzeWritten: Void = {
            let start = ContinuousClock.now
            try await bronze.append(lines)
            meter.record(StageCounts(ok: lines.count, bytesIn: byteCount), took: .now - start)
        }()
        metrics.silver.record(StageCounts(ok: parsed.events.count, quarantined: parsed.rejected.count, bytesIn: byteCount))
        let rowWatermarks = partitions.observe(
            parsed.events["event_time"]!, of: job.clock, lateness: input.allowedLateness, now: .now)
        let start = ContinuousClock.now
        let arrivals = lines["arrival_time"]!.gather(parsed.lineRows.map(Int.init))
        var output = try graph.take(parsed.events, input: job.input, rowWatermarks: rowWatermarks, arrivals: arrivals)
        let taken = ContinuousClock.now - start
        // Alerts do not wait for the lake: rules and models look at the events while they are written.
        let silver = output.silver!
        let seen = ParsedBatch(
            events: silver.batch, lineRows: silver.origins!.map { parsed.lineRows[Int($0)] }, rejected: parsed.rejected)
        let observers = observers, detect = metrics.observers
        async let observed: Void = {
            let start = ContinuousClock.now
            for observer in observers { try await observer.observe(seen, lines: lines, input: input.name) }
            detect.record(StageCounts(ok: seen.events.count), took: .now - start)
        }()
        if input.format == SSHD.name { metrics.count(silver.batch) }
        let written = try tables.write(output, of: parsed, lines: lines, input: input)
        if written.quarantined > 0 { metrics.quarantine.record(StageCounts(ok: written.quarantined)) }
        if written.late > 0 { metrics.late.record(StageCounts(ok: written.late)) }
        let closing = ContinuousClock.now
        let closed = try graph.advance(to: partitions.advance(now: .now, idleAfter: mode == .stream ? definition.idleAfter : nil))
        output.gold += closed.gold
        metrics.windows.record(
            StageCounts(ok: output.windowed + closed.windowed, late: output.lateForWindows),
            took: taken + (.now - closing))
        let dropped = output.notes.filtered + output.notes.dropped.count + output.notes.droppedJoined.count
        metrics.steps.record(StageCounts(ok: silver.batch.count, dropped: dropped, duplicate: output.notes.duplicates))
        // The events of a window are told before the window is.
        try await observed
        try await write(output.gold)
        try await bronzeWritten
        linesInEpoch += lines.count
        summary.lines += lines.count
        summary.events += silver.batch.count
        summary.quarantined += written.quarantined
        summary.late += written.late
        summary.count("bronze.\(input.table)", in: lines.count, out: lines.count)
        summary.count("parse \(input.name)", in: lines.count, out: parsed.events.count)
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
            for observer in observers { try await observer.observe(gold: rows, table: table) }
        }
    }

    private static func byteCount(_ lines: Batch) -> Int {
        guard case .text(let texts) = lines["line"]?.values, let range = lines["line"]?.range else { return 0 }
        return Int(texts.offsets[range.upperBound] - texts.offsets[range.lowerBound])
    }

    // MARK: Epochs

    private func commit(isRun: Bool = false) async throws {
        guard hasNews || isRun else { return }
        try graph.endEpoch()
        guard hasNews else { return }
        let start = ContinuousClock.now
        epoch += 1
        var files = try tables.finish()
        for lane in tables.bronze {
            let raw = try await lane.finish()
            if !raw.isEmpty { files[lane.table.name] = raw }
        }
        var watermarks = StateWriter()
        partitions.encode(to: &watermarks)
        var states = ["graph": graph.snapshot(), "watermarks": watermarks.data]
        for (partition, _) in formats.sorted(by: { $0.value.lastEpoch > $1.value.lastEpoch }).dropFirst(Self.keptFormats) {
            formats[partition] = nil
        }
        for (partition, entry) in formats {
            // Most formats remember nothing, and a batch has as many partitions as it ever read files.
            let state = try entry.format.state
            if state != freshStates[entry.input] { states["format/\(entry.input)/\(partition)"] = state }
        }
        for (index, observer) in observers.enumerated() { states["observer-\(index)"] = try await observer.snapshot() }
        let checkpoint = Checkpoint(
            pipeline: definition.name, definitionHash: definition.fingerprint, epoch: epoch,
            positions: try positions.mapValues { try JSONEncoder().encode($0) },
            states: states, pending: try files.mapValues { try JSONEncoder().encode($0) }, exportSizes: tables.exportSizes)
        try folder.save(checkpoint)
        let bytes = files.values.joined().reduce(0) { $0 + $1.sizeInBytes }
        try tables.commit(files, application: application, epoch: epoch)
        metrics.commit.record(StageCounts(ok: linesInEpoch, bytesOut: bytes), took: .now - start)
        metrics.lastCommit.set(WallClock.now)
        logger.debug("epoch committed", metadata: ["epoch": "\(epoch)", "rows": "\(linesInEpoch)"])
        linesInEpoch = 0
        hasNews = false
    }

    /// Loads the checkpoint and finishes its epoch: the tables that have not seen it get its files now.
    private func recover(exportFolder: String) async throws {
        let checkpoint = try folder.load()
        if let checkpoint {
            guard checkpoint.definitionHash == definition.fingerprint else {
                throw PipelineError.definitionChanged(pipeline: definition.name)
            }
            epoch = checkpoint.epoch
            positions = try checkpoint.positions.mapValues { try JSONDecoder().decode(SourcePosition.self, from: $0) }
            try restore(checkpoint)
            for (index, observer) in observers.enumerated() {
                if let state = checkpoint.states["observer-\(index)"] { try await observer.restore(state) }
            }
            for (name, replacement) in checkpoint.replacing ?? [:] {
                try replacement.commit(to: tables.lake.table(name), application: application, epoch: epoch)
            }
            let pending = try checkpoint.pending.mapValues { try JSONDecoder().decode([DataFile].self, from: $0) }
            try tables.commit(pending, application: application, epoch: epoch)
        } else {
            // Started anew over tables that are there: they would ignore epochs that they have seen.
            epoch = tables.lastEpoch(of: application)
        }
        let suffix = application == definition.name ? "" : "-batch"
        func open(_ table: String, _ format: TextFormat) throws {
            let path = "\(exportFolder)/\(table.replacing(".", with: "/"))\(suffix).\(format.rawValue)"
            try tables.openExport(table, format, path: path, committedSize: checkpoint?.exportSizes[path] ?? 0)
        }
        for format in definition.silverFormats { for input in definition.inputs { try open(names.silver(input), format) } }
        for format in definition.goldFormats {
            for table in definition.streams.compactMap(\.table) + definition.windows.map(\.table) {
                try open(names.gold(table), format)
            }
        }
    }

    private func restore(_ checkpoint: Checkpoint) throws {
        do {
            if let state = checkpoint.states["graph"] { try graph.restore(state) }
            if let state = checkpoint.states["watermarks"] {
                var reader = StateReader(state)
                partitions = try PartitionWatermarks(from: &reader, now: .now)
            }
            for (name, state) in checkpoint.states where name.hasPrefix("format/") {
                let parts = name.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
                guard parts.count == 3, let input = Int(parts[1]), definition.inputs.indices.contains(input) else {
                    throw StateReader.Damaged()
                }
                var format = try LogFormats.make(
                    definition.inputs[input].format, context: context, options: definition.inputs[input].options)
                try format.restore(state)
                formats[String(parts[2])] = PartitionFormat(input: input, format: format, lastEpoch: epoch)
            }
        } catch is StateReader.Damaged {
            throw PipelineError.unreadableCheckpoint(path: folder.path + "/checkpoint.json", reason: "the state in it is damaged")
        }
    }
}
