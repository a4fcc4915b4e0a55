import Columns
import Foundation
import TestSupport
import Testing

@testable import Lake

/// `lake-torture`, which is built beside the tests.
private let torture = Bundle.main.executableURL?.deletingLastPathComponent().appending(path: "lake-torture").path ?? ""
private let tortureProgram: String = {
    // The tests run from the folder of the build products, or from a bundle in it.
    let products = Bundle.allBundles.map { $0.bundleURL.deletingLastPathComponent().appending(path: "lake-torture").path }
    return ([torture] + products).first { FileManager.default.isExecutableFile(atPath: $0) } ?? torture
}()

private let strace = FileManager.default.isExecutableFile(atPath: "/usr/bin/strace") ? "/usr/bin/strace" : nil

struct `Several processes on one table` {
    private let folder = TemporaryFolder()

    private func process(_ arguments: [String], under tracer: [String] = []) throws -> StartedProgram {
        let command = tracer + [tortureProgram] + arguments
        return try StartedProgram(command[0], Array(command.dropFirst()))
    }

    private func numbers(of writer: String, in table: DeltaTable) throws -> [Int64] {
        try rows(table).filter { $0[0] == .text(writer) }.compactMap { if case .int(let number) = $0[1] { number } else { nil } }
    }

    /// OBS_COMMITS sets how many commits each process makes; 500 in the measured run.
    @Test func `lose no row and no version, while a third one merges their files`() throws {
        let commits = Int(ProcessInfo.processInfo.environment["OBS_COMMITS"] ?? "") ?? 40
        _ = try Lake(root: folder.path).table("silver.t", creating: Schema([Field("writer", .text), Field("n", .int64)]))
        let writers = try ["a", "b"].map { try process(["append", folder.path, $0, String(commits)]) }
        #expect(writers.map { $0.wait() } == [0, 0])
        let table = try Lake(root: folder.path).table("silver.t")
        #expect(table.version == Int64(2 * commits))
        for writer in ["a", "b"] {
            let numbers = try numbers(of: writer, in: table)
            #expect(numbers == Array(0..<Int64(commits)), "\(writer): \(numbers)")
        }
        let more = try ["c", "d"].map { try process(["append", folder.path, $0, String(commits / 2)]) }
        let merging = try process(["upkeep", folder.path, "-", "5"])
        #expect((more + [merging]).map { $0.wait() } == [0, 0, 0])
        try table.refresh()
        for writer in ["c", "d"] {
            let numbers = try numbers(of: writer, in: table)
            #expect(numbers == Array(0..<Int64(commits / 2)), "\(writer): \(numbers)")
        }
        #expect(try table.verify().problems == [])
    }

    /// Each process dies at a system call that is chosen at random among those that change files; OBS_KILLS sets how many, 200 in the measured run.
    @Test(.enabled(if: strace != nil, "there is no strace"))
    func `leave a table that is whole, whichever system call one of them dies at`() throws {
        let kills = Int(ProcessInfo.processInfo.environment["OBS_KILLS"] ?? "") ?? 8
        let seed = UInt64(ProcessInfo.processInfo.environment["OBS_SEED"] ?? "") ?? 7
        var random = SplitMix64(seed: seed)
        var committed: Int64 = 0
        var killed = 0
        for round in 0..<kills {
            let call = [
                "openat", "write", "fsync", "link,linkat", "unlink,unlinkat", "rename,renameat,renameat2", "mkdir,mkdirat",
            ].randomElement(using: &random)!
            let number = Int.random(in: 1...60, using: &random)
            let mode = round % 3 == 2 ? ["upkeep", folder.path, "-", "3"] : ["append", folder.path, "k", String(committed + 12)]
            let victim = try process(
                mode,
                under: [
                    strace!, "-f", "-qq", "-o", "/dev/null", "-e", "trace=\(call)", "-e",
                    "inject=\(call):signal=SIGKILL:when=\(number)",
                ])
            if victim.wait() != 0 { killed += 1 }
            guard let table = try? Lake(root: folder.path).table("silver.t") else {
                #expect(committed == 0)
                continue
            }
            let found = try numbers(of: "k", in: table)
            #expect(found == Array(0..<Int64(found.count)), "round \(round) of seed \(seed): \(call) \(number)")
            #expect(Int64(found.count) >= committed && Int64(found.count) - 1 == table.lastTransaction(of: "k") ?? -1)
            #expect(try table.verify().problems == [], "round \(round) of seed \(seed): \(call) \(number)")
            committed = Int64(found.count)
        }
        #expect(killed > kills / 4)
    }
}
