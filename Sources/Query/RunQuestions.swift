import Columns
import Foundation
@preconcurrency import GRDB
import Store

/// Queries on the runs of pipelines that have an end: scheduled ones, `obs process`, `obs replay`.
public struct RunQuestions: Sendable {
    private let store: Store

    /// Queries on the runs in a store.
    public init(_ store: Store) {
        self.store = store
    }

    /// Runs, newest first: when, how long, how each ended, and how many rows it wrote to each layer.
    ///
    /// - Parameters:
    ///   - pipeline: nil for all.
    ///   - since: only runs that started at or after it.
    public func list(pipeline: String? = nil, since: Timestamp? = nil, limit: Int = 100) throws -> Answer {
        let runs = try store.database.read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT r.id, r.pipeline, r.kind, r.due_at, r.started_at, r.ended_at, r.error,
                        total(CASE WHEN s.stage LIKE 'bronze.%' THEN s.rows_out END) lines,
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
            // A run that cannot be read is left out.
            rows: runs.compactMap { run in
                guard let id = Int64.fromDatabaseValue(run[0]), let pipeline = String.fromDatabaseValue(run[1]),
                    let kind = String.fromDatabaseValue(run[2]), let started = Int64.fromDatabaseValue(run[4])
                else { return nil }
                let due = Int64.fromDatabaseValue(run[3]), ended = Int64.fromDatabaseValue(run[5])
                let error = String.fromDatabaseValue(run[6])
                let counts: [Value] = (7...10).map { .int(Int64.fromDatabaseValue(run[$0]) ?? 0) }
                return [.int(id), .text(pipeline), .text(kind), time(started)]
                    + [
                        ended.map { .double((Double($0 - started) / 1e4).rounded() / 1e2) } ?? .null,
                        .text(ended == nil ? "unfinished" : error == nil ? "ok" : "failed"),
                    ] + counts + [error.map(Value.text) ?? .null, time(due), time(ended)]
            })
        answer.dispensable = ["ended", "due", "gold", "events", "quarantined", "kind"]
        if runs.allSatisfy({ String.fromDatabaseValue($0[6]) == nil }) { answer.dispensable.insert("error", at: 0) }
        answer.main = "error"
        return answer
    }

    /// The rows in and out of each stage of one run, in the order of the stages.
    public func stages(ofRun id: Int64) throws -> Answer {
        let stages = try store.database.read { database in
            try Row.fetchAll(
                database, sql: "SELECT stage, rows_in, rows_out FROM pipeline_run_stage WHERE run = ? ORDER BY position",
                arguments: [id])
        }
        return Answer(
            [("stage", .text), ("rows_in", .int64), ("rows_out", .int64)],
            rows: stages.compactMap { row in
                guard let stage = String.fromDatabaseValue(row[0]), let rowsIn = Int64.fromDatabaseValue(row[1]),
                    let rowsOut = Int64.fromDatabaseValue(row[2])
                else { return nil }
                return [.text(stage), .int(rowsIn), .int(rowsOut)]
            })
    }
}
