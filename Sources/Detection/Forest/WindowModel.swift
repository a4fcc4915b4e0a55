import Columns
import Foundation

/// An isolation forest on the windows of a gold table, with all that is needed to use and explain it: what is saved as a model
/// file.
public struct WindowModel: Sendable, Codable, Equatable {
    /// The layout of the file.
    var format = 1
    var table: String
    /// The columns that it looks at, in this order. Counts are taken as log(1 + n): an attack is not ten times worse for ten
    /// times the lines.
    public var features: [String]
    var medians: [Double]
    /// From this score on a window is an anomaly.
    public var threshold: Double
    /// How many windows.
    public var trainedOn: Int
    /// By the clock of the machine that trained it.
    public var trainedAt: Timestamp
    var forest: IsolationForest

    /// Fewer windows than this say nothing about what is normal.
    static let minimumRows = 30
    /// So many first windows train a model where nobody has trained one: fewer would call the second kind of user an anomaly.
    static let automaticRows = 1000

    /// Trains on windows, deterministic by its seed; nil when there are fewer than thirty, or no column is a number.
    ///
    /// - Parameters:
    ///   - features: the columns that it looks at; nil for all that are whole numbers or doubles.
    ///   - trees: taken as the nearest number from 1 to 10,000.
    public init?(
        table: String, windows: [Batch], features: [String]? = nil, seed: UInt64, trees: Int, now: Timestamp
    ) {
        self.init(table: table, windows: windows, features: features, options: .init(seed: seed, trees: trees), now: now)
    }

    /// Trains on windows; nil when there are fewer than ``minimumRows``.
    ///
    /// - Parameters:
    ///   - chosen: the columns that it looks at; nil for all that are whole numbers or doubles.
    ///   - contamination: the share of windows that are expected to be anomalies: the threshold is put so that this many of the
    ///     training windows would
    ///     have been, but never below 0.6, where a window is hardly unusual.
    init?(
        table: String, windows: [Batch], features chosen: [String]? = nil, contamination: Double = 0.005,
        options: IsolationForest.Options = .init(), now: Timestamp
    ) {
        guard let schema = windows.first?.schema else { return nil }
        features = chosen ?? schema.fields.filter { $0.type == .int64 || $0.type == .double }.map(\.name)
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

    /// A window that stands out.
    struct Anomaly {
        let row: Int
        let start: Timestamp
        let end: Timestamp
        let score: Double
        /// Of each feature, the most telling first.
        let contributions: [FeatureContribution]
    }

    /// The windows of `batch` that stand out, with the features that made them.
    func anomalies(_ batch: Batch) -> [Anomaly] {
        let values = Self.values(of: batch, features)
        let scores = forest.scores(values)
        guard let starts = batch["window_start"], let ends = batch["window_end"] else { return [] }
        return scores.indices.filter { scores[$0] >= threshold }.map { row in
            let window = Array(values[(row * features.count)..<((row + 1) * features.count)])
            let shares = forest.shares(window)
            let contributions = features.indices.map {
                FeatureContribution(
                    feature: features[$0], value: expm1(window[$0]).rounded(), typical: expm1(medians[$0]).rounded(),
                    share: shares[$0])
            }.sorted { $0.share > $1.share }
            return Anomaly(
                row: row, start: Timestamp(microseconds: starts.integer(at: row) ?? 0),
                end: Timestamp(microseconds: ends.integer(at: row) ?? 0), score: scores[row], contributions: contributions)
        }
    }
}
