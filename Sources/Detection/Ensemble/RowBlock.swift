/// Sixty-four rows on the common scale, feature by feature, so that all detectors work on many rows at once with plain
/// arithmetic.
///
/// A block is filled and read over and over; the lanes behind the last row of a table hold zeros.
struct RowBlock {
    static let lanes = 64

    /// By kept feature, then lane; at least one feature, so that a forest without any reads zeros.
    private(set) var values: [Float]

    init(featureCount: Int) { values = [Float](repeating: 0, count: max(1, featureCount) * Self.lanes) }

    /// Takes rows `first..<first + count` of `rows`, or the rows that `sample` names at these positions.
    mutating func fill(_ rows: [Double], _ scale: FeatureScale, first: Int, count: Int, sample: [Int]? = nil) {
        var target = values.mutableSpan
        let rows = rows.span, width = scale.featureCount
        for index in scale.kept.indices {
            let feature = scale.kept[index]
            for lane in 0..<count {
                let row = sample.map { $0[first + lane] } ?? first + lane
                target[index * Self.lanes + lane] = scale.scaled(rows[row * width + feature], index)
            }
            for lane in count..<Self.lanes { target[index * Self.lanes + lane] = 0 }
        }
    }
}
