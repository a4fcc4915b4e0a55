import Logging
import Store
import Synchronization
import Telemetry

/// What happens when work on the store fails: it is counted, noted for `/-/ready`, logged now and then, and tried again after
/// pauses that grow.
///
/// Each kind of work is known by a name that completes a sentence, such as "escalating incidents".
final class FailureLog: Sendable {
    private let failures = Mutex(ChoreFailures())
    /// Work whose last failure was a damaged page. A read that fails passes for one, and is over with the fault of the disk.
    private let damaged = Mutex<Set<String>>([])
    /// Not that of the daily look over all pages, which says for itself when it finds nothing any more.
    private static let damage = "obs.db, in use"
    private let errors: Counter
    private let health: HealthNotes
    private let logger: Logger
    /// The database file, for what a damaged one is called.
    private let path: String

    init(path: String, health: HealthNotes, metrics: MetricsRegistry, logger: Logger) {
        self.path = path
        self.health = health
        self.logger = logger
        errors = metrics.counter("obs_store_errors_total", help: "Failed reads and writes of the incident store.")[]
    }

    /// Whether to try now: it has not failed, or its pause is over.
    func mayTry(_ name: String) -> Bool { failures.withLock { $0.mayTry(name, now: .now) } }

    func succeeded(_ name: String) {
        guard failures.withLock({ $0.succeeded(name) }) else { return }
        health.clear(.failingChore, name)
        if damaged.withLock({ $0.remove(name) != nil && $0.isEmpty }) { health.clear(.damagedFile, Self.damage) }
    }

    func failed(_ name: String, _ error: any Error) {
        // Work that is stopped at the end of the process has not failed: the next start goes on with it.
        guard !(error is CancellationError) else { return }
        errors.increment()
        health.note(.failingChore, name, "\(name) fails and is tried again: \(error)")
        if let damage = StoreError(error, path: path) {
            damaged.withLock { _ = $0.insert(name) }
            health.note(.damagedFile, Self.damage, damage.description)
        }
        guard failures.withLock({ $0.failed(name, "\(error)", now: .now) }) else { return }
        logger.error("the incident store failed; it is tried again", metadata: ["chore": "\(name)", "error": "\(error)"])
    }

    /// Reports that one incident could not be dealt with, and that the others were.
    func passedOver(incident: Int64, _ error: any Error) {
        guard !(error is CancellationError) else { return }
        errors.increment()
        let name = "INC-\(incident)"
        guard failures.withLock({ $0.failed(name, "\(error)", now: .now) }) else { return }
        logger.error(
            "an incident was passed over; 'obs check store' says more", metadata: ["incident": "\(name)", "error": "\(error)"])
    }
}
