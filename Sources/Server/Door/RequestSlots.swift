import Synchronization

/// Limits the number of reading requests in progress. A thread is free while its request waits for the database, so without this
/// limit all responses would be built in memory at once: forty of 25 MB took a gigabyte.
final class RequestSlots: Sendable {
    private struct State {
        var free: Int
        /// By number, in the order of arrival.
        var waiting: [Int: CheckedContinuation<Void, any Error>] = [:]
        /// Numbers of requests that were cancelled before they began to wait.
        var cancelled: Set<Int> = []
        var next = 0
    }

    private let state: Mutex<State>

    init(count: Int) {
        state = Mutex(State(free: count))
    }

    /// Waits for a free slot, then runs `body` in it.
    ///
    /// - Throws: `CancellationError` when the task is cancelled before.
    func occupied<Value>(_ body: () async throws -> Value) async throws -> Value {
        try await enter()
        defer { leave() }
        return try await body()
    }

    private func enter() async throws {
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result: Result<Void, any Error>? = state.withLock { state in
                    if state.cancelled.remove(number) != nil { return .failure(CancellationError()) }
                    guard state.free > 0 else {
                        state.waiting[number] = continuation
                        return nil
                    }
                    state.free -= 1
                    return .success(())
                }
                if let result { continuation.resume(with: result) }
            }
            state.withLock { _ = $0.cancelled.remove(number) }
        } onCancel: {
            let waiting = state.withLock { state in
                let waiting = state.waiting.removeValue(forKey: number)
                if waiting == nil { state.cancelled.insert(number) }
                return waiting
            }
            waiting?.resume(throwing: CancellationError())
        }
    }

    private func leave() {
        let next: CheckedContinuation<Void, any Error>? = state.withLock { state in
            guard let first = state.waiting.keys.min() else {
                state.free += 1
                return nil
            }
            return state.waiting.removeValue(forKey: first)
        }
        next?.resume()
    }
}
