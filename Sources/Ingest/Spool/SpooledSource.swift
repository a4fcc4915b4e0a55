import Logging
import Parsing

/// A source whose lines nobody could read again: they are in a ``Spool`` first, which is then followed as a file.
///
/// What feeds the spool and what follows it run and end together.
struct SpooledSource: Source {
    private let follower: FollowSource
    private let feed: @Sendable () async throws -> Void

    /// - Parameter feed: puts lines into the spool until its task is cancelled.
    init(_ setup: SourceSetup, of spool: Spool, feed: @escaping @Sendable () async throws -> Void) {
        var followed = FollowSource.Configuration(path: spool.path)
        followed.end = spool.end
        follower = FollowSource(setup, followed)
        self.feed = feed
    }

    /// As in the configuration.
    var name: String { follower.name }
    /// The file of the spool.
    var partitions: [String] { follower.partitions }

    /// See ``Source/run(from:deliver:)``.
    func run(from position: SourcePosition?, deliver: @Sendable (SourceChunk) async throws -> Void) async throws {
        try await withoutActuallyEscaping(deliver) { deliver in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await feed() }
                group.addTask { try await follower.run(from: position, deliver: deliver) }
                defer { group.cancelAll() }
                try await group.next()
            }
        }
    }
}

extension Spool {
    /// Takes lines, as ``append(_:)`` does, and waits while the spool is full or the disk refuses them: whoever sent them waits
    /// too.
    ///
    /// - Parameter lines: whole lines, none of them too long.
    /// - Throws: `CancellationError` when the task is cancelled while it waits; the lines are not stored then.
    func appendWhenPossible(_ lines: [UInt8], source: String, logger: Logger) async throws {
        guard !lines.isEmpty else { return }
        var isWaiting = false
        while true {
            do {
                return try await append(lines)
            } catch let error as SpoolError {
                switch error {
                // Lines of blanks say nothing.
                case .empty: return
                case .lineTooLong: preconditionFailure("lines are cut before they are stored")
                case .full, .cannotWrite:
                    if !isWaiting {
                        logger.warning(
                            "received lines wait for the spool", metadata: ["source": "\(source)", "error": "\(error)"])
                    }
                    isWaiting = true
                    try await Task.sleep(for: .milliseconds(200))
                }
            }
        }
    }
}
