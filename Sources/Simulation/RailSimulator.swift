import Columns

/// A fleet of rail vehicles that report every five minutes in five domains: telemetry, usage, maintenance, energy and (by zone)
/// weather.
///
/// Each vehicle has a hidden state of wear, which grows with load and speed and shows in vibration, temperature and fault flags,
/// faintly at first; beyond a limit it breaks down, is repaired, and is new again. That is what a model of fault risk can learn.
struct RailSimulator: Simulator {
    static let name = "rail"
    static let streams = [
        SimulatedStream("telemetry", "jsonl"), SimulatedStream("usage", "jsonl"), SimulatedStream("maintenance", "jsonl"),
        SimulatedStream("energy", "jsonl"), SimulatedStream("weather", "jsonl"),
    ]
    /// A bearing that fails within hours; brakes that drag, so that energy rises; a zone whose workshop falls behind.
    static let faults = ["bearing", "dragging-brakes", "workshop-delay"]

    static let zones = ["north", "east", "south", "west", "harbour"]
    static let step = 300

    /// One vehicle at one time: what its lines say, and the truth behind them.
    struct Reading: Sendable {
        let time: Timestamp
        let vehicle: String
        let zone: String
        var speed = 0.0
        var vibration = 0.0
        var temperature = 0.0
        var faultFlags = 0
        var trips = 0
        var load = 0.0
        var engineMinutes = 0.0
        var tasks = 0
        var cost = 0.0
        var delayMinutes = 0.0
        var energy = 0.0
        var energyCost = 0.0
        /// Whether it broke down in this step.
        var brokeDown = false
    }

    struct Weather: Sendable {
        var temperature = 10.0
        var rain = 0.0
        var wind = 3.0
    }

    private struct Vehicle: Sendable {
        let name: String
        let zone: Int
        /// New is 0; it breaks down somewhere above 1.
        var wear: Double
        var limit: Double
        var repairStepsLeft = 0
    }

    private let options: SimulationOptions
    private var random: SplitMix64
    private var faults: FaultSchedule
    private var vehicles: [Vehicle]
    private var weather = [Weather](repeating: Weather(), count: zones.count)
    private var steps = 0

    init(_ options: SimulationOptions) {
        self.options = options
        random = SplitMix64(seed: options.seed)
        faults = FaultSchedule(options, all: Self.faults)
        // The rate is that of telemetry: so many vehicles, each once a step.
        let count = max(1, min(100_000, Int(((options.rate ?? 40.0 / Double(Self.step)) * Double(Self.step)).rounded())))
        vehicles = []
        for number in 0..<count {
            let text = String(number + 1)
            vehicles.append(
                Vehicle(
                    name: "RV-" + String(repeating: "0", count: max(0, 3 - text.count)) + text, zone: number % Self.zones.count,
                    wear: Double.random(in: 0..<0.9, using: &random), limit: random.normal(1.15, 0.08)))
        }
    }

    var time: Timestamp { options.start + .seconds(steps * Self.step) }
    var truth: [SimulatedFault] { faults.truth }

    /// The readings of the next step and the weather of each zone, as ``zones`` lists them.
    mutating func nextReadings() -> (readings: [Reading], weather: [Weather]) {
        let now = time
        steps += 1
        let names = vehicles.map(\.name)
        _ = faults.begin(at: now, &random, length: { $0 == "workshop-delay" ? .seconds(6 * 3600) : .seconds(4 * 3600) }) {
            $0 == "workshop-delay"
                ? Self.zones[Int.random(in: Self.zones.indices, using: &$1)] : names[Int.random(in: names.indices, using: &$1)]
        }
        let running = faults.running(at: now)
        let hour = now.components.hour
        for zone in weather.indices {
            weather[zone].temperature += random.normal(0, 0.3) + (10 - weather[zone].temperature) * 0.01
            weather[zone].rain = max(0, weather[zone].rain * 0.8 + (random.chance(0.05) ? random.normal(2, 1) : 0))
            weather[zone].wind = max(0, weather[zone].wind + random.normal(0, 0.5) + (4 - weather[zone].wind) * 0.05)
        }
        // Trains run by day, and most at the rush hours.
        let busy = hour < 5 ? 0.15 : [7, 8, 16, 17, 18].contains(hour) ? 1.0 : 0.65
        var readings: [Reading] = []
        for index in vehicles.indices {
            var vehicle = vehicles[index]
            readings.append(step(&vehicle, at: now, busy: busy, running))
            vehicles[index] = vehicle
        }
        return (readings, weather)
    }

    private mutating func step(_ vehicle: inout Vehicle, at now: Timestamp, busy: Double, _ running: [SimulatedFault]) -> Reading
    {
        let zone = Self.zones[vehicle.zone], sky = weather[vehicle.zone]
        var reading = Reading(time: now, vehicle: vehicle.name, zone: zone)
        let isBearing = running.contains { $0.kind == "bearing" && $0.subject == vehicle.name }
        let isDragging = running.contains { $0.kind == "dragging-brakes" && $0.subject == vehicle.name }
        let isBehind = running.contains { $0.kind == "workshop-delay" && $0.subject == zone }
        if vehicle.repairStepsLeft > 0 {
            // In the workshop: nothing moves, work is done.
            vehicle.repairStepsLeft -= 1
            reading.temperature = max(sky.temperature, 15).rounded(to: 1)
            reading.tasks = 1 + random.poisson(0.5)
            reading.cost = max(20, random.normal(180, 60)).rounded(to: 2)
            reading.delayMinutes = max(0, random.normal(isBehind ? 55 : 8, 8)).rounded(to: 1)
            if vehicle.repairStepsLeft == 0 { (vehicle.wear, vehicle.limit) = (0, random.normal(1.15, 0.08)) }
            return reading
        }
        let isRunning = random.chance(busy)
        let load = isRunning ? max(0, random.normal(60, 25)) * busy : 0
        let speed = isRunning ? max(0, random.normal(70 - sky.rain * 3, 15)) : 0
        vehicle.wear += (isRunning ? 0.0006 + load * 0.000_006 + speed * 0.000_004 : 0.000_02) + (isBearing ? 0.03 : 0)
        let worn = max(0, vehicle.wear - 0.75)
        reading.speed = speed.rounded(to: 1)
        reading.vibration = max(0.05, random.normal(0.4 + speed * 0.02 + worn * worn * 25 + (isBearing ? 1.5 : 0), 0.35)).rounded(
            to: 3)
        reading.temperature =
            (isRunning ? random.normal(68 + load * 0.08 + worn * 40 + (isDragging ? 12 : 0), 3) : max(sky.temperature, 15))
            .rounded(to: 1)
        reading.faultFlags =
            (random.chance(0.01 + worn * 0.8) ? 1 : 0) | (random.chance(worn * 0.4) ? 2 : 0) | (isDragging ? 4 : 0)
        reading.trips = isRunning ? random.poisson(1.2) : 0
        reading.load = load.rounded(to: 1)
        reading.engineMinutes = isRunning ? min(5, max(0, random.normal(4.3, 0.6))).rounded(to: 2) : 0
        // A look at each vehicle every five hours or so: in any hour some of a fleet are in the workshop.
        if random.chance(0.015) {
            reading.tasks = 1
            reading.cost = max(10, random.normal(70, 25)).rounded(to: 2)
            reading.delayMinutes = max(0, random.normal(isBehind ? 40 : 3, 4)).rounded(to: 1)
        } else if isBehind, random.chance(0.2) {
            reading.tasks = 1
            reading.cost = max(10, random.normal(70, 25)).rounded(to: 2)
            reading.delayMinutes = max(0, random.normal(45, 10)).rounded(to: 1)
        }
        let heating = max(0, 12 - sky.temperature) * 0.3
        reading.energy =
            (isRunning
            ? max(1, random.normal(14 + load * 0.12 + speed * 0.08 + heating + (isDragging ? 22 : 0), 3)) : 0.6 + heating)
            .rounded(to: 2)
        reading.energyCost = (reading.energy * (now.components.hour < 6 ? 0.16 : 0.27)).rounded(to: 3)
        if vehicle.wear > vehicle.limit {
            reading.brokeDown = true
            reading.tasks += 1
            reading.cost += max(400, random.normal(2400, 700)).rounded(to: 2)
            reading.delayMinutes += max(10, random.normal(isBehind ? 120 : 45, 15)).rounded(to: 1)
            vehicle.repairStepsLeft = 24
        }
        return reading
    }

    mutating func next() -> [SimulatedLine] {
        let (readings, weather) = nextReadings()
        var lines: [SimulatedLine] = []
        lines.reserveCapacity(readings.count * 4 + weather.count)
        for (zone, sky) in zip(Self.zones, weather) {
            let object = JSONObject([
                "ts": .timestamp(readings[0].time), "zone": .text(zone), "temp_c": .double(sky.temperature.rounded(to: 1)),
                "rain_mm": .double(sky.rain.rounded(to: 2)), "wind_ms": .double(sky.wind.rounded(to: 1)),
            ])
            lines.append(SimulatedLine("weather", readings[0].time, object.rendered))
        }
        // The reports of a step are spread over its first minute, as radio gives them.
        for (number, reading) in readings.enumerated() {
            let time = reading.time + .milliseconds(60_000 * number / readings.count)
            func add(_ stream: String, _ object: JSONObject) { lines.append(SimulatedLine(stream, time, object.rendered)) }
            let stamp = Value.timestamp(time), vehicle = Value.text(reading.vehicle)
            add(
                "telemetry",
                JSONObject([
                    "ts": stamp, "vehicle": vehicle, "zone": .text(reading.zone), "speed_kmh": .double(reading.speed),
                    "vibration": .double(reading.vibration), "temp_c": .double(reading.temperature),
                    "fault_flags": .int(Int64(reading.faultFlags)),
                ]))
            add(
                "usage",
                JSONObject([
                    "ts": stamp, "vehicle": vehicle, "trips": .int(Int64(reading.trips)), "load_t": .double(reading.load),
                    "engine_min": .double(reading.engineMinutes),
                ]))
            add(
                "maintenance",
                JSONObject([
                    "ts": stamp, "vehicle": vehicle, "zone": .text(reading.zone), "tasks": .int(Int64(reading.tasks)),
                    "cost": .double(reading.cost.rounded(to: 2)), "delay_min": .double(reading.delayMinutes.rounded(to: 1)),
                    "breakdown": .bool(reading.brokeDown),
                ]))
            add(
                "energy",
                JSONObject([
                    "ts": stamp, "vehicle": vehicle, "kwh": .double(reading.energy), "cost": .double(reading.energyCost),
                ]))
        }
        return lines
    }
}
