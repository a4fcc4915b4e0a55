import Columns
import Foundation
import TestSupport
import Testing

@testable import Ingest

/// A log whose lines are long enough that a few of them are more than a kilobyte, and short ones, whose files tell less.
private func lines(_ range: ClosedRange<Int>, _ width: Int = 200) -> [String] {
    range.map { "2026-11-26T10:00:\($0 % 60) line \($0) " + String(repeating: "x", count: width) }
}

private func log(_ range: ClosedRange<Int>, _ width: Int = 200) -> String { lines(range, width).map { $0 + "\n" }.joined() }

/// What a pattern that also matches the rotated, linked and copied files reads: each line once, and those of one file in their order.
struct `A pattern that matches a file by several names` {
    /// One after the other: what is done to the files, and a look. A restart between them goes on from the checkpoint.
    private func check(
        _ pattern: String = "auth.log*", width: Int, restarts: Bool, _ expected: Int,
        _ happenings: [(FollowedLog) throws -> Void], sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let files = FollowedLog(pattern: pattern)
        var follower = try files.follower()
        var found: [String] = []
        for happening in happenings {
            usleep(12_000)  // the times of files tell which came first
            try happening(files)
            if restarts { follower = try files.follower(from: follower.positions) }
            found += try follower.read()
        }
        found += try follower.read(later: .seconds(20))
        found += try follower.read(later: .seconds(40))
        #expect(found.count == expected && found == lines(1...expected, width), sourceLocation: sourceLocation)
        // Whatever was read stays known.
        #expect(try files.follower(from: follower.positions).read() == [], sourceLocation: sourceLocation)
    }

    static let widths = [(200, false), (200, true), (3, false), (3, true)]

    @Test(arguments: widths) func `reads nothing twice when the file is renamed and a new one begins`(width: Int, restarts: Bool)
        throws
    {
        try check(
            width: width, restarts: restarts, 12,
            [
                { try $0.write(log(1...6, width)) },
                {
                    try $0.write(log(7...8, width))
                    try $0.move("auth.log", to: "auth.log.1")
                    try $0.write(log(9...10, width))
                },
                {
                    try $0.move("auth.log.1", to: "auth.log.2")
                    try $0.move("auth.log", to: "auth.log.1")
                    try $0.write(log(11...12, width))
                },
            ])
    }

    @Test(arguments: widths) func `reads nothing twice when the file is copied and cut`(width: Int, restarts: Bool) throws {
        try check(
            width: width, restarts: restarts, 12,
            [
                { try $0.write(log(1...6, width)) },
                {
                    try $0.write(log(7...8, width))
                    try $0.copy("auth.log", to: "auth.log.1")
                    $0.truncate()
                    try $0.write(log(9...10, width))
                },
                {
                    try $0.move("auth.log.1", to: "auth.log.2")
                    try $0.copy("auth.log", to: "auth.log.1")
                    $0.truncate()
                    try $0.write(log(11...12, width))
                },
            ])
    }

    @Test(arguments: widths) func `waits while a copy is made, and reads it only if the file is cut before it was read`(
        width: Int, restarts: Bool
    ) throws {
        try check(
            width: width, restarts: restarts, 9,
            [
                { try $0.write(log(1...6, width)) },
                { try $0.write("", to: "auth.log.1") },
                { try $0.write(log(1...3, width), to: "auth.log.1") },
                { try $0.write(log(7...7, width)) },
                {
                    try $0.write(log(4...6, width), to: "auth.log.1")
                    try $0.write(log(7...7, width), to: "auth.log.1")
                },
                {
                    try $0.write(log(8...8, width))
                    try $0.write(log(8...8, width), to: "auth.log.1")
                    $0.truncate()
                    try $0.write(log(9...9, width))
                },
            ])
    }

    @Test(arguments: widths) func `goes on where it was when another file with the same text and more is put in its place`(
        width: Int, restarts: Bool
    ) throws {
        try check(
            width: width, restarts: restarts, 12,
            [
                { try $0.write(log(1...6, width)) },
                {
                    try $0.write(log(1...9, width), to: ".auth.log.x")
                    try $0.move(".auth.log.x", to: "auth.log")
                },
                {
                    try $0.write(log(1...9, width), to: ".auth.log.x")
                    try $0.move(".auth.log.x", to: "auth.log")
                },
                { try $0.write(log(10...12, width)) },
            ])
    }

    @Test(arguments: widths) func `takes links for the file that they lead to`(width: Int, restarts: Bool) throws {
        try check(
            "*.log", width: width, restarts: restarts, 8,
            [
                {
                    try $0.write(log(1...6, width))
                    try FileManager.default.createSymbolicLink(atPath: $0.folder + "/a.log", withDestinationPath: $0.path)
                    try FileManager.default.linkItem(atPath: $0.path, toPath: $0.folder + "/b.log")
                },
                { try $0.write(log(7...8, width)) },
                { try FileManager.default.removeItem(atPath: $0.path) },
            ])
    }

    /// What came after a file that is gone is found by its times, and may have several names.
    @Test func `reads a rotated file once that has two names, after a stop in which the last one was removed`() throws {
        let files = FollowedLog(pattern: "auth.log")
        let follower = try files.follower()
        try files.write(log(1...6))
        #expect(try follower.read() == lines(1...6))
        usleep(12_000)
        try FileManager.default.removeItem(atPath: files.path)
        try files.write(log(7...9), to: "auth.log.1")
        try FileManager.default.linkItem(atPath: files.folder + "/auth.log.1", toPath: files.folder + "/auth.log.2")
        usleep(12_000)
        try files.write(log(10...10))
        #expect(try files.follower(from: follower.positions).read() == lines(7...10))
    }

    @Test func `leaves a copy alone that stays behind`() throws {
        let files = FollowedLog(pattern: "auth.log*")
        let follower = try files.follower()
        try files.write(log(1...9))
        #expect(try follower.read() == lines(1...9))
        try files.copy("auth.log", to: "auth.log.bak")
        #expect(try follower.read() == [])
        try files.write(log(10...12))
        #expect(try follower.read() == lines(10...12))
        // The file is cut when more was read of it than the copy has.
        files.truncate()
        try files.write(log(13...13))
        #expect(try follower.read() == lines(13...13))
        #expect(try follower.read(later: .seconds(60)) == [])
        #expect(try files.follower(from: follower.positions).read(later: .seconds(60)) == [])
    }

    @Test func `reads a copy once that is there at a start before the file is cut`() throws {
        let files = FollowedLog(pattern: "auth.log*")
        try files.write(log(1...9))
        let before = try files.follower()
        #expect(try before.read() == lines(1...9))
        try files.copy("auth.log", to: "auth.log.2")
        files.truncate()
        usleep(12_000)
        try files.write(log(10...18))
        usleep(12_000)
        try files.copy("auth.log", to: "auth.log.1")
        let after = try files.follower(from: before.positions)
        #expect(try after.read() == lines(10...18))
        files.truncate()
        try files.write(log(19...20))
        #expect(try after.read() == lines(19...20))
        #expect(try after.read(later: .seconds(60)) == [])
    }

    @Test func `reads files that begin alike each for itself`() throws {
        let files = FollowedLog(pattern: "*.log")
        let follower = try files.follower()
        try files.write("started\n", to: "a.log")
        try files.write("started\n", to: "b.log")
        _ = try follower.read()
        try files.write("a\n", to: "a.log")
        try files.write("b\n", to: "b.log")
        _ = try follower.read()
        let again = try files.follower(from: follower.positions)
        #expect(try again.read(later: .seconds(60)) == [])
        let fresh = try files.follower()
        #expect(try fresh.read().sorted() == ["a", "b", "started", "started"])
    }

    @Test func `reads the oldest file first`() throws {
        let files = FollowedLog(pattern: "auth.log*")
        for (number, name) in [(1, "auth.log.2"), (2, "auth.log.1"), (3, "auth.log")] {
            try files.write(log(number...number), to: name)
            usleep(12_000)
        }
        #expect(try files.follower().read() == lines(1...3))
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func `gives every line once, whatever happens to its files in which order`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let files = FollowedLog(pattern: "auth.log*")
        var follower = try files.follower()
        try files.write(log(1...3, 40))
        var found = try follower.read(), next = 4, generation = 0, happened: [Int] = []
        func write(_ name: String = "auth.log") throws {
            let last = next + Int.random(in: 0...30, using: &random)
            try files.write(log(next...last, 40), to: name)
            next = last + 1
        }
        for _ in 0..<25 {
            usleep(12_000)
            let happening = Int.random(in: 0..<9, using: &random)
            happened.append(happening)
            switch happening {
            case 0, 1: try write()
            case 2:
                generation += 1
                try files.move("auth.log", to: "auth.log.\(generation)")
                try write()
            case 3:
                generation += 1
                try write()
                try files.copy("auth.log", to: "auth.log.\(generation)")
                files.truncate()
                try write()
            case 4:
                try files.copy("auth.log", to: ".copy")
                try write(".copy")
                try files.move(".copy", to: "auth.log")
            case 5: follower = try files.follower(from: follower.positions)
            case 6 where generation > 0 && FileManager.default.fileExists(atPath: files.path + ".\(generation)"):
                found += try follower.read(later: .seconds(20))
                try run("gzip", [files.path + ".\(generation)"])
            case 7: found += try follower.read(later: .seconds(20))
            default: found += try follower.read()
            }
        }
        found += try follower.read()
        found += try follower.read(later: .seconds(30))
        found += try follower.read(later: .seconds(60))
        let all = Set(found), missing = lines(1...(next - 1), 40).filter { !all.contains($0) }
        #expect(
            missing == [] && found.count == next - 1,
            "seed \(seed), \(happened): \(missing.count) missing, \(found.count) of \(next - 1)")
    }
}

struct `A file that was rotated while obs was stopped` {
    static let places: [(String, [String])] = [
        ("auth.log.1", []), ("auth-2026-11-26.0.log", []), ("old/auth.log", []),
        ("elsewhere/deep/of/auth-x", ["elsewhere/*/of/*"]),
        ("archive.bak", []),
    ]

    @Test(arguments: places) func `is found by its content`(place: String, also: [String]) throws {
        let files = FollowedLog(also: also)
        try files.write(log(1...9))
        let before = try files.follower()
        #expect(try before.read() == lines(1...9))
        try files.write(log(10...11))
        try FileManager.default.createDirectory(
            atPath: (files.folder + "/" + place as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try files.move("auth.log", to: place)
        try files.write(log(12...12))
        let after = try files.follower(from: before.positions)
        #expect(try after.read() == lines(10...12))
        // Somebody may go on writing to it.
        try files.write(log(13...13), to: place)
        #expect(try after.read() == lines(13...13))
    }

    @Test(arguments: [["gzip"], ["xz"], ["bzip2"], ["zstd", "-q", "--rm"]]) func `is found by its content when it is compressed`(
        tool: [String]
    ) throws {
        let files = FollowedLog()
        try files.write(log(1...9))
        let before = try files.follower()
        #expect(try before.read() == lines(1...9))
        try files.write(log(10...11))
        try files.move("auth.log", to: "auth.log.1")
        try run(tool[0], tool.dropFirst() + [files.path + ".1"])
        try files.write(log(12...12))
        let after = try files.follower(from: before.positions)
        #expect(try after.read() == lines(10...12))
        #expect(try files.follower(from: after.positions).read() == [])
    }

    @Test func `is found behind a link whose target was rotated`() throws {
        let files = FollowedLog(pattern: "link")
        try FileManager.default.createDirectory(atPath: files.folder + "/pod", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: files.folder + "/link", withDestinationPath: files.folder + "/pod/0.log")
        try files.write(log(1...9), to: "pod/0.log")
        let before = try files.follower()
        #expect(try before.read() == lines(1...9))
        try files.write(log(10...11), to: "pod/0.log")
        try files.move("pod/0.log", to: "pod/0.log.20261126-101010")
        usleep(12_000)
        try files.write(log(12...14), to: "pod/0.log")
        try files.move("pod/0.log", to: "pod/0.log.20261126-101020")
        usleep(12_000)
        try files.write(log(15...15), to: "pod/0.log")
        #expect(try files.follower(from: before.positions).read() == lines(10...15))
    }

    @Test(arguments: [false, true]) func `is read when it was rotated before anything of it was committed`(isCopied: Bool) throws
    {
        let files = FollowedLog()
        try files.write(log(1...9))
        // The first start ever: killed before a line was read.
        let first = try files.follower()
        try first.look()
        let seen = first.positions
        try files.write(log(10...10))
        if isCopied {
            try files.copy("auth.log", to: "auth.log.1")
            files.truncate()
        } else {
            try files.move("auth.log", to: "auth.log.1")
        }
        usleep(12_000)
        try files.write(log(11...12))
        #expect(try files.follower(from: seen).read() == lines(1...12))
    }

    @Test func `is read when it had not been there at the first start`() throws {
        let files = FollowedLog()
        let first = try files.follower()
        try first.look()
        usleep(12_000)
        try files.write(log(1...3))
        try files.move("auth.log", to: "auth.log.1")
        usleep(12_000)
        try files.write(log(4...5))
        #expect(try files.follower(from: first.positions).read() == lines(1...5))
    }

    @Test func `does not bring a log of another name with it`() throws {
        let files = FollowedLog(pattern: "app.log")
        try files.write(log(1...9), to: "app.log")
        let before = try files.follower()
        #expect(try before.read() == lines(1...9))
        try files.move("app.log", to: "app.1.log")
        usleep(12_000)
        try files.write(log(100...101), to: "app-web.log")
        try files.write(log(10...11), to: "app.2.log")
        usleep(12_000)
        try files.write(log(12...12), to: "app.log")
        #expect(try files.follower(from: before.positions).read() == lines(10...12))
    }

    @Test func `and damaged when it was compressed spoils nothing else`() throws {
        let files = FollowedLog()
        try files.write(log(1...9))
        let before = try files.follower()
        #expect(try before.read() == lines(1...9))
        try files.write((10...4000).map { "line \($0) \(UInt64($0) &* 0x9E37_79B9_7F4A_7C15)\n" }.joined())
        try files.move("auth.log", to: "auth.log.1")
        try run("gzip", [files.path + ".1"])
        let whole = try Data(contentsOf: URL(filePath: files.path + ".1.gz"))
        try whole.prefix(whole.count - 2000).write(to: URL(filePath: files.path + ".1.gz"))
        try files.write("after\n")
        let found = try files.follower(from: before.positions).read()
        #expect(found.count > 100 && found.last == "after")
    }

    @Test func `goes on from where others have read it`() throws {
        let files = FollowedLog()
        try files.write(log(1...9))
        let before = try files.follower()
        #expect(try before.read() == lines(1...9))
        try files.write(log(10...20))
        let other = try files.follower(from: before.positions)
        #expect(try other.read() == lines(10...20))
        try files.write(log(21...22))
        #expect(try files.follower(from: before.positions, elsewhere: other.positions).read() == lines(21...22))
        try files.move("auth.log", to: "auth.log.1")
        try files.write(log(23...23))
        #expect(try files.follower(from: before.positions, elsewhere: other.positions).read() == lines(21...23))
    }
}
