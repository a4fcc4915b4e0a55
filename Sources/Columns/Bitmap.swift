/// A growable row of bits, 64 to a word, first bit lowest. As a column's validity a set bit says that the value is there.
public struct Bitmap: Sendable, Hashable {
    @usableFromInline var words: [UInt64]
    /// The number of bits.
    public private(set) var count: Int

    /// No bits.
    public init() {
        words = []
        count = 0
    }

    /// `count` times the same bit.
    public init(repeating bit: Bool, count: Int) {
        words = Array(repeating: bit ? ~0 : 0, count: (count + 63) / 64)
        self.count = count
        clearUnusedBits()
    }

    /// The bit at `index`, which must be below ``count``.
    @inlinable public subscript(_ index: Int) -> Bool {
        words[index >> 6] & (1 << UInt64(index & 63)) != 0
    }

    /// Adds one bit at the end.
    public mutating func append(_ bit: Bool) {
        if count & 63 == 0 { words.append(0) }
        if bit { words[count >> 6] |= 1 << UInt64(count & 63) }
        count += 1
    }

    /// Adds the same bit `added` times, whole words at once.
    public mutating func append(repeating bit: Bool, count added: Int) {
        var left = added
        while left > 0 {
            let taken = min(64, left)
            append(bits: bit ? ~0 : 0, count: taken)
            left -= taken
        }
    }

    /// Appends the lowest `added` bits of `bits`, the lowest first.
    ///
    /// - Precondition: `added` is at most 64.
    public mutating func append(bits: UInt64, count added: Int) {
        precondition((0...64).contains(added))
        guard added > 0 else { return }
        let bits = added == 64 ? bits : bits & ((1 << UInt64(added)) - 1)
        let place = count & 63
        if place == 0 {
            words.append(bits)
        } else {
            words[words.count - 1] |= bits << UInt64(place)
            if place + added > 64 { words.append(bits >> UInt64(64 - place)) }
        }
        count += added
    }

    /// Changes the bit at `index`, which must be below ``count``.
    public mutating func set(_ index: Int, to bit: Bool) {
        precondition(index >= 0 && index < count)
        let mask: UInt64 = 1 << UInt64(index & 63)
        if bit { words[index >> 6] |= mask } else { words[index >> 6] &= ~mask }
    }

    /// How many bits of `range` are set.
    public func setCount(in range: Range<Int>) -> Int {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        guard !range.isEmpty else { return 0 }
        let first = range.lowerBound >> 6, last = (range.upperBound - 1) >> 6
        let head = ~UInt64(0) << UInt64(range.lowerBound & 63)
        let tail = ~UInt64(0) >> UInt64(63 - ((range.upperBound - 1) & 63))
        if first == last { return (words[first] & head & tail).nonzeroBitCount }
        var total = (words[first] & head).nonzeroBitCount + (words[last] & tail).nonzeroBitCount
        for word in words[(first + 1)..<last] { total += word.nonzeroBitCount }
        return total
    }

    /// Keeps `count`'s invariant that bits beyond it are zero, so that equality and hashing look at words alone.
    private mutating func clearUnusedBits() {
        if count & 63 != 0, let last = words.indices.last { words[last] &= ~0 >> UInt64(64 - count & 63) }
    }
}
