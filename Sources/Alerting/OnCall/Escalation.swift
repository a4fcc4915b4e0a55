import Columns
import Foundation
@preconcurrency import GRDB
import Store

/// Takes the steps of escalation policies as they become due. What it must remember is in the store: an incident that nobody has acknowledged has a row, and the
/// acknowledgement takes it away, whichever process writes it.
struct Escalation: Sendable {
    static let migrations = [
        Migration(
            id: "escalation-1",
            sql: """
                -- Open incidents: since when they wait, which step is next, and when it is due; null when there is none.
                CREATE TABLE escalation (
                    incident INTEGER PRIMARY KEY REFERENCES incident (number) ON DELETE CASCADE, since INTEGER NOT NULL, step INTEGER NOT NULL, due_at INTEGER);
                CREATE INDEX escalation_due ON escalation (due_at) WHERE due_at IS NOT NULL;
                INSERT INTO escalation SELECT number, opened_at, 0, opened_at FROM incident WHERE state = 'open' AND merged_into IS NULL;
                CREATE TRIGGER escalation_begin AFTER INSERT ON incident WHEN new.state = 'open' AND new.merged_into IS NULL BEGIN
                    INSERT INTO escalation VALUES (new.number, new.opened_at, 0, new.opened_at);
                END;
                CREATE TRIGGER escalation_again AFTER UPDATE OF state, merged_into ON incident
                    WHEN new.state = 'open' AND new.merged_into IS NULL AND (old.state <> 'open' OR old.merged_into IS NOT NULL)
                BEGIN INSERT OR REPLACE INTO escalation VALUES (new.number, new.updated_at, 0, new.updated_at); END;
                CREATE TRIGGER escalation_end AFTER UPDATE OF state, merged_into ON incident
                    WHEN new.state <> 'open' OR new.merged_into IS NOT NULL
                BEGIN DELETE FROM escalation WHERE incident = new.number; END;
                """),
        Migration(
            id: "escalation-2",
            sql: """
                -- The incident whose alerts a group of an escalation follows.
                ALTER TABLE alert_grouping ADD COLUMN escalates INTEGER;
                UPDATE alert_grouping SET escalates = CAST(substr(group_key, 16) AS INTEGER) WHERE group_key LIKE 'escalation:INC-%';
                CREATE INDEX alert_grouping_escalates ON alert_grouping (escalates) WHERE escalates IS NOT NULL;
                """),
    ]

    /// What the names of the groups begin with that a step makes; those of routes begin with a brace.
    static let keyPrefix = "escalation:"

    let configuration: AlertingConfiguration

    /// Whether any step is due; cheap, for each look at the outbox.
    func isDue(now: Timestamp, _ database: Database) throws -> Bool {
        guard !configuration.escalations.isEmpty else { return false }
        return try Bool.fetchOne(
            database, sql: "SELECT EXISTS (SELECT 1 FROM escalation WHERE due_at <= ?)", arguments: [now.microseconds]) ?? false
    }

    /// Takes the steps that are due, in one transaction with what they owe.
    ///
    /// - Returns: the incidents whose steps could not be taken, and why; they are tried again after a while.
    @discardableResult
    func advance(now: Timestamp, _ database: Database) throws -> [(incident: Int64, error: any Error)] {
        let due = try Row.fetchAll(
            database, sql: "SELECT * FROM escalation WHERE due_at <= ? ORDER BY due_at LIMIT 1000", arguments: [now.microseconds])
        let failed = try database.eachApart(due) { try advance($0, now, database) }.map { row, error in
            (incident: Int64.fromDatabaseValue(row["incident"]) ?? 0, error: error)
        }
        // It stands among the first otherwise, and keeps others from being seen.
        for (incident, _) in failed {
            try database.execute(
                sql: "UPDATE escalation SET due_at = ? WHERE incident = ?",
                arguments: [(now + Self.pauseAfterFailure).microseconds, incident])
        }
        return failed
    }

    private static let pauseAfterFailure = Duration.seconds(60)

    private func advance(_ row: Row, _ now: Timestamp, _ database: Database) throws {
        let number: Int64 = try row.decode(forColumn: "incident")
        let incident = try IncidentStore.fetch(number, database)
        let policy = incident.flatMap { incident in configuration.escalations.first { $0.matchers.match(incident.labels) } }
        let place = EscalationPlace(
            since: Timestamp(microseconds: try row.decode(forColumn: "since")), step: try row.decode(forColumn: "step"),
            policy: try row.decode(forColumn: "policy")
        ).under(policy?.name ?? "", now: now)
        let since = place.since
        var step = place.step
        guard let incident, let policy else {
            // It is looked at again when it becomes worse.
            return try database.execute(
                sql: "UPDATE escalation SET due_at = NULL, policy = '' WHERE incident = ?", arguments: [number])
        }
        while step < policy.steps.count, since + policy.steps[step].after <= now {
            try take(policy.steps[step], number: step + 1, for: incident, now, database)
            step += 1
        }
        let next = step < policy.steps.count ? since + policy.steps[step].after : nil
        try database.execute(
            sql: "UPDATE escalation SET since = ?, step = ?, due_at = ?, policy = ? WHERE incident = ?",
            arguments: [since.microseconds, step, next?.microseconds, policy.name, number])
    }

    /// Has an incident looked at again, which may be another policy's now.
    static func look(at incident: Int64, _ now: Timestamp, _ database: Database) throws {
        try database.executeCached(
            sql: "UPDATE escalation SET due_at = ? WHERE incident = ?", arguments: [now.microseconds, incident])
    }

    /// Keeps how far the escalation of an incident has come, which somebody acknowledges now.
    static func hold(_ incident: Int64, _ now: Timestamp, _ database: Database) throws {
        try database.executeCached(
            sql: """
                INSERT OR REPLACE INTO escalation_held (incident, since, step, policy, held_at)
                    SELECT incident, since, step, policy, ? FROM escalation WHERE incident = ?
                """, arguments: [now.microseconds, incident])
    }

    /// Goes on with the escalation of an incident that somebody hands back: the next step is as far away as it was.
    static func resume(_ incident: Int64, _ now: Timestamp, _ database: Database) throws {
        guard
            let row = try Row.fetchOne(
                database.cachedStatement(sql: "SELECT * FROM escalation_held WHERE incident = ?"), arguments: [incident])
        else { return }
        let place = EscalationPlace(since: Timestamp(microseconds: row["since"]), step: row["step"], policy: row["policy"])
            .resumed(heldAt: Timestamp(microseconds: row["held_at"]), now: now)
        try database.executeCached(
            sql: "UPDATE escalation SET since = ?, step = ?, policy = ?, due_at = ? WHERE incident = ?",
            arguments: [place.since.microseconds, place.step, place.policy, now.microseconds, incident])
        try database.executeCached(sql: "DELETE FROM escalation_held WHERE incident = ?", arguments: [incident])
    }

    private func take(_ step: EscalationPolicy.Step, number: Int, for incident: Incident, _ now: Timestamp, _ database: Database)
        throws
    {
        let receiver: String
        var whom: String
        switch step.target {
        case .receiver(let name): (receiver, whom) = (name, name)
        case .schedule(let name):
            guard let schedule = configuration.schedules.first(where: { $0.name == name }) else { return }
            receiver = schedule.shift(at: now).person
            whom = "\(receiver), who is on call (\(name))"
        }
        let delay = step.after == .zero ? "" : ": nobody acknowledged it within \(Int(step.after.inSeconds)) s"
        try database.execute(
            sql: "INSERT INTO timeline (incident, at, actor, kind, text) VALUES (?, ?, 'obs', 'escalated', ?)",
            arguments: [incident.number, now.microseconds, "step \(number) goes to \(whom)\(delay)"])
        // A group of its own, so that the receiver is told whatever groups it is in already.
        let key = "\(Self.keyPrefix)\(incident.id):\(number)"
        let route = try route(of: incident, database)
        try database.execute(
            sql: """
                INSERT INTO alert_grouping (receiver, group_key, group_labels, group_interval, repeat_interval, escalates) VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET group_interval = excluded.group_interval, repeat_interval = excluded.repeat_interval
                """,
            arguments: [
                receiver, key, JSONText.object(["incident": incident.id]),
                (route?.groupInterval ?? Route.defaultGroupInterval).inMicroseconds,
                (route?.repeatInterval ?? Route.defaultRepeatInterval).inMicroseconds, incident.number,
            ])
        let grouping = try Int64.fetchOne(
            database, sql: "SELECT id FROM alert_grouping WHERE receiver = ? AND group_key = ?", arguments: [receiver, key])!
        try database.execute(
            sql: """
                INSERT OR IGNORE INTO alert_membership (grouping, alert) SELECT ?1, id FROM alert
                WHERE incident IN (SELECT ?2 UNION SELECT number FROM incident WHERE merged_into = ?2) AND (ends_at IS NULL OR ends_at > ?3)
                """, arguments: [grouping, incident.number, now.microseconds])
        try IncidentStore.noteTold(receiver, key, of: incident.number, database)
        try IncidentStore.owe(receiver, key, at: now, owedSince: now, database)
    }

    /// The route that took the incident's first alert: who is told by an escalation hears of what joins and of the end as often as who is told by it.
    private func route(of incident: Incident, _ database: Database) throws -> Route? {
        let labels = try String.fetchOne(
            database, sql: "SELECT labels FROM alert WHERE incident = ? ORDER BY id LIMIT 1", arguments: [incident.number])
        return configuration.route?.destinations(for: labels.map(JSONText.pairs) ?? incident.labels).first
    }

    /// Whether any group follows an incident; cheap, for each batch of alerts.
    static func followsAny(_ database: Database) throws -> Bool {
        try Bool.fetchOne(
            database.cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM alert_grouping WHERE escalates IS NOT NULL)"))!
    }

    /// Puts alerts that joined an incident, or that have changed, before those whom its escalation has reached: what fires comes into their groups, and each
    /// group that has one of them is looked at at its next `group_interval`.
    static func follow(_ alerts: [Int64], now: Timestamp, _ database: Database) throws {
        guard !alerts.isEmpty, try followsAny(database) else { return }
        let list = JSONText.list(alerts)
        try database.executeCached(
            sql: """
                INSERT OR IGNORE INTO alert_membership (grouping, alert)
                SELECT g.id, a.id FROM json_each(?1) asked CROSS JOIN alert a ON a.id = asked.value JOIN incident i ON i.number = a.incident
                JOIN alert_grouping g ON g.escalates = coalesce(i.merged_into, i.number) WHERE a.ends_at IS NULL OR a.ends_at > ?2
                """, arguments: [list, now.microseconds])
        for row in try Row.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT DISTINCT g.receiver, g.group_key, g.group_interval, g.last_flush FROM json_each(?) asked
                    CROSS JOIN alert_membership m ON m.alert = asked.value JOIN alert_grouping g ON g.id = m.grouping WHERE g.escalates IS NOT NULL
                    """), arguments: [list])
        {
            let due = GroupingBatch.tick(
                after: now, from: Timestamp(microseconds: row["last_flush"] as Int64? ?? now.microseconds),
                every: .microseconds(row["group_interval"] as Int64))
            try IncidentStore.owe(row["receiver"], row["group_key"], at: due, owedSince: now, database)
        }
    }

    /// The same for all alerts of an incident that became a part of another.
    static func follow(incident number: Int64, now: Timestamp, _ database: Database) throws {
        guard try followsAny(database) else { return }
        try follow(
            Int64.fetchAll(
                database,
                sql:
                    "SELECT id FROM alert WHERE incident IN (SELECT ?1 UNION SELECT number FROM incident WHERE merged_into = ?1)",
                arguments: [number]), now: now, database)
    }
}
