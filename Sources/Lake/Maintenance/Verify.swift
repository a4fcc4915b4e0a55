import Columns

/// What ``DeltaTable/verify(progress:)`` has found.
public struct VerifySummary: Sendable, Equatable {
    /// Data files that were read.
    public var files = 0
    /// Rows in them.
    public var rows = 0
    /// Of these files.
    public var bytes = 0
    /// One sentence each; empty when all is well.
    public var problems: [String] = []
}

extension DeltaTable {
    /// Reads every file of the loaded version whole: that it is there, as long as the log says, that its footer and the
    /// checksums of its pages are right, and that its rows and nulls are as many as its statistics say, that its texts are
    /// UTF-8; then every file of the log (``DeltaLog/problems()``).
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
        summary.problems += try log.problems()
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
        let scan = try FileScan(file, snapshot: snapshot, table: self)
        if try !scan.reader.beginsWithMagic() {
            summary.problems.append("\(storage.location(file.path)): does not begin with PAR1, so other readers refuse it")
        }
        var rows = 0
        var nulls: [String: Int] = [:]
        for group in 0..<scan.reader.rowGroupCount {
            let batch = try scan.batch(rowGroup: group)
            rows += batch.count
            for (field, column) in zip(batch.schema.fields, batch.columns) {
                nulls[field.name, default: 0] += column.nullCount
            }
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

extension DeltaLog {
    /// What is wrong with the files of the log, one sentence each. Every commit and every checkpoint is read, also those that
    /// no reader needs any more; each checkpoint is compared with the commits that it stands for, and each commit with the one
    /// before.
    func problems() throws(LakeError) -> [String] {
        let listing = try list()
        let commits = Set(listing.commits.map(\.version))
        let checkpoints = Dictionary(listing.checkpoints.map { ($0.version, $0.keys) }) { first, _ in first }
        var problems: [String] = []
        // What the files so far amount to, as long as nothing is missing.
        var known: Snapshot? = Snapshot()
        var last: (version: Int64, checksum: UInt32)?
        for version in commits.union(checkpoints.keys).sorted() {
            if commits.contains(version) {
                do throws(LakeError) {
                    let commit = try commit(version)
                    if let last, last.version + 1 == version, let previous = commit.previous, !previous.isEmpty,
                        previous != CommitSeal.text(last.checksum)
                    {
                        problems.append(
                            "\(storage.location(Self.commitKey(last.version))): it is not the file that version \(version) was "
                                + "committed after"
                        )
                    }
                    last = (version, commit.checksum)
                    if known?.version == version - 1 {
                        try known?.apply(commit.actions, version: version, checksum: commit.checksum, table: table)
                    } else {
                        known = nil
                    }
                } catch {
                    problems.append(error.description)
                    known = nil
                }
            }
            guard let keys = checkpoints[version] else { continue }
            do throws(LakeError) {
                let checkpoint = try checkpoint(version, keys)
                if let known, known.version == version, !known.agrees(with: checkpoint) {
                    problems.append("\(storage.location(keys[0])): it says otherwise than the commits that it stands for")
                }
                known = checkpoint
            } catch {
                problems.append(error.description)
            }
        }
        for (version, next) in zip(listing.commits, listing.commits.dropFirst()).map({ ($0.version, $1.version) })
        where next != version + 1 {
            problems.append(LakeError.missingCommit(path: storage.location(Self.commitKey(version + 1))).description)
        }
        if let problem = hintProblem(listing) { problems.append(problem) }
        return problems
    }

    private func hintProblem(_ listing: Listing) -> String? {
        guard (try? storage.exists(Self.hintKey)) == true, let bytes = try? storage.get(Self.hintKey) else { return nil }
        let place = storage.location(Self.hintKey)
        guard let hint = try? CheckpointHint(bytes) else {
            return "\(place): it is damaged; readers pass over it, and the next checkpoint writes it anew"
        }
        guard listing.checkpoints.contains(where: { $0.version == hint.version }) else {
            return "\(place): it names a checkpoint of version \(hint.version), which is not there; readers pass over it"
        }
        return nil
    }
}

extension Lake {
    /// What is wrong with the log of a table, also of one that cannot be opened for it.
    public func logProblems(of name: String) throws(LakeError) -> [String] {
        try DeltaLog(storage: try storage(of: name), table: name).problems()
    }
}
