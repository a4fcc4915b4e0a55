import Columns
import Foundation
import Testing

@testable import Detection

struct `A model of risk` {
    private static let schema = Schema([
        Field("vehicle", .text), Field("temp", .double, isNullable: true), Field("noise", .double),
        Field("breaks", .bool, isNullable: true),
    ])

    /// Vehicles that are hot break down.
    private func rows(_ count: Int, seed: UInt64) throws -> Batch {
        var random = SplitMix64(seed: seed)
        return try Batch(
            schema: Self.schema,
            rows: (0..<count).map { index in
                let temp = Double.random(in: 0...100, using: &random)
                return [
                    .text("v\(index)"), index % 17 == 0 ? .null : .double(temp),
                    .double(Double.random(in: 0...1, using: &random)),
                    index % 23 == 0 ? .null : .bool(temp > 80),
                ]
            })
    }

    private func model() throws -> RiskModel {
        try RiskModel(
            table: "t", rows: [try rows(600, seed: 1)], label: "breaks", excluding: ["vehicle"], trees: 20,
            now: Timestamp(seconds: 1))
    }

    @Test func `gives a high probability to rows of the class that matters, and says why`() throws {
        let model = try model()
        #expect(model.features == ["temp", "noise"])
        #expect(model.quality.areaUnderROC > 0.9 && model.threshold > 0 && model.threshold < 1)
        let judged = try Batch(schema: Self.schema, rows: [["a", 99.0, 0.5, nil], ["b", 10.0, 0.5, nil]])
        let scores = try model.scores(judged)
        #expect(scores[0] > model.threshold && scores[1] < model.threshold)
        let contributions = try model.contributions(judged, row: 0)
        #expect(contributions.first?.feature.hasPrefix("temp") == true, "temp, or what is made of it")
        #expect(abs(contributions.reduce(0) { $0 + $1.share } - 1) < 1e-9)
    }

    @Test func `in use says how far the rows that it sees are from its training`() throws {
        let used = RiskModelInUse(try model())
        #expect(try used.scores(rows(100, seed: 2)) == model().scores(rows(100, seed: 2)))
        #expect(used.drift == nil, "a hundred rows say nothing")
        for seed in 3..<8 as Range<UInt64> { _ = try used.scores(rows(500, seed: seed)) }
        let usual = try #require(used.drift)
        #expect(usual.features.map(\.feature) == ["temp", "noise"] && usual.features.allSatisfy { $0.index < 0.1 })
        // Only hot ones come from now on.
        let many = try rows(10_000, seed: 9), temp = try #require(many["temp"])
        let hot = many.gather((0..<many.count).filter { temp.number(at: $0).map { $0 > 70 } ?? false })
        _ = try used.scores(hot)
        let drift = try #require(used.drift)
        #expect(drift.features[0].index > 0.25 && drift.features[1].index < 0.1 && drift.scores > 0.25)
    }

    @Test func `learns nothing from rows whose truth is unknown`() throws {
        #expect(try model().trainedOn == 600 - 27)
    }

    @Test func `is not trained without the label, on one class, or without features`() throws {
        let rows = try rows(600, seed: 1)
        #expect(throws: ModelError.self) { try RiskModel(table: "t", rows: [rows], label: "other", now: Timestamp(seconds: 1)) }
        #expect(throws: ModelError.self) {
            try RiskModel(table: "t", rows: [rows.slice(0..<20)], label: "breaks", now: Timestamp(seconds: 1))
        }
        #expect(throws: ModelError.self) {
            try RiskModel(table: "t", rows: [rows.selecting(["vehicle", "breaks"])], label: "breaks", now: Timestamp(seconds: 1))
        }
        #expect(throws: ModelError.self) { try model().scores(rows.selecting(["noise"])) }
    }

    @Test func `makes products of columns where these tell more, and names them`() throws {
        var random = SplitMix64(seed: 3)
        let schema = Schema([
            Field("torque", .double), Field("speed", .int64), Field("kind", .text), Field("fails", .bool, isNullable: true),
        ])
        let rows = try Batch(
            schema: schema,
            rows: (0..<400).map { index in
                let torque = Double.random(in: 1...9, using: &random), speed = Int64.random(in: 100...900, using: &random)
                return [.double(torque), .int(speed), .text("k\(index % 3)"), .bool(torque * Double(speed) > 3500)]
            })
        let model = try RiskModel(table: "t", rows: [rows], label: "fails", trees: 15, now: Timestamp(seconds: 1))
        #expect(model.features == ["torque", "speed", "kind"], "what a row must have")
        #expect(
            model.featureSchema == [
                "number: torque", "number: speed", "text: kind: k0, k1, k2", "made: torque × speed", "made: torque − speed",
                "made: torque ÷ speed",
            ])
        #expect(model.importances.first?.feature == "torque × speed")
        let judged = try Batch(schema: schema, rows: [[8.0, 800, "k1", nil], [1.0, 110, "k1", nil]])
        let why = try model.contributions(judged, row: 0)
        #expect(why.first?.feature == "torque × speed" && why.first?.value == 6400)
        let reliability = try #require(model.reliability)
        #expect(model.metrics["brier_score"] == reliability.brierScore && reliability.brierScore < 0.1)
        let scores = try model.scores(judged)
        #expect(scores[0] > 0.8 && scores[1] < 0.2)
    }

    @Test(arguments: RiskAlgorithm.allCases) func `is the same through its file`(algorithm: RiskAlgorithm) throws {
        let model = try RiskModel(
            table: "t", rows: [rows(200, seed: 1)], label: "breaks", excluding: ["vehicle"], algorithm: algorithm, trees: 5,
            now: Timestamp(seconds: 1))
        #expect(try JSONDecoder().decode(RiskModel.self, from: JSONEncoder().encode(model)) == model)
    }

    @Test(arguments: RiskAlgorithm.allCases) func `refuses a file with another number of features`(
        algorithm: RiskAlgorithm
    ) throws {
        let model = try RiskModel(
            table: "t", rows: [rows(200, seed: 1)], label: "breaks", excluding: ["vehicle"], algorithm: algorithm, trees: 5,
            now: Timestamp(seconds: 1))
        var file = try #require(try JSONSerialization.jsonObject(with: JSONEncoder().encode(model)) as? [String: Any])
        file["layout"] = ["features": [["column": "temp"]]]
        let bytes = try JSONSerialization.data(withJSONObject: file)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(RiskModel.self, from: bytes) }
    }

    /// The files change only with the layout of models; OBS_UPDATE_GOLDEN=NAME writes one anew.
    @Test(arguments: [("risk-model", RiskAlgorithm.forest, 3), ("boosted-model", .boosted, 12)])
    func `scores as the obs that wrote its file`(name: String, algorithm: RiskAlgorithm, trees: Int) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden")
        let file = folder.appending(path: name + ".jsonl"), scores = folder.appending(path: name + "-scores.json")
        let judged = try rows(40, seed: 5)
        if ProcessInfo.processInfo.environment["OBS_UPDATE_GOLDEN"] == name {
            let model = try RiskModel(
                table: "t", rows: [rows(200, seed: 1)], label: "breaks", excluding: ["vehicle"], algorithm: algorithm,
                seed: 1, trees: trees, now: Timestamp(seconds: 1))
            try ModelFile.bytes(of: model).write(to: file)
            try JSONEncoder().encode(model.scores(judged)).write(to: scores)
        }
        let golden = try JSONDecoder().decode([Double].self, from: Data(contentsOf: scores))
        let model = try ModelFile(reading: file.path).model()
        #expect(try model.scores(of: judged) == golden && golden.count == 40)
    }
}
