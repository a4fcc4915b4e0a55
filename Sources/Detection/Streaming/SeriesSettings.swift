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
///     description: "{value} at {host}, where {low} to {high} are usual: {reason}."
struct SeriesSettings: DetectorSettings {
    static let kind = "series"
    static let kinds = [kind]
    var kind: String { Self.kind }

    var name: String
    var pipeline: String?
    var rows: RowSource
    var column: String
    var groupBy: [ColumnReference]
    /// From this score on a value is a finding (``SeriesDetector``). By default it is twice as far as the most unusual value of a
    /// long while.
    var threshold: Double
    /// How long a series must be known, in event time, before anything of it is a finding.
    var learn: Duration
    var severity: Severity
    var mode: DetectionMode
    var title: String
    var description: String
    var labels: Labels
    /// Nil for a few times the usual distance between two values.
    var ends: IncidentEnd?

    private static let threshold = 0.8, learn = Duration.seconds(86_400)

    /// What is usual at an hour of the week takes more than one week.
    var lookback: Duration { max(.seconds(14 * 86_400), learn) }

    var requirements: [ColumnRequirement] {
        [ColumnRequirement([(key: "column", columns: [column]), (key: "group_by", columns: groupBy.map(\.column))])]
    }

    private enum CodingKeys: String, CodingKey {
        case name, pipeline, table, column, threshold, learn, severity, mode, title, description, labels, ends
        case groupBy = "group_by"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        pipeline = try container.decodeIfPresent(String.self, forKey: .pipeline)
        rows = try container.decodeIfPresent(String.self, forKey: .table).map(RowSource.table) ?? .events
        column = try container.decode(String.self, forKey: .column)
        groupBy = try container.columns(.groupBy)
        threshold = try container.decodeIfPresent(Double.self, forKey: .threshold) ?? Self.threshold
        learn = try container.contains(.learn) ? container.span(.learn, Self.learn) : Self.learn
        severity = try container.decode(Severity.self, forKey: .severity)
        mode = try container.decodeIfPresent(DetectionMode.self, forKey: .mode) ?? .notify
        title = try container.decode(String.self, forKey: .title)
        description = try container.decode(String.self, forKey: .description)
        labels = try container.constantLabels(.labels)
        ends = try container.incidentEnd(.ends)
        guard threshold > 0, threshold < 1 else {
            throw container.refused(.threshold, "threshold is \(threshold); write a number between 0 and 1")
        }
        for (key, text) in [(CodingKeys.title, title), (.description, description)] {
            guard let unknown = TextTemplate.names(in: text).first(where: { !placeholders.contains($0) }) else { continue }
            let known = placeholders.sorted().map { "{\($0)}" }.joined(separator: ", ")
            throw container.refused(key, "'\(key.stringValue)' has {\(unknown)}, which '\(name)' cannot fill; it knows \(known)")
        }
    }

    var placeholders: Set<String> {
        Set(groupBy.map(\.label) + ["value", "expected", "low", "high", "score", "deviations", "reason", "since"])
    }

    func detector(_ context: DetectorContext) -> any Detector { SeriesWatcher(self, context) }
}
