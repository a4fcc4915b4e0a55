/// Binary trees laid out for walking many rows down them: the sum over all trees of the value of the leaf that a row reaches.
///
/// A tree's nodes are in order of level, the right child behind the left one, and a leaf leads to itself. So a step is arithmetic
/// without a branch, all rows of a tree take as many steps as it is deep, and the processor works on the steps of eight rows at
/// once: one after the other it would wait for each step's load, and guess wrong at every second cut.
struct ForestWalk: Sendable, Equatable {
    /// Sixteen bytes, so that a tree of the usual sample lies in the first cache.
    private struct Node: Sendable, Equatable {
        /// A row goes right when its feature is above this. Infinite in a leaf, which no value is above.
        var threshold: Double
        var feature: Int32
        /// The right one follows it. In a leaf the node itself.
        var left: Int32
    }

    private struct Tree: Sendable, Equatable {
        var root: Int
        var depth: Int
    }

    private var nodes: [Node] = []
    /// By node; zero where it is not a leaf.
    private var values: [Double] = []
    private var trees: [Tree] = []
    /// How many features a row must have.
    private var featureCount = 0
    /// Where the children of the next cut will be.
    private var nextChild = 0
    /// Nodes of the level at hand that are still to come, and the children that were promised to it so far.
    private var leftInLevel = 0, promised = 0

    /// What is added from here on is a new tree, level by level from its root.
    mutating func beginTree() {
        precondition(leftInLevel == 0 && promised == 0, "the tree before has children that were not added")
        trees.append(Tree(root: nodes.count, depth: 0))
        nextChild = nodes.count + 1
        leftInLevel = 1
    }

    mutating func addCut(feature: Int32, threshold: Double) {
        nodes.append(Node(threshold: threshold, feature: feature, left: Int32(nextChild)))
        values.append(0)
        featureCount = max(featureCount, Int(feature) + 1)
        nextChild += 2
        promised += 2
        endNode()
    }

    mutating func addLeaf(value: Double) {
        nodes.append(Node(threshold: .infinity, feature: 0, left: Int32(nodes.count)))
        values.append(value)
        endNode()
    }

    private mutating func endNode() {
        leftInLevel -= 1
        guard leftInLevel == 0, promised > 0 else { return }
        leftInLevel = promised
        promised = 0
        trees[trees.count - 1].depth += 1
    }

    /// Rows that all trees look at before the next ones: they stay in the first cache.
    private static let blockLength = 256

    /// For each row of `range` the sum of the values of its leaves.
    ///
    /// - Parameter rows: one row behind the other, each of `featureCount` finite values.
    func sums(_ rows: [Double], featureCount: Int, _ range: Range<Int>) -> [Double] {
        precondition(leftInLevel == 0 && self.featureCount <= featureCount, "a cut is on a feature that rows do not have")
        precondition(range.lowerBound >= 0 && range.upperBound * featureCount <= rows.count, "the rows are there")
        var sums = [Double](repeating: 0, count: range.count)
        for first in stride(from: 0, to: range.count, by: Self.blockLength) {
            let block = first..<min(first + Self.blockLength, range.count)
            for tree in trees { add(tree, rows, featureCount, firstRow: range.lowerBound, block, to: &sums) }
        }
        return sums
    }

    /// Adds the values of one tree to the sums of `block`, whose row 0 is `firstRow` of `rows`.
    private func add(
        _ tree: Tree, _ rows: [Double], _ featureCount: Int, firstRow: Int, _ block: Range<Int>, to sums: inout [Double]
    ) {
        let nodes = nodes.span, values = values.span, rows = rows.span
        // Safe because all nodes of a tree lead to nodes of it, as `endNode` has counted, and no feature is beyond what a row
        // has.
        func step(_ node: Int, _ start: Int) -> Int {
            let at = nodes[unchecked: node]
            return Int(at.left) + (rows[unchecked: start + Int(at.feature)] > at.threshold ? 1 : 0)
        }
        var row = block.lowerBound
        while row + 8 <= block.upperBound {
            var at = SIMD8<Int>(repeating: tree.root)
            for _ in 0..<tree.depth {
                for lane in 0..<8 { at[lane] = step(at[lane], (firstRow + row + lane) * featureCount) }
            }
            for lane in 0..<8 { sums[row + lane] += values[unchecked: at[lane]] }
            row += 8
        }
        while row < block.upperBound {
            var at = tree.root
            for _ in 0..<tree.depth { at = step(at, (firstRow + row) * featureCount) }
            sums[row] += values[unchecked: at]
            row += 1
        }
    }
}
