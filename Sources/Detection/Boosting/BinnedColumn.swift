/// One feature of the training rows in bins, as ``BinnedFeatures`` cuts them.
struct BinnedColumn: Sendable {
    /// By row.
    let bins: [UInt8]
    private let cuts: [Double]

    /// - Parameter values: by row; NaN where one is missing.
    init(_ values: [Double]) {
        let binned = BinnedFeatures([values])
        (bins, cuts) = (binned.bins[0], binned.cuts[0])
    }

    /// Bins that there may be, that of the missing values too.
    var count: Int { cuts.count + 2 }

    /// What the values of `bin` and those before it do not exceed.
    func threshold(above bin: Int) -> Double {
        bin == 0 ? -.greatestFiniteMagnitude : max(cuts[bin - 1], -.greatestFiniteMagnitude)
    }
}
