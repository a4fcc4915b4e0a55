import Columns
import Detection
import Foundation
import Streaming
import Telemetry
import TestSupport
import Testing

@testable import Jobs

struct `A scorer of rows` {
    private let folder = TemporaryFolder()
    private let workspace: Workspace
    private static let schema = Schema([Field("temp", .double), Field("breaks", .bool)])

    init() throws { workspace = try Workspace(folder.path) }

    /// A model of vehicles that break down when they are hot, or, the other way round, when they are cold.
    private func model(breaksWhenHot: Bool) throws -> RiskModel {
        var random = SplitMix64(seed: 1)
        let rows = (0..<300).map { _ -> [Value] in
            let temp = Double.random(in: 0...100, using: &random)
            return [.double(temp), .bool(breaksWhenHot ? temp > 80 : temp < 20)]
        }
        return try RiskModel(
            table: "t", rows: [try Batch(schema: Self.schema, rows: rows)], label: "breaks", excluding: [], seed: 1, trees: 100,
            isBalanced: false, now: Timestamp(seconds: 1))
    }

    /// The score of a row with each temperature by the model that `scorers` gives now.
    private func risks(_ scorers: ScorerProvider, _ temperatures: Double...) throws -> [Double?] {
        let rows = try Batch(schema: Schema([Field("temp", .double)]), rows: temperatures.map { [.double($0)] })
        guard let score = scorers("risk") else { return [] }
        return score(rows)
    }

    @Test func `shows how far the rows are from those that its model was trained on`() throws {
        let metrics = MetricsRegistry(), scorers = workspace.scorers(metrics: metrics)
        _ = try workspace.models.save(model(breaksWhenHot: true), name: "risk")
        let score = try #require(scorers("risk"))
        _ = score(try Batch(schema: Schema([Field("temp", .double)]), rows: (0..<300).map { [.double(90 + Double($0 % 10))] }))
        let drift = metrics.gauge("obs_model_feature_drift", help: "", labels: ["model", "feature"])
        #expect(drift["risk", "temp"].value > 0.25)
        #expect(metrics.exposition().contains(#"obs_model_score_drift{model="risk",alias="champion"}"#))
    }

    @Test func `is none before there is a model, and the champion from then on, whoever chooses it`() throws {
        let scorers = workspace.scorers()
        #expect(scorers("risk") == nil)
        _ = try workspace.models.save(model(breaksWhenHot: true), name: "risk")
        let hot = try risks(scorers, 95, 5)
        try #require(hot.count == 2)
        #expect(hot[0]! > 0.8 && hot[1]! < 0.2)
        _ = try workspace.models.save(model(breaksWhenHot: false), name: "risk")
        let cold = try risks(scorers, 95, 5)
        try #require(cold.count == 2)
        #expect(cold[0]! < 0.2 && cold[1]! > 0.8)
        // Another process chooses an earlier version.
        try Workspace(folder.path).models.setAlias(
            "champion", of: "risk", to: 1, actor: "test", now: Timestamp(seconds: 2))
        let promoted = try risks(scorers, 95)
        try #require(promoted.count == 1)
        #expect(promoted[0]! > 0.8)
    }
}
