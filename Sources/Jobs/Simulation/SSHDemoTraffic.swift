import Columns
import Foundation
import ServiceLifecycle
import Simulation
import Synchronization
import Telemetry

/// Writes simulated lines to a file: first a stretch of history at once, then second by second as time passes.
public final class SSHDemoTraffic: Sendable {
    private let path: String
    private let history: Duration
    private let rate: Double
    private let seed: UInt64
    private let attacks = Mutex(0)

    /// How many attacks have begun.
    public var attackCount: Int { attacks.withLock { $0 } }

    /// Traffic that is appended to `path`; it writes nothing before ``run()``.
    ///
    /// - Parameters:
    ///   - history: how much of it is written at once, as if it had come before now.
    ///   - rate: lines per second.
    public init(path: String, history: Duration = .zero, rate: Double = 5, seed: UInt64 = UInt64.random(in: 1...1_000_000)) {
        self.path = path
        self.history = history
        self.rate = rate
        self.seed = seed
    }

    /// Writes the history, then in real time until it is cancelled.
    public func run() async throws {
        let now = Timestamp(seconds: Timestamp.now.microseconds / 1_000_000)
        var options = SSHSimulator.Options(start: now - history)
        options.rate = rate
        options.seed = seed
        options.attackEvery = history > .zero ? 600 : 60
        var simulator = SSHSimulator(options)
        if !FileManager.default.fileExists(atPath: path) { _ = FileManager.default.createFile(atPath: path, contents: nil) }
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        defer { try? file.close() }
        try file.seekToEnd()
        var text = ""
        while simulator.time < now { for line in simulator.next() { text += line + "\n" } }
        try file.write(contentsOf: Data(text.utf8))
        attacks.withLock { $0 = simulator.attacks.count }
        // From here on in real time, with attacks often enough that one who watches sees one.
        options.start = now
        options.attackEvery = 20
        options.seed &+= 1
        let before = simulator.attacks.count
        simulator = SSHSimulator(options)
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            let lines = simulator.next()
            if !lines.isEmpty { try file.write(contentsOf: Data(lines.map { $0 + "\n" }.joined().utf8)) }
            attacks.withLock { $0 = before + simulator.attacks.count }
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(1)) }
        }
    }
}
