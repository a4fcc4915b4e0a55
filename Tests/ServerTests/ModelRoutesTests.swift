import Columns
import Detection
import Foundation
import Store
import TestSupport
import Testing

@testable import Server

struct `Scores of a model by HTTP` {
    private let folder = TemporaryFolder()

    /// A registry with two versions of a model that says whether a pump is hot or noisy; the second is the champion.
    private func models() throws -> ModelRegistry {
        let models = ModelRegistry(
            store: try Store(path: folder.path + "/obs.db", migrations: ModelRegistry.migrations), folder: folder.path + "/models"
        )
        for seed in [1, 2] as [UInt64] { _ = try models.save(try pumps(seed), name: "pump") }
        return models
    }

    private func pumps(_ seed: UInt64) throws -> RiskModel {
        let rows = try Batch(
            schema: Schema([Field("temp", .double), Field("kind", .text), Field("fails", .bool)]),
            rows: (0..<400).map { row in
                let temp = Double(row * 37 % 100), isLoud = row % 3 == 0
                return [.double(temp), .text(isLoud ? "loud" : "calm"), .bool(temp > 80 || isLoud && temp > 60)]
            })
        return try RiskModel(
            table: "pumps", rows: [rows], label: "fails", excluding: [], seed: seed, trees: 20, isBalanced: false,
            now: Timestamp(seconds: 1))
    }

    private func ask(
        _ url: String, _ body: String, of name: String = "pump", type: String = "application/json"
    ) async throws -> (code: Int, text: String) {
        let (code, text, _) = try await ServerFixture.get(
            "\(url)/api/v1/models/\(name)/invocations", method: "POST", body: body, headers: ["Content-Type": type])
        return (code, text)
    }

    private func predictions(_ text: String) throws -> [Double] {
        try JSONDecoder().decode([String: [Double]].self, from: Data(text.utf8))["predictions"] ?? []
    }

    @Test func `are the same in each format that MLflow's server takes, and those of the model itself`() async throws {
        let models = try models()
        let model = try #require(try models.entry("pump").map { try models.file(of: $0).model() })
        let expected = try model.scores(
            of: try Batch(
                schema: Schema([Field("temp", .double, isNullable: true), Field("kind", .text, isNullable: true)]),
                rows: [[.double(91.5), .text("calm")], [.double(20), .null]]))
        try await ServerFixture.withServer(ModelRoutes.all(models), maxBodySize: 10_000_000) { url in
            for body in [
                #"{"dataframe_split": {"columns": ["x", "kind", "temp"], "data": [[1, "calm", 91.5], [2, null, 20]]}}"#,
                #"{"dataframe_records": [{"temp": 91.5, "kind": "calm"}, {"temp": 20, "kind": null}]}"#,
                #"{"instances": [{"temp": 91.5, "kind": "calm"}, {"temp": 20, "kind": null}]}"#,
                #"{"instances": [[91.5, "calm"], [20, null]]}"#,
                #"{"inputs": {"temp": [91.5, 20], "kind": ["calm", null]}}"#,
            ] {
                let (code, text) = try await ask(url, body)
                #expect(code == 200, "\(body): \(text)")
                let scores = try predictions(text)
                #expect(scores == expected, "\(body)")
            }
            #expect(expected.count == 2 && expected[0] > 0.5 && expected[1] < 0.5)
        }
    }

    @Test func `are by the champion, or by the version or alias that is named`() async throws {
        let models = try models()
        let row = #"{"instances": [{"temp": 70, "kind": "loud"}]}"#
        func score(_ version: String) throws -> [Double] {
            guard let entry = try models.entry("pump", at: version) else { return [] }
            return try models.file(of: entry).model().scores(
                of: try Batch(
                    schema: Schema([Field("temp", .double), Field("kind", .text)]), rows: [[.double(70), .text("loud")]]))
        }
        let first = try score("1"), second = try score("2")
        try await ServerFixture.withServer(ModelRoutes.all(models), maxBodySize: 1000) { url in
            for (name, expected) in [("pump", second), ("pump@1", first), ("pump@champion", second)] {
                let scores = try predictions(try await ask(url, row, of: name).text)
                #expect(scores == expected, "\(name)")
            }
            try models.setAlias("champion", of: "pump", to: 1, actor: "test", now: Timestamp(seconds: 2))
            let scores = try predictions(try await ask(url, row).text)
            #expect(scores == first)
        }
    }

    @Test func `are refused with a sentence and a code`() async throws {
        let models = try models()
        try await ServerFixture.withServer(ModelRoutes.all(models), maxBodySize: 1_000_000) { url in
            for (body, code, word) in [
                ("{", 400, "not JSON"), ("[]", 400, "not an object"), ("{}", 400, "dataframe_split, dataframe_records"),
                (#"{"dataframe_split": {"columns": ["temp"], "data": [[1]]}}"#, 400, "kind"),
                (#"{"dataframe_split": {"columns": ["temp", "kind"], "data": [[1]]}}"#, 400, "row 0"),
                (#"{"instances": [{"temp": "hot", "kind": "calm"}]}"#, 400, "no number in 'temp'"),
                (#"{"instances": [[1, "calm", 3]]}"#, 400, "2 values"),
                (#"{"inputs": {"temp": [1], "kind": []}}"#, 400, "differ in length"),
                (
                    #"{"inputs": {"temp": ["#
                        + Array(repeating: "1", count: 10_001).joined(separator: ",") + #"], "kind": []}}"#, 400,
                    "differ in length"
                ),
                (
                    #"{"instances": ["# + Array(repeating: #"[1,"calm"]"#, count: 10_001).joined(separator: ",") + "]}", 413,
                    "10001 rows"
                ),
            ] {
                let answer = try await ask(url, body)
                #expect(answer.code == code && answer.text.contains(word), "\(body.prefix(80)): \(answer)")
                #expect(answer.text.contains("\"code\""))
            }
            let unknown = try await ask(url, "{}", of: "other")
            #expect(unknown.code == 404 && unknown.text.contains("obs model list"))
            let missing = try await ask(url, "{}", of: "pump@9"), text = try await ask(url, "{}", type: "text/csv")
            #expect(missing.code == 404 && text.code == 415)
        }
        try await ServerFixture.withServer(ModelRoutes.all(nil)) { url in
            let none = try await ask(url, "{}")
            #expect(none.code == 404)
        }
    }

    @Test func `are refused while the file of the version is damaged`() async throws {
        let models = try models()
        let path = models.folder(of: try #require(try models.entry("pump"))) + "/model.jsonl"
        var bytes = try Data(contentsOf: URL(filePath: path))
        bytes[bytes.count - 10] ^= 1
        try bytes.write(to: URL(filePath: path))
        try await ServerFixture.withServer(ModelRoutes.all(models)) { url in
            let answer = try await ask(url, #"{"instances": []}"#)
            #expect(answer.code == 503 && answer.text.contains("damaged_model"))
            let other = try await ask(url, #"{"instances": [[70, "loud"]]}"#, of: "pump@1")
            #expect(other.code == 200)
        }
    }
}
