import Synchronization

/// One series of a metric. Any thread may use it at any time; it holds a lock for nanoseconds or none.
public protocol MetricInstrument: AnyObject, Sendable {
    /// Writes the samples of this series; `labels` are its rendered label pairs.
    func write(_ descriptor: MetricDescriptor, labels: String, to writer: inout ExpositionWriter)
}

/// A count that only grows.
public final class Counter: MetricInstrument {
    private let count = Atomic<Int>(0)

    init() {}

    public func increment(by amount: Int = 1) {
        count.add(amount, ordering: .relaxed)
    }

    public var value: Int { count.load(ordering: .relaxed) }

    public func write(_ descriptor: MetricDescriptor, labels: String, to writer: inout ExpositionWriter) {
        writer.sample(descriptor.name, labels: labels, value: Double(value))
    }
}

/// A value that goes up and down. One that is not a number is none, and has no sample.
public final class Gauge: MetricInstrument {
    private let bits: Atomic<UInt64>

    init(_ value: Double = 0) {
        bits = Atomic(value.bitPattern)
    }

    public func set(_ value: Double) {
        bits.store(value.bitPattern, ordering: .relaxed)
    }

    public func increment(by amount: Double = 1) {
        var old = bits.load(ordering: .relaxed)
        while true {
            let new = (Double(bitPattern: old) + amount).bitPattern
            let (exchanged, current) = bits.weakCompareExchange(expected: old, desired: new, ordering: .relaxed)
            if exchanged { return }
            old = current
        }
    }

    public func decrement(by amount: Double = 1) {
        increment(by: -amount)
    }

    public var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    public func write(_ descriptor: MetricDescriptor, labels: String, to writer: inout ExpositionWriter) {
        let value = value
        if !value.isNaN { writer.sample(descriptor.name, labels: labels, value: value) }
    }
}

/// A distribution in cumulative buckets, with the last trace seen in each bucket as its exemplar.
public final class Histogram: MetricInstrument {
    /// 1 ms to 60 s, for stages, requests and notifications.
    public static let latencyBuckets: [Double] = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
    ]

    private struct State {
        var counts: [Int]
        var sum = 0.0
        var exemplars: [Exemplar?]
    }

    private let bounds: [Double]
    private let state: Mutex<State>

    init(buckets: [Double]) {
        precondition(zip(buckets, buckets.dropFirst()).allSatisfy(<), "histogram buckets rise")
        bounds = buckets
        state = Mutex(
            State(
                counts: Array(repeating: 0, count: buckets.count + 1), exemplars: Array(repeating: nil, count: buckets.count + 1))
        )
    }

    /// Counts `value`. A trace id becomes the exemplar of its bucket.
    public func observe(_ value: Double, traceID: String? = nil) {
        guard !value.isNaN else { return }
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        let exemplar = traceID.map { Exemplar(traceID: $0, value: value, time: WallClock.now) }
        state.withLock {
            $0.counts[bucket] += 1
            $0.sum += value
            if let exemplar { $0.exemplars[bucket] = exemplar }
        }
    }

    public func observe(_ duration: Duration, traceID: String? = nil) {
        observe(Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18, traceID: traceID)
    }

    /// How many values were observed, and their sum.
    public var total: (count: Int, sum: Double) {
        state.withLock { ($0.counts.reduce(0, +), $0.sum) }
    }

    public func write(_ descriptor: MetricDescriptor, labels: String, to writer: inout ExpositionWriter) {
        let (counts, sum, exemplars) = state.withLock { ($0.counts, $0.sum, $0.exemplars) }
        var cumulative = 0
        for (index, count) in counts.enumerated() {
            cumulative += count
            let bound = index < bounds.count ? ExpositionWriter.render(bounds[index], asBound: true) : "+Inf"
            let separator = labels.isEmpty ? "" : ","
            writer.sample(
                descriptor.name + "_bucket", labels: "\(labels)\(separator)le=\"\(bound)\"", value: Double(cumulative),
                exemplar: exemplars[index])
        }
        writer.sample(descriptor.name + "_sum", labels: labels, value: sum)
        writer.sample(descriptor.name + "_count", labels: labels, value: Double(cumulative))
    }
}

/// One observation with the trace that it belongs to (OpenMetrics, "Exemplars").
public struct Exemplar: Sendable {
    let traceID: String
    let value: Double
    /// Seconds since 1970.
    let time: Double
}
