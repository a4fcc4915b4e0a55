import Incidents
import Logging
import Store
import Synchronization
import Telemetry

/// How the manager bears failures: of a chore, of one row, of the store.
extension AlertManager {
    /// Does a chore unless it failed a moment ago. What it throws is counted, noted, and logged now and then; then it waits longer and longer.
    func chore(_ name: String, _ body: () async throws -> Void) async {
        guard mayTry(name) else { return }
        do {
            try await body()
            done(name)
        } catch {
            failed(name, error)
        }
    }

    func mayTry(_ chore: String) -> Bool { chores.withLock { $0.mayTry(chore, now: .now) } }

    func done(_ chore: String) {
        if chores.withLock({ $0.succeeded(chore) }) { health.clear(.failingChore, chore) }
    }

    func failed(_ chore: String, _ error: any Error) {
        // Who is stopped in the middle of its work has not failed: the next start goes on with it.
        guard !(error is CancellationError) else { return }
        metrics.storeErrors.increment()
        health.note(.failingChore, chore, "\(chore) fails and is tried again: \(error)")
        if let damage = StoreError(error, path: incidents.store.path) { health.note(.damagedFile, "obs.db", damage.description) }
        guard chores.withLock({ $0.failed(chore, "\(error)", now: .now) }) else { return }
        logger.error("the incident store failed; it is tried again", metadata: ["chore": "\(chore)", "error": "\(error)"])
    }

    /// Says that one incident could not be dealt with, and that the others were.
    func passedOver(_ incident: Int64, _ error: any Error) {
        guard !(error is CancellationError) else { return }
        metrics.storeErrors.increment()
        let name = "INC-\(incident)"
        guard chores.withLock({ $0.failed(name, "\(error)", now: .now) }) else { return }
        logger.error(
            "an incident was passed over; 'obs check store' says more", metadata: ["incident": "\(name)", "error": "\(error)"])
    }

    /// The links of notifications. A key that is damaged is put aside and another made, and both are said; nil when there can be none.
    static func links(besides database: String, _ health: HealthNotes, _ logger: Logger) -> AcknowledgeLinks? {
        do {
            let links = try AcknowledgeLinks(besides: database)
            if let damage = links.damage {
                health.note(.damagedFile, "acknowledge.key", damage)
                logger.error("the key of acknowledge links was damaged", metadata: ["error": "\(damage)"])
            }
            return links
        } catch {
            health.note(.damagedFile, "acknowledge.key", "\(error)")
            logger.error("notifications have no acknowledge links", metadata: ["error": "\(error)"])
            return nil
        }
    }
}
