import Columns
import Foundation
import Logging
import Parsing
import Telemetry

/// Follows files as they are written: one path, or a pattern such as `/var/log/*.log`.
///
/// A line is delivered once it ends. Files are read from their start when they are seen for the first time.
public struct FollowSource: Source {
    public struct Configuration: Sendable, Hashable {
        /// A path, or a pattern with `*`, `?` or `[…]`.
        public var path: String
        /// How long at most until a change is seen where the system does not notify.
        public var pollInterval: Duration = .seconds(1)
        /// Wait for the system's notifications, which come within a millisecond.
        public var usesNotification = true
        /// How long a file that was rotated away is watched for late writes.
        public var drainTime: Duration = .seconds(10)

        public init(path: String) {
            self.path = path
        }
    }

    public let name: String
    private let configuration: Configuration
    private let metrics: SourceMetrics
    private let logger: Logger

    public init(name: String, _ configuration: Configuration, metrics: MetricsRegistry, logger: Logger) {
        self.name = name
        self.configuration = configuration
        self.metrics = SourceMetrics(metrics, source: name)
        self.logger = logger
    }

    public func run(from position: SourcePosition?, deliver: @Sendable (SourceChunk) async throws -> Void) async throws {
        let watcher = FileWatcher(interval: configuration.pollInterval, usesNotification: configuration.usesNotification)
        defer {
            watcher.stop()
            // A source that does not run any more lags behind nothing.
            metrics.files.set(0)
            metrics.lag.set(0)
        }
        var followers: [String: FileFollower] = [:]
        var saved = Dictionary(grouping: position?.files ?? [], by: \.path)
        var signals = watcher.signals.makeAsyncIterator()
        repeat {
            for path in paths() where followers[path] == nil {
                let known = saved.removeValue(forKey: path) ?? []
                followers[path] = try FileFollower(
                    path: path, from: known, drainTime: configuration.drainTime, metrics: metrics, logger: logger)
            }
            metrics.files.set(Double(followers.count))
            for follower in followers.values.sorted(by: { $0.path < $1.path }) {
                while !Task.isCancelled, let read = try follower.next(now: .now) {
                    try await pass(read, of: follower, followers, to: deliver)
                }
                watcher.watch(follower.path)
            }
            metrics.lag.set(Double(followers.values.reduce(0) { $0 + $1.lag }))
        } while await signals.next() != nil && !Task.isCancelled
    }

    private func pass(
        _ read: FileFollower.Read, of follower: FileFollower, _ followers: [String: FileFollower],
        to deliver: @Sendable (SourceChunk) async throws -> Void
    ) async throws {
        var builder = RawLinesBuilder()
        let arrival = Timestamp(microseconds: WallClock.microseconds)
        let count = read.block.append(to: &builder, source: name, file: read.file, arrival: arrival)
        try follower.commit(read)
        let position = SourcePosition(files: followers.values.sorted { $0.path < $1.path }.flatMap(\.positions))
        try await deliver(SourceChunk(lines: builder.finish(), position: position, partition: follower.path))
        metrics.bytes.increment(by: read.block.length)
        metrics.lines.increment(by: count)
    }

    public var partitions: [String] { paths() }

    /// The paths that the configured one stands for now. Compressed files are rotated ones: they are read only as the rest of a file.
    private func paths() -> [String] {
        let pattern = configuration.path
        guard pattern.contains(where: { "*?[".contains($0) }) else { return [pattern] }
        var found = glob_t()
        defer { globfree(&found) }
        guard glob(pattern, 0, nil, &found) == 0 else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { found.gl_pathv[$0].map { String(cString: $0) } }
            .filter { !$0.hasSuffix(".gz") && !$0.hasSuffix(".zst") }
    }
}
