import Columns
import Dispatch
import Jobs
import Lake
import Logging
import ServiceLifecycle
import Synchronization
import Telemetry

/// Removes old rows from the tables by the retention of the configuration, in the background: a round, a pause, the next round.
///
/// The work blocks, so that it has a queue of its own. It is not of low priority as merging is: on a disk that fills, the
/// pipelines wait for it.
struct LakeRetention: Service {
    private static let queue = DispatchQueue(label: "obs.lake.retention")

    private let workspace: Workspace
    private let policy: @Sendable () -> RetentionPolicy
    private let disk: @Sendable () -> DiskSpace?
    private let logger: Logger
    private let health: HealthNotes
    private let failures: Counter
    private let rounds: Counter
    private let rows: CounterFamily
    private let bytes: CounterFamily
    private let usedShare: Gauge
    private let limit: Gauge
    private let troubles = Troubles()

    /// A table that fails is tried in each round, because the disk does not wait; it is logged now and then.
    private final class Troubles: Sendable {
        private let value = Mutex(ChoreFailures(firstPause: .seconds(60), longestPause: .seconds(3600)))
        func failed(_ table: String, _ error: String) -> Bool { value.withLock { $0.failed(table, error, now: .now) } }
        func succeeded(_ table: String) -> Bool { value.withLock { $0.succeeded(table) } }
    }

    /// - Parameter disk: how full the disk of the tables is.
    init(
        _ workspace: Workspace, policy: @escaping @Sendable () -> RetentionPolicy, disk: @escaping @Sendable () -> DiskSpace?,
        metrics: MetricsRegistry, logger: Logger, health: HealthNotes = HealthNotes()
    ) {
        self.workspace = workspace
        self.policy = policy
        self.disk = disk
        self.logger = logger
        self.health = health
        rounds = metrics.counter("obs_retention_total", help: "Rounds in which the limits of all tables were looked at.")[]
        failures =
            metrics.counter(
                "obs_retention_failures_total", help: "Tables from which old rows could not be removed, per round.")[]
        rows = metrics.counter(
            "obs_retention_removed_rows_total", help: "Rows that retention has removed, by table and reason.",
            labels: ["table", "reason"])
        bytes = metrics.counter(
            "obs_retention_removed_bytes_total", help: "Bytes of the data files that retention has removed.",
            labels: ["table", "reason"])
        usedShare = metrics.gauge("obs_disk_used_ratio", help: "How full the disk of the tables is, from 0 to 1.")[]
        limit =
            metrics.gauge(
                "obs_disk_limit_ratio", help: "How full the disk may become until the oldest rows of bronze are removed.")[]
    }

    func run() async throws {
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            await round(now: .now)
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: policy().interval) }
        }
    }

    /// One round.
    func round(now: Timestamp) async {
        let policy = policy()
        limit.set(policy.diskLimit)
        let outcome: Result<Retention.Outcome, any Error> = await withCheckedContinuation { continuation in
            Self.queue.async {
                continuation.resume(
                    returning: Result { try Retaining.round(workspace, policy, actor: "obs", now: now, disk: disk) })
            }
        }
        rounds.increment()
        switch outcome {
        case .success(let outcome):
            note(nil, of: "all")
            tell(outcome)
        case .failure(let error): note("\(error)", of: "all")
        }
    }

    private func tell(_ outcome: Retention.Outcome) {
        if let disk = outcome.disk { usedShare.set(disk.usedShare) }
        for removal in outcome.removals {
            rows[removal.table, removal.reason.rawValue].increment(by: removal.rows)
            bytes[removal.table, removal.reason.rawValue].increment(by: removal.bytes)
            logger.info(
                "old rows were removed",
                metadata: [
                    "table": "\(removal.table)", "reason": "\(removal.reason.rawValue)", "rows": "\(removal.rows)",
                    "bytes": "\(removal.bytes)", "until": "\(removal.newest)",
                ])
        }
        let failed = Dictionary(outcome.failures.map { ($0.table, $0.sentence) }) { first, _ in first }
        for (table, sentence) in failed { note(sentence, of: table) }
        for removal in outcome.removals where failed[removal.table] == nil { note(nil, of: removal.table) }
    }

    /// Notes that the removal from a table failed, or that it did not.
    private func note(_ failure: String?, of table: String) {
        let subject = "retention of \(table == "all" ? "all tables" : "table " + table)"
        guard let failure else {
            if troubles.succeeded(table) { health.clear(.failingChore, subject) }
            return
        }
        failures.increment()
        health.note(.failingChore, subject, failure)
        guard troubles.failed(table, failure) else { return }
        logger.warning(
            "old rows could not be removed; it is tried again", metadata: ["table": "\(table)", "error": "\(failure)"])
    }
}
