import Columns
import Testing

@testable import Detection

struct `The walk down many trees` {
    /// A tree as one draws it.
    private indirect enum Tree {
        case leaf(Double)
        case cut(feature: Int, at: Double, Tree, Tree)

        func value(_ row: ArraySlice<Double>) -> Double {
            switch self {
            case .leaf(let value): value
            case .cut(let feature, let threshold, let left, let right):
                row[row.startIndex + feature] > threshold ? right.value(row) : left.value(row)
            }
        }

        func add(to walk: inout ForestWalk) {
            walk.beginTree()
            var level = [self]
            while !level.isEmpty {
                var next: [Tree] = []
                for node in level {
                    switch node {
                    case .leaf(let value): walk.addLeaf(value: value)
                    case .cut(let feature, let threshold, let left, let right):
                        walk.addCut(feature: Int32(feature), threshold: threshold)
                        next += [left, right]
                    }
                }
                level = next
            }
        }
    }

    private func tree(depth: Int, features: Int, _ random: inout SplitMix64) -> Tree {
        guard depth > 0, Int.random(in: 0..<5, using: &random) > 0 else { return .leaf(Double.random(in: 0...9, using: &random)) }
        return .cut(
            feature: Int.random(in: 0..<features, using: &random), at: Double(Int.random(in: -3...3, using: &random)),
            tree(depth: depth - 1, features: features, &random), tree(depth: depth - 1, features: features, &random))
    }

    /// Rows of a block, of several blocks, and those that are left over.
    @Test(arguments: [0, 1, 7, 8, 9, 64, 131, 300, 517]) func `ends in the leaves that each tree alone ends in`(count: Int) {
        var random = SplitMix64(seed: UInt64(count))
        for features in 1...4 {
            let trees = (0..<9).map { tree(depth: $0, features: features, &random) }
            var walk = ForestWalk()
            for tree in trees { tree.add(to: &walk) }
            // Values on the thresholds too, and those that no threshold is above.
            let values: [Double] = [-.infinity, -3, -2, -1, -0.5, 0, 0.5, 1, 2, 3, 4, .infinity, .greatestFiniteMagnitude]
            let rows = (0..<(count * features)).map { _ in values.randomElement(using: &random)! }
            let expected = (0..<count).map { row in
                trees.reduce(0) { $0 + $1.value(rows[(row * features)..<((row + 1) * features)]) }
            }
            #expect(walk.sums(rows, featureCount: features, 0..<count) == expected)
            let part = (count / 3)..<(count - count / 5)
            #expect(walk.sums(rows, featureCount: features, part) == Array(expected[part]))
        }
    }
}
