/// Training rows with each feature cut into at most 255 bins of about equally many rows, so that a split is looked for in 255
/// places and not in as many as there are rows.
///
/// A bin is a byte. Bin 0 is kept for values that are not there (NaN); where there are at most 254 distinct values each has a bin
/// of its own and nothing is lost.
///
/// Source: Ke et al.: LightGBM, NIPS 2017, section 2.1 (histogram-based splits).
struct BinnedFeatures: Sendable {
    static let maxBins = 255

    let rowCount: Int
    /// By feature, then row.
    let bins: [[UInt8]]
    /// By feature: a value is in bin `b` when it is at most `cuts[b - 1]` and above the one before; what is above all is in the
    /// last bin.
    let cuts: [[Double]]

    /// - Parameter columns: by feature, then row; all of one length.
    init(_ columns: [[Double]]) {
        rowCount = columns.first?.count ?? 0
        cuts = columns.map(Self.cuts)
        bins = zip(columns, cuts).map { column, cuts in column.map { Self.bin($0, cuts) } }
    }

    static func bin(_ value: Double, _ cuts: [Double]) -> UInt8 {
        guard !value.isNaN else { return 0 }
        var low = 0, high = cuts.count
        while low < high {
            let middle = (low + high) / 2
            if value <= cuts[middle] { high = middle } else { low = middle + 1 }
        }
        return UInt8(low + 1)
    }

    /// Cuts lie half-way between neighbouring values, so that a value a little off falls on the nearer side.
    private static func cuts(_ column: [Double]) -> [Double] {
        let sorted = column.filter { !$0.isNaN }.sorted()
        var distinct: [Double] = []
        for value in sorted where value != distinct.last { distinct.append(value) }
        func between(_ low: Double, _ high: Double) -> Double {
            let middle = max(low / 2 + high / 2, -.greatestFiniteMagnitude)
            return middle < high ? middle : low  // neighbours among the doubles have nothing between them
        }
        guard distinct.count >= maxBins else { return zip(distinct, distinct.dropFirst()).map(between) }
        var cuts: [Double] = []
        for part in 1..<(maxBins - 1) {
            let index = part * sorted.count / (maxBins - 1)
            // The next greater value: with many equal ones the quantile may stand in the middle of them.
            guard let next = sorted[index...].first(where: { $0 > sorted[index] }) else { break }
            let cut = between(sorted[index], next)
            if cuts.last.map({ cut > $0 }) ?? true { cuts.append(cut) }
        }
        return cuts
    }
}
