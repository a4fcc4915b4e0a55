import Columns
import Foundation
@preconcurrency import GRDB

/// What is owed to whom, and when it is tried next. Rows are written by ``IncidentStore`` together with the change that owes them.
struct Outbox: Sendable {
    /// A notification that is due, with all that it says.
    struct Due: Sendable {
        var id: Int64
        var receiver: String
        var createdAt: Timestamp
        var attempts: Int
        var payload: WebhookPayload
        /// The incidents that it tells of, and as what.
        var alerts: [(incident: Int64, status: String)]
    }

    /// After so many tries a notification is dead: it is kept and shown, and not tried again.
    static let maxAttempts = 100

    let incidents: IncidentStore

    /// What is due now, oldest first.
    func due(now: Timestamp, externalURL: String) throws -> [Due] {
        try incidents.store.database.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM outbox WHERE state = 'pending' AND due_at <= ? ORDER BY due_at LIMIT 100", arguments: [now.microseconds]).map { row in
                let receiver: String = row["receiver"], key: String = row["group_key"]
                let members = try Row.fetchAll(
                    database,
                    sql: """
                        SELECT i.*, g.group_labels, g.notified FROM alert_group g JOIN incident i ON i.number = g.incident
                        WHERE g.receiver = ? AND g.group_key = ? AND (i.state <> 'resolved' OR g.notified = 'firing') ORDER BY i.number
                        """, arguments: [receiver, key])
                let alerts = members.map(IncidentStore.incident)
                let groupLabels: [String: String] = members.first.flatMap { IncidentStore.decode($0["group_labels"]) } ?? [:]
                return Due(
                    id: row["id"], receiver: receiver, createdAt: Timestamp(microseconds: row["created_at"]), attempts: row["attempts"],
                    payload: WebhookPayload(alerts, receiver: receiver, groupKey: key, groupLabels: groupLabels, externalURL: externalURL),
                    alerts: alerts.map { ($0.number, $0.state == .resolved ? "resolved" : "firing") })
            }
        }
    }

    /// When the next notification is due, or nil when none is owed.
    func nextDue() throws -> Timestamp? {
        try incidents.store.database.read { database in
            try Int64.fetchOne(database, sql: "SELECT min(due_at) FROM outbox WHERE state = 'pending'").map { Timestamp(microseconds: $0) }
        }
    }

    /// How many are owed, and since when the oldest is.
    func depth() throws -> (count: Int, oldest: Timestamp?) {
        try incidents.store.database.read { database in
            let row = try Row.fetchOne(database, sql: "SELECT count(*) AS n, min(created_at) AS oldest FROM outbox WHERE state = 'pending'")
            return (row?["n"] ?? 0, (row?["oldest"] as Int64?).map { Timestamp(microseconds: $0) })
        }
    }

    func markSent(_ due: Due, now: Timestamp) throws {
        try incidents.store.database.write { database in
            try database.execute(
                sql: "UPDATE outbox SET state = 'sent', sent_at = ?, attempts = attempts + 1, last_error = NULL WHERE id = ?", arguments: [now.microseconds, due.id])
            for (incident, status) in due.alerts {
                try database.execute(
                    sql: "UPDATE alert_group SET notified = ? WHERE incident = ? AND receiver = ?", arguments: [status, incident, due.receiver])
                try database.execute(
                    sql: "INSERT INTO timeline (incident, at, actor, kind, text) VALUES (?, ?, 'obs', 'notified', ?)",
                    arguments: [incident, now.microseconds, "\(due.receiver) was told that it is \(status)"])
            }
        }
    }

    /// - Parameter retryAt: nil when there is no use in another try.
    func markFailed(_ due: Due, reason: String, retryAt: Timestamp?) throws {
        try incidents.store.database.write { database in
            try database.execute(
                sql: "UPDATE outbox SET attempts = attempts + 1, last_error = ?, due_at = ?, state = ? WHERE id = ?",
                arguments: [reason, retryAt?.microseconds ?? due.createdAt.microseconds, retryAt == nil ? "dead" : "pending", due.id])
        }
    }
}
