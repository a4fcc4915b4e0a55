import Columns

/// Removes rows from tables by a ``RetentionPolicy``: whole files, oldest first, each table in one version.
///
/// A file is as old as its newest row, and a row as old as its commit: the times that lines bring are the sender's, and a wrong
/// clock there must neither keep a file for ever nor remove it early. The age of a file survives merging, because a merged file
/// keeps the time of the last one of those that it was made of.
///
/// What is removed by age or size stays on disk for readers that began before, as merged files do (``Upkeep/fileRetention``).
/// What is removed because the disk is full goes at once, and so do all files that were removed before: a query that reads one
/// at that moment fails with its name, and can be run again; a full disk would stop every pipeline.
public struct Retention: Sendable {
    private let policy: RetentionPolicy
    /// How full the disk is. Asked once per round.
    private let disk: @Sendable () -> DiskSpace?

    /// At the limit so much more is freed than must be, as a share of the disk, so that not every round removes something.
    private static let margin = 0.02
    /// In the order in which they go. Gold is what is left of the rest: it is small, and only its own limits remove it.
    private static let layersAtLimit = ["bronze"]
    /// At the limit the log of a table keeps so many versions, beside those of the last minutes.
    private static let versionsAtLimit = 100

    /// - Parameter disk: tests give a disk that is not there.
    public init(_ policy: RetentionPolicy, disk: @escaping @Sendable () -> DiskSpace?) {
        self.policy = policy
        self.disk = disk
    }

    /// Why rows are removed.
    public enum Reason: String, Sendable, CaseIterable {
        /// They are older than `max_age`.
        case age
        /// The table or its layer is larger than `max_size` or `max_share`.
        case size
        /// The disk is as full as `disk_limit`.
        case disk
    }

    /// What was removed from a table for one reason.
    public struct Removal: Sendable, Equatable {
        /// Its name.
        public let table: String
        public let reason: Reason
        /// Data files that were removed.
        public internal(set) var files = 0
        /// Of these files.
        public internal(set) var bytes = 0
        /// In these files, as far as their statistics say.
        public internal(set) var rows = 0
        /// When the newest of these rows was committed.
        public internal(set) var newest: Timestamp
    }

    /// What one round found and did.
    public struct Outcome: Sendable {
        /// By table and reason.
        public internal(set) var removals: [Removal] = []
        /// Files that were deleted at once because the disk was at its limit, in bytes.
        public internal(set) var deletedBytes = 0
        /// Before the round.
        public internal(set) var disk: DiskSpace?
        /// Tables that could not be worked on, each with its reason as a sentence. The others were.
        public internal(set) var failures: [(table: String, sentence: String)] = []
    }

    /// Looks at each table once, and removes what has to go. Blocks.
    ///
    /// - Parameter isDryRun: only says what would be removed.
    /// - Throws: `LakeError` when the tables cannot be listed; what fails in a table is in the outcome.
    public func round(_ lake: Lake, now: Timestamp = .now, isDryRun: Bool = false) throws(LakeError) -> Outcome {
        var outcome = Outcome()
        outcome.disk = disk()
        var tables: [String: DeltaTable] = [:]
        for name in try lake.tables() {
            do throws(LakeError) {
                let table = try lake.table(name)
                try table.snapshot.checkWritable(table: name)
                // Somebody has said that nothing is ever removed from it.
                if table.snapshot.metadata?.configuration?["delta.appendOnly"] == "true" { continue }
                tables[name] = table
            } catch {
                // A table of another engine that obs only reads is that engine's to look after.
                if case .unsupported = error {} else { outcome.failures.append((name, error.description)) }
            }
        }
        var plan = RetentionPlan(tables.mapValues(\.files), now: Self.plausible(now, tables.values))
        plan.removeOld(policy)
        plan.removeLarge(policy, outcome.disk)
        if let disk = outcome.disk, disk.usedShare >= policy.diskLimit {
            outcome.deletedBytes = deleteRemoved(tables, isDryRun: isDryRun, &outcome)
            let target = Int((policy.diskLimit - Self.margin) * Double(disk.capacity))
            // What the limits above take goes at once too.
            let excess = disk.used - target - outcome.deletedBytes - plan.removedBytes
            plan.removeOldest(of: Self.layersAtLimit, bytes: excess, keeping: policy.keepAtLeast)
            remove(plan, from: tables, isDryRun: isDryRun, &outcome)
            if !isDryRun { outcome.deletedBytes += deleteRemoved(tables, isDryRun: false, &outcome) }
        } else {
            remove(plan, from: tables, isDryRun: isDryRun, &outcome)
        }
        return outcome
    }

    /// The clock's time, but at most a day after the newest row of all: a clock that is years ahead would make every row old.
    private static func plausible(_ now: Timestamp, _ tables: some Sequence<DeltaTable>) -> Timestamp {
        let newest = tables.compactMap { $0.files.last?.modificationTime }.max()
        return min(now, newest.map { Timestamp(microseconds: ($0 + 86_400_000) * 1000) } ?? now)
    }

    private func remove(_ plan: RetentionPlan, from tables: [String: DeltaTable], isDryRun: Bool, _ outcome: inout Outcome) {
        for (name, groups) in plan.removed.sorted(by: { $0.key < $1.key }) {
            do throws(LakeError) {
                let files = groups.flatMap(\.files)
                let gone = isDryRun ? Set(files.map(\.logPath)) : try tables[name]!.remove(files)
                outcome.removals += groups.map { group in
                    Self.removal(of: group.files.filter { gone.contains($0.logPath) }, from: name, group.reason)
                }.filter { $0.files > 0 }
            } catch {
                outcome.failures.append((name, error.description))
            }
        }
    }

    private static func removal(of files: [LiveFile], from table: String, _ reason: Reason) -> Removal {
        var removal = Removal(table: table, reason: reason, newest: Timestamp(microseconds: .min))
        for file in files {
            removal.files += 1
            removal.bytes += file.size
            removal.rows += file.stats.flatMap { FileBounds($0)?.rowCount } ?? 0
            removal.newest = max(removal.newest, Timestamp(microseconds: file.modificationTime * 1000))
        }
        return removal
    }

    /// Deletes what was removed from the tables and lies there still; gives the bytes.
    private func deleteRemoved(_ tables: [String: DeltaTable], isDryRun: Bool, _ outcome: inout Outcome) -> Int {
        var bytes = 0
        for (name, table) in tables {
            do throws(LakeError) {
                // Also what was removed in this very millisecond.
                bytes += try table.vacuum(keeping: .milliseconds(-1), .removedFiles, isDryRun: isDryRun).bytes
                if !isDryRun { try table.trimLog(toVersions: Self.versionsAtLimit) }
            } catch {
                outcome.failures.append((name, error.description))
            }
        }
        return bytes
    }
}

extension DeltaTable {
    /// The setting in which a table says from when on it is whole.
    private static let wholeSinceKey = "obs.wholeSince"

    /// Rows that were committed before this may be missing, because retention has removed them; nil when it never has. It is
    /// part of the table, and so of every copy of it.
    public var wholeSince: Timestamp? {
        snapshot.metadata?.configuration?[Self.wholeSinceKey].flatMap { Timestamp(log: $0) }
    }

    /// Takes whole files out of the table in one version, which also says from when on the table is whole. Files that another
    /// process has merged meanwhile are left to the next round.
    ///
    /// - Returns: the paths in the log of those that were taken out.
    func remove(_ files: [LiveFile]) throws(LakeError) -> Set<String> {
        var gone: Set<String> = []
        _ = try commit("RETENTION", isBlindAppend: false) { snapshot in
            let there = files.filter { snapshot.holds($0.logPath) }
            gone = Set(there.map(\.logPath))
            guard let newest = there.map(\.modificationTime).max(), var metadata = snapshot.metadata else { return nil }
            let now = commitTime()
            let known = metadata.configuration?[Self.wholeSinceKey].flatMap { Timestamp(log: $0) }
            let since = max(Timestamp(microseconds: (newest + 1) * 1000), known ?? Timestamp(microseconds: .min))
            var configuration = metadata.configuration ?? [:]
            configuration[Self.wholeSinceKey] = since.description
            metadata.configuration = configuration
            return [DeltaAction(metaData: metadata)]
                + there.map {
                    DeltaAction(
                        remove: .init(
                            path: $0.logPath, deletionTimestamp: now, dataChange: true, extendedFileMetadata: true,
                            partitionValues: $0.partitionValues, size: $0.size))
                }
        }
        return gone
    }
}
