import Logging
import Server
import Daemon
import Foundation
import FoundationNetworking
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

/// The whole way, with the real binary, real files, a real HTTP sink and a killed process.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct `The whole way` {
    private let folder = TemporaryFolder()

    private func json(_ arguments: [String]) throws -> [[String: Any]] {
        let result = try Program.run(arguments + ["-o", "json", "--data-dir", folder.path + "/data"])
        return try #require(
            try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [[String: Any]], "\(result.errors)")
    }

    /// The rows of a table; none while it is not there.
    private func rows(_ table: String) throws -> Int {
        try json(["lake", "tables"]).first { $0["table"] as? String == table }?["rows"] as? Int ?? 0
    }

    private func burst(_ source: String, count: Int = 12, from: Int = 0) -> String {
        let stamp = Date.now.formatted(.iso8601)
        return (0..<count).map {
            "\(stamp) gate sshd[\(from + $0)]: Failed password for root from \(source) port \(4000 + $0) ssh2\n"
        }.joined()
    }

    private func append(_ text: String) throws {
        let path = folder.path + "/auth.log"
        if !FileManager.default.fileExists(atPath: path) { _ = FileManager.default.createFile(atPath: path, contents: nil) }
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        try file.seekToEnd()
        try file.write(contentsOf: Data(text.utf8))
        try file.close()
    }

    /// Writes a configuration and gives its path and the port of obs.
    private func configure(sink: Int) throws -> (path: String, port: Int) {
        let port = freePort()
        let text = """
            data_dir: \(folder.path)/data
            http: { listen: "127.0.0.1:\(port)" }
            sources: [{ name: auth, file: \(folder.path)/auth.log }]
            alerting:
              route: { receiver: sink, group_by: [alertname, source], group_wait: 0s }
              receivers: [{ name: sink, webhook_configs: [{ url: "http://127.0.0.1:\(sink)/hook", timeout: 60s }] }]
            """
        try text.write(toFile: folder.path + "/obs.yaml", atomically: true, encoding: .utf8)
        return (folder.path + "/obs.yaml", port)
    }

    /// What a POST without a body is answered, and the status; 0 when nobody answers.
    private func post(_ url: String) async -> (body: String, status: Int) {
        var request = URLRequest(url: URL(string: url)!)
        request.httpMethod = "POST"
        guard let (data, response) = try? await URLSession.shared.data(for: request) else { return ("", 0) }
        return (String(decoding: data, as: UTF8.self), (response as? HTTPURLResponse)?.statusCode ?? 0)
    }

    /// A sink on `port` for the length of `body`.
    private func withSink(port: Int, _ deliveries: Deliveries, _ body: () async throws -> Void) async throws {
        let sink = WebhookSink(listen: "127.0.0.1:\(port)") { delivery in deliveries.add(delivery.summaries) }
        let group = ServiceGroup(services: [sink], logger: .init(label: "sink"))
        let running = Task { try await group.run() }
        _ = await sink.boundPort.wait()
        try await body()
        await group.triggerGracefulShutdown()
        _ = await running.result
    }

    final class Deliveries: Sendable {
        private let all = Mutex<[String]>([])
        func add(_ summaries: [String]) { all.withLock { $0 += summaries } }
        func count(_ source: String) -> Int { all.withLock { $0.filter { $0.contains(source) }.count } }
    }

    @Test func `leads a burst of failures to a webhook, through a sink that is away and a kill, once an incident`() async throws {
        let sinkPort = freePort()
        let (config, port) = try configure(sink: sinkPort)
        let deliveries = Deliveries()
        try append("")
        var obs = try Program.start(["run", "-c", config])
        defer { Program.kill(obs, SIGKILL) }
        #expect(await eventually { await Program.get("http://127.0.0.1:\(port)/-/ready") != nil })

        try await withSink(port: sinkPort, deliveries) {
            try append(burst("192.0.2.1"))
            #expect(await eventually { deliveries.count("192.0.2.1") > 0 })
        }
        // The sink is away: the incident is recorded, the notification owed.
        try append(burst("192.0.2.2"))
        #expect(try await eventually { try json(["query", "incidents"]).count == 2 })
        Program.kill(obs, SIGKILL)
        obs = try Program.start(["run", "-c", config])
        try await withSink(port: sinkPort, deliveries) {
            #expect(await eventually { deliveries.count("192.0.2.2") > 0 })
            // What was read again after the kill opens nothing twice; a third burst shows that all before it was worked on.
            try append(burst("192.0.2.3"))
            #expect(await eventually { deliveries.count("192.0.2.3") > 0 })
        }
        #expect(["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(deliveries.count) == [1, 1, 1])
        #expect(try json(["query", "incidents"]).count == 3)
        let metrics = try #require(await Program.get("http://127.0.0.1:\(port)/metrics"))
        #expect(metrics.contains("obs_ssh_events_total{event=\"failed_password\",method=\"password\"}"))
        try await checkMetrics(metrics)
        Program.kill(obs, SIGTERM)
        #expect(obs.terminationStatus == 0)
        #expect(try rows("bronze.ssh") == 36)
        #expect(try rows("silver.ssh") == 36)
    }

    private func checkMetrics(_ text: String) async throws {
        guard Peers.has("promtool") else { return }
        #expect(try run("promtool", ["check", "metrics"], input: text).isEmpty)
    }

    @Test func `keeps every line once through kills at random moments`() async throws {
        let (config, _) = try configure(sink: freePort())
        try append("")
        var random = SystemRandomNumberGenerator()
        var written = 0
        for _ in 0..<8 {
            let obs = try Program.start(["run", "-c", config])
            for _ in 0..<5 {
                let count = Int.random(in: 1...300, using: &random)
                try append(burst("10.0.0.1", count: count, from: written))
                written += count
                try await Task.sleep(for: .milliseconds(Int.random(in: 0...150, using: &random)))
            }
            Program.kill(obs, SIGKILL)
        }
        let obs = try Program.start(["run", "-c", config])
        #expect(await eventually { (try? rows("bronze.ssh")) == written })
        Program.kill(obs, SIGTERM)
        #expect(try rows("bronze.ssh") == written)
        #expect(try rows("silver.ssh") == written)
        let pids = try json(["query", "events", "--limit", "100000"]).compactMap { $0["pid"] as? Int }
        #expect(pids.count == written && Set(pids).count == written)
        #expect(try json(["query", "incidents"]).count == 1)
    }

    @Test(
        .enabled(
            if: peersPython(has: "pyarrow, duckdb, deltalake"),
            "there is no Python with pyarrow, duckdb and deltalake (OBS_PEERS_PYTHON)"))
    func `writes three tables that pyarrow, DuckDB and deltalake open and count alike`() throws {
        let log = try Program.run(["simulate", "ssh", "--for", "3h", "--seed", "3", "--out", folder.path + "/sim.log"])
        #expect(log.status == 0)
        #expect(try Program.run(["process", folder.path + "/sim.log", "--data-dir", folder.path + "/data"]).status == 0)
        let program = """
            import duckdb, deltalake, glob, pyarrow.parquet as pq
            for name in ['bronze/ssh', 'silver/ssh', 'gold/ssh_by_source']:
                path = '\(folder.path)/data/lake/' + name
                delta = deltalake.DeltaTable(path).to_pyarrow_table().num_rows
                arrow = sum(pq.read_table(f).num_rows for f in glob.glob(path + '/*.parquet'))
                duck = duckdb.connect().execute(f"select count(*) from read_parquet('{path}/*.parquet')").fetchone()[0]
                assert delta == arrow == duck, (delta, arrow, duck)
                print(delta)
            """
        let counts = try run(peersPython, ["-c", program]).split(separator: "\n").compactMap { Int($0) }
        #expect(counts == [try rows("bronze.ssh"), try rows("silver.ssh"), try rows("gold.ssh_by_source")])
        #expect(counts.allSatisfy { $0 > 100 })
    }

    @Test func `writes silver as JSON Lines and gold as CSV where the pipeline says so`() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let pipeline = try String(contentsOf: root.appending(path: "pipelines/ssh.yaml"), encoding: .utf8)
            .replacing("silver: { formats: [delta] }", with: "silver: { formats: [delta, jsonl] }").replacing(
                "gold: { formats: [delta] }", with: "gold: { formats: [delta, csv] }")
        try pipeline.write(toFile: folder.path + "/ssh.yaml", atomically: true, encoding: .utf8)
        try "data_dir: \(folder.path)/data\npipelines: [ssh.yaml]\n".write(
            toFile: folder.path + "/obs.yaml", atomically: true, encoding: .utf8)
        #expect(try Program.run(["simulate", "ssh", "--for", "1h", "--out", folder.path + "/sim.log"]).status == 0)
        for _ in 0..<2 {
            #expect(try Program.run(["process", folder.path + "/sim.log", "-c", folder.path + "/obs.yaml"]).status == 0)
        }
        let silver = try String(contentsOfFile: folder.path + "/data/export/silver/ssh-batch.jsonl", encoding: .utf8).split(
            separator: "\n")
        #expect(try silver.count == rows("silver.ssh"))
        for line in silver { #expect(try JSONSerialization.jsonObject(with: Data(line.utf8)) is [String: Any]) }
        let gold = try String(contentsOfFile: folder.path + "/data/export/gold/ssh_by_source-batch.csv", encoding: .utf8).split(
            separator: "\r\n")
        #expect(gold.first?.hasPrefix("window_start,window_end,source,events,attempts") == true)
        #expect(try gold.count == rows("gold.ssh_by_source") + 1)
    }

    @Test func `reads its configuration again on SIGHUP, and keeps the old one when the new one is bad`() async throws {
        let (config, port) = try configure(sink: freePort())
        try append("")
        let obs = try Program.start(["run", "-c", config])
        defer { Program.kill(obs, SIGKILL) }
        func isReloaded() async -> String? {
            await Program.get("http://127.0.0.1:\(port)/metrics")?.split(separator: "\n").first {
                $0.hasPrefix("obs_config_last_reload_successful ")
            }.map(String.init)
        }
        #expect(await eventually { await isReloaded() == "obs_config_last_reload_successful 1" })
        let good = try String(contentsOfFile: config, encoding: .utf8)
        try (good + "nonsense: 1\n").write(toFile: config, atomically: true, encoding: .utf8)
        kill(obs.processIdentifier, SIGHUP)
        #expect(await eventually { await isReloaded() == "obs_config_last_reload_successful 0" })
        try good.write(toFile: config, atomically: true, encoding: .utf8)
        kill(obs.processIdentifier, SIGHUP)
        #expect(await eventually { await isReloaded() == "obs_config_last_reload_successful 1" })
    }

    @Test
    func
        `a reload starts, changes and stops pipelines without losing or doubling a line, and refuses one that its checkpoint does not fit`()
        async throws
    {
        let port = freePort()
        let config = folder.path + "/obs.yaml", rules = folder.path + "/rules.yml", pipeline = folder.path + "/ssh.yaml"
        try pipelineFile(aggregate: "failures").write(toFile: pipeline, atomically: true, encoding: .utf8)
        func configure(sources: [String], count: Int) throws {
            let entries = sources.map { "  - { name: \($0), file: \(folder.path)/\($0).log }\n" }.joined()
            try """
            http: { listen: "127.0.0.1:\(port)" }
            pipelines: [ssh.yaml]
            detections: [rules.yml]
            sources:
            \(entries)
            """.write(toFile: config, atomically: true, encoding: .utf8)
            try """
            - name: Guessing
              severity: warning
              title: "{source} guesses"
              description: "{count} guesses"
              match: 'event=~"failed_.*"'
              group_by: [source]
              within: 5m
              count: \(count)
            """.write(toFile: rules, atomically: true, encoding: .utf8)
        }
        func append(_ lines: Int, to name: String, from source: String) throws {
            let text = (0..<lines).map {
                "2026-11-01T10:00:\($0 < 10 ? "0" : "")\($0)Z gate sshd[7]: Failed password for root from \(source) port 4\($0) ssh2\n"
            }.joined()
            let path = "\(folder.path)/\(name).log"
            if !FileManager.default.fileExists(atPath: path) {
                try Data().write(to: URL(filePath: path))
            }
            let handle = try FileHandle(forWritingTo: URL(filePath: path))
            try handle.seekToEnd()
            try handle.write(contentsOf: Data(text.utf8))
            try handle.close()
        }
        func lines(_ name: String) async -> String? {
            await Program.get("http://127.0.0.1:\(port)/metrics")?.split(separator: "\n").first {
                $0.hasPrefix("obs_source_lines_total{source=\"\(name)\"}")
            }.map { String($0.split(separator: " ")[1]) }
        }
        func incidents() throws -> String {
            try Program.run(["query", "incidents", "-o", "jsonl", "--data-dir", folder.path + "/data"]).output
        }

        try configure(sources: ["one"], count: 50)
        try append(5, to: "one", from: "203.0.113.1")
        let obs = try Program.start(["run", "-c", config, "--data-dir", folder.path + "/data"])
        defer { Program.kill(obs, SIGKILL) }
        #expect(await eventually { await lines("one") == "5" })

        // A second source and a lower threshold: the first pipeline goes on behind its fifth line, and its rule counts anew.
        try configure(sources: ["one", "two"], count: 5)
        kill(obs.processIdentifier, SIGHUP)
        try append(5, to: "two", from: "203.0.113.2")
        #expect(await eventually { await lines("two") == "5" })
        #expect(try await eventually { try incidents().contains("203.0.113.2") })

        // The definition changes: what was kept under the old one cannot be read, so it is refused and the old one goes on.
        try pipelineFile(aggregate: "guesses").write(toFile: pipeline, atomically: true, encoding: .utf8)
        let (body, status) = await post("http://127.0.0.1:\(port)/-/reload")
        #expect(status == 500)
        #expect(body.contains("--new-checkpoint"))
        try append(3, to: "one", from: "203.0.113.1")
        #expect(await eventually { await lines("one") == "8" })

        // Without the source its file is not read any more.
        try pipelineFile(aggregate: "failures").write(toFile: pipeline, atomically: true, encoding: .utf8)
        try configure(sources: ["two"], count: 5)
        #expect(await post("http://127.0.0.1:\(port)/-/reload").1 == 200)
        try append(2, to: "one", from: "203.0.113.1")
        try append(2, to: "two", from: "203.0.113.2")
        #expect(await eventually { await lines("two") == "7" })
        #expect(await lines("one") == "8")
        Program.kill(obs, SIGTERM)
        #expect(obs.terminationStatus == 0)
        let rows = try Program.run(["query", "events", "-o", "jsonl", "--data-dir", folder.path + "/data", "--limit", "1000"])
        #expect(rows.output.split(separator: "\n").count == 15, "\(rows.output)\(rows.errors)")
    }

    private func pipelineFile(aggregate: String) -> String {
        """
        name: ssh
        format: sshd
        windows:
          - table: ssh_by_source
            length: 5m
            by: source
            aggregates:
              - { name: \(aggregate), function: count, where: 'event=~"failed_.*"' }
        """
    }

    @Test func `ends with a sentence when its port is taken, the demo too`() async throws {
        let port = freePort()
        let sink = WebhookSink(listen: "127.0.0.1:\(port)") { _ in }
        let group = ServiceGroup(services: [sink], logger: .init(label: "sink"))
        let running = Task { try await group.run() }
        _ = await sink.boundPort.wait()
        try "http: { listen: \"127.0.0.1:\(port)\" }\n".write(
            toFile: folder.path + "/obs.yaml", atomically: true, encoding: .utf8)
        for command in ["run", "demo"] {
            let result = try Program.run([command, "-c", folder.path + "/obs.yaml", "--data-dir", folder.path + "/data"])
            #expect(result.status == 3, "\(command)")
            #expect(
                result.errors.contains(
                    "cannot listen on 127.0.0.1:\(port): the port is in use; set http.listen or stop the other process"),
                "\(command): \(result.errors)")
        }
        await group.triggerGracefulShutdown()
        _ = await running.result
    }

    @Test func `logs each commit with --verbose, and says nothing with --quiet`() throws {
        let log = folder.path + "/sim.log"
        try Program.run(["simulate", "ssh", "--for", "10m", "--seed", "3", "--out", log])
        func process(_ flag: String) throws -> Program.Result {
            try Program.run(["process", log, flag, "--data-dir", folder.path + "/data" + flag])
        }
        let verbose = try process("--verbose"), quiet = try process("--quiet")
        #expect(verbose.status == 0 && verbose.errors.contains(#""msg":"epoch committed""#))
        #expect(quiet.status == 0 && quiet.output.isEmpty && quiet.errors.isEmpty)
    }

    @Test func `says in one sentence what is wrong, with the exit code for it`() throws {
        let wrong = try Program.run(["query", "incidents", "--stat", "x"])
        #expect(wrong.status == 2)
        #expect(wrong.errors.hasPrefix("obs: Unknown option '--stat'"))
        let missing = try Program.run(["process", folder.path + "/nothing.log", "--data-dir", folder.path + "/data"])
        #expect(missing.status == 3)
        #expect(missing.errors == "obs: \(folder.path)/nothing.log: there is no such file\n")
        try "lisen: x\n".write(toFile: folder.path + "/bad.yaml", atomically: true, encoding: .utf8)
        let bad = try Program.run(["check", "config", "-c", folder.path + "/bad.yaml"])
        #expect(bad.status == 1)
        #expect(bad.errors.contains("bad.yaml:1: unknown key 'lisen'"))
        #expect(try Program.run(["--help"]).status == 0)
    }
}

@Suite(.enabled(if: outsideCases != nil, "there are no cases at OBS_CASES"))
struct `ProcessingConformanceCases` {
    private let folder = TemporaryFolder()

    @Test func `the OpenSSH_2k log becomes tables and incidents, and nothing more when it is processed again`() throws {
        let arguments = [
            "process", outsideCases!.path + "/loghub/OpenSSH_2k.log", "--year", "2015", "--time-zone", "UTC", "--whole",
            "--data-dir", folder.path,
        ]
        func state() throws -> [String] {
            [
                try Program.run(["lake", "tables", "--data-dir", folder.path]).output,
                try Program.run(["query", "incidents", "-o", "jsonl", "--data-dir", folder.path]).output,
            ]
        }
        #expect(try Program.run(arguments).status == 0)
        let first = try state()
        #expect(first[0].contains(#/bronze\.ssh +1 +2000 /#))
        #expect(first[0].contains(#/silver\.ssh +1 +2000 /#))
        // The sources with more than 100 failed passwords.
        for source in ["183.62.140.253", "187.141.143.180"] { #expect(first[1].contains("Brute force from \(source)")) }
        #expect(try Program.run(arguments).status == 0)
        #expect(try state() == first)
    }
}
