import Columns

extension DeltaTable {
    /// Puts `files` in place of the rows whose time is in a range, or of all rows, in one new version: a reader sees the old
    /// rows or the new ones.
    ///
    /// Files that hold rows on both sides of a bound are written anew without those inside. Old files stay until vacuum removes
    /// them.
    ///
    /// - Parameters:
    ///   - times: a timestamp column and the range, whose upper bound does not belong to it; nil replaces everything. Rows
    ///     without a time stay.
    ///   - transaction: as of ``commit(adding:transaction:operation:)``: doing the same again does nothing.
    /// - Returns: the version, or nil when the transaction was there already.
    @discardableResult
    public func replace(
        times: (column: String, range: Range<Timestamp>)?, with files: [DataFile],
        transaction: (application: String, version: Int64)? = nil
    ) throws(LakeError) -> Int64? {
        try commit("REPLACE", isBlindAppend: false, transaction: transaction) { (snapshot) throws(LakeError) in
            let now = commitTime()
            let (replaced, kept) = try rows(outside: times, of: snapshot)
            let removed = replaced.map {
                DeltaAction(
                    remove: .init(
                        path: $0.logPath, deletionTimestamp: now, dataChange: true, extendedFileMetadata: true,
                        partitionValues: $0.partitionValues, size: $0.size))
            }
            return removed + snapshot.adding(kept + files)
        }
    }

    /// The files that hold rows in the range, and new ones with the rows of theirs that are not in it.
    private func rows(
        outside times: (column: String, range: Range<Timestamp>)?, of snapshot: Snapshot
    ) throws(LakeError) -> (replaced: [LiveFile], kept: [DataFile]) {
        guard let times, !times.range.isEmpty else { return (times == nil ? snapshot.files : [], []) }
        let closed = times.range.lowerBound...Timestamp(microseconds: times.range.upperBound.microseconds - 1)
        var replaced: [LiveFile] = []
        let writer = writer()
        do throws(LakeError) {
            for file in snapshot.files {
                if let stats = file.stats, let bounds = FileBounds(stats), !bounds.mayHold(closed, in: times.column) { continue }
                replaced.append(file)
                let scan = try FileScan(file, snapshot: snapshot, table: self)
                for rowGroup in 0..<scan.reader.rowGroupCount {
                    let batch = try scan.batch(rowGroup: rowGroup)
                    guard let column = batch[times.column] else { continue }
                    let outside = (0..<batch.count).filter { row in
                        column.integer(at: row).map { !times.range.contains(Timestamp(microseconds: $0)) } ?? true
                    }
                    if !outside.isEmpty { try writer.append(batch.gather(outside)) }
                }
            }
            return (replaced, try writer.finish())
        } catch {
            writer.discard()
            throw error
        }
    }
}
