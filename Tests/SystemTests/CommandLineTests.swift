import Foundation
import TestSupport
import Testing

/// What a person sees who has mistyped, or whose disk, network or rights are not as they should be.
struct `A command that cannot be done` {
    private let folder = TemporaryFolder()

    init() throws {
        let files = FileManager.default
        try files.createDirectory(atPath: folder.path + "/folder", withIntermediateDirectories: true)
        try files.createDirectory(atPath: folder.path + "/damaged", withIntermediateDirectories: true)
        for (name, text) in [
            ("damaged/obs.db", "this is no database, whatever its name says"),
            ("unknown.yaml", "data_dir: x\nhttp: { listne: a }\n"),
            ("unclosed.yaml", "a: [1\nb: }"), ("binary.yaml", "\u{1}\u{2}\u{3}"), ("file", "a line\n"),
        ] { try text.write(toFile: "\(folder.path)/\(name)", atomically: true, encoding: .utf8) }
    }

    /// `@` stands for the folder of the test.
    @Test(arguments: [
        ("frob", 2, "Unexpected argument 'frob'; see 'obs --help'"),
        ("query incidents --frob", 2, "Unknown option '--frob'; see 'obs query incidents --help'"),
        ("query incidents --limit 0", 2, "--limit is 0; write a number from 1 on; see 'obs query incidents --help'"),
        ("process", 2, "Missing expected argument '<files> ...'; see 'obs process --help'"),
        (
            "parse --format frob @/file", 2,
            "there is no format 'frob'; known are sshd, json, logfmt, csv, log4j, obs, layout, auto, combined, common, haproxy, "
                + "nginx_error, apache_error, klog, android, zookeeper, hdfs, openstack, windows_cbs, spring, flink, go, java, "
                + "syslog, slog, zap"
        ),
        ("run -c @/none.yaml", 2, "@/none.yaml: there is no such file"),
        ("run -c @/folder", 2, "@/folder: is a folder; name a configuration file"),
        ("run -c @/unknown.yaml", 2, "@/unknown.yaml:2: unknown key 'listne' in http; did you mean 'listen'?"),
        ("check config @/unknown.yaml", 1, "@/unknown.yaml:2: unknown key 'listne' in http; did you mean 'listen'?"),
        ("check config @/unclosed.yaml", 1, "@/unclosed.yaml:2: this is not valid YAML: did not find expected ',' or ']'"),
        (
            "check config @/binary.yaml", 1,
            "@/binary.yaml: this is not text that YAML may hold: control characters are not allowed"
        ),
        (
            "query incidents --data-dir @/damaged", 3,
            "@/damaged/obs.db: cannot be opened as a database: file is not a database; put a backup in its place with 'obs restore FILE'"
        ),
        ("process @/file --data-dir @/file/below", 3, "@/file/below: the folder cannot be made: Not a directory"),
        (
            "lake tables --data-dir @/folder", 2,
            "@/folder: there are no tables in it; name the data directory with --data-dir, or make some with 'obs process FILE' or 'obs demo'"
        ),
        (
            "silence add a=b --comment c --data-dir @/folder", 2,
            "@/folder: there is no obs.db in it; name the data directory with --data-dir, or make one with 'obs run' or 'obs demo'"
        ),
        (
            "restore @/folder --data-dir @/new", 3,
            "@/folder: is not a backup that can be restored: it is a folder; nothing was changed"
        ),
        ("sink --listen frob", 2, "--listen is 'frob'; write host:port such as 127.0.0.1:5001; see 'obs sink --help'"),
        (
            "sink --listen 192.0.2.1:5001", 3,
            "cannot listen on 192.0.2.1:5001: this machine has no such address; choose another address"
        ),
    ])
    func `says so in one sentence on standard error, with the exit code for it`(line: String, status: Int32, sentence: String)
        throws
    {
        let result = try Program.run(line.replacing("@", with: folder.path).split(separator: " ").map(String.init))
        #expect(result.errors == "obs: \(sentence.replacing("@", with: folder.path))\n")
        #expect(result.status == status && result.output.isEmpty)
    }

    @Test func `makes no data directory to answer out of`() throws {
        let place = folder.path + "/none"
        for line in [
            "lake tables", "lake verify", "lake vacuum", "model list", "model score", "notification list", "silence list",
            "alert list",
            "query incidents", "replay --pipeline ssh", "backup x.db", "check store",
        ] {
            #expect(try Program.run(line.split(separator: " ").map(String.init) + ["--data-dir", place]).status == 2, "\(line)")
            #expect(!FileManager.default.fileExists(atPath: place), "\(line)")
        }
    }
}

struct `A backup` {
    private let folder = TemporaryFolder()

    private func obs(_ words: String..., in place: String? = nil) throws -> Program.Result {
        try Program.run(words + ["--data-dir", folder.path + "/data"], in: place)
    }

    @Test func `takes the place of a database that cannot be opened any more, which is kept`() throws {
        try "".write(toFile: folder.path + "/empty.log", atomically: true, encoding: .utf8)
        #expect(try obs("process", folder.path + "/empty.log").status == 0)
        #expect(try obs("alert", "add", "DiskFull").status == 0)
        // By its bare name: into the folder that one is in.
        #expect(try obs("backup", "monday.db", in: folder.path).status == 0)
        let database = folder.path + "/data/obs.db", rubbish = "no database at all, whatever its name says"
        for suffix in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: database + suffix) }
        try rubbish.write(toFile: database, atomically: true, encoding: .utf8)

        let damaged = try obs("alert", "add", "DiskFull")
        #expect(damaged.status != 0, "\(damaged.errors)")
        #expect(damaged.errors.contains("the newest backup is of 20"), "\(damaged.errors)")
        #expect(damaged.errors.contains("obs restore '\(folder.path)/monday.db'"), "\(damaged.errors)")
        #expect(try obs("restore", folder.path + "/empty.log").status == 3, "what is no backup is not put in its place")
        #expect(try String(contentsOfFile: database, encoding: .utf8) == rubbish)
        let restored = try obs("restore", folder.path + "/monday.db")
        #expect(restored.status == 0, "\(restored.errors)")
        #expect(try obs("query", "incidents").output.contains("DiskFull"))
        let kept = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/data").filter { $0.contains("before-") }
        #expect(kept.count == 1)
        #expect(try String(contentsOfFile: folder.path + "/data/" + #require(kept.first), encoding: .utf8) == rubbish)
    }
}

struct `A signal` {
    private let folder = TemporaryFolder()

    @Test func `ends at once what does not stop by the first`() async throws {
        // A pipe that nobody writes to: opening it waits for ever.
        let pipe = folder.path + "/auth.log"
        #expect(mkfifo(pipe, 0o600) == 0)
        let obs = try Program.start(["process", pipe, "--data-dir", folder.path + "/data"])
        #expect(await eventually { FileManager.default.fileExists(atPath: folder.path + "/data/obs.db") })
        // Whether it hears signals yet cannot be seen from outside: one that is not heard ends it otherwise.
        var signals = 0
        #expect(
            await eventually(every: .milliseconds(700)) {
                guard obs.isRunning else { return true }
                kill(obs.processIdentifier, signals % 2 == 0 ? SIGTERM : SIGINT)
                signals += 1
                return false
            })
        obs.waitUntilExit()
        #expect(signals == 1 || obs.terminationStatus == 130)
    }

    @Test func `of one wish come together, and what was read is committed`() async throws {
        let port = freePort()
        try "http: { listen: \"127.0.0.1:\(port)\" }\n".write(
            toFile: folder.path + "/obs.yaml", atomically: true, encoding: .utf8)
        let obs = try Program.start(["run", "-c", folder.path + "/obs.yaml", "--data-dir", folder.path + "/data"])
        #expect(await eventually { await Program.get("http://127.0.0.1:\(port)/-/ready") != nil })
        // Halted, it finds both when it goes on, as when a terminal and a wrapper send one each.
        kill(obs.processIdentifier, SIGSTOP)
        kill(obs.processIdentifier, SIGTERM)
        kill(obs.processIdentifier, SIGINT)
        kill(obs.processIdentifier, SIGCONT)
        obs.waitUntilExit()
        #expect(obs.terminationStatus == 0)
    }

    @Test func `stops a batch, which says that it has not come to the end and goes on from there`() async throws {
        let lines = (0..<60_000).map {
            "2026-11-02T08:\(String(format: "%02d:%02d", $0 / 6000 % 60, $0 / 100 % 60))Z gate sshd[7]: Failed password for root from 192.0.2.\($0 % 250) port \(1024 + $0 % 60_000) ssh2\n"
        }
        let path = folder.path + "/auth.log", process = ["process", path, "--data-dir", folder.path + "/data"]
        try lines.joined().write(toFile: path, atomically: true, encoding: .utf8)
        let obs = try Program.start(process)
        // The first rows are written by the run that listens for signals.
        let table = folder.path + "/data/lake/bronze/ssh"
        #expect(
            await eventually {
                !obs.isRunning
                    || (try? FileManager.default.contentsOfDirectory(atPath: table))?.contains { $0 != "_delta_log" } == true
            })
        Program.kill(obs, SIGINT)
        let isWhole = obs.terminationStatus == 0
        #expect(isWhole || obs.terminationStatus == 130)
        let runs = try Program.run(["query", "runs", "--data-dir", folder.path + "/data"]).output
        #expect(runs.contains(isWhole ? " ok " : "stopped before the end of its files"), "\(runs)")
        #expect(try Program.run(process).status == 0)
        #expect(try Program.run(["query", "sql", "SELECT 1", "--data-dir", folder.path + "/data"]).status == 0)
        let tables = try Program.run(["lake", "tables", "-o", "csv", "--data-dir", folder.path + "/data"]).output
        #expect(
            tables.contains("silver.ssh,")
                && tables.split(separator: "\r\n").contains { $0.hasPrefix("silver.ssh,") && $0.contains(",60000,") },
            "\(tables)")
    }
}
