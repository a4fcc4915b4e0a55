import Foundation
import TestSupport
import Testing

/// What people see of a source that is not read, wherever they look.
@Suite(.timeLimit(.minutes(5)))
struct `A source that is not read` {
    private let folder = TemporaryFolder()
    private let port = freePort()
    private var url: String { "http://127.0.0.1:\(port)" }

    private func configure(_ sources: String) throws {
        try "http: { listen: \"127.0.0.1:\(port)\" }\ndata_dir: data\nsources:\n\(sources)".write(
            toFile: folder.path + "/obs.yaml", atomically: true, encoding: .utf8)
    }

    private func get(_ path: String, accept: String = "*/*") async -> String {
        (try? run("curl", ["-s", "-H", "Accept: \(accept)", url + path])) ?? ""
    }

    /// Missing, a folder in place of a file (what may not be read is asked of another user in `A data directory of another user`), and silent.
    @Test func `is seen in the check, the log, the metrics, the health and the page`() async throws {
        try "Nov 27 15:00:00 gate sshd[1]: Failed password for root from 192.0.2.1 port 4000 ssh2\n".write(
            toFile: folder.path + "/quiet.log", atomically: true, encoding: .utf8)
        try FileManager.default.createDirectory(atPath: folder.path + "/folder", withIntermediateDirectories: true)
        try configure(
            """
              - { name: gone, file: gone.log }
              - { name: folder, file: folder }
              - { name: quiet, file: quiet.log, silent_after: 1s }

            """)
        let check = try Program.run(["check", "config"], in: folder.path)
        #expect(check.status == 0 && check.output.hasPrefix("the configuration is good: 3 sources,"))
        #expect(try Program.run(["check", "config", "--strict"], in: folder.path).status == 1)
        let sentences = [
            ("missing", "source 'gone': gone.log: there is no such file"),
            ("not_regular", "source 'folder': folder: is a folder"),
            ("silent", "source 'quiet': quiet.log: no line for "),
        ]
        for (_, sentence) in sentences.prefix(2) { #expect(check.errors.contains("obs: warning: " + sentence)) }

        let log = folder.path + "/log"
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        let obs = Process()
        obs.executableURL = URL(filePath: Program.path)
        obs.arguments = ["run"]
        obs.currentDirectoryURL = URL(filePath: folder.path)
        obs.standardError = try FileHandle(forWritingTo: URL(filePath: log))
        try obs.run()
        defer { Program.kill(obs, SIGTERM) }
        #expect(await eventually { await get("/metrics").contains("obs_source_up{source=\"quiet\",reason=\"silent\"} 0") })
        let metrics = await get("/metrics"), page = await get("/", accept: "text/html")
        let health = try Program.run(["check", "health", "--url", url])
        let logged = try String(contentsOfFile: log, encoding: .utf8)
        #expect(health.status == 1)
        for (reason, sentence) in sentences {
            #expect(metrics.contains("reason=\"\(reason)\"} 0"))
            #expect(page.contains(sentence.replacing("'", with: "&#39;")))
            #expect(health.errors.contains("obs: \(url): \(sentence)"))
            #expect(logged.contains("\"reason\":\"\(reason)\""))
        }
        #expect(try Program.run(["check", "health", "--live", "--url", url]).status == 0)
    }

    @Test func `is none at all: the start, the check and the page say what to do`() async throws {
        try configure("  []\n")
        let check = try Program.run(["check", "config"], in: folder.path)
        #expect(
            check.status == 0
                && check.errors.contains("obs: warning: no source is configured, so obs watches nothing; name a log"))
        let obs = try Program.start(["run"], in: folder.path)
        defer { Program.kill(obs, SIGTERM) }
        #expect(await eventually { await get("/", accept: "text/html").contains("No source is configured") })
    }
}

@Suite(.timeLimit(.minutes(5)))
struct `A second 'obs run'` {
    private let folder = TemporaryFolder()

    @Test func `on a data directory ends at once, and says who is there`() async throws {
        let port = freePort()
        for (name, port) in [("first", port), ("second", freePort())] {
            try "http: { listen: \"127.0.0.1:\(port)\" }\ndata_dir: data\n".write(
                toFile: "\(folder.path)/\(name).yaml", atomically: true, encoding: .utf8)
        }
        let obs = try Program.start(["run", "-c", "first.yaml"], in: folder.path)
        #expect(await eventually { await Program.get("http://127.0.0.1:\(port)/-/ready") != nil })
        let second = try Program.run(["run", "-c", "second.yaml"], in: folder.path)
        #expect(second.status == 3)
        #expect(
            second.errors
                == "obs: data: another 'obs run' (process \(obs.processIdentifier)) runs on this data directory; stop it, or choose another with --data-dir\n"
        )
        // The lock goes with its process, however that ends.
        Program.kill(obs, SIGKILL)
        let third = try Program.start(["run", "-c", "first.yaml"], in: folder.path)
        #expect(await eventually { await Program.get("http://127.0.0.1:\(port)/-/ready") != nil })
        Program.kill(third, SIGTERM)
        #expect(third.terminationStatus == 0)
    }

    @Test func `on a port that is in use says so, and nothing else`() async throws {
        let taken = try LoopbackListener()
        defer { taken.stop() }
        try
            "http: { listen: \"127.0.0.1:\(taken.port)\" }\nlog: { level: warning }\nsources: [{ name: a, file: /dev/null, silent_after: never }]\n"
            .write(toFile: folder.path + "/obs.yaml", atomically: true, encoding: .utf8)
        for _ in 0..<5 {
            let result = try Program.run(["run"], in: folder.path)
            #expect(
                result.status == 3 && !result.errors.contains("CancellationError")
                    && !result.errors.contains("\"level\":\"error\""))
            #expect(
                result.errors.hasSuffix(
                    "obs: cannot listen on 127.0.0.1:\(taken.port): the port is in use; set http.listen or stop the other process\n"
                ))
        }
    }
}
