import Columns
import Foundation

/// How far a row lies from its nearest neighbours in a small sample of the training rows: what lies between or beside the
/// groups that rows form is far, whatever shape the groups have.
///
/// A small sample serves as well as all rows or better: in it a small group of anomalies is too thin to pass for usual. The
/// number of neighbours is such that no single odd row of the sample vouches for others.
///
/// Sources: Ramaswamy, Rastogi, Shim: Efficient Algorithms for Mining Outliers, SIGMOD 2000 (distance to neighbours); Sugiyama,
/// Borgwardt: Rapid Distance-Based Outlier Detection via Sampling, NIPS 2013; Aggarwal, Sathe: Theoretical Foundations and
/// Algorithms for Outlier Ensembles, SIGKDD Explorations 2015 (why the sample may be small).
struct NeighbourDistance: EnsembleMember, Equatable {
    private static let sampleSize = 256
    /// The distances to this many nearest rows of the sample are averaged.
    private static let neighbours = 5
    /// Bounds what a row costs: with more features the sample is smaller, down to 64 rows.
    private static let valuesOfSample = 1 << 15

    private let width: Int
    /// The rows of the sample, one behind the other.
    private let references: [Float]
    private let count: Int

    /// - Parameter sample: rows on the common scale, one behind the other, each of `width` features.
    init(sample: [Float], width: Int, seed: UInt64) {
        self.width = width
        let rows = width == 0 ? 0 : sample.count / width
        let size = min(Self.sampleSize, max(64, width == 0 ? 0 : Self.valuesOfSample / width))
        var random = SplitMix64(seed: seed)
        let chosen = random.sample(size, below: rows)
        references = chosen.flatMap { sample[$0 * width..<($0 + 1) * width] }
        count = chosen.count
    }

    /// The logarithm of the mean distance of each row of `block` to its nearest rows of the sample. The first at distance zero
    /// is taken for the row itself and does not count, so that rows of the sample score like the others.
    func score(_ block: RowBlock, into scores: inout [Float]) {
        typealias Lanes = SIMD16<Float>
        let lanes = RowBlock.lanes, kept = min(Self.neighbours + 1, count)
        guard kept > 1 else {
            for lane in 0..<lanes { scores[lane] = 0 }
            return
        }
        block.values.withUnsafeBytes { bytes in
            for part in stride(from: 0, to: lanes, by: Lanes.scalarCount) {
                // Ascending squared distances of the nearest so far, one more than are counted.
                var nearest = [Lanes](repeating: Lanes(repeating: .infinity), count: kept)
                for reference in 0..<count {
                    var distance = Lanes.zero
                    for feature in 0..<width {
                        // Safe because a feature is below the block's width and a part lies within its lanes.
                        let offset = (feature * lanes + part) * MemoryLayout<Float>.stride
                        let value = bytes.loadUnaligned(fromByteOffset: offset, as: Lanes.self)
                        let difference = value - references[reference * width + feature]
                        distance += difference * difference
                    }
                    for place in 0..<kept {
                        let closer = distance .< nearest[place]
                        let next = nearest[place].replacing(with: distance, where: closer)
                        distance = distance.replacing(with: nearest[place], where: closer)
                        nearest[place] = next
                    }
                }
                var sum = Lanes.zero
                for place in 1..<(kept - 1) { sum += nearest[place].squareRoot() }
                // Adds the first, or the last where the first is the row itself.
                sum += nearest[0].replacing(with: nearest[kept - 1], where: nearest[0] .== 0).squareRoot()
                for lane in 0..<Lanes.scalarCount { scores[part + lane] = log(1e-6 + sum[lane] / Float(kept - 1)) }
            }
        }
    }

    /// Adds each feature's part in the squared distances to the nearest rows to `parts`.
    func addParts(_ row: [Float], to parts: inout [Float]) {
        let distances = (0..<count).map { reference in
            (0..<width).reduce(Float(0)) { sum, feature in
                let difference = row[feature] - references[reference * width + feature]
                return sum + difference * difference
            }
        }
        let sorted = (0..<count).sorted { (distances[$0], $0) < (distances[$1], $1) }
        let isItself = sorted.first.map { distances[$0] == 0 } ?? false
        let nearest = sorted.dropFirst(isItself ? 1 : 0).prefix(Self.neighbours)
        for reference in nearest {
            for feature in 0..<width {
                let difference = row[feature] - references[reference * width + feature]
                parts[feature] += difference * difference / Float(nearest.count)
            }
        }
    }
}

extension NeighbourDistance: Codable {
    private enum CodingKeys: CodingKey { case width, references }

    /// - Throws: `DecodingError` for a sample that is not made of rows of finite numbers.
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        width = try container.decode(Int.self, forKey: .width)
        references = try container.decode(PackedNumbers.self, forKey: .references).floats
        guard width >= 0, width == 0 ? references.isEmpty : references.count % width == 0, references.allSatisfy(\.isFinite)
        else {
            throw DecodingError.dataCorruptedError(forKey: .references, in: container, debugDescription: "the rows are not whole")
        }
        count = width == 0 ? 0 : references.count / width
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(width, forKey: .width)
        try container.encode(PackedNumbers(references), forKey: .references)
    }

    /// Whether it can score rows of `width` features: what decoding a model asks.
    func isSound(width: Int) -> Bool { self.width == width }
}
