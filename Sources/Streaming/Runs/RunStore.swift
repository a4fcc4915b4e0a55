import Columns
import Foundation
@preconcurrency import GRDB
import Store

/// The runs of pipelines that have an end: when they were due, began and ended, what went through, and what went wrong.
///
/// A run that has no end was killed, or still goes on.
public struct RunStore: Sendable {
    /// The tables of runs and schedules.
    public static let migrations = [
        Migration(
            id: "0.1 streaming",
            sql: """
                -- Runs of pipelines that have an end: of a schedule, of 'obs process', of 'obs replay'. The newest 10,000 per
                -- pipeline are kept.
                CREATE TABLE pipeline_run (
                    id INTEGER PRIMARY KEY,
                    pipeline TEXT NOT NULL,
                    -- schedule, process or replay.
                    kind TEXT NOT NULL,
                    -- When its schedule wanted it, in microseconds since 1970, as all times here; null for the other kinds.
                    due_at INTEGER,
                    started_at INTEGER NOT NULL,
                    -- Null while it runs, and when it was killed.
                    ended_at INTEGER,
                    -- Null when it succeeded.
                    error TEXT);
                CREATE INDEX pipeline_run_by_time ON pipeline_run (pipeline, kind, due_at);

                -- Rows in and out of each stage of a run.
                CREATE TABLE pipeline_run_stage (
                    run INTEGER NOT NULL REFERENCES pipeline_run (id) ON DELETE CASCADE,
                    stage TEXT NOT NULL,
                    -- Its index in the pipeline.
                    position INTEGER NOT NULL,
                    rows_in INTEGER NOT NULL,
                    rows_out INTEGER NOT NULL,
                    PRIMARY KEY (run, stage));

                -- Pipelines that run by a schedule.
                CREATE TABLE pipeline_schedule (
                    pipeline TEXT PRIMARY KEY,
                    -- When the schedule was first seen; runs due since then are caught up on.
                    known_since INTEGER NOT NULL) WITHOUT ROWID;
                """)
    ]

    /// How many runs of a pipeline are kept.
    private static let keptRuns = 10_000

    /// What began the run.
    public enum Kind: String, Sendable {
        case schedule, process, replay
    }

    let store: Store

    /// The runs in `store`.
    public init(_ store: Store) {
        self.store = store
    }

    /// Notes that a run begins; gives its number.
    public func begin(_ pipeline: String, _ kind: Kind, due: Timestamp? = nil, now: Timestamp) throws -> Int64 {
        try store.database.write { database in
            try database.execute(
                sql: "INSERT INTO pipeline_run (pipeline, kind, due_at, started_at) VALUES (?, ?, ?, ?)",
                arguments: [pipeline, kind.rawValue, due?.microseconds, now.microseconds])
            let id = database.lastInsertedRowID
            try database.execute(
                sql: "DELETE FROM pipeline_run WHERE pipeline = ? AND id <= ? - \(Self.keptRuns)", arguments: [pipeline, id])
            return id
        }
    }

    /// Notes how a run ended.
    public func end(_ run: Int64, stages: [PipelineRunner.StageRows] = [], error: String? = nil, now: Timestamp) throws {
        try store.database.write { database in
            try database.execute(
                sql: "UPDATE pipeline_run SET ended_at = ?, error = ? WHERE id = ?", arguments: [now.microseconds, error, run])
            for (position, stage) in stages.enumerated() {
                try database.execute(
                    sql: "INSERT OR REPLACE INTO pipeline_run_stage VALUES (?, ?, ?, ?, ?)",
                    arguments: [run, stage.stage, position, stage.rowsIn, stage.rowsOut])
            }
        }
    }

    /// When `pipeline` was first to run by a schedule: at `now`, unless it was before. What is missed from then on is run after
    /// a restart, also when no run has come before.
    public func scheduled(_ pipeline: String, now: Timestamp) throws -> Timestamp {
        try store.database.write { database in
            try database.execute(
                sql: "INSERT OR IGNORE INTO pipeline_schedule VALUES (?, ?)", arguments: [pipeline, now.microseconds])
            let known = try Int64.fetchOne(
                database, sql: "SELECT known_since FROM pipeline_schedule WHERE pipeline = ?", arguments: [pipeline])
            return known.map(Timestamp.init(microseconds:)) ?? now
        }
    }

    /// When the newest scheduled run of `pipeline` that ended without an error was due, or nil before the first. One that was
    /// due after `now` ran while the clock was ahead, and says nothing.
    public func lastDue(_ pipeline: String, now: Timestamp) throws -> Timestamp? {
        try store.database.read { database in
            try Int64.fetchOne(
                database,
                sql:
                    "SELECT max(due_at) FROM pipeline_run WHERE pipeline = ? AND kind = 'schedule' AND ended_at IS NOT NULL "
                    + "AND error IS NULL AND due_at <= ?",
                arguments: [pipeline, now.microseconds]
            ).map(Timestamp.init(microseconds:))
        }
    }
}
