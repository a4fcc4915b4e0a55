import Alerting
import Columns
import Configuration
import Foundation
import Ingest
import Jobs
import Query
import Store
import Telemetry
import TestSupport
import Testing

@testable import Daemon

struct `A reload of the configuration` {
    private let fixture: PipelineFixture
    private var file: String { fixture.folder.path + "/obs.yaml" }

    init() throws { fixture = try PipelineFixture() }

    private func write(_ configuration: String) throws {
        try configuration.write(toFile: file, atomically: true, encoding: .utf8)
    }

    private func configuration() throws -> Configuration {
        try Configuration.load(file: file, dataDirectory: fixture.workspace.path)
    }

    /// A reloader and the supervisor of its pipelines, which runs while `body` runs.
    private func whileRunning(_ body: (Reloader) async throws -> Void) async throws {
        let configuration = try configuration()
        fixture.alerts.reconfigure(configuration.alerting)
        let pipelines = PipelineSupervisor(try PipelinePlan.plans(configuration), in: fixture.surroundings)
        let reloader = Reloader(
            configuration, file: file, alerts: fixture.alerts, pipelines: pipelines, metrics: fixture.metrics,
            logger: fixture.log.logger)
        try await fixture.whileRunning(pipelines) { try await body(reloader) }
    }

    private var isSuccessful: Bool {
        fixture.metrics.exposition().contains("obs_config_last_reload_successful 1\n")
    }

    private static func alerting(_ receiver: String) -> String {
        """
        alerting:
          route: { receiver: \(receiver) }
          receivers: [{ name: \(receiver), webhook_configs: [{ url: "http://127.0.0.1:9/" }] }]

        """
    }

    @Test func `puts routes, receivers, the block list and pipelines in force`() async throws {
        try write(Self.alerting("old"))
        try await whileRunning { reloader in
            #expect(reloader.blocklist.expiry == .seconds(86_400))
            try write(
                Self.alerting("new") + "blocklist: { expire: 1h }\n"
                    + "sources: [{ name: a, file: \"\(fixture.path("a"))\", pipeline: ssh }]\n")
            #expect(await reloader.reload() == nil)
            #expect(fixture.alerts.inForce.receivers.map(\.name) == ["new"] && reloader.blocklist.expiry == .seconds(3600))
            #expect(fixture.surroundings.watch.reports.map(\.name) == ["a"])
            #expect(isSuccessful && fixture.log.all.last == "info: the configuration is reloaded")
        }
    }

    @Test func `keeps the old one when the new one is bad, and gives no detail of the file to the requester`() async throws {
        try write(Self.alerting("old"))
        try await whileRunning { reloader in
            try write(Self.alerting("new") + "alertng: secret-in-the-wrong-place\n")
            let reason = try #require(await reloader.reload())
            #expect(reason.hasPrefix("the new configuration has a mistake and the old one stays in force"))
            #expect(!reason.contains("secret"))
            #expect(fixture.alerts.inForce.receivers.map(\.name) == ["old"] && !isSuccessful)
            #expect(fixture.log.all.last == "error: the new configuration is bad; the old one stays in force")
            // The next good one is in force.
            try write(Self.alerting("new"))
            #expect(await reloader.reload() == nil)
            #expect(fixture.alerts.inForce.receivers.map(\.name) == ["new"] && isSuccessful)
        }
    }

    @Test func `is in the audit, with who asked for it and how it ended`() async throws {
        try write(Self.alerting("old"))
        try await whileRunning { reloader in
            #expect(await reloader.reload(by: "ann") == nil)
            try write("alertng: secret-in-the-wrong-place\n")
            #expect(await reloader.reload(by: "bob") != nil)
            let entries = try RecordQuestions(fixture.workspace.store).audit().rows.reversed()
                .filter { $0[2] == .text("config.reload") }.map { row in [row[1], row[3], row[6]].map(\.description) }
            #expect(entries.map { $0[0] } == ["ann", "bob"])
            #expect(entries.allSatisfy { $0[1] == file })
            #expect(entries.first?[2] == "the new configuration is in force")
            #expect(entries.last?[2].hasPrefix("the new configuration has a mistake and the old one stays in force") == true)
            #expect(entries.last?[2].contains("secret") == false)
        }
    }

    @Test func `says in the log which changes wait for a restart`() async throws {
        try write("log: { level: info }\n")
        try await whileRunning { reloader in
            try write("log: { level: debug }\nhttp: { listen: \"127.0.0.1:1\" }\n")
            #expect(await reloader.reload() == nil)
            #expect(fixture.log.all.contains("warning: these changes wait for a restart: http, log"))
            #expect(await reloader.reload() == nil)
            #expect(fixture.log.all.filter { $0.hasPrefix("warning: these changes wait") }.count == 1)
        }
    }

    @Test func `refuses a pipeline that cannot go on from its checkpoint`() async throws {
        func pipeline(_ length: String) -> String {
            """
            name: numbers
            commit_interval: 20ms
            inputs:
              - name: numbers
                table: numbers
                format: json
                columns: [{ name: event_time, type: timestamp, required: true }, { name: n, type: int64 }]
            windows: [{ table: by_time, from: numbers, length: \(length), aggregates: [{ name: rows, function: count }] }]

            """
        }
        let definition = fixture.folder.path + "/numbers.yaml"
        try pipeline("5m").write(toFile: definition, atomically: true, encoding: .utf8)
        try write("pipelines: [numbers.yaml]\nsources: [{ name: n, file: \"\(fixture.path("n"))\", pipeline: numbers }]\n")
        try fixture.write(0..<10, to: "n")
        try await whileRunning { reloader in
            #expect(await eventually { fixture.rows("numbers") == 10 })
            try pipeline("1m").write(toFile: definition, atomically: true, encoding: .utf8)
            let reason = try #require(await reloader.reload())
            #expect(reason.hasPrefix("the definition of pipeline 'numbers' is not the one that wrote its checkpoint"))
            try fixture.write(10..<20, to: "n")
            #expect(await eventually { fixture.rows("numbers") == 20 })
        }
    }
}
