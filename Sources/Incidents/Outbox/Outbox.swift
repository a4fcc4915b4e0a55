import Columns
import Foundation
@preconcurrency import GRDB
import Store

/// Notifications: which are pending, when each is tried next, and what has become of them. Rows are written by ``AlertStore``
/// together with the change that causes them.
///
/// A group of a receiver has at most one pending row, and has it as long as alerts are in the group: it says when the group is
/// looked at next. What the notification says is read when it is sent, so that it has the newest state; what happens while it
/// is under way is compared afterwards, in the transaction that marks it as sent, and becomes pending anew. So nothing is lost
/// between two notifications:
///
///     change ──▶ pending ──▶ sent, or nothing to say
///                 │ ▲ ▲             └──▶ pending, at the first group_interval at which something changed, ends, or is to be
/// repeated
///                 └─┘ └── dead, when it is given up: then at the next end or repetition
///               failed
public struct Outbox: Sendable {
    /// Where the tables are.
    public let incidents: IncidentStore

    /// The outbox of a database.
    public init(incidents: IncidentStore) { self.incidents = incidents }

    /// Ids and receivers of the notifications that are due now, the longest due first; at most ten thousand.
    public func due(now: Timestamp) async throws -> [(id: Int64, receiver: String)] {
        try await incidents.store.database.read { database in
            try Row.fetchAll(
                database.cachedStatement(
                    sql: """
                        SELECT id, receiver FROM outbox WHERE state IN ('pending', 'resending') AND due_at <= ?
                            ORDER BY due_at LIMIT 10000
                        """),
                arguments: [now.microseconds]
            ).compactMap { row in
                Int64.fromDatabaseValue(row[0]).flatMap { id in String.fromDatabaseValue(row[1]).map { (id, $0) } }
            }
        }
    }

    /// When the next notification is due, or nil when none is pending.
    public func nextDue(after now: Timestamp) async throws -> Timestamp? {
        try await incidents.store.database.read { database in
            let row = try Row.fetchOne(
                database.cachedStatement(
                    sql: "SELECT min(due_at) FROM outbox WHERE state IN ('pending', 'resending') AND due_at > ?"),
                arguments: [now.microseconds])
            return row.flatMap { Int64.fromDatabaseValue($0[0]) }.map { Timestamp(microseconds: $0) }
        }
    }

    /// How many notifications are pending now, and since when the oldest is. A repetition that waits for its time does not
    /// count yet.
    public func depth(now: Timestamp) throws -> (count: Int, oldest: Timestamp?) {
        try incidents.store.database.read { try Self.depth(now: now, $0) }
    }

    /// The same within a transaction of the caller.
    public static func depth(now: Timestamp, _ database: Database) throws -> (count: Int, oldest: Timestamp?) {
        let row = try Row.fetchOne(
            database,
            sql: "SELECT count(*), min(created_at) FROM outbox WHERE state IN ('pending', 'resending') AND created_at <= ?",
            arguments: [now.microseconds])
        guard let row else { return (0, nil) }
        return (
            Int.fromDatabaseValue(row[0]) ?? 0, Int64.fromDatabaseValue(row[1]).map { Timestamp(microseconds: $0) }
        )
    }

    /// A notification that is due, with all that is known of its group; nil when it is no longer pending, its group is gone, or
    /// it cannot be read.
    ///
    /// Members that cannot be read are left out.
    public static func look(at id: Int64, _ database: Database) throws -> Look? {
        let notification = try PendingNotification.firstReadable(
            database.cachedStatement(
                sql: """
                    SELECT \(PendingNotification.columns("o")) FROM outbox o WHERE o.id = ?
                        AND o.state IN ('pending', 'resending')
                    """), [id])
        guard let notification else { return nil }
        if notification.state == .resending { return Look(notification: notification, group: nil, members: []) }
        let group = try GroupRow.firstReadable(
            database.cachedStatement(
                sql: "SELECT \(GroupRow.columns("g")) FROM alert_grouping g WHERE g.receiver = ? AND g.group_key = ?"),
            [notification.receiver, notification.groupKey])
        guard let group else { return nil }
        let members = try MemberRow.readable(
            database.cachedStatement(
                sql: """
                    SELECT \(MemberRow.alertColumns("a")), m.notified, \(MemberRow.incidentColumns("i")) FROM alert_membership m
                    JOIN alert a ON a.id = m.alert LEFT JOIN incident i ON i.number = a.incident WHERE m.grouping = ?
                        ORDER BY a.id
                    """), [group.id])
        return Look(notification: notification, group: group, members: members)
    }

    /// Schedules a look at a group, and the notification of its receiver, at `due`. What is pending already is brought
    /// forward if it was to wait longer, unless it failed and is being retried.
    ///
    /// - Parameter pendingSince: from when the notification counts as pending.
    static func schedule(_ receiver: String, _ key: String, at due: Timestamp, pendingSince: Timestamp, _ database: Database)
        throws
    {
        // Asked for each group of each batch of alerts: a statement is compiled once.
        let find = try database.cachedStatement(
            sql: "SELECT id FROM outbox WHERE receiver = ? AND group_key = ? AND state = 'pending'")
        if let pending = try Int64.fetchOne(find, arguments: [receiver, key]) {
            try database.cachedStatement(
                sql: "UPDATE outbox SET due_at = ?, created_at = min(created_at, ?) WHERE id = ? AND attempts = 0 AND due_at > ?"
            ).execute(arguments: [due.microseconds, pendingSince.microseconds, pending, due.microseconds])
        } else {
            try database.cachedStatement(sql: "INSERT INTO outbox (receiver, group_key, created_at, due_at) VALUES (?, ?, ?, ?)")
                .execute(arguments: [receiver, key, pendingSince.microseconds, due.microseconds])
        }
    }

    /// Writes down that a group's receiver is notified of an incident.
    static func noteNotified(_ receiver: String, _ key: String, of incident: Int64, _ database: Database) throws {
        try database.executeCached(
            sql: "INSERT OR IGNORE INTO incident_notified (incident, receiver, group_key) VALUES (?, ?, ?)",
            arguments: [incident, receiver, key])
    }

    /// Schedules one text for a receiver, to be sent once: it belongs to no group that could repeat it, and never resolves.
    ///
    /// - Parameter payload: as a dead letter keeps it.
    public static func schedule(
        text payload: String, to receiver: String, key: String, now: Timestamp, _ database: Database
    ) throws {
        try database.execute(
            sql: """
                INSERT INTO outbox (receiver, group_key, created_at, due_at, state, payload, reason)
                    VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6)
                """,
            arguments: [
                receiver, key, now.microseconds, OutboxState.resending.rawValue, payload, NotificationReason.firing.rawValue,
            ])
    }
}
