import Columns
import Foundation
import Testing

@testable import Detection

struct `A model of windows` {
    private let now = Timestamp(seconds: 1_700_000_000)

    @Test func `finds the window that is unlike the others, and says which features make it so`() throws {
        let model = try #require(
            WindowModel(table: "t", windows: [try windows(400, seed: 1, odd: ("203.0.113.1", 400))], now: now))
        #expect(model.features == ["events", "failures"] && model.trainedOn == 401 && model.threshold >= 3.5)
        let judged = try windows(20, seed: 2, odd: ("203.0.113.9", 500))
        let anomalies = model.anomalies(judged, model.judged(judged))
        #expect(anomalies.map(\.row) == [20])
        let anomaly = try #require(anomalies.first)
        #expect(anomaly.start == Timestamp(seconds: 6000) && anomaly.end == Timestamp(seconds: 6300))
        #expect(anomaly.contributions.first { $0.feature == "failures" }?.value == 500)
        #expect(abs(anomaly.contributions.reduce(0) { $0 + $1.share } - 1) < 1e-9)
        #expect(model.scores(judged)[20] == anomaly.score && anomaly.score > model.threshold)
    }

    @Test func `looks only at the features that were chosen`() throws {
        let model = try #require(
            WindowModel(table: "t", windows: [try windows(40, seed: 1)], features: ["events"], trees: 5, now: now))
        #expect(model.features == ["events"])
    }

    @Test func `is not trained on too few windows, or on none that have numbers`() throws {
        #expect(WindowModel(table: "t", windows: [try windows(WindowModel.minimumRows - 1, seed: 1)], now: now) == nil)
        #expect(WindowModel(table: "t", windows: [try windows(WindowModel.minimumRows, seed: 1)], trees: 5, now: now) != nil)
        #expect(WindowModel(table: "t", windows: [try windows(100, seed: 1).selecting(["source"])], now: now) == nil)
        #expect(WindowModel(table: "t", windows: [], now: now) == nil)
    }

    @Test func `lets no more windows pass than ordinary life may have of them`() throws {
        let model = try #require(WindowModel(table: "t", windows: [try windows(600, seed: 1)], trees: 20, now: now))
        let others = try windows(600, seed: 11)
        #expect(model.anomalies(others, model.judged(others)).count <= 1, "in two days")
    }

    @Test(arguments: WindowAlgorithm.allCases) func `is the same through its file`(algorithm: WindowAlgorithm) throws {
        let model = try #require(
            WindowModel(table: "t", windows: [try windows(60, seed: 1)], algorithm: algorithm, trees: 5, now: now))
        #expect(model.algorithm == algorithm)
        #expect(try JSONDecoder().decode(WindowModel.self, from: JSONEncoder().encode(model)) == model)
    }

    /// A model file that an earlier obs wrote, with the scores that it gave.
    private struct Golden: Codable {
        var model: WindowModel
        var scores: [Double]
    }

    /// The files change only with the layout of models; OBS_UPDATE_GOLDEN=1 writes them anew.
    @Test(arguments: WindowAlgorithm.allCases) func `scores as the obs that wrote its file`(algorithm: WindowAlgorithm) throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/window-model-\(algorithm).json")
        let judged = try windows(20, seed: 2, odd: ("203.0.113.9", 500))
        if ProcessInfo.processInfo.environment["OBS_UPDATE_GOLDEN"] != nil {
            let model = try #require(
                WindowModel(table: "t", windows: [try windows(60, seed: 1)], algorithm: algorithm, trees: 3, now: now))
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            try encoder.encode(Golden(model: model, scores: model.scores(judged))).write(to: file)
        }
        let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: file))
        // Logarithms may differ in their last digit from machine to machine.
        #expect(zip(golden.model.scores(judged), golden.scores).allSatisfy { abs($0 - $1) < 1e-4 } && golden.scores.count == 21)
    }
}
