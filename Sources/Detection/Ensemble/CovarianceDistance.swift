import Columns
import Foundation

/// How far a row lies from the middle of the training rows, in the shape of their cloud: what breaks the usual relations
/// between features is far, however ordinary each feature is by itself.
///
/// Middle and shape are those of the three quarters of rows that are nearest, found by a few rounds, so that anomalies among
/// the training rows do not stretch the shape to themselves. Many features are dealt out at random to blocks, so that the cost
/// of a row grows with the number of features and not with its square.
///
/// Sources: Mahalanobis: On the generalised distance in statistics, 1936; Rousseeuw, Van Driessen: A Fast Algorithm for the
/// Minimum Covariance Determinant Estimator, Technometrics 1999 (the concentration step); Ledoit, Wolf, 2004 (shrinkage).
struct CovarianceDistance: EnsembleMember, Equatable, Codable {
    /// Features of a block at most.
    private static let blockSize = 32
    /// Rounds of keeping the nearest rows, and their share.
    private static let rounds = 3, share = 0.75
    /// What is added to each variance, as a share of the mean variance: without it features that say the same would
    /// divide by zero.
    private static let shrinkage = 0.01

    private struct Block: Sendable, Equatable, Codable {
        var features: [Int]
        var middle: [Float]
        /// The inverse of the covariance's Cholesky factor, lower triangle, row behind row.
        var whitening: [Float]

        /// Whether it has all its numbers, or is one without a shape.
        func isSound(width: Int) -> Bool {
            let size = features.count
            return size <= CovarianceDistance.blockSize && features.allSatisfy { (0..<width).contains($0) }
                && (middle.isEmpty && whitening.isEmpty || middle.count == size && whitening.count == size * size)
                && middle.allSatisfy(\.isFinite) && whitening.allSatisfy(\.isFinite)
        }
    }

    private var blocks: [Block]
    private let width: Int

    /// - Parameter sample: rows on the common scale, one behind the other, each of `width` features.
    init(sample: [Float], width: Int, seed: UInt64) {
        self.width = width
        var order = Array(0..<width)
        var random = SplitMix64(seed: seed)
        if width > Self.blockSize { order.shuffle(using: &random) }
        let count = max(1, (width + Self.blockSize - 1) / Self.blockSize), features = order
        blocks = (0..<count).map { number in
            // Dealt out evenly: 33 features make blocks of 16 and 17.
            let part = Array(features[(number * width / count)..<((number + 1) * width / count)])
            return Block(features: part, middle: [], whitening: [])
        }
        guard width > 0, sample.count > width else { return }
        let rows = sample.count / width
        var kept = Array(0..<rows)
        for round in 0..<Self.rounds {
            for index in blocks.indices { fit(&blocks[index], sample, kept) }
            guard round + 1 < Self.rounds else { break }
            let distances = (0..<rows).map { row in distance(Array(sample[row * width..<(row + 1) * width])) }
            kept = (0..<rows).sorted { (distances[$0], $0) < (distances[$1], $1) }
            kept.removeLast(rows - max(2, Int(Self.share * Double(rows))))
        }
    }

    private func fit(_ block: inout Block, _ sample: [Float], _ rows: [Int]) {
        let size = block.features.count, count = Double(rows.count)
        let middle = block.features.map { feature in rows.reduce(0) { $0 + Double(sample[$1 * width + feature]) } / count }
        var covariance = [Double](repeating: 0, count: size * size), difference = [Double](repeating: 0, count: size)
        for row in rows {
            for i in 0..<size { difference[i] = Double(sample[row * width + block.features[i]]) - middle[i] }
            for i in 0..<size {
                for j in 0...i { covariance[i * size + j] += difference[i] * difference[j] }
            }
        }
        let trace = (0..<size).reduce(0) { $0 + covariance[$1 * size + $1] / count }
        let ridge = max(1e-6, Self.shrinkage * trace / Double(size))
        for i in 0..<size {
            for j in 0...i { covariance[i * size + j] = covariance[i * size + j] / count + (i == j ? ridge : 0) }
        }
        block.middle = middle.map { Float($0) }
        block.whitening = Self.inverseFactor(covariance, size).map { Float($0) }
    }

    /// L⁻¹ where L Lᵀ is the matrix whose lower triangle is given.
    private static func inverseFactor(_ matrix: [Double], _ size: Int) -> [Double] {
        var factor = matrix, inverse = [Double](repeating: 0, count: size * size)
        for j in 0..<size {
            for i in j..<size {
                var sum = factor[i * size + j]
                for k in 0..<j { sum -= factor[i * size + k] * factor[j * size + k] }
                // The ridge keeps the matrix positive; the bound only guards against rounding.
                factor[i * size + j] = i == j ? max(sum, 1e-12).squareRoot() : sum / factor[j * size + j]
            }
        }
        for j in 0..<size {
            inverse[j * size + j] = 1 / factor[j * size + j]
            for i in (j + 1)..<max(size, j + 1) {
                var sum = 0.0
                for k in j..<i { sum -= factor[i * size + k] * inverse[k * size + j] }
                inverse[i * size + j] = sum / factor[i * size + i]
            }
        }
        return inverse
    }

    /// The logarithm of one plus the squared distance of each row of `block`.
    func score(_ block: RowBlock, into scores: inout [Float]) {
        typealias Lanes = SIMD16<Float>
        let lanes = RowBlock.lanes
        block.values.withUnsafeBytes { bytes in
            for part in stride(from: 0, to: lanes, by: Lanes.scalarCount) {
                var total = Lanes.zero
                for shape in blocks {
                    let size = shape.features.count
                    for i in 0..<(shape.whitening.isEmpty ? 0 : size) {
                        var sum = Lanes.zero
                        for j in 0...i {
                            // Safe because a feature is below the block's width and a part lies within its lanes.
                            let offset = (shape.features[j] * lanes + part) * MemoryLayout<Float>.stride
                            let value = bytes.loadUnaligned(fromByteOffset: offset, as: Lanes.self)
                            sum += shape.whitening[i * size + j] * (value - shape.middle[j])
                        }
                        total += sum * sum
                    }
                }
                for lane in 0..<Lanes.scalarCount { scores[part + lane] = log1p(total[lane]) }
            }
        }
    }

    /// Whether it can score rows of `width` features: what decoding a model asks.
    func isSound(width: Int) -> Bool { self.width == width && blocks.allSatisfy { $0.isSound(width: width) } }

    /// The squared distance of one row.
    private func distance(_ row: [Float]) -> Float {
        var total: Float = 0
        for block in blocks {
            for value in whitened(row, block) { total += value * value }
        }
        return total
    }

    private func whitened(_ row: [Float], _ block: Block) -> [Float] {
        guard !block.whitening.isEmpty else { return [] }
        let size = block.features.count
        let differences = zip(block.features, block.middle).map { row[$0] - $1 }
        return (0..<size).map { i in (0...i).reduce(0) { $0 + block.whitening[i * size + $1] * differences[$1] } }
    }

    /// Adds each feature's part in the squared distance to `parts`: its difference from the middle times the pull on it. The
    /// parts sum to the squared distance; one below zero, of a feature that only makes up for another, counts as none.
    func addParts(_ row: [Float], to parts: inout [Float]) {
        for block in blocks {
            let whitened = whitened(row, block), size = block.features.count
            for j in 0..<(whitened.isEmpty ? 0 : size) {
                let pull = (j..<size).reduce(0) { $0 + block.whitening[$1 * size + j] * whitened[$1] }
                parts[block.features[j]] += max(0, pull * (row[block.features[j]] - block.middle[j]))
            }
        }
    }
}
