import Columns
import Foundation

/// How the values of each feature, and the scores, were distributed in training: what live rows are compared with.
struct TrainingProfile: Sendable, Codable, Equatable {
    /// A distribution in at most ten bins of about a tenth of the values each, and one of missing values.
    struct Bins: Sendable, Codable, Equatable {
        /// Ascending: a bin holds the values above the edge before it, up to its own; the last has none.
        private(set) var edges: [Double]
        /// By bin, the missing values last: the share of the training values.
        private(set) var shares: [Double]

        /// - Parameter values: NaN where one is missing.
        init(_ values: [Double]) {
            let sorted = values.filter { !$0.isNaN }.sorted()
            edges = []
            for tenth in 1..<10 where !sorted.isEmpty {
                let edge = min(max(sorted[sorted.count * tenth / 10], -.greatestFiniteMagnitude), .greatestFiniteMagnitude)
                if edge > edges.last ?? -.infinity, edge < sorted[sorted.count - 1] { edges.append(edge) }
            }
            shares = []
            var counts = [Double](repeating: 0, count: edges.count + 2)
            for value in values { counts[bin(value)] += 1 }
            shares = counts.map { $0 / Double(max(1, values.count)) }
        }

        /// Which bin a value is in.
        func bin(_ value: Double) -> Int {
            guard !value.isNaN else { return edges.count + 1 }
            return edges.firstIndex { value <= $0 } ?? edges.count
        }

        /// Whether counts by bin can be made with it: what decoding a model asks.
        var isSound: Bool {
            shares.count == edges.count + 2 && edges.count < 10 && shares.allSatisfy { $0 >= 0 && $0 <= 1 }
                && edges.allSatisfy(\.isFinite) && zip(edges, edges.dropFirst()).allSatisfy { $0 < $1 }
        }

        /// The population stability index of counts by bin against the training: 0 for the same shares; from 0.1 on somewhat
        /// other, from 0.25 on another distribution.
        ///
        /// A bin without values counts as one in a thousand: without that it would be infinite.
        ///
        /// Source: Siddiqi: Credit Risk Scorecards, 2006, chapter 6; Lewis: An Introduction to Credit Scoring, 1994.
        func stabilityIndex(_ counts: [Double]) -> Double {
            let total = counts.reduce(0, +)
            guard total > 0, counts.count == shares.count else { return 0 }
            return zip(counts, shares).reduce(0) { sum, bin in
                let now = max(bin.0 / total, 0.001), then = max(bin.1, 0.001)
                return sum + (now - then) * log(now / then)
            }
        }
    }

    /// By feature.
    let features: [Bins]
    let scores: Bins

    /// - Parameters:
    ///   - rows: one row behind the other, each of `featureCount` values; NaN where one is missing.
    ///   - scores: one per row.
    init(_ rows: [Double], featureCount: Int, scores: [Double]) {
        features = (0..<featureCount).map { feature in
            Bins(stride(from: feature, to: rows.count, by: featureCount).map { rows[$0] })
        }
        self.scores = Bins(scores)
    }

    /// Whether rows of `featureCount` values can be compared with it: what decoding a model asks.
    func isSound(featureCount: Int) -> Bool {
        features.count == featureCount && scores.isSound && features.allSatisfy(\.isSound)
    }
}

/// How far the rows that a model sees now are from those that it was trained on. What it saw counts less the longer ago it was,
/// so memory is bounded and the index follows.
struct DriftMeter: Sendable, Equatable {
    /// After so many rows an earlier one counts 1/e.
    private static let memory = 2000.0
    /// Fewer rows say nothing: by chance alone the index is near the number of bins divided by that of the rows.
    private static let leastRows = 200.0

    private var features: [[Double]]
    private var scores: [Double]
    private var rows = 0.0

    init(_ profile: TrainingProfile) {
        features = profile.features.map { [Double](repeating: 0, count: $0.shares.count) }
        scores = [Double](repeating: 0, count: profile.scores.shares.count)
    }

    /// - Parameters:
    ///   - values: one row behind the other, as the model saw them.
    ///   - scored: one score per row.
    mutating func add(_ values: [Double], scored: [Double], _ profile: TrainingProfile) {
        guard !scored.isEmpty else { return }
        let fading = exp(-Double(scored.count) / Self.memory)
        for feature in features.indices {
            for bin in features[feature].indices { features[feature][bin] *= fading }
            for row in stride(from: feature, to: values.count, by: features.count) {
                features[feature][profile.features[feature].bin(values[row])] += 1
            }
        }
        for bin in scores.indices { scores[bin] *= fading }
        for score in scored { scores[profile.scores.bin(score)] += 1 }
        rows = rows * fading + Double(scored.count)
    }

    /// The stability index of each feature and of the scores; nil while too few rows were seen.
    func drift(_ profile: TrainingProfile) -> (features: [Double], scores: Double)? {
        guard rows >= Self.leastRows else { return nil }
        return (zip(profile.features, features).map { $0.stabilityIndex($1) }, profile.scores.stabilityIndex(scores))
    }

    // MARK: Checkpoints

    func encode(to writer: inout StateWriter) {
        writer.write(rows)
        for counts in features + [scores] { for count in counts { writer.write(count) } }
    }

    /// - Throws: `StateReader.Damaged`.
    mutating func decode(from reader: inout StateReader) throws {
        func number() throws -> Double {
            let number = try reader.double()
            guard number.isFinite, number >= 0 else { throw StateReader.Damaged() }
            return number
        }
        rows = try number()
        for feature in features.indices {
            for bin in features[feature].indices { features[feature][bin] = try number() }
        }
        for bin in scores.indices { scores[bin] = try number() }
    }
}
