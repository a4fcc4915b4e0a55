import Columns
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Ingest

/// So long the storm lasts: `OBS_STORM_SECONDS=300 swift test --filter "A pattern in a storm"` is the long form.
private let seconds = Int(ProcessInfo.processInfo.environment["OBS_STORM_SECONDS"] ?? "") ?? 3

/// A log that is written and rotated by another thread, many times faster than any log, while its reader is killed and started again.
struct `A pattern in a storm of rotations` {
    private final class Writer: Sendable {
        /// So many rotated files are kept.
        private static let kept = 60

        struct State {
            var written = 0
            /// How many lines the reader has committed.
            var read = 0
            var rotations = 0
            var isStopped = false
            var hasEnded = false
        }

        let path: String
        private let state = Mutex(State())
        private let random: Mutex<SplitMix64>

        init(_ path: String, seed: UInt64) {
            self.path = path
            random = Mutex(SplitMix64(seed: seed))
        }

        var now: State { state.withLock { $0 } }
        func note(read: Int) { state.withLock { $0.read = read } }
        func stop() { state.withLock { $0.isStopped = true } }
        private func draw(_ range: ClosedRange<Int>) -> Int { random.withLock { Int.random(in: range, using: &$0) } }

        func start() {
            Thread.detachNewThread { [self] in
                while !now.isStopped { turn() }
                state.withLock { $0.hasEnded = true }
            }
        }

        private func turn() {
            let first = now.written, count = draw(1...30)
            let text = (first..<first + count).map {
                "2026-11-27T10:00:00Z gate sshd[\($0)]: Connection closed by 192.0.2.1 port 4000\n"
            }.joined()
            let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o644)
            text.withCString { _ = Glibc.write(descriptor, $0, strlen($0)) }
            close(descriptor)
            state.withLock { $0.written += count }
            usleep(UInt32(draw(100...4000)))
            // A file that is removed before anybody could read it is lost to everybody.
            guard draw(0...5) == 0, first < state.withLock({ $0.read }) + 1000 else { return }
            // The clock of the file system ticks every four milliseconds: by it the files are told apart.
            usleep(9000)
            rotate()
            usleep(UInt32(draw(5000...12000)))
        }

        private func rotate() {
            var last = 1
            while access("\(path).\(last)", F_OK) == 0 { last += 1 }
            last = min(last, Self.kept)
            for generation in (1..<last).reversed() { rename("\(path).\(generation)", "\(path).\(generation + 1)") }
            if draw(0...1) == 0 {
                let bytes = FileManager.default.contents(atPath: path) ?? Data()
                let descriptor = open(path + ".1", O_WRONLY | O_CREAT | O_TRUNC, 0o644)
                let half = draw(0...2) == 0 ? bytes.count / 2 : bytes.count
                bytes.withUnsafeBytes { buffer in
                    _ = Glibc.write(descriptor, buffer.baseAddress, half)
                    if half < buffer.count { _ = Glibc.write(descriptor, buffer.baseAddress! + half, buffer.count - half) }
                }
                close(descriptor)
                truncate(path, 0)
            } else {
                rename(path, path + ".1")
            }
            state.withLock { $0.rotations += 1 }
        }
    }

    @Test func `is read once, line by line, whenever its reader is killed`() throws {
        let seed = ProcessInfo.processInfo.environment["OBS_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 1...1_000_000)
        var random = SplitMix64(seed: seed)
        let log = FollowedLog(pattern: "auth.log*")
        let writer = Writer(log.path, seed: seed)
        writer.start()
        let end = ContinuousClock.now + .seconds(seconds)
        var committed: [Int: String] = [:], twice: [String] = []
        var pending: [(Int, String)] = []
        var saved: [FilePosition] = []
        var files = try log.follower(from: saved)
        var kills = 0
        func commit() {
            for (number, place) in pending {
                if let other = committed[number] { twice.append("\(number): \(other) and \(place)") }
                committed[number] = place
            }
            pending = []
            saved = files.positions
            writer.note(read: committed.count)
        }
        func pass(kills mayKill: Bool) throws {
            try files.look()
            for follower in files.followers {
                while let read = try follower.next(now: .now) {
                    let text = String(decoding: read.block.bytes[..<read.block.length], as: UTF8.self)
                    for line in text.split(separator: "\n") {
                        let number = Int(line.split(separator: "[")[1].split(separator: "]")[0])!
                        pending.append((number, "\(read.file) \(read.block.offset)"))
                    }
                    try follower.commit(read)
                    if Int.random(in: 0..<4, using: &random) == 0 { commit() }
                    guard mayKill, Int.random(in: 0..<60, using: &random) == 0 else { continue }
                    pending = []
                    kills += 1
                    files = try log.follower(from: saved)
                    return
                }
            }
        }
        while ContinuousClock.now < end, twice.isEmpty {
            try pass(kills: true)
            usleep(UInt32.random(in: 10...3000, using: &random))
        }
        writer.stop()
        while !writer.now.hasEnded { usleep(1000) }
        let written = writer.now.written
        for _ in 0..<500 where twice.isEmpty && committed.count < written {
            usleep(20_000)
            try pass(kills: false)
            commit()
        }
        let missing = (0..<written).filter { committed[$0] == nil }
        #expect(twice.isEmpty, "seed \(seed), \(kills) kills, \(writer.now.rotations) rotations: \(twice.prefix(3))")
        if twice.isEmpty { #expect(missing.isEmpty, "seed \(seed): \(missing.count) from \(missing.first ?? -1) of \(written)") }
    }
}
