import Columns
import Foundation

/// Finds unusual rows of numbers without labels: four unlike detectors, whose scores are standardised by those of the training
/// rows and added up.
///
/// What one of them cannot see another can: the forest sees groups that lie apart, the covariance broken relations, the
/// neighbours odd shapes and gaps, the single features rare flags among very many. Training looks at a sample of at most
/// ``Options/sampleSize`` rows, so its cost hardly depends on how many there are; a row's score depends on the model and the
/// row alone, never on the rows beside it. The same rows and seed give the same model.
///
/// A value may be missing (NaN), which is as usual as its feature's median, or infinite, which is as far as any value can be.
///
/// Source of the fusion: Aggarwal, Sathe: Outlier Ensembles, 2017, chapter 5 (averaging after standardisation).
struct RowDetector: Sendable, Equatable {
    struct Options: Sendable, Equatable, Codable {
        /// Training rows that are looked at.
        var sampleSize = 8192
        /// Of the forest, which is one of the detectors.
        var trees = 100
        var seed: UInt64 = 1

        init() {}

        /// - Parameter trees: taken as the nearest number from 1 to 10,000.
        init(seed: UInt64, trees: Int) {
            self.seed = seed
            self.trees = max(1, min(trees, 10_000))
        }
    }

    /// Mean and standard deviation of a detector's scores in training.
    private struct Standard: Sendable, Equatable, Codable {
        var mean: Float
        var deviation: Float

        init(_ scores: [Float]) {
            let count = Float(max(1, scores.count)), mean = scores.reduce(0, +) / count
            let squares = scores.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            (self.mean, deviation) = (mean, max(1e-6, (squares / count).squareRoot()))
        }

        func deviation(_ score: Float) -> Float { (score - mean) / deviation }
    }

    /// How much each of ``members`` counts: the forest, which is the best by itself, as much as two others.
    private static let weights: [Float] = [2, 1, 1, 1]
    /// Deviations that a value other than the only one that a feature had in training adds to a row's score.
    private static let constantBroken: Float = 3
    /// With more features than 2,048 the sample is smaller, so that training takes at most 64 MB for it.
    private static let valuesOfSample = 1 << 24

    let options: Options
    private let scale: FeatureScale
    private let forest: GainForest
    private let covariance: CovarianceDistance
    private let neighbours: NeighbourDistance
    private var features: FeatureDistance { FeatureDistance(width: scale.kept.count) }
    /// By member: what its scores in training were like.
    private var standards: [Standard] = []
    /// The distribution of the weighted sums.
    private var total: EmpiricalTail

    var featureCount: Int { scale.featureCount }

    private var members: [any EnsembleMember] { [forest, covariance, neighbours, features] }

    /// - Parameters:
    ///   - rows: one row behind the other, each of `featureCount` values, of any size, finite or not; at least one row.
    ///   - featureCount: at least one.
    init(training rows: [Double], featureCount: Int, options: Options = Options()) {
        precondition(featureCount > 0 && rows.count >= featureCount && rows.count % featureCount == 0, "rows have features each")
        self.options = options
        var random = SplitMix64(seed: options.seed)
        let size = min(options.sampleSize, max(256, Self.valuesOfSample / featureCount))
        let chosen = random.sample(size, below: rows.count / featureCount)
        scale = FeatureScale(rows, featureCount: featureCount, sample: chosen)
        let width = scale.kept.count
        var sample: [Float] = []
        sample.reserveCapacity(chosen.count * width)
        for row in chosen {
            for index in 0..<width { sample.append(scale.scaled(rows[row * featureCount + scale.kept[index]], index)) }
        }
        forest = GainForest(sample: sample, width: width, trees: options.trees, seed: options.seed)
        covariance = CovarianceDistance(sample: sample, width: width, seed: options.seed)
        neighbours = NeighbourDistance(sample: sample, width: width, seed: options.seed)
        total = EmpiricalTail(training: [0])
        calibrate(rows, chosen)
    }

    /// Learns how the members' scores, and then their sum, are distributed over the sample.
    private mutating func calibrate(_ rows: [Double], _ sample: [Int]) {
        let lanes = RowBlock.lanes, members = members
        var scores = members.map { _ in [Float]() }, own = [Float](repeating: 0, count: lanes)
        var block = RowBlock(featureCount: scale.kept.count)
        for first in stride(from: 0, to: sample.count, by: lanes) {
            let count = min(lanes, sample.count - first)
            block.fill(rows, scale, first: first, count: count, sample: sample)
            for (index, member) in members.enumerated() {
                member.score(block, into: &own)
                scores[index] += own[..<count]
            }
        }
        standards = scores.map { Standard($0) }
        total = EmpiricalTail(
            training: sample.indices.map { row in
                members.indices.reduce(Float(0)) { $0 + Self.weights[$1] * standards[$1].deviation(scores[$1][row]) }
            })
    }

    /// How unusual each row is, in standard deviations of a normal distribution: 0 is as usual as half of the training rows, 2.5
    /// is exceeded by about one in 160. Beyond 2.9 the number says how far out a row is, and no longer which share is farther.
    ///
    /// - Parameter rows: one row behind the other, each of ``featureCount`` values.
    /// - Complexity: O(rows × (trees × log₂ 256 + features × 256)); allocates only the result and a block.
    func deviations(_ rows: [Double]) -> [Double] {
        precondition(rows.count % featureCount == 0, "rows have \(featureCount) features each")
        let lanes = RowBlock.lanes, count = rows.count / featureCount, members = members
        var result = [Double](repeating: 0, count: count)
        var block = RowBlock(featureCount: scale.kept.count)
        var own = [Float](repeating: 0, count: lanes), sums = own
        for first in stride(from: 0, to: count, by: lanes) {
            let filled = min(lanes, count - first)
            block.fill(rows, scale, first: first, count: filled)
            for lane in 0..<lanes { sums[lane] = 0 }
            for (index, member) in members.enumerated() {
                member.score(block, into: &own)
                let standard = standards[index], weight = Self.weights[index]
                for lane in 0..<filled { sums[lane] += weight * standard.deviation(own[lane]) }
            }
            for lane in 0..<filled {
                let isBroken = !scale.constants.isEmpty && !scale.broken(rows, at: (first + lane) * featureCount).isEmpty
                result[first + lane] = Double(total.deviation(sums[lane]) + (isBroken ? Self.constantBroken : 0))
            }
        }
        return result
    }

    /// Each feature's part in the score of `row`; the parts sum to 1.
    ///
    /// Every detector splits what it says among the features, and counts by how unusual it finds the row, so that the reasons
    /// are those of the detectors that raised the score.
    func shares(_ row: [Double]) -> [Double] {
        precondition(row.count == featureCount, "rows have \(featureCount) features each")
        let scaled = scale.scaled(row)
        var block = RowBlock(featureCount: scale.kept.count), scores = [Float](repeating: 0, count: RowBlock.lanes)
        block.fill(row, scale, first: 0, count: 1)
        var parts = [Double](repeating: 0, count: row.count)
        for (index, member) in members.enumerated() {
            member.score(block, into: &scores)
            var own = [Float](repeating: 0, count: scaled.count)
            member.addParts(scaled, to: &own)
            // A detector that finds the row usual still has a small voice, so that a usual row has shares too.
            let voice = Self.weights[index] * max(0.05, standards[index].deviation(scores[0])), sum = own.reduce(0, +)
            for (kept, feature) in scale.kept.enumerated() where sum > 0 { parts[feature] += Double(voice * own[kept] / sum) }
        }
        for feature in scale.broken(row, at: 0) { parts[feature] += Double(Self.constantBroken * Self.weights.reduce(0, +)) }
        let sum = parts.reduce(0, +)
        return sum > 0 ? parts.map { $0 / sum } : parts.map { _ in 1 / Double(row.count) }
    }
}

extension RowDetector: Codable {
    private enum CodingKeys: CodingKey { case options, scale, forest, covariance, neighbours, standards, total }

    /// - Throws: `DecodingError` for a model whose parts do not fit together, which would lead scoring astray.
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        options = try container.decode(Options.self, forKey: .options)
        scale = try container.decode(FeatureScale.self, forKey: .scale)
        forest = try container.decode(GainForest.self, forKey: .forest)
        covariance = try container.decode(CovarianceDistance.self, forKey: .covariance)
        neighbours = try container.decode(NeighbourDistance.self, forKey: .neighbours)
        standards = try container.decode([Standard].self, forKey: .standards)
        total = try container.decode(EmpiricalTail.self, forKey: .total)
        let width = scale.kept.count
        guard scale.isSound, forest.isSound(width: width), covariance.isSound(width: width), neighbours.isSound(width: width),
            standards.count == Self.weights.count, standards.allSatisfy({ $0.mean.isFinite && $0.deviation > 0 }), total.isSound
        else {
            throw DecodingError.dataCorruptedError(
                forKey: .scale, in: container, debugDescription: "the parts of the model do not fit together")
        }
    }
}
