import Configuration
import Foundation
@testable import Telemetry
import TestSupport
import Testing

@testable import Daemon

/// docs/metrics.md is written from what a running obs has declared.
struct `The reference of the metrics` {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Every kind of thing that declares metrics: a stream with rules, a scheduled run, a receiver.
    private static let configuration = """
        http: { listen: "127.0.0.1:0" }
        log: { level: critical }
        sources:
          - { name: auth, http: true, pipeline: ssh }
          - { name: trains, http: true, pipeline: rail, input: telemetry }
          - { name: night, file: none.log, pipeline: nightly }
        pipelines: [nightly.yaml]
        alerting:
          route: { receiver: oncall }
          receivers: [{ name: oncall, webhook_configs: [{ url: "http://127.0.0.1:9/" }] }]
        """
    private static let nightly = """
        name: nightly
        every: 5m
        inputs:
          - name: lines
            format: logfmt
            columns: [{ name: event_time, type: timestamp, path: ts, required: true }]
        """

    /// The names in the code that declares them.
    private static func declared() throws -> Set<String> {
        let files = FileManager.default.enumerator(at: root.appending(path: "Sources"), includingPropertiesForKeys: nil)
        var names: Set<String> = []
        for case let file as URL in files! where file.pathExtension == "swift" {
            let code = try String(contentsOf: file, encoding: .utf8)
            for found in code.matches(of: /\.(?:counter|gauge|histogram)\(\s*"(?<name>[a-z_]+)"/) {
                names.insert(String(found.name))
            }
            // What a log format says of its counter, which pipelines declare.
            for found in code.matches(of: /EventCounter\(\s*name: "(?<name>[a-z_]+)"/) { names.insert(String(found.name)) }
        }
        return names
    }

    @Test func `has every metric that obs declares, as it declares it`() async throws {
        let folder = TemporaryFolder(), file = folder.path + "/obs.yaml"
        try Self.configuration.write(toFile: file, atomically: true, encoding: .utf8)
        try Self.nightly.write(toFile: folder.path + "/nightly.yaml", atomically: true, encoding: .utf8)
        let daemon = try Daemon(Configuration.load(file: file, dataDirectory: folder.path + "/data"), configurationFile: file)
        let running = Task { try await daemon.run() }
        let expected = try Self.declared()
        let isComplete = await eventually { expected.isSubset(of: daemon.metrics.descriptors.map(\.name)) }
        let descriptors = daemon.metrics.descriptors.filter { expected.contains($0.name) }
        running.cancel()
        _ = await running.result
        try #require(isComplete, "not declared by a running obs: \(expected.subtracting(descriptors.map(\.name)).sorted())")
        #expect(try Reference.difference("docs/metrics.md", Self.page(descriptors)) == nil)
    }

    private static func page(_ descriptors: [MetricDescriptor]) -> String {
        var page = """
            # Metrics

            Written by `make references` from what a running obs declares. `/metrics` has them in Prometheus's text format, or in OpenMetrics' if it is asked
            for. Metrics of the libraries inside obs, reported through swift-metrics, come in addition. A gauge of something that has not happened yet has no
            sample. Alerts on them are in `alerts/`, panels in `dashboards/`.

            | name | type | labels | unit | meaning |
            |---|---|---|---|---|

            """
        for one in descriptors {
            let labels = one.labels.map { "`\($0)`" }.joined(separator: ", ")
            let help = one.help.replacing("|", with: "\\|").replacing("\n", with: " ")
            page +=
                "| `\(one.name)` | \(one.kind.rawValue) | \(labels) | \(one.unit ?? (one.kind == .counter ? "count" : "")) | \(help) |\n"
        }
        return page
    }
}
