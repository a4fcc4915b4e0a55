import Columns

/// Taxi trips as a producer would replay them from a CSV file: one row per trip, with a heading.
struct EventsSimulator: Simulator {
    static let name = "events"
    static let heading = "event_time,trip_id,zone,payment,distance_km,fare"
    static let streams = [SimulatedStream("trips", "csv", heading: heading)]
    /// Many more trips from one zone; none at all from one; meters that count wrongly.
    static let faults = ["surge", "silence", "meter"]

    static let zones = ["airport", "centre", "harbour", "north", "station", "university"]

    private let rate: Double
    private let options: SimulationOptions
    private var random: SplitMix64
    private var faults: FaultSchedule
    private var second = 0
    private var tripID = 0

    init(_ options: SimulationOptions) {
        self.options = options
        rate = options.rate ?? 2
        random = SplitMix64(seed: options.seed)
        faults = FaultSchedule(options, all: Self.faults)
    }

    var time: Timestamp { options.start + .seconds(second) }
    var truth: [SimulatedFault] { faults.truth }

    mutating func next() -> [SimulatedLine] {
        let now = time
        second += 1
        _ = faults.begin(at: now, &random, length: { _ in .seconds(900) }) { _, random in
            Self.zones[Int.random(in: Self.zones.indices, using: &random)]
        }
        let running = faults.running(at: now)
        let hour = now.components.hour
        let busy = hour < 6 ? 0.4 : [8, 9, 17, 18, 19].contains(hour) ? 1.6 : 1.0
        var lines: [SimulatedLine] = []
        for zone in Self.zones {
            func has(_ kind: String) -> Bool { running.contains { $0.kind == kind && $0.subject == zone } }
            guard !has("silence") else { continue }
            let mean = rate * busy / Double(Self.zones.count) * (has("surge") ? 6 : 1)
            for _ in 0..<random.poisson(mean) {
                tripID += 1
                let at = now + .milliseconds(Int.random(in: 0..<1000, using: &random))
                let distance = max(0.3, random.normal(zone == "airport" ? 18 : 5, 3)).rounded(to: 2)
                let fare = (3.5 + distance * 2.1 * (has("meter") ? 9 : 1)).rounded(to: 2)
                let payment = random.chance(0.7) ? "card" : "cash"
                lines.append(SimulatedLine("trips", at, "\(at),t\(tripID),\(zone),\(payment),\(distance),\(fare)"))
            }
        }
        return lines
    }
}
