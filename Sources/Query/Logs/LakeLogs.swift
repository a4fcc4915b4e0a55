import Columns
import Lake
import LogQL

/// The tables of bronze and silver as streams of lines, as Loki has them.
///
/// Each table is at least one stream. A line of bronze is the line that came, at the time when it came. A line of silver is the
/// message of the event, at its own time; without a message it is the columns of the row as `name=value`.
struct LakeLogs: LogStore {
    private let lake: Lake

    init(_ lake: Lake) { self.lake = lake }

    /// The labels that every stream has.
    static let tableLabels = ["layer", "table", "pipeline", "service_name"]
    /// Columns with few values, which are labels of a stream where a table of silver has them.
    static let columnLabels = ["level", "host", "program", "event", "outcome", "severity", "logger", "job", "stage"]
    /// Columns that say where a row comes from: they are fields, and not part of its text.
    private static let places: Set = ["file", "offset", "event_time"]

    /// A table with a time and a text.
    struct Table {
        let table: DeltaTable
        /// `layer`, `table` and the like.
        let labels: Labels
        let time: String
        /// Its columns that are labels.
        let columnLabels: [String]

        init?(_ table: DeltaTable) {
            let parts = table.name.split { $0 == "." }
            guard parts.count == 2 else { return nil }
            let isBronze = parts[0] == "bronze", time = isBronze ? "arrival_time" : "event_time"
            guard isBronze || parts[0] == "silver", table.schema[time]?.type == .timestamp else { return nil }
            self.table = table
            self.time = time
            labels = [
                "layer": String(parts[0]), "table": table.name, "pipeline": String(parts[1]), "service_name": String(parts[1]),
            ]
            columnLabels =
                isBronze
                ? (table.schema["source"] == nil ? [] : ["source"])
                : LakeLogs.columnLabels.filter { table.schema[$0]?.type == .text }
        }
    }

    /// The tables whose own labels may fulfil the matchers. One that cannot be opened is left out: `obs check data` names it.
    func tables(for matchers: [Matcher] = []) throws -> [Table] {
        let own = matchers.filter { Self.tableLabels.contains($0.name) }
        return try lake.tables().compactMap { name in
            guard name.utf8.starts(with: "bronze.".utf8) || name.utf8.starts(with: "silver.".utf8),
                let table = (try? lake.table(name)).flatMap(Table.init), own.match(table.labels)
            else { return nil }
            return table
        }
    }

    func scan(
        _ selector: LogSelector, in range: ClosedRange<Timestamp>, _ body: (LakeLogRecord) throws -> Bool
    ) throws {
        for table in try tables(for: selector.matchers) {
            let conditions = (selector.matchers + selector.directMatchers).filter { !Self.tableLabels.contains($0.name) }
            // A field that no row has is the empty text.
            guard conditions.allSatisfy({ table.table.schema[$0.name] != nil || $0.matches("") }) else { continue }
            var isDone = false
            try scan(table, conditions.filter { table.table.schema[$0.name] != nil }, in: range) { batch, times, rows in
                let view = LakeLogBatch(batch, table)
                for row in rows {
                    guard try body(LakeLogRecord(view: view, row: row, time: Timestamp(microseconds: times[row]))) else {
                        isDone = true
                        return false
                    }
                }
                return true
            }
            if isDone { return }
        }
    }

    /// Calls `body` with the rows of batches that are in the range and fulfil the conditions, and the times of all rows.
    ///
    /// - Parameter columns: nil for all; the time is read in any case.
    func scan(
        _ table: Table, _ conditions: [Matcher], in range: ClosedRange<Timestamp>, columns: [String]? = nil,
        _ body: (_ batch: Batch, _ times: [Int64], _ rows: [Int]) throws -> Bool
    ) throws {
        let wanted = columns.map { columns in
            Array(Set(columns + [table.time] + conditions.map(\.name))).filter { table.table.schema[$0] != nil }.sorted()
        }
        let bounds = range.lowerBound.microseconds...range.upperBound.microseconds
        try table.table.scan(columns: wanted, times: (table.time, range), matching: conditions) { batch in
            try Task.checkCancellation()
            guard let column = batch[table.time] else { return true }
            let isMatched = conditions.rows(in: batch)
            let times = (0..<batch.count).map { column.integer(at: $0) ?? .min }
            return try body(batch, times, (0..<batch.count).filter { isMatched[$0] && bounds.contains(times[$0]) })
        }
    }

    /// The columns that a row's text is made of.
    static func textColumns(_ schema: Schema) -> [Int] {
        schema.fields.indices.filter { !places.contains(schema.fields[$0].name) }
    }
}

/// A batch of a table, as its lines are read from it.
final class LakeLogBatch {
    fileprivate let batch: Batch
    fileprivate let tableLabels: Labels
    private let columnLabels: [(name: String, column: Int)]
    private let message: Int?
    private let isBronze: Bool
    private lazy var textColumns = LakeLogs.textColumns(batch.schema)
    private var known: [[String]: Labels] = [:]

    init(_ batch: Batch, _ table: LakeLogs.Table) {
        self.batch = batch
        tableLabels = table.labels
        columnLabels = table.columnLabels.compactMap { name in batch.schema.index(of: name).map { (name, $0) } }
        isBronze = table.labels.has("layer", "bronze")
        message = batch.schema.index(of: isBronze ? "line" : "message")
    }

    fileprivate func labels(_ row: Int) -> Labels {
        let values = columnLabels.map { batch.columns[$0.column].string(at: row) ?? "" }
        if let labels = known[values] { return labels }
        let own = zip(columnLabels, values).filter { !$1.isEmpty }.map { ($0.name, $1) }
        let labels = Labels(tableLabels.map { ($0.key, $0.value) } + own)
        known[values] = labels
        return labels
    }

    fileprivate func text(_ row: Int) -> String {
        if let message, let text = batch.columns[message].string(at: row) { return text }
        var text: [UInt8] = []
        for index in textColumns where !batch.columns[index].isNull(at: row) {
            if !text.isEmpty { text.append(UInt8(ascii: " ")) }
            text += batch.schema.fields[index].name.utf8
            text.append(UInt8(ascii: "="))
            let value = batch.columns[index].value(at: row, as: batch.schema.fields[index].type).description
            // As logfmt has it: what a blank, a quote, a sign of equality or a control character is in, is in quotes.
            let isPlain =
                !value.isEmpty && value.utf8.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") }
            if isPlain { text += value.utf8 } else { JSONText.append(quoted: value, to: &text) }
        }
        return String(decoding: text, as: UTF8.self)
    }

    fileprivate func value(_ name: String, _ row: Int) -> String? {
        guard let index = batch.schema.index(of: name) else { return tableLabels[name] }
        guard !batch.columns[index].isNull(at: row), !(isBronze && index == message) else { return nil }
        return batch.columns[index].string(at: row)
            ?? batch.columns[index].value(at: row, as: batch.schema.fields[index].type).description
    }

    fileprivate func fields(_ row: Int) -> [(name: OutsideText, value: String)] {
        batch.schema.fields.indices.compactMap { index in
            let name = batch.schema.fields[index].name
            guard index != message, name != "event_time", name != "arrival_time", name != "raw",
                !columnLabels.contains(where: { $0.column == index }), let value = value(name, row)
            else { return nil }
            return (OutsideText(name), value)
        }
    }
}

/// A row of a table as a line.
struct LakeLogRecord: LogRecord {
    fileprivate let view: LakeLogBatch
    fileprivate let row: Int
    let time: Timestamp

    func text() -> String { view.text(row) }
    var labels: Labels { view.labels(row) }
    func value(of name: OutsideText) -> String? { view.value(name.string, row) }
    var fields: [(name: OutsideText, value: String)] { view.fields(row) }
}
