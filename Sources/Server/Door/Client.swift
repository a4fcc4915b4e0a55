import Synchronization

/// Whoever is at the other end of a connection, as far as one sees whether they are still there.
final class Client: Sendable {
    private struct State {
        var isGone = false
        var action: (@Sendable () -> Void)?
        /// What its answers hold in memory until it has read them.
        var leases: [HeldBytes.Lease] = []
    }

    private let state = Mutex(State())

    /// Does `action` when the client goes, or at once if it has gone. There is one at a time; nil takes it back.
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

    /// All that was answered has been taken by the system, or never will be.
    func hasRead() {
        // Given back outside of the lock.
        _ = state.withLock { state in
            defer { state.leases = [] }
            return state.leases
        }
    }
}
