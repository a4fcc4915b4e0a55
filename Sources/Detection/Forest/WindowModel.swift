import Columns
import Foundation

/// An isolation forest on the windows of a gold table, with all that is needed to use and explain it: what is saved as a model file.
public struct WindowModel: Sendable, Codable, Equatable {
    /// The layout of the file.
    public var format = 1
    public var table: String
    /// The columns that it looks at, in this order. Counts are taken as log(1 + n): an attack is not ten times worse for ten times the lines.
    public var features: [String]
    public var medians: [Double]
    /// From this score on a window is an anomaly.
    public var threshold: Double
    public var trainedOn: Int
    public var trainedAt: Timestamp
    public var forest: IsolationForest

    /// Fewer windows than this say nothing about what is normal.
    public static let minimumRows = 30
    /// So many first windows train a model where nobody has trained one: fewer would call the second kind of user an anomaly.
    public static let automaticRows = 1000

    /// Trains on windows; nil when there are fewer than ``minimumRows``.
    ///
    /// - Parameters:
    ///   - contamination: the share of windows that are expected to be anomalies: the threshold is put so that this many of the training windows would
    ///     have been, but never below 0.6, where a window is hardly unusual.
    public init?(
        table: String, windows: [Batch], contamination: Double = 0.005, options: IsolationForest.Options = .init(), now: Timestamp
    ) {
        guard let schema = windows.first?.schema else { return nil }
        features = schema.fields.filter { $0.type == .int64 || $0.type == .double }.map(\.name)
        let features = features
        guard !features.isEmpty else { return nil }
        let width = features.count
        let values = windows.flatMap { Self.values(of: $0, features) }
        let rows = stride(from: 0, to: values.count, by: width).map { Array(values[$0..<($0 + width)]) }
        guard rows.count >= Self.minimumRows else { return nil }
        self.table = table
        medians = features.indices.map { feature in
            let sorted = rows.map { $0[feature] }.sorted()
            return sorted[sorted.count / 2]
        }
        forest = IsolationForest(training: rows, options: options)
        let scores = forest.scores(values).sorted()
        threshold = max(0.6, scores[min(scores.count - 1, Int(Double(scores.count) * (1 - contamination)))])
        trainedOn = rows.count
        trainedAt = now
    }

    /// The features of each window, one behind the other.
    private static func values(of batch: Batch, _ features: [String]) -> [Double] {
        var values = [Double](repeating: 0, count: batch.count * features.count)
        for (index, name) in features.enumerated() {
            guard let column = batch[name] else { continue }
            for row in 0..<batch.count { values[row * features.count + index] = log1p(max(0, column.number(at: row) ?? 0)) }
        }
        return values
    }

    /// The score of each window of `batch`.
    public func scores(_ batch: Batch) -> [Double] { forest.scores(Self.values(of: batch, features)) }

    /// The windows of `batch` that stand out, with the features that made them.
    public func findings(_ batch: Batch) -> [Finding] {
        let values = Self.values(of: batch, features)
        let scores = forest.scores(values)
        guard let starts = batch["window_start"], let ends = batch["window_end"], batch.schema.count > 2 else { return [] }
        let by = batch.schema.fields[2].name
        return scores.indices.compactMap { row in
            let score = scores[row]
            guard score >= threshold else { return nil }
            let window = Array(values[(row * features.count)..<((row + 1) * features.count)])
            let shares = forest.shares(window)
            let contributions = features.indices.map {
                FeatureContribution(
                    feature: features[$0], value: expm1(window[$0]).rounded(), typical: expm1(medians[$0]).rounded(),
                    share: shares[$0])
            }.sorted { $0.share > $1.share }
            let telling = contributions.prefix(3).map { "\($0.feature) \(Int($0.value)) (typical \(Int($0.typical)))" }.joined(
                separator: ", ")
            let subject = batch.columns[2].string(at: row) ?? ""
            return Finding(
                name: "SSHAnomalousSource", detector: "forest", severity: .info, labels: [by: subject],
                title: "Unusual behaviour of \(subject): \(contributions[0].feature) \(Int(contributions[0].value))",
                description:
                    "Its five-minute window scores \(String(format: "%.2f", score)) (threshold \(String(format: "%.2f", threshold))): \(telling).",
                startsAt: Timestamp(microseconds: starts.integer(at: row) ?? 0),
                lastSeen: Timestamp(microseconds: ends.integer(at: row) ?? 0), count: 1,
                contributions: Array(contributions.prefix(5)), score: score)
        }
    }
}
