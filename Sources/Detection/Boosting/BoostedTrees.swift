import Foundation

/// Says how likely a row is to be of the class that matters: the sum of small trees, each grown to mend what the sum of those
/// before it gets wrong.
///
/// Source: Friedman: Greedy Function Approximation: A Gradient Boosting Machine, Annals of Statistics 2001; Chen, Guestrin:
/// XGBoost, KDD 2016 (second-order steps and shrinkage of leaves).
struct BoostedTrees: Sendable, Equatable {
    struct Options: Sendable, Codable, Equatable {
        /// Trees at most; how many are kept is found by cross-validation.
        var rounds = 100
        /// How much of each step is taken.
        var learningRate = 0.1
        var maxDepth = 4
        /// What is added to the weight of a leaf, so that few rows move it little.
        var shrinkage = 5.0
        /// A leaf stands for at least so many rows, and fewer of a small table.
        var minimumLeaf = 20
        /// The share of the features that a tree may cut.
        var featureShare = 0.5
        /// Rows of each class that a tree looks at; they count for those that are left out.
        var rowsPerClass = 25_000
        var seed: UInt64 = 1

        init() {}

        /// - Parameter rounds: taken as the nearest number from 1 to 10,000.
        init(seed: UInt64, rounds: Int) {
            self.seed = seed
            self.rounds = max(1, min(rounds, 10_000))
        }
    }

    let featureCount: Int
    /// The log-odds of a row of which nothing is known.
    let base: Double
    let trees: [RegressionTree]

    /// The log-odds of the class that matters.
    func margin(_ row: [Double]) -> Double {
        precondition(row.count == featureCount)
        return trees.reduce(base) { $0 + $1.value[$1.leaf(of: row)] }
    }

    /// How far each feature moved the log-odds of `row`; with ``base`` and what the roots say they sum to ``margin(_:)``.
    ///
    /// Source: Saabas: Interpreting random forests, 2014, for sums of trees.
    func contributions(_ row: [Double]) -> [Double] {
        var sums = [Double](repeating: 0, count: featureCount)
        for tree in trees {
            var node = 0
            while tree.feature[node] >= 0 {
                let next = tree.child(of: node, row)
                sums[Int(tree.feature[node])] += tree.value[next] - tree.value[node]
                node = next
            }
        }
        return sums
    }

    static func probability(_ margin: Double) -> Double { 1 / (1 + exp(-margin)) }
}

/// A tree in arrays: node 0 is the root, a leaf has feature -1, and children come after their parent.
struct RegressionTree: Sendable, Codable, Equatable {
    var feature: [Int32] = []
    /// A row goes left when its value is at most this, or is not there.
    var threshold: [Double] = []
    var left: [Int32] = []
    var right: [Int32] = []
    /// The step that the node would take if it were a leaf.
    var value: [Double] = []

    func leaf(of row: [Double]) -> Int {
        var node = 0
        while feature[node] >= 0 { node = child(of: node, row) }
        return node
    }

    func child(of node: Int, _ row: [Double]) -> Int {
        Int(row[Int(feature[node])] > threshold[node] ? right[node] : left[node])
    }

    /// Whether every walk from the root ends in a leaf and meets only features that there are.
    func isSound(featureCount: Int) -> Bool {
        let count = feature.count
        guard count > 0, threshold.count == count, left.count == count, right.count == count, value.count == count,
            threshold.allSatisfy(\.isFinite), value.allSatisfy({ abs($0) <= 1e6 })
        else { return false }
        return feature.indices.allSatisfy { node in
            // A child comes after its parent: each step goes forward, so a walk ends.
            feature[node] < 0
                || feature[node] < featureCount && left[node] > node && left[node] < count && right[node] > node
                    && right[node] < count
        }
    }
}

/// As it stands in a model file, which may be damaged, or be made by somebody who wishes us ill.
extension BoostedTrees: Codable {
    private enum CodingKeys: String, CodingKey {
        case featureCount = "feature_count", base, trees
    }

    /// - Throws: `DecodingError.dataCorrupted` when the trees do not hold together.
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        featureCount = try container.decode(Int.self, forKey: .featureCount)
        base = try container.decode(Double.self, forKey: .base)
        trees = try container.decode([RegressionTree].self, forKey: .trees)
        guard (1...100_000).contains(featureCount), abs(base) <= 1e6, trees.count <= 10_000,
            trees.allSatisfy({ [featureCount] in $0.isSound(featureCount: featureCount) })
        else {
            throw DecodingError.dataCorruptedError(
                forKey: .trees, in: container, debugDescription: "the trees do not hold together")
        }
    }
}
