@preconcurrency import Dispatch
import Foundation
import ServiceLifecycle
import Synchronization

/// The first Ctrl-C (or SIGTERM) stops what runs, which commits what it has read; a second one, half a second later at least,
/// ends the process at once. Nothing is lost by that either: what was not committed is read again.
///
/// It counts from when its group runs, which is when the first one is heard; before that a signal does what it does to any
/// process.
public struct SecondSignal: Service {
    /// What the shell knows a command by that was ended by Ctrl-C.
    public static let exitCode: Int32 = 130

    /// It listens from ``run()`` on.
    public init() {}

    /// Listens; returns when the group stops, and goes on listening until the process ends.
    public func run() async throws {
        _ = Self.sources
        try? await gracefulShutdown()
    }

    /// One wish to stop comes as several signals: `timeout` sends its own to the process and again to its group, a wrapper passes
    /// on what the terminal sent already.
    static let together = Duration.milliseconds(500)

    private static let first = Mutex<ContinuousClock.Instant?>(nil)

    /// They listen for as long as the process lives. On a queue, not on the shared pool: what is being stopped may need all of
    /// that.
    private static let sources: [any DispatchSourceSignal] = [SIGINT, SIGTERM].map { signal in
        let source = DispatchSource.makeSignalSource(signal: signal, queue: .global())
        source.setEventHandler {
            let now = ContinuousClock.now
            let isFirst = first.withLock { first in
                defer { first = first ?? now }
                return first.map { now - $0 < together } ?? true
            }
            guard !isFirst else { return }
            try? FileHandle.standardError.write(
                contentsOf: Data("obs: stopped at once; what was not committed is read again\n".utf8))
            // Nothing of the process may hold this up.
            _exit(exitCode)
        }
        source.resume()
        return source
    }
}
