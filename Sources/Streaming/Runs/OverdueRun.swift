import Columns
@preconcurrency import GRDB
import Store

/// Why a scheduled run that was due has not ended.
public struct OverdueRun: Sendable, Equatable {
    public enum Reason: Sendable, Equatable {
        case notStarted
        /// It has been at work since then.
        case notEnded(since: Timestamp)
        case failed(String)
    }

    public let due: Timestamp
    public let reason: Reason

    /// What is wrong, for people.
    public var sentence: String {
        switch reason {
        case .notStarted: "the run that was due at \(due) has not started; look at /-/ready and the log of obs"
        case .notEnded(let since):
            "the run that was due at \(due) started at \(since) and has not ended, far longer than usual"
        case .failed(let error): "the run that was due at \(due) has failed: \(error)"
        }
    }
}

extension RunStore {
    /// Nobody is notified of a run that is late by less.
    private static let leastGrace = Duration.seconds(600)
    /// A run may take so many times as long as the longest of the last ones.
    private static let tolerance = 3

    /// The run of `pipeline` that should have ended by now; nil when none is late.
    ///
    /// A run may be late by ten minutes, or by three times the longest of the last ten runs that ended well.
    ///
    /// - Parameter start: from when on obs has run: what was missed before is run now, and has its time for that.
    public func overdue(_ pipeline: String, _ schedule: Schedule, watchedSince start: Timestamp, now: Timestamp) throws
        -> OverdueRun?
    {
        guard let last = try lastDue(pipeline, now: now) ?? knownSince(pipeline), let due = schedule.next(after: last), due <= now
        else { return nil }
        let usual = try longest(pipeline) * Self.tolerance
        guard now - max(due, start) > max(Self.leastGrace, usual) else { return nil }
        return OverdueRun(due: due, reason: try reason(pipeline, since: due))
    }

    private func knownSince(_ pipeline: String) throws -> Timestamp? {
        try store.database.read {
            try Int64.fetchOne($0, sql: "SELECT known_since FROM pipeline_schedule WHERE pipeline = ?", arguments: [pipeline])
        }.map(Timestamp.init(microseconds:))
    }

    /// The longest of the last ten scheduled runs that ended well.
    private func longest(_ pipeline: String) throws -> Duration {
        try store.database.read {
            let length = try Int64.fetchOne(
                $0,
                sql: """
                    SELECT max(ended_at - started_at) FROM (SELECT started_at, ended_at FROM pipeline_run
                        WHERE pipeline = ? AND kind = 'schedule' AND ended_at IS NOT NULL AND error IS NULL
                        ORDER BY id DESC LIMIT 10)
                    """, arguments: [pipeline])
            return .microseconds(max(0, length ?? 0))
        }
    }

    private func reason(_ pipeline: String, since due: Timestamp) throws -> OverdueRun.Reason {
        try store.database.read {
            guard
                let row = try Row.fetchOne(
                    $0,
                    sql: """
                        SELECT started_at, ended_at, error FROM pipeline_run
                        WHERE pipeline = ? AND kind = 'schedule' AND due_at >= ? ORDER BY id DESC LIMIT 1
                        """, arguments: [pipeline, due.microseconds])
            else { return .notStarted }
            if let error = String.fromDatabaseValue(row[2]) { return .failed(error) }
            return .notEnded(since: Timestamp(microseconds: Int64.fromDatabaseValue(row[0]) ?? due.microseconds))
        }
    }
}
