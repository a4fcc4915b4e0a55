import Synchronization

/// The port that a server listens on, known once it does.
public final class BoundPort: Sendable {
    private struct State {
        var port: Int?
        var isOver = false
        var waiting: [CheckedContinuation<Int?, Never>] = []
    }

    private let state = Mutex(State())

    /// A port that is not known yet.
    public init() {}

    /// Nil until the server listens.
    public var value: Int? { state.withLock { $0.port } }

    /// Waits until the server listens, and returns its port; nil when it ended before.
    public func wait() async -> Int? {
        await withCheckedContinuation { continuation in
            let isKnown = state.withLock { state in
                if state.port == nil, !state.isOver { state.waiting.append(continuation) }
                return state.port != nil || state.isOver
            }
            if isKnown { continuation.resume(returning: value) }
        }
    }

    func set(_ port: Int) {
        update { $0.port = port }
    }

    /// The server has ended: tasks that wait for the port get nil.
    func end() {
        update { $0.isOver = true }
    }

    private func update(_ change: (inout State) -> Void) {
        let (port, waiting) = state.withLock { state in
            change(&state)
            defer { state.waiting = [] }
            return (state.port, state.waiting)
        }
        for continuation in waiting { continuation.resume(returning: port) }
    }
}
