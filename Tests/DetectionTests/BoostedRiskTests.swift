import Columns
import Foundation
import Testing

@testable import Detection

struct `Boosted trees` {
    /// Three columns of which no single one tells: a row is positive when the product of the first two is large. Some labels are
    /// turned around, so that nobody can be certain.
    private func table(_ count: Int, seed: UInt64, noise: Double = 0.05) -> (columns: [[Double]], truth: [Bool]) {
        var random = SplitMix64(seed: seed)
        var columns = [[Double]](repeating: [], count: 3), truth: [Bool] = []
        for _ in 0..<count {
            let row = (0..<3).map { _ in Double.random(in: 1...10, using: &random) }
            for feature in 0..<3 { columns[feature].append(row[feature]) }
            truth.append((row[0] * row[1] > 45) != (Double.random(in: 0...1, using: &random) < noise))
        }
        return (columns, truth)
    }

    private func train(
        _ columns: [[Double]], _ truth: [Bool], numbers: [Int]? = nil, isBalanced: Bool = false, seed: UInt64 = 1,
        rounds: Int = 12
    ) -> BoostedRisk.Trained {
        BoostedRisk.train(
            columns, numbers: numbers ?? Array(columns.indices), isPositive: truth, isBalanced: isBalanced,
            options: .init(seed: seed, rounds: rounds))
    }

    @Test func `find a relation of two columns by their product, and say so`() {
        let (columns, truth) = table(500, seed: 1, noise: 0)
        let model = train(columns, truth).model
        #expect(model.validation.areaUnderROC > 0.98)
        let best = model.importances.indices.max { model.importances[$0] < model.importances[$1] }!
        #expect(best >= 3 && model.pairs[best - 3] == FeaturePair(operation: .product, left: 0, right: 1))
        #expect(abs(model.importances.reduce(0, +) - 1) < 1e-9)
    }

    @Test func `make no pairs where these help nobody`() {
        var random = SplitMix64(seed: 2)
        let columns = (0..<3).map { _ in (0..<400).map { _ in Double.random(in: 0...1, using: &random) } }
        let likely = columns[0].map { ($0 > 0.5) == (Double.random(in: 0...1, using: &random) < 0.7) }
        #expect(train(columns, likely, rounds: 25).model.pairs.isEmpty)
        let (related, truth) = table(300, seed: 3)
        #expect(train(related, truth, numbers: []).model.pairs.isEmpty, "texts have no products")
    }

    @Test func `say of unseen rows what cross-validation said`() throws {
        let (columns, truth) = table(800, seed: 4), (fresh, freshTruth) = table(800, seed: 5)
        let model = train(columns, truth).model
        let scores = model.probabilities(columns: fresh, count: 800)
        let area = try #require(RankingQuality.areaUnderROC(scores: scores, isPositive: freshTruth))
        #expect(abs(area - model.validation.areaUnderROC) < 0.05)
        let reliability = Reliability(probabilities: scores, isPositive: freshTruth)
        #expect(abs(reliability.brierScore - model.validation.reliability.brierScore) < 0.025)
        #expect(reliability.calibrationError < 0.08, "a probability is the share of rows that it is true of")
    }

    @Test func `find nothing in labels that are thrown, and say so`() {
        var random = SplitMix64(seed: 6)
        let (columns, _) = table(400, seed: 6)
        let model = train(columns, columns[0].map { _ in Bool.random(using: &random) }).model
        #expect(abs(model.validation.areaUnderROC - 0.5) < 0.1)
        #expect(model.probabilities(columns: columns, count: 400).allSatisfy { $0 > 0.1 && $0 < 0.9 })
    }

    @Test func `have true probabilities although rare rows are made to count more`() {
        let (columns, truth) = table(800, seed: 7)
        let model = train(columns, truth, isBalanced: true).model
        #expect(model.validation.reliability.calibrationError < 0.08)
    }

    @Test func `are the same for the same seed and another for another`() {
        let (columns, truth) = table(150, seed: 8)
        #expect(train(columns, truth).model == train(columns, truth).model)
        #expect(train(columns, truth).model.trees != train(columns, truth, seed: 2).model.trees)
    }

    @Test func `judge training rows by the bins as others by their values`() {
        let (columns, truth) = table(400, seed: 9)
        let binned = (columns + [truth.map { $0 ? Double.nan : 1 }]).map { BinnedColumn($0) }
        var grower = BoostedTreeGrower(
            binned, isPositive: truth, rows: Array(0..<300), isBalanced: false, options: .init(seed: 1, rounds: 10))
        for _ in 0..<10 { grower.grow() }
        let trees = BoostedTrees(featureCount: 4, base: grower.base, trees: grower.trees)
        for row in 0..<400 {
            let margin = trees.margin(columns.map { $0[row] } + [truth[row] ? .nan : 1])
            #expect(abs(margin - grower.margins[row]) < 1e-9)
        }
    }

    @Test func `look at a part of a large table, which counts for the rest`() {
        let (columns, truth) = table(900, seed: 10)
        var options = BoostedTrees.Options(seed: 1, rounds: 15)
        options.rowsPerClass = 150
        let model = BoostedRisk.train(
            columns, numbers: [0, 1, 2], isPositive: truth, isBalanced: false, options: options
        ).model
        #expect(model.validation.areaUnderROC > 0.85 && model.validation.reliability.calibrationError < 0.1)
    }

    @Test func `explain log-odds by features, which with the roots' steps sum to them`() {
        let (columns, truth) = table(200, seed: 11)
        let model = train(columns, truth).model, row = model.widened([9, 8, 1])
        let roots = model.trees.trees.reduce(model.trees.base) { $0 + $1.value[0] }
        #expect(abs(roots + model.trees.contributions(row).reduce(0, +) - model.trees.margin(row)) < 1e-9)
    }

    @Test(arguments: [
        ("left", 0), ("left", -1), ("left", 99_999), ("right", 0), ("feature", 99), ("feature", 2_000_000_000),
    ])
    func `refuse a file whose trees lead astray`(key: String, value: Int) throws {
        var file = try object(train(table(200, seed: 12).columns, table(200, seed: 12).truth).model.trees)
        var trees = try #require(file["trees"] as? [[String: Any]])
        var numbers = try #require(trees[1][key] as? [Int])
        numbers[0] = value
        trees[1][key] = numbers
        file["trees"] = trees
        let bytes = try JSONSerialization.data(withJSONObject: file)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(BoostedTrees.self, from: bytes) }
    }

    @Test(arguments: ["pairs", "importances", "calibration"]) func `refuse a file whose parts do not fit`(key: String) throws {
        let (columns, truth) = table(250, seed: 13)
        var file = try object(train(columns, truth).model)
        switch key {
        case "pairs": file[key] = [["operation": "ratio", "left": 1, "right": 50]]
        case "importances": file[key] = [1]
        default: file[key] = ["slope": -1, "offset": 0]
        }
        let bytes = try JSONSerialization.data(withJSONObject: file)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(BoostedRisk.self, from: bytes) }
    }

    private func object(_ value: some Encodable) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: JSONEncoder().encode(value)) as? [String: Any])
    }
}

struct `A calibration of log-odds` {
    @Test(arguments: [(0.5, -1.0), (1, 0), (2, 1)]) func `finds the line that the classes follow`(slope: Double, offset: Double) {
        var random = SplitMix64(seed: 1)
        let margins = (0..<5000).map { _ in Double.random(in: -4...4, using: &random) }
        let truth = margins.map { Double.random(in: 0...1, using: &random) < BoostedTrees.probability(slope * $0 + offset) }
        let found = PlattCalibration(margins: margins, isPositive: truth)
        #expect(abs(found.slope - slope) < 0.2 && abs(found.offset - offset) < 0.2)
    }

    @Test func `is finite for classes that do not overlap, and changes nothing where it cannot rise`() {
        let apart = PlattCalibration(margins: [-3, -2, 2, 3], isPositive: [false, false, true, true])
        #expect(apart.isSound && apart.probability(3) > 0.5)
        #expect(PlattCalibration(margins: [3, 2, -2, -3], isPositive: [false, false, true, true]) == PlattCalibration())
        #expect(PlattCalibration(margins: [1, 2], isPositive: [true, true]) == PlattCalibration())
        #expect(PlattCalibration(margins: [], isPositive: []) == PlattCalibration())
    }
}

struct `A pair of features` {
    @Test func `is missing where a value is, or where there is no number`() {
        let ratio = FeaturePair(operation: .ratio, left: 0, right: 1)
        #expect(ratio.value(6, 3) == 2 && ratio.value(1, 0).isNaN && ratio.value(.nan, 1).isNaN)
        #expect(FeaturePair(operation: .product, left: 0, right: 1).value(1e200, 1e200).isNaN)
        #expect(FeaturePair(operation: .difference, left: 0, right: 1).value(5, 7) == -2)
    }

    @Test func `is made once of each two columns`() {
        let pairs = FeaturePair.all(of: [1, 4, 5])
        #expect(pairs.count == 9 && Set(pairs).count == 9 && pairs.allSatisfy { $0.isSound(featureCount: 6) })
        #expect(FeaturePair.all(of: [2]).isEmpty && FeaturePair.all(of: []).isEmpty)
        #expect(!FeaturePair(operation: .ratio, left: 1, right: 1).isSound(featureCount: 2))
    }
}

struct `The reliability of probabilities` {
    @Test func `counts what is true of the rows that were given about the same probability`() {
        let reliability = Reliability(
            probabilities: [0, 0.005, 0.55, 0.58, 0.95, 1], isPositive: [false, false, true, false, true, true])
        #expect(reliability.bins.map(\.rows) == [2, 2, 2])
        #expect(reliability.bins.map(\.observed) == [0, 0.5, 1])
        #expect(abs(reliability.bins[1].predicted - 0.565) < 1e-9)
        #expect(abs(reliability.brierScore - (0.000025 + 0.2025 + 0.3364 + 0.0025) / 6) < 1e-9)
        #expect(abs(reliability.calibrationError - (0.0025 + 0.065 + 0.025) / 3) < 1e-9)
    }
}
