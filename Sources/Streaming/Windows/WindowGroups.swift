import Columns

/// The groups of one window by key, at most so many: what an attacker writes, such as user names, must not fill the memory.
///
/// Beyond the limit the groups with the least hashes are kept; the rows of all others are in one more group, ``other``. So
/// which groups those are does not depend on the order in which rows came, and each that is kept has all of its rows.
struct WindowGroups {
    /// The key of the group of all that are not kept. No key of values is one byte long.
    static let other: [UInt8] = [0xFF]
    /// What it is called in a column of texts.
    static let otherName = "(other)"
    /// A longer key is not kept.
    static let maxKeyLength = 4096

    private(set) var slots: [[UInt8]: Int32] = [:]
    /// The kept keys with the greatest hash first, as a heap; empty until the limit is reached.
    private var heap: [(hash: UInt64, key: [UInt8])] = []

    var count: Int { slots.count }
    var otherSlot: Int32? { slots[Self.other] }

    /// The slot of a group. When another group had to give way, `isMoved` says that slots that were given before may be those
    /// of others now.
    mutating func slot(of key: [UInt8], limit: Int, _ states: inout GroupSlots, isMoved: inout Bool) -> Int32 {
        if let known = slots[key] { return known }
        guard key.count <= Self.maxKeyLength else { return takeOther(&states) }
        // Fast path: there is room.
        if slots.count < limit || slots.count == limit && otherSlot != nil {
            let new = states.take()
            slots[key] = new
            if !heap.isEmpty { push(key) }
            return new
        }
        let other = takeOther(&states)
        if heap.isEmpty { for known in slots.keys where known != Self.other { push(known) } }
        let hash = Self.hash(key)
        guard let greatest = heap.first, Self.isLess((hash, key), greatest) else { return other }
        let leaving = slots.removeValue(forKey: greatest.key)!
        states.merge(leaving, into: other)
        states.give(back: leaving)
        let new = states.take()
        slots[key] = new
        heap[0] = (hash, key)
        sink(0)
        isMoved = true
        return new
    }

    /// The slot that a group has now, its own or that of all others.
    func current(_ key: [UInt8]) -> Int32 { slots[key] ?? slots[Self.other]! }

    mutating func restore(_ key: [UInt8], _ slot: Int32) { slots[key] = slot }

    private mutating func takeOther(_ states: inout GroupSlots) -> Int32 {
        if let known = otherSlot { return known }
        let new = states.take()
        slots[Self.other] = new
        return new
    }

    private static func hash(_ key: [UInt8]) -> UInt64 {
        // FNV's high bits change little with the last bytes of a short key.
        var random = SplitMix64(seed: StableHash.of(key.span))
        return random.next()
    }

    private static func isLess(_ left: (hash: UInt64, key: [UInt8]), _ right: (hash: UInt64, key: [UInt8])) -> Bool {
        left.hash != right.hash ? left.hash < right.hash : left.key.lexicographicallyPrecedes(right.key)
    }

    private mutating func push(_ key: [UInt8]) {
        heap.append((Self.hash(key), key))
        var at = heap.count - 1
        while at > 0, Self.isLess(heap[(at - 1) / 2], heap[at]) {
            heap.swapAt(at, (at - 1) / 2)
            at = (at - 1) / 2
        }
    }

    private mutating func sink(_ start: Int) {
        var at = start
        while true {
            var greatest = at
            for child in [2 * at + 1, 2 * at + 2] where child < heap.count && Self.isLess(heap[greatest], heap[child]) {
                greatest = child
            }
            guard greatest != at else { return }
            heap.swapAt(at, greatest)
            at = greatest
        }
    }
}
