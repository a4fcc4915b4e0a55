import Columns
import Foundation
import Logging
import Parsing
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import Ingest

/// A folder with a log that is written, rotated and truncated, and a follower that is started and stopped.
final class FollowedLog: Sendable {
    private let directory = TemporaryFolder()
    var folder: String { directory.path }
    var path: String { folder + "/auth.log" }
    private let delivered = Mutex<[String]>([])
    private let position = Mutex<SourcePosition?>(nil)
    private let task = Mutex<Task<Void, any Error>?>(nil)
    private let failures = Mutex<Int>(0)
    private let usesNotification: Bool
    private let pattern: String
    private let also: [String]

    /// - Parameters:
    ///   - pattern: what is followed, a name or a pattern in the folder.
    ///   - also: the same of where it may be rotated to.
    init(pattern: String = "auth.log", also: [String] = [], usesNotification: Bool = true) {
        self.pattern = pattern
        self.also = also
        self.usesNotification = usesNotification
    }

    private var configuration: FollowSource.Configuration {
        var configuration = FollowSource.Configuration(path: folder + "/" + pattern)
        configuration.also = also.map { folder + "/" + $0 }
        configuration.pollInterval = .milliseconds(usesNotification ? 200 : 5)
        configuration.usesNotification = usesNotification
        configuration.drainTime = .milliseconds(50)
        return configuration
    }

    deinit { task.withLock { $0?.cancel() } }

    var lines: [String] { delivered.withLock { $0 } }

    func write(_ text: String, to name: String = "auth.log") throws {
        let path = folder + "/" + name
        if !FileManager.default.fileExists(atPath: path) { _ = FileManager.default.createFile(atPath: path, contents: nil) }
        let handle = try FileHandle(forWritingTo: URL(filePath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(text.utf8))
        try handle.close()
    }

    func move(_ from: String, to: String) throws {
        try? FileManager.default.removeItem(atPath: folder + "/" + to)
        try FileManager.default.moveItem(atPath: folder + "/" + from, toPath: folder + "/" + to)
    }

    func copy(_ from: String, to: String) throws {
        try? FileManager.default.removeItem(atPath: folder + "/" + to)
        try FileManager.default.copyItem(atPath: folder + "/" + from, toPath: folder + "/" + to)
    }

    /// Cuts the log to nothing and writes `text`, in one opening.
    func rewrite(_ text: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path), options: [])
    }

    func truncate() {
        Foundation.truncate(path, 0)
    }

    /// - Parameter failing: how many deliveries fail first, as when the disk is full.
    func start(failing: Int = 0) {
        failures.withLock { $0 = failing }
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let source = FollowSource(SourceSetup(name: "auth", metrics: MetricsRegistry(), logger: logger), configuration)
        let from = position.withLock { $0 }
        let running = Task { [self] in
            try await source.run(from: from) { [self] chunk in
                let fails = failures.withLock { left in
                    if left > 0 {
                        left -= 1
                        return true
                    }
                    return false
                }
                if fails { throw CocoaError(.fileWriteOutOfSpace) }
                delivered.withLock { all in
                    for row in 0..<chunk.lines.count { all.append(chunk.lines["line"]!.string(at: row)!) }
                }
                position.withLock { $0 = chunk.position }
            }
        }
        task.withLock { $0 = running }
    }

    /// Stops the follower; what it delivered is what it knows at the next start, also through JSON as a checkpoint has it.
    func stop() async throws {
        let running = task.withLock { task in
            defer { task = nil }
            return task
        }
        running?.cancel()
        _ = await running?.result
        try position.withLock { position in
            position = try position.map { try JSONDecoder().decode(SourcePosition.self, from: JSONEncoder().encode($0)) }
        }
    }

    /// A follower whose looks the test decides on.
    ///
    /// - Parameter elsewhere: what others have read.
    func follower(from positions: [FilePosition] = [], elsewhere: [FilePosition] = []) throws -> FollowedFiles {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let coded = try JSONDecoder().decode([FilePosition].self, from: JSONEncoder().encode(positions))
        var configuration = configuration
        configuration.drainTime = .seconds(10)
        return try FollowedFiles(
            configuration, from: SourcePosition(files: coded, elsewhere: elsewhere),
            metrics: SourceMetrics(MetricsRegistry(), source: "auth"), logger: logger)
    }

    /// The same in any order: a drained file and its successor may be read side by side.
    func expectAll(_ expected: [String], sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let deadline = ContinuousClock.now + .seconds(120)
        while lines.count < expected.count, ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(2)) }
        let missing = Set(expected).subtracting(lines)
        #expect(missing == [], sourceLocation: sourceLocation)
        #expect(lines.count == expected.count, sourceLocation: sourceLocation)
    }

    /// Waits until the lines are as many as expected, then compares them; a stray one that comes later fails the comparison of the next call.
    func expect(_ expected: [String], sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let deadline = ContinuousClock.now + .seconds(120)
        while lines.count < expected.count, ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(2)) }
        #expect(lines == expected, sourceLocation: sourceLocation)
    }
}

extension FollowedFiles {
    /// All lines that one look finds.
    ///
    /// - Parameter later: how much time has passed, as far as followers know.
    func read(later: Duration = .zero) throws -> [String] {
        var lines: [String] = []
        try look()
        for follower in followers {
            while let read = try follower.next(now: .now + later) {
                lines += String(decoding: read.block.bytes[..<read.block.length], as: UTF8.self).split(separator: "\n").map(
                    String.init)
                try follower.commit(read)
            }
        }
        return lines
    }
}

func numbered(_ range: ClosedRange<Int>) -> [String] { range.map { "line \($0) of the log" } }
func text(_ range: ClosedRange<Int>) -> String { numbered(range).map { $0 + "\n" }.joined() }

/// A log of these lines, with a follower that has delivered them.
func followed(through lines: ClosedRange<Int>) async throws -> FollowedLog {
    let log = FollowedLog()
    try log.write(text(lines))
    log.start()
    try await log.expect(numbered(lines))
    return log
}

/// The same, and the follower has stopped.
func stopped(after lines: ClosedRange<Int>) async throws -> FollowedLog {
    let log = try await followed(through: lines)
    try await log.stop()
    return log
}
