import Columns

/// The history of a fleet as a table to learn from: for each vehicle and five minutes what the pipeline `rail` joins, and whether
/// the vehicle broke down within the hours that followed.
public enum RailHistory {
    /// The columns have the names that they have in the stream that the pipeline scores.
    public static let schema = Schema([
        Field("event_time", .timestamp), Field("vehicle", .text), Field("speed_kmh", .double), Field("vibration", .double),
        Field("temp_c", .double), Field("fault_flags", .int64), Field("usage_load_t", .double),
        Field("usage_engine_min", .double), Field("energy_kwh", .double), Field("weather_temp_c", .double),
        Field("weather_rain_mm", .double), Field("breaks_down", .bool),
    ])

    /// - Parameters:
    ///   - days: how much time is simulated.
    ///   - horizon: how soon a breakdown must follow for a row to count as one before it.
    /// - Returns: rows in the order of time, only of vehicles that run: a vehicle at rest shows nothing of its wear.
    public static func table(seed: UInt64, days: Int, start: Timestamp, horizon: Duration = .seconds(6 * 3600)) -> Batch {
        var options = SimulationOptions(start: start)
        options.seed = seed
        var simulator = RailSimulator(options)
        var steps: [(readings: [RailSimulator.Reading], weather: [RailSimulator.Weather])] = []
        for _ in 0..<(days * 86_400 / RailSimulator.step) { steps.append(simulator.nextReadings()) }
        // From the end back: when each vehicle breaks down next.
        let vehicles = steps[0].readings.count
        var nextBreakdown = [Timestamp?](repeating: nil, count: vehicles)
        var isAhead = [[Bool]](repeating: [], count: steps.count)
        for step in steps.indices.reversed() {
            for (index, reading) in steps[step].readings.enumerated() {
                if reading.brokeDown { nextBreakdown[index] = reading.time }
                isAhead[step].append(nextBreakdown[index].map { $0 - reading.time <= horizon } ?? false)
            }
        }
        var rows = Rows()
        for (step, entry) in steps.enumerated() where step % 2 == 0 {
            // Every other step: neighbouring rows are nearly equal, and cost as much.
            for (index, reading) in entry.readings.enumerated() where reading.engineMinutes > 0 {
                let sky = entry.weather[RailSimulator.zones.firstIndex(of: reading.zone)!]
                rows.append(reading, sky, breaksDown: isAhead[step][index])
            }
        }
        return rows.finish()
    }

    private struct Rows {
        var times = NumberBuilder<Int64>()
        var vehicles = DictionaryBuilder()
        var numbers = [NumberBuilder<Double>](repeating: NumberBuilder<Double>(), count: 8)
        var flags = NumberBuilder<Int64>()
        var labels = NumberBuilder<Bool>()

        mutating func append(_ reading: RailSimulator.Reading, _ sky: RailSimulator.Weather, breaksDown: Bool) {
            times.append(reading.time.microseconds)
            vehicles.append(utf8: reading.vehicle)
            let values = [
                reading.speed, reading.vibration, reading.temperature, reading.load, reading.engineMinutes, reading.energy,
                sky.temperature.rounded(to: 1), sky.rain.rounded(to: 2),
            ]
            for (index, value) in values.enumerated() { numbers[index].append(value) }
            flags.append(Int64(reading.faultFlags))
            labels.append(breaksDown)
        }

        mutating func finish() -> Batch {
            let doubles = numbers.indices.map { numbers[$0].finish() }
            return Batch(
                schema: RailHistory.schema,
                columns: [times.finish(), vehicles.finish()] + doubles[0..<3] + [flags.finish()] + doubles[3..<8]
                    + [labels.finish()])
        }
    }
}
