import Columns

/// Lines of files, and which of them a table holds: about twenty bytes per line, however long it is.
///
/// A line is known by its offset and its text, because a path has lines of many files behind it, one after another, all from
/// offset 0. Two different lines of one offset pass for the same once in 2⁶⁴.
struct LineTally {
    private var keys: [UInt64] = []
    /// By line, the first one with the same key: a copy of a file has the same lines at the same places.
    private var firsts: [UInt32] = []
    /// By line that is the first of its key: how many lines have it, and how many rows.
    private var expected: [UInt16] = []
    private var own: [UInt16] = []
    private var others: [Bool] = []
    /// Open addressing: positions in `keys` plus one.
    private var slots = [UInt32](repeating: 0, count: 1 << 10)

    var count: Int { keys.count }

    /// Adds the next line of a file.
    mutating func add(_ key: UInt64) {
        if (keys.count + 1) * 2 > slots.count { grow() }
        let slot = slot(of: key)
        let index = UInt32(keys.count)
        keys.append(key)
        expected.append(0)
        own.append(0)
        others.append(false)
        if slots[slot] == 0 {
            slots[slot] = index + 1
            firsts.append(index)
        } else {
            firsts.append(slots[slot] - 1)
        }
        let first = Int(firsts[Int(index)])
        expected[first] = expected[first] == .max ? .max : expected[first] + 1
    }

    /// Counts a row of the table.
    ///
    /// - Parameter isOwn: whether the source itself brought it; what others have read of the same file it does not read again.
    mutating func count(_ key: UInt64, isOwn: Bool) {
        let slot = slot(of: key)
        guard slots[slot] > 0 else { return }
        let index = Int(slots[slot] - 1)
        if isOwn { own[index] = own[index] == .max ? .max : own[index] + 1 } else { others[index] = true }
    }

    /// Whether a row of the table is the line.
    func isPresent(_ line: Int) -> Bool {
        let first = Int(firsts[line])
        return own[first] > 0 || others[first]
    }

    /// Whether the source has brought the line more often than files hold it.
    func isDuplicate(_ line: Int) -> Bool {
        let first = Int(firsts[line])
        return own[first] > expected[first]
    }

    private func slot(of key: UInt64) -> Int {
        var slot = Int(truncatingIfNeeded: key) & (slots.count - 1)
        while slots[slot] > 0, keys[Int(slots[slot] - 1)] != key { slot = (slot + 1) & (slots.count - 1) }
        return slot
    }

    private mutating func grow() {
        slots = [UInt32](repeating: 0, count: slots.count * 2)
        for index in keys.indices where firsts[index] == index { slots[slot(of: keys[index])] = UInt32(index) + 1 }
    }

    /// The keys of the lines of a batch, from their offsets and texts.
    static func keys(of batch: Batch, _ body: (_ row: Int, _ key: UInt64) -> Void) {
        guard let offsets = batch["offset"], let lines = batch["line"] else { return }
        for row in 0..<batch.count {
            let offset = UInt64(bitPattern: offsets.integer(at: row) ?? -1)
            body(row, lines.withBytes(at: row) { key(offset, $0) })
        }
    }

    private static func key(_ offset: UInt64, _ text: Span<UInt8>) -> UInt64 {
        let hash = FastHash.bytes(text, 0, text.count, seed: FastHash.mix(0x9E37_79B9_7F4A_7C15, offset))
        // The length spreads the last bytes over all bits.
        return FastHash.mix(hash, UInt64(text.count))
    }
}
