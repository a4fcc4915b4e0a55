/// How far a row's features lie from their medians, each by itself: the sum of their distances in usual spreads.
///
/// It says little about shapes, yet it works with very many features, where other distances are lost in noise, and with rare
/// flags: a flag that one row in a hundred has counts ten spreads, drawn in by ``FeatureScale``.
///
/// Sources of the idea: Goldstein, Dengel: Histogram-based Outlier Score, KI 2012; Li et al.: ECOD, TKDE 2022 (features are
/// judged one by one and added up).
struct FeatureDistance: EnsembleMember {
    let width: Int

    func score(_ block: RowBlock, into scores: inout [Float]) {
        let lanes = RowBlock.lanes
        for lane in 0..<lanes { scores[lane] = 0 }
        let values = block.values.span
        var sums = scores.mutableSpan
        for feature in 0..<width {
            for lane in 0..<lanes { sums[lane] += abs(values[feature * lanes + lane]) }
        }
    }

    func addParts(_ row: [Float], to parts: inout [Float]) {
        for feature in row.indices { parts[feature] += abs(row[feature]) }
    }
}
