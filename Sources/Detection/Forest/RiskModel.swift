import Columns
import Foundation

/// A random forest on rows of a table that says how likely each is to be of the one class that matters, such as a vehicle that
/// will fail; with all that is needed to use and explain it.
public struct RiskModel: RegisteredModel, Equatable {
    /// `risk`.
    public static let kind = "risk"

    var format = 1
    /// The table, or the file, that it was trained on.
    public var table: String
    /// The column that had the truth in training: true, or a number other than 0.
    public var label: String
    var layout: FeatureLayout
    var forest: RandomForest
    /// The median of each feature in training: what a finding is compared with.
    var medians: [Double]
    /// From this probability on a row is at risk: where precision and recall were best together on out-of-bag rows.
    public var threshold: Double
    /// On the rows that each tree was not trained on.
    public var quality: Quality
    /// How many rows.
    public var trainedOn: Int
    /// By the clock of the machine that trained it.
    public var trainedAt: Timestamp
    /// Of the first column of times.
    public var trainedSpan: ClosedRange<Timestamp>?
    /// The table, the label, and how the forest was grown.
    public var parameters: Labels
    /// What live rows are compared with.
    var profile: TrainingProfile

    /// How well a model does on rows whose truth is known.
    public struct Quality: Sendable, Codable, Equatable {
        /// The probability that a row at risk scores higher than another one.
        public var areaUnderROC: Double
        /// The mean, over the rows at risk, of the share of such rows among those that score at least as high.
        public var averagePrecision: Double
        /// The share of rows at risk among those from the threshold on.
        public var precision: Double
        /// The share of rows at risk that are from the threshold on.
        public var recall: Double
    }

    /// The columns that it looks at, in their order.
    public var features: [String] { layout.names }

    /// Of a text, the values that it knows.
    public var featureSchema: [String] {
        layout.features.map { feature in
            feature.categories.map { "text: \(feature.column): \($0.joined(separator: ", "))" } ?? "number: \(feature.column)"
        }
    }

    /// On the rows that each tree was not trained on.
    public var metrics: [String: Double] {
        [
            "area_under_roc": quality.areaUnderROC, "average_precision": quality.averagePrecision,
            "precision": quality.precision, "recall": quality.recall,
        ]
    }

    /// How much each feature lowered the impurity of the trees, as parts of 1, the greatest first.
    public var importances: [(feature: String, importance: Double)] {
        zip(features, forest.importances).map { ($0, $1) }.sorted { $0.1 > $1.1 }
    }

    /// Fewer rows of either class than this say nothing.
    static let minimumRows = 10

    /// Trains a forest on all rows whose truth is known; deterministic by `seed`.
    ///
    /// - Parameters:
    ///   - excluded: columns that are not features, such as keys and what is known only after the fact.
    ///   - trees: taken as the nearest number from 1 to 10,000.
    ///   - isBalanced: whether rare rows count as much together as common ones.
    ///   - now: the time that the model file bears.
    /// - Throws: ``ModelError`` when the label is missing, or there are too few rows of a class.
    public init(
        table: String, rows: [Batch], label: String, excluding excluded: Set<String>, seed: UInt64, trees: Int,
        isBalanced: Bool, now: Timestamp
    ) throws(ModelError) {
        try self.init(
            table: table, rows: rows, label: label, excluding: excluded, options: .init(seed: seed, trees: trees),
            isBalanced: isBalanced, now: now)
    }

    /// - Throws: ``ModelError`` when the label is missing, or there are too few rows of a class.
    init(
        table: String, rows: [Batch], label: String, excluding excluded: Set<String> = [],
        options: RandomForest.Options = .init(), isBalanced: Bool = false, now: Timestamp
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
        var options = options
        if isBalanced { options.classWeights = RandomForest.balanced(labels: labels, classCount: 2) }
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
        trainedSpan = Self.span(known)
        parameters = [
            "balanced": String(isBalanced), "label": label, "seed": String(options.seed), "table": table,
            "trees": String(options.trees),
        ]
        profile = TrainingProfile(
            truth.indices.flatMap { row in columns.map { $0[row] } }, featureCount: columns.count, scores: scores)
    }

    /// The earliest and the latest time in the first column of times; nil where there is none.
    private static func span(_ batches: [Batch]) -> ClosedRange<Timestamp>? {
        guard let name = batches.first?.schema.fields.first(where: { $0.type == .timestamp })?.name else { return nil }
        let times = batches.flatMap { batch in (0..<batch.count).compactMap { batch[name]?.integer(at: $0) } }
        guard let first = times.min(), let last = times.max() else { return nil }
        return Timestamp(microseconds: first)...Timestamp(microseconds: last)
    }

    /// The same as ``scores(_:)``.
    public func scores(of rows: Batch) throws(ModelError) -> [Double] { try scores(rows) }

    /// The probability of each row of `batch` to be of the class that matters.
    ///
    /// - Throws: ``ModelError/missingFeature(_:)``.
    public func scores(_ batch: Batch) throws(ModelError) -> [Double] {
        scores(columns: try layout.columns(of: [batch]), count: batch.count)
    }

    /// The same of rows whose features are in ``layout``.
    func scores(columns: [[Double]], count: Int) -> [Double] {
        var row = [Double](repeating: 0, count: columns.count)
        return (0..<count).map { index in
            for feature in columns.indices { row[feature] = columns[feature][index] }
            return forest.probabilities(row)[1]
        }
    }

    /// How well it does on rows that bear the truth in `label`; a row without a truth counts as one that is not at risk.
    ///
    /// - Returns: nil when the truth is the same in all rows.
    /// - Throws: ``ModelError/missingFeature(_:)``, also for `label`.
    public func quality(on batch: Batch, label: String) throws(ModelError) -> Quality? {
        guard let truth = batch[label] else { throw .missingFeature(label) }
        let scores = try scores(batch)
        let isPositive = (0..<batch.count).map { (truth.number(at: $0) ?? 0) != 0 }
        guard let area = RankingQuality.areaUnderROC(scores: scores, isPositive: isPositive),
            let precision = RankingQuality.averagePrecision(scores: scores, isPositive: isPositive)
        else { return nil }
        let found = zip(scores, isPositive).filter { $0.0 >= threshold }
        let hits = Double(found.count { $0.1 })
        return Quality(
            areaUnderROC: area, averagePrecision: precision, precision: found.isEmpty ? 0 : hits / Double(found.count),
            recall: hits / Double(max(1, isPositive.count { $0 })))
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
