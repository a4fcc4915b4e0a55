import Columns

/// What ``DeltaTable/erase(_:matching:isDryRun:)`` has done, or would do.
package struct EraseSummary: Sendable, Equatable {
    /// Rows that are about the person, and gone.
    package var rows = 0
    /// Texts in other rows that name the person, and are ``NamedPerson/mark`` now.
    package var texts = 0
    /// Data files that were written anew, and deleted.
    package var files = 0

    /// Nothing names the person.
    package var isEmpty: Bool { rows + texts == 0 }
}

extension DeltaTable {
    /// Deletes the rows that match, and blanks each text of other rows that names the person: such files are written anew without
    /// them in one version, and the old ones are deleted at once.
    ///
    /// Others may append and merge meanwhile: the commit is tried again on what they have made of the table. Who reads one of the
    /// old files at that moment fails with its name, and can ask again.
    ///
    /// - Parameters:
    ///   - person: looked for in texts.
    ///   - matchers: on columns. Where a table lacks one of them no row matches, and texts are blanked all the same.
    ///   - isDryRun: only counts.
    package func erase(_ person: NamedPerson, matching matchers: [Matcher], isDryRun: Bool) throws(LakeError) -> EraseSummary {
        var done: [String: Rewritten] = [:]
        var summary = EraseSummary(), replaced: [LiveFile] = []
        let hasColumns = matchers.allSatisfy { snapshot.schema[$0.name] != nil }
        func look(_ snapshot: Snapshot) throws(LakeError) {
            (summary, replaced) = (EraseSummary(), [])
            for file in snapshot.files {
                // What was looked at before another process was faster need not be looked at again.
                if done[file.logPath] == nil {
                    done[file.logPath] = try rewrite(file, snapshot, person, hasColumns ? matchers : nil, isDryRun)
                }
                guard let rewritten = done[file.logPath], !rewritten.summary.isEmpty else { continue }
                replaced.append(file)
                summary.rows += rewritten.summary.rows
                summary.texts += rewritten.summary.texts
                summary.files += 1
            }
        }
        if isDryRun {
            try refresh()
            try look(snapshot)
            return summary
        }
        let version = try commit("ERASE", isBlindAppend: false) { (snapshot) throws(LakeError) in
            try look(snapshot)
            guard !replaced.isEmpty else { return nil }
            let now = commitTime()
            return replaced.map {
                DeltaAction(
                    remove: .init(
                        path: $0.logPath, deletionTimestamp: now, dataChange: true, extendedFileMetadata: true,
                        partitionValues: $0.partitionValues, size: $0.size))
            }
                + replaced.flatMap { file in
                    // As old as what they were made of, so that retention removes them when it would have.
                    done[file.logPath]!.files.map { DeltaAction(add: $0.added(at: file.modificationTime)) }
                }
        }
        guard version != nil else { return summary }
        let gone = Set(replaced.map(\.logPath))
        _ = try vacuum(keeping: .milliseconds(-1), .removedFiles) { gone.contains($0) }
        return summary
    }

    /// What a file becomes.
    private struct Rewritten {
        var files: [DataFile] = []
        var summary = EraseSummary()
    }

    private func rewrite(
        _ file: LiveFile, _ snapshot: Snapshot, _ person: NamedPerson, _ matchers: [Matcher]?, _ isDryRun: Bool
    ) throws(LakeError) -> Rewritten {
        var rewritten = Rewritten()
        let writer = writer()
        do throws(LakeError) {
            let scan = try FileScan(file, snapshot: snapshot, table: self)
            var batches: [Batch] = []
            for rowGroup in 0..<scan.reader.rowGroupCount {
                let batch = try scan.batch(rowGroup: rowGroup)
                let isMatched = matchers?.rows(in: batch) ?? [Bool](repeating: false, count: batch.count)
                let kept = isMatched.contains(true) ? batch.gather((0..<batch.count).filter { !isMatched[$0] }) : batch
                let (blanked, texts) = kept.blanking(person)
                rewritten.summary.rows += batch.count - kept.count
                rewritten.summary.texts += texts
                if !isDryRun, !blanked.isEmpty { batches.append(blanked) }
            }
            guard !rewritten.summary.isEmpty, !isDryRun else {
                writer.discard()
                return rewritten
            }
            for batch in batches { try writer.append(batch) }
            rewritten.files = try writer.finish()
            return rewritten
        } catch {
            writer.discard()
            throw error
        }
    }
}

extension Batch {
    /// The same with ``NamedPerson/mark`` in the place of each text that names the person, and null in that of bytes, and how
    /// many those are.
    fileprivate func blanking(_ person: NamedPerson) -> (batch: Batch, texts: Int) {
        var texts = 0
        let columns = zip(schema.fields, columns).map { field, column -> Column in
            guard field.type == .text || field.type == .binary else { return column }
            let named = (0..<count).filter { row in !column.isNull(at: row) && column.withBytes(at: row) { person.isIn($0) } }
            guard !named.isEmpty else { return column }
            texts += named.count
            var builder = ColumnBuilder(field), next = 0
            for row in 0..<count {
                if next < named.count, named[next] == row {
                    next += 1
                    if field.isNullable, field.type == .binary {
                        builder.appendNull()
                    } else {
                        _ = builder.append(field.type == .text ? .text(NamedPerson.mark) : .binary([]))
                    }
                } else {
                    _ = builder.append(column.value(at: row, as: field.type))
                }
            }
            return builder.finish()
        }
        return texts == 0 ? (self, 0) : (Batch(schema: schema, columns: columns), texts)
    }
}
