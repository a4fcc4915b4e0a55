import Columns
import Foundation
@preconcurrency import GRDB

/// What is owed to whom, and when it is tried next. Rows are written by ``IncidentStore`` together with the change that owes them.
///
/// A group of a receiver has at most one pending row. What it says is read when it is sent, so that it tells the newest state; what happens while it
/// is under way is compared afterwards, in the transaction that marks it as sent, and owed anew. So nothing falls between two notifications:
///
///     change ──▶ pending ──▶ sent ──▶ (did something change meanwhile? ▶ pending, after group_interval)
///                   │  ▲              (is something still open?        ▶ pending, after repeat_interval)
///                   └──┘ failed, later
struct Outbox: Sendable {
    /// A notification that is due, with all that it says.
    struct Due: Sendable {
        var id: Int64
        var receiver: String
        var createdAt: Timestamp
        var attempts: Int
        var payload: WebhookPayload
        /// There is something to tell that a silence, an inhibition or a time interval holds back.
        var isHeldBack: Bool
        /// The incidents that it tells of, and as what; empty when there is nothing to tell any more.
        var alerts: [(incident: Int64, status: String)]
        /// The endpoints of the receiver that took this very payload already, each as ``Outbox/delivery(endpoint:digest:)``.
        var delivered: Set<String>
    }

    /// How long a notification is tried. After that it is dead: kept and shown, and not tried again.
    static let patience = Duration.seconds(3 * 86_400)

    let incidents: IncidentStore

    /// Ids and receivers of what is due now, oldest first.
    func due(now: Timestamp) async throws -> [(id: Int64, receiver: String)] {
        try await incidents.store.database.read { database in
            try Row.fetchAll(
                database,
                sql: "SELECT id, receiver FROM outbox WHERE state = 'pending' AND due_at <= ? ORDER BY due_at LIMIT 10000",
                arguments: [now.microseconds]
            ).map { ($0["id"], $0["receiver"]) }
        }
    }

    /// One notification with all that it is to say now; nil when it is no longer pending.
    func load(_ id: Int64, now: Timestamp, _ configuration: AlertingConfiguration) async throws -> Due? {
        try await incidents.store.database.read { database -> Due? in
            guard
                let row = try Row.fetchOne(
                    database, sql: "SELECT * FROM outbox WHERE id = ? AND state = 'pending'", arguments: [id])
            else { return nil }
            let receiver: String = row["receiver"], key: String = row["group_key"]
            let members = try Row.fetchAll(
                database,
                sql: """
                    SELECT i.*, g.group_labels, g.notified FROM alert_group g JOIN incident i ON i.number = g.incident
                    WHERE g.receiver = ? AND g.group_key = ? AND (i.state <> 'resolved' OR g.notified = 'firing') ORDER BY i.number
                    """, arguments: [receiver, key])
            let alerts = members.map(IncidentStore.incident)
            let isMuted = try Self.mute(alerts, receiver, key, now: now, configuration, database)
            let isNews = zip(members, alerts).map { ($0["notified"] as String?) != Self.status(of: $1) }
            let timing = try Row.fetchOne(
                database, sql: "SELECT repeat_interval, last_sent FROM notify_group WHERE receiver = ? AND group_key = ?",
                arguments: [receiver, key])
            let repeatsAt = timing.map { (($0["last_sent"] as Int64?) ?? 0) &+ ($0["repeat_interval"] as Int64) } ?? 0
            let audible = alerts.indices.filter { !isMuted[$0] }
            let isRepeat = repeatsAt <= now.microseconds && audible.contains { alerts[$0].state == .open }
            let told = audible.contains { isNews[$0] } || isRepeat ? audible.map { alerts[$0] } : []
            let isHeldBack = alerts.indices.contains { isMuted[$0] && (isNews[$0] || repeatsAt <= now.microseconds) }
            let groupLabels: [String: String] = members.first.flatMap { IncidentStore.decode($0["group_labels"]) } ?? [:]
            return Due(
                id: id, receiver: receiver, createdAt: Timestamp(microseconds: row["created_at"]), attempts: row["attempts"],
                payload: WebhookPayload(
                    told, receiver: receiver, groupKey: key, groupLabels: groupLabels, externalURL: configuration.externalURL),
                isHeldBack: isHeldBack,
                alerts: told.map { ($0.number, Self.status(of: $0)) },
                delivered: Set((row["delivered"] as String?).flatMap { IncidentStore.decode($0) as [String]? } ?? []))
        }
    }

    /// Which of a group's alerts nobody is told of at `now`.
    private static func mute(
        _ alerts: [Incident], _ receiver: String, _ key: String, now: Timestamp, _ configuration: AlertingConfiguration,
        _ database: Database
    ) throws -> [Bool] {
        guard let first = alerts.first else { return [] }
        let route = configuration.route?.destinations(for: first.labels).first {
            $0.receiver == receiver && $0.groupKey($0.groupLabels(of: first.labels)) == key
        }
        if let route, route.isQuiet(at: now, configuration.timeIntervals) { return alerts.map { _ in true } }
        let silences = try SilenceStore.active(at: now, database)
        var firing: [[String: String]] = []
        if !configuration.inhibitRules.isEmpty {
            firing = try String.fetchAll(database, sql: "SELECT labels FROM incident WHERE state <> 'resolved'").map {
                IncidentStore.decode($0) ?? [:]
            }
        }
        let inhibitor = Inhibitor(configuration.inhibitRules, firing: firing)
        return alerts.map { alert in
            silences.contains { $0.matchers.match(alert.labels) } || inhibitor.source(inhibiting: alert.labels) != nil
        }
    }

    private static func status(of incident: Incident) -> String { incident.state == .resolved ? "resolved" : "firing" }

    /// Names a payload and the endpoint that it went to.
    static func delivery(endpoint: Int, digest: String) -> String { "\(endpoint):\(digest)" }

    /// When the next notification is due, or nil when none is owed.
    func nextDue(after now: Timestamp) async throws -> Timestamp? {
        try await incidents.store.database.read { database in
            try Int64.fetchOne(
                database, sql: "SELECT min(due_at) FROM outbox WHERE state = 'pending' AND due_at > ?",
                arguments: [now.microseconds]
            )
            .map { Timestamp(microseconds: $0) }
        }
    }

    /// How many are owed now, and since when the oldest is. A repetition that waits for its time is not owed yet.
    func depth(now: Timestamp) throws -> (count: Int, oldest: Timestamp?) {
        try incidents.store.database.read { database in
            let row = try Row.fetchOne(
                database,
                sql: "SELECT count(*) AS n, min(created_at) AS oldest FROM outbox WHERE state = 'pending' AND created_at <= ?",
                arguments: [now.microseconds])
            return (row?["n"] ?? 0, (row?["oldest"] as Int64?).map { Timestamp(microseconds: $0) })
        }
    }

    /// Writes down that a notification was delivered, and what is owed next to the same group.
    ///
    /// - Parameter isTold: false when the receiver has no endpoint that wants it: then it is settled, and nobody was told.
    func markSent(_ due: Due, isTold: Bool = true, now: Timestamp) async throws {
        try await incidents.store.database.write { database in
            try database.execute(
                sql:
                    "UPDATE outbox SET state = 'sent', sent_at = ?, attempts = attempts + 1, last_error = NULL, delivered = NULL WHERE id = ?",
                arguments: [now.microseconds, due.id])
            let key = due.payload.groupKey
            for (incident, status) in due.alerts {
                try database.execute(
                    sql: "UPDATE alert_group SET notified = ? WHERE incident = ? AND receiver = ? AND group_key = ?",
                    arguments: [status, incident, due.receiver, key])
                guard isTold else { continue }
                try database.execute(
                    sql: "INSERT INTO timeline (incident, at, actor, kind, text) VALUES (?, ?, 'obs', 'notified', ?)",
                    arguments: [incident, now.microseconds, "\(due.receiver) was told that it is \(status)"])
            }
            try database.execute(
                sql: "UPDATE notify_group SET last_sent = ? WHERE receiver = ? AND group_key = ?",
                arguments: [now.microseconds, due.receiver, key])
            // The receiver is there again: what failed before need not wait out its pause.
            try database.execute(
                sql: "UPDATE outbox SET due_at = ? WHERE receiver = ? AND state = 'pending' AND attempts > 0 AND due_at > ?",
                arguments: [now.microseconds, due.receiver, now.microseconds])
            try oweNext(due.receiver, key, now, database)
        }
    }

    /// Removes a notification that has nothing to tell any more: it counts neither as sent nor as failed.
    func drop(_ due: Due, now: Timestamp) async throws {
        try await incidents.store.database.write { database in
            try database.execute(sql: "DELETE FROM outbox WHERE id = ?", arguments: [due.id])
            try oweNext(due.receiver, due.payload.groupKey, now, database)
        }
    }

    /// Puts off what is held back: it is looked at again after the group's interval, and not owed until then.
    func holdBack(_ due: Due, now: Timestamp) async throws {
        try await incidents.store.database.write { database in
            let interval = try Int64.fetchOne(
                database, sql: "SELECT group_interval FROM notify_group WHERE receiver = ? AND group_key = ?",
                arguments: [due.receiver, due.payload.groupKey])
            let next = now + (interval.map { .microseconds($0) } ?? Route.defaultGroupInterval)
            try database.execute(
                sql: "UPDATE outbox SET due_at = ?1, created_at = ?1 WHERE id = ?2", arguments: [next.microseconds, due.id])
        }
    }

    /// - Parameters:
    ///   - delivered: the endpoints that took the payload, which need not get it again.
    ///   - retryAt: nil when there is no use in another try.
    func markFailed(_ due: Due, reason: String, delivered: Set<String> = [], retryAt: Timestamp?) async throws {
        try await incidents.store.database.write { database in
            try database.execute(
                sql:
                    "UPDATE outbox SET attempts = attempts + 1, last_error = ?, due_at = ?, state = ?, delivered = ? WHERE id = ?",
                arguments: [
                    reason, retryAt?.microseconds ?? due.createdAt.microseconds, retryAt == nil ? "dead" : "pending",
                    try IncidentStore.json(delivered.sorted()), due.id,
                ])
        }
    }

    /// What a group is owed after a notification: what changed while it was under way, or a repetition.
    private func oweNext(_ receiver: String, _ key: String, _ now: Timestamp, _ database: Database) throws {
        guard
            let group = try Row.fetchOne(
                database, sql: "SELECT * FROM notify_group WHERE receiver = ? AND group_key = ?", arguments: [receiver, key])
        else { return }
        let state = try Row.fetchOne(
            database,
            sql: """
                SELECT sum(i.state <> 'resolved' AND g.notified IS NOT 'firing') AS opened, sum(i.state = 'resolved' AND g.notified = 'firing') AS ended,
                    sum(i.state = 'open') AS open
                FROM alert_group g JOIN incident i ON i.number = g.incident
                WHERE g.receiver = ? AND g.group_key = ? AND (i.state <> 'resolved' OR g.notified = 'firing')
                """, arguments: [receiver, key])
        let due: Timestamp
        if (state?["ended"] ?? 0) > 0 {
            due = now
        } else if (state?["opened"] ?? 0) > 0 {
            due = now + .microseconds(group["group_interval"] as Int64)
        } else if (state?["open"] ?? 0) > 0 {
            // Never before the time itself: a repetition that is due while the last one was not delivered would spin.
            due = max(
                now + .milliseconds(1),
                Timestamp(microseconds: (group["last_sent"] as Int64?) ?? now.microseconds)
                    + .microseconds(group["repeat_interval"] as Int64))
            return try IncidentStore.owe(receiver, key, at: due, owedSince: due, database)
        } else {
            return
        }
        try IncidentStore.owe(receiver, key, at: due, owedSince: now, database)
    }
}
