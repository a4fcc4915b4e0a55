import Columns
import Foundation

/// Trees on rows of a table that say how likely each is to be of the one class that matters, such as a vehicle that will fail;
/// with all that is needed to use and explain them.
public struct RiskModel: RegisteredModel, Equatable {
    /// `risk`.
    public static let kind = "risk"

    /// 2 where the trees are boosted.
    var format: Int
    /// The table, or the file, that it was trained on.
    public var table: String
    /// The column that had the truth in training: true, or a number other than 0.
    public var label: String
    var layout: FeatureLayout
    var trees: RiskTrees
    /// The median in training of each feature, and then of each pair: what a finding is compared with.
    var medians: [Double]
    /// From this probability on a row is at risk: where precision and recall were best together on rows that it was not trained
    /// on.
    public var threshold: Double
    /// On rows that it was not trained on.
    public var quality: Quality
    /// How many rows.
    public var trainedOn: Int
    /// By the clock of the machine that trained it.
    public var trainedAt: Timestamp
    /// Of the first column of times.
    public var trainedSpan: ClosedRange<Timestamp>?
    /// The table, the label, and how the trees were grown.
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

    /// The columns, and then what is made of two of them, by the names that people read.
    private var widenedFeatures: [String] { features + trees.pairs.map { $0.name(of: features) } }

    /// Of a text, the values that it knows; after the columns what is made of them.
    public var featureSchema: [String] {
        layout.features.map { feature in
            feature.categories.map { "text: \(feature.column): \($0.joined(separator: ", "))" } ?? "number: \(feature.column)"
        } + trees.pairs.map { "made: \($0.name(of: features))" }
    }

    /// On rows that it was not trained on; of boosted trees the means over the folds of a cross-validation.
    public var metrics: [String: Double] {
        var metrics = [
            "area_under_roc": quality.areaUnderROC, "average_precision": quality.averagePrecision,
            "precision": quality.precision, "recall": quality.recall,
        ]
        if let reliability {
            metrics["brier_score"] = reliability.brierScore
            metrics["calibration_error"] = reliability.calibrationError
        }
        return metrics
    }

    /// Whether its probabilities mean what they say, on rows that it was not trained on; nil for a forest, whose votes are no
    /// probabilities.
    public var reliability: Reliability? {
        guard case .boosted(let boosted) = trees else { return nil }
        return boosted.validation.reliability
    }

    /// How much each feature, and what is made of two of them, mattered in training, as parts of 1, the greatest first.
    public var importances: [(feature: String, importance: Double)] {
        zip(widenedFeatures, trees.importances).map { ($0, $1) }.sorted { $0.1 > $1.1 }
    }

    /// Fewer rows of either class than this say nothing.
    static let minimumRows = 10

    /// Trains trees on all rows whose truth is known; deterministic by `seed`.
    ///
    /// - Parameters:
    ///   - excluded: columns that are not features, such as keys and what is known only after the fact.
    ///   - trees: taken as the nearest number from 1 to 10,000; of boosted ones the most.
    ///   - isBalanced: whether rare rows count as much together as common ones.
    ///   - now: the time that the model file bears.
    /// - Throws: ``ModelError`` when the label is missing, or there are too few rows of a class.
    public init(
        table: String, rows: [Batch], label: String, excluding excluded: Set<String> = [],
        algorithm: RiskAlgorithm = .boosted, seed: UInt64 = 1, trees: Int = 100, isBalanced: Bool = false, now: Timestamp
    ) throws(ModelError) {
        let (known, truth) = try Self.known(rows, label: label)
        let positives = truth.count { $0 }
        guard min(positives, truth.count - positives) >= Self.minimumRows else {
            throw .tooFewRows(table: table, label: label, positives: positives, negatives: truth.count - positives)
        }
        let layout = FeatureLayout(of: known, excluding: excluded.union([label]))
        guard !layout.features.isEmpty else { throw .noFeatures(table: table) }
        let columns = try layout.columns(of: known)
        let trained =
            switch algorithm {
            case .forest: Self.forest(columns, truth, .init(seed: seed, trees: trees), isBalanced)
            case .boosted: Self.boosted(columns, layout, truth, .init(seed: seed, rounds: trees), isBalanced)
            }
        self.layout = layout
        self.trees = trained.trees
        format = algorithm == .forest ? 1 : 2
        let judged = trained.scores.indices.filter { trained.scores[$0] != nil }
        let scores = judged.map { trained.scores[$0]! }, isPositive = judged.map { truth[$0] }
        let best = RankingQuality.bestThreshold(scores: scores, isPositive: isPositive) ?? (0.5, 0, 0)
        quality = Quality(
            areaUnderROC: trained.areaUnderROC ?? RankingQuality.areaUnderROC(scores: scores, isPositive: isPositive) ?? 0.5,
            averagePrecision: trained.averagePrecision
                ?? RankingQuality.averagePrecision(scores: scores, isPositive: isPositive) ?? 0,
            precision: best.precision, recall: best.recall)
        let made = trained.trees.pairs.map { pair in
            zip(columns[pair.left], columns[pair.right]).map { pair.value($0, $1) }
        }
        medians = (columns + made).map { column in
            let sorted = column.filter { !$0.isNaN }.sorted()
            return sorted.isEmpty ? 0 : min(max(sorted[sorted.count / 2], -.greatestFiniteMagnitude), .greatestFiniteMagnitude)
        }
        self.table = table
        self.label = label
        threshold = max(best.threshold, .leastNonzeroMagnitude)
        trainedOn = truth.count
        trainedAt = now
        trainedSpan = Self.span(known)
        parameters = [
            "algorithm": algorithm.rawValue, "balanced": String(isBalanced), "label": label, "seed": String(seed), "table": table,
            "trees": String(trained.count),
        ]
        profile = TrainingProfile(
            truth.indices.flatMap { row in columns.map { $0[row] } }, featureCount: columns.count, scores: scores)
    }

    /// The rows whose truth is known, and their truth: a row without teaches nothing.
    private static func known(_ rows: [Batch], label: String) throws(ModelError) -> ([Batch], [Bool]) {
        var truth: [Bool] = [], known: [Batch] = []
        for batch in rows {
            guard let column = batch[label] else { throw .missingFeature(label) }
            let kept = (0..<batch.count).filter { !column.isNull(at: $0) }
            known.append(kept.count == batch.count ? batch : batch.gather(kept))
            truth += kept.map { (column.number(at: $0) ?? 0) != 0 }
        }
        return (known, truth)
    }

    /// What a training gives, whatever its algorithm.
    private struct Trained {
        var trees: RiskTrees
        /// How many trees.
        var count: Int
        /// By row, of trees that have not seen it; nil where there are none.
        var scores: [Double?]
        /// Where these are not of all scores together.
        var areaUnderROC, averagePrecision: Double?
    }

    private static func forest(
        _ columns: [[Double]], _ truth: [Bool], _ options: RandomForest.Options, _ isBalanced: Bool
    ) -> Trained {
        let labels = truth.map { $0 ? 1 : 0 }
        var options = options
        if isBalanced { options.classWeights = RandomForest.balanced(labels: labels, classCount: 2) }
        let forest = RandomForest(training: columns, labels: labels, classCount: 2, options: options)
        return Trained(
            trees: .forest(forest), count: forest.trees.count,
            scores: forest.outOfBag(columns, labels: labels).votes.map { $0?[1] })
    }

    private static func boosted(
        _ columns: [[Double]], _ layout: FeatureLayout, _ truth: [Bool], _ options: BoostedTrees.Options, _ isBalanced: Bool
    ) -> Trained {
        let numbers = layout.features.indices.filter { layout.features[$0].categories == nil }
        let trained = BoostedRisk.train(
            columns, numbers: numbers, isPositive: truth, isBalanced: isBalanced, options: options)
        return Trained(
            trees: .boosted(trained.model), count: trained.model.trees.trees.count, scores: trained.probabilities,
            areaUnderROC: trained.model.validation.areaUnderROC, averagePrecision: trained.model.validation.averagePrecision)
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
    func scores(columns: [[Double]], count: Int) -> [Double] { trees.probabilities(columns: columns, count: count) }

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
        let row = trees.widened(try layout.columns(of: [batch.slice(index..<(index + 1))]).map { $0[0] })
        let raised = trees.contributions(row).map { max(0, $0) }
        let total = raised.reduce(0, +), names = widenedFeatures
        return names.indices.map {
            FeatureContribution(
                feature: names[$0], value: row[$0].isNaN ? 0 : row[$0], typical: medians[$0],
                share: total > 0 ? raised[$0] / total : 0)
        }.sorted { $0.share > $1.share }
    }
}
