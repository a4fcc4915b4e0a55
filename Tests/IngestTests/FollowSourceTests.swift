import Columns
import Foundation
import Logging
import Parsing
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import Ingest

@Suite(.timeLimit(.minutes(10)))
struct `A followed file` {
    @Test(arguments: [true, false])
    func `gives each line once it ends`(usesNotification: Bool) async throws {
        let log = FollowedLog(usesNotification: usesNotification)
        try log.write("first\nsecond\npart")
        log.start()
        try await log.expect(["first", "second"])
        try log.write("ial\r\nlast\n")
        try await log.expect(["first", "second", "partial", "last"])
        try await log.stop()
    }

    @Test func `is waited for until it appears`() async throws {
        let log = FollowedLog()
        log.start()
        try log.write(text(1...3))
        try await log.expect(numbered(1...3))
        try await log.stop()
    }

    @Test func `goes on where it was after a stop`() async throws {
        let log = try await stopped(after: 1...3)
        try log.write(text(4...5))
        log.start()
        try await log.expect(numbered(1...5))
        try await log.stop()
    }

    @Test func `is read to its end when it is renamed, also what is written late`() async throws {
        let log = try await followed(through: 1...3)
        let late = try FileHandle(forWritingTo: URL(filePath: log.path))
        try late.seekToEnd()
        try log.move("auth.log", to: "auth.log.1")
        try late.write(contentsOf: Data(text(4...4).utf8))
        try await log.expect(numbered(1...4))
        try log.write(text(5...6))
        try await log.expect(numbered(1...6))
        try await log.stop()
    }

    @Test func `loses nothing to copytruncate, also what was written just before`() async throws {
        let log = try await stopped(after: 1...30)
        try log.write(text(31...40))
        try log.copy("auth.log", to: "auth.log.1")
        log.truncate()
        try log.write(text(41...42))
        log.start()
        try await log.expect(numbered(1...42))
        log.truncate()
        try log.write(text(43...43))
        try await log.expect(numbered(1...43))
        try await log.stop()
    }

    @Test func `is found again when it was rotated while obs was stopped, over several generations`() async throws {
        let log = try await stopped(after: 1...3)
        try log.write(text(4...5))
        try log.move("auth.log", to: "auth.log.2")
        try await Task.sleep(for: .milliseconds(20))  // generations are ordered by their times
        try log.write(text(6...8), to: "auth.log.1")
        try await Task.sleep(for: .milliseconds(20))
        try log.write(text(9...9))
        log.start()
        try await log.expect(numbered(1...9))
        try await log.stop()
    }

    @Test func `is found again when it was rotated and compressed while obs was stopped`() async throws {
        let log = try await stopped(after: 1...100)
        try log.write(text(101...120))
        try log.move("auth.log", to: "auth.log.1")
        try run("gzip", [log.folder + "/auth.log.1"])
        try log.write(text(121...121))
        log.start()
        try await log.expect(numbered(1...121))
        try await log.stop()
    }

    @Test func `is not mistaken for a new file that got its inode`() async throws {
        let log = try await stopped(after: 1...3)
        // The same inode with other text, longer than before: as if the file had been removed and its inode used again.
        try log.rewrite(text(100...110))
        log.start()
        try await log.expect(numbered(1...3) + numbered(100...110))
        try await log.stop()
    }

    @Test func `is read from its start when it is truncated and written anew, already longer than before`() async throws {
        let log = try await followed(through: 1...3)
        try log.rewrite(text(50...60))
        try await log.expect(numbered(1...3) + numbered(50...60))
        try await log.stop()
    }

    @Test func `is told from a new file that begins alike`() async throws {
        let header = String(repeating: "# header of a log that all files share\n", count: 40)
        let log = FollowedLog()
        try log.write(header + text(1...3))
        log.start()
        let headers = Array(repeating: "# header of a log that all files share", count: 40)
        try await log.expect(headers + numbered(1...3))
        try await log.stop()
        try log.rewrite(header + text(7...19))
        log.start()
        try await log.expect(headers + numbered(1...3) + headers + numbered(7...19))
        try await log.stop()
    }

    @Test func `keeps its identity while it is short and grows`() async throws {
        let log = FollowedLog()
        var expected: [String] = []
        for number in 1...80 {
            try log.write("\(number)\n")
            expected.append("\(number)")
            if number % 7 == 1 {
                log.start()
                try await log.expect(expected)
                try await log.stop()
            }
        }
        log.start()
        try await log.expect(expected)
        try await log.stop()
    }

    @Test func `is read again from the last delivery that held when the disk was full`() async throws {
        let log = FollowedLog()
        try log.write(text(1...3))
        log.start(failing: 1)
        try await log.stop()
        #expect(log.lines == [])
        log.start()
        try await log.expect(numbered(1...3))
        try await log.stop()
    }

    @Test func `cuts a line without an end into pieces instead of filling the memory`() async throws {
        let log = FollowedLog()
        try log.write(String(repeating: "x", count: RawLines.maxLineLength + 10) + "\nnext\n")
        log.start()
        try await log.expect([String(repeating: "x", count: RawLines.maxLineLength + 10), "next"])
        try await log.stop()
    }

    @Test func `is replaced by a rename over it without loss`() async throws {
        let log = try await followed(through: 1...2)
        try log.write(text(3...4), to: "other")
        try log.move("other", to: "auth.log")
        try await log.expect(numbered(1...4))
        try await log.stop()
    }

    @Test func `is waited for while a folder stands in its place`() async throws {
        let log = FollowedLog()
        try FileManager.default.createDirectory(atPath: log.path, withIntermediateDirectories: true)
        log.start()
        try FileManager.default.removeItem(atPath: log.path)
        try log.write(text(1...1))
        try await log.expect(numbered(1...1))
        try await log.stop()
    }

    /// Between two looks at a file of which nothing was read: what it held is only in the copy beside it.
    @Test(arguments: [false, true]) func `is looked for in its copy when it was filled, copied and cut before the first look`(
        isStoppedBetween: Bool
    ) throws {
        let log = FollowedLog()
        try log.write(text(1...3))
        var reader = try log.follower()
        #expect(try reader.read() == numbered(1...3))
        try log.move("auth.log", to: "auth.log.1")
        try log.write("")
        #expect(try reader.read() == [])
        for generation in 2...4 {
            usleep(15_000)  // generations are ordered by their times
            let first = generation * 10
            try log.write(text(first...(first + 2)))
            if generation == 3 { #expect(try reader.read() == numbered(20...22) + numbered(30...32)) }
            try log.copy("auth.log", to: "auth.log.\(generation)")
            log.truncate()
            if isStoppedBetween { reader = try log.follower(from: reader.positions) }
        }
        try log.write(text(50...51))
        #expect(try reader.read() == numbered(40...42) + numbered(50...51))
        #expect(try reader.read() == [])
        reader = try log.follower(from: reader.positions)
        #expect(try reader.read() == [])
    }

    @Test func `is not read twice when a copy of it stands beside it before anything was read`() throws {
        let log = FollowedLog()
        try log.write(text(1...3))
        let reader = try log.follower()
        #expect(try reader.read() == numbered(1...3))
        try log.move("auth.log", to: "auth.log.1")
        try log.write(text(4...9))
        usleep(15_000)
        try log.copy("auth.log", to: "auth.log.2")
        #expect(try reader.read() == numbered(4...9))
        log.truncate()
        try log.write(text(10...11))
        #expect(try reader.read() == numbered(10...11))
    }

    @Test func `is not read again when two rotations came close and obs was stopped soon after`() throws {
        let log = FollowedLog()
        try log.write(text(1...3))
        let reader = try log.follower()
        #expect(try reader.read() == numbered(1...3))
        try log.move("auth.log", to: "auth.log.1")
        usleep(15_000)
        try log.write(text(4...6))
        try log.move("auth.log", to: "auth.log.2")
        usleep(15_000)
        try log.write("")
        // The first is still watched for late writes when the second has been read.
        #expect(try reader.read() == numbered(4...6))
        #expect(try log.follower(from: reader.positions).read() == [])
        try log.write(text(7...8))
        #expect(try reader.read() == numbered(7...8))
        #expect(try log.follower(from: reader.positions).read() == [])
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func `gives every line once through any order of writes, rotations, stops and starts`(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        // What was rotated away before obs ever saw the file is not its business: so it sees the first line.
        let log = try await followed(through: 1...1)
        var next = 2
        var isRunning = true
        for _ in 0..<60 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                let count = Int.random(in: 1...20, using: &random)
                try log.write(text(next...(next + count - 1)))
                next += count
            case 5 where FileManager.default.fileExists(atPath: log.path):
                for generation in (1...6).reversed() where FileManager.default.fileExists(atPath: log.path + ".\(generation)") {
                    try log.move("auth.log.\(generation)", to: "auth.log.\(generation + 1)")
                }
                try log.move("auth.log", to: "auth.log.1")
                // Rotation happens minutes apart; what lies in between here is enough for the times of files to differ.
                try await Task.sleep(for: .milliseconds(15))
            case 6, 7:
                if isRunning { try await log.stop() } else { log.start() }
                isRunning.toggle()
            default:
                if isRunning { try await log.expectAll(numbered(1...(next - 1))) }
            }
        }
        if !isRunning { log.start() }
        try await log.expectAll(numbered(1...(next - 1)))
        try await log.stop()
    }
}
