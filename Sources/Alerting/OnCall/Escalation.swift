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
                """)
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
        let since = Timestamp(microseconds: try row.decode(forColumn: "since"))
        var step: Int = try row.decode(forColumn: "step")
        guard let incident = try IncidentStore.fetch(number, database),
            let policy = configuration.escalations.first(where: { $0.matchers.match(incident.labels) })
        else {
            return try database.execute(sql: "UPDATE escalation SET due_at = NULL WHERE incident = ?", arguments: [number])
        }
        while step < policy.steps.count, since + policy.steps[step].after <= now {
            try take(policy.steps[step], number: step + 1, for: incident, now, database)
            step += 1
        }
        let next = step < policy.steps.count ? since + policy.steps[step].after : nil
        try database.execute(
            sql: "UPDATE escalation SET step = ?, due_at = ? WHERE incident = ?", arguments: [step, next?.microseconds, number])
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
        try database.execute(
            sql: """
                INSERT INTO alert_grouping (receiver, group_key, group_labels, group_interval, repeat_interval) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
                """,
            arguments: [
                receiver, key, JSONText.object(["incident": incident.id]), Route.defaultGroupInterval.inMicroseconds,
                (configuration.route?.repeatInterval ?? Route.defaultRepeatInterval).inMicroseconds,
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
}
