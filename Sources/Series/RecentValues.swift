/// The last 128 values with their mean and standard deviation, and the mean of the last eight.
///
/// The sums are kept relative to an origin near the values and made anew each time that the ring wraps, so that neither a large
/// offset nor a large value that has left the ring spoils them.
struct RecentValues: Sendable, Equatable {
    static let length = 128, short = 8

    var values = [Double](repeating: 0, count: length)
    /// Where the next value goes.
    var next = 0
    var count = 0
    var origin = 0.0, sum = 0.0, squares = 0.0

    var isFull: Bool { count == Self.length }
    var mean: Double { origin + sum / Double(count) }

    var deviation: Double {
        let mean = sum / Double(count)
        return max(0, squares / Double(count) - mean * mean).squareRoot()
    }

    /// The mean of the last eight values; there must be that many.
    var shortMean: Double {
        var total = 0.0
        for back in 1...Self.short { total += values[(next &- back) & (Self.length - 1)] }
        return total / Double(Self.short)
    }

    mutating func append(_ value: Double) {
        if count == 0 { origin = value }
        if isFull { remove(values[next]) } else { count += 1 }
        values[next] = value
        sum += value - origin
        squares += (value - origin) * (value - origin)
        next = (next + 1) & (Self.length - 1)
        if next == 0 { sumAnew() }
    }

    private mutating func remove(_ value: Double) {
        sum -= value - origin
        squares -= (value - origin) * (value - origin)
    }

    private mutating func sumAnew() {
        origin = mean
        (sum, squares) = (0, 0)
        for value in values.prefix(count) {
            sum += value - origin
            squares += (value - origin) * (value - origin)
        }
    }
}
