import Columns
import Foundation
import TestSupport
import Testing

@testable import Lake

/// Bytes that are not what they were: each is an error with a name, never a crash. OBS_FUZZ_ROUNDS sets how many of each kind.
struct `Damaged files` {
    private let folder = TemporaryFolder()
    private let rounds = Int(ProcessInfo.processInfo.environment["OBS_FUZZ_ROUNDS"] ?? "") ?? 300

    /// A copy with some bytes changed, sometimes cut short. Footers are where the structure is: half of the damage goes there.
    private func damaged(_ good: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
        var bytes = good
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            let low = Bool.random(using: &random) ? max(0, bytes.count - 1500) : 0
            bytes[Int.random(in: low..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        return Int.random(in: 0..<10, using: &random) == 0
            ? Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random))) : bytes
    }

    @Test func `of a table are refused`() throws {
        let table = try Lake(root: folder.path).table("silver.x", creating: allTypes)
        let writer = table.writer()
        try writer.append(randomBatch(rows: 300, seed: 3))
        try table.commit(adding: writer.finish())
        let path = folder.path + "/silver/x/" + table.files[0].path
        let good = [UInt8](FileManager.default.contents(atPath: path)!)
        var random = SplitMix64(seed: 11)
        var refused = 0
        for _ in 0..<rounds {
            try Data(damaged(good, &random)).write(to: URL(filePath: path))
            do { try table.scan { _ in true } } catch { refused += 1 }
        }
        #expect(refused > rounds / 2)
    }

    /// Checkpoints are the nested files: maps, lists and structures.
    @Test func `of a checkpoint are refused or passed over`() throws {
        let table = try Lake(root: folder.path).table(
            "silver.c", creating: Schema([Field("n", .int64), Field("day", .date)]), partitionedBy: ["day"])
        for index in 0..<20 { try append([[.int(Int64(index)), .date(Int32(index))]], to: table) }
        let key = "_delta_log/\(DeltaLog.number(20)).checkpoint.parquet"
        let good = try table.storage.get(key)
        var random = SplitMix64(seed: 12)
        var refused = 0
        for _ in 0..<rounds {
            try table.storage.put(key, damaged(good, &random))
            do { _ = try LogCheckpoint.actions(table.storage, key) } catch { refused += 1 }
        }
        #expect(refused > rounds / 4)
    }

    @Test func `compressed by snappy are refused, and good ones give back what was compressed`() throws {
        // Literals, a copy of each kind, and a copy that overlaps itself: "abcdabcdabcd" + "zzzzzzzz" + the first four letters.
        let good: [UInt8] =
            [24] + [3 << 2] + Array("abcd".utf8) + [(8 - 4) << 2 | 1, 4] + [0] + Array("z".utf8) + [(7 - 1) << 2 | 2, 1, 0]
            + [(4 - 1) << 2 | 3, 20, 0, 0, 0]
        #expect(String(decoding: try Snappy.decompress(good[...], size: 24), as: UTF8.self) == "abcdabcdabcdzzzzzzzzabcd")
        #expect(throws: Decompression.Failed.self) { try Snappy.decompress(good[...], size: 25) }
        var random = SplitMix64(seed: 13)
        var refused = 0
        for _ in 0..<(rounds * 20) {
            let bytes = damaged(good, &random)
            do { #expect(try Snappy.decompress(bytes[...], size: 24).count == 24) } catch { refused += 1 }
        }
        #expect(refused > rounds)
    }
}
