import Dispatch
import Lake
import Logging
import ServiceLifecycle
import Synchronization
import Telemetry

/// Merges the small files that the streams leave, in the background: a round over all tables, a pause, the next round.
///
/// The work blocks, so that it has a queue of its own, of low priority. A round that is at work when obs stops ends after the
/// merge at hand; what it had not committed is not part of any table.
struct LakeUpkeep: Service {
    /// Between two rounds. A stream that commits every two seconds has left fifteen files a table by then.
    private static let pause = Duration.seconds(30)
    private static let queue = DispatchQueue(label: "obs.lake.upkeep", qos: .utility)

    private let lake: Lake
    private let logger: Logger
    private let upkeep = Upkeep()
    private let retention: @Sendable () -> RetentionPolicy
    private let files: GaugeFamily
    private let bytes: GaugeFamily
    private let merged: Counter
    private let failures: Counter
    private let rounds: Counter
    private let health: HealthNotes
    /// By table: one that fails is left alone for longer and longer.
    private let troubles = Troubles()
    private let isStopping = Flag()

    /// Read from the queue while a task sets it.
    private final class Flag: Sendable {
        private let value = Mutex(false)
        var isSet: Bool { value.withLock { $0 } }
        func set() { value.withLock { $0 = true } }
    }

    private final class Troubles: Sendable {
        private let value = Mutex(ChoreFailures(firstPause: LakeUpkeep.pause, longestPause: .seconds(3600)))
        func mayTry(_ table: String) -> Bool { value.withLock { $0.mayTry(table, now: .now) } }
        func failed(_ table: String, _ error: String) -> Bool { value.withLock { $0.failed(table, error, now: .now) } }
        func succeeded(_ table: String) -> Bool { value.withLock { $0.succeeded(table) } }
    }

    /// - Parameter retention: files are merged so that its limits can be kept to.
    init(
        lake: Lake, retention: @escaping @Sendable () -> RetentionPolicy = { RetentionPolicy() }, metrics: MetricsRegistry,
        logger: Logger, health: HealthNotes = HealthNotes()
    ) {
        self.retention = retention
        self.health = health
        self.lake = lake
        self.logger = logger
        files = metrics.gauge("obs_lake_files", help: "Data files of each table's newest version.", labels: ["table"])
        bytes = metrics.gauge(
            "obs_lake_bytes", help: "Bytes of the data files of each table's newest version.", labels: ["table"])
        merged = metrics.counter("obs_lake_merged_files_total", help: "Small files that were merged into larger ones.")[]
        rounds = metrics.counter("obs_lake_upkeep_total", help: "Tables looked after, once a table and round.")[]
        failures =
            metrics.counter(
                "obs_lake_upkeep_failures_total", help: "Tables that could not be looked after, once a table and round.")[]
    }

    func run() async throws {
        await withGracefulShutdownHandler {
            while !isStopping.isSet {
                await round()
                try? await cancelWhenGracefulShutdown { try await Task.sleep(for: Self.pause) }
                if Task.isCancelled { return }
            }
        } onGracefulShutdown: {
            isStopping.set()
        }
    }

    private func round() async {
        var upkeep = upkeep
        upkeep.retention = (retention(), DiskSpace(at: lake.root))
        let now = upkeep
        let outcomes: Result<[Upkeep.Outcome], LakeError> = await withCheckedContinuation { continuation in
            Self.queue.async {
                do throws(LakeError) {
                    continuation.resume(returning: .success(try now.round(lake, mayTry: troubles.mayTry) { isStopping.isSet }))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        switch outcomes {
        case .success(let all): for outcome in all { tell(outcome) }
        case .failure(let error):
            failures.increment()
            logger.warning("the tables cannot be listed to be kept small", metadata: ["error": "\(error)"])
        }
    }

    private func tell(_ outcome: Upkeep.Outcome) {
        rounds.increment()
        files[outcome.table].set(Double(outcome.files))
        bytes[outcome.table].set(Double(outcome.bytes))
        merged.increment(by: outcome.merged.removedFiles)
        if let failure = outcome.failure {
            failures.increment()
            health.note(.damagedFile, "table \(outcome.table)", failure)
            guard troubles.failed(outcome.table, failure) else { return }
            logger.warning(
                "a table could not be kept small; it is tried again after a while",
                metadata: ["table": "\(outcome.table)", "error": "\(failure)"])
            return
        }
        if troubles.succeeded(outcome.table) { health.clear(.damagedFile, "table \(outcome.table)") }
        if outcome.merged.removedFiles > 0 || outcome.deletedFiles > 0 {
            logger.debug(
                "small files merged",
                metadata: [
                    "table": "\(outcome.table)", "files": "\(outcome.merged.removedFiles)",
                    "bytes": "\(outcome.merged.bytesBefore)",
                    "deleted": "\(outcome.deletedFiles)",
                ])
        }
    }
}
