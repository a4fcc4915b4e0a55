import Columns
import Series

/// A series per key. Their number is bounded, because keys come from outside: of too many those that were quiet longest are
/// forgotten.
struct KeyedSeries {
    private static let maxSeries = 1000
    /// Values of a series before anything is said of it: a band of three values is none.
    private static let leastValues = 24

    private struct Entry {
        var detector = SeriesDetector()
        var newest = Timestamp(microseconds: .min)
    }

    private var entries: [[UInt8]: Entry] = [:]

    init() {}

    var count: Int { entries.count }

    /// - Returns: nil for one of the first values of a series, and for what is not a number.
    mutating func observe(_ value: Double, at time: Timestamp, of key: [UInt8]) -> SeriesReading? {
        guard key.count <= KeyTimes.maxKeyLength, value.isFinite else { return nil }
        let known = entries[key]?.detector.count ?? 0
        let reading = entries[key, default: Entry()].detector.observe(value, at: time)
        entries[key]!.newest = max(entries[key]!.newest, time)
        if entries.count > Self.maxSeries { forgetQuietest() }
        return known < Self.leastValues ? nil : reading
    }

    private mutating func forgetQuietest() {
        // Of equal times the keys in their order, so that the same rows leave the same keys.
        let kept = entries.sorted { left, right in
            left.value.newest != right.value.newest
                ? left.value.newest > right.value.newest : left.key.lexicographicallyPrecedes(right.key)
        }.prefix(Self.maxSeries / 10 * 9)
        entries = Dictionary(uniqueKeysWithValues: kept.map { ($0.key, $0.value) })
    }

    func encode(to writer: inout StateWriter) {
        writer.write(entries.count)
        for (key, entry) in entries.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            writer.write(key)
            writer.write(entry.newest.microseconds)
            entry.detector.encode(to: &writer)
        }
    }

    init(from reader: inout StateReader) throws(StateReader.Damaged) {
        for _ in 0..<(try reader.count()) {
            let key = try reader.array(), newest = Timestamp(microseconds: try reader.int64())
            entries[key] = Entry(detector: try SeriesDetector(from: &reader), newest: newest)
        }
    }
}
