@preconcurrency import Dispatch
import Foundation
import ServiceLifecycle
import Synchronization

/// The first Ctrl-C (or SIGTERM) stops what runs, which commits what it has read; a second one ends the process at once. Nothing is lost by that either: what was
/// not committed is read again.
///
/// It counts from when its group runs, which is when the first one is heard; before that a signal does what it does to any process.
public struct SecondSignal: Service {
    /// What the shell knows a command by that was ended by Ctrl-C.
    public static let exitCode: Int32 = 130

    public init() {}

    public func run() async throws {
        _ = Self.sources
        try? await gracefulShutdown()
    }

    private static let count = Atomic(0)

    /// They listen for as long as the process lives. On a queue, not on the shared pool: what is being stopped may need all of that.
    private static let sources: [any DispatchSourceSignal] = [SIGINT, SIGTERM].map { signal in
        let source = DispatchSource.makeSignalSource(signal: signal, queue: .global())
        source.setEventHandler {
            guard count.add(Int(source.data), ordering: .relaxed).newValue > 1 else { return }
            try? FileHandle.standardError.write(
                contentsOf: Data("obs: stopped at once; what was not committed is read again\n".utf8))
            // Nothing of the process may hold this up.
            _exit(exitCode)
        }
        source.resume()
        return source
    }
}
