import Columns
import Incidents

/// Deletes incidents, alerts, groups and notifications that ended long ago.
struct Forget: Chore {
    let name = "forgetting what ended long ago"
    let interval = Duration.seconds(3600)
    let incidents: IncidentStore

    func run(_ configuration: AlertingConfiguration, now: Timestamp) async throws {
        // By a clock that has jumped ahead, what is young would be old.
        let now = try await incidents.write { try IncidentStore.believedTime(now, $0) }
        try await incidents.write {
            try AlertStore.forget(endedBefore: now - AlertStore.memory, $0)
            try NotificationLog.forget(before: now - NotificationLog.memory, $0)
        }
        while try incidents.forget(endedBefore: now - configuration.incidents.keep) > 0 {
            try Task.checkCancellation()
            await Task.yield()
        }
    }
}
