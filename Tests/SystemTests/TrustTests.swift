import Foundation
import TestSupport
import Testing

/// What must be nowhere: secrets in what obs says and keeps, names in what it keeps of redacted lines, files that others can read.
@Suite(.timeLimit(.minutes(5)))
struct `What obs leaves` {
    private let folder = TemporaryFolder()
    private var data: String { folder.path + "/data" }

    private func write(_ text: String, _ name: String) throws {
        try text.write(toFile: folder.path + "/" + name, atomically: true, encoding: .utf8)
    }

    /// All bytes of all files below a folder that have `text` in them.
    private func files(with text: String, below path: String) throws -> [String] {
        let names = try FileManager.default.subpathsOfDirectory(atPath: path)
        return names.filter { name in
            guard let bytes = FileManager.default.contents(atPath: path + "/" + name) else { return false }
            return bytes.range(of: Data(text.utf8)) != nil
        }
    }

    private func logLines(of users: [String]) -> String {
        let stamp = Date.now.formatted(.iso8601)
        return users.flatMap { user in
            (0..<12).map {
                "\(stamp) gate sshd[\($0)]: Failed password for invalid user \(user) from 192.0.2.7 port \(4000 + $0) ssh2\n"
            }
        }.joined() + "\(stamp) gate sshd[1]: this is of no form, by \(users[0])\n"
    }

    @Test func `is for its owner alone, whatever the mask of who started it`() throws {
        try write(logLines(of: ["ann"]), "auth.log")
        try write("redaction: { rules: [{ pattern: ann, replace: bob }] }\n", "obs.yaml")
        let commands = [
            ["process", folder.path + "/auth.log"], ["incident", "ack", "1001"], ["lake", "optimize"],
            ["backup", folder.path + "/made/copy.db"],
            ["restore", folder.path + "/made/copy.db"], ["replay", "--pipeline", "ssh"],
            ["model", "train", "--simulated", "rail", "--days", "2"],
        ]
        for words in commands {
            let line = ([Program.path] + words + ["-c", folder.path + "/obs.yaml", "--data-dir", data]).map { "'\($0)'" }
            let result = try output(of: "sh", ["-c", "umask 0; exec \(line.joined(separator: " "))"])
            #expect(result.status == 0, "\(words): \(result.text)")
        }
        let open = try run("find", [data, folder.path + "/made", "-perm", "/077"])
        #expect(open.isEmpty, "\(open)")
        #expect(try run("find", [data, "-type", "f"]).split(separator: "\n").count > 10)
    }

    @Test func `has no name that was redacted, in any file`() throws {
        try write(logLines(of: ["annabel-hunter7", "bertram-hunter7"]), "auth.log")
        try write(
            """
            redaction:
              key: { command: [printf, 0123456789abcdef0123456789abcdef] }
              rules:
                - { pattern: 'invalid user (\\S+) from', hash: true, pipelines: [ssh] }
                - { pattern: '\\S+-hunter7', replace: '<name>' }
            """, "obs.yaml")
        let result = try Program.run(["process", folder.path + "/auth.log", "-c", folder.path + "/obs.yaml", "--data-dir", data])
        #expect(result.status == 0, "\(result.errors)")
        #expect(try files(with: "hunter7", below: data).isEmpty)
        let sql = ["lake", "export", "silver.ssh", "-o", "jsonl", "--data-dir", data]
        let events = try Program.run(sql).output
        #expect(Set(events.matches(of: /h-[0-9a-f]{24}/).map { String($0.output) }).count == 2, "the two still differ: \(events)")
        let found = try Program.run(["query", "incidents", "-o", "json", "--data-dir", data]).output
        #expect(found.contains("192.0.2.7"))
        // Without its key nothing is kept.
        try write("redaction: { key: { command: [false] }, rules: [{ pattern: 'user (\\S+)', hash: true }] }\n", "bad.yaml")
        let other = folder.path + "/other"
        let refused = try Program.run([
            "process", folder.path + "/auth.log", "-c", folder.path + "/bad.yaml", "--data-dir", other,
        ])
        #expect(refused.status != 0 && refused.errors.contains("the command 'false' gives no secret"), "\(refused.errors)")
        #expect(try files(with: "hunter7", below: other).isEmpty)
    }

    /// Each place of the configuration that takes a secret has one with `hunter7` in it, and its receivers fail, so that all is logged.
    @Test func `has no secret of the configuration in log, answers, pages, metrics, backup and lists of processes`() async throws
    {
        let sink = try Sink(answers: Array(repeating: "500 Bad\n\nnot today", count: 200))
        defer { sink.stop() }
        let port = freePort()
        try write("hunter7-file", "secret")
        try write("#!/bin/sh\necho hunter7-command\n", "vault")
        chmod(folder.path + "/vault", 0o700)
        try write(
            """
            http: { listen: "127.0.0.1:\(port)" }
            sources: [{ name: auth, file: auth.log }]
            redaction: { key: hunter7-redaction-key, rules: [{ pattern: 'nobody-(\\S+)', hash: true }] }
            alerting:
              route: { receiver: all, group_wait: 0s }
              receivers:
                - name: all
                  webhook_configs:
                    - url: "\(sink.url)/hunter7-path?token=hunter7-query"
                      signing_secret: hunter7-signing
                      http_config: { basic_auth: { username: u, password: hunter7-basic } }
                    - url: "\(sink.url)"
                      http_config: { authorization: { credentials: { file: secret } }, headers: { X-Key: hunter7-header } }
                    - url: "\(sink.url)"
                      http_config: { bearer_token: { command: [\(folder.path)/vault] } }
                    - url: "\(sink.url)"
                      http_config: { oauth2: { client_id: i, client_secret: hunter7-oauth, token_url: "\(sink.url)/hunter7-url" } }
                    - { url: { command: [sh, -c, "echo '\(sink.url)/'hunter7-printed"] } }
                  slack_configs: [{ api_url: "\(sink.url)/hunter7-slack" }]
                  telegram_configs: [{ api_url: "\(sink.url)", bot_token: "1:hunter7-bot", chat_id: 1 }]
                  pagerduty_configs: [{ url: "\(sink.url)", routing_key: hunter7-pager }]
            """, "obs.yaml")
        try write(logLines(of: ["nobody-x"]), "auth.log")
        let log = folder.path + "/log"
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        let service = Process()
        service.currentDirectoryURL = URL(filePath: folder.path)
        service.executableURL = URL(filePath: Program.path)
        service.arguments = ["run", "-c", "obs.yaml", "--data-dir", data, "--verbose"]
        service.standardError = try FileHandle(forWritingTo: URL(filePath: log))
        service.standardOutput = FileHandle.nullDevice
        try service.run()
        defer { Program.kill(service, SIGKILL) }
        let base = "http://127.0.0.1:\(port)"
        #expect(await eventually { sink.posts.count >= 12 })
        #expect(sink.posts.contains { $0.headers["authorization"] == "Bearer hunter7-command" })
        #expect(sink.posts.contains { $0.headers["authorization"] == "Bearer hunter7-file" })
        #expect(sink.posts.contains { $0.path.contains("/hunter7-printed") })
        var seen: [String: String] = [:]
        for path in [
            "/metrics", "/-/ready", "/-/healthy", "/api/v2/status", "/api/v2/receivers", "/api/v1/incidents", "/api/openapi.json",
            "/",
            "/history", "/api/v2/alerts",
        ] {
            seen[path] = await Program.get(base + path) ?? ""
        }
        for words in [
            ["check", "config", "--show", "-c", "obs.yaml"], ["check", "config", "-c", "obs.yaml"],
            ["notification", "list", "-o", "json"],
            ["query", "notifications", "-o", "json"], ["query", "audit", "-o", "json"], ["query", "incident", "1001"],
            ["route", "test", "-c", "obs.yaml", "-o", "json", "alertname=x"], ["check", "store"],
            ["backup", folder.path + "/copy.db"],
        ] {
            let result = try Program.run(words + ["--data-dir", data], in: folder.path)
            seen[words.joined(separator: " ")] = result.output + result.errors
        }
        let processes = try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { Int($0) != nil }
        for process in processes {
            let words = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") ?? Data()
            // The shell that stands for a vault has its secret among its words: that is what SecretCommand warns of.
            if words.range(of: Data("hunter7-printed".utf8)) != nil { continue }
            seen["process \(process)"] = String(decoding: words, as: UTF8.self)
        }
        Program.kill(service, SIGTERM)
        seen["log"] = try String(contentsOfFile: log, encoding: .utf8)
        for (place, text) in seen { #expect(!text.contains("hunter7"), "\(place): \(text.prefix(2000))") }
        #expect(seen["log"]!.contains("a notification was not delivered"))
        #expect(seen["check config --show -c obs.yaml"]!.contains("<secret>"))
        #expect(try files(with: "hunter7", below: data).isEmpty)
        #expect(FileManager.default.contents(atPath: folder.path + "/copy.db")?.range(of: Data("hunter7".utf8)) == nil)
    }
}
