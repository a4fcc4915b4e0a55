import Logging
import Server
import Daemon
import Foundation
import FoundationNetworking
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

/// Dead letters, from the command line and with a running obs.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct `The command obs notification` {
    private let folder = TemporaryFolder()

    private func configure(port: Int, hook: String) throws -> String {
        let path = folder.path + "/obs.yaml"
        try """
        data_dir: \(folder.path)/data
        http: { listen: "127.0.0.1:\(port)" }
        sources: [{ name: auth, file: \(folder.path)/auth.log }]
        alerting:
          route: { receiver: hook, group_wait: 0s }
          receivers: [{ name: hook, webhook_configs: [{ url: "\(hook)", http_config: { bearer_token: s3cret } }] }]
        """.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    private func run(_ arguments: [String], _ config: String) throws -> Program.Result {
        try Program.run(["notification"] + arguments + ["-c", config])
    }

    @Test func `lists what a receiver refused, shows it, and has it sent once the receiver is put right`() async throws {
        let port = freePort(), sinkPort = freePort()
        // obs itself knows no such path: it answers 404.
        var config = try configure(port: port, hook: "http://127.0.0.1:\(port)/nowhere")
        _ = FileManager.default.createFile(atPath: folder.path + "/auth.log", contents: nil)
        let obs = try Program.start(["run", "-c", config])
        defer { Program.kill(obs, SIGKILL) }
        #expect(
            await eventually {
                (try? await URLSession.shared.data(from: URL(string: "http://127.0.0.1:\(port)/-/ready")!)) != nil
            })
        let log = try FileHandle(forWritingTo: URL(filePath: folder.path + "/auth.log"))
        let stamp = Date.now.formatted(.iso8601)
        for index in 0..<12 {
            try log.write(
                contentsOf: Data(
                    "\(stamp) gate sshd[\(index)]: Failed password for root from 192.0.2.9 port \(4000 + index) ssh2\n".utf8))
        }
        #expect(
            try await eventually {
                try !run(["list", "-o", "csv"], config).output.split(whereSeparator: \.isNewline).dropFirst().isEmpty
            })
        let listed = try #require(
            try JSONSerialization.jsonObject(with: Data(run(["list", "-o", "json"], config).output.utf8)) as? [[String: Any]])
        let letter = try #require(listed.first)
        let id = "\(try #require(letter["id"]))"
        #expect(letter["receiver"] as? String == "hook" && letter["state"] as? String == "dead")
        #expect((letter["error"] as? String)?.hasPrefix("webhook: the receiver answered 404") == true)
        let shown = try #require(
            try JSONSerialization.jsonObject(with: Data(run(["show", id], config).output.utf8)) as? [String: Any])
        #expect((shown["payload"] as? [String: Any])?["receiver"] as? String == "hook")
        #expect(try run(["show", "9999"], config).errors.contains("there is no notification 9999"))
        #expect(try run(["resend"], config).status == 2)

        let delivered = Mutex<[String]>([])
        let sink = WebhookSink(listen: "127.0.0.1:\(sinkPort)") { delivery in delivered.withLock { $0 += delivery.summaries } }
        let group = ServiceGroup(services: [sink], logger: .init(label: "sink"))
        let running = Task { try await group.run() }
        _ = await sink.boundPort.wait()
        config = try configure(port: port, hook: "http://127.0.0.1:\(sinkPort)/hook")
        Foundation.kill(obs.processIdentifier, SIGHUP)
        #expect(
            await eventually {
                _ = try? run(["resend", "--all", "--quiet"], config)
                return delivered.withLock { !$0.isEmpty }
            })
        #expect(
            try await eventually { try run(["list", "-o", "csv"], config).output.split(whereSeparator: \.isNewline).count <= 1 })
        await group.triggerGracefulShutdown()
        _ = await running.result
    }

    @Test func `is beside 'obs check config', which takes an Alertmanager file and hides its secrets`() throws {
        let path = folder.path + "/alertmanager.yml"
        try "route: {receiver: a}\nreceivers: [{name: a, slack_configs: [{api_url: 'http://x/s3cret', channel: c}]}]\n".write(
            toFile: path, atomically: true, encoding: .utf8)
        let good = try Program.run(["check", "config", path])
        #expect(
            good.status == 0 && good.output == "\(path) is good: 1 receiver, 1 integration, 0 inhibit rules, 0 time intervals\n"
        )
        let shown = try Program.run(["check", "config", path, "--show"])
        #expect(shown.output.contains("api_url: <secret>") && !shown.output.contains("s3cret"), "\(shown.output)")
        try "route: {receiver: a}\nreceivers: [{name: a, slack_configs: [{channel: '{{ .GroupLabels.a }}'}]}]\n".write(
            toFile: path, atomically: true, encoding: .utf8)
        let bad = try Program.run(["check", "config", path])
        #expect(bad.status == 1 && bad.errors.hasPrefix("obs: \(path):2: channel holds a Go template"), "\(bad.errors)")
    }
}
