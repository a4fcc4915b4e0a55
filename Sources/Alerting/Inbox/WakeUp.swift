import Synchronization

/// Wakes those who wait for work. Several calls that nobody has looked at yet are one.
final class WakeUp: Sendable {
    private struct Listeners {
        var next = 0
        var all: [Int: AsyncStream<Void>.Continuation] = [:]
    }

    private let listeners = Mutex(Listeners())

    func wake() {
        for listener in listeners.withLock({ Array($0.all.values) }) { listener.yield() }
    }

    /// An element for each ``wake()`` from now on.
    func calls() -> AsyncStream<Void> {
        let (calls, listener) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let id = listeners.withLock { listeners in
            listeners.next += 1
            listeners.all[listeners.next] = listener
            return listeners.next
        }
        listener.onTermination = { [weak self] _ in self?.listeners.withLock { $0.all[id] = nil } }
        return calls
    }

    /// Returns at the next ``wake()``, after `limit`, or when the task is cancelled.
    func wait(upTo limit: Duration) async {
        let calls = calls()
        await withTaskGroup { group in
            group.addTask { try? await Task.sleep(for: limit) }
            group.addTask { for await _ in calls { return } }
            await group.next()
            group.cancelAll()
        }
    }
}
