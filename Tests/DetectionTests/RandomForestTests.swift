import Columns
import Foundation
import TestSupport
import Testing

@testable import Detection

struct `A random forest` {
    /// Rows of two features that decide the class by a checkerboard, and one that says nothing.
    private func board(_ count: Int, seed: UInt64) -> (columns: [[Double]], labels: [Int]) {
        var random = SplitMix64(seed: seed)
        var columns = [[Double]](repeating: [], count: 3)
        var labels: [Int] = []
        for _ in 0..<count {
            let x = Double.random(in: 0..<1, using: &random), y = Double.random(in: 0..<1, using: &random)
            columns[0].append(x)
            columns[1].append(y)
            columns[2].append(Double.random(in: 0..<1, using: &random))
            labels.append((x < 0.5) == (y < 0.5) ? 1 : 0)
        }
        return (columns, labels)
    }

    private func rows(_ columns: [[Double]]) -> [[Double]] {
        columns[0].indices.map { row in columns.map { $0[row] } }
    }

    @Test func `learns what no single feature tells`() {
        let (columns, labels) = board(2000, seed: 1)
        let forest = RandomForest(training: columns, labels: labels, classCount: 2)
        let fresh = board(500, seed: 2)
        let right = zip(rows(fresh.columns), fresh.labels).count { row, label in
            (forest.probabilities(row)[1] > 0.5 ? 1 : 0) == label
        }
        #expect(right > 480)
        #expect(forest.importances[2] < 0.2)
        #expect(abs(forest.importances.reduce(0, +) - 1) < 1e-9)
    }

    @Test func `is the same for the same seed and another for another`() {
        let (columns, labels) = board(300, seed: 3)
        var options = RandomForest.Options()
        options.trees = 20
        let forest = RandomForest(training: columns, labels: labels, classCount: 2, options: options)
        #expect(forest == RandomForest(training: columns, labels: labels, classCount: 2, options: options))
        options.seed = 2
        #expect(forest != RandomForest(training: columns, labels: labels, classCount: 2, options: options))
    }

    @Test func `estimates from rows out of the bag what fresh rows then show`() throws {
        let (columns, labels) = board(1500, seed: 4)
        let forest = RandomForest(training: columns, labels: labels, classCount: 2)
        let outOfBag = forest.outOfBag(columns, labels: labels)
        let fresh = board(1500, seed: 5)
        let accuracy =
            Double(zip(rows(fresh.columns), fresh.labels).count { (forest.probabilities($0)[1] > 0.5 ? 1 : 0) == $1 }) / 1500
        #expect(abs(outOfBag.accuracy - accuracy) < 0.03, "\(outOfBag.accuracy) \(accuracy)")
        // Each row is out of about e⁻¹ of the bags: with a hundred trees none is in all.
        #expect(outOfBag.votes.allSatisfy { $0 != nil })
    }

    @Test func `cannot tell classes apart that random labels give, and says so out of the bag`() throws {
        var random = SplitMix64(seed: 6)
        let columns = (0..<4).map { _ in (0..<600).map { _ in Double.random(in: 0..<1, using: &random) } }
        let labels = (0..<600).map { _ in Int.random(in: 0...1, using: &random) }
        let forest = RandomForest(training: columns, labels: labels, classCount: 2)
        let votes = forest.outOfBag(columns, labels: labels).votes.map { $0?[1] ?? 0.5 }
        let area = try #require(RankingQuality.areaUnderROC(scores: votes, isPositive: labels.map { $0 == 1 }))
        #expect(abs(area - 0.5) < 0.08)
    }

    @Test func `gives a rare class more weight when it is asked to`() {
        var random = SplitMix64(seed: 7)
        // One feature, in which the rare class overlaps with the common one.
        let labels = (0..<2000).map { $0 % 20 == 0 ? 1 : 0 }
        let columns = [labels.map { Double($0) * 0.8 + Double.random(in: 0..<1, using: &random) }]
        var options = RandomForest.Options()
        options.minimumLeaf = 20
        let plain = RandomForest(training: columns, labels: labels, classCount: 2, options: options)
        options.classWeights = RandomForest.balanced(labels: labels, classCount: 2)
        let weighted = RandomForest(training: columns, labels: labels, classCount: 2, options: options)
        #expect(options.classWeights == [2000.0 / 3800, 10])
        #expect(weighted.probabilities([0.9])[1] > plain.probabilities([0.9])[1] + 0.2)
    }

    @Test func `knows more classes than two`() {
        var random = SplitMix64(seed: 8)
        let labels = (0..<900).map { $0 % 3 }
        let columns = [labels.map { Double($0) + Double.random(in: -0.3..<0.3, using: &random) }]
        let forest = RandomForest(training: columns, labels: labels, classCount: 3)
        for each in 0..<3 {
            let probabilities = forest.probabilities([Double(each)])
            #expect(probabilities[each] > 0.95)
            #expect(abs(probabilities.reduce(0, +) - 1) < 1e-6)
        }
    }

    @Test func `learns from a value that is missing`() {
        let labels = (0..<400).map { $0 % 2 }
        let columns = [labels.enumerated().map { $1 == 1 ? Double.nan : Double($0 % 7) }]
        let forest = RandomForest(training: columns, labels: labels, classCount: 2)
        #expect(forest.probabilities([.nan])[1] > 0.99)
        #expect(forest.probabilities([3])[1] < 0.01)
    }

    @Test func `explains a probability by its features, which with the roots' shares sum to it`() {
        let (columns, labels) = board(800, seed: 9)
        let forest = RandomForest(training: columns, labels: labels, classCount: 2)
        let row = [0.2, 0.3, 0.9]
        let roots = forest.trees.map { $0.share(0, 1) }.reduce(0, +) / Double(forest.trees.count)
        let contributions = forest.contributions(row, to: 1)
        #expect(abs(roots + contributions.reduce(0, +) - forest.probabilities(row)[1]) < 1e-6)
    }

    @Test func `finds the split that a slow search over all cuts finds`() {
        for seed in UInt64(1)...20 {
            var random = SplitMix64(seed: seed)
            let values = (0..<60).map { _ in Double(Int.random(in: 0..<12, using: &random)) }
            let labels = values.map { $0 + Double.random(in: -3..<3, using: &random) > 6 ? 1 : 0 }
            guard Set(labels).count == 2 else { continue }
            var options = RandomForest.Options()
            options.maxDepth = 1
            options.trees = 1
            options.seed = seed
            let tree = RandomForest(training: [values], labels: labels, classCount: 2, options: options).trees[0]
            let counts = TreeGrower.bag(rows: 60, seed: seed, tree: 0).counts.map(Int.init)
            func impurity(_ threshold: Double) -> Double {
                [true, false].reduce(0) { sum, side in
                    let rows = values.indices.filter { (values[$0] <= threshold) == side }
                    let total = Double(rows.reduce(0) { $0 + counts[$1] })
                    let ones = Double(rows.reduce(0) { $0 + counts[$1] * labels[$1] })
                    return total == 0 ? sum : sum + total * (1 - pow(ones / total, 2) - pow(1 - ones / total, 2))
                }
            }
            let best = (0..<12).map { impurity(Double($0) + 0.5) }.min()!
            #expect(abs(impurity(tree.threshold[0]) - best) < 1e-9, "seed \(seed)")
        }
    }

    @Test func `is the same after it was written and read`() throws {
        let (columns, labels) = board(200, seed: 10)
        var options = RandomForest.Options()
        options.trees = 5
        let forest = RandomForest(training: columns, labels: labels, classCount: 2, options: options)
        #expect(try JSONDecoder().decode(RandomForest.self, from: JSONEncoder().encode(forest)) == forest)
    }

    @Test func `does not take a tree of more nodes than it may have`() throws {
        let (columns, labels) = board(50, seed: 12)
        var options = RandomForest.Options()
        options.trees = 1
        let forest = RandomForest(training: columns, labels: labels, classCount: 2, options: options)
        let tree = try #require(forest.trees.first), count = tree.feature.count
        #expect(tree.isSound(featureCount: 3) && !tree.isSound(featureCount: 3, maxNodes: count - 1))
        #expect(tree.isSound(featureCount: 3, maxNodes: count) && RandomForest.maxNodes > count)
    }

    @Test(arguments: [
        ("left", 0), ("left", -1), ("left", 99_999), ("right", 0), ("feature", 3), ("feature", 2_000_000_000),
    ])
    func `refuses a file whose trees lead astray`(key: String, value: Int) throws {
        let (columns, labels) = board(200, seed: 11)
        var options = RandomForest.Options()
        options.trees = 2
        let forest = RandomForest(training: columns, labels: labels, classCount: 2, options: options)
        var file = try #require(try JSONSerialization.jsonObject(with: JSONEncoder().encode(forest)) as? [String: Any])
        var trees = try #require(file["trees"] as? [[String: Any]])
        var numbers = try #require(trees[1][key] as? [Int])
        numbers[0] = value
        trees[1][key] = numbers
        file["trees"] = trees
        let bytes = try JSONSerialization.data(withJSONObject: file)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(RandomForest.self, from: bytes) }
    }
}

struct `The quality of a ranking` {
    @Test func `is the share of pairs in the right order, a tie half`() {
        let truth = [true, false, true, false]
        #expect(RankingQuality.areaUnderROC(scores: [4, 3, 2, 1], isPositive: truth) == 0.75)
        #expect(RankingQuality.areaUnderROC(scores: [1, 1, 1, 1], isPositive: truth) == 0.5)
        #expect(RankingQuality.areaUnderROC(scores: [1, 1], isPositive: [true, true]) == nil)
    }

    @Test func `has a precision that reads from the top`() {
        // The positives are at the first and the third place: (1/1 + 2/3) / 2.
        let precision = RankingQuality.averagePrecision(scores: [4, 3, 2, 1], isPositive: [true, false, true, false])
        #expect(abs(precision! - 5.0 / 6) < 1e-12)
    }

    @Test func `has a threshold that never parts equal scores`() throws {
        let best = try #require(
            RankingQuality.bestThreshold(scores: [0.9, 0.5, 0.5, 0.1], isPositive: [true, true, false, false]))
        #expect(best.threshold == 0.5)
        #expect(best.recall == 1)
        #expect(abs(best.precision - 2.0 / 3) < 1e-12)
    }
}

@Suite(.enabled(if: outsideCases != nil, "there are no cases at OBS_CASES"))
struct `RandomForestConformanceCases` {
    @Test func `tells failing machines from others about as well as scikit-learn's default forest`() throws {
        let table = numbers(
            inCSV: try String(contentsOf: outsideCases!.appending(path: "ai4i/train.csv"), encoding: .utf8))
        let truth = table.columns.last!, features = Array(table.columns.dropLast())
        // Every fourth row is held back; what is held back was never seen.
        let fit = truth.indices.filter { $0 % 4 != 0 }, held = truth.indices.filter { $0 % 4 == 0 }
        let forest = RandomForest(
            training: features.map { column in fit.map { column[$0] } }, labels: fit.map { Int(truth[$0]) }, classCount: 2)
        let scores = held.map { row in forest.probabilities(features.map { $0[row] })[1] }
        let area = try #require(RankingQuality.areaUnderROC(scores: scores, isPositive: held.map { truth[$0] == 1 }))
        #expect(area > 0.95, "area under the curve on rows held back: \(area)")
        let all = RandomForest(training: features, labels: truth.map(Int.init), classCount: 2)
        let votes = all.outOfBag(features, labels: truth.map(Int.init)).votes
        let outOfBag = try #require(
            RankingQuality.areaUnderROC(scores: votes.map { $0?[1] ?? 0 }, isPositive: truth.map { $0 == 1 }))
        #expect(outOfBag > 0.95, "area under the curve out of the bag: \(outOfBag)")
    }
}
