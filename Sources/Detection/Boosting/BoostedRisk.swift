import Foundation
import Synchronization

/// Boosted trees on the features of a table and on pairs of them, whose probabilities are calibrated; with what cross-validation
/// says of them.
///
/// Cross-validation decides three things: how many trees are kept, whether pairs are made at all, and the calibration. What it
/// says of the probabilities is honest: a row's is that of trees that have not seen it, calibrated by the rows of other folds.
struct BoostedRisk: Sendable, Codable, Equatable {
    /// What cross-validation says: the figures are means over the folds, as their models differ by a little.
    struct Validation: Sendable, Codable, Equatable {
        var areaUnderROC: Double
        var averagePrecision: Double
        var reliability: Reliability
    }

    /// Made of the features; after them in the trees' numbering.
    let pairs: [FeaturePair]
    let trees: BoostedTrees
    let calibration: PlattCalibration
    /// By feature, then pair: how much its cuts lowered the loss, as parts of 1.
    let importances: [Double]
    let validation: Validation

    /// What the loss with pairs must be of the loss without: where they hardly help, the simpler model is easier to explain.
    private static let worthPairs = 0.98

    private enum CodingKeys: CodingKey { case pairs, trees, calibration, importances, validation }

    /// - Throws: `DecodingError.dataCorrupted` when the parts do not fit together.
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        pairs = try container.decode([FeaturePair].self, forKey: .pairs)
        trees = try container.decode(BoostedTrees.self, forKey: .trees)
        calibration = try container.decode(PlattCalibration.self, forKey: .calibration)
        importances = try container.decode([Double].self, forKey: .importances)
        validation = try container.decode(Validation.self, forKey: .validation)
        let own = trees.featureCount - pairs.count
        guard own > 0, pairs.allSatisfy({ $0.isSound(featureCount: own) }), calibration.isSound,
            importances.count == trees.featureCount
        else {
            throw DecodingError.dataCorruptedError(
                forKey: .pairs, in: container, debugDescription: "the parts of the model do not fit together")
        }
    }

    /// Features of a row that are not pairs.
    var featureCount: Int { trees.featureCount - pairs.count }

    /// Writes the pairs behind the features of `row`, which has room for them.
    static func addPairs(_ pairs: [FeaturePair], to row: inout [Double]) {
        let first = row.count - pairs.count
        for (place, pair) in pairs.enumerated() { row[first + place] = pair.value(row[pair.left], row[pair.right]) }
    }

    /// `row` with its pairs.
    func widened(_ row: [Double]) -> [Double] {
        var row = row + pairs.map { _ in 0 }
        Self.addPairs(pairs, to: &row)
        return row
    }

    /// How likely each row is to be of the class that matters.
    ///
    /// - Parameter columns: by feature, then row.
    func probabilities(columns: [[Double]], count: Int) -> [Double] {
        var row = [Double](repeating: 0, count: trees.featureCount)
        return (0..<count).map { index in
            for feature in columns.indices { row[feature] = columns[feature][index] }
            Self.addPairs(pairs, to: &row)
            return calibration.probability(trees.margin(row))
        }
    }

    /// What training found, beside the model.
    struct Trained {
        let model: BoostedRisk
        /// By training row: its probability by trees that have not seen it.
        let probabilities: [Double]
    }

    /// - Parameters:
    ///   - columns: by feature, then row; NaN where a value is missing.
    ///   - numbers: the features that are numbers, ascending: what can be paired.
    ///   - isPositive: by row; five rows of each class at least.
    static func train(
        _ columns: [[Double]], numbers: [Int], isPositive: [Bool], isBalanced: Bool, options: BoostedTrees.Options
    ) -> Trained {
        let folds = CrossValidation(isPositive: isPositive, seed: options.seed)
        let training = BoostedTraining(
            columns, numbers: numbers, isPositive: isPositive, isBalanced: isBalanced, options: options)
        // The last of each half learns from all rows: it becomes the model, if its half is chosen.
        let parts = [false, true].flatMap { pairs in (0...CrossValidation.foldCount).map { (pairs, $0) } }
        // Safe in any order: what a part is depends on its number alone.
        let done = Mutex([BoostedTraining.Course?](repeating: nil, count: parts.count))
        DispatchQueue.concurrentPerform(iterations: parts.count) { number in
            let (withPairs, fold) = parts[number]
            let rows = fold < CrossValidation.foldCount ? folds.training(fold) : Array(isPositive.indices)
            let judged = fold < CrossValidation.foldCount ? folds.heldBack(fold) : []
            let course = training.run(on: rows, judging: judged, withPairs: withPairs)
            done.withLock { $0[number] = course }
        }
        let courses = done.withLock { $0.map { $0! } }
        let half = CrossValidation.foldCount + 1
        let choices = [courses[..<half], courses[half...]].map { Choice(Array($0), folds, isPositive) }
        let chosen = choices[1].loss < Self.worthPairs * choices[0].loss ? choices[1] : choices[0]
        return chosen.trained(columns, isPositive, folds)
    }

    /// One of the two halves, with pairs or without, cut off after the number of trees that is best over all folds.
    private struct Choice {
        let courses: [BoostedTraining.Course]
        let rounds: Int
        /// The mean logarithmic loss of rows that were held back.
        let loss: Double

        init(_ courses: [BoostedTraining.Course], _ folds: CrossValidation, _ isPositive: [Bool]) {
            self.courses = courses
            var losses = [Double](repeating: 0, count: courses[0].losses.count)
            for course in courses.dropLast() {
                for round in losses.indices { losses[round] += course.losses[round] / Double(isPositive.count) }
            }
            rounds = losses.indices.min { losses[$0] < losses[$1] }! + 1
            loss = losses[rounds - 1]
        }

        func trained(_ columns: [[Double]], _ isPositive: [Bool], _ folds: CrossValidation) -> Trained {
            var margins = [Double](repeating: 0, count: isPositive.count)
            for fold in 0..<CrossValidation.foldCount {
                let trees = courses[fold].trees(columns.count, rounds), pairs = courses[fold].pairs
                var values = [Double](repeating: 0, count: trees.featureCount)
                for row in folds.heldBack(fold) {
                    for feature in columns.indices { values[feature] = columns[feature][row] }
                    BoostedRisk.addPairs(pairs, to: &values)
                    margins[row] = trees.margin(values)
                }
            }
            var probabilities = [Double](repeating: 0, count: isPositive.count)
            var areas: [Double] = [], precisions: [Double] = []
            for fold in 0..<CrossValidation.foldCount {
                let others = folds.training(fold), own = folds.heldBack(fold)
                let calibration = PlattCalibration(
                    margins: others.map { margins[$0] }, isPositive: others.map { isPositive[$0] })
                for row in own { probabilities[row] = calibration.probability(margins[row]) }
                let scores = own.map { margins[$0] }, truth = own.map { isPositive[$0] }
                areas.append(RankingQuality.areaUnderROC(scores: scores, isPositive: truth) ?? 0.5)
                precisions.append(RankingQuality.averagePrecision(scores: scores, isPositive: truth) ?? 0)
            }
            let whole = courses[CrossValidation.foldCount], total = max(whole.gains.reduce(0, +), .leastNormalMagnitude)
            let model = BoostedRisk(
                pairs: whole.pairs,
                trees: whole.trees(columns.count, rounds),
                calibration: PlattCalibration(margins: margins, isPositive: isPositive),
                importances: whole.gains.map { $0 / total },
                validation: Validation(
                    areaUnderROC: areas.reduce(0, +) / Double(areas.count),
                    averagePrecision: precisions.reduce(0, +) / Double(precisions.count),
                    reliability: Reliability(probabilities: probabilities, isPositive: isPositive)))
            return Trained(model: model, probabilities: probabilities)
        }
    }

    private init(
        pairs: [FeaturePair], trees: BoostedTrees, calibration: PlattCalibration, importances: [Double], validation: Validation
    ) {
        self.pairs = pairs
        self.trees = trees
        self.calibration = calibration
        self.importances = importances
        self.validation = validation
    }
}
