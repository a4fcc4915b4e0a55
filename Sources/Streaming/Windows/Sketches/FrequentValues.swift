import Columns

/// The most frequent texts of many, with counts: space-saving with a fixed number of counters.
///
/// A count may be too high by at most n / counters, where n is how many texts came, and never too low; a text that is more
/// frequent than that is never missed.
///
/// Source: Metwally, Agrawal, El Abbadi: Efficient Computation of Frequent and Top-k Elements in Data Streams, ICDT 2005.
struct FrequentValues: Sendable {
    private var counts: [OutsideText: Int64] = [:]
    private let capacity: Int

    init(capacity: Int) {
        self.capacity = capacity
    }

    mutating func insert(_ text: String, count: Int64 = 1) { insert(OutsideText(text), count: count) }

    private mutating func insert(_ text: OutsideText, count: Int64) {
        if counts[text] != nil || counts.count < capacity {
            counts[text, default: 0] += count
            return
        }
        // The least frequent gives its counter up; of equal ones the first by name, so that the same texts give the same counts.
        let least = counts.min { ($0.value, $0.key) < ($1.value, $1.key) }!
        counts[least.key] = nil
        counts[text] = least.value + count
    }

    mutating func merge(_ other: FrequentValues) {
        for (text, count) in other.counts { counts[text, default: 0] += count }
        guard counts.count > capacity else { return }
        for entry in counts.sorted(by: { ($0.value, $1.key) < ($1.value, $0.key) }).prefix(counts.count - capacity) {
            counts[entry.key] = nil
        }
    }

    /// The first `k` as JSON, most frequent first, equal ones by name.
    func json(_ k: Int) -> String {
        let top = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(k)
        return "[" + top.map { "{\"value\":\(JSONText.quote($0.key.string)),\"count\":\($0.value)}" }.joined(separator: ",") + "]"
    }

    func encode(to writer: inout StateWriter) {
        writer.write(counts.count)
        for (text, count) in counts.sorted(by: { $0.key < $1.key }) {
            writer.write(text.string)
            writer.write(count)
        }
    }

    init(from reader: inout StateReader, capacity: Int) throws {
        self.capacity = capacity
        for _ in 0..<(try reader.count()) {
            let text = OutsideText(try reader.string())
            counts[text] = try reader.int64()
        }
    }
}
