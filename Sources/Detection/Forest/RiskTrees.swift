/// What a ``RiskModel`` judges rows with.
enum RiskTrees: Sendable, Equatable {
    /// The vote of many deep trees; its probabilities are shares of votes.
    case forest(RandomForest)
    /// The sum of small trees, on pairs of columns too; its probabilities are calibrated.
    case boosted(BoostedRisk)

    /// Features of a row.
    var featureCount: Int {
        switch self {
        case .forest(let forest): forest.featureCount
        case .boosted(let boosted): boosted.featureCount
        }
    }

    /// The features that are made of two others; none of a forest.
    var pairs: [FeaturePair] {
        switch self {
        case .forest: []
        case .boosted(let boosted): boosted.pairs
        }
    }

    /// By feature, then pair: how much it matters, as parts of 1.
    var importances: [Double] {
        switch self {
        case .forest(let forest): forest.importances
        case .boosted(let boosted): boosted.importances
        }
    }

    /// The probability of each row to be of the class that matters.
    ///
    /// - Parameter columns: by feature, then row.
    func probabilities(columns: [[Double]], count: Int) -> [Double] {
        switch self {
        case .boosted(let boosted): return boosted.probabilities(columns: columns, count: count)
        case .forest(let forest):
            var row = [Double](repeating: 0, count: columns.count)
            return (0..<count).map { index in
                for feature in columns.indices { row[feature] = columns[feature][index] }
                return forest.probabilities(row)[1]
            }
        }
    }

    /// `row` with its pairs.
    func widened(_ row: [Double]) -> [Double] {
        switch self {
        case .forest: row
        case .boosted(let boosted): boosted.widened(row)
        }
    }

    /// By feature, then pair: how far it moved the judgement on a row, upwards or down.
    ///
    /// - Parameter row: with its pairs.
    func contributions(_ row: [Double]) -> [Double] {
        switch self {
        case .forest(let forest): forest.contributions(row, to: 1)
        case .boosted(let boosted): boosted.trees.contributions(row)
        }
    }
}
