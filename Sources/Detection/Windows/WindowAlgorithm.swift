/// What finds unusual rows of numbers without labels.
public enum WindowAlgorithm: String, Sendable, Codable, CaseIterable {
    /// Four unlike detectors together: the default. Scores are standard deviations: 2.5 is exceeded by about one row in 160.
    case ensemble
    /// An isolation forest. Scores are in (0, 1): 0.5 is average, near 1 is isolated early.
    case forest
}

/// A trained algorithm.
enum WindowJudge: Sendable, Codable, Equatable {
    case ensemble(detector: RowDetector)
    case forest(forest: IsolationForest)

    /// - Parameters:
    ///   - rows: one row behind the other, each of `featureCount` values; at least two rows.
    ///   - trees: taken as the nearest number from 1 to 10,000.
    init(_ algorithm: WindowAlgorithm, training rows: [Double], featureCount: Int, seed: UInt64, trees: Int) {
        switch algorithm {
        case .ensemble:
            let options = RowDetector.Options(seed: seed, trees: trees)
            self = .ensemble(detector: RowDetector(training: rows, featureCount: featureCount, options: options))
        case .forest:
            self = .forest(
                forest: IsolationForest(
                    training: Self.numbers(rows), featureCount: featureCount, options: .init(seed: seed, trees: trees)))
        }
    }

    /// How many values a row has.
    var featureCount: Int {
        switch self {
        case .ensemble(let detector): detector.featureCount
        case .forest(let forest): forest.featureCount
        }
    }

    /// The score of each row; higher is more unusual.
    ///
    /// - Parameter rows: one row behind the other, each of ``featureCount`` values, finite or not.
    func scores(_ rows: [Double]) -> [Double] {
        switch self {
        case .ensemble(let detector): detector.deviations(rows)
        case .forest(let forest): forest.scores(Self.numbers(rows))
        }
    }

    /// Each feature's part in the score of `row`; the parts sum to 1.
    func shares(_ row: [Double]) -> [Double] {
        switch self {
        case .ensemble(let detector): detector.shares(row)
        case .forest(let forest): forest.shares(Self.numbers(row))
        }
    }

    /// What the trees of an isolation forest take, which know no missing values: those are 0, and an infinite one is the greatest
    /// number that differences can be made of.
    private static func numbers(_ rows: [Double]) -> [Double] { rows.map { $0.isNaN ? 0 : min(max($0, -1e300), 1e300) } }
}
