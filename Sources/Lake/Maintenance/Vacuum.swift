import Columns

/// What ``DeltaTable/vacuum(keeping:_:isDryRun:)`` has removed, or would remove.
public struct VacuumSummary: Sendable, Equatable {
    /// The keys of the deleted files, or of those that would be deleted.
    public var files: [String] = []
    /// Of these files.
    public var bytes = 0
}

/// Which files vacuum looks at.
public enum VacuumScope: Sendable {
    /// Also those that no commit names: what a crash left behind.
    case everything
    /// Only files that a commit has removed from the table. What no commit names may be an epoch that is still to be committed.
    case removedFiles
}

extension DeltaTable {
    /// Deletes files that the table has not needed for `retention`: removed ones, and those that no commit ever named.
    ///
    /// A reader of an older version breaks when its files are deleted: `retention` is how long the longest of them may take,
    /// and how far back one can travel. A file that is being written is younger than any sensible retention. After a crash the
    /// rest is deleted by the next vacuum.
    ///
    /// - Parameters:
    ///   - retention: nil for what the table says, or seven days.
    ///   - isDryRun: only says what would be deleted.
    ///   - isKnown: whether a removed file, by its path in the log, may be deleted by what the caller has seen itself.
    public func vacuum(
        keeping retention: Duration? = nil, _ scope: VacuumScope = .everything, isDryRun: Bool = false,
        isKnown: (String) -> Bool = { _ in true }
    ) throws(LakeError) -> VacuumSummary {
        try refresh()
        let snapshot = snapshot
        try snapshot.checkWritable(table: name)
        let kept = retention ?? snapshot.interval("delta.deletedFileRetentionDuration") ?? Self.defaultFileRetention
        let oldest = try log.plausibleNow() - kept.inMicroseconds / 1000
        var needed = Set(snapshot.files.map(\.path))
        var removed: Set<String> = []
        for tombstone in snapshot.tombstones.values {
            guard let key = LogPath.key(tombstone.path) else { continue }
            let isOld = tombstone.deletionTimestamp ?? 0 < oldest && isKnown(tombstone.path)
            if isOld { removed.insert(key) } else { needed.insert(key) }
        }
        var summary = VacuumSummary()
        for object in try dataObjects(below: "") where !needed.contains(object.key) {
            switch scope {
            case .everything: guard object.modified < oldest else { continue }
            case .removedFiles: guard removed.contains(object.key) else { continue }
            }
            if !isDryRun { try storage.delete(object.key) }
            summary.files.append(object.key)
            summary.bytes += object.sizeInBytes
        }
        return summary
    }

    /// All files of the table's folder that may be data: not the log, nor what other engines keep under names with an underscore.
    private func dataObjects(below folder: String) throws(LakeError) -> [StoredObject] {
        var objects: [StoredObject] = []
        for object in try storage.list(folder) {
            // A partition column may begin with an underscore: `_year=2026` is data.
            if object.name.hasPrefix("_"), !object.name.contains("=") { continue }
            objects += object.isFolder ? try dataObjects(below: object.key) : [object]
        }
        return objects
    }
}
