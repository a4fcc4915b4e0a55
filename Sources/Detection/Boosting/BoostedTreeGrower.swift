import Columns
import Foundation

/// Grows the trees of ``BoostedTrees``, one after the other, on some rows of a table, and follows what they say of all of them.
///
/// A node is a run of the tree's rows. For each feature the gradients of the run are added up by bin, and one walk over the bins
/// finds the cut that lowers the loss most.
struct BoostedTreeGrower {
    /// By feature.
    private let features: [BinnedColumn]
    private let isPositive: [Bool]
    private let classWeights: (negative: Double, positive: Double)
    private let options: BoostedTrees.Options
    /// The rows to learn from, by class.
    private let negatives: [Int32], positives: [Int32]
    private let minimumLeaf: Int
    private var random: SplitMix64
    let base: Double
    private(set) var trees: [RegressionTree] = []
    /// By row of the table, whether it is learned from or not: the log-odds so far.
    private(set) var margins: [Double]
    /// By feature: by how much its cuts lowered the loss.
    private(set) var gains: [Double]

    /// - Parameters:
    ///   - rows: those to learn from; some of either class.
    ///   - isBalanced: whether the rows of either class count as much together as those of the other.
    init(
        _ features: [BinnedColumn], isPositive: [Bool], rows: [Int], isBalanced: Bool, options: BoostedTrees.Options
    ) {
        self.features = features
        self.isPositive = isPositive
        self.options = options
        positives = rows.filter { isPositive[$0] }.map(Int32.init)
        negatives = rows.filter { !isPositive[$0] }.map(Int32.init)
        let count = Double(rows.count)
        classWeights = isBalanced ? (count / Double(2 * negatives.count), count / Double(2 * positives.count)) : (1, 1)
        minimumLeaf = max(1, min(options.minimumLeaf, rows.count / 50))
        base = log(classWeights.positive * Double(positives.count) / (classWeights.negative * Double(negatives.count)))
        margins = [Double](repeating: base, count: isPositive.count)
        gains = [Double](repeating: 0, count: features.count)
        random = SplitMix64(seed: options.seed)
    }

    /// One tree more.
    mutating func grow() {
        let (tree, bins, lowered) = grown()
        for feature in gains.indices { gains[feature] += lowered[feature] }
        for row in margins.indices { margins[row] += tree.value[leaf(of: row, tree, bins)] }
        trees.append(tree)
    }

    /// A function of its own, so that nothing else holds the margins when they change.
    private mutating func grown() -> (RegressionTree, bins: [UInt8], gains: [Double]) {
        var growth = Growth(grower: self, rows: sampled(), features: chosenFeatures())
        growth.run()
        return (growth.tree, growth.bins, growth.gains)
    }

    /// The leaf of a row of the table, by its bins.
    private func leaf(of row: Int, _ tree: RegressionTree, _ bins: [UInt8]) -> Int {
        var node = 0
        while tree.feature[node] >= 0 {
            let bin = features[Int(tree.feature[node])].bins[row]
            node = Int(bin <= bins[node] ? tree.left[node] : tree.right[node])
        }
        return node
    }

    private mutating func chosenFeatures() -> [Int] {
        var order = Array(features.indices)
        let count = max(1, Int((options.featureShare * Double(order.count)).rounded(.up)))
        for place in 0..<count { order.swapAt(place, Int.random(in: place..<order.count, using: &random)) }
        return order[..<count].sorted()
    }

    /// The rows that the next tree looks at, and for how many rows each of them counts.
    private mutating func sampled() -> [(row: Int32, weight: Double)] {
        var rows: [(row: Int32, weight: Double)] = []
        for (all, weight) in [(negatives, classWeights.negative), (positives, classWeights.positive)] {
            guard all.count > options.rowsPerClass else {
                rows += all.map { ($0, weight) }
                continue
            }
            let scaled = weight * Double(all.count) / Double(options.rowsPerClass)
            rows += random.sample(options.rowsPerClass, below: all.count).map { (all[$0], scaled) }
        }
        return rows
    }

    /// Gradients of some rows, added up.
    private struct Sum {
        var gradient = 0.0, hessian = 0.0, rows = 0.0

        static func + (one: Sum, other: Sum) -> Sum {
            Sum(
                gradient: one.gradient + other.gradient, hessian: one.hessian + other.hessian, rows: one.rows + other.rows)
        }

        static func - (one: Sum, other: Sum) -> Sum {
            Sum(
                gradient: one.gradient - other.gradient, hessian: one.hessian - other.hessian, rows: one.rows - other.rows)
        }

        /// Twice by how much the best step lowers the loss.
        func gain(_ shrinkage: Double) -> Double { gradient * gradient / (hessian + shrinkage) }
    }

    /// A cut: rows whose bin is at most `bin` go left.
    private struct Split {
        let feature: Int
        let bin: Int
        let gain: Double
    }

    /// One tree as it grows.
    private struct Growth {
        let grower: BoostedTreeGrower
        let features: [Int]
        var tree = RegressionTree()
        var gains: [Double]
        /// By node: rows of its feature whose bin is at most this go left.
        var bins: [UInt8] = []
        /// The rows of the sample with their gradients; each node is a range of them.
        private var rows: [Int32]
        private var gradients: [Double], hessians: [Double]
        private var histogram = [Sum](repeating: Sum(), count: 256)

        init(grower: BoostedTreeGrower, rows: [(row: Int32, weight: Double)], features: [Int]) {
            self.grower = grower
            self.features = features
            gains = [Double](repeating: 0, count: grower.features.count)
            self.rows = rows.map(\.row)
            (gradients, hessians) = ([], [])
            for (row, weight) in rows {
                let probability = BoostedTrees.probability(grower.margins[Int(row)])
                gradients.append(weight * ((grower.isPositive[Int(row)] ? 1 : 0) - probability))
                hessians.append(weight * probability * (1 - probability))
            }
        }

        mutating func run() {
            var open: [(range: Range<Int>, depth: Int, parent: Int, isLeft: Bool)] = [(0..<rows.count, 0, -1, false)]
            while let (range, depth, parent, isLeft) = open.popLast() {
                let node = tree.feature.count
                if parent >= 0 {
                    if isLeft { tree.left[parent] = Int32(node) } else { tree.right[parent] = Int32(node) }
                }
                var total = Sum()
                for index in range {
                    total = total + Sum(gradient: gradients[index], hessian: hessians[index], rows: 1)
                }
                addLeaf(total)
                guard depth < grower.options.maxDepth, let split = bestSplit(of: range, total) else { continue }
                let threshold = grower.features[split.feature].threshold(above: split.bin)
                (tree.feature[node], tree.threshold[node], bins[node]) = (Int32(split.feature), threshold, UInt8(split.bin))
                gains[split.feature] += split.gain
                let middle = partition(range, by: split)
                open.append((middle..<range.upperBound, depth + 1, node, false))
                open.append((range.lowerBound..<middle, depth + 1, node, true))
            }
        }

        private mutating func addLeaf(_ total: Sum) {
            let step = grower.options.learningRate * total.gradient / (total.hessian + grower.options.shrinkage)
            tree.feature.append(-1)
            tree.threshold.append(0)
            tree.left.append(-1)
            tree.right.append(-1)
            tree.value.append(step)
            bins.append(0)
        }

        private mutating func bestSplit(of range: Range<Int>, _ total: Sum) -> Split? {
            guard range.count >= 2 * grower.minimumLeaf else { return nil }
            var best: Split?
            for feature in features {
                if let split = bestSplit(of: range, total, on: feature), split.gain > best?.gain ?? 1e-9 { best = split }
            }
            return best
        }

        private mutating func bestSplit(of range: Range<Int>, _ total: Sum, on feature: Int) -> Split? {
            let bins = grower.features[feature].bins, count = grower.features[feature].count
            for bin in 0..<count { histogram[bin] = Sum() }
            for index in range {
                let bin = Int(bins[Int(rows[index])])
                histogram[bin].gradient += gradients[index]
                histogram[bin].hessian += hessians[index]
                histogram[bin].rows += 1
            }
            let shrinkage = grower.options.shrinkage, least = Double(grower.minimumLeaf), before = total.gain(shrinkage)
            var left = Sum()
            var best: Split?
            for bin in 0..<count where histogram[bin].rows > 0 {
                left = left + histogram[bin]
                let right = total - left
                guard left.rows >= least else { continue }
                guard right.rows >= least else { break }
                let gain = left.gain(shrinkage) + right.gain(shrinkage) - before
                if gain > best?.gain ?? 0 { best = Split(feature: feature, bin: bin, gain: gain) }
            }
            guard let best else { return nil }
            // In the middle of the empty bins behind the cut, which is where a row that is yet to come is distinguished best.
            var next = best.bin + 1
            while histogram[next].rows == 0 { next += 1 }
            return Split(feature: feature, bin: best.bin == 0 ? 0 : (best.bin + next - 1) / 2, gain: best.gain)
        }

        /// Puts the rows of the left side first; gives where the right one begins.
        private mutating func partition(_ range: Range<Int>, by split: Split) -> Int {
            let bins = grower.features[split.feature].bins
            var middle = range.lowerBound
            for index in range where Int(bins[Int(rows[index])]) <= split.bin {
                rows.swapAt(middle, index)
                gradients.swapAt(middle, index)
                hessians.swapAt(middle, index)
                middle += 1
            }
            return middle
        }
    }
}
