/// How well scores put the rows that matter before the others.
enum RankingQuality {
    /// The area under the receiver operating characteristic: the probability that a positive row scores higher than a negative
    /// one, equal scores counting half.
    ///
    /// - Returns: nil when one of the two kinds is missing.
    ///
    /// Source: Fawcett: An introduction to ROC analysis, Pattern Recognition Letters 27, 2006, section 7.
    static func areaUnderROC(scores: [Double], isPositive: [Bool]) -> Double? {
        precondition(scores.count == isPositive.count)
        let positives = isPositive.count { $0 }, negatives = isPositive.count - positives
        guard positives > 0, negatives > 0 else { return nil }
        var area = 0.0, above = 0.0
        forEachTie(scores, isPositive) { positive, negative in
            area += negative * above + positive * negative / 2
            above += positive
        }
        return area / (Double(positives) * Double(negatives))
    }

    /// The mean, over the positive rows, of the share of positives among what scores at least as high: what an on-call person
    /// sees who reads from the top.
    ///
    /// - Returns: nil when there is no positive row.
    static func averagePrecision(scores: [Double], isPositive: [Bool]) -> Double? {
        precondition(scores.count == isPositive.count)
        let positives = isPositive.count { $0 }
        guard positives > 0 else { return nil }
        var sum = 0.0, hits = 0.0, seen = 0.0
        forEachTie(scores, isPositive) { positive, negative in
            hits += positive
            seen += positive + negative
            sum += positive * hits / seen
        }
        return sum / Double(positives)
    }

    /// The threshold at which precision and recall are best together (F1), and both there.
    ///
    /// - Returns: nil when there is no positive row.
    static func bestThreshold(scores: [Double], isPositive: [Bool]) -> (
        threshold: Double, precision: Double, recall: Double
    )? {
        let positives = Double(isPositive.count { $0 })
        guard positives > 0 else { return nil }
        let order = scores.indices.sorted { scores[$0] > scores[$1] }
        var best = (threshold: scores[order[0]], precision: 0.0, recall: 0.0)
        var bestF1 = -1.0, hits = 0.0
        for (rank, row) in order.enumerated() {
            if isPositive[row] { hits += 1 }
            // No threshold separates rows of one score.
            if rank + 1 < order.count, scores[order[rank + 1]] == scores[row] { continue }
            let f1 = 2 * hits / (positives + Double(rank + 1))
            if f1 > bestF1 {
                bestF1 = f1
                best = (scores[row], hits / Double(rank + 1), hits / positives)
            }
        }
        return best
    }

    /// From the highest score down: how many positive and negative rows share each score.
    private static func forEachTie(_ scores: [Double], _ isPositive: [Bool], _ body: (Double, Double) -> Void) {
        let order = scores.indices.sorted { scores[$0] > scores[$1] }
        var start = 0
        while start < order.count {
            var end = start
            var positive = 0.0, negative = 0.0
            while end < order.count, scores[order[end]] == scores[order[start]] {
                if isPositive[order[end]] { positive += 1 } else { negative += 1 }
                end += 1
            }
            body(positive, negative)
            start = end
        }
    }
}
