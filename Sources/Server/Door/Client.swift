import Synchronization

/// The client of a connection: whether it is still there, and the memory that its responses hold.
final class Client: Sendable {
    private struct State {
        var isGone = false
        var action: (@Sendable () -> Void)?
        /// The memory that its responses hold until it has read them.
        var leases: [HeldBytes.Lease] = []
    }

    private let state = Mutex(State())

    /// Runs `action` when the client leaves, or at once if it has left. There is one action at a time; nil removes it.
    func whenGone(_ action: (@Sendable () -> Void)?) {
        let isGone = state.withLock { state in
            state.action = state.isGone ? nil : action
            return state.isGone
        }
        if isGone { action?() }
    }

    func goes() {
        let action = state.withLock { state in
            state.isGone = true
            defer { state.action = nil }
            return state.action
        }
        action?()
    }

    func hold(_ lease: HeldBytes.Lease) { state.withLock { $0.leases.append(lease) } }

    /// All responses have been handed to the system, or never will be.
    func hasRead() {
        // The leases are released outside the lock.
        _ = state.withLock { state in
            defer { state.leases = [] }
            return state.leases
        }
    }
}
