import Columns
import Foundation

/// Finds rows that few cuts suffice to set apart, where a cut is placed between groups and not anywhere.
///
/// Trees are grown on small samples like those of an isolation forest. A cut is a slanted line through two features drawn at
/// random, and lies where the two sides together spread least (the pooled gain). So clustered anomalies and those that break
/// the relation of two features come apart early, which cuts along one axis at random places miss.
///
/// Sources: Liu, Ting, Zhou: Isolation Forest, ICDM 2008 (samples, depth as score) and On Detecting Clustered Anomalies Using
/// SCiForest, ECML PKDD 2010 (slanted cuts); Cortes: Revisiting randomized choices in isolation forests, arXiv 2110.13402, 2021
/// (pooled gain).
struct GainForest: EnsembleMember, Equatable {
    /// Of a row.
    private let width: Int
    /// Rows that each tree is grown on, as in an isolation forest.
    private static let sampleSize = 256

    /// A row goes right when `first + weight × second` is above the threshold; infinite where the tree ends above it.
    struct Cut: Equatable {
        var threshold = Float.infinity
        var weight: Float = 0
        var first: Int32 = 0
        var second: Int32 = 0
    }

    /// Of every tree.
    private let depth: Int
    private let trees: Int
    /// Tree by tree as complete binary trees: the children of node `i` are `2i + 1` and `2i + 2`.
    private var cuts: [Cut]
    /// Tree by tree for each leaf of the complete tree: the depth at which a row that arrives there ends.
    private var depths: [Float]
    /// Tree by tree for each node, leaves included, how many rows of the sample reached it.
    private var sizes: [Int32]
    /// The expected depth of a row: c(sample size) of the source.
    private let usualDepth: Float

    /// - Parameters:
    ///   - sample: rows on the common scale, one behind the other, each of `width` features.
    init(sample: [Float], width: Int, trees: Int, seed: UInt64) {
        let count = width == 0 ? 0 : sample.count / width
        let size = min(count, Self.sampleSize)
        depth = max(1, Int(log2(Double(max(2, size))).rounded(.up)))
        (self.width, self.trees) = (width, trees)
        usualDepth = max(1, Float(IsolationForest.averageDepth(size)))
        cuts = Array(repeating: Cut(), count: trees << depth)
        depths = Array(repeating: 0, count: trees << depth)
        sizes = Array(repeating: 0, count: trees << (depth + 1))
        guard size > 1 else { return }
        for tree in 0..<trees {
            var grower = GainTreeGrower(sample: sample, width: width, random: SplitMix64(seed: seed, part: tree))
            let rows = grower.random.sample(size, below: count)
            grow(tree, node: 0, level: 0, rows, &grower)
        }
    }

    /// Cuts `rows` in two until each is alone, no feature varies or the tree is deep enough.
    private mutating func grow(_ tree: Int, node: Int, level: Int, _ rows: [Int], _ grower: inout GainTreeGrower) {
        sizes[tree << (depth + 1) + node] = Int32(rows.count)
        guard level < depth, rows.count > 1, let cut = grower.cut(rows) else {
            // A tree that ends early leads on to the left, where its threshold is infinite, down to this leaf.
            let leaf = (node + 1) << (depth - level) - (1 << depth)
            depths[tree << depth + leaf] = Float(level) + Float(IsolationForest.averageDepth(rows.count))
            return
        }
        cuts[tree << depth + node] = cut
        let left = rows.filter { !grower.goesRight($0, cut) }, right = rows.filter { grower.goesRight($0, cut) }
        grow(tree, node: 2 * node + 1, level: level + 1, left, &grower)
        grow(tree, node: 2 * node + 2, level: level + 1, right, &grower)
    }

    /// Adds to `scores` how much sooner than usual each row of `block` comes to its end, in (−∞, 1).
    func score(_ block: RowBlock, into scores: inout [Float]) {
        let lanes = RowBlock.lanes
        let values = block.values.span, cuts = cuts.span, depths = depths.span
        var places = [Int32](repeating: 0, count: lanes), sums = [Float](repeating: 0, count: lanes)
        var place = places.mutableSpan, sum = sums.mutableSpan
        for tree in 0..<trees {
            let start = tree << depth
            for lane in 0..<lanes { place[unchecked: lane] = 0 }
            for _ in 0..<depth {
                // Each lane's step is independent of the others', so the processor works on several at once.
                for lane in 0..<lanes {
                    let node = Int(place[unchecked: lane])
                    // Safe because a node's children lie within its complete tree, and features are below the block's width.
                    let cut = cuts[unchecked: start + node]
                    let position =
                        values[unchecked: Int(cut.first) * lanes + lane]
                        + cut.weight * values[unchecked: Int(cut.second) * lanes + lane]
                    place[unchecked: lane] = Int32(truncatingIfNeeded: 2 * node + 1 + (position > cut.threshold ? 1 : 0))
                }
            }
            let firstLeaf = 1 << depth - 1
            for lane in 0..<lanes {
                sum[unchecked: lane] += depths[unchecked: start + Int(place[unchecked: lane]) - firstLeaf]
            }
        }
        for lane in 0..<lanes { scores[lane] = 1 - sum[lane] / (Float(trees) * usualDepth) }
    }

    /// Adds each feature's part in setting a row apart to `parts`.
    ///
    /// A cut counts by the bits by which it narrows the sample down beyond one, which a cut in the middle gives; its two
    /// features share them by their weights.
    func addParts(_ row: [Float], to parts: inout [Float]) {
        for tree in 0..<trees {
            var node = 0
            for _ in 0..<depth {
                let cut = cuts[tree << depth + node]
                guard cut.threshold < .infinity else { break }
                let position = row[Int(cut.first)] + cut.weight * row[Int(cut.second)]
                let child = 2 * node + 1 + (position > cut.threshold ? 1 : 0)
                let before = Float(sizes[tree << (depth + 1) + node]), after = Float(max(1, sizes[tree << (depth + 1) + child]))
                let bits = max(0, log2(before / after) - 1) / Float(trees), second = abs(cut.weight) / (1 + abs(cut.weight))
                parts[Int(cut.first)] += bits * (1 - second)
                parts[Int(cut.second)] += bits * second
                node = child
            }
        }
    }
}

extension GainForest: Codable {
    private enum CodingKeys: CodingKey {
        case width, depth, trees, usualDepth, thresholds, weights, firsts, seconds, depths, sizes
    }

    /// - Throws: `DecodingError` for trees that do not hold together, which would lead scoring astray.
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func numbers(_ key: CodingKeys) throws -> PackedNumbers { try container.decode(PackedNumbers.self, forKey: key) }
        width = try container.decode(Int.self, forKey: .width)
        depth = try container.decode(Int.self, forKey: .depth)
        trees = try container.decode(Int.self, forKey: .trees)
        usualDepth = try container.decode(Float.self, forKey: .usualDepth)
        depths = try numbers(.depths).floats
        sizes = try numbers(.sizes).integers
        let thresholds = try numbers(.thresholds).floats, weights = try numbers(.weights).floats
        let firsts = try numbers(.firsts).integers, seconds = try numbers(.seconds).integers
        let isWhole = [weights.count, firsts.count, seconds.count].allSatisfy { $0 == thresholds.count }
        cuts = (isWhole ? thresholds.indices : 0..<0).map {
            Cut(threshold: thresholds[$0], weight: weights[$0], first: firsts[$0], second: seconds[$0])
        }
        guard isWhole, isSound else {
            throw DecodingError.dataCorruptedError(
                forKey: .trees, in: container, debugDescription: "the trees do not hold together")
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(width, forKey: .width)
        try container.encode(depth, forKey: .depth)
        try container.encode(trees, forKey: .trees)
        try container.encode(usualDepth, forKey: .usualDepth)
        try container.encode(PackedNumbers(cuts.map(\.threshold)), forKey: .thresholds)
        try container.encode(PackedNumbers(cuts.map(\.weight)), forKey: .weights)
        try container.encode(PackedNumbers(cuts.map(\.first)), forKey: .firsts)
        try container.encode(PackedNumbers(cuts.map(\.second)), forKey: .seconds)
        try container.encode(PackedNumbers(depths), forKey: .depths)
        try container.encode(PackedNumbers(sizes), forKey: .sizes)
    }

    /// Whether every tree is complete and cuts features that a row has; scoring reads without a check of bounds.
    private var isSound: Bool {
        let features = Int32(clamping: max(1, width))
        guard (1...8).contains(depth), (1...10_000).contains(trees), usualDepth >= 1, usualDepth.isFinite else { return false }
        return cuts.count == trees << depth && depths.count == trees << depth && sizes.count == trees << (depth + 1)
            && cuts.allSatisfy {
                !$0.threshold.isNaN && abs($0.weight) <= 1 && (0..<features).contains($0.first)
                    && (0..<features).contains($0.second)
            }
            && depths.allSatisfy { (0...1000).contains($0) } && sizes.allSatisfy { $0 >= 0 }
    }

    /// Whether it can score rows of `width` features: what decoding a model asks.
    func isSound(width: Int) -> Bool { self.width == width }
}
