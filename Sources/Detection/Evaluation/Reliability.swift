/// Whether probabilities mean what they say: of the rows that got about the same one, the mean probability beside the share that
/// really is of the class.
///
/// Source: Murphy, Winkler: Reliability of Subjective Probability Forecasts, Applied Statistics 26, 1977; Brier, Monthly Weather
/// Review 78, 1950.
public struct Reliability: Sendable, Codable, Equatable {
    /// The rows whose probability is from ``from`` to below ``to``.
    public struct Bin: Sendable, Codable, Equatable {
        /// The least probability, and the one that is no longer part of it.
        public var from, to: Double
        /// How many rows; never 0.
        public var rows: Int
        /// The mean probability.
        public var predicted: Double
        /// The share of rows that is of the class.
        public var observed: Double
    }

    /// Closer together where rare things have their probabilities.
    private static let edges = [0, 0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]

    /// Ascending; without those that have no rows.
    public let bins: [Bin]
    /// The mean squared difference between probability and truth: 0 is perfect.
    public let brierScore: Double

    init(probabilities: [Double], isPositive: [Bool]) {
        precondition(probabilities.count == isPositive.count)
        let pairs = Array(zip(probabilities, isPositive))
        bins = zip(Self.edges, Self.edges.dropFirst()).compactMap { from, to in
            let own = pairs.filter { $0.0 >= from && ($0.0 < to || to == 1) }
            guard !own.isEmpty else { return nil }
            let count = Double(own.count)
            return Bin(
                from: from, to: to, rows: own.count, predicted: own.reduce(0) { $0 + $1.0 } / count,
                observed: Double(own.count { $0.1 }) / count)
        }
        let squares = pairs.reduce(0) { $0 + ($1.0 - ($1.1 ? 1 : 0)) * ($1.0 - ($1.1 ? 1 : 0)) }
        brierScore = squares / Double(max(1, pairs.count))
    }

    /// The mean distance between probability and truth over the bins, each by its rows.
    public var calibrationError: Double {
        let rows = bins.reduce(0) { $0 + $1.rows }
        return bins.reduce(0) { $0 + Double($1.rows) * abs($1.predicted - $1.observed) } / Double(max(1, rows))
    }
}
