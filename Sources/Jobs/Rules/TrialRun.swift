import Columns
import Configuration
import Detection
import Lake
import Streaming

/// Shows the rows that are kept of one pipeline to detectors, in the order in which they were written, as the live pipeline does.
struct TrialRun {
    /// Rows of a table that are shown before those of another one that are as old.
    private static let partSize = 8192
    /// Rows after which what is out of reach is forgotten, as a live pipeline does at each commit.
    private static let rowsBetweenForgetting = 1 << 20

    let pipeline: PipelineDefinition
    /// The sets of detectors; each sees all rows.
    let sets: [DetectorSet]
    /// The tables that some rule looks at.
    private let tables: [Table]

    private struct Table {
        /// `silver.ssh`
        let name: String
        /// What rules call it; nil for events.
        let gold: String?
        let rows: StoredRows
        /// How much later its rows are seen than their times say.
        let delay: Int64
    }

    /// - Parameter range: of event times.
    /// - Throws: ``TrialError`` when a table or a column is missing; what opening a table throws.
    init(
        _ pipeline: PipelineDefinition, _ sets: [(rules: [DetectionEntry], detectors: DetectorSet)], lake: Lake,
        range: ClosedRange<Timestamp>
    ) throws {
        self.pipeline = pipeline
        self.sets = sets.map(\.detectors)
        let rules = sets.flatMap(\.rules)
        var tables: [Table] = []
        let onEvents = rules.filter { $0.settings.rows == .events }
        if !onEvents.isEmpty {
            for input in pipeline.inputs {
                let table = try Self.open("silver.\(input.table)", of: pipeline, lake)
                try Self.check(table, onEvents, isOnly: pipeline.inputs.count == 1)
                let rows = StoredRows(table, columns: Self.columns(onEvents, table), time: "event_time", in: range)
                tables.append(Table(name: table.name, gold: nil, rows: rows, delay: 0))
            }
        }
        for gold in Set(rules.compactMap(\.settings.rows.table)).sorted() {
            let rules = rules.filter { $0.settings.rows == .table(gold) }
            let table = try Self.open("gold.\(gold)", of: pipeline, lake)
            try Self.check(table, rules, isOnly: true)
            let time = table.schema["event_time"] == nil ? "window_end" : "event_time"
            let columns = Set(Self.columns(rules, table) + [time]).sorted()
            let rows = StoredRows(table, columns: columns, time: time, in: range)
            // A window is closed when no row can be late for it any more.
            let delay = time == "window_end" ? pipeline.detectionLateness.inMicroseconds : 0
            tables.append(Table(name: table.name, gold: gold, rows: rows, delay: delay))
        }
        self.tables = tables
    }

    private static func open(_ name: String, of pipeline: PipelineDefinition, _ lake: Lake) throws -> DeltaTable {
        do {
            return try lake.table(name)
        } catch LakeError.noTable {
            throw TrialError.noTable(name, pipeline: pipeline.name)
        }
    }

    /// A column that was not there when the rows were written would make a rule find nothing, and look as if all were well.
    private static func check(_ table: DeltaTable, _ rules: [DetectionEntry], isOnly: Bool) throws {
        guard isOnly else { return }
        for rule in rules {
            let needed = rule.settings.requirements.flatMap { $0.columns.flatMap(\.columns) }
            if let missing = needed.first(where: { table.schema[$0] == nil && $0 != "event_time" }) {
                throw TrialError.noColumn(missing, table: table.name, rule: rule.name)
            }
        }
    }

    /// What rules ask for, and what distinguishes lines and says how many events they stand for.
    private static func columns(_ rules: [DetectionEntry], _ table: DeltaTable) -> [String] {
        let needed = rules.flatMap { $0.settings.requirements.flatMap { $0.columns.flatMap(\.columns) } }
        return Set(needed + ["event_time", "file", "offset", "count"]).filter { table.schema[$0] != nil }.sorted()
    }

    /// Of the tables that are read.
    var tableNames: [String] { tables.map(\.name) }

    // MARK: Rows

    /// Shows all rows to all sets.
    ///
    /// - Parameters:
    ///   - progress: bytes of the files that are read, of all.
    ///   - found: called with the number of a set and what it found.
    /// - Returns: the number of rows.
    func run(progress: (_ done: Int64, _ total: Int64) -> Void, found: (_ set: Int, [Finding]) -> Void) throws -> Int {
        defer { for table in tables { table.rows.abandon() } }
        var count = 0, sinceForgetting = 0
        func show(_ batch: Batch, _ table: Table) {
            for (number, set) in sets.enumerated() {
                found(number, set.observe(stored: batch, table: table.gold))
            }
            count += batch.count
            sinceForgetting += batch.count
            let all = tables.map(\.rows.progress)
            progress(all.reduce(0) { $0 + $1.done }, all.reduce(0) { $0 + $1.total })
            guard sinceForgetting >= Self.rowsBetweenForgetting else { return }
            sinceForgetting = 0
            for (number, set) in sets.enumerated() {
                found(number, set.updates())
                set.forget()
            }
        }
        if tables.count == 1 {
            while let batch = try tables[0].rows.next() { show(Self.withTimes(batch, tables[0].gold), tables[0]) }
        } else {
            try merge(show)
        }
        for (number, set) in sets.enumerated() { found(number, set.updates()) }
        return count
    }

    /// Rows of several tables come by their times, a part of a table at a time.
    private func merge(_ show: (Batch, Table) -> Void) throws {
        var heads: [(table: Table, batch: Batch, next: Int)] = []
        for table in tables {
            if let batch = try table.rows.next() { heads.append((table, Self.withTimes(batch, table.gold), 0)) }
        }
        func time(_ head: (table: Table, batch: Batch, next: Int)) -> Int64 {
            (head.batch["event_time"]?.integer(at: head.next) ?? .min) &+ head.table.delay
        }
        while let first = heads.indices.min(by: { time(heads[$0]) < time(heads[$1]) }) {
            let head = heads[first], end = min(head.batch.count, head.next + Self.partSize)
            show(head.batch.slice(head.next..<end), head.table)
            heads[first].next = end
            guard end == head.batch.count else { continue }
            if let batch = try head.table.rows.next() {
                heads[first] = (head.table, Self.withTimes(batch, head.table.gold), 0)
            } else {
                heads.remove(at: first)
            }
        }
    }

    /// Rows of windows have the time at which they are known, and a line of their own each, as live ones have.
    private static func withTimes(_ batch: Batch, _ gold: String?) -> Batch {
        guard let gold, let time = batch["event_time"] ?? batch["window_end"] else { return batch }
        var fields: [Field] = [], columns: [Column] = []
        func add(_ field: Field, _ column: Column) {
            guard batch[field.name] == nil else { return }
            fields.append(field)
            columns.append(column)
        }
        add(Field("event_time", .timestamp), time)
        var files = DictionaryBuilder(), offsets = NumberBuilder<Int64>()
        for row in 0..<batch.count {
            files.append(utf8: "gold.\(gold)")
            offsets.append(time.integer(at: row) ?? 0)
        }
        add(Field("file", .text), files.finish())
        add(Field("offset", .int64), offsets.finish())
        return Batch(schema: Schema(fields + batch.schema.fields), columns: columns + batch.columns)
    }
}

extension RowSource {
    /// The gold table, or nil.
    fileprivate var table: String? { if case .table(let name) = self { name } else { nil } }
}

extension PipelineDefinition {
    /// How late rows may be that detectors see.
    var detectionLateness: Duration { inputs.map(\.allowedLateness).max() ?? .zero }
}

/// Why rules could not be tried.
enum TrialError: Error, CustomStringConvertible {
    case noTable(String, pipeline: String)
    case noColumn(String, table: String, rule: String)
    case noRows([String], since: Timestamp, until: Timestamp)

    var description: String {
        switch self {
        case .noTable(let table, let pipeline):
            "there is no table \(table) yet; 'obs process --pipeline \(pipeline) FILE' or 'obs run' makes it"
        case .noColumn(let column, let table, let rule):
            "\(table): has no column '\(column)', which the rule '\(rule)' looks at; 'obs replay' makes it anew from bronze"
        case .noRows(let tables, let since, let until):
            "\(tables.joined(separator: ", ")): no rows from \(since) to \(until); write other times with --since and --until"
        }
    }
}
