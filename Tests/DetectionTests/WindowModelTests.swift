import Columns
import Foundation
import Testing

@testable import Detection

struct `A model of windows` {
    private let now = Timestamp(seconds: 1_700_000_000)

    @Test func `finds the window that is unlike the others, and says which features make it so`() throws {
        let model = try #require(
            WindowModel(table: "t", windows: [try windows(400, seed: 1, odd: ("203.0.113.1", 400))], now: now))
        #expect(model.features == ["events", "failures"] && model.trainedOn == 401 && model.threshold >= 0.6)
        let judged = try windows(20, seed: 2, odd: ("203.0.113.9", 500))
        let anomalies = model.anomalies(judged)
        #expect(anomalies.map(\.row) == [20])
        let anomaly = try #require(anomalies.first)
        #expect(anomaly.start == Timestamp(seconds: 6000) && anomaly.end == Timestamp(seconds: 6300))
        #expect(anomaly.contributions.first { $0.feature == "failures" }?.value == 500)
        #expect(abs(anomaly.contributions.reduce(0) { $0 + $1.share } - 1) < 1e-9)
        #expect(model.scores(judged)[20] == anomaly.score && anomaly.score > model.threshold)
    }

    @Test func `looks only at the features that were chosen`() throws {
        let model = try #require(WindowModel(table: "t", windows: [try windows(400, seed: 1)], features: ["events"], now: now))
        #expect(model.features == ["events"])
    }

    @Test func `is not trained on too few windows, or on none that have numbers`() throws {
        #expect(WindowModel(table: "t", windows: [try windows(WindowModel.minimumRows - 1, seed: 1)], now: now) == nil)
        #expect(WindowModel(table: "t", windows: [try windows(WindowModel.minimumRows, seed: 1)], now: now) != nil)
        #expect(WindowModel(table: "t", windows: [try windows(100, seed: 1).selecting(["source"])], now: now) == nil)
        #expect(WindowModel(table: "t", windows: [], now: now) == nil)
    }

    @Test func `is the same through its file`() throws {
        let model = try #require(WindowModel(table: "t", windows: [try windows(100, seed: 1)], now: now))
        #expect(try JSONDecoder().decode(WindowModel.self, from: JSONEncoder().encode(model)) == model)
    }
}
