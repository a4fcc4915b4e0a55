import Foundation
import Lake
import TestSupport
import Testing

/// Kills, and rows of each pipeline: `OBS_KILLS=100 OBS_KILL_ROWS=200000 swift test --filter ExactlyOnce` is what the documentation states.
/// `OBS_KILL_SEED`, which a failure names, makes the same rows again.
private let kills = Int(ProcessInfo.processInfo.environment["OBS_KILLS"] ?? "") ?? 3
private let rows = Int(ProcessInfo.processInfo.environment["OBS_KILL_ROWS"] ?? "") ?? 4000
private let kindsTried = ProcessInfo.processInfo.environment["OBS_KILL_PIPELINES"].map {
    $0.split(separator: ",").map(String.init)
}

@Suite(.timeLimit(.minutes(60)))
struct `Exactly once` {
    private let folder = TemporaryFolder()

    /// A process of obs that runs in `place`, whose `in` has the files that it reads.
    private func start(_ place: String) throws -> Process { try Program.start(["run", "-c", "obs.yaml"], in: place) }

    /// Waits until so many lines are in bronze and committed, then stops it as a service manager does.
    private func finish(_ obs: Process, _ place: String, port: Int, lines: [String: Int]) async throws {
        var counts = RowCounts(Lake(root: place + "/data/lake"), lines)
        #expect(await eventually(within: 300 + rows / 1000) { !obs.isRunning || counts.areReached() }, "\(counts.description)")
        #expect(await eventually { await Program.get("http://127.0.0.1:\(port)/-/ready") != nil })
        Program.kill(obs, SIGTERM)
        #expect(obs.terminationStatus == 0)
    }

    @Test(arguments: kindsTried ?? PipelineTraffic.kinds)
    func `a pipeline that is killed at random moments has the tables of one that never was`(kind: String) async throws {
        let seed = ProcessInfo.processInfo.environment["OBS_KILL_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 1...1_000_000)
        let calm = try PipelineTraffic.make(kind, rows: rows, seed: seed, folder: folder.path + "/\(kind)/calm/in")
        let calmPort = freePort(), wildPort = freePort()
        let calmPlace = folder.path + "/\(kind)/calm", wildPlace = folder.path + "/\(kind)/wild"
        try PipelineTraffic(kind: kind, folder: calmPlace).configure(port: calmPort)
        var obs = try start(calmPlace)
        var lines: [String: Int] = [:]
        for (input, name) in calm.files {
            lines[calm.bronze(input)] = try calm.bytes(name).count { $0 == UInt8(ascii: "\n") }
        }
        if kind == "shop" {
            for table in ["orders", "items"] {
                let database = calmPlace + "/in/shop.db"
                lines["bronze.shop_\(table)"] = try Program.count(table, in: database)
            }
            lines["bronze.shop_products"] = try FileManager.default.contentsOfDirectory(atPath: calmPlace + "/in/products").count
        }
        try await finish(obs, calmPlace, port: calmPort, lines: lines)
        let expected = try LakeRows(calmPlace + "/data/lake")
        #expect(lines.allSatisfy { expected.count($0.key) == $0.value })

        // The same files again, but for those that grow: they grow in pieces that end anywhere, while obs is killed again and again.
        try FileManager.default.createDirectory(atPath: wildPlace + "/in", withIntermediateDirectories: true)
        let grown = Set(calm.files.map(\.name)).subtracting(["users.jsonl"])
        for name in try FileManager.default.contentsOfDirectory(atPath: calm.folder) where !grown.contains(name) {
            try FileManager.default.copyItem(atPath: calm.folder + "/" + name, toPath: wildPlace + "/in/" + name)
        }
        var growing = try grown.sorted().map { name in
            try GrowingFile(wildPlace + "/in/" + name, calm.bytes(name), pieces: kills * 4)
        }
        try PipelineTraffic(kind: kind, folder: wildPlace).configure(port: wildPort)
        for _ in 0..<kills {
            obs = try start(wildPlace)
            for _ in 0..<4 {
                for index in growing.indices.shuffled() { try growing[index].grow() }
                try await Task.sleep(for: .milliseconds(Int.random(in: 0...120)))
            }
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...400)))
            Program.kill(obs, SIGKILL)
        }
        for index in growing.indices { try growing[index].finish() }
        obs = try start(wildPlace)
        try await finish(obs, wildPlace, port: wildPort, lines: lines)
        let found = try LakeRows(wildPlace + "/data/lake")
        let differences = found.differences(from: expected)
        #expect(differences.isEmpty, "\(kind), seed \(seed): \(differences.joined(separator: "\n"))")
        let layers = Set(found.tables.keys.map { $0.prefix { $0 != "." } })
        #expect(layers.isSuperset(of: ["bronze", "silver", "gold", "quarantine", "late"]), "\(kind): \(layers)")
    }
}
