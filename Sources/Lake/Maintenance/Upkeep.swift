import Columns
import Synchronization

/// Keeps the tables of a lake small while streams write to them: merges small files, deletes those that were merged long enough
/// ago, and shortens the logs.
///
/// A stream that commits every two seconds makes 43,200 files and as many log entries a day. With this its table has some tens
/// of files, those of the last ``fileRetention`` that were merged, and a log of ``logVersions`` entries.
public struct Upkeep: Sendable {
    /// Which files are merged.
    public var policy = CompactionPolicy.background
    /// What of the tables is kept, and how large the disk is: files are merged so that this can be kept to.
    public var retention = (policy: RetentionPolicy(), disk: DiskSpace?.none)
    /// Merged files stay this long for readers that began before; a scan that takes longer fails by name and can be run again.
    public var fileRetention = Duration.seconds(3600)
    /// How many versions of a table can still be opened, if the table's settings keep them.
    public var logVersions = 2000

    private let sightings = Sightings()

    /// As `obs run` does it.
    public init() {}

    /// When each removed file was first seen to be removed, by the clock that never jumps: by the other one what is young may
    /// look old. A process that begins anew waits anew.
    private final class Sightings: Sendable {
        private let seen = Mutex<[String: [String: ContinuousClock.Instant]]>([:])

        /// Of `paths`, those that were seen at least `age` ago.
        func settled(_ paths: some Sequence<String>, of table: String, for age: Duration) -> Set<String> {
            let now = ContinuousClock.now
            return seen.withLock { seen in
                let known = seen[table] ?? [:]
                let all = Dictionary(paths.map { ($0, known[$0] ?? now) }) { first, _ in first }
                seen[table] = all
                return Set(all.filter { now - $0.value >= age }.keys)
            }
        }
    }

    /// What one round has done to one table.
    public struct Outcome: Sendable {
        /// The name of the table.
        public let table: String
        /// Its data files after the round.
        public let files: Int
        /// Of its data files after the round.
        public let bytes: Int
        /// The merging of small files.
        public let merged: OptimizeSummary
        /// Files that no version needed any more.
        public let deletedFiles: Int
        /// What went wrong, as a sentence; the next round tries again.
        public let failure: String?
    }

    /// Looks after each table once. Blocks; between tables and merges it asks whether to stop.
    ///
    /// - Parameter mayTry: false for a table that is to be left alone this time.
    public func round(_ lake: Lake, mayTry: (String) -> Bool = { _ in true }, shouldStop: () -> Bool = { false })
        throws(LakeError)
        -> [Outcome]
    {
        var outcomes: [Outcome] = []
        for name in try lake.tables() where !shouldStop() && mayTry(name) {
            outcomes.append(lookAfter(name, in: lake, shouldStop: shouldStop))
        }
        return outcomes
    }

    private func lookAfter(_ name: String, in lake: Lake, shouldStop: () -> Bool) -> Outcome {
        var merged = OptimizeSummary()
        var deleted = 0
        var table: DeltaTable?
        var failure: String?
        do throws(LakeError) {
            let opened = try lake.table(name)
            table = opened
            // A file that cannot be read keeps those around it from being merged, and nothing else.
            let policy = retention.policy.compaction(policy, of: name, retention.disk)
            merged = try opened.optimize(policy, shouldStop: shouldStop) { failure = failure ?? $0.description }
            let settled = sightings.settled(opened.snapshot.tombstones.keys, of: name, for: fileRetention)
            if !settled.isEmpty {
                deleted = try opened.vacuum(keeping: fileRetention, .removedFiles, isKnown: settled.contains).files.count
            }
            try opened.trimLog(toVersions: logVersions)
        } catch {
            // A table of another engine that obs only reads is that engine's to look after.
            if case .unsupported = error {} else { failure = error.description }
        }
        return Outcome(
            table: name, files: table?.fileCount ?? 0, bytes: table?.sizeInBytes ?? 0, merged: merged, deletedFiles: deleted,
            failure: failure)
    }
}
