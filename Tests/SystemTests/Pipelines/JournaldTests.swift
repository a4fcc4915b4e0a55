import Columns
import Foundation
import Lake
import TestSupport
import Testing

/// journald as a source of the real binary: `journalctl` on PATH is a process that plays a journal.
@Suite(.timeLimit(.minutes(10)))
struct `A journal that obs follows` {
    private let folder = TemporaryFolder()

    private func start(_ journal: FakeJournal) throws -> Process {
        let obs = Process()
        obs.executableURL = URL(filePath: Program.path)
        obs.arguments = ["run"]
        obs.currentDirectoryURL = URL(filePath: folder.path)
        var environment = ProcessInfo.processInfo.environment
        environment["PATH"] = "\(journal.folder)/bin:\(environment["PATH"] ?? "/usr/bin:/bin")"
        obs.environment = environment
        obs.standardError = FileHandle.nullDevice
        try obs.run()
        return obs
    }

    @Test func `is in the tables once, whenever obs and journalctl are killed`() async throws {
        try FileManager.default.createDirectory(atPath: folder.path + "/journal", withIntermediateDirectories: true)
        let journal = try FakeJournal(in: folder.path + "/journal"), port = freePort()
        try """
        http: { listen: "127.0.0.1:\(port)" }
        data_dir: data
        sources:
          - { name: auth, journald: { facilities: [auth, authpriv], directory: journal }, silent_after: never }

        """.write(toFile: folder.path + "/obs.yaml", atomically: true, encoding: .utf8)
        var written = 0
        func write(_ count: Int) throws {
            try journal.append(
                (written..<(written + count)).map {
                    FakeJournal.entry($0, "Failed password for root from 192.0.2.1 port \(1000 + $0) ssh2", pid: $0)
                })
            written += count
        }
        try write(300)
        for round in 0..<4 {
            try journal.setBreaks(round == 1)
            let obs = try start(journal)
            for _ in 0..<5 {
                try write(Int.random(in: 1...40))
                try await Task.sleep(for: .milliseconds(Int.random(in: 0...150)))
            }
            Program.kill(obs, SIGKILL)
        }
        try journal.setBreaks(false)
        let obs = try start(journal)
        try write(7)
        var counts = RowCounts(Lake(root: folder.path + "/data/lake"), ["bronze.ssh": written, "silver.ssh": written])
        #expect(await eventually { counts.areReached() }, "\(counts.description)")
        let metrics = await Program.get("http://127.0.0.1:\(port)/metrics")
        #expect(metrics?.contains("obs_source_up{source=\"auth\",reason=\"reading\"} 1") == true)
        Program.kill(obs, SIGTERM)
        #expect(obs.terminationStatus == 0)
        let table = try Lake(root: folder.path + "/data/lake").table("silver.ssh")
        var pids: Set<String> = [], facts: Set<String> = [], times: [String] = []
        try table.scan(columns: ["pid", "host", "process", "event", "source", "event_time"]) { batch in
            for row in 0..<batch.count {
                let values = batch.row(row).map(\.description)
                pids.insert(values[0])
                facts.insert(values[1...4].joined(separator: " "))
                times.append(values[5])
            }
            return true
        }
        #expect(pids.count == written && facts == ["gate sshd failed_password 192.0.2.1"])
        #expect(times.min() == "2026-11-28T00:00:00.000001Z")
    }
}
