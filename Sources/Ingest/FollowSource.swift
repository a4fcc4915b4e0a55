import Columns
import Foundation
import Logging
import Parsing
import Telemetry

/// Follows files as they are written: one path, or a pattern such as `/var/log/*.log`.
///
/// A line is delivered once it ends. Files are read from their start when they are seen for the first time, the oldest first.
/// What several names lead to, links and patterns that match rotated files too, is one file.
struct FollowSource: Source {
    /// What is followed; an entry has `file` and `also`.
    struct Configuration: Sendable, Hashable {
        /// A path, or a pattern with `*`, `?` or `[…]` (``FileNames``).
        var path: String
        /// Paths or patterns where files of this source may be rotated to, beside the folders in which they are looked for anyway
        /// (``RotatedFiles``).
        var also: [String] = []
        /// How long at most until a change is seen where the system does not notify.
        var pollInterval: Duration = .seconds(1)
        /// Wait for the system's notifications, which come within a millisecond.
        var usesNotification = true
        /// How long a file that was rotated away is watched for late writes.
        var drainTime: Duration = .seconds(10)
        /// The file is obs's own: nobody copies it, and what is in it twice was pushed twice.
        var isSpool: Bool { end != nil }
        /// How far a spool may be read; nil for a file of somebody else's.
        var end: SpoolEnd?

        /// Follows a path or a pattern.
        init(path: String) {
            self.path = path
        }

        var isPattern: Bool { FileNames.isPattern(path) }
    }

    private let setup: SourceSetup
    private let configuration: Configuration

    /// Follows what `configuration` names.
    init(_ setup: SourceSetup, _ configuration: Configuration) {
        self.setup = setup
        self.configuration = configuration
    }

    /// As in the configuration.
    var name: String { setup.name }

    /// See ``Source/run(from:deliver:)``.
    func run(from position: SourcePosition?, deliver: @Sendable (SourceChunk) async throws -> Void) async throws {
        let watcher = FileWatcher(interval: configuration.pollInterval, usesNotification: configuration.usesNotification)
        defer {
            watcher.stop()
            // A source that does not run any more lags behind nothing.
            setup.metrics.files.set(0)
            setup.metrics.lag.set(0)
        }
        let files = try FollowedFiles(
            configuration, from: position ?? SourcePosition(), metrics: setup.metrics, logger: setup.logger)
        var signals = watcher.signals.makeAsyncIterator()
        try files.look()
        // The files of a first start are known before a line of it is read: a process that is killed before its first commit,
        // while the file is rotated, finds it again.
        if position?.files.isEmpty ?? true {
            try await deliver(
                SourceChunk(
                    lines: RawLinesBuilder.empty, position: SourcePosition(files: files.positions),
                    partition: files.followers.first?.path ?? "", asksForCommit: true))
        }
        repeat {
            try files.look()
            setup.metrics.files.set(Double(files.followers.count))
            for follower in files.followers {
                while !Task.isCancelled, let read = try follower.next(now: .now) {
                    try await pass(read, of: follower, files, to: deliver)
                }
                watcher.watch(follower.path)
            }
            setup.metrics.lag.set(Double(files.followers.reduce(0) { $0 + $1.lag }))
        } while await signals.next() != nil && !Task.isCancelled
    }

    private func pass(
        _ read: FileFollower.Read, of follower: FileFollower, _ files: FollowedFiles,
        to deliver: @Sendable (SourceChunk) async throws -> Void
    ) async throws {
        var builder = RawLinesBuilder()
        let arrival = Timestamp.now
        let count = read.block.append(to: &builder, source: name, file: read.file, arrival: arrival, setup.metrics)
        try follower.commit(read)
        try await deliver(
            SourceChunk(lines: builder.finish(), position: SourcePosition(files: files.positions), partition: follower.path))
        setup.metrics.lines.increment(by: count)
    }

    /// The paths that match now.
    var partitions: [String] { FollowedFiles.paths(configuration) }
}

/// The files that a source follows now, and all that it knows.
final class FollowedFiles {
    private let configuration: FollowSource.Configuration
    private let texts: KnownTexts
    private let metrics: SourceMetrics
    private let logger: Logger
    private var byPath: [String: FileFollower] = [:]
    /// In the order in which they are read: at the first look the file that was written to last comes last.
    private(set) var followers: [FileFollower] = []

    init(_ configuration: FollowSource.Configuration, from position: SourcePosition, metrics: SourceMetrics, logger: Logger)
        throws
    {
        self.configuration = configuration
        self.metrics = metrics
        self.logger = logger
        texts = KnownTexts(position, comparesContent: !configuration.isSpool, copyTime: configuration.drainTime)
        texts.standing = Self.standing(Self.paths(configuration))
        // Those that were being read come first: what they find again is theirs, by whatever other name it could be followed too.
        let saved = Dictionary(grouping: position.files.filter { !$0.isDone }, by: \.path)
        for (path, positions) in saved.sorted(by: { $0.key < $1.key }) { try follow(path, from: positions) }
    }

    /// Finds new files, and gives up paths that lead nowhere any more.
    func look() throws {
        let paths = Self.paths(configuration)
        texts.standing = Self.standing(paths)
        let new = paths.filter { byPath[$0] == nil }
        for path in new.count > 1 ? Self.oldestFirst(new) : new {
            try follow(path, from: [])
        }
        guard configuration.isPattern || byPath.count != paths.count else { return }
        let wanted = Set(paths)
        for follower in followers where !wanted.contains(follower.path) && follower.isIdle {
            follower.end()
            byPath[follower.path] = nil
            followers.removeAll { $0 === follower }
        }
    }

    private func follow(_ path: String, from saved: [FilePosition]) throws {
        let follower = try FileFollower(path: path, from: saved, configuration, texts: texts, metrics: metrics, logger: logger)
        byPath[path] = follower
        followers.append(follower)
        try follower.attach(now: .now)
    }

    /// The positions of all files, those that are read to their end too, so that they are known by any name.
    var positions: [FilePosition] { texts.finished + followers.flatMap(\.positions) }

    /// The paths that the configured one stands for now. Compressed files are rotated ones: they are read only as the rest of a
    /// file.
    static func paths(_ configuration: FollowSource.Configuration) -> [String] {
        let paths = FileNames.paths(configuration.path)
        guard configuration.isPattern else { return paths }
        return paths.filter { path in !Compression.endings.contains { path.utf8.suffix($0.utf8.count).elementsEqual($0.utf8) } }
    }

    private static func standing(_ paths: [String]) -> [FileIdentity: String] {
        Dictionary(paths.compactMap { path in FileIdentity(path: path).map { ($0, path) } }) { first, _ in first }
    }

    private static func oldestFirst(_ paths: [String]) -> [String] {
        paths.map { (FileVersion(path: $0)?.modified ?? .max, $0) }.sorted { $0 < $1 }.map(\.1)
    }
}

extension FollowSource.Configuration: SourceKind {
    /// `file`.
    static let entryKey = "file"

    private enum CodingKeys: CodingKey { case file, also }

    /// Reads an entry.
    init(from decoder: any Decoder) throws {
        let entry = try decoder.container(keyedBy: CodingKeys.self)
        self.init(path: try entry.decode(String.self, forKey: .file))
        also = try entry.decodeIfPresent([String].self, forKey: .also) ?? []
    }

    /// The path or pattern.
    func place(of name: String) -> String { path }

    /// The files that match.
    func look() -> SourceLook { .followed(path) }

    /// Follows the files.
    func source(_ setup: SourceSetup) -> any Source { FollowSource(setup, self) }

    /// Reads the files that match.
    func endingSource(_ setup: SourceSetup) -> (any Source)? { FileSource(setup, matching: path) }
}
