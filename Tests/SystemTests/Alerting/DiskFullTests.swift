import Foundation
import Glibc
import Lake
import TestSupport
import Testing

/// How long the disk stays full: `OBS_DISK_FULL_SECONDS=600 swift test --filter "disk that is full"`.
private let seconds = Int(ProcessInfo.processInfo.environment["OBS_DISK_FULL_SECONDS"] ?? "") ?? 8

/// A file system in memory, small enough to be filled.
private final class SmallDisk: Sendable {
    private let folder = TemporaryFolder()
    var path: String { folder.path }

    static let isPossible = geteuid() == 0 && (try? SmallDisk(megabytes: 1)) != nil

    init(megabytes: Int) throws {
        try run("mount", ["-t", "tmpfs", "-o", "size=\(megabytes)m", "tmpfs", folder.path])
    }

    deinit { _ = umount2(folder.path, Int32(MNT_DETACH)) }

    /// Takes all the room that is left, also what has been given back since the last time.
    func fill() {
        let file = open(path + "/filler", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        defer { close(file) }
        for size in [1 << 20, 4096, 1] {
            let piece = [UInt8](repeating: 1, count: size)
            while write(file, piece, size) > 0 {}
        }
    }

    func free() throws { try FileManager.default.removeItem(atPath: path + "/filler") }
}

/// Guards against a notification that is sent hundreds of times a second because it cannot be stored that it was sent.
@Suite(.enabled(if: SmallDisk.isPossible, "to mount a file system that can be filled needs root"), .timeLimit(.minutes(60)))
struct `A disk that is full for a while` {
    private let folder = TemporaryFolder()

    @Test func `costs no line and no alert, and nobody is told twice`() async throws {
        let disk = try SmallDisk(megabytes: 96), port = freePort(), log = folder.path + "/auth.log"
        let recorder = try await WebhookRecorder()
        try """
        data_dir: \(disk.path)/data
        http: { listen: "127.0.0.1:\(port)" }
        sources: [{ name: auth, file: \(log) }]
        alerting:
          route: { receiver: hook, group_by: [alertname, n, source], group_wait: 2s, group_interval: 1s, repeat_interval: 4h }
          receivers: [{ name: hook, webhook_configs: [{ url: "\(recorder.url)/hook" }] }]
        """.write(toFile: folder.path + "/obs.yaml", atomically: true, encoding: .utf8)
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        let file = try FileHandle(forWritingTo: URL(filePath: log))
        var written = 0
        func grow(_ count: Int) throws {
            let lines = (written..<written + count).map {
                "\(Date.now.formatted(.iso8601)) gate sshd[\($0)]: Failed password for root from 192.0.2.\($0 % 5) port \(1024 + $0 % 60_000) ssh2\n"
            }
            try file.write(contentsOf: Data(lines.joined().utf8))
            written += count
        }
        let api = "http://127.0.0.1:\(port)"
        var posted = 0
        var acknowledged: Set<String> = []
        /// Alerts with a group each; those that obs has said to have taken are to be told.
        func post(_ count: Int) async {
            let numbers = posted..<posted + count
            posted += count
            let alerts = numbers.map { #"{"labels":{"alertname":"Full","n":"\#($0)"},"endsAt":"2099-01-01T00:00:00Z"}"# }
            let answer = await HTTPTry.ask(
                api + "/api/v2/alerts", method: "POST", body: Data("[\(alerts.joined(separator: ","))]".utf8))
            if answer.status == 200 { acknowledged.formUnion(numbers.map(String.init)) }
        }
        func told() -> [String] { recorder.posts.flatMap { $0.labels("n") } }
        func metric(_ name: String) async -> Double? {
            await Program.get(api + "/metrics")?.split(separator: "\n").first { $0.hasPrefix(name + " ") }
                .flatMap { Double($0.split(separator: " ")[1]) }
        }

        let obs = try Program.start(["run", "-c", folder.path + "/obs.yaml"])
        defer { Program.kill(obs, SIGKILL) }
        #expect(await eventually { await Program.get(api + "/-/ready") != nil })
        try grow(2000)
        let lake = Lake(root: disk.path + "/data/lake")
        #expect(await eventually { (try? lake.table("bronze.ssh").rowCount()) == written })

        // Owed when the disk is full: they are due two seconds later.
        await post(20)
        try #require(acknowledged.count == 20)
        disk.fill()
        let start = ContinuousClock.now
        var refused = 0
        while ContinuousClock.now - start < .seconds(seconds) {
            try grow(100)
            disk.fill()
            let before = acknowledged.count
            await post(1)
            if acknowledged.count == before { refused += 1 }
            try await Task.sleep(for: .milliseconds(200))
        }
        let meanwhile = recorder.posts
        #expect(refused > 0)
        #expect(meanwhile.count == Set(meanwhile.map(\.idempotencyKey)).count)

        try disk.free()
        await post(5)
        #expect(await eventually(within: 180) { acknowledged.isSubset(of: told()) })
        #expect(await eventually(within: 300) { (try? lake.table("bronze.ssh").rowCount()) == written })
        #expect(await eventually { await metric("obs_outbox_depth") == 0 })
        #expect(await metric("obs_notifications_unstored") == 0)
        let posts = recorder.posts
        #expect(posts.count == Set(posts.map(\.idempotencyKey)).count)
        #expect(told().count == Set(told()).count)
        Program.kill(obs, SIGTERM)
        #expect(obs.terminationStatus == 0)
        for check in [["check", "store"], ["lake", "verify"]] {
            let result = try Program.run(check + ["--data-dir", disk.path + "/data"])
            #expect(result.status == 0, "\(check): \(result.output)\(result.errors)")
        }
        await recorder.stop()
        print(
            """
            the disk was full for \(seconds) s: \(written) lines written and \(try lake.table("bronze.ssh").rowCount()) kept, \(acknowledged.count) alerts acknowledged, \
            \(refused) posts refused, \(posts.count) notifications (\(meanwhile.count) while it was full) with \(Set(posts.map(\.idempotencyKey)).count) keys
            """)
    }
}
