import Store
import Alerting
import Columns
import Configuration
import Detection
import GRDB
import Logging
import Parsing
@testable import Streaming
import Telemetry
import TestSupport
import Testing

@testable import Jobs

struct `The observer of detections` {
    private let folder = TemporaryFolder()
    private let metrics = MetricsRegistry()

    private func observer(_ workspace: Workspace) throws -> DetectionObserver {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let alerts = AlertInbox(AlertingConfiguration(), incidents: workspace.incidents, metrics: metrics, logger: logger)
        let configuration = try Configuration.load(file: nil, dataDirectory: nil)
        return DetectionObserver(
            try configuration.pipeline("ssh"), try configuration.detections(of: "ssh"), models: workspace.models, alerts: alerts,
            metrics: metrics, logger: logger)
    }

    private func windows(_ count: Int, seed: UInt64, odd: Bool) throws -> Batch {
        var random = SplitMix64(seed: seed)
        let schema = try #require(
            try PipelineSchemas(Configuration.load(file: nil, dataDirectory: nil).pipeline("ssh")).nodes["ssh_by_source"]
        ).schema
        let start = Timestamp.now.microseconds - 3_600_000_000
        return try Batch(
            schema: schema,
            rows: (0..<count).map { index in
                schema.fields.map { field in
                    switch field.name {
                    case "window_start": .timestamp(Timestamp(microseconds: start))
                    case "window_end": .timestamp(Timestamp(microseconds: start + 300_000_000))
                    case "source": .text(odd && index == 0 ? "203.0.113.9" : "192.0.2.\(index % 200)")
                    default: .int(odd && index == 0 ? 5000 : Int64.random(in: 0...3, using: &random))
                    }
                }
            })
    }

    @Test func `opens an incident for a source whose window is unlike the others, by a model that it trains itself`() async throws
    {
        let workspace = try Workspace(folder.path)
        let observer = try observer(workspace)
        try await observer.observe(gold: windows(1000, seed: 1, odd: true), table: "ssh_by_source")
        #expect(try workspace.models.entry("ssh-source-windows") == nil)
        // What was seen until now survives a restart.
        let next = try self.observer(workspace)
        try await next.restore(observer.snapshot())
        try await next.observe(gold: windows(1200, seed: 2, odd: false), table: "ssh_by_source")
        #expect(try workspace.models.entry("ssh-source-windows")?.trainedOn == 2200)
        // Findings are durable when the epoch is committed.
        _ = try await next.snapshot()
        let names = try await workspace.store.database.read { database in
            try String.fetchAll(database, sql: "SELECT name || ' ' || json_extract(labels, '$.source') FROM incident")
        }
        #expect(names.contains("SSHAnomalousSource 203.0.113.9"))
    }

    @Test func `refuses a damaged snapshot`() async throws {
        let observer = try observer(try Workspace(folder.path))
        var state = try await observer.snapshot()
        state.removeLast()
        await #expect(throws: StateReader.Damaged.self) { try await observer.restore(state) }
    }
}
