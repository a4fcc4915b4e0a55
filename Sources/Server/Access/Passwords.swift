import Access
import Dispatch
import Synchronization

/// Looks passwords up on a thread of its own, one after another: each takes a tenth of a second and 32 MiB, and requests that
/// need no password must not wait for it.
final class Passwords: Sendable {
    private let store: AccessStore
    private let queue = DispatchQueue(label: "obs.passwords")
    private let waiting = Atomic<Int>(0)
    private static let maxWaiting = 16

    init(_ store: AccessStore) {
        self.store = store
    }

    /// - Throws: ``HTTPFailure`` 503 when too many wait.
    func account(named name: String, password: String) async throws -> AccessStore.Account? {
        defer { waiting.subtract(1, ordering: .relaxed) }
        guard waiting.add(1, ordering: .relaxed).newValue <= Self.maxWaiting else {
            throw HTTPFailure.busy("too many people log in at once")
        }
        let store = store
        return try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try store.account(named: name, password: password) }) }
        }
    }
}
