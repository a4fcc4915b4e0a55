/// The lines that support something, each once, in bounded memory: exact up to 1,024 lines, an estimate within a few percent
/// beyond.
///
/// Several rules match the same lines, so the counts of an incident's parts must not be added up; sets of lines can be united. A
/// set keeps the smallest hashes of texts, each with how many events its line stands for (`message repeated 5 times`
/// stands for five).
///
/// Source: Bar-Yossef et al.: Counting Distinct Elements in a Data Stream, RANDOM 2002, algorithm 1 (k minimum values).
public struct LineSet: Sendable, Equatable, Codable {
    /// Hashes that a set keeps; the error of the estimate is 1 in the root of it.
    static let limit = 1024

    /// Ascending, each once.
    private var hashes: [UInt32] = []
    private var counts: [UInt32] = []
    /// Whether lines with larger hashes were left out.
    private var isCut = false

    /// Without a line.
    public init() {}

    /// Whether no line was inserted.
    public var isEmpty: Bool { hashes.isEmpty }
    /// Whether ``count`` counts and does not estimate.
    public var isExact: Bool { !isCut }

    /// The name of a line: a hash of its text. Its file and place say nothing: the same lines in another order, or read from a
    /// copy, are the same evidence.
    ///
    /// - Parameter text: the ``StableHash`` of its text.
    /// - Parameter repetition: how many lines of the same text at the same time came before it.
    public static func name(text: UInt64, repetition: UInt64 = 0) -> UInt32 {
        // The finalizer of SplitMix64: texts that are nearly alike must lie far apart.
        var mixed = repetition ^ (text &* 0x9E37_79B9_7F4A_7C15)
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return UInt32(truncatingIfNeeded: mixed >> 32)
    }

    /// Adds a line; one that is in the set keeps the larger of its two counts.
    ///
    /// - Parameter count: how many events the line stands for.
    public mutating func insert(_ name: UInt32, count: Int) {
        if let last = hashes.last, name > last, isCut || hashes.count == Self.limit {
            isCut = true
            return
        }
        var low = 0, high = hashes.count
        while low < high {
            let middle = (low + high) / 2
            if hashes[middle] < name { low = middle + 1 } else { high = middle }
        }
        let count = UInt32(clamping: max(1, count))
        if low < hashes.count, hashes[low] == name {
            counts[low] = max(counts[low], count)
            return
        }
        hashes.insert(name, at: low)
        counts.insert(count, at: low)
        cut()
    }

    /// Takes in the lines of another set.
    public mutating func formUnion(_ other: LineSet) {
        guard !other.isEmpty else { return }
        // Beyond the last hash of a set that is cut nothing is known of its lines.
        let bound = [self, other].filter(\.isCut).compactMap(\.hashes.last).min() ?? .max
        var union = LineSet()
        union.isCut = isCut || other.isCut
        union.hashes.reserveCapacity(min(Self.limit, hashes.count + other.hashes.count))
        union.counts.reserveCapacity(min(Self.limit, hashes.count + other.hashes.count))
        var (left, right) = (0, 0)
        while left < hashes.count || right < other.hashes.count {
            let mine = left < hashes.count ? hashes[left] : .max, theirs = right < other.hashes.count ? other.hashes[right] : .max
            let next = min(mine, theirs)
            guard next <= bound else { break }
            var count: UInt32 = 0
            if left < hashes.count, mine == next {
                count = counts[left]
                left += 1
            }
            if right < other.hashes.count, theirs == next {
                count = max(count, other.counts[right])
                right += 1
            }
            union.hashes.append(next)
            union.counts.append(count)
        }
        union.cut()
        self = union
    }

    private mutating func cut() {
        guard hashes.count > Self.limit else { return }
        hashes.removeLast(hashes.count - Self.limit)
        counts.removeLast(counts.count - Self.limit)
        isCut = true
    }

    /// How many events its lines stand for.
    public var count: Int {
        let kept = counts.reduce(0) { $0 + Int($1) }
        guard isCut, let last = hashes.last, last > 0 else { return kept }
        let lines = Double(hashes.count - 1) / (Double(last) / 4_294_967_296)
        return max(kept, Int((lines * Double(kept) / Double(hashes.count)).rounded()))
    }

    // MARK: Bytes

    /// As checkpoints and the store keep it: whether it is cut, then four bytes and a number of one or more for each line.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = [isCut ? 1 : 0]
        bytes.reserveCapacity(1 + hashes.count * 5)
        for (hash, count) in zip(hashes, counts) {
            withUnsafeBytes(of: hash.littleEndian) { bytes.append(contentsOf: $0) }
            var rest = count
            while rest >= 0x80 {
                bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
                rest >>= 7
            }
            bytes.append(UInt8(rest))
        }
        return bytes
    }

    /// Nil when the bytes are not what ``bytes`` gave.
    public init?(bytes: Span<UInt8>) {
        guard !bytes.isEmpty, bytes[0] < 2 else { return nil }
        isCut = bytes[0] == 1
        hashes.reserveCapacity(min(Self.limit, bytes.count / 5))
        counts.reserveCapacity(min(Self.limit, bytes.count / 5))
        var at = 1
        while at < bytes.count {
            guard bytes.count - at >= 5, hashes.count < Self.limit else { return nil }
            let low = UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8
            let hash = low | UInt32(bytes[at + 2]) << 16 | UInt32(bytes[at + 3]) << 24
            at += 4
            guard let count = Self.count(bytes, &at), hashes.last.map({ $0 < hash }) ?? true else { return nil }
            hashes.append(hash)
            counts.append(count)
        }
        if isCut, hashes.isEmpty { return nil }
    }

    /// A number of one or more, seven bits a byte, the lowest first.
    private static func count(_ bytes: Span<UInt8>, _ at: inout Int) -> UInt32? {
        var count: UInt64 = 0, shift: UInt64 = 0
        while at < bytes.count, shift < 35 {
            let byte = bytes[at]
            at += 1
            count |= UInt64(byte & 0x7F) << shift
            shift += 7
            if byte < 0x80 { return count > 0 ? UInt32(exactly: count) : nil }
        }
        return nil
    }
}
