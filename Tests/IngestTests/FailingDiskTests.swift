import Columns
import Foundation
import Logging
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import Ingest

/// Guards against lines that were read while they could still be taken back, and half lines that the next were joined to.
@Suite(.timeLimit(.minutes(20))) struct `A spool whose disk fails` {
    private struct Read {
        var lines: [String] = []
        var position: SourcePosition?
    }

    @Test(arguments: [FailingDisk.Kind.doesNotWrite, .isFull, .doesNotSync], [1, 5])
    func `gives what it has taken once, and nothing of what it refused`(kind: FailingDisk.Kind, count: Int) async throws {
        for call in FailingDisk.chosen(of: kind == .doesNotSync ? 20 : 60, about: 8) {
            let folder = TemporaryFolder(), read = Mutex(Read())
            var limits = Spool.Limits()
            limits.segmentBytes = 200
            let spool = try Spool(name: "views", folder: folder.path, limits: limits) { inode in
                read.withLock { $0.position?.isOnly(inFile: inode) ?? false }
            }
            var following = FollowSource.Configuration(path: spool.path)
            following.end = spool.end
            following.pollInterval = .milliseconds(5)
            following.drainTime = .milliseconds(50)
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let source = FollowSource(SourceSetup(name: "views", metrics: MetricsRegistry(), logger: logger), following)
            let disk = FailingDisk(kind, below: folder.path, at: call, count: count)
            let reading = Task {
                try await source.run(from: nil) { chunk in
                    read.withLock { read in
                        for row in 0..<chunk.lines.count { read.lines.append(chunk.lines["line"]!.string(at: row)!) }
                        read.position = chunk.position
                    }
                }
            }
            var taken: [String] = []
            for number in 0..<20 {
                let lines = (0..<3).map { "body \(number) line \($0)" }
                while true {
                    do {
                        try await spool.append(Array(lines.joined(separator: "\n").utf8))
                        break
                    } catch {
                        // Its sender sends it again.
                        #expect("\(error)".hasPrefix("the lines cannot be written: \(spool.path): "), "\(error)")
                    }
                }
                taken += lines
            }
            #expect(await eventually { read.withLock { $0.lines.count } >= taken.count }, "\(kind), call \(call)")
            reading.cancel()
            _ = await reading.result
            // A file that was renamed is read to its end beside the one in its place.
            #expect(read.withLock { $0.lines.sorted() } == taken.sorted(), "\(kind), call \(call)")
            #expect(disk.struck > 0, "\(kind), call \(call)")
        }
    }
}

/// Guards against the rest of a rotated file being given up because it could not be read for a moment.
@Suite(.timeLimit(.minutes(20))) struct `A log that was rotated while obs was stopped` {
    @Test(arguments: [FailingDisk.Kind.doesNotRead, .doesNotLook])
    func `is read to its end, whichever call fails at the start`(kind: FailingDisk.Kind) async throws {
        for call in FailingDisk.chosen(of: 40, about: 20) {
            let log = FollowedLog()
            try log.write("one\ntwo\n")
            log.start()
            try await log.expectAll(["one", "two"])
            try await log.stop()
            try log.write("three\n")
            try log.move("auth.log", to: "auth.log.1")
            try log.write("four\n")
            let all = ["one", "two", "three", "four"], disk = FailingDisk(kind, below: log.folder, at: call, count: 1)
            log.start()
            #expect(await eventually { disk.struck > 0 || log.lines.count >= all.count })
            try await log.stop()
            disk.isMended()
            log.start()
            try await log.expectAll(all)
            try await log.stop()
        }
    }
}
