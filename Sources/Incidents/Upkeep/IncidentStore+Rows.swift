import Columns
import Detection
@preconcurrency import GRDB
import Store

/// Which rows of the store cannot be read, and what becomes of them.
extension IncidentStore {
    /// The tables that are looked over. What other rows hang on is never taken out: it is shown as far as it can be read.
    public static let rowChecks = [
        RowCheck("silence", json: ["matchers"]),
        RowCheck("alert", json: ["labels", "annotations"]),
        RowCheck("alert_grouping", json: ["group_labels"]),
        RowCheck("alert_membership"),
        RowCheck("outbox", json: ["delivered", "payload"]),
        RowCheck("escalation"),
        RowCheck("model"),
        RowCheck("pipeline_run"),
        RowCheck("pipeline_run_stage"),
        RowCheck("pipeline_schedule"),
        RowCheck("incident", json: ["labels", "contributions"], isMovable: false),
        RowCheck("evidence", isMovable: false),
        RowCheck("timeline", isMovable: false),
        RowCheck("audit", isMovable: false),
    ]

    /// Tables that grow with the years. Of them the newest rows are looked over each time, and all by `obs check store`.
    private static let long = Set(["incident", "timeline", "audit", "evidence"])
    private static let newest: Int64 = 2000

    /// Looks over the rows, and takes those that cannot be read out of the way of the others (``Store/setAside(_:at:_:)``).
    ///
    /// - Returns: the rows that are where they were, and those that were taken out of their tables, now or before.
    public func lookOver(now: Timestamp) async throws -> (standing: [UnreadableRow], setAside: [UnreadableRow]) {
        let found = try await store.database.read { database in
            var found: [UnreadableRow] = []
            for check in Self.rowChecks where check.table != "evidence" {
                var rows: ClosedRange<Int64>?
                if Self.long.contains(check.table) {
                    let last = try Int64.fetchOne(database, sql: "SELECT max(rowid) FROM \(check.table)") ?? 0
                    rows = max(0, last - Self.newest)...max(0, last)
                }
                found += try Store.unreadable(check, rows: rows, database)
            }
            return found + (try SilenceStore.unreadable(beside: found, database))
        }
        let movable = Set(Self.rowChecks.filter(\.isMovable).map(\.table))
        let taken = found.filter { movable.contains($0.table) }
        var setAside: Set<String> = []
        if !taken.isEmpty {
            setAside = try await store.database.write { database in
                var done: Set<String> = []
                for row in taken {
                    let pending = try Self.pending(row, database)
                    guard try Store.setAside(row, at: now.microseconds, database) else { continue }
                    done.insert("\(row.table) \(row.id)")
                    // What was pending still is: the group says anew what it has to say.
                    if let (receiver, key) = pending { try Outbox.schedule(receiver, key, at: now, pendingSince: now, database) }
                }
                return done
            }
        }
        return (
            standing: found.filter { !setAside.contains("\($0.table) \($0.id)") },
            setAside: try await store.database.read(Store.setAside)
        )
    }

    /// The receiver and group of a pending row of the outbox, as far as they can be read.
    private static func pending(_ row: UnreadableRow, _ database: Database) throws -> (receiver: String, key: String)? {
        guard row.table == "outbox",
            let found = try Row.fetchOne(
                database, sql: "SELECT receiver, group_key FROM outbox WHERE id = ? AND state = 'pending'", arguments: [row.id]),
            let receiver = String.fromDatabaseValue(found[0]), let key = String.fromDatabaseValue(found[1])
        else { return nil }
        return (receiver, key)
    }

    /// Every row that cannot be read, and what was set aside, one sentence each: for `obs check store`.
    public func unreadableRows() throws -> [String] {
        try store.database.read { database in
            var found: [UnreadableRow] = []
            for check in Self.rowChecks { found += try Store.unreadable(check, database) }
            found += try SilenceStore.unreadable(beside: found, database)
            return found.map { $0.sentence(isSetAside: false) }
                + (try Store.setAside(database).map { $0.sentence(isSetAside: true) })
        }
    }
}

extension UnreadableRow {
    /// What is wrong, where, and the way out.
    public func sentence(isSetAside: Bool) -> String {
        if table == Store.fileMark {
            return
                """
                \(reason): a failing disk, or another program, has changed it; put back a backup with 'obs restore FILE', \
                or delete the row of the table set_aside that says so when you know why
                """
        }
        return isSetAside
            ? """
            row \(id) of the table \(table) cannot be read (\(reason)) and is set aside; with sqlite3, mend and run its \
            statement in the table set_aside, or delete it there
            """
            : """
            row \(id) of the table \(table) cannot be read (\(reason)) and is passed over; mend or delete it with \
            sqlite3, or put back a backup with 'obs restore FILE'
            """
    }
}
