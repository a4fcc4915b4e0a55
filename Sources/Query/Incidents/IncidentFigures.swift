import Incidents
import Columns
import Detection
import Lake

/// What a gold table of windows counts about the subject of an incident, from half an hour before it started to half an hour
/// after it was last seen.
public struct IncidentFigures: Sendable {
    struct Column: Sendable {
        var name: String
        /// One value per window; nil where the table has no row, because nothing happened.
        var values: [Double?]
        /// What is usual in each window; empty where nothing says it.
        var usual: [ClosedRange<Double>?] = []
    }

    let table: String
    /// The labels that select the rows: `source="192.0.2.7"`.
    let subject: String
    let start: Timestamp
    let length: Duration
    let columns: [Column]
    /// The window in which the incident started.
    let began: Int

    /// Half an hour shows what was usual before, and whether it has ended.
    private static let margin = Duration.seconds(1800)
    /// The windows that fit on a line that people read.
    private static let maxWindows = 72
    private static let maxColumns = 8

    /// The figures of every table that has rows of the incident's subject, without columns that are always zero.
    ///
    /// - Throws: `LakeError` when a table cannot be read.
    static func all(of incident: Incident, in lake: Lake) throws -> [IncidentFigures] {
        try lake.tables().filter { $0.hasPrefix("gold.") }.compactMap { try figures(of: incident, in: lake.table($0)) }
    }

    private static func figures(of incident: Incident, in table: DeltaTable) throws -> IncidentFigures? {
        let schema = table.schema
        guard schema["window_start"]?.type == .timestamp, schema["window_end"]?.type == .timestamp else { return nil }
        let subject = incident.labels.filter { $0.key != "alertname" && $0.key != "severity" && schema[$0.key]?.type == .text }
        guard !subject.isEmpty else { return nil }
        let matchers = try subject.map { try Matcher($0.key, .equal, $0.value) }
        let range = (incident.startsAt - margin)...(incident.lastSeen + margin)
        let names = schema.fields.filter { $0.type.isNumeric }.map(\.name)
        var rows: [(start: Int64, end: Int64, values: [Double?])] = []
        try table.scan(times: ("window_start", range), matching: matchers) { batch in
            try Task.checkCancellation()
            let isMatched = matchers.rows(in: batch)
            guard let starts = batch["window_start"], let ends = batch["window_end"] else { return false }
            for row in 0..<batch.count where isMatched[row] {
                guard let start = starts.integer(at: row), let end = ends.integer(at: row), end > start,
                    range.contains(Timestamp(microseconds: start))
                else { continue }
                rows.append((start, end, names.map { batch[$0]?.number(at: row) }))
            }
            return rows.count < 10_000
        }
        guard let first = rows.first else { return nil }
        let length = first.end - first.start
        let begin = (range.lowerBound.microseconds / length) * length
        let count = min(maxWindows, Int((range.upperBound.microseconds - begin) / length) + 1)
        var columns = names.map { Column(name: $0, values: Array(repeating: nil, count: count)) }
        for row in rows {
            let window = Int((row.start - begin) / length)
            guard window >= 0, window < count else { continue }
            // Sessions and sliding windows overlap: the greatest value is shown.
            for (column, value) in row.values.enumerated() {
                if let value { columns[column].values[window] = max(columns[column].values[window] ?? -.infinity, value) }
            }
        }
        columns = withBands(columns, incident)
        columns = columns.filter { $0.values.contains { ($0 ?? 0) != 0 } }
        guard !columns.isEmpty else { return nil }
        return IncidentFigures(
            table: table.name,
            subject: subject.map { "\(Matcher.shown($0.key))=\(OutsideText($0.value).quotedLabel)" }.joined(separator: ", "),
            start: Timestamp(microseconds: begin), length: .microseconds(length), columns: Array(columns.prefix(maxColumns)),
            began: min(count - 1, Int((incident.startsAt.microseconds - begin) / length)))
    }

    /// The columns with their bands: that of the step `usual`, whose columns are not figures of their own then, or the one that
    /// the incident was opened with.
    private static func withBands(_ columns: [Column], _ incident: Incident) -> [Column] {
        let byName = Dictionary(columns.map { ($0.name, $0.values) }) { first, _ in first }
        var bands: Set<String> = []
        let figures = columns.map { column in
            var column = column
            if let low = byName["\(column.name)_low"], let high = byName["\(column.name)_high"] {
                column.usual = zip(low, high).map(Self.range)
                bands.formUnion(["expected", "low", "high", "score"].map { "\(column.name)_\($0)" })
            } else if let found = incident.contributions.first(where: { $0.feature == column.name }), let usual = found.usual {
                column.usual = Array(repeating: Self.range(usual.low, usual.high), count: column.values.count)
            }
            return column
        }
        return figures.filter { !bands.contains($0.name) }
    }

    private static func range(_ low: Double?, _ high: Double?) -> ClosedRange<Double>? {
        guard let low, let high, low <= high else { return nil }
        return low...high
    }

    /// The start of a window.
    func time(of window: Int) -> Timestamp { start + .microseconds(Int64(window) * length.inMicroseconds) }
}

extension IncidentFigures.Column {
    private static let bars: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]

    /// One character per window, as high as its value relative to the greatest; a dot where there is no row.
    var graph: String {
        let top = values.compactMap { $0 }.max() ?? 0
        return String(
            values.map { value in
                guard let value else { return "·" }
                return top > 0 ? Self.bars[min(7, max(0, Int((value / top * 7).rounded())))] : "▁"
            })
    }

    /// The greatest value and its window.
    var peak: (value: Double, window: Int)? {
        values.enumerated().compactMap { window, value in value.map { ($0, window) } }.max { ($0.0, -$0.1) < ($1.0, -$1.1) }
    }
}
