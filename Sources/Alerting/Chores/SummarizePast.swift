import Columns
@preconcurrency import GRDB
import Incidents
import Store

/// Schedules one notification per receiver about incidents that were over when they were found, once all of the past has been
/// read.
struct SummarizePast: Chore {
    let name = "summing up what was found in the past"
    let interval = Duration.seconds(1)
    let incidents: IncidentStore
    let hasNews: WakeUp

    func run(_ configuration: AlertingConfiguration, now: Timestamp) async throws {
        guard try await incidents.store.database.read({ try PastSummary.isDue(now: now, $0) }) else { return }
        _ = try await incidents.write { try PastSummary.send(configuration, now: now, $0) }
        hasNews.wake()
    }
}
