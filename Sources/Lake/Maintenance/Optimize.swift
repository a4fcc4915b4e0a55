import Columns

/// What ``DeltaTable/optimize(_:shouldStop:)`` has done.
public struct OptimizeSummary: Sendable, Equatable {
    /// The last version that it committed, or nil when there was nothing to do.
    public var version: Int64?
    /// Files that were merged.
    public var removedFiles = 0
    /// Files that they were merged into.
    public var addedFiles = 0
    /// Of the merged files.
    public var bytesBefore = 0
    /// Of the files that they were merged into.
    public var bytesAfter = 0
}

extension DeltaTable {
    /// Merges small files; the rows stay as they are, and each merged file is a commit of its own with `dataChange` false,
    /// which streams from the table ignore.
    ///
    /// Readers are not disturbed: the old files stay until vacuum removes them. Another process that appends meanwhile is not
    /// disturbed either; one that removes the same files first wins, and what was written here is dropped. After a crash the
    /// files of the merge at hand are orphans.
    ///
    /// - Parameters:
    ///   - shouldStop: asked between merges.
    ///   - passingOver: called with a file that cannot be read; what would have been merged with it stays as it is. Without it
    ///     the
    ///     error is thrown.
    public func optimize(
        _ policy: CompactionPolicy = .everything, shouldStop: () -> Bool = { false }, passingOver: ((LakeError) -> Void)? = nil
    ) throws(LakeError) -> OptimizeSummary {
        var summary = OptimizeSummary()
        try refresh()
        try snapshot.checkWritable(table: name)
        for group in policy.groups(files, now: commitTime()) where !shouldStop() {
            let merged: [DataFile]
            do throws(LakeError) {
                merged = try merge(group)
            } catch {
                guard let passingOver, error.isOfOneFile else { throw error }
                passingOver(error)
                continue
            }
            // The place of the last of the merged files; several have the places of as many.
            let times = merged.indices.map { group[max(0, group.count - merged.count + $0)].modificationTime }
            let size = group.reduce(0) { $0 + $1.size }
            let version = try commit(
                "OPTIMIZE", parameters: ["targetSize": String(policy.targetFileSize)], isBlindAppend: false
            ) { snapshot in
                guard group.allSatisfy({ snapshot.holds($0.logPath) }) else { return nil }
                let now = commitTime()
                return group.map {
                    DeltaAction(
                        remove: .init(
                            path: $0.logPath, deletionTimestamp: now, dataChange: false, extendedFileMetadata: true,
                            partitionValues: $0.partitionValues, size: $0.size))
                } + zip(merged, times).map { DeltaAction(add: $0.added(at: $1, dataChange: false)) }
            }
            guard let version else {
                // No commit names them, so they can go. After an error they stay: the commit may have been made all the same.
                for file in merged { try storage.delete(file.path) }
                continue
            }
            summary.version = version
            summary.removedFiles += group.count
            summary.addedFiles += merged.count
            summary.bytesBefore += size
            summary.bytesAfter += merged.reduce(0) { $0 + $1.sizeInBytes }
        }
        return summary
    }

    /// The rows of several files in new ones.
    private func merge(_ group: [LiveFile]) throws(LakeError) -> [DataFile] {
        let snapshot = snapshot
        let writer = writer()
        do throws(LakeError) {
            for file in group {
                let scan = try FileScan(file, snapshot: snapshot, table: self)
                for rowGroup in 0..<scan.reader.rowGroupCount {
                    let batch = try scan.batch(rowGroup: rowGroup)
                    // The reader says of which columns it knows no null; the table's schema says more.
                    try writer.append(batch)
                }
            }
            return try writer.finish()
        } catch {
            writer.discard()
            throw error
        }
    }
}
