import Columns

extension Batch {
    /// The anomaly score of each row by an algorithm that is trained on the same rows, so that no knowledge of what is normal is
    /// needed. Numbers, booleans and texts of few kinds are features; a value may be missing.
    ///
    /// - Parameter trees: taken as the nearest number from 1 to 10,000.
    /// - Returns: scores in the unit of the algorithm; nil when there are fewer than two rows, or no column that can be a
    ///   feature.
    public func anomalyScores(_ algorithm: WindowAlgorithm = .ensemble, seed: UInt64, trees: Int) throws(ModelError) -> [Double]?
    {
        let columns = try FeatureLayout(of: [self], excluding: []).columns(of: [self])
        guard count >= 2, !columns.isEmpty else { return nil }
        var rows = [Double](repeating: .nan, count: count * columns.count)
        for (feature, column) in columns.enumerated() {
            for row in column.indices { rows[row * columns.count + feature] = column[row] }
        }
        return WindowJudge(algorithm, training: rows, featureCount: columns.count, seed: seed, trees: trees).scores(rows)
    }
}
