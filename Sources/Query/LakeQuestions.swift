import Columns
import Lake

/// Queries on the tables of the lake as a whole, and their maintenance.
public struct LakeQuestions: Sendable {
    private let lake: Lake

    /// Queries on the tables of a lake.
    public init(_ lake: Lake) {
        self.lake = lake
    }

    /// All tables with their rows, files and size in bytes, their oldest time, what they grow by in a day, and when the disk is
    /// full if all go on so. A table that cannot be opened is a row too; the note has the reason.
    ///
    /// - Parameter disk: nil where it is not known how full it is.
    public func tables(disk: DiskSpace? = nil, now: Timestamp = .now) throws -> Answer {
        var broken: [String] = []
        var growth = 0
        let rows: [[Value]] = try lake.tables().map { name in
            do {
                let table = try lake.table(name)
                let age = table.age(now: now)
                growth += age.bytesPerDay
                return [
                    .text(name), .int(table.version), .int(Int64(try table.rowCount())), .int(Int64(table.fileCount)),
                    .int(Int64(table.sizeInBytes)), .text(table.partitionColumns.joined(separator: ",")),
                    age.since.map(Value.timestamp) ?? .null, .int(Int64(age.bytesPerDay)),
                ]
            } catch {
                broken.append("\(error)")
                return [.text(name), .null, .null, .null, .null, .null, .null, .null]
            }
        }
        let fullAt = disk.flatMap { Self.fullAt($0, bytesPerDay: growth, now: now) }
        let notes = broken + (disk.map { [Self.outlook($0, bytesPerDay: growth, fullAt: fullAt)] } ?? [])
        var answer = Answer(
            [
                ("table", .text), ("version", .int64), ("rows", .int64), ("files", .int64), ("bytes", .int64),
                ("partitioned_by", .text), ("since", .timestamp), ("bytes_per_day", .int64), ("disk_full_at", .timestamp),
            ], rows: rows.map { $0 + [fullAt.map(Value.timestamp) ?? .null] },
            note: notes.isEmpty ? nil : notes.joined(separator: "\nobs: "))
        answer.dispensable = ["disk_full_at", "partitioned_by", "version"]
        answer.main = "table"
        return answer
    }

    /// When the disk is full at a rate; nil when nothing grows, or not within a hundred years.
    private static func fullAt(_ disk: DiskSpace, bytesPerDay: Int, now: Timestamp) -> Timestamp? {
        guard bytesPerDay > 0 else { return nil }
        let days = Double(disk.available) / Double(bytesPerDay)
        guard days < 36_500 else { return nil }
        // A forecast is not of the minute.
        return Timestamp(seconds: Int64(now.secondsSince1970 + days * 86_400) / 3600 * 3600)
    }

    private static func outlook(_ disk: DiskSpace, bytesPerDay: Int, fullAt: Timestamp?) -> String {
        func megabytes(_ bytes: Int) -> String { "\(bytes / 1_000_000) MB" }
        let state = "\(Int(disk.usedShare * 100)) % of the disk are in use, \(megabytes(disk.available)) are free"
        guard let fullAt else { return state }
        return "\(state); at the rate of the last day (\(megabytes(bytesPerDay))) it is full at \(fullAt)"
    }

    /// Removes what a policy says, or only lists it.
    ///
    /// - Returns: a row per table and reason; the note has what failed.
    public func retention(_ outcome: Retention.Outcome, isDryRun: Bool) -> Answer {
        let state =
            outcome.disk.map { "\(Int($0.usedShare * 100)) % of the disk are in use" } ?? "it is not known how full the disk is"
        let done =
            isDryRun
            ? "nothing was removed: this is what would be" : "removed files are deleted by 'obs run' or 'obs lake vacuum'"
        var answer = Answer(
            [
                ("table", .text), ("reason", .text), ("rows", .int64), ("files", .int64), ("bytes", .int64),
                ("newest", .timestamp),
            ],
            rows: outcome.removals.map {
                [
                    .text($0.table), .text($0.reason.rawValue), .int(Int64($0.rows)), .int(Int64($0.files)),
                    .int(Int64($0.bytes)),
                    .timestamp($0.newest),
                ]
            },
            note: (["\(state); \(done)"] + outcome.failures.map(\.sentence)).joined(separator: "\nobs: "))
        answer.main = "table"
        return answer
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
