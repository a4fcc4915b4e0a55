import Columns
import Foundation
import Lake
import TestSupport
import Testing

/// So many things happen to the followed file in random order, as fast as they come: `OBS_ROTATIONS=100`.
private let turns = Int(ProcessInfo.processInfo.environment["OBS_ROTATIONS"] ?? "") ?? 12

/// A followed file that is rotated, truncated and written anew while a pipeline runs on it.
@Suite(.timeLimit(.minutes(20)))
struct `A file that does not stay as it is` {
    private let folder = TemporaryFolder()

    private enum Happening: String, CaseIterable {
        /// `mv`, and a new file in its place at once.
        case renamed
        /// The same, and somebody goes on writing to the old one for a moment.
        case renamedWithLateWriter
        /// `cp`, then truncation to nothing.
        case copiedAndTruncated
        /// Truncated to nothing once it was read.
        case truncated
        /// Removed once it was read, and made anew.
        case removed
        case killed
    }

    @Test func `loses no line and doubles none`() async throws {
        let seed = UInt64.random(in: 1...1_000_000)
        var random = SplitMix64(seed: seed)
        let log = folder.path + "/in/auth.log", port = freePort()
        try FileManager.default.createDirectory(atPath: folder.path + "/in", withIntermediateDirectories: true)
        let pipeline = PipelineTraffic(kind: "ssh", folder: folder.path)
        try pipeline.configure(port: port)
        var written = 0, generation = 0
        func lines() -> Data {
            let count = Int.random(in: 1...400, using: &random)
            defer { written += count }
            return Data(
                (written..<written + count).map {
                    "2026-11-02T08:\($0 / 60_000 % 60 < 10 ? "0" : "")\($0 / 60_000 % 60):00Z gate sshd[\($0)]: Failed password for root from 192.0.2.\($0 % 200) port 4000 ssh2\n"
                }.joined().utf8)
        }
        func open() throws -> FileHandle {
            _ = Foundation.close(Foundation.open(log, O_WRONLY | O_CREAT | O_APPEND, 0o644))
            let file = try FileHandle(forWritingTo: URL(filePath: log))
            try file.seekToEnd()
            return file
        }
        let lake = Lake(root: folder.path + "/data/lake")
        func isRead() async -> Bool {
            await eventually(within: 120) { (try? lake.table("bronze.ssh").rowCount()) == written }
        }
        func start() throws -> Process { try Program.start(["run", "-c", "obs.yaml"], in: folder.path) }

        var file = try open()
        try file.write(contentsOf: lines())
        var obs = try start()
        defer { Program.kill(obs, SIGKILL) }
        // What is moved away before it was ever seen is not known as a rotated file.
        #expect(await isRead())
        var happenings: [Happening] = []
        while happenings.count < turns { happenings += Happening.allCases.shuffled(using: &random) }
        for happening in happenings {
            // Rotations are minutes apart; so much is enough for the times of the files to tell which came first.
            try await Task.sleep(for: .milliseconds(20))
            try file.write(contentsOf: lines())
            if Bool.random(using: &random) { try await Task.sleep(for: .milliseconds(Int.random(in: 0...150, using: &random))) }
            generation += 1
            let old = "\(log).\(generation)"
            switch happening {
            case .renamed:
                try FileManager.default.moveItem(atPath: log, toPath: old)
                try file.close()
                file = try open()
            case .renamedWithLateWriter:
                try FileManager.default.moveItem(atPath: log, toPath: old)
                let new = try open()
                try new.write(contentsOf: lines())
                try file.write(contentsOf: lines())
                try file.close()
                file = new
            case .copiedAndTruncated:
                try FileManager.default.copyItem(atPath: log, toPath: old)
                try file.truncate(atOffset: 0)
            case .truncated:
                #expect(await isRead(), "seed \(seed): \(happening)")
                try file.truncate(atOffset: 0)
                try file.write(contentsOf: lines())
                #expect(await isRead(), "seed \(seed): \(happening)")
            case .removed:
                #expect(await isRead(), "seed \(seed): \(happening)")
                try FileManager.default.removeItem(atPath: log)
                try file.close()
                file = try open()
                // A file that follows one which is gone is known once it was seen; moved away before, nothing tells that it came after.
                try file.write(contentsOf: lines())
                #expect(await isRead(), "seed \(seed): \(happening)")
            case .killed:
                Program.kill(obs, SIGKILL)
                obs = try start()
            }
        }
        try file.write(contentsOf: lines())
        #expect(await isRead(), "seed \(seed): \(happenings.map(\.rawValue))")
        #expect(await eventually { await Program.get("http://127.0.0.1:\(port)/-/ready") != nil })
        Program.kill(obs, SIGTERM)
        for table in ["bronze.ssh", "silver.ssh"] {
            var seen: [Int: Int] = [:], files: [Int: Set<String>] = [:]
            try lake.table(table).scan(columns: [table == "silver.ssh" ? "pid" : "line", "file"]) { batch in
                for row in 0..<batch.count {
                    let text = batch.row(row)[0].description
                    let pid = text.firstMatch(of: #/sshd\[(\d+)\]/#).map { String($0.1) } ?? text
                    seen[Int(pid) ?? -1, default: 0] += 1
                    files[Int(pid) ?? -1, default: []].insert(batch.row(row)[1].description)
                }
                return true
            }
            let missing = (0..<written).filter { seen[$0] == nil }, doubled = seen.filter { $0.value > 1 }.keys.sorted()
            #expect(
                missing.isEmpty && doubled.isEmpty && seen.count == written,
                "seed \(seed), \(table): \(missing.count) missing from \(missing.first ?? -1), \(doubled.count) twice from \(doubled.first ?? -1) to \(doubled.last ?? -1) of \(written) in \(files[doubled.first ?? -1] ?? []); \(happenings.map(\.rawValue))"
            )
        }
    }
}
