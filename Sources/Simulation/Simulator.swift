import Columns

/// Makes up the traffic of one kind of pipeline. The same options always give the same lines.
///
/// It goes through event time step by step; ``next()`` gives the lines of one step, in the order of their times. A value belongs
/// to one task.
public protocol Simulator: Sendable {
    /// As in `obs simulate NAME`.
    static var name: String { get }
    /// What it writes: one file, or one HTTP source, each; in a pipeline they are the inputs.
    static var streams: [SimulatedStream] { get }
    /// What can go wrong in it on purpose.
    static var faults: [String] { get }

    /// Begins at `options.start`, with everything that is random drawn from `options.seed`.
    init(_ options: SimulationOptions)

    /// The event time of the step that ``next()`` gives next.
    var time: Timestamp { get }
    /// The lines of the next step; often none.
    mutating func next() -> [SimulatedLine]
    /// The faults so far: the truth to measure detection against.
    var truth: [SimulatedFault] { get }
}

/// One of the files, or HTTP sources, that a simulator writes.
public struct SimulatedStream: Sendable, Hashable {
    /// The name of the pipeline's input that it feeds.
    public let name: String
    /// How its file ends: `jsonl`, `csv` or `log`.
    public let fileEnding: String
    /// The first line of its file; only of CSV.
    public let heading: String?

    init(_ name: String, _ fileEnding: String, heading: String? = nil) {
        self.name = name
        self.fileEnding = fileEnding
        self.heading = heading
    }

    /// `NAME.ENDING`, in the folder of the simulation.
    public var fileName: String { "\(name).\(fileEnding)" }
}

/// What is simulated, how much of it and from when.
public struct SimulationOptions: Sendable {
    /// Equal seeds give equal lines.
    public var seed: UInt64 = 1
    /// The event time of the first step.
    public var start: Timestamp
    /// Lines per second of the busiest stream, on average; nil for the default of the kind.
    public var rate: Double?
    /// Seconds between the beginnings of faults; 0 for none.
    public var faultEvery = 3600
    /// Which faults may come; nil for all.
    public var faults: [String]?
    /// `Dec 10 06:55:46` instead of RFC 3339, where the kind writes syslog.
    public var usesOldStamps = false

    /// Seed 1, the kind's own rate, and a fault per hour.
    public init(start: Timestamp) {
        self.start = start
    }
}

/// One line of a made-up stream, without its end; a stack trace is several lines in one.
public struct SimulatedLine: Sendable, Hashable {
    /// The ``SimulatedStream/name`` of its stream.
    public let stream: String
    /// Its event time.
    public let time: Timestamp
    /// Without the line end.
    public let text: String

    init(_ stream: String, _ time: Timestamp, _ text: String) {
        self.stream = stream
        self.time = time
        self.text = text
    }
}

/// Something that went wrong on purpose.
public struct SimulatedFault: Sendable, Hashable {
    /// One of the simulator's `faults`.
    public let kind: String
    /// What it affects: an address, a vehicle, a zone, a stage.
    public let subject: String
    /// The event time of its first step.
    public let start: Timestamp
    /// The event time from which on it is over.
    public let end: Timestamp
}

/// The kinds of traffic that can be made up. A new kind is a file in this room and a line here.
public enum Simulators {
    /// In the order of the documentation.
    public static let all: [any Simulator.Type] = [
        SSHTraffic.self, RailSimulator.self, ShopSimulator.self, EventsSimulator.self, SelfSimulator.self,
    ]

    /// `vip.json`, the look-up file of the pipeline `shop`: the users whose access is watched.
    public static var vipFile: String { ShopSimulator.vipFile }

    /// The kind with this ``Simulator/name``, or nil.
    public static func named(_ name: String) -> (any Simulator.Type)? {
        all.first { $0.name == name }
    }
}

/// Begins faults at regular intervals and says which are on.
struct FaultSchedule: Sendable {
    private let every: Int
    private let kinds: [String]
    private(set) var truth: [SimulatedFault] = []
    private var next: Timestamp

    init(_ options: SimulationOptions, all: [String]) {
        every = options.faultEvery
        kinds = options.faults ?? all
        next = options.start + .seconds(max(1, options.faultEvery / 4))
    }

    /// The fault that begins at `now`, if one does.
    mutating func begin(
        at now: Timestamp, _ random: inout SplitMix64, length: (String) -> Duration, subject: (String, inout SplitMix64) -> String
    ) -> SimulatedFault? {
        guard every > 0, !kinds.isEmpty, now >= next else { return nil }
        next = next + .seconds(every)
        let kind = kinds[Int.random(in: kinds.indices, using: &random)]
        let fault = SimulatedFault(kind: kind, subject: subject(kind, &random), start: now, end: now + length(kind))
        truth.append(fault)
        return fault
    }

    func running(at now: Timestamp) -> [SimulatedFault] {
        truth.suffix(8).filter { $0.start <= now && now < $0.end }
    }
}

extension SplitMix64 {
    /// A number of the normal distribution.
    ///
    /// Source: Box, Muller: A Note on the Generation of Random Normal Deviates, 1958.
    mutating func normal(_ mean: Double, _ deviation: Double) -> Double {
        let u = Double.random(in: .leastNonzeroMagnitude..<1, using: &self), v = Double.random(in: 0..<1, using: &self)
        return mean + deviation * (-2 * u.naturalLogarithm).squareRoot() * (2 * .pi * v).cosine
    }

    /// How often something happens that happens `mean` times on average.
    mutating func poisson(_ mean: Double) -> Int {
        guard mean < 30 else { return Swift.max(0, Int(normal(mean, mean.squareRoot()).rounded())) }
        let limit = (-mean).exponential
        var product = Double.random(in: 0..<1, using: &self), count = 0
        while product > limit {
            product *= Double.random(in: 0..<1, using: &self)
            count += 1
        }
        return count
    }

    mutating func chance(_ probability: Double) -> Bool { Double.random(in: 0..<1, using: &self) < probability }
}

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension Double {
    fileprivate var naturalLogarithm: Double { log(self) }
    fileprivate var cosine: Double { cos(self) }
    fileprivate var exponential: Double { exp(self) }

    /// With at most `digits` digits behind the point, as sensors give them.
    func rounded(to digits: Int) -> Double {
        let scale = (0..<digits).reduce(1.0) { value, _ in value * 10 }
        return (self * scale).rounded() / scale
    }
}

/// One JSON object with its members in the order in which they were given.
struct JSONObject {
    private var text = "{"

    mutating func add(_ key: String, _ value: Value) {
        text += "\(text.utf8.count > 1 ? "," : "")\"\(key)\":\(JSONText.render(value))"
    }

    init(_ members: KeyValuePairs<String, Value>) {
        for (key, value) in members { add(key, value) }
    }

    var rendered: String { text + "}" }
}
