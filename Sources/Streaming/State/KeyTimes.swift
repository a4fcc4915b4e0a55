import Columns

/// The keys that a stage remembers, each with the time until which it matters. Their number is bounded, because they come from
/// outside.
struct KeyTimes {
    static let maxKeys = 1_000_000
    /// A longer key is not remembered.
    static let maxKeyLength = 4096

    private var times: [[UInt8]: Int64] = [:]
    /// A lower bound of all times, so that most batches need not look at every key.
    private var least = Int64.max

    init() {}

    var count: Int { times.count }

    subscript(key: [UInt8]) -> Int64? { times[key] }

    mutating func remember(_ key: [UInt8], _ time: Int64) {
        guard key.count <= Self.maxKeyLength else { return }
        times[key] = time
        least = min(least, time)
        if times.count > Self.maxKeys { shrink() }
    }

    /// Forgets the eighth that would be forgotten first.
    private mutating func shrink() {
        // Of equal times the keys in their order, so that the same rows leave the same keys.
        let kept = times.sorted { left, right in
            left.value != right.value ? left.value > right.value : left.key.lexicographicallyPrecedes(right.key)
        }.prefix(Self.maxKeys / 8 * 7)
        times = Dictionary(uniqueKeysWithValues: kept.map { ($0.key, $0.value) })
        least = times.values.min() ?? .max
    }

    /// Forgets the keys whose time is not above `time`.
    mutating func forget(upTo time: Int64) {
        guard least <= time else { return }
        times = times.filter { $0.value > time }
        least = times.values.min() ?? .max
    }

    func encode(to writer: inout StateWriter) {
        writer.write(times.count)
        for (key, time) in times {
            writer.write(key)
            writer.write(time)
        }
    }

    init(from reader: inout StateReader) throws {
        for _ in 0..<(try reader.count()) { remember(try reader.array(), try reader.int64()) }
    }
}
