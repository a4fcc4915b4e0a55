import Columns
import Foundation

/// What is usual for the windows of a gold table, with all that is needed to use and explain it: what is saved as a model file.
public struct WindowModel: Sendable, Codable, Equatable {
    /// The layout of the file.
    var format = 1
    var table: String
    /// The columns that it looks at, in this order.
    public var features: [String]
    /// By feature.
    var medians: [Double]
    /// From this score on a window is an anomaly.
    public var threshold: Double
    /// How many windows.
    public var trainedOn: Int
    /// By the clock of the machine that trained it.
    public var trainedAt: Timestamp
    /// The starts of the first and the last window.
    public var trainedSpan: ClosedRange<Timestamp>?
    /// The algorithm, its seed and number of trees, and the table.
    public var parameters: Labels
    /// The share of the training windows that it finds.
    public var metrics: [String: Double]
    var judge: WindowJudge
    /// What live windows are compared with.
    var profile: TrainingProfile

    /// What judges.
    public var algorithm: WindowAlgorithm {
        switch judge {
        case .ensemble: .ensemble
        case .forest: .forest
        }
    }

    /// Fewer windows than this say nothing about what is normal.
    static let minimumRows = 30
    /// So many first windows train a model where nobody has trained one. After half as many, hosts on the internet still had two
    /// strangers a day of a kind that the model had not met.
    static let automaticRows = 2000
    /// No score below is an anomaly, however calm the training was. A window with less is hardly unusual by a forest, and no
    /// farther out than the ordinary scans of a host on the internet by the ensemble.
    private static let leastThreshold: [WindowAlgorithm: Double] = [.forest: 0.6, .ensemble: 3.5]
    /// How often a window may be found where nothing is wrong: the threshold lets so many of the training windows pass.
    private static let daysPerAnomaly = 2

    /// Trains on windows, deterministic by its seed; nil when there are fewer than thirty, or no column is a number.
    ///
    /// - Parameters:
    ///   - features: the columns that it looks at; nil for all that are whole numbers or doubles.
    ///   - trees: taken as the nearest number from 1 to 10,000.
    public init?(
        table: String, windows: [Batch], features chosen: [String]? = nil, algorithm: WindowAlgorithm = .ensemble,
        seed: UInt64 = 1, trees: Int = 100, now: Timestamp
    ) {
        guard let schema = windows.first?.schema else { return nil }
        let features = chosen ?? schema.fields.filter { $0.type == .int64 || $0.type == .double }.map(\.name)
        guard !features.isEmpty else { return nil }
        let values = windows.flatMap { Self.values(of: $0, features) }, count = values.count / features.count
        guard count >= Self.minimumRows else { return nil }
        self.features = features
        self.table = table
        medians = features.indices.map { feature in
            let sorted = (0..<count).map { values[$0 * features.count + feature] }.filter { !$0.isNaN }.sorted()
            return sorted.isEmpty ? 0 : Self.finite(sorted[sorted.count / 2])
        }
        judge = WindowJudge(
            algorithm, training: Self.prepared(values, for: algorithm), featureCount: features.count, seed: seed, trees: trees)
        let scores = judge.scores(Self.prepared(values, for: algorithm))
        trainedSpan = Self.span(windows)
        threshold = max(
            Self.leastThreshold[algorithm] ?? 0, scores.sorted()[count - 1 - Self.tolerated(of: count, trainedSpan)])
        let threshold = threshold
        metrics = ["found_in_training": Double(scores.count { $0 >= threshold }) / Double(count)]
        profile = TrainingProfile(values, featureCount: features.count, scores: scores)
        parameters = ["algorithm": algorithm.rawValue, "seed": String(seed), "table": table, "trees": String(trees)]
        trainedOn = count
        trainedAt = now
    }

    /// The starts of the first and the last of windows; nil where none has one.
    private static func span(_ windows: [Batch]) -> ClosedRange<Timestamp>? {
        var first = Int64.max, last = Int64.min
        for batch in windows {
            guard let starts = batch["window_start"] else { continue }
            for row in 0..<batch.count {
                guard let start = starts.integer(at: row) else { continue }
                (first, last) = (min(first, start), max(last, start))
            }
        }
        return first > last ? nil : Timestamp(microseconds: first)...Timestamp(microseconds: last)
    }

    /// How many of the training windows may be at the threshold or above: one per two days that they cover, at most 0.5 %, but
    /// one at least, so that an anomaly in the training does not excuse the next.
    private static func tolerated(of count: Int, _ span: ClosedRange<Timestamp>?) -> Int {
        guard let span, span.lowerBound < span.upperBound else { return max(1, count / 200) }
        let days = (span.upperBound - span.lowerBound).inSeconds / 86_400
        return max(1, min(count / 200, Int(days / Double(daysPerAnomaly))))
    }

    /// The features of each window, one behind the other; NaN where one is missing.
    private static func values(of batch: Batch, _ features: [String]) -> [Double] {
        var values = [Double](repeating: .nan, count: batch.count * features.count)
        for (index, name) in features.enumerated() {
            guard let column = batch[name] else { continue }
            for row in 0..<batch.count { values[row * features.count + index] = column.number(at: row) ?? .nan }
        }
        return values
    }

    /// A forest takes counts as log(1 + n), because it cuts anywhere between the least and the greatest. The ensemble has a scale
    /// of its own; by logarithms before it, two hundred log-ins in a window were hardly unusual.
    private static func prepared(_ values: [Double], for algorithm: WindowAlgorithm) -> [Double] {
        switch algorithm {
        case .ensemble: values
        case .forest: values.map { $0.isNaN ? 0 : log1p(max(0, $0)) }
        }
    }

    private static func finite(_ value: Double) -> Double {
        min(max(value, -.greatestFiniteMagnitude), .greatestFiniteMagnitude)
    }

    /// The score of each window of `batch`, in the unit of its ``algorithm``.
    public func scores(_ batch: Batch) -> [Double] {
        judge.scores(Self.prepared(Self.values(of: batch, features), for: algorithm))
    }

    /// A window that stands out.
    struct Anomaly {
        let row: Int
        let start: Timestamp
        let end: Timestamp
        let score: Double
        /// Of each feature that the window has, the most telling first.
        let contributions: [FeatureContribution]
    }

    /// The features of each window of `batch`, one behind the other, and the score of each.
    func judged(_ batch: Batch) -> (values: [Double], scores: [Double]) {
        let values = Self.values(of: batch, features)
        return (values, judge.scores(Self.prepared(values, for: algorithm)))
    }

    /// The windows of `batch` that stand out, with the features that made them.
    ///
    /// - Parameter judged: what ``judged(_:)`` gave for `batch`.
    func anomalies(_ batch: Batch, _ judged: (values: [Double], scores: [Double])) -> [Anomaly] {
        guard let starts = batch["window_start"], let ends = batch["window_end"] else { return [] }
        return judged.scores.indices.filter { judged.scores[$0] >= threshold }.map { row in
            let window = Array(judged.values[(row * features.count)..<((row + 1) * features.count)])
            return Anomaly(
                row: row, start: Timestamp(microseconds: starts.integer(at: row) ?? 0),
                end: Timestamp(microseconds: ends.integer(at: row) ?? 0), score: judged.scores[row],
                contributions: contributions(window, Self.prepared(window, for: algorithm)))
        }
    }

    private func contributions(_ window: [Double], _ prepared: [Double]) -> [FeatureContribution] {
        let shares = judge.shares(prepared)
        return features.indices.filter { !window[$0].isNaN }.map {
            FeatureContribution(feature: features[$0], value: Self.finite(window[$0]), typical: medians[$0], share: shares[$0])
        }.sorted { $0.share > $1.share }
    }

    private enum CodingKeys: CodingKey {
        case format, table, features, medians, threshold, trainedOn, trainedAt, trainedSpan, parameters, metrics, judge, profile
    }

    /// - Throws: `DecodingError` for a file whose parts do not fit together.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        format = try container.decode(Int.self, forKey: .format)
        table = try container.decode(String.self, forKey: .table)
        features = try container.decode([String].self, forKey: .features)
        medians = try container.decode([Double].self, forKey: .medians)
        threshold = try container.decode(Double.self, forKey: .threshold)
        trainedOn = try container.decode(Int.self, forKey: .trainedOn)
        trainedAt = try container.decode(Timestamp.self, forKey: .trainedAt)
        trainedSpan = try container.decodeIfPresent(ClosedRange<Timestamp>.self, forKey: .trainedSpan)
        parameters = try container.decode(Labels.self, forKey: .parameters)
        metrics = try container.decode([String: Double].self, forKey: .metrics)
        judge = try container.decode(WindowJudge.self, forKey: .judge)
        profile = try container.decode(TrainingProfile.self, forKey: .profile)
        guard format == 1, !features.isEmpty, features.count == medians.count, features.count == judge.featureCount,
            profile.isSound(featureCount: features.count)
        else {
            throw DecodingError.dataCorruptedError(
                forKey: .features, in: container, debugDescription: "the parts of the model do not fit together")
        }
    }
}
