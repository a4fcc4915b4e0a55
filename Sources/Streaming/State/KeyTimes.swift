import Columns

/// The keys that a stage remembers, each with a time until it matters.
struct KeyTimes {
    private var times: [[UInt8]: Int64] = [:]
    /// No time is below it: to ask each key would cost at every batch what is seldom true.
    private var least = Int64.max

    init() {}

    var count: Int { times.count }

    subscript(key: [UInt8]) -> Int64? { times[key] }

    mutating func remember(_ key: [UInt8], _ time: Int64) {
        times[key] = time
        least = min(least, time)
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
