import CoreMetrics
import Synchronization

/// Collects what libraries report through swift-metrics, so that `/metrics` shows their metrics beside ours.
///
/// Labels become snake case; counters get `_total`; timers and aggregating recorders are histograms, timers in seconds.
/// The labels of one metric may differ from call to call, as that API allows.
struct SwiftMetricsBackend: MetricsFactory {
    private let registry: MetricsRegistry

    init(registry: MetricsRegistry) {
        self.registry = registry
    }

    private static let isInstalled = Mutex(false)

    /// See ``MetricsRegistry/collectFromLibraries()``.
    static func installOnce(_ registry: MetricsRegistry) {
        let isFirst = isInstalled.withLock { isInstalled in
            defer { isInstalled = true }
            return !isInstalled
        }
        if isFirst { MetricsSystem.bootstrap(SwiftMetricsBackend(registry: registry)) }
    }

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        var name = Self.name(label)
        if !name.hasSuffix("_total") { name += "_total" }
        return CounterAdapter(family(name, .counter, Counter.init).instrument(labels: Self.labels(dimensions)))
    }

    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        guard aggregate else { return GaugeAdapter(gauge(label, dimensions)) }
        return HistogramAdapter(histogram(Self.name(label), dimensions))
    }

    func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        GaugeAdapter(gauge(label, dimensions))
    }

    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        var name = Self.name(label)
        if !name.hasSuffix("_seconds") { name += "_seconds" }
        return HistogramAdapter(histogram(name, dimensions))
    }

    // A series that a library is done with stays: a counter that vanished and came back would look like a reset.
    func destroyCounter(_: any CounterHandler) {}
    func destroyRecorder(_: any RecorderHandler) {}
    func destroyMeter(_: any MeterHandler) {}
    func destroyTimer(_: any TimerHandler) {}

    private func gauge(_ label: String, _ dimensions: [(String, String)]) -> Gauge {
        family(Self.name(label), .gauge) { Gauge() }.instrument(labels: Self.labels(dimensions))
    }

    private func histogram(_ name: String, _ dimensions: [(String, String)]) -> Histogram {
        family(name, .histogram) { Histogram(buckets: Histogram.latencyBuckets) }.instrument(labels: Self.labels(dimensions))
    }

    private func family<Instrument: MetricInstrument>(
        _ name: String, _ kind: MetricDescriptor.Kind, _ make: @escaping @Sendable () -> Instrument
    )
        -> MetricFamily<Instrument>
    {
        registry.declare(
            MetricDescriptor(name: name, kind: kind, help: "Reported by a library through swift-metrics.", labels: []), make: make
        )
    }

    /// `http.server.requests` → `http_server_requests`.
    static func name(_ label: String) -> String {
        let name = String(label.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
        return name.first?.isNumber == true ? "_" + name : name
    }

    private static func labels(_ dimensions: [(String, String)]) -> [(String, String)] {
        dimensions.map { (name($0.0), $0.1) }.sorted { $0.0 < $1.0 }
    }
}

extension MetricsRegistry {
    /// Makes this the registry that libraries report to through swift-metrics. That API allows one per process: a second
    /// registry, as in tests, gets nothing from them.
    public func collectFromLibraries() { SwiftMetricsBackend.installOnce(self) }
}

private final class CounterAdapter: CounterHandler {
    private let counter: Counter
    init(_ counter: Counter) { self.counter = counter }
    func increment(by amount: Int64) { counter.increment(by: Int(amount)) }
    // Prometheus counters do not go back while the process lives.
    func reset() {}
}

private final class GaugeAdapter: RecorderHandler, MeterHandler {
    private let gauge: Gauge
    init(_ gauge: Gauge) { self.gauge = gauge }
    func record(_ value: Int64) { gauge.set(Double(value)) }
    func record(_ value: Double) { gauge.set(value) }
    func set(_ value: Int64) { gauge.set(Double(value)) }
    func set(_ value: Double) { gauge.set(value) }
    func increment(by amount: Double) { gauge.increment(by: amount) }
    func decrement(by amount: Double) { gauge.increment(by: -amount) }
}

private final class HistogramAdapter: RecorderHandler, TimerHandler {
    private let histogram: Histogram
    init(_ histogram: Histogram) { self.histogram = histogram }
    func record(_ value: Int64) { histogram.observe(Double(value)) }
    func record(_ value: Double) { histogram.observe(value) }
    func recordNanoseconds(_ duration: Int64) { histogram.observe(Double(duration) / 1e9) }
}
