import Columns
import Foundation
@preconcurrency import GRDB
import Store

/// What ran when: the runs of pipelines that have an end.
public struct RunQuestions: Sendable {
    private let store: Store

    public init(_ store: Store) {
        self.store = store
    }

    /// Runs, newest first, with what went in and out of each stage.
    ///
    /// - Parameter pipeline: nil for all.
    public func list(pipeline: String? = nil, since: Timestamp? = nil, limit: Int = 100) throws -> Answer {
        try store.database.read { database in
            let runs = try Row.fetchAll(
                database,
                sql: """
                    SELECT * FROM pipeline_run WHERE (? IS NULL OR pipeline = ?) AND (? IS NULL OR started_at >= ?) ORDER BY id DESC LIMIT ?
                    """, arguments: [pipeline, pipeline, since?.microseconds, since?.microseconds, limit])
            var rows: [[Value]] = []
            for run in runs {
                let stages = try Row.fetchAll(
                    database, sql: "SELECT * FROM pipeline_run_stage WHERE run = ? ORDER BY position",
                    arguments: [run["id"] as Int64])
                let started: Int64 = run["started_at"], ended: Int64? = run["ended_at"], due: Int64? = run["due_at"]
                let error: String? = run["error"]
                let text = stages.map { stage in
                    let rowsIn: Int = stage["rows_in"], rowsOut: Int = stage["rows_out"], name: String = stage["stage"]
                    return rowsIn == rowsOut ? "\(name) \(rowsOut)" : "\(name) \(rowsIn)→\(rowsOut)"
                }
                rows.append([
                    .int(run["id"]), .text(run["pipeline"]), .text(run["kind"]),
                    due.map { .timestamp(Timestamp(microseconds: $0)) } ?? .null, .timestamp(Timestamp(microseconds: started)),
                    ended.map { .timestamp(Timestamp(microseconds: $0)) } ?? .null,
                    ended.map { .double((Double($0 - started) / 1e3).rounded() / 1e3) } ?? .null,
                    .text(ended == nil ? "unfinished" : error == nil ? "ok" : "failed"), .text(text.joined(separator: ", ")),
                    error.map(Value.text) ?? .null,
                ])
            }
            return Answer(
                [
                    ("id", .int64), ("pipeline", .text), ("kind", .text), ("due", .timestamp), ("started", .timestamp),
                    ("ended", .timestamp), ("seconds", .double), ("state", .text), ("rows", .text), ("error", .text),
                ], rows: rows)
        }
    }
}
