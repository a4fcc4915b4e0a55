import Columns
import Foundation

/// The entry of a detector of unusual values in the numbers of a column, one series per group.
///
///     name: WebLatencyUnusual
///     kind: series
///     pipeline: web
///     table: web_by_host
///     column: latency_ms
///     group_by: [host]
///     severity: info
///     title: "Latency of {host} is unusual: {value}"
///     description: "{value} is unlike what came before; it scores {score} of 1."
struct SeriesSettings: DetectorSettings {
    static let kind = "series"
    static let kinds = [kind]
    var kind: String { Self.kind }

    var name: String
    var pipeline: String?
    var rows: RowSource
    var column: String
    var groupBy: [ColumnReference]
    /// From this score on a value is a finding; a half is as surprising as the most surprising one of a long while.
    var threshold: Double
    var severity: Severity
    var mode: DetectionMode
    var title: String
    var description: String

    var requirements: [ColumnRequirement] {
        [ColumnRequirement([(key: "column", columns: [column]), (key: "group_by", columns: groupBy.map(\.column))])]
    }

    private enum CodingKeys: String, CodingKey {
        case name, pipeline, table, column, threshold, severity, mode, title, description
        case groupBy = "group_by"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        pipeline = try container.decodeIfPresent(String.self, forKey: .pipeline)
        rows = try container.decodeIfPresent(String.self, forKey: .table).map(RowSource.table) ?? .events
        column = try container.decode(String.self, forKey: .column)
        groupBy = try container.columns(.groupBy)
        threshold = try container.decodeIfPresent(Double.self, forKey: .threshold) ?? 0.5
        severity = try container.decode(Severity.self, forKey: .severity)
        mode = try container.decodeIfPresent(DetectionMode.self, forKey: .mode) ?? .notify
        title = try container.decode(String.self, forKey: .title)
        description = try container.decode(String.self, forKey: .description)
        guard threshold > 0, threshold < 1 else {
            throw container.refused(.threshold, "threshold is \(threshold); write a number between 0 and 1")
        }
        for (key, text) in [(CodingKeys.title, title), (.description, description)] {
            guard let unknown = TextTemplate.names(in: text).first(where: { !placeholders.contains($0) }) else { continue }
            let known = placeholders.sorted().map { "{\($0)}" }.joined(separator: ", ")
            throw container.refused(key, "'\(key.stringValue)' has {\(unknown)}, which '\(name)' cannot fill; it knows \(known)")
        }
    }

    var placeholders: Set<String> { Set(groupBy.map(\.label) + ["value", "score"]) }

    func detector(_ context: DetectorContext) -> any Detector { SeriesWatcher(self) }
}

/// Watches a series of numbers per group. Values are judged in the order in which they come: rows of windows come in that of
/// their times.
struct SeriesWatcher: Detector {
    private struct Series {
        var detector = SeriesDetector()
        var newest = Int64.min
    }

    /// Series beyond which those that were quiet longest are forgotten.
    private static let maxSeries = 10_000

    private let settings: SeriesSettings
    private let title: TextTemplate
    private let text: TextTemplate
    private var series: [UInt64: Series] = [:]
    private(set) var figures = DetectorFigures()

    var horizon: Duration { .zero }

    init(_ settings: SeriesSettings) {
        self.settings = settings
        title = TextTemplate(settings.title, names: settings.placeholders)
        text = TextTemplate(settings.description, names: settings.placeholders)
    }

    mutating func observe(_ rows: DetectorRows) -> [Finding] {
        guard let values = rows.events[settings.column], let keys = rows.keys(settings.groupBy) else { return [] }
        var findings: [Finding] = []
        for row in 0..<rows.count where keys[row] != 0 {
            guard let value = values.number(at: row) else { continue }
            let score = series[keys[row], default: Series()].detector.observe(value)
            series[keys[row]]!.newest = max(series[keys[row]]!.newest, rows.times[row])
            if score >= settings.threshold { findings.append(finding(rows, row, value, score)) }
        }
        if series.count > Self.maxSeries { forgetQuietest() }
        return findings
    }

    private func finding(_ rows: DetectorRows, _ row: Int, _ value: Double, _ score: Double) -> Finding {
        let labels = Labels(settings.groupBy.map { ($0.label, rows.label($0, row)) })
        let line = LineReference(time: rows.times[row], name: rows.lineNames(of: [Int32(row)])[row])
        rows.keep(row, as: line)
        func text(_ name: String) -> String {
            labels[name] ?? (name == "score" ? String(format: "%.2f", score) : Value.double(value).description)
        }
        let time = Timestamp(microseconds: rows.times[row])
        return Finding(
            name: settings.name, detector: SeriesSettings.kind, severity: settings.severity, labels: labels,
            title: title.filled(text),
            description: self.text.filled(text), startsAt: time, lastSeen: time, count: 1,
            evidence: rows.evidence.cache.lines([line]),
            score: score)
    }

    private mutating func forgetQuietest() {
        let bound = series.values.map(\.newest).sorted()[series.count / 10]
        let count = series.count
        series = series.filter { $0.value.newest > bound }
        figures.forgotten += count - series.count
    }

    mutating func updates(_ evidence: EvidenceSource) -> [Finding] { [] }

    mutating func snapshot() -> Data {
        var writer = StateWriter()
        writer.write("\(settings.rows) \(settings.column) \(settings.groupBy)")
        writer.write(series.count)
        for (key, series) in series.sorted(by: { $0.key < $1.key }) {
            writer.write(key)
            writer.write(series.newest)
            series.detector.encode(to: &writer)
        }
        figures.keys = series.count
        figures.bytes = writer.bytes.count * 2
        return writer.data
    }

    mutating func restore(_ snapshot: Data) throws {
        var reader = StateReader(snapshot)
        guard try reader.string() == "\(settings.rows) \(settings.column) \(settings.groupBy)" else { return }
        var restored: [UInt64: Series] = [:]
        for _ in 0..<(try reader.count()) {
            let key = try reader.uint64(), newest = try reader.int64()
            restored[key] = Series(detector: try SeriesDetector(from: &reader), newest: newest)
        }
        guard reader.isAtEnd else { throw StateReader.Damaged() }
        series = restored
    }
}
