import Foundation
import TestSupport
import Testing

@Suite(.enabled(if: peersPython(has: "mlflow"), "there is no Python with mlflow (OBS_PEERS_PYTHON)"))
struct `A real MLflow server` {
    private let folder = TemporaryFolder()

    private struct Seen: Decodable {
        struct Row: Decodable, Equatable {
            var version: Int
            var aliases: String
            var mlflow_version: String
        }
        var first: [Row]
        var again: [Row]
        var versions: [Int]
        var aliases: [String: Int]
        var experiment: String
        var status: String
        var params: [String: String]
        var metrics: [String: Double]
        var artifacts: [String]
        var inputs: [String]
        var scores: [Double]
    }

    /// Pumps that run hot fail.
    private func table(_ path: String, rows: Int) throws {
        let lines = (0..<rows).map { row in
            let warmth = row * 37 % 80
            return "\(20 + warmth),\(row % 3 == 0 ? "old" : "new"),\(warmth > 60 ? 1 : 0)\n"
        }
        try ("temp,kind,failed\n" + lines.joined()).write(toFile: path, atomically: true, encoding: .utf8)
    }

    @Test func `shows versions, aliases and runs, and loads a model that scores as obs does`() throws {
        let rows = folder.path + "/rows.csv", data = ["--data-dir", folder.path + "/data"]
        try table(rows, rows: 200)
        for alias in ["champion", "challenger"] {
            let trained = try Program.run(
                ["model", "train", "--csv", rows, "--label", "failed", "--name", "pump", "--trees", "5", "--alias", alias] + data)
            try #require(trained.status == 0, "\(trained.errors)")
        }
        let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Peers/mlflow_registry.py")
        let done = try output(of: peersPython, ["-W", "ignore", script.path, Program.path, folder.path, rows])
        try #require(done.status == 0, "\(done.text)")
        // MLflow writes remarks before it.
        let line = try #require(done.text.split(whereSeparator: \.isNewline).last { $0.hasPrefix("{") })
        let seen = try JSONDecoder().decode(Seen.self, from: Data(line.utf8))
        #expect(seen.first.map(\.version) == [1, 2] && seen.first.map(\.mlflow_version) == ["1", "2"])
        #expect(seen.first.map(\.aliases) == ["champion", "challenger"] && seen.again.map(\.aliases) == ["", "champion"])
        #expect(seen.versions == [1, 2], "the second time nothing is published again")
        #expect(seen.aliases == ["champion": 2], "the challenger became the champion")
        #expect(seen.experiment == "pumps" && seen.status == "FINISHED")
        #expect(seen.params["label"] == "failed" && seen.params["trees"] == "5" && seen.metrics["area_under_roc"] ?? 0 > 0.9)
        #expect(seen.artifacts.contains("model/MLmodel") && seen.artifacts.contains("model/model.jsonl"))
        #expect(seen.inputs == ["temp", "kind"])
        let own = try Program.run(["model", "score", "--csv", rows, "--model", "pump"] + data).output
        #expect(seen.scores == own.split(whereSeparator: \.isNewline).compactMap { Double($0) } && seen.scores.count == 200)
    }
}
