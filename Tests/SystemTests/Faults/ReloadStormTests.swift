import Foundation
import Glibc
import Lake
import TestSupport
import Testing

/// So often: `OBS_RELOADS=1000 swift test --filter "reloaded again and again"` is the long form.
private let reloads = Int(ProcessInfo.processInfo.environment["OBS_RELOADS"] ?? "") ?? 12

/// Guards against a reload that loses what its pipeline was reading, or keeps files, tasks or sockets of the one before.
@Suite(.timeLimit(.minutes(60))) struct `A configuration that is reloaded again and again` {
    private let folder = TemporaryFolder()

    /// Every second one has another rule, so that the pipeline stops and goes on; every third another route.
    private func configure(_ number: Int, port: Int) throws {
        try """
        - name: Guessing
          severity: warning
          title: "{source} guesses"
          description: "{count} guesses"
          match: 'event="failed_password"'
          group_by: [source]
          within: 5m
          count: \(1000 + number % 2)
        """.write(toFile: folder.path + "/rules.yml", atomically: true, encoding: .utf8)
        try """
        data_dir: \(folder.path)/data
        http: { listen: "127.0.0.1:\(port)" }
        detections: [rules.yml]
        sources: [{ name: auth, file: \(folder.path)/auth.log, silent_after: never }]
        alerting:
          route: { receiver: none, group_wait: \(number % 3 + 1)s }
          receivers: [{ name: none }]
        """.write(toFile: folder.path + "/obs.yaml", atomically: true, encoding: .utf8)
    }

    @Test func `loses and doubles no line, and leaves nothing open`() async throws {
        let port = freePort(), path = folder.path + "/auth.log"
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        let log = try FileHandle(forWritingTo: URL(filePath: path))
        try configure(0, port: port)
        let obs = try Program.start(["run", "-c", folder.path + "/obs.yaml"])
        defer { Program.kill(obs, SIGKILL) }
        #expect(await eventually { await Program.get("http://127.0.0.1:\(port)/-/ready") != nil })
        func reloaded() async -> String? {
            await Program.get("http://127.0.0.1:\(port)/metrics")?.split(separator: "\n").first {
                $0.hasPrefix("obs_config_last_reload_timestamp_seconds ")
            }.map(String.init)
        }
        func open() throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/\(obs.processIdentifier)/fd").count
        }
        var written = 0, early = 0
        for number in 1...reloads {
            let before = await reloaded()
            try configure(number, port: port)
            kill(obs.processIdentifier, SIGHUP)
            let stamp = Date.now.formatted(.iso8601)
            let lines = (0..<50).map {
                "\(stamp) gate sshd[\(number)]: Failed password for root from 192.0.2.\($0 % 200) port \(1024 + $0) ssh2\n"
            }
            try log.write(contentsOf: Data(lines.joined().utf8))
            written += 50
            #expect(await eventually { await reloaded() != before }, "reload \(number)")
            if number == reloads / 2 { early = try open() }
        }
        let lake = Lake(root: folder.path + "/data/lake")
        #expect(await eventually { (try? lake.table("silver.ssh").rowCount()) == written })
        #expect(try open() < early + 10, "files were left open")
        Program.kill(obs, SIGTERM)
        #expect(obs.terminationStatus == 0)
        #expect(try lake.table("bronze.ssh").rowCount() == written)
        print("\(reloads) reloads, \(written) lines")
    }
}
