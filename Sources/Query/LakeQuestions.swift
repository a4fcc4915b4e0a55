import Columns
import Lake

/// Queries on the tables of the lake as a whole, and their maintenance.
public struct LakeQuestions: Sendable {
    private let lake: Lake

    /// Queries on the tables of a lake.
    public init(_ lake: Lake) {
        self.lake = lake
    }

    /// All tables with their rows, files and size in bytes. A table that cannot be opened is a row too; the note has the reason.
    public func tables() throws -> Answer {
        var broken: [String] = []
        let rows: [[Value]] = try lake.tables().map { name in
            do {
                let table = try lake.table(name)
                return [
                    .text(name), .int(table.version), .int(Int64(try table.rowCount())), .int(Int64(table.fileCount)),
                    .int(Int64(table.sizeInBytes)), .text(table.partitionColumns.joined(separator: ",")),
                ]
            } catch {
                broken.append("\(error)")
                return [.text(name), .null, .null, .null, .null, .null]
            }
        }
        return Answer(
            [
                ("table", .text), ("version", .int64), ("rows", .int64), ("files", .int64), ("bytes", .int64),
                ("partitioned_by", .text),
            ], rows: rows, note: broken.isEmpty ? nil : broken.joined(separator: "\nobs: "))
    }

    /// The newest versions of a table, newest first.
    ///
    /// - Throws: `LakeError` when the table cannot be opened.
    public func history(of table: String, limit: Int) throws -> Answer {
        Answer(
            [
                ("version", .int64), ("time", .timestamp), ("operation", .text), ("added_files", .int64),
                ("removed_files", .int64),
                ("added_rows", .int64),
            ],
            rows: try lake.table(table).history(limit: limit).map {
                [
                    .int($0.version), $0.time.map(Value.timestamp) ?? .null, .text($0.operation), .int(Int64($0.addedFiles)),
                    .int(Int64($0.removedFiles)), .int(Int64($0.addedRows)),
                ]
            })
    }

    /// Merges the small files of tables.
    ///
    /// - Parameters:
    ///   - tables: empty for all.
    ///   - targetFileSize: in bytes.
    /// - Throws: `LakeError` at the first table that cannot be changed.
    public func optimize(_ tables: [String], targetFileSize: Int) throws -> Answer {
        var policy = CompactionPolicy.everything
        policy.targetFileSize = targetFileSize
        return Answer(
            [
                ("table", .text), ("version", .int64), ("removed_files", .int64), ("added_files", .int64),
                ("bytes_before", .int64),
                ("bytes_after", .int64),
            ],
            rows: try names(tables).map { name in
                let summary = try lake.table(name).optimize(policy)
                return [
                    .text(name), summary.version.map(Value.int) ?? .null, .int(Int64(summary.removedFiles)),
                    .int(Int64(summary.addedFiles)), .int(Int64(summary.bytesBefore)), .int(Int64(summary.bytesAfter)),
                ]
            })
    }

    /// Deletes files that no version of the last `retention` needs, or only lists them.
    ///
    /// - Parameters:
    ///   - tables: empty for all.
    ///   - retention: nil for the default.
    public func vacuum(_ tables: [String], keeping retention: Duration?, isDryRun: Bool) throws -> Answer {
        var files = 0
        var bytes = 0
        let rows: [[Value]] = try names(tables).flatMap { name -> [[Value]] in
            let summary = try lake.table(name).vacuum(keeping: retention, isDryRun: isDryRun)
            files += summary.files.count
            bytes += summary.bytes
            return summary.files.map { [.text(name), .text($0)] }
        }
        return Answer(
            [("table", .text), ("file", .text)], rows: rows,
            note: "\(files) files, \(bytes) bytes \(isDryRun ? "would be deleted" : "deleted")")
    }

    /// Reads every file of tables and reports what is wrong.
    ///
    /// - Parameters:
    ///   - tables: empty for all.
    ///   - progress: called with bytes read and bytes in all.
    /// - Returns: a row per table, with the problems in the note; and whether there are none.
    public func verify(_ tables: [String], progress: (_ done: Int64, _ total: Int64) -> Void) throws -> (
        answer: Answer, isWell: Bool
    ) {
        var problems: [String] = []
        let rows: [[Value]] = try names(tables).map { name in
            do {
                let summary = try lake.table(name).verify { progress(Int64($0), Int64($1)) }
                problems += summary.problems
                return [
                    .text(name), .int(Int64(summary.files)), .int(Int64(summary.rows)), .int(Int64(summary.bytes)),
                    .int(Int64(summary.problems.count)),
                ]
            } catch let error as LakeError {
                if case .noTable = error { throw error }
                // The table cannot be opened: its log says why, and what else is wrong.
                var found = (try? lake.logProblems(of: name)) ?? []
                if !found.contains(error.description) { found.insert(error.description, at: 0) }
                problems += found
                return [.text(name), .null, .null, .null, .int(Int64(found.count))]
            }
        }
        return (
            Answer(
                [("table", .text), ("files", .int64), ("rows", .int64), ("bytes", .int64), ("problems", .int64)], rows: rows,
                note: problems.isEmpty ? nil : problems.joined(separator: "\nobs: ")), problems.isEmpty
        )
    }

    private func names(_ tables: [String]) throws -> [String] {
        tables.isEmpty ? try lake.tables() : tables
    }
}
