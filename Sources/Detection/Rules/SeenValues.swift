import Columns

/// Since when and until when values have been seen, such as the networks that a user logs in from. A value that was away for
/// longer than ``forgetAfter`` is new again.
struct SeenValues: Sendable {
    struct Times: Sendable {
        var first: Int64
        var last: Int64
    }

    private var times = KeyTable(Times(first: 0, last: 0))
    let forgetAfter: Int64
    private(set) var forgotten = 0

    /// Values beyond which those that were away longest are forgotten.
    static let maxValues = 1_000_000
    let limit: Int

    init(forgetAfter: Int64, limit: Int = maxValues) {
        self.forgetAfter = forgetAfter
        self.limit = limit
    }

    var count: Int { times.count }

    subscript(_ value: UInt64) -> Times? { times[value] }

    /// Whether a value was there between `within` and `after` before `time`.
    func isKnown(_ value: UInt64, at time: Int64, within: Int64, after: Int64) -> Bool {
        guard let seen = times[value] else { return false }
        return seen.first <= time &- after && seen.last >= time &- within
    }

    /// - Returns: whether the value is new: it was not there before, or not for so long; or it is, and this is earlier than what
    ///   made it new.
    @discardableResult
    mutating func insert(_ value: UInt64, at time: Int64, lateness: Int64) -> Bool {
        guard let known = times[value] else {
            times[value] = Times(first: time, last: time)
            if times.count > limit { forgetOldest() }
            return true
        }
        if time > known.last &+ forgetAfter {
            times[value] = Times(first: time, last: time)
            return true
        }
        guard time < known.first else {
            if time > known.last { times[value] = Times(first: known.first, last: time) }
            return false
        }
        times[value] = Times(first: time, last: known.last)
        return known.first &- time <= lateness
    }

    private mutating func forgetOldest() {
        let bound = times.all.map(\.value.last).sorted()[times.count / 10]
        let count = times.count
        times.filter { $1.last > bound }
        forgotten += count - times.count
    }

    mutating func forget(before newest: Int64) {
        let oldest = newest &- forgetAfter
        times.filter { $1.last >= oldest }
    }

    var bytes: Int { times.capacity * 24 }

    func encode(to writer: inout StateWriter) {
        writer.write(times.count)
        for (value, seen) in times.all.sorted(by: { $0.key < $1.key }) {
            writer.write(value)
            writer.write(compact: seen.first)
            writer.write(compact: seen.last &- seen.first)
        }
    }

    mutating func decode(from reader: inout StateReader) throws(StateReader.Damaged) {
        times = KeyTable(Times(first: 0, last: 0))
        for _ in 0..<(try reader.count()) {
            let value = try reader.uint64()
            guard value != 0 else { throw StateReader.Damaged() }
            let first = try reader.compactInt64()
            guard first.magnitude <= RuleShape.maxTime.magnitude else { throw StateReader.Damaged() }
            let length = try reader.compactInt64()
            guard (0...RuleShape.maxTime).contains(length) else { throw StateReader.Damaged() }
            times[value] = Times(first: first, last: first &+ length)
        }
    }
}
