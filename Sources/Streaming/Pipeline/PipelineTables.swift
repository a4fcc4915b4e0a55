import Columns
import Foundation
import Lake
import Parsing

/// The tables of a pipeline, the writers of the epoch at hand, and the text exports beside them.
///
/// Used by the task that runs the pipeline. Bronze is written by an actor of its own, beside the parsing.
final class PipelineTables {
    /// Writes raw lines while the task that works on them goes on.
    actor BronzeLane {
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

    /// Raw lines with why they are here; `detail` names the expectation.
    static let quarantineSchema = Schema(
        RawLines.schema.fields + [Field("reason", .text), Field("detail", .text, isNullable: true)])

    let lake: Lake
    let definition: PipelineDefinition
    /// By input, in the order of the definition; none in a run that leaves bronze alone.
    private(set) var bronze: [BronzeLane] = []
    private var writers: [String: (table: DeltaTable, writer: TableWriter)] = [:]
    private var exports: [(table: String, file: ExportFile)] = []
    let names: TableNames
    /// By table the times that are written; rows outside are left out. Empty for a run that writes all.
    private let ranges: [String: (column: String, range: Range<Timestamp>)]

    /// How the tables of a run are called.
    struct TableNames: Sendable {
        /// Behind each name but bronze's: rows of a replay beside the tables in use.
        var suffix = ""
        func silver(_ input: InputDefinition) -> String { "silver.\(input.table)\(suffix)" }
        func late(_ input: InputDefinition) -> String { "late.\(input.table)\(suffix)" }
        func ahead(_ input: InputDefinition) -> String { "ahead.\(input.table)\(suffix)" }
        func gold(_ table: String) -> String { "gold.\(table)\(suffix)" }
        func quarantine(_ definition: PipelineDefinition) -> String { "quarantine.\(definition.name)\(suffix)" }

        /// By table, save bronze: the column by which its rows belong to a range of time. A rejected line has no other time
        /// than that of its arrival.
        func timeColumns(_ definition: PipelineDefinition, _ schemas: PipelineSchemas) -> [String: String] {
            var columns = [quarantine(definition): "arrival_time"]
            for input in definition.inputs {
                columns[silver(input)] = "event_time"
                columns[late(input)] = "event_time"
                columns[ahead(input)] = "event_time"
            }
            for stream in definition.streams {
                if let table = stream.table { columns[gold(table)] = schemas.nodes[stream.name]!.timeColumn }
            }
            for window in definition.windows { columns[gold(window.table)] = "window_start" }
            for table in definition.sideTables { columns[gold(table)] = "event_time" }
            return columns
        }
    }

    /// Opens the tables, or makes them. Late rows and those that are ahead get theirs with the first one.
    init(
        _ definition: PipelineDefinition, lake: Lake, schemas: PipelineSchemas, formats: [Schema], names: TableNames,
        writesBronze: Bool, range: Range<Timestamp>? = nil
    ) throws {
        self.lake = lake
        self.definition = definition
        self.names = names
        ranges = range.map { range in names.timeColumns(definition, schemas).mapValues { ($0, range) } } ?? [:]
        func open(_ name: String, _ schema: Schema) throws {
            let table = try lake.table(name, creating: schema)
            writers[name] = (table, table.writer())
        }
        let known = Set(try lake.tables())
        for (input, format) in zip(definition.inputs, formats) {
            if writesBronze {
                bronze.append(BronzeLane(try lake.table("bronze.\(input.table)", creating: RawLines.schema)))
            }
            try open(names.silver(input), schemas.nodes[input.name]!.schema)
            if known.contains(names.late(input)) { try open(names.late(input), Self.lateSchema(format)) }
            if known.contains(names.ahead(input)) { try open(names.ahead(input), Self.aheadSchema(format)) }
        }
        try open(names.quarantine(definition), Self.quarantineSchema)
        for stream in definition.streams {
            if let table = stream.table { try open(names.gold(table), schemas.nodes[stream.name]!.schema) }
        }
        for window in definition.windows { try open(names.gold(window.table), schemas.nodes[window.table]!.schema) }
        for side in definition.sideSchemas { try open(names.gold(side.name), side.schema) }
    }

    /// The event as it was parsed, and the windows, joins and steps that it was too late for.
    static func lateSchema(_ format: Schema) -> Schema { Schema(format.fields + [Field("late_for", .text)]) }

    /// The event as it was parsed, and when its line arrived, long before the event says that it happened.
    static func aheadSchema(_ format: Schema) -> Schema { Schema(format.fields + [Field("arrival_time", .timestamp)]) }

    func append(_ batch: Batch, to name: String) throws {
        var batch = batch
        if let (column, range) = ranges[name] {
            let kept = (0..<batch.count).filter { range.contains(Timestamp(microseconds: batch[column]?.integer(at: $0) ?? 0)) }
            if kept.count < batch.count { batch = batch.gather(kept) }
        }
        guard !batch.isEmpty else { return }
        if writers[name] == nil {
            let table = try lake.table(name, creating: batch.schema)
            writers[name] = (table, table.writer())
        }
        try writers[name]!.writer.append(batch)
        for export in exports where export.table == name { try export.file.append(batch) }
    }

    func openExport(_ name: String, _ format: TextFormat, path: String, committedSize: Int64) throws {
        guard let schema = writers[name]?.table.schema else { return }
        exports.append((name, try ExportFile(path: path, format: format, schema: schema, committedSize: committedSize)))
    }

    var exportSizes: [String: Int64] {
        Dictionary(exports.map { ($0.file.path, $0.file.size) }) { first, _ in first }
    }

    /// The data files of the epoch, durable on disk, by table; bronze's are asked of its lanes.
    func finish() throws -> [String: [DataFile]] {
        var files: [String: [DataFile]] = [:]
        for (name, entry) in writers { files[name] = try entry.writer.finish() }
        for export in exports { try export.file.sync() }
        return files.filter { !$0.value.isEmpty }
    }

    func commit(_ files: [String: [DataFile]], application: String, epoch: Int64) throws {
        for (name, added) in files.sorted(by: { $0.key < $1.key }) {
            var table = writers[name]?.table
            if table == nil { for lane in bronze where lane.table.name == name { table = lane.table } }
            // A table that only an epoch before a crash wrote to, such as of late rows, is not open yet.
            _ = try (table ?? lake.table(name)).commit(adding: added, transaction: (application, epoch))
        }
    }

    /// The highest epoch of `application` that a table has seen, or 0. A pipeline that starts without a checkpoint must number
    /// its epochs
    /// from there, because tables ignore epochs that they have seen.
    func lastEpoch(of application: String) -> Int64 {
        (bronze.map(\.table) + writers.values.map(\.table)).compactMap { $0.lastTransaction(of: application) }.max() ?? 0
    }

    /// The open tables except bronze.
    var openTables: [String] { writers.keys.sorted() }

    func discard() {
        for entry in writers.values { entry.writer.discard() }
    }
}
