import Columns
import Incidents
import Telemetry

/// Reads how many alerts, groups, silences, incidents and notifications there are, for metrics.
struct ReadGauges: Chore {
    let name = "reading the numbers of the store"
    let interval = Duration.seconds(1)
    private let incidents: IncidentStore
    private let gauges: StoreGauges

    init(incidents: IncidentStore, receivers: [Receiver], metrics: MetricsRegistry) {
        self.incidents = incidents
        gauges = StoreGauges(metrics, receivers: receivers)
    }

    func run(_ configuration: AlertingConfiguration, now: Timestamp) async throws {
        try await gauges.refresh(incidents, configuration, now: now)
    }
}
