import Columns

/// The ``SSHSimulator`` as one of the kinds of traffic.
struct SSHTraffic: Simulator {
    static let name = "ssh"
    static let streams = [SimulatedStream("auth", "log")]
    static let faults = SSHAttack.Kind.allCases.map(\.rawValue)

    private var simulator: SSHSimulator

    init(_ options: SimulationOptions) {
        var own = SSHSimulator.Options(start: options.start)
        own.seed = options.seed
        own.rate = options.rate ?? 5
        own.attackEvery = options.faultEvery
        if let faults = options.faults { own.scenarios = faults.compactMap(SSHAttack.Kind.init) }
        own.usesOldStamps = options.usesOldStamps
        simulator = SSHSimulator(own)
    }

    var time: Timestamp { simulator.time }

    mutating func next() -> [SimulatedLine] {
        let now = simulator.time
        return simulator.next().map { SimulatedLine("auth", now, $0) }
    }

    var truth: [SimulatedFault] {
        simulator.attacks.map {
            SimulatedFault(kind: $0.kind.rawValue, subject: $0.user ?? $0.source, start: $0.start, end: $0.end)
        }
    }
}
