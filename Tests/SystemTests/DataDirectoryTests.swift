import Foundation
import TestSupport
import Testing

/// Root, a service's user and a member of its group on one data directory: `nobody` with the group `nogroup`, and `daemon`.
@Suite(
    .enabled(if: geteuid() == 0 && (try? run("setpriv", ["--version"])) != nil, "only root can be three users"),
    .timeLimit(.minutes(5)))
struct `A data directory of another user` {
    private let folder = TemporaryFolder()
    private var data: String { folder.path + "/data" }

    init() throws {
        chmod(folder.path, 0o755)
        try run("install", ["-d", "-o", "nobody", "-g", "nogroup", "-m", "0750", data])
        let lines = (0..<12).map {
            "2026-11-27T15:00:\(10 + $0)Z gate sshd[7]: Failed password for root from 192.0.2.1 port \(4000 + $0) ssh2\n"
        }
        try lines.joined().write(toFile: folder.path + "/auth.log", atomically: true, encoding: .utf8)
        // As logs are that only root and a group may read.
        chmod(folder.path + "/auth.log", 0o600)
    }

    private func obs(_ words: String..., as user: String? = nil, group: String = "nogroup") throws -> ProgramOutput {
        let become = user.map { ["setpriv", "--reuid", $0, "--regid", group, "--clear-groups"] } ?? []
        return try output(of: "env", become + [Program.path] + words + ["--data-dir", data])
    }

    /// What is not the service's own: of another user or group, or open to others.
    private func foreign() throws -> String {
        try run("find", [data, "!", "-user", "nobody", "-o", "!", "-group", "nogroup", "-o", "-perm", "/027"])
    }

    @Test func `gets nothing but its owner's files from root's commands, which the owner goes on with`() throws {
        for words in [
            ["process", folder.path + "/auth.log"], ["query", "incidents"],
            ["incident", "reopen", "1001", "--by", "ann"], ["incident", "ack", "1001", "--by", "ann"],
            ["silence", "add", "a=b", "--comment", "x"], ["alert", "add", "DiskFull"], ["alert", "list"], ["lake", "optimize"],
            ["check", "store"], ["replay", "--pipeline", "ssh"], ["model", "train", "--simulated", "rail", "--days", "2"],
        ] {
            let result = try output(of: Program.path, words + ["--data-dir", data])
            #expect(result.status == 0, "\(words): \(result.text)")
            let foreign = try foreign()
            #expect(foreign.isEmpty, "\(words) leaves \(foreign)")
        }
        for words in [
            ["process", folder.path + "/more.log"], ["incident", "resolve", "1001", "--by", "ann"], ["lake", "verify"],
        ] {
            try "2026-11-27T15:01:00Z gate sshd[7]: Failed password for root from 192.0.2.1 port 4000 ssh2\n".write(
                toFile: folder.path + "/more.log", atomically: true, encoding: .utf8)
            let become = ["--reuid", "nobody", "--regid", "nogroup", "--clear-groups", Program.path]
            let result = try output(of: "setpriv", become + words + ["--data-dir", data])
            #expect(result.status == 0, "\(words): \(result.text)")
        }
    }

    @Test func `is refused to root that cannot become the owner, with the line to type`() throws {
        let result = try output(
            of: "setpriv", ["--bounding-set", "-setuid,-setgid", Program.path, "process", "a b.log", "--data-dir", data])
        #expect(result.status == 2)
        #expect(
            result.text
                == "obs: \(data): belongs to 'nobody', who could not use what root writes there, and root cannot become 'nobody': Operation not permitted; type: sudo -u nobody \(Program.path) process 'a b.log' --data-dir \(data)\n"
        )
        #expect(try FileManager.default.contentsOfDirectory(atPath: data).isEmpty)
    }

    @Test func `answers those of its group whether obs runs, has stopped or was killed, and others why not`() async throws {
        #expect(try obs("process", folder.path + "/auth.log").status == 0)
        let questions = [
            ["query", "incidents"], ["query", "sql", "SELECT count(*) FROM incident"], ["query", "events"], ["lake", "tables"],
            ["lake", "history", "silver.ssh"], ["lake", "export", "silver.ssh"], ["lake", "verify"], ["check", "store"],
            ["silence", "list"], ["alert", "list"], ["notification", "list"], ["model", "list"],
        ]
        func ask(_ moment: String) throws {
            for words in questions {
                let become = ["--reuid", "daemon", "--regid", "nogroup", "--clear-groups", Program.path]
                let result = try output(of: "setpriv", become + words + ["--data-dir", data])
                #expect(result.status == 0, "\(moment), \(words): \(result.text)")
            }
        }
        try ask("stopped")
        let port = freePort()
        try "http: { listen: \"127.0.0.1:\(port)\" }\nsources: [{ name: auth, file: \(folder.path)/auth.log }]\n".write(
            toFile: folder.path + "/obs.yaml", atomically: true, encoding: .utf8)
        let service = Process()
        service.executableURL = URL(filePath: "/usr/bin/env")
        service.arguments = [
            "setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", Program.path, "run", "-c",
            folder.path + "/obs.yaml", "--data-dir", data,
        ]
        service.standardError = FileHandle.nullDevice
        try service.run()
        // It may not read the log, which is the third kind of a source that is not read.
        #expect(
            await eventually {
                await Program.get("http://127.0.0.1:\(port)/metrics")?.contains(
                    "obs_source_up{source=\"auth\",reason=\"unreadable\"} 0") == true
            })
        let health = try output(of: Program.path, ["check", "health", "--url", "http://127.0.0.1:\(port)"])
        #expect(
            health.status == 1 && health.text.contains("source 'auth': \(folder.path)/auth.log: user 'nobody' may not read it"))
        try ask("running")
        Program.kill(service, SIGKILL)
        try ask("killed")

        let closed = try obs("query", "incidents", as: "daemon", group: "daemon")
        #expect(closed.status == 3 && closed.text.contains("user 'daemon' has no permission to look into it"))
        let change = try obs("silence", "add", "a=b", "--comment", "x", as: "daemon")
        #expect(change.status == 3 && change.text.contains("obs.db: cannot be opened as a database: Permission denied"))
        // Nobody's questions have left anything.
        let foreign = try foreign()
        #expect(foreign.isEmpty, "\(foreign)")
    }

    @Test func `takes an earlier database away from everybody else`() throws {
        #expect(try obs("process", folder.path + "/auth.log").status == 0)
        for file in ["obs.db", "serve.db"] { chmod("\(data)/\(file)", 0o644) }
        #expect(try obs("alert", "add", "DiskFull").status == 0)
        #expect(try foreign().isEmpty)
    }
}
