import Columns
import Foundation
import Series

/// Watches a series of numbers per group. Values are judged in the order in which they come: rows of windows come in that of
/// their times.
struct SeriesWatcher: Detector {
    /// Series beyond which those that were quiet longest are forgotten: each takes up to 25 KB, here and in each checkpoint.
    static let maxSeries = 1000

    private let settings: SeriesSettings
    private let context: DetectorContext
    private let texts: SeriesTexts
    private var series: [UInt64: WatchedSeries] = [:]
    private(set) var figures = DetectorFigures()

    var horizon: Duration { .zero }

    init(_ settings: SeriesSettings, _ context: DetectorContext) {
        self.settings = settings
        self.context = context
        texts = SeriesTexts(settings)
    }

    mutating func observe(_ rows: DetectorRows) -> [Finding] {
        guard let values = rows.events[settings.column], let keys = rows.keys(settings.groupBy) else { return [] }
        var findings: [Finding] = []
        for row in 0..<rows.count where keys[row] != 0 {
            guard let value = values.number(at: row), value.isFinite else { continue }
            let time = Timestamp(microseconds: rows.times[row]), key = keys[row]
            if series[key] == nil { series[key] = WatchedSeries(labels: labels(rows, row), first: time) }
            if series[key]!.observe(value, at: time, isLeftOut: isLeftOut(key, time), settings) {
                let line = LineReference(time: rows.times[row], name: rows.lineNames(of: [Int32(row)])[row])
                rows.keep(row, as: line)
                findings += finding(of: key, evidence: rows.evidence.cache.lines([line]))
            }
        }
        if series.count > Self.maxSeries { forgetQuietest() }
        return findings
    }

    private func labels(_ rows: DetectorRows, _ row: Int) -> Labels {
        Labels(settings.groupBy.map { ($0.label, rows.label($0, row)) })
    }

    /// Whether nothing is to be learned from a value. Only of a series that was reported an incident can be known.
    private func isLeftOut(_ key: UInt64, _ time: Timestamp) -> Bool {
        guard let known = series[key], known.finding != nil else { return false }
        return context.isLeftOut((settings.name, findingLabels(known.labels), settings.mode == .simulate), time)
    }

    private func findingLabels(_ labels: Labels) -> Labels {
        var all = settings.labels
        for (name, value) in labels { all[name] = value }
        return all
    }

    /// What is reported of a series now.
    private func finding(of key: UInt64, evidence: [Evidence], isUpdate: Bool = false) -> [Finding] {
        guard let series = series[key], let found = series.finding else { return [] }
        let usual = UsualRange(
            low: found.low, high: found.high, reason: found.reason, deviations: found.deviations, since: found.since)
        let filled = texts.filled(found, labels: series.labels)
        var finding = Finding(
            name: settings.name, detector: SeriesSettings.kind, severity: settings.severity,
            labels: findingLabels(series.labels), title: filled.title, description: filled.description, startsAt: found.since,
            lastSeen: found.lastSeen, count: found.count, evidence: evidence,
            contributions: [
                FeatureContribution(
                    feature: settings.column, value: found.value, typical: found.expected, share: 1, usual: usual)
            ],
            score: found.score, ends: settings.ends ?? .quiet(series.usualPause))
        finding.isUpdate = isUpdate
        return [finding]
    }

    /// What goes on of what was reported: an incident lasts as long as the values lie outside of what is usual.
    mutating func updates(_ evidence: EvidenceSource) -> [Finding] {
        var findings: [Finding] = []
        for key in series.keys.sorted() where series[key]!.finding?.hasNews == true {
            findings += finding(of: key, evidence: [], isUpdate: true)
            series[key]!.finding!.hasNews = false
        }
        return findings
    }

    private mutating func forgetQuietest() {
        // By key where times are equal, as those of the rows of a window are: it must not take everything with it.
        let bound = series.map { ($0.value.newest, $0.key) }.sorted(by: <)[series.count / 10]
        let count = series.count
        series = series.filter { ($0.value.newest, $0.key) > bound }
        figures.forgotten += count - series.count
    }

    // MARK: Checkpoints

    /// What must be the same for a state to be used.
    private var signature: String { "\(settings.rows) \(settings.column) \(settings.groupBy)" }

    mutating func snapshot() -> Data {
        var writer = StateWriter()
        writer.write(signature)
        writer.write(series.count)
        for (key, series) in series.sorted(by: { $0.key < $1.key }) {
            writer.write(key)
            series.encode(to: &writer)
        }
        figures.keys = series.count
        figures.bytes = writer.bytes.count * 2
        figures.mostUnusual = series.values.max { $0.rank < $1.rank }?.statistics ?? [:]
        return writer.data
    }

    mutating func restore(_ snapshot: Data) throws {
        var reader = StateReader(snapshot)
        guard try reader.string() == signature else { return }
        var restored: [UInt64: WatchedSeries] = [:]
        for _ in 0..<(try reader.count()) {
            let key = try reader.uint64()
            restored[key] = try WatchedSeries(from: &reader)
        }
        guard reader.isAtEnd else { throw StateReader.Damaged() }
        series = restored
    }
}

/// The title and the description of findings.
private struct SeriesTexts {
    private let title: TextTemplate
    private let description: TextTemplate

    init(_ settings: SeriesSettings) {
        title = TextTemplate(settings.title, names: settings.placeholders)
        description = TextTemplate(settings.description, names: settings.placeholders)
    }

    func filled(_ found: WatchedSeries.Found, labels: Labels) -> (title: String, description: String) {
        func text(_ name: String) -> String {
            switch name {
            case "value": UsualRange.shown(found.value)
            case "expected": UsualRange.shown(found.expected)
            case "low": UsualRange.shown(found.low)
            case "high": UsualRange.shown(found.high)
            case "deviations": UsualRange.shown(found.deviations)
            case "score": String(format: "%.2f", found.score)
            case "reason": found.reason
            case "since": found.since.description
            default: labels[name] ?? ""
            }
        }
        return (title.filled(text), description.filled(text))
    }
}
