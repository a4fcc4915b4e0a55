import Synchronization

/// All metrics of the process. Each room declares its metrics here once, with help text, and keeps the instruments that it gets;
/// ``exposition(_:)`` writes them for Prometheus.
///
/// There is no global registry: `Daemon` makes one and hands it in.
public final class MetricsRegistry: Sendable {
    private let families = Mutex<[String: any AnyMetricFamily]>([:])

    /// No metrics yet.
    public init() {}

    /// A count that only grows; its name ends in `_total`.
    ///
    /// Declaring a name again gives the family that is there, so two pipelines can share it.
    /// - Precondition: the name is not declared as another kind.
    public func counter(_ name: String, help: String, labels: [String] = []) -> CounterFamily {
        precondition(name.hasSuffix("_total"), "counter \(name) ends in _total")
        return declare(MetricDescriptor(name: name, kind: .counter, help: help, labels: labels), make: Counter.init)
    }

    /// A value that goes up and down.
    ///
    /// - Parameter startsEmpty: it has no sample until it is first set: for values that are unknown at the start, such as when
    ///   something was last done.
    public func gauge(_ name: String, help: String, labels: [String] = [], startsEmpty: Bool = false) -> GaugeFamily {
        declare(MetricDescriptor(name: name, kind: .gauge, help: help, labels: labels)) { Gauge(startsEmpty ? .nan : 0) }
    }

    /// A distribution in cumulative buckets.
    ///
    /// - Parameter buckets: upper bounds, rising, without infinity; they fit the range that is measured and have a bound at
    ///   each threshold.
    public func histogram(_ name: String, help: String, labels: [String] = [], buckets: [Double] = Histogram.latencyBuckets)
        -> HistogramFamily
    {
        declare(MetricDescriptor(name: name, kind: .histogram, help: help, labels: labels)) { Histogram(buckets: buckets) }
    }

    /// A gauge whose values are asked for when it is scraped: label values in the order of `labels`, and the number.
    ///
    /// `read` is called from the scraping thread and must not block. Declaring it again replaces the reader.
    public func gauge(_ name: String, help: String, labels: [String] = [], read: @escaping @Sendable () -> [([String], Double)]) {
        let family = ObservedFamily(
            descriptor: MetricDescriptor(name: name, kind: .gauge, help: help, labels: labels), read: read)
        families.withLock { $0[name] = family }
    }

    /// A counter that something else keeps, such as the operating system; read when it is scraped.
    public func counter(_ name: String, help: String, labels: [String] = [], read: @escaping @Sendable () -> [([String], Double)])
    {
        let family = ObservedFamily(
            descriptor: MetricDescriptor(name: name, kind: .counter, help: help, labels: labels), read: read)
        families.withLock { $0[name] = family }
    }

    /// What is declared, by name: for documentation and tests.
    var descriptors: [MetricDescriptor] {
        families.withLock { $0.values.map(\.descriptor) }.sorted { $0.name < $1.name }
    }

    /// Every metric in the given text format, families by name, series by label.
    public func exposition(_ format: ExpositionFormat = .prometheus) -> String {
        // The families are copied out so that a reader of an observed gauge may itself declare a metric.
        let all = families.withLock { $0.values.sorted { $0.descriptor.name < $1.descriptor.name } }
        var writer = ExpositionWriter(format: format)
        for family in all { family.write(to: &writer) }
        return writer.finish()
    }

    func declare<Instrument: MetricInstrument>(
        _ descriptor: MetricDescriptor, make: @escaping @Sendable () -> Instrument
    ) -> MetricFamily<Instrument> {
        families.withLock { families in
            if let known = families[descriptor.name] {
                guard let family = known as? MetricFamily<Instrument> else {
                    preconditionFailure(
                        "metric \(descriptor.name) is declared twice, as \(known.descriptor.kind) and as \(descriptor.kind)")
                }
                return family
            }
            let family = MetricFamily(descriptor: descriptor, make: make) { instrument, labels, writer in
                instrument.write(descriptor, labels: labels, to: &writer)
            }
            families[descriptor.name] = family
            return family
        }
    }
}

/// The declaration of a metric, for all its series.
struct MetricDescriptor: Sendable {
    /// As the text formats name it.
    enum Kind: String, Sendable { case counter, gauge, histogram }

    /// With its unit at the end, and `_total` behind that of a counter.
    let name: String
    /// How its values behave.
    let kind: Kind
    /// What it counts or measures, in one sentence.
    let help: String
    /// The names of its labels, in the order in which values are given.
    let labels: [String]

    /// What its values are measured in, as its name says it: seconds, seconds since 1970 or bytes; nil where they are counted.
    ///
    /// Source: Prometheus, "Metric and label naming": a name ends in the base unit, before `_total`.
    var unit: String? {
        let words = name.split(separator: "_").map(String.init).filter { $0 != "total" }
        guard let last = words.last, ["seconds", "bytes"].contains(last) else { return nil }
        let isTime =
            words.dropLast().last == "timestamp" || name == "process_start_time_seconds"
            || name == "obs_pipeline_watermark_seconds"
        return isTime ? "seconds since 1970" : last
    }
}

/// A counter with its series.
public typealias CounterFamily = MetricFamily<Counter>
/// A gauge with its series.
public typealias GaugeFamily = MetricFamily<Gauge>
/// A histogram with its series.
public typealias HistogramFamily = MetricFamily<Histogram>

/// A metric with its series, one for each combination of label values that was asked for.
public final class MetricFamily<Instrument: AnyObject & Sendable>: AnyMetricFamily {
    let descriptor: MetricDescriptor
    private let make: @Sendable () -> Instrument
    private let write: @Sendable (Instrument, _ labels: String, inout ExpositionWriter) -> Void
    /// By the rendered label pairs, `pipeline="ssh",stage="parse"`.
    private let series = Mutex<[String: (values: [String], instrument: Instrument)]>([:])

    init(
        descriptor: MetricDescriptor, make: @escaping @Sendable () -> Instrument,
        write: @escaping @Sendable (Instrument, _ labels: String, inout ExpositionWriter) -> Void
    ) {
        self.descriptor = descriptor
        self.make = make
        self.write = write
    }

    /// The series with these label values, in the order that the labels were declared; it is made, at zero, on first use.
    ///
    /// Asking takes a lock and builds a text: keep the instrument where it is used often.
    public subscript(_ values: String...) -> Instrument { self[values] }

    /// The same with the values in a list.
    public subscript(_ values: [String]) -> Instrument {
        precondition(values.count == descriptor.labels.count, "metric \(descriptor.name) has the labels \(descriptor.labels)")
        return instrument(labels: Array(zip(descriptor.labels, values)))
    }

    func instrument(labels: [(String, String)]) -> Instrument {
        let key = ExpositionWriter.render(labels)
        return series.withLock { series in
            if let known = series[key] { return known.instrument }
            let new = make()
            series[key] = (labels.map(\.1), new)
            return new
        }
    }

    /// Every series so far, with its label values in the order that the labels were declared.
    public var all: [(values: [String], instrument: Instrument)] { series.withLock { Array($0.values) } }

    func write(to writer: inout ExpositionWriter) {
        let all = series.withLock { $0.sorted { $0.key < $1.key } }
        guard !all.isEmpty else { return }
        writer.begin(descriptor)
        for (labels, one) in all { write(one.instrument, labels, &writer) }
    }
}

/// A family whose values come from a closure.
private final class ObservedFamily: AnyMetricFamily {
    let descriptor: MetricDescriptor
    private let read: @Sendable () -> [([String], Double)]

    init(descriptor: MetricDescriptor, read: @escaping @Sendable () -> [([String], Double)]) {
        self.descriptor = descriptor
        self.read = read
    }

    func write(to writer: inout ExpositionWriter) {
        let samples = read().map { (ExpositionWriter.render(Array(zip(descriptor.labels, $0.0))), $0.1) }.sorted { $0.0 < $1.0 }
        guard !samples.isEmpty else { return }
        writer.begin(descriptor)
        for (labels, value) in samples { writer.sample(descriptor.name, labels: labels, value: value) }
    }
}

protocol AnyMetricFamily: Sendable {
    var descriptor: MetricDescriptor { get }
    func write(to writer: inout ExpositionWriter)
}
