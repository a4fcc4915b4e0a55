import Columns

/// A table dealt into folds, so that each row is judged by a model that has not seen it.
struct CrossValidation {
    static let foldCount = 5

    /// By row.
    let fold: [Int]

    /// Each fold has about as many rows of either class as any other.
    init(isPositive: [Bool], seed: UInt64) {
        var random = SplitMix64(seed: seed ^ 0x5EED_F01D)
        var fold = [Int](repeating: 0, count: isPositive.count)
        for kind in [false, true] {
            var rows = isPositive.indices.filter { isPositive[$0] == kind }
            rows.shuffle(using: &random)
            for (place, row) in rows.enumerated() { fold[row] = place % Self.foldCount }
        }
        self.fold = fold
    }

    /// The rows that the model of `number` learns from.
    func training(_ number: Int) -> [Int] { fold.indices.filter { fold[$0] != number } }

    /// The rows that it is judged on.
    func heldBack(_ number: Int) -> [Int] { fold.indices.filter { fold[$0] == number } }
}
