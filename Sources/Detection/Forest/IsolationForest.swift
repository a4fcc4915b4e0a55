import Columns
import Foundation
import Synchronization

/// Finds rows that few random cuts suffice to set apart from the others.
///
/// Trees are grown on small samples; a row's score comes from how deep it lies on average: near 1 is isolated early, 0.5 is
/// average. Training is deterministic by its seed.
///
/// Source: Liu, Ting, Zhou: Isolation Forest, ICDM 2008.
struct IsolationForest: Sendable, Codable, Equatable {
    struct Options: Sendable, Codable, Equatable {
        var trees = 100
        var sampleSize = 256
        var seed: UInt64 = 1

        init() {}

        /// - Parameter trees: taken as the nearest number from 1 to 10,000.
        init(seed: UInt64, trees: Int) {
            self.seed = seed
            self.trees = max(1, min(trees, 10_000))
        }
    }

    /// A tree in arrays: node 0 is the root; a leaf has feature -1.
    private struct Tree: Sendable, Codable, Equatable {
        var feature: [Int32] = []
        var threshold: [Double] = []
        var left: [Int32] = []
        var right: [Int32] = []
        /// Training rows that reached the node.
        var size: [Int32] = []

        /// Whether every node has its parts, and children that come after it: a walk then ends, in a leaf.
        func isSound(featureCount: Int) -> Bool {
            let count = feature.count
            guard count > 0, [threshold.count, left.count, right.count, size.count].allSatisfy({ $0 == count }) else {
                return false
            }
            return feature.indices.allSatisfy { node in
                feature[node] < 0
                    || Int(feature[node]) < featureCount && Int(left[node]) == node + 1 && Int(right[node]) > node + 1
                        && Int(right[node]) < count
            }
        }
    }

    let featureCount: Int
    let options: Options
    private let trees: [Tree]
    /// The expected depth of a row: c(sample size).
    private let normalization: Double
    /// The trees as scoring walks them; made of `trees`.
    private let walk: ForestWalk

    private enum CodingKeys: CodingKey { case featureCount, options, trees, normalization }

    /// - Parameter rows: one array a row, each of the same number of finite features; at least two.
    init(training rows: [[Double]], options: Options = Options()) {
        self.init(training: rows.flatMap { $0 }, featureCount: rows[0].count, options: options)
    }

    /// - Parameter rows: one row behind the other, each of `featureCount` finite values; at least two.
    init(training rows: [Double], featureCount: Int, options: Options = Options()) {
        precondition(featureCount > 0 && rows.count >= 2 * featureCount, "a forest is trained on at least two rows")
        self.featureCount = featureCount
        self.options = options
        let rowCount = rows.count / featureCount, sampleSize = min(options.sampleSize, rowCount)
        normalization = Self.averageDepth(sampleSize)
        let maxDepth = Int(log2(Double(sampleSize)).rounded(.up))
        let trees = (0..<options.trees).map { number in
            var random = SplitMix64(seed: options.seed &+ UInt64(number) &* 0x9E37_79B9)
            // A sample without repetition: the first steps of a shuffle, which remembers only what it has moved.
            var moved: [Int: Int] = [:]
            let sample = (0..<sampleSize).map { position in
                let other = Int.random(in: position..<rowCount, using: &random), chosen = moved[other] ?? other
                moved[other] = moved[position] ?? position
                return Array(rows[(chosen * featureCount)..<((chosen + 1) * featureCount)])
            }
            var tree = Tree()
            Self.grow(&tree, sample, Array(sample.indices), depth: 0, maxDepth: maxDepth, &random)
            return tree
        }
        self.trees = trees
        walk = Self.walk(trees)
    }

    /// - Throws: `DecodingError` for a file whose trees do not hold together, which would lead scoring astray.
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        featureCount = try container.decode(Int.self, forKey: .featureCount)
        options = try container.decode(Options.self, forKey: .options)
        trees = try container.decode([Tree].self, forKey: .trees)
        normalization = try container.decode(Double.self, forKey: .normalization)
        let features = featureCount
        guard !trees.isEmpty, normalization > 0, trees.allSatisfy({ $0.isSound(featureCount: features) }) else {
            throw DecodingError.dataCorruptedError(
                forKey: .trees, in: container, debugDescription: "the trees do not hold together")
        }
        walk = Self.walk(trees)
    }

    private static func walk(_ trees: [Tree]) -> ForestWalk {
        var walk = ForestWalk()
        for tree in trees {
            walk.beginTree()
            // By level, so that the children of a node are side by side.
            var level = [0]
            var depth = 0
            while !level.isEmpty {
                var next: [Int] = []
                for node in level {
                    if tree.feature[node] >= 0 {
                        walk.addCut(feature: tree.feature[node], threshold: tree.threshold[node])
                        next += [Int(tree.left[node]), Int(tree.right[node])]
                    } else {
                        walk.addLeaf(value: Double(depth) + averageDepth(Int(tree.size[node])))
                    }
                }
                level = next
                depth += 1
            }
        }
        return walk
    }

    private static func grow(
        _ tree: inout Tree, _ rows: [[Double]], _ indices: [Int], depth: Int, maxDepth: Int, _ random: inout SplitMix64
    ) {
        let node = tree.feature.count
        tree.feature.append(-1)
        tree.threshold.append(0)
        tree.left.append(-1)
        tree.right.append(-1)
        tree.size.append(Int32(indices.count))
        guard depth < maxDepth, indices.count > 1 else { return }
        // A feature that does not vary here cannot split: another one is drawn.
        var features = Array(0..<rows[0].count)
        features.shuffle(using: &random)
        for feature in features {
            var low = Double.infinity, high = -Double.infinity
            for index in indices {
                low = min(low, rows[index][feature])
                high = max(high, rows[index][feature])
            }
            guard low < high else { continue }
            let threshold = Double.random(in: low..<high, using: &random)
            let left = indices.filter { rows[$0][feature] <= threshold }, right = indices.filter { rows[$0][feature] > threshold }
            tree.feature[node] = Int32(feature)
            tree.threshold[node] = threshold
            tree.left[node] = Int32(tree.feature.count)
            grow(&tree, rows, left, depth: depth + 1, maxDepth: maxDepth, &random)
            tree.right[node] = Int32(tree.feature.count)
            grow(&tree, rows, right, depth: depth + 1, maxDepth: maxDepth, &random)
            return
        }
    }

    /// The score of a row in (0, 1): equation 2 of the source.
    func score(_ row: [Double]) -> Double { scores(row)[0] }

    /// Fewer rows are not worth a second core.
    private static let rowsOfPart = 16_384

    /// The scores of many rows, on all cores where they are very many.
    ///
    /// - Parameter rows: one row behind the other, each of ``featureCount`` values.
    func scores(_ rows: [Double]) -> [Double] {
        precondition(featureCount > 0 && rows.count % featureCount == 0, "rows have \(featureCount) features each")
        let count = rows.count / featureCount, parts = (count + Self.rowsOfPart - 1) / Self.rowsOfPart
        @Sendable func scores(of part: Int) -> [Double] {
            let range = (part * Self.rowsOfPart)..<min((part + 1) * Self.rowsOfPart, count)
            return walk.sums(rows, featureCount: featureCount, range).map {
                exp2(-($0 / Double(trees.count)) / normalization)
            }
        }
        guard parts > 1 else { return parts == 0 ? [] : scores(of: 0) }
        // Safe in any order: a row's score depends on the row alone.
        let done = Mutex([[Double]](repeating: [], count: parts))
        DispatchQueue.concurrentPerform(iterations: parts) { part in
            let own = scores(of: part)
            done.withLock { $0[part] = own }
        }
        return done.withLock { $0.flatMap { $0 } }
    }

    /// Each feature's part in setting `row` apart; the parts sum to 1.
    ///
    /// A cut counts by the bits by which it narrows the sample down: a feature that takes a row from 200 others to 3 in one cut
    /// has said more than one that halves them.
    func shares(_ row: [Double]) -> [Double] {
        var bits = [Double](repeating: 0, count: featureCount)
        for tree in trees {
            var node = 0
            while tree.feature[node] >= 0 {
                let feature = Int(tree.feature[node])
                let child = Int(row[feature] <= tree.threshold[node] ? tree.left[node] : tree.right[node])
                // One bit is what a cut in the middle gives: only what is beyond it is telling.
                bits[feature] += max(0, log2(Double(tree.size[node]) / Double(max(1, tree.size[child]))) - 1)
                node = child
            }
        }
        let total = bits.reduce(0, +)
        return total > 0 ? bits.map { $0 / total } : bits.map { _ in 1 / Double(featureCount) }
    }

    /// c(n) of the source: the average depth of an unsuccessful search in a binary tree of `n` rows.
    static func averageDepth(_ n: Int) -> Double {
        switch n {
        case ...1: 0
        case 2: 1
        default: 2 * (log(Double(n - 1)) + 0.577_215_664_901_532_9) - 2 * Double(n - 1) / Double(n)
        }
    }
}
