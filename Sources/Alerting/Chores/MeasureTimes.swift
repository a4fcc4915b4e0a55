import Columns
import Incidents
import Telemetry

/// Observes how long it took to detect, acknowledge and resolve incidents.
struct MeasureTimes: Chore {
    let name = "counting how long incidents took"
    let interval = Duration.seconds(1)
    private let incidents: IncidentStore
    private let times: IncidentTimes

    init(incidents: IncidentStore, metrics: MetricsRegistry) {
        self.incidents = incidents
        times = IncidentTimes(metrics, incidents)
    }

    func run(_: AlertingConfiguration, now: Timestamp) async throws { try times.catchUp(incidents) }
}
