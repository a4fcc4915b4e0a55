import Columns
@preconcurrency import GRDB
import Incidents
import Store

/// Schedules the notifications of escalation steps whose delay is over.
struct Escalate: Chore {
    let name = "escalating incidents"
    let interval = Duration.seconds(1)
    let incidents: IncidentStore
    let failures: FailureLog
    let hasNews: WakeUp

    func run(_ configuration: AlertingConfiguration, now: Timestamp) async throws {
        let escalation = Escalation(configuration: configuration)
        guard try await incidents.store.database.read({ try escalation.isDue(now: now, $0) }) else { return }
        let failed = try await incidents.write { try escalation.advance(now: now, $0) }
        for (number, error) in failed { failures.passedOver(incident: number, error) }
        hasNews.wake()
    }
}
