import Columns

/// The ``SSHSimulator`` as one of the kinds of traffic.
public struct SSHTraffic: Simulator {
    public static let name = "ssh"
    public static let streams = [SimulatedStream("auth", "log")]
    public static let faults = SSHSimulator.Scenario.allCases.map(\.rawValue)

    private var simulator: SSHSimulator

    public init(_ options: SimulationOptions) {
        self.init(options, usesOldStamps: false)
    }

    /// - Parameter usesOldStamps: `Dec 10 06:55:46` instead of RFC 3339.
    public init(_ options: SimulationOptions, usesOldStamps: Bool) {
        var own = SSHSimulator.Options(start: options.start)
        own.seed = options.seed
        own.rate = options.rate ?? 5
        own.attackEvery = options.faultEvery
        if let faults = options.faults { own.scenarios = faults.compactMap(SSHSimulator.Scenario.init) }
        own.usesOldStamps = usesOldStamps
        simulator = SSHSimulator(own)
    }

    public var time: Timestamp { simulator.time }

    public mutating func next() -> [SimulatedLine] {
        let now = simulator.time
        return simulator.next().map { SimulatedLine("auth", now, $0) }
    }

    public var truth: [SimulatedFault] {
        simulator.attacks.map {
            SimulatedFault(kind: $0.scenario.rawValue, subject: $0.source, start: $0.start, end: $0.start + .seconds(120))
        }
    }
}
