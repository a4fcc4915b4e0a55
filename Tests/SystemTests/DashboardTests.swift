import Foundation
import FoundationNetworking
import TestSupport
import Testing

/// Every query of every dashboard, asked of a real Prometheus that scrapes the real program with the files that are provisioned.
@Suite(.enabled(if: hasPrometheus, "there is no prometheus on the PATH"), .timeLimit(.minutes(10)))
struct `The dashboards` {
    private let folder = TemporaryFolder()
    private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Title and query of each panel, with the variables as Grafana fills them in.
    private func queries() throws -> [(title: String, expression: String)] {
        let files = try FileManager.default.contentsOfDirectory(
            at: root.appending(path: "dashboards/obs"), includingPropertiesForKeys: nil)
        return try files.filter { $0.pathExtension == "json" }.flatMap { file in
            let dashboard = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
            return try #require(dashboard["panels"] as? [[String: Any]]).flatMap { panel in
                (panel["targets"] as? [[String: Any]] ?? []).map { target in
                    var expression = target["expr"] as? String ?? ""
                    for (name, value) in [
                        ("$job", ".+"), ("$instance", ".+"), ("$pipeline", ".+"), ("$receiver", ".+"), ("$table", ".+"),
                        ("$model", ".+"), ("$__rate_interval", "20s"), ("$__range", "1m"),
                    ] {
                        expression = expression.replacing(name, with: value)
                    }
                    return ("\(file.lastPathComponent): \(panel["title"] ?? "")", expression)
                }
            }
        }
    }

    /// How many series a query gives, or nil when it fails.
    private func series(_ expression: String, _ prometheus: String) async -> Int? {
        var components = URLComponents(string: prometheus + "/api/v1/query")!
        components.queryItems = [URLQueryItem(name: "query", value: expression)]
        // A plus is not encoded by URLComponents, and is a blank to the server.
        components.percentEncodedQuery = components.percentEncodedQuery?.replacing("+", with: "%2B")
        guard let (data, _) = try? await URLSession.shared.data(from: components.url!),
            let answer = try? JSONSerialization.jsonObject(with: data) as? [String: Any], answer["status"] as? String == "success"
        else { return nil }
        return ((answer["data"] as? [String: Any])?["result"] as? [Any])?.count
    }

    @Test func `show data in every panel while the demo runs`() async throws {
        let obsPort = freePort(), prometheusPort = freePort()
        try "http: { listen: \"127.0.0.1:\(obsPort)\" }\n".write(
            toFile: folder.path + "/obs.yaml", atomically: true, encoding: .utf8)
        // The risk of vehicles is shown once a model tells it.
        #expect(
            try Program.run(["model", "train", "--simulated", "rail", "--days", "3", "--data-dir", folder.path + "/data"]).status
                == 0)
        // The demo feeds all five pipelines.
        let demo = try Program.start(["demo", "-c", folder.path + "/obs.yaml", "--data-dir", folder.path + "/data"])
        defer { Program.kill(demo, SIGTERM) }
        // The provisioned configuration, with this machine's address and rules and a scrape interval for people who wait.
        var configuration = try String(contentsOf: root.appending(path: "deploy/compose/prometheus.yml"), encoding: .utf8)
        configuration = configuration.replacing("obs:9464", with: "127.0.0.1:\(obsPort)").replacing("15s", with: "1s")
            .replacing("/etc/prometheus/rules/*.yml", with: root.path + "/alerts/obs.yml")
        try configuration.write(toFile: folder.path + "/prometheus.yml", atomically: true, encoding: .utf8)
        let prometheus = Process()
        prometheus.executableURL = URL(filePath: "/usr/bin/env")
        prometheus.arguments = [
            "prometheus", "--config.file=\(folder.path)/prometheus.yml", "--storage.tsdb.path=\(folder.path)/tsdb",
            "--web.listen-address=127.0.0.1:\(prometheusPort)",
        ]
        prometheus.standardOutput = FileHandle.nullDevice
        prometheus.standardError = FileHandle.nullDevice
        try prometheus.run()
        defer { Program.kill(prometheus, SIGKILL) }
        let url = "http://127.0.0.1:\(prometheusPort)"
        let all = try queries()
        #expect(all.count > 20)
        var pending = all
        _ = await eventually(within: 240) {
            var empty: [(title: String, expression: String)] = []
            for query in pending {
                // A model of windows trains itself on two days of them, which a demo does not have: its queries are valid at
                // least.
                let least = query.title.hasPrefix("models.json") ? 0 : 1
                if (await series(query.expression, url) ?? -1) < least { empty.append(query) }
            }
            pending = empty
            return pending.isEmpty
        }
        for query in pending { Issue.record("\(query.title) is empty: \(query.expression)") }
    }
}

private let hasPrometheus: Bool = {
    let paths = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return paths.contains { FileManager.default.isExecutableFile(atPath: $0 + "/prometheus") }
}()
