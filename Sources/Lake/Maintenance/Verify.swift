import Columns

/// What ``DeltaTable/verify(progress:)`` has found.
public struct VerifySummary: Sendable, Equatable {
    public var files = 0
    public var rows = 0
    public var bytes = 0
    /// One sentence each; empty when all is well.
    public var problems: [String] = []
}

extension DeltaTable {
    /// Reads every file of the loaded version whole: that it is there, as long as the log says, that its footer and the checksums of its pages are right, and that
    /// its rows and nulls are as many as its statistics say; then whether the log has all versions since its first.
    ///
    /// - Parameter progress: bytes looked at, of all.
    public func verify(progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }) throws(LakeError) -> VerifySummary {
        try refresh()
        let snapshot = snapshot
        var summary = VerifySummary()
        let total = snapshot.sizeInBytes
        for file in snapshot.files {
            summary.files += 1
            do throws(LakeError) {
                try verify(file, snapshot, &summary)
            } catch {
                summary.problems.append(error.description)
            }
            summary.bytes += file.size
            progress(summary.bytes, total)
        }
        let versions = try log.list().commits.map(\.version)
        for (version, next) in zip(versions, versions.dropFirst()) where next != version + 1 {
            summary.problems.append("\(name): its log lacks version \(version + 1)")
        }
        return summary
    }

    private func verify(_ file: LiveFile, _ snapshot: Snapshot, _ summary: inout VerifySummary) throws(LakeError) {
        guard try storage.exists(file.path) else {
            throw .missingFile(table: name, version: snapshot.version, path: file.path)
        }
        let size = try storage.size(file.path)
        if size != file.size {
            summary.problems.append("\(storage.location(file.path)): has \(size) bytes, and the log says \(file.size)")
        }
        let scan = try FileScan(file, wanted: snapshot.schema, snapshot: snapshot, table: self)
        var rows = 0
        var nulls: [String: Int] = [:]
        for group in 0..<scan.reader.rowGroupCount {
            guard let batch = try scan.batch(rowGroup: group) else { continue }
            rows += batch.count
            for (field, column) in zip(batch.schema.fields, batch.columns) { nulls[field.name, default: 0] += column.nullCount }
        }
        summary.rows += rows
        guard let stats = file.stats, let said = FileBounds(stats) else { return }
        if let count = said.rowCount, count != rows {
            summary.problems.append("\(storage.location(file.path)): has \(rows) rows, and the log says \(count)")
        }
        for (column, count) in said.nullCounts.sorted(by: { $0.key < $1.key }) {
            // Statistics of nested columns are of their parts.
            guard let found = nulls[column], found != count,
                scan.reader.root.children.first(where: { $0.name == column })?.isFlat == true
            else { continue }
            summary.problems.append(
                "\(storage.location(file.path)): has \(found) nulls in '\(column)', and the log says \(count)")
        }
    }
}
