import Synchronization

/// Limits the memory of all request bodies and responses together. Without it, clients that never finish their bodies, or do not
/// read their responses, could exhaust the memory.
///
/// The first ``free`` bytes of each are not counted, so that scrapes, alerts and pages still work when large requests have taken
/// the rest; ``Connections`` bounds their number.
final class HeldBytes: Sendable {
    static let free = 64 << 10

    let limit: Int
    private let held = Atomic<Int>(0)

    init(limit: Int) {
        self.limit = limit
    }

    var count: Int { held.load(ordering: .relaxed) }

    fileprivate func take(_ count: Int) -> Bool {
        if held.add(count, ordering: .relaxed).newValue <= limit { return true }
        held.subtract(count, ordering: .relaxed)
        return false
    }

    fileprivate func giveBack(_ count: Int) { held.subtract(count, ordering: .relaxed) }

    /// The share of one body or response, released with its last reference.
    final class Lease: Sendable {
        private let all: HeldBytes
        private let counts = Mutex((size: 0, taken: 0))

        init(_ all: HeldBytes) {
            self.all = all
        }

        deinit { all.giveBack(counts.withLock { $0.taken }) }

        /// Takes `count` more bytes; false when there is no room for them.
        func grow(by count: Int) -> Bool {
            counts.withLock { counts in
                let missing = max(0, counts.size + count - HeldBytes.free) - counts.taken
                guard missing <= 0 || all.take(missing) else { return false }
                counts.size += count
                counts.taken += max(0, missing)
                return true
            }
        }
    }
}
