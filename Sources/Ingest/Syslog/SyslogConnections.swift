import Synchronization

/// The open connections of a listener, which are bounded in all and of each address.
final class SyslogConnections: Sendable {
    private struct Entry {
        let peer: String
        /// Since when it waits for its sender; nil while its lines are on their way to the disk.
        var idleSince: ContinuousClock.Instant?
        let end: @Sendable () -> Void
    }

    private struct State {
        var entries: [Int: Entry] = [:]
        var byPeer: [String: Int] = [:]
        var next = 0

        mutating func remove(_ number: Int) -> Entry? {
            guard let entry = entries.removeValue(forKey: number) else { return nil }
            let left = byPeer[entry.peer, default: 1] - 1
            byPeer[entry.peer] = left > 0 ? left : nil
            return entry
        }
    }

    /// A place that was given.
    struct Admission {
        /// The number of the connection.
        let number: Int
        /// Ends the connection that had the place; nil when there was room.
        let ended: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())
    private let isFull = Atomic(false)

    /// A place for one more connection of an address; nil where there is none.
    ///
    /// - Parameter end: ends the connection when another one takes its place.
    func add(_ peer: String, now: ContinuousClock.Instant = .now, end: @escaping @Sendable () -> Void) -> Admission? {
        state.withLock { state in
            var ended: Entry?
            let isShareTaken = state.byPeer[peer, default: 0] >= SyslogListener.maxConnectionsPerAddress
            if isShareTaken || state.entries.count >= SyslogListener.maxConnections {
                let idle = state.entries.filter { entry in
                    (!isShareTaken || entry.value.peer == peer)
                        && entry.value.idleSince.map { now - $0 >= SyslogListener.leastIdleTime } == true
                }
                guard let oldest = idle.min(by: { $0.value.idleSince! < $1.value.idleSince! }) else { return nil }
                ended = state.remove(oldest.key)
            }
            state.next += 1
            state.entries[state.next] = Entry(peer: peer, idleSince: now, end: end)
            state.byPeer[peer, default: 0] += 1
            return Admission(number: state.next, ended: ended?.end)
        }
    }

    /// A connection waits for its sender from now on, or does not.
    func isIdle(_ number: Int, _ isIdle: Bool, now: ContinuousClock.Instant = .now) {
        state.withLock { $0.entries[number]?.idleSince = isIdle ? now : nil }
    }

    /// A connection has ended. Nothing happens when its place was taken before.
    func remove(_ number: Int) {
        state.withLock { _ = $0.remove(number) }
        isFull.store(false, ordering: .relaxed)
    }

    /// Whether it is the first to be refused since one has ended: whoever knocks on cannot fill the log.
    func isFirstRefused() -> Bool { !isFull.exchange(true, ordering: .relaxed) }
}
