import Columns
import Foundation
import Synchronization

/// Tells classes apart by the vote of many trees, each grown on a bootstrap sample with a random choice of features at each
/// split.
///
/// The same seed and rows give the same forest on every machine, however many cores it has: each tree has a generator of its own.
///
/// Source: Breiman: Random Forests, Machine Learning 45, 2001.
struct RandomForest: Sendable, Equatable {
    struct Options: Sendable, Codable, Equatable {
        var trees = 100
        /// How many features are tried at a split; nil is the square root of how many there are.
        var featuresPerSplit: Int?
        /// A leaf stands for at least so many rows of its sample.
        var minimumLeaf = 1
        var maxDepth = 64
        /// How much a row of each class counts; nil counts each row once. ``balanced(labels:classCount:)`` makes rare classes
        /// count as much as common ones.
        var classWeights: [Double]?
        var seed: UInt64 = 1

        init() {}

        /// - Parameter trees: taken as the nearest number from 1 to 10,000.
        init(seed: UInt64, trees: Int) {
            self.seed = seed
            self.trees = max(1, min(trees, 10_000))
        }
    }

    /// What the rows that a tree did not see say of the forest: an honest estimate without rows held back.
    struct OutOfBag: Sendable, Equatable {
        /// By row the share of votes of each class; nil for a row that every tree has seen.
        let votes: [[Double]?]
        /// The share of rows whose class has the most votes.
        let accuracy: Double
    }

    let featureCount: Int
    let classCount: Int
    let options: Options
    let trees: [ClassificationTree]
    /// How much each feature's splits have lowered the Gini impurity, as parts of 1: what matters, not in which direction.
    let importances: [Double]

    /// - Parameters:
    ///   - columns: by feature, then row; NaN stands for a value that is not there, and is distinguished from those that are.
    ///   - labels: the class of each row, from 0.
    /// - Complexity: O(trees × rows × √features × log rows).
    init(training columns: [[Double]], labels: [Int], classCount: Int, options: Options = Options()) {
        precondition(!columns.isEmpty && !labels.isEmpty && columns.allSatisfy { $0.count == labels.count })
        precondition(labels.allSatisfy { (0..<classCount).contains($0) } && classCount >= 2)
        precondition(options.classWeights == nil || options.classWeights!.count == classCount)
        featureCount = columns.count
        self.classCount = classCount
        self.options = options
        let grower = TreeGrower(
            features: BinnedFeatures(columns), labels: labels.map(UInt16.init), classCount: classCount, options: options)
        // Safe to grow in any order: what a tree is depends on its number alone.
        let grown = Mutex([(tree: ClassificationTree, gains: [Double])?](repeating: nil, count: options.trees))
        DispatchQueue.concurrentPerform(iterations: options.trees) { number in
            let result = grower.grow(number)
            grown.withLock { $0[number] = result }
        }
        let results = grown.withLock { $0.map { $0! } }
        trees = results.map(\.tree)
        var gains = [Double](repeating: 0, count: columns.count)
        for result in results {
            let total = result.gains.reduce(0, +)
            if total > 0 { for feature in gains.indices { gains[feature] += result.gains[feature] / total } }
        }
        let total = gains.reduce(0, +)
        importances = total > 0 ? gains.map { $0 / total } : gains
    }

    init(
        featureCount: Int, classCount: Int, options: Options, trees: [ClassificationTree], importances: [Double]
    ) {
        self.featureCount = featureCount
        self.classCount = classCount
        self.options = options
        self.trees = trees
        self.importances = importances
    }

    /// Weights that make the rows of each class count as much together as those of any other.
    static func balanced(labels: [Int], classCount: Int) -> [Double] {
        var counts = [Int](repeating: 0, count: classCount)
        for label in labels { counts[label] += 1 }
        return counts.map { $0 == 0 ? 0 : Double(labels.count) / Double(classCount * $0) }
    }

    /// The probability of each class: the mean of what the leaves that `row` falls into hold.
    func probabilities(_ row: [Double]) -> [Double] {
        precondition(row.count == featureCount)
        var sums = [Double](repeating: 0, count: classCount)
        for tree in trees { tree.add(tree.leaf(of: row), to: &sums) }
        return sums.map { $0 / Double(trees.count) }
    }

    /// How far each feature moved the probability of `class` for `row` away from what the trees' roots say; with the roots' they
    /// sum to the probability.
    ///
    /// Source: Saabas: Interpreting random forests, 2014.
    func contributions(_ row: [Double], to class: Int) -> [Double] {
        var sums = [Double](repeating: 0, count: featureCount)
        for tree in trees {
            var node = 0
            while tree.feature[node] >= 0 {
                let next = tree.child(of: node, row)
                sums[Int(tree.feature[node])] += tree.share(next, `class`) - tree.share(node, `class`)
                node = next
            }
        }
        return sums.map { $0 / Double(trees.count) }
    }

    /// The votes of the trees that have not seen each training row.
    ///
    /// - Parameters: the rows and labels that the forest was trained on, in the same order.
    func outOfBag(_ columns: [[Double]], labels: [Int]) -> OutOfBag {
        var votes = [[Double]](repeating: [], count: labels.count)
        var voters = [Int](repeating: 0, count: labels.count)
        for (number, tree) in trees.enumerated() {
            let bag = TreeGrower.bag(rows: labels.count, seed: options.seed, tree: number).counts
            for row in labels.indices where bag[row] == 0 {
                if voters[row] == 0 { votes[row] = Array(repeating: 0, count: classCount) }
                voters[row] += 1
                tree.add(tree.leaf { columns[$0][row] }, to: &votes[row])
            }
        }
        var right = 0, judged = 0
        for row in labels.indices where voters[row] > 0 {
            for each in 0..<classCount { votes[row][each] /= Double(voters[row]) }
            judged += 1
            if votes[row].firstIndex(of: votes[row].max()!) == labels[row] { right += 1 }
        }
        return OutOfBag(
            votes: zip(votes, voters).map { $1 == 0 ? nil : $0 }, accuracy: judged == 0 ? 0 : Double(right) / Double(judged))
    }
}

/// A tree in arrays: node 0 is the root, a leaf has feature -1, and children come after their parent.
struct ClassificationTree: Sendable, Codable, Equatable {
    var feature: [Int32] = []
    /// A row goes left when its value is at most this, or is not there.
    var threshold: [Double] = []
    var left: [Int32] = []
    var right: [Int32] = []
    /// The share of each class among the rows that reached the node: `classCount` numbers a node.
    var shares: [Float] = []
    var classCount: Int

    private enum CodingKeys: String, CodingKey {
        case feature, threshold, left, right, shares
        case classCount = "class_count"
    }

    init(classCount: Int) {
        self.classCount = classCount
    }

    func leaf(of row: [Double]) -> Int { leaf { row[$0] } }

    func leaf(_ value: (Int) -> Double) -> Int {
        var node = 0
        while feature[node] >= 0 {
            let value = value(Int(feature[node]))
            node = Int(value > threshold[node] ? right[node] : left[node])
        }
        return node
    }

    func child(of node: Int, _ row: [Double]) -> Int {
        Int(row[Int(feature[node])] > threshold[node] ? right[node] : left[node])
    }

    func share(_ node: Int, _ class: Int) -> Double { Double(shares[node * classCount + `class`]) }

    func add(_ node: Int, to sums: inout [Double]) {
        for each in 0..<classCount { sums[each] += Double(shares[node * classCount + each]) }
    }
}
