import Foundation

/// Says how unusual a score is among the scores of the training rows, on the scale of a standard normal distribution: 0 is the
/// median, 2.5 is exceeded by about one row in 160. So a score means the same for every model.
///
/// The curve goes through at most 65 quantiles, closer together towards the top; above the last of them it goes on by the
/// logarithm of the distance, with the slope of the upper tail, so that of two rows beyond all that was seen the farther one
/// still scores higher.
///
/// Source of the idea: Kriegel, Kröger, Schubert, Zimek: Interpreting and Unifying Outlier Scores, SDM 2011 (Gaussian scaling);
/// here the distribution is the empirical one.
struct EmpiricalTail: Sendable, Equatable, Codable {
    /// Ascending, no two alike.
    private var scores: [Float] = []
    /// Ascending, one per score.
    private var deviations: [Float] = []
    /// Deviations per unit of score beyond the last of `scores`.
    private var slopeAbove: Float = 0

    /// Shares of training rows at or below which the curve's points lie.
    private static let shares: [Double] = {
        let middle = (1..<32).map { Double($0) / 32 }
        let top = (1...24).map { 1 - exp2(-5 - Double($0) / 3) }
        return middle + top
    }()

    /// The rows above this share of training say how far beyond they are and not only that they are the last, since some of
    /// them may be anomalies themselves.
    private static let shareBeyond = 0.002

    /// - Parameter training: scores of the training rows; not empty.
    init(training: [Float]) {
        let sorted = training.sorted(), count = Double(sorted.count)
        let last = max(0, min(sorted.count - 2, Int((1 - Self.shareBeyond) * count)))
        for share in Self.shares where Int(share * count) < last { add(sorted, at: Int(share * count)) }
        add(sorted, at: last)
        guard scores.count > 1 else { return }
        // The mean slope of the last deviation or more, which a single far row cannot flatten for long.
        let end = scores.count - 1
        let from = deviations.lastIndex { deviations[end] - $0 >= 1 } ?? 0
        slopeAbove = (deviations[end] - deviations[from]) / (scores[end] - scores[from])
    }

    /// Whether its curve rises, point by point: what decoding a model asks.
    var isSound: Bool {
        scores.count == deviations.count && !scores.isEmpty && slopeAbove >= 0 && slopeAbove.isFinite
            && (scores + deviations).allSatisfy(\.isFinite) && zip(scores, scores.dropFirst()).allSatisfy { $0 < $1 }
            && zip(deviations, deviations.dropFirst()).allSatisfy { $0 <= $1 }
    }

    /// Adds the point of `sorted[index]`: the middle of the rows that have the same score.
    private mutating func add(_ sorted: [Float], at index: Int) {
        let score = sorted[index]
        guard scores.last.map({ score > $0 }) ?? true else { return }
        var first = index, last = index
        while first > 0, sorted[first - 1] == score { first -= 1 }
        while last + 1 < sorted.count, sorted[last + 1] == score { last += 1 }
        let share = (Double(first + last) / 2 + 0.5) / Double(sorted.count)
        scores.append(score)
        deviations.append(Float(Self.normalQuantile(share)))
    }

    /// Standard deviations above the median at which `score` lies; where all training rows had the same score, it is 0, and a
    /// higher one 3.
    func deviation(_ score: Float) -> Float {
        guard scores.count > 1 else { return scores.first.map { score > $0 ? 3 : 0 } ?? 0 }
        let last = scores.count - 1
        if score >= scores[last] {
            // By a logarithm, because no training row shows how thin the tail is out there.
            return deviations[last] + log1p((score - scores[last]) * slopeAbove)
        }
        guard score > scores[0] else { return deviations[0] }
        var low = 0, high = last
        while high - low > 1 {
            let middle = (low + high) / 2
            if scores[middle] <= score { low = middle } else { high = middle }
        }
        let part = (score - scores[low]) / (scores[high] - scores[low])
        return deviations[low] + part * (deviations[high] - deviations[low])
    }

    /// The inverse of the normal distribution by bisection of `erfc`: for training only.
    static func normalQuantile(_ share: Double) -> Double {
        var low = -9.0, high = 9.0
        for _ in 0..<60 {
            let middle = (low + high) / 2
            if erfc(-middle / 2.0.squareRoot()) / 2 < share { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }
}
