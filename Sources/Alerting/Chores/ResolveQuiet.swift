import Columns
import Incidents

/// Resolves incidents of findings that have seen nothing new for `resolve_timeout`, or for as long as their rule says.
struct ResolveQuiet: Chore {
    let name = "resolving incidents without new events"
    let interval = Duration.seconds(1)
    let incidents: IncidentStore
    let failures: FailureLog
    let hasNews: WakeUp

    func run(_ configuration: AlertingConfiguration, now: Timestamp) async throws {
        let count = try incidents.resolveQuiet(after: configuration.resolveTimeout, now: now) {
            failures.passedOver(incident: $0, $1)
        }
        if count > 0 { hasNews.wake() }
    }
}
