import Foundation

/// Makes probabilities of log-odds that are too sure of themselves, or not sure enough: a line through the log-odds, fitted to
/// rows that the model was not trained on. It rises, so it changes no order.
///
/// Source: Platt: Probabilistic Outputs for Support Vector Machines, 1999; Lin, Lin, Weng: A Note on Platt's Probabilistic
/// Outputs, Machine Learning 68, 2007 (Newton's method).
struct PlattCalibration: Sendable, Codable, Equatable {
    private static let rounds = 50
    /// Against dividing by zero where all rows are certain.
    private static let ridge = 1e-9

    private(set) var slope = 1.0
    private(set) var offset = 0.0

    /// Leaves log-odds as they are.
    init() {}

    /// - Parameter margins: log-odds of rows whose class is known, in no order; where either class is missing, or no rising line
    ///   fits, log-odds are left as they are.
    init(margins: [Double], isPositive: [Bool]) {
        let positives = Double(isPositive.count { $0 }), negatives = Double(isPositive.count) - positives
        guard positives > 0, negatives > 0 else { return }
        // Not quite 1 and 0: without that a line could rise without end where the classes do not overlap.
        let high = (positives + 1) / (positives + 2), low = 1 / (negatives + 2)
        var (slope, offset) = (1.0, 0.0)
        func loss(_ slope: Double, _ offset: Double) -> Double {
            zip(margins, isPositive).reduce(0) { sum, row in
                let z = slope * row.0 + offset, target = row.1 ? high : low
                return sum + log1p(exp(-abs(z))) + max(z, 0) - target * z
            }
        }
        var best = loss(slope, offset)
        for _ in 0..<Self.rounds {
            var (gs, go, ss, so, oo) = (0.0, 0.0, Self.ridge, 0.0, Self.ridge)
            for (margin, isPositive) in zip(margins, isPositive) {
                let p = BoostedTrees.probability(slope * margin + offset), error = p - (isPositive ? high : low)
                let weight = p * (1 - p)
                gs += error * margin
                go += error
                ss += weight * margin * margin
                so += weight * margin
                oo += weight
            }
            let determinant = ss * oo - so * so
            guard determinant > 0 else { break }
            let stepSlope = (oo * gs - so * go) / determinant, stepOffset = (ss * go - so * gs) / determinant
            var share = 1.0, next = loss(slope - stepSlope, offset - stepOffset)
            while !(next < best), share > 1e-6 {
                share /= 2
                next = loss(slope - share * stepSlope, offset - share * stepOffset)
            }
            guard next < best else { break }
            let isThere = best - next < 1e-9 * best
            (slope, offset, best) = (slope - share * stepSlope, offset - share * stepOffset, next)
            if isThere { break }
        }
        guard slope > 0.01, slope < 100, abs(offset) < 100 else { return }
        (self.slope, self.offset) = (slope, offset)
    }

    func probability(_ margin: Double) -> Double { BoostedTrees.probability(slope * margin + offset) }

    /// Whether it rises: what decoding a model asks.
    var isSound: Bool { slope > 0 && slope <= 100 && abs(offset) <= 100 }
}
