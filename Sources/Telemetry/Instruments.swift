import Columns
import Synchronization

/// One series of a metric. Any thread may use it at any time; it holds a lock for nanoseconds or none.
protocol MetricInstrument: AnyObject, Sendable {
    /// Writes the samples of this series; `labels` are its rendered label pairs.
    func write(_ descriptor: MetricDescriptor, labels: String, to writer: inout ExpositionWriter)
}

/// A count that only grows.
public final class Counter: MetricInstrument {
    private let count = Atomic<Int>(0)

    init() {}

    /// Adds `amount`, which is not negative.
    public func increment(by amount: Int = 1) {
        count.add(amount, ordering: .relaxed)
    }

    /// The count so far.
    public var value: Int { count.load(ordering: .relaxed) }

    func write(_ descriptor: MetricDescriptor, labels: String, to writer: inout ExpositionWriter) {
        writer.sample(descriptor.name, labels: labels, value: Double(value))
    }
}

/// A value that goes up and down. One that is not a number is none, and has no sample.
public final class Gauge: MetricInstrument {
    private let bits: Atomic<UInt64>

    init(_ value: Double = 0) {
        bits = Atomic(value.bitPattern)
    }

    /// Replaces the value.
    public func set(_ value: Double) {
        bits.store(value.bitPattern, ordering: .relaxed)
    }

    /// Adds `amount`, which may be negative.
    public func increment(by amount: Double = 1) {
        var old = bits.load(ordering: .relaxed)
        while true {
            let new = (Double(bitPattern: old) + amount).bitPattern
            let (exchanged, current) = bits.weakCompareExchange(expected: old, desired: new, ordering: .relaxed)
            if exchanged { return }
            old = current
        }
    }

    /// The value now; not a number where there is none.
    public var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    func write(_ descriptor: MetricDescriptor, labels: String, to writer: inout ExpositionWriter) {
        let value = value
        if !value.isNaN { writer.sample(descriptor.name, labels: labels, value: value) }
    }
}

/// A distribution in cumulative buckets.
public final class Histogram: MetricInstrument {
    /// 1 ms to 60 s, for stages, requests and notifications.
    public static let latencyBuckets: [Double] = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
    ]

    private struct State {
        var counts: [Int]
        var sum = 0.0
    }

    private let bounds: [Double]
    private let state: Mutex<State>

    init(buckets: [Double]) {
        precondition(zip(buckets, buckets.dropFirst()).allSatisfy(<), "histogram buckets rise")
        bounds = buckets
        state = Mutex(State(counts: Array(repeating: 0, count: buckets.count + 1)))
    }

    /// Counts `value`; one that is not a number is left out.
    public func observe(_ value: Double) {
        guard !value.isNaN else { return }
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock {
            $0.counts[bucket] += 1
            $0.sum += value
        }
    }

    /// Counts a duration, in seconds.
    public func observe(_ duration: Duration) { observe(duration.inSeconds) }

    /// How many values were observed, and their sum.
    public var total: (count: Int, sum: Double) {
        state.withLock { ($0.counts.reduce(0, +), $0.sum) }
    }

    func write(_ descriptor: MetricDescriptor, labels: String, to writer: inout ExpositionWriter) {
        let (counts, sum) = state.withLock { ($0.counts, $0.sum) }
        var cumulative = 0
        for (index, count) in counts.enumerated() {
            cumulative += count
            let bound = index < bounds.count ? ExpositionWriter.render(bounds[index], asBound: true) : "+Inf"
            let separator = labels.isEmpty ? "" : ","
            writer.sample(
                descriptor.name + "_bucket", labels: "\(labels)\(separator)le=\"\(bound)\"", value: Double(cumulative))
        }
        writer.sample(descriptor.name + "_sum", labels: labels, value: sum)
        writer.sample(descriptor.name + "_count", labels: labels, value: Double(cumulative))
    }
}
