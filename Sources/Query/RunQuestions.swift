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

    /// Runs, newest first: when, how long, how it ended, and how many rows it made in each layer.
    ///
    /// - Parameter pipeline: nil for all.
    public func list(pipeline: String? = nil, since: Timestamp? = nil, limit: Int = 100) throws -> Answer {
        let runs = try store.database.read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT r.*, total(CASE WHEN s.stage LIKE 'bronze.%' THEN s.rows_out END) lines,
                        total(CASE WHEN s.stage LIKE 'silver.%' THEN s.rows_out END) events,
                        total(CASE WHEN s.stage LIKE 'gold.%' THEN s.rows_out END) gold,
                        total(CASE WHEN s.stage LIKE 'quarantine.%' THEN s.rows_out END) quarantined
                    FROM (SELECT * FROM pipeline_run WHERE (?1 IS NULL OR pipeline = ?1) AND (?2 IS NULL OR started_at >= ?2)
                          ORDER BY id DESC LIMIT ?3) r LEFT JOIN pipeline_run_stage s ON s.run = r.id
                    GROUP BY r.id ORDER BY r.id DESC
                    """, arguments: [pipeline, since?.microseconds, limit])
        }
        func time(_ microseconds: Int64?) -> Value { microseconds.map { .timestamp(Timestamp(microseconds: $0)) } ?? .null }
        var answer = Answer(
            [
                ("id", .int64), ("pipeline", .text), ("kind", .text), ("started", .timestamp), ("seconds", .double),
                ("state", .text),
                ("lines", .int64), ("events", .int64), ("gold", .int64), ("quarantined", .int64), ("error", .text),
                ("due", .timestamp), ("ended", .timestamp),
            ],
            rows: runs.map { run in
                let started: Int64 = run["started_at"], ended: Int64? = run["ended_at"], error: String? = run["error"]
                return [
                    .int(run["id"]), .text(run["pipeline"]), .text(run["kind"]), time(started),
                    ended.map { .double((Double($0 - started) / 1e4).rounded() / 1e2) } ?? .null,
                    .text(ended == nil ? "unfinished" : error == nil ? "ok" : "failed"), .int(run["lines"]), .int(run["events"]),
                    .int(run["gold"]), .int(run["quarantined"]), error.map(Value.text) ?? .null, time(run["due_at"]), time(ended),
                ]
            })
        answer.dispensable = ["ended", "due", "gold", "events", "quarantined", "kind"]
        if runs.allSatisfy({ ($0["error"] as String?) == nil }) { answer.dispensable.insert("error", at: 0) }
        answer.main = "error"
        return answer
    }

    /// What went in and out of each stage of one run, in the order in which they stand.
    public func stages(ofRun id: Int64) throws -> Answer {
        let stages = try store.database.read { database in
            try Row.fetchAll(
                database, sql: "SELECT stage, rows_in, rows_out FROM pipeline_run_stage WHERE run = ? ORDER BY position",
                arguments: [id])
        }
        return Answer(
            [("stage", .text), ("rows_in", .int64), ("rows_out", .int64)],
            rows: stages.map { [.text($0["stage"]), .int($0["rows_in"]), .int($0["rows_out"])] })
    }
}
