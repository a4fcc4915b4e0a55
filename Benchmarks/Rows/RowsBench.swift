import Columns
import Detection
import Foundation

/// Seconds that unusual rows take, of processor time and by the clock on the wall: training and scoring of the same table, by
/// each algorithm of obs.
///
///     swift run -c release rows-bench [ROWS FEATURES]
///
/// `compare.py` runs it beside scikit-learn and isotree.
@main
enum RowsBench {
    static func main() throws {
        let asked = CommandLine.arguments.dropFirst().compactMap { Int($0) }
        let rows = asked.first ?? 200_000, features = asked.dropFirst().first ?? 10
        let table = try table(rows, features)
        for algorithm in WindowAlgorithm.allCases {
            let before = clock(), start = ContinuousClock.now
            let scores = try table.anomalyScores(algorithm, seed: 1, trees: 100)
            let wall = start.duration(to: .now) / .seconds(1), processor = Double(clock() - before) / Double(CLOCKS_PER_SEC)
            let seconds = String(format: "%.2f s of processor, %.2f s wall", processor, wall)
            print("obs \(algorithm.rawValue) \(rows) rows of \(features): \(seconds), \(scores?.count ?? 0) scores")
        }
    }

    /// Numbers without a pattern: what they are does not matter to the time.
    private static func table(_ rows: Int, _ features: Int) throws -> Batch {
        var random = SplitMix64(seed: 7)
        let columns = (0..<features).map { _ in
            Column(
                .double((0..<rows).map { _ in Double.random(in: -1...1, using: &random) + .random(in: -1...1, using: &random) }))
        }
        return Batch(schema: Schema((0..<features).map { Field("f\($0)", .double) }), columns: columns)
    }
}
