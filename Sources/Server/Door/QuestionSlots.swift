import Synchronization

/// How many questions may be in progress at once. A thread is free again while its question waits for the database, so without this bound all that clients ask for would be
/// in memory together: forty answers of 25 MB took a gigabyte while they were put together.
final class QuestionSlots: Sendable {
    private struct State {
        var free: Int
        /// In the order of their numbers, which is that in which they came.
        var waiting: [Int: CheckedContinuation<Void, any Error>] = [:]
        /// Cancelled before they began to wait.
        var cancelled: Set<Int> = []
        var next = 0
    }

    private let state: Mutex<State>

    init(count: Int) {
        state = Mutex(State(free: count))
    }

    /// What `body` gives, once there is room for it.
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
