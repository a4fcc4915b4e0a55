import HTTPTypes
import Foundation
import FoundationNetworking
import Logging
import Server
import ServiceLifecycle
import Synchronization
import Telemetry
import TestSupport
import Testing

/// The night that docs/a-night.md tells: attack, webhook, acknowledgement by link, a second alert that joins, a false positive, reopened, the review.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct `A night on call` {
    private let folder = TemporaryFolder()

    private func obs(_ arguments: String...) throws -> Program.Result {
        try Program.run(arguments + ["-c", folder.path + "/obs.yaml"])
    }

    private func append(_ text: String) throws {
        let file = try FileHandle(forWritingTo: URL(filePath: folder.path + "/auth.log"))
        try file.seekToEnd()
        try file.write(contentsOf: Data(text.utf8))
        try file.close()
    }

    private func line(_ message: String) -> String {
        "\(Date.now.formatted(.iso8601)) gate sshd[7]: \(message) from 192.0.2.7 port 4000 ssh2\n"
    }

    private func ask(
        _ url: String, _ method: String = "GET", body: String? = nil, type: String = "application/json", version: String? = nil
    ) async
        -> (status: Int, text: String)
    {
        var request = URLRequest(url: URL(string: url)!)
        request.httpMethod = method
        request.httpBody = body.map { Data($0.utf8) }
        if body != nil { request.setValue(type, forHTTPHeaderField: "Content-Type") }
        if let version { request.setValue(version, forHTTPHeaderField: "If-Match") }
        guard let (data, response) = try? await URLSession.shared.data(for: request) else { return (0, "") }
        return ((response as? HTTPURLResponse)?.statusCode ?? 0, String(decoding: data, as: UTF8.self))
    }

    @Test func `is told whole by the command line, the API and the metrics`() async throws {
        let posts = Mutex<[String]>([])
        let sinkPort = BoundPort(), port = freePort()
        var configuration = ServerConfiguration()
        configuration.listen = "127.0.0.1:0"
        let hook = Route(.post, "/hook") { question in
            posts.withLock { $0.append(String(decoding: question.body, as: UTF8.self)) }
            return .text("ok\n")
        }
        let sink = HTTPServer(
            configuration, routes: [hook], metrics: MetricsRegistry(),
            logger: Logger(label: "sink") { _ in SwiftLogNoOpLogHandler() },
            boundPort: sinkPort)
        let serving = Task { try await sink.run() }
        defer { serving.cancel() }
        let hookURL = "http://127.0.0.1:\(await sinkPort.wait() ?? 0)/hook"
        try """
        data_dir: \(folder.path)/data
        http: { listen: "127.0.0.1:\(port)" }
        sources: [{ name: auth, file: \(folder.path)/auth.log }]
        alerting:
          external_url: "http://127.0.0.1:\(port)"
          resolve_timeout: 1h
          route: { receiver: team, group_by: [alertname, source], group_wait: 0s, group_interval: 1s }
          receivers:
            - { name: team, webhook_configs: [{ url: "\(hookURL)" }] }
            - { name: ann, webhook_configs: [{ url: "\(hookURL)" }] }
          oncall: [{ name: primary, people: [ann], starts: 2026-01-05, time_zone: Europe/Berlin }]
          escalations: [{ steps: [{ after: 10m, schedule: primary }] }]
        """.write(toFile: folder.path + "/obs.yaml", atomically: true, encoding: .utf8)
        _ = FileManager.default.createFile(atPath: folder.path + "/auth.log", contents: nil)
        let api = "http://127.0.0.1:\(port)"
        let daemon = try Program.start(["run", "-c", folder.path + "/obs.yaml"])
        defer { Program.kill(daemon, SIGKILL) }
        #expect(await eventually { await ask(api + "/-/ready").status == 200 })

        // 03:00, an attack, and who is told of it.
        try append((0..<12).map { _ in line("Failed password for root") }.joined())
        try #require(await eventually { posts.withLock { !$0.isEmpty } })
        let payload = try #require(try JSONSerialization.jsonObject(with: Data(posts.withLock { $0[0] }.utf8)) as? [String: Any])
        let annotations = try #require((payload["alerts"] as? [[String: Any]])?.first?["annotations"] as? [String: String])
        let id = try #require(annotations["incident"]), link = try #require(annotations["acknowledge_url"])
        #expect(
            try obs("query", "sql", "SELECT count(*) AS waiting FROM escalation WHERE due_at > 0", "-o", "jsonl").output
                == "{\"waiting\":1}\n")
        #expect(try obs("oncall", "who", "-o", "csv").output.contains("primary,ann,"))

        // The link: opened it shows, its button acts, and the escalation ends.
        #expect(await ask(link).text.contains("Acknowledge</button>"))
        #expect(try obs("query", "incidents", "--state", "open", "-o", "jsonl").output.contains(id))
        #expect(await ask(link, "POST", body: "by=ann", type: "application/x-www-form-urlencoded").status == 200)
        #expect(try obs("query", "incidents", "--state", "acknowledged", "--assignee", "ann", "-o", "jsonl").output.contains(id))
        #expect(
            try obs("query", "sql", "SELECT count(*) AS waiting FROM escalation", "-o", "jsonl").output == "{\"waiting\":0}\n")

        // A new kind of alert about the same source becomes a part of it, and is told although somebody has it.
        try append(line("Accepted password for root"))
        #expect(await eventually { posts.withLock { $0.contains { $0.contains("SSHSuccessAfterFailures") } } })
        let joined = try obs("query", "incident", id).output
        #expect(joined.hasPrefix("\(id)  critical  acknowledged by ann\n"))
        #expect(joined.contains("it has the same source=\"192.0.2.7\" as \(id)"))

        // It was a drill after all. Or was it?
        #expect(
            try obs(
                "incident", "resolve", id, "--as", "false-positive", "--note", "the drill of the security team", "--by", "ann"
            ).status == 0)
        #expect(
            await eventually {
                await ask(api + "/metrics").text.contains("obs_incident_false_positives_total{rule=\"SSHBruteForce\"} 1\n")
            })
        // Under the severity that it had when its times were read: it became worse within the second.
        let measured = await ask(api + "/metrics").text
        #expect(
            ["warning", "critical"].contains {
                measured.contains("obs_incident_time_to_acknowledge_seconds_count{severity=\"\($0)\"} 1\n")
            })
        let read = await ask(api + "/api/v1/incidents/\(id)")
        let version = try #require(
            (try JSONSerialization.jsonObject(with: Data(read.text.utf8)) as? [String: Any])?["version"] as? Int)
        let reopen = api + "/api/v1/incidents/\(id)/reopen", body = #"{"by":"bob","note":"no drill was planned"}"#
        #expect(await ask(reopen, "POST", body: body, version: "\"\(version)\"").status == 200)
        #expect(await ask(reopen, "POST", body: body, version: "\"\(version)\"").status == 412)
        #expect(try obs("query", "incidents", "--search", "drill planned", "-o", "jsonl").output.contains(id))

        // In the morning: the review, and who did what.
        let review = try obs("query", "incident", id, "-o", "markdown").output
        for part in [
            "# \(id): ", "acknowledged by the link", "the drill of the security team", "no drill was planned", "## Notifications",
            "Cause",
        ] {
            #expect(review.contains(part), "\(part)")
        }
        let audit = try obs("query", "audit", "--subject", id, "-o", "csv").output
        #expect(
            audit.split(separator: "\r\n").dropFirst().map { $0.split(separator: ",")[1...2].joined(separator: " ") } == [
                "bob incident.reopen", "ann incident.resolve", "ann incident.acknowledge",
            ])
        #expect(try obs("query", "stats", "--by", "receiver", "-o", "csv").output.contains("team,"))
        #expect(try obs("check", "store").output.contains("is well"))
        #expect(try obs("backup", folder.path + "/copy.db").status == 0)
        #expect(try obs("incident", "note", id, "after the backup").status == 0)
        #expect(try obs("restore", folder.path + "/copy.db").status == 0)
        #expect(!(try obs("query", "incident", id).output.contains("after the backup")))
    }
}
