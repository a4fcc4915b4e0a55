import Columns
import Foundation

/// A random forest on rows of a table that says how likely each is to be of the one class that matters, such as a vehicle that
/// will fail; with all that is needed to use and explain it.
public struct RiskModel: RegisteredModel, Equatable {
    public static let kind = "risk"

    public var format = 1
    /// The table, or the file, that it was trained on.
    public var table: String
    /// The column that had the truth in training: true, or a number other than 0.
    public var label: String
    public var layout: FeatureLayout
    public var forest: RandomForest
    /// The median of each feature in training: what a finding is compared with.
    public var medians: [Double]
    /// From this probability on a row is at risk: where precision and recall were best together on out-of-bag rows.
    public var threshold: Double
    public var quality: Quality
    public var trainedOn: Int
    public var trainedAt: Timestamp

    /// What out-of-bag rows said of the model in training.
    public struct Quality: Sendable, Codable, Equatable {
        public var areaUnderROC: Double
        public var averagePrecision: Double
        public var precision: Double
        public var recall: Double
    }

    public var features: [String] { layout.names }

    /// Fewer rows of either class than this say nothing.
    public static let minimumRows = 10

    /// - Parameters:
    ///   - excluded: columns that are not features, such as keys and what is known only after the fact.
    ///   - now: the time that the model file bears.
    /// - Throws: ``ModelError`` when the label is missing, or there are too few rows of a class.
    public init(
        table: String, rows: [Batch], label: String, excluding excluded: Set<String> = [],
        options: RandomForest.Options = .init(), now: Timestamp
    ) throws(ModelError) {
        var truth: [Bool] = []
        var known: [Batch] = []
        for batch in rows {
            guard let column = batch[label] else { throw .missingFeature(label) }
            // A row whose truth is not known teaches nothing.
            let kept = (0..<batch.count).filter { !column.isNull(at: $0) }
            known.append(kept.count == batch.count ? batch : batch.gather(kept))
            truth += kept.map { (column.number(at: $0) ?? 0) != 0 }
        }
        let positives = truth.count { $0 }
        guard min(positives, truth.count - positives) >= Self.minimumRows else {
            throw .tooFewRows(table: table, label: label, positives: positives, negatives: truth.count - positives)
        }
        layout = FeatureLayout(of: known, excluding: excluded.union([label]))
        guard !layout.features.isEmpty else { throw .noFeatures(table: table) }
        let columns = try layout.columns(of: known)
        let labels = truth.map { $0 ? 1 : 0 }
        let forest = RandomForest(training: columns, labels: labels, classCount: 2, options: options)
        let votes = forest.outOfBag(columns, labels: labels).votes
        let judged = votes.indices.filter { votes[$0] != nil }
        let scores = judged.map { votes[$0]![1] }, isPositive = judged.map { truth[$0] }
        let best = RankingQuality.bestThreshold(scores: scores, isPositive: isPositive) ?? (0.5, 0, 0)
        quality = Quality(
            areaUnderROC: RankingQuality.areaUnderROC(scores: scores, isPositive: isPositive) ?? 0.5,
            averagePrecision: RankingQuality.averagePrecision(scores: scores, isPositive: isPositive) ?? 0,
            precision: best.precision, recall: best.recall)
        medians = columns.map { column in
            let sorted = column.filter { !$0.isNaN }.sorted()
            return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
        }
        self.table = table
        self.label = label
        self.forest = forest
        threshold = max(best.threshold, .leastNonzeroMagnitude)
        trainedOn = truth.count
        trainedAt = now
    }

    /// The probability of each row of `batch` to be of the class that matters.
    ///
    /// - Throws: ``ModelError/missingFeature(_:)``.
    public func scores(_ batch: Batch) throws(ModelError) -> [Double] {
        let columns = try layout.columns(of: [batch])
        var row = [Double](repeating: 0, count: columns.count)
        return (0..<batch.count).map { index in
            for feature in columns.indices { row[feature] = columns[feature][index] }
            return forest.probabilities(row)[1]
        }
    }

    /// What raised the risk of row `index` of `batch`, the most telling first; the shares of those that raised it sum to 1.
    public func contributions(_ batch: Batch, row index: Int) throws(ModelError) -> [FeatureContribution] {
        let row = try layout.columns(of: [batch.slice(index..<(index + 1))]).map { $0[0] }
        let raised = forest.contributions(row, to: 1).map { max(0, $0) }
        let total = raised.reduce(0, +)
        return features.indices.map {
            FeatureContribution(
                feature: features[$0], value: row[$0].isNaN ? 0 : row[$0], typical: medians[$0],
                share: total > 0 ? raised[$0] / total : 0)
        }.sorted { $0.share > $1.share }
    }
}
