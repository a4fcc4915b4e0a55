import Columns

/// Looks for the cuts of one tree of a ``GainForest``.
struct GainTreeGrower {
    private let sample: [Float]
    private let width: Int
    var random: SplitMix64
    /// Positions along a cut; kept between nodes to save allocations.
    private var positions: [Float] = []

    /// - Parameter sample: rows on the common scale, one behind the other, each of `width` features.
    init(sample: [Float], width: Int, random: SplitMix64) {
        (self.sample, self.width, self.random) = (sample, width, random)
    }

    func goesRight(_ row: Int, _ cut: GainForest.Cut) -> Bool { position(row, cut) > cut.threshold }

    private func position(_ row: Int, _ cut: GainForest.Cut) -> Float {
        sample[row * width + Int(cut.first)] + cut.weight * sample[row * width + Int(cut.second)]
    }

    /// The best cut through `rows` along a random direction, or nil where no feature varies among them.
    ///
    /// One direction, because the best of ten finds the same few cuts in every tree (average precision 0.46 and not 0.52).
    mutating func cut(_ rows: [Int]) -> GainForest.Cut? {
        direction(rows).flatMap { threshold($0, rows) }
    }

    /// A slanted direction through two features that vary, each weighted by its spread in these rows; along the axis where
    /// only one varies.
    private mutating func direction(_ rows: [Int]) -> GainForest.Cut? {
        guard let (first, spread) = varying(rows, besides: nil) else { return nil }
        guard let (second, otherSpread) = varying(rows, besides: first) else {
            return GainForest.Cut(threshold: 0, weight: 0, first: Int32(first), second: Int32(first))
        }
        let normal = random.normalPair()
        let a = Float(normal.0) / spread, b = Float(normal.1) / otherSpread
        // The greater weight becomes 1, so that none is beyond what a number holds.
        return abs(a) >= abs(b)
            ? GainForest.Cut(threshold: 0, weight: a == 0 ? 0 : b / a, first: Int32(first), second: Int32(second))
            : GainForest.Cut(threshold: 0, weight: a / b, first: Int32(second), second: Int32(first))
    }

    /// A feature drawn among those that vary in `rows`, with its standard deviation there.
    ///
    /// Draws at random first; only where constant features are in the way for long it looks at all of them, from a random place.
    private mutating func varying(_ rows: [Int], besides other: Int?) -> (feature: Int, spread: Float)? {
        for _ in 0..<8 {
            let feature = random.index(below: width)
            if feature != other, let spread = spread(feature, rows) { return (feature, spread) }
        }
        var order = Array(0..<width)
        order.shuffle(using: &random)
        for feature in order where feature != other {
            if let spread = spread(feature, rows) { return (feature, spread) }
        }
        return nil
    }

    private func spread(_ feature: Int, _ rows: [Int]) -> Float? {
        let origin = sample[rows[0] * width + feature]
        var sum: Float = 0, squares: Float = 0, varies = false
        for row in rows {
            let value = sample[row * width + feature] - origin
            sum += value
            squares += value * value
            if value != 0 { varies = true }
        }
        let count = Float(rows.count)
        return varies ? max(1e-6, (squares / count - sum / count * sum / count)).squareRoot() : nil
    }

    /// Where along `direction` the two sides spread least: the weighted mean of their standard deviations.
    private mutating func threshold(_ direction: GainForest.Cut, _ rows: [Int]) -> GainForest.Cut? {
        positions.removeAll(keepingCapacity: true)
        for row in rows { positions.append(position(row, direction)) }
        positions.sort()
        let count = Float(positions.count), last = positions.count - 1
        guard positions[0] < positions[last] else { return nil }
        let mean = positions.reduce(0, +) / count
        let total = positions.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        var sum: Float = 0, squares: Float = 0, best: Float = -1, at = 0
        for index in 0..<last {
            let value = positions[index] - mean
            sum += value
            squares += value * value
            guard positions[index + 1] > positions[index] else { continue }
            let left = Float(index + 1), right = count - left
            // √(n Σx² − (Σx)²) is a side's count times its standard deviation; the sums of both sides cancel out.
            let spread =
                max(0, left * squares - sum * sum).squareRoot()
                + max(0, right * (total - squares) - sum * sum).squareRoot()
            let gain = 1 - spread / (count * total).squareRoot()
            if gain > best { (best, at) = (gain, index) }
        }
        guard best > -1 else { return nil }
        var cut = direction
        let middle = positions[at] / 2 + positions[at + 1] / 2
        cut.threshold = middle < positions[at + 1] ? middle : positions[at]
        return cut
    }
}
