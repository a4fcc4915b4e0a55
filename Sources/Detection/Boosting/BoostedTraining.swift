import Foundation
import Synchronization

/// What all trainings of a cross-validation share: the table in bins, and its pairs, each made once.
final class BoostedTraining: Sendable {
    /// A training, tree by tree, with what rows that were held back say of it.
    struct Course: Sendable {
        let pairs: [FeaturePair]
        let base: Double
        let trees: [RegressionTree]
        /// By feature, then pair.
        let gains: [Double]
        /// By number of trees, from one on: the sum of the logarithmic losses of the rows that were held back.
        let losses: [Double]

        /// The first `count` of its trees.
        ///
        /// - Parameter featureCount: of a row without its pairs.
        func trees(_ featureCount: Int, _ count: Int) -> BoostedTrees {
            BoostedTrees(featureCount: featureCount + pairs.count, base: base, trees: Array(trees[..<count]))
        }
    }

    private let columns: [[Double]]
    private let numbers: [Int]
    private let isPositive: [Bool]
    private let isBalanced: Bool
    private let options: BoostedTrees.Options
    private let features: [BinnedColumn]
    private let known = Mutex([FeaturePair: BinnedColumn]())

    /// - Parameter numbers: the features that are numbers, ascending; of those that have at most three values no pairs are made,
    ///   since a few cuts of each say the same.
    init(
        _ columns: [[Double]], numbers: [Int], isPositive: [Bool], isBalanced: Bool, options: BoostedTrees.Options
    ) {
        self.columns = columns
        self.isPositive = isPositive
        self.isBalanced = isBalanced
        self.options = options
        features = columns.map { BinnedColumn($0) }
        self.numbers = numbers.filter { [features] in features[$0].count > 4 }
    }

    /// Trains on `rows`, and judges the rows of `judged`.
    func run(on rows: [Int], judging judged: [Int], withPairs: Bool) -> Course {
        let pairs = withPairs ? FeaturePair.all(of: paired(rows)) : []
        var grower = BoostedTreeGrower(
            features + pairs.map { binned($0) }, isPositive: isPositive, rows: rows, isBalanced: isBalanced, options: options)
        var losses: [Double] = []
        for _ in 0..<options.rounds {
            grower.grow()
            guard !judged.isEmpty else { continue }
            losses.append(
                judged.reduce(0) { sum, row in
                    let margin = isPositive[row] ? grower.margins[row] : -grower.margins[row]
                    return sum + log1p(exp(-abs(margin))) + max(-margin, 0)
                })
        }
        return Course(pairs: pairs, base: grower.base, trees: grower.trees, gains: grower.gains, losses: losses)
    }

    /// The columns that are paired: all, or those that a small model without pairs cuts with most gain.
    private func paired(_ rows: [Int]) -> [Int] {
        guard numbers.count > FeaturePair.maxColumns else { return numbers }
        var grower = BoostedTreeGrower(
            features, isPositive: isPositive, rows: rows, isBalanced: isBalanced, options: options)
        for _ in 0..<min(20, options.rounds) { grower.grow() }
        let gains = grower.gains
        return numbers.sorted { (gains[$1], $0) < (gains[$0], $1) }.prefix(FeaturePair.maxColumns).sorted()
    }

    private func binned(_ pair: FeaturePair) -> BinnedColumn {
        if let column = known.withLock({ $0[pair] }) { return column }
        let column = BinnedColumn(zip(columns[pair.left], columns[pair.right]).map { pair.value($0, $1) })
        known.withLock { $0[pair] = column }
        return column
    }
}
