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
///     sources ─▶ channel ─▶ parse ─┬▶ observers (rules, models)     at once, in memory
///                   (bounded)      ├▶ bronze, silver, quarantine    data files of the epoch
///                                  └▶ windows ─▶ gold
///     every commit interval: data files, checkpoint, Delta commits
///
/// An actor whose ``run(_:mode:)`` is the one task that touches the data.
public actor PipelineRunner {
    public enum Mode: Sendable {
        /// Until the service is asked to stop. Open windows stay open, in the checkpoint.
        case stream
        /// Until the sources end; then every window is closed.
        case batch
    }

    /// What a run did.
    public struct Summary: Sendable {
        public var lines = 0
        public var events = 0
        public var quarantined = 0
        public var windows = 0
        public var late = 0

        public init() {}
    }

    /// Batches that may wait: one being read while one is being worked on.
    private static let queueCapacity = 2
    /// A batch run commits after so many lines, so that a crash late in a long run does not cost all of it.
    private static let linesPerEpoch = 16 << 20

    private let definition: PipelineDefinition
    private let lake: Lake
    private let folder: CheckpointFolder
    private let application: String
    private let exportFolder: String
    private let observers: [any PipelineObserver]
    private let metrics: PipelineMetrics
    private let logger: Logger

    // What an epoch works on; rebuilt from the checkpoint after a failure.
    private var format: any LogFormat
    private var windows: [WindowedAggregation]
    private var tables: Tables
    private var exports: [(table: String, file: ExportFile)] = []
    private var positions: [String: SourcePosition] = [:]
    private var epoch: Int64 = 0
    private var linesInEpoch = 0
    /// Whether there is anything since the last commit.
    private var hasNews = false
    private var summary = Summary()

    /// The tables of the pipeline and the writers of the epoch at hand. Bronze is written on a task of its own, beside the parsing.
    private struct Tables {
        var bronze: BronzeLane
        var silver: (table: DeltaTable, writer: TableWriter)
        var quarantine: (table: DeltaTable, writer: TableWriter)
        var gold: [(table: DeltaTable, writer: TableWriter)]
    }

    /// Writes raw lines while the task that parses them goes on.
    private actor BronzeLane {
        let table: DeltaTable
        private let writer: TableWriter

        init(_ table: DeltaTable) {
            self.table = table
            writer = table.writer()
        }

        func append(_ lines: Batch) throws { try writer.append(lines) }
        func finish() throws -> [DataFile] { try writer.finish() }
        func discard() { writer.discard() }
    }

    private static let quarantineSchema = Schema(RawLines.schema.fields + [Field("reason", .text)])

    /// Opens the tables and finishes what a crash left half done.
    ///
    /// - Parameters:
    ///   - checkpoints: the folder under which this pipeline has its own.
    ///   - variant: runs of one pipeline that must not share their state, such as `batch` beside the stream, have one each.
    ///   - context: what the format must know that the lines do not say.
    public init(
        _ definition: PipelineDefinition, lake: Lake, checkpoints: String, variant: String? = nil,
        context: ParsingContext = ParsingContext(),
        exportFolder: String, observers: [any PipelineObserver] = [], metrics registry: MetricsRegistry, logger: Logger,
        startsAnew: Bool = false
    ) async throws {
        let schemas = try PipelineSchemas(definition)
        let isPlain = definition.windows.allSatisfy { window in
            guard case .tumbling = window.kind, window.by.count == 1, window.filter.isEmpty, window.from == nil else {
                return false
            }
            return window.aggregates.allSatisfy { [.count, .sum, .distinct].contains($0.function) }
        }
        guard definition.inputs.count == 1, definition.inputs[0].steps.isEmpty, definition.streams.isEmpty, isPlain else {
            throw DefinitionError.bad(
                "pipeline '\(definition.name)' uses steps, streams or windows that this version only checks")
        }
        let input = definition.inputs[0]
        self.definition = definition
        self.lake = lake
        self.observers = observers
        self.exportFolder = exportFolder
        var logger = logger
        logger[metadataKey: "pipeline"] = "\(definition.name)"
        self.logger = logger
        application = variant.map { "\(definition.name)-\($0)" } ?? definition.name
        folder = try CheckpointFolder(path: checkpoints + "/" + application, pipeline: definition.name)
        if startsAnew { try folder.setAside() }
        metrics = PipelineMetrics(registry, pipeline: definition.name)
        format = try LogFormats.make(input.format, context: context, options: input.options)
        windows = definition.windows.map {
            WindowedAggregation($0, schema: schemas.nodes[$0.table]!.schema, allowedLateness: input.allowedLateness)
        }
        let silver = try lake.table("silver.\(definition.name)", creating: format.schema)
        let quarantine = try lake.table("quarantine.\(definition.name)", creating: Self.quarantineSchema)
        tables = Tables(
            bronze: BronzeLane(try lake.table("bronze.\(definition.name)", creating: RawLines.schema)),
            silver: (silver, silver.writer()),
            quarantine: (quarantine, quarantine.writer()),
            gold: try definition.windows.map { window in
                let table = try lake.table("gold.\(window.table)", creating: schemas.nodes[window.table]!.schema)
                return (table, table.writer())
            })
        try await recover()
    }

    /// Runs until the sources end (``Mode/batch``) or the service is to stop (``Mode/stream``); what was read is committed when it returns.
    ///
    /// - Throws: what a source or a table threw. The epoch at hand is dropped then, and the next run reads its lines again.
    public func run(_ sources: [any Source], mode: Mode) async throws -> Summary {
        summary = Summary()
        let channel = PipelineChannel<(String, SourceChunk)>(capacity: Self.queueCapacity)
        let positions = positions
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    defer { Task { await channel.finish() } }
                    // On a stop the sources end; what they have sent is still worked on and committed.
                    try await cancelWhenGracefulShutdown {
                        try await withThrowingTaskGroup(of: Void.self) { readers in
                            for source in sources {
                                readers.addTask {
                                    try await source.run(from: positions[source.name]) { chunk in
                                        await channel.send((source.name, chunk))
                                    }
                                }
                            }
                            try await readers.waitForAll()
                        }
                    }
                }
                do {
                    try await self.work(channel, mode: mode)
                } catch {
                    await channel.abandon()
                    throw error
                }
                try await group.waitForAll()
            }
        } catch {
            await discard()
            throw error
        }
        return summary
    }

    private func work(_ channel: PipelineChannel<(String, SourceChunk)>, mode: Mode) async throws {
        var deadline = ContinuousClock.now + definition.commitInterval
        while true {
            switch await channel.receive(until: deadline) {
            case .element((let source, let chunk)):
                try await take(chunk.lines)
                positions[source] = chunk.position
                metrics.queueDepth.set(Double(await channel.depth))
                if mode == .batch, linesInEpoch >= Self.linesPerEpoch { try await commit() }
            case .timedOut: break
            case .finished:
                if mode == .batch { try await closeAllWindows() }
                try await commit()
                return
            }
            if mode == .stream, ContinuousClock.now >= deadline {
                try await commit()
                deadline = .now + definition.commitInterval
            }
        }
    }

    // MARK: Stages

    private func take(_ lines: Batch) async throws {
        let byteCount = Self.byteCount(lines)
        metrics.source.record(StageCounts(ok: lines.count, bytesOut: byteCount))
        if let arrival = lines["arrival_time"]?.integer(at: 0) {
            metrics.lag.set(max(0, Double(WallClock.microseconds - arrival) / 1e6))
        }
        let bronze = tables.bronze, meter = metrics.bronze
        async let written: Void = {
            let start = ContinuousClock.now
            try await bronze.append(lines)
            meter.record(StageCounts(ok: lines.count, bytesIn: byteCount), took: .now - start)
        }()
        let parsed = metrics.silver.measure {
            let parsed = format.parse(lines)
            return (parsed, StageCounts(ok: parsed.events.count, quarantined: parsed.rejected.count, bytesIn: byteCount))
        }
        // Alerts do not wait for the lake: rules and models look at the events while they are written.
        let observers = observers, detect = metrics.observers
        async let observed: Void = {
            let start = ContinuousClock.now
            for observer in observers { try await observer.observe(parsed, lines: lines) }
            detect.record(StageCounts(ok: parsed.events.count), took: .now - start)
        }()
        metrics.count(parsed.events)
        try append(parsed.events, to: tables.silver.writer, export: "silver.\(definition.name)")
        if !parsed.rejected.isEmpty { try quarantine(parsed.rejected, of: lines) }
        var closed: [Batch] = []
        for index in windows.indices {
            closed.append(
                metrics.windows.measure {
                    let late = windows[index].observe(parsed.events)
                    summary.late += late.count
                    return (windows[index].advance(), StageCounts(ok: parsed.events.count - late.count, late: late.count))
                })
        }
        // The events of a window are told before the window is.
        try await observed
        for (index, batch) in closed.enumerated() { try await write(batch, window: index) }
        try await written
        linesInEpoch += lines.count
        hasNews = true
        summary.lines += lines.count
        summary.events += parsed.events.count
        summary.quarantined += parsed.rejected.count
        metrics.stateRows.set(Double(windows.reduce(0) { $0 + $1.stateRows }))
        if let watermark = windows.compactMap(\.watermark).min() { metrics.watermark.set(watermark.secondsSince1970) }
    }

    private func quarantine(_ rejected: [RejectedLine], of lines: Batch) throws {
        var reasons = DictionaryBuilder()
        for line in rejected { reasons.append(utf8: line.reason.rawValue) }
        let rows = lines.gather(rejected.map(\.row))
        try metrics.quarantine.measure {
            try tables.quarantine.writer.append(Batch(schema: Self.quarantineSchema, columns: rows.columns + [reasons.finish()]))
            return ((), StageCounts(ok: rejected.count))
        }
    }

    private func write(_ closed: Batch, window index: Int) async throws {
        guard !closed.isEmpty else { return }
        summary.windows += closed.count
        hasNews = true
        try metrics.gold.measure {
            try append(closed, to: tables.gold[index].writer, export: "gold.\(definition.windows[index].table)")
            return ((), StageCounts(ok: closed.count))
        }
        for observer in observers { try await observer.observe(windows: closed, table: definition.windows[index].table) }
    }

    private func append(_ batch: Batch, to writer: TableWriter, export table: String) throws {
        try writer.append(batch)
        for export in exports where export.table == table { try export.file.append(batch) }
    }

    private func closeAllWindows() async throws {
        for index in windows.indices { try await write(windows[index].finish(), window: index) }
    }

    private static func byteCount(_ lines: Batch) -> Int {
        guard case .text(let texts) = lines["line"]?.values, let range = lines["line"]?.range else { return 0 }
        return Int(texts.offsets[range.upperBound] - texts.offsets[range.lowerBound])
    }

    // MARK: Epochs

    private func commit() async throws {
        guard hasNews else { return }
        let start = ContinuousClock.now
        epoch += 1
        var files: [String: [DataFile]] = ["bronze.\(definition.name)": try await tables.bronze.finish()]
        files["silver.\(definition.name)"] = try tables.silver.writer.finish()
        files["quarantine.\(definition.name)"] = try tables.quarantine.writer.finish()
        for (window, gold) in zip(definition.windows, tables.gold) { files["gold.\(window.table)"] = try gold.writer.finish() }
        for export in exports { try export.file.sync() }
        var states = ["format": try format.state]
        for (index, window) in windows.enumerated() { states["window-\(index)"] = try window.snapshot() }
        for (index, observer) in observers.enumerated() { states["observer-\(index)"] = try await observer.snapshot() }
        let checkpoint = Checkpoint(
            pipeline: definition.name, definitionHash: definition.fingerprint, epoch: epoch,
            positions: try positions.mapValues { try JSONEncoder().encode($0) },
            states: states, pending: try files.filter { !$0.value.isEmpty }.mapValues { try JSONEncoder().encode($0) },
            exportSizes: Dictionary(uniqueKeysWithValues: exports.map { ($0.file.path, $0.file.size) }))
        try folder.save(checkpoint)
        let bytes = files.values.joined().reduce(0) { $0 + $1.sizeInBytes }
        try commitPending(files)
        metrics.commit.record(StageCounts(ok: linesInEpoch, bytesOut: bytes), took: .now - start)
        metrics.lastCommit.set(WallClock.now)
        logger.debug("epoch committed", metadata: ["epoch": "\(epoch)", "rows": "\(linesInEpoch)"])
        linesInEpoch = 0
        hasNews = false
    }

    private func commitPending(_ files: [String: [DataFile]]) throws {
        for (name, added) in files.sorted(by: { $0.key < $1.key }) where !added.isEmpty {
            try lake.table(name).commit(adding: added, transaction: (application, epoch))
        }
    }

    /// Loads the checkpoint and finishes its epoch: the tables that have not seen it get its files now.
    private func recover() async throws {
        exports = []
        let checkpoint = try folder.load()
        if let checkpoint {
            guard checkpoint.definitionHash == definition.fingerprint else {
                throw PipelineError.definitionChanged(pipeline: definition.name)
            }
            epoch = checkpoint.epoch
            positions = try checkpoint.positions.mapValues { try JSONDecoder().decode(SourcePosition.self, from: $0) }
            if let state = checkpoint.states["format"] { try format.restore(state) }
            for index in windows.indices {
                if let state = checkpoint.states["window-\(index)"] { try windows[index].restore(state) }
            }
            for (index, observer) in observers.enumerated() {
                if let state = checkpoint.states["observer-\(index)"] { try await observer.restore(state) }
            }
            try commitPending(try checkpoint.pending.mapValues { try JSONDecoder().decode([DataFile].self, from: $0) })
        }
        let silver = "silver.\(definition.name)"
        for format in definition.silverFormats { try openExport(silver, format, tables.silver.table.schema, checkpoint) }
        for (window, gold) in zip(definition.windows, tables.gold) {
            for format in definition.goldFormats { try openExport("gold.\(window.table)", format, gold.table.schema, checkpoint) }
        }
    }

    private func openExport(_ table: String, _ format: TextFormat, _ schema: Schema, _ checkpoint: Checkpoint?) throws {
        let suffix = application == definition.name ? "" : "-batch"
        let path = "\(exportFolder)/\(table.replacing(".", with: "/"))\(suffix).\(format.rawValue)"
        exports.append(
            (table, try ExportFile(path: path, format: format, schema: schema, committedSize: checkpoint?.exportSizes[path] ?? 0))
        )
    }

    private func discard() async {
        await tables.bronze.discard()
        tables.silver.writer.discard()
        tables.quarantine.writer.discard()
        for gold in tables.gold { gold.writer.discard() }
    }
}
