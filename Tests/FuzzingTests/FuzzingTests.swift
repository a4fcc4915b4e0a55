import Columns
import Foundation
import Fuzzing
import TestSupport
import Testing

extension FuzzTarget: CustomTestStringConvertible {
    public var testDescription: String { name }
}

struct `Bytes from outside` {
    /// Inputs that once were findings: files whose names begin with the target's.
    private static let findings: [(name: String, bytes: [UInt8])] = {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(
            path: "Fuzzing/Findings")
        let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        return files.compactMap { file in
            FileManager.default.contents(atPath: file.path).map { (file.lastPathComponent, [UInt8]($0)) }
        }
    }()

    /// So many changed inputs of each target; `make fuzz` goes on for longer and better.
    private static let rounds = ProcessInfo.processInfo.environment["OBS_FUZZ_ROUNDS"].flatMap(Int.init) ?? 60

    @Test(arguments: FuzzTarget.all)
    func `break no promise, as they are, as they were when they did, and changed at random`(target: FuzzTarget) {
        let known = target.seeds + Self.findings.filter { $0.name.hasPrefix(target.name + "-") }.map(\.bytes) + [[]]
        for bytes in known { target.run(bytes) }
        var random = SplitMix64(seed: 15)
        for _ in 0..<Self.rounds {
            var bytes = known.randomElement(using: &random)!
            for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: at)
                case 2: bytes.insert(contentsOf: bytes[at...].prefix(9), at: at)
                default: bytes.insert([0, 10, 34, 92, 123, 255].randomElement(using: &random)!, at: at)
                }
            }
            target.run(bytes)
        }
    }

    @Test func `have a target of another name for each way in`() {
        #expect(Set(FuzzTarget.all.map(\.name)).count == FuzzTarget.all.count)
    }
}
