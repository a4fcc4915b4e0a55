import Columns
import Foundation
@preconcurrency import GRDB
import Store

/// How far the escalation of each open incident has come. An incident that nobody has acknowledged has a row; the
/// acknowledgement takes it away, whichever process writes it. Which steps there are, and who is notified by them, is decided
/// elsewhere.
public enum EscalationTable {
    /// What the keys of the groups begin with that a step makes; those of routes begin with a brace.
    static let keyPrefix = "escalation:"

    /// Whether any step is due; cheap, for each look at the outbox.
    public static func isAnyDue(now: Timestamp, _ database: Database) throws -> Bool {
        try Bool.fetchOne(
            database, sql: "SELECT EXISTS (SELECT 1 FROM escalation WHERE due_at <= ?)", arguments: [now.microseconds]) ?? false
    }

    /// The incidents whose steps are due, the longest due first; at most a thousand.
    public static func due(now: Timestamp, _ database: Database) throws -> [Int64] {
        try Row.fetchAll(
            database, sql: "SELECT incident FROM escalation WHERE due_at <= ? ORDER BY due_at LIMIT 1000",
            arguments: [now.microseconds]
        ).compactMap { Int64.fromDatabaseValue($0[0]) }
    }

    /// How far the escalation of an incident has come; nil when it has none.
    ///
    /// - Throws: when its row cannot be read.
    public static func place(of incident: Int64, _ database: Database) throws -> EscalationPlace? {
        let row = try Row.fetchOne(
            database.cachedStatement(sql: "SELECT since, step, policy FROM escalation WHERE incident = ?"), arguments: [incident])
        return try row.map(EscalationPlace.init(row:))
    }

    /// Writes down how far an escalation has come.
    ///
    /// - Parameter due: when its next step is due; nil when there is none.
    public static func set(_ place: EscalationPlace, due: Timestamp?, of incident: Int64, _ database: Database) throws {
        try database.executeCached(
            sql: "UPDATE escalation SET since = ?, step = ?, due_at = ?, policy = ? WHERE incident = ?",
            arguments: [place.since.microseconds, place.step, due?.microseconds, place.policy, incident])
    }

    /// Writes down that no policy is meant for an incident. It is looked at again when it becomes more severe.
    public static func setNone(of incident: Int64, _ database: Database) throws {
        try database.executeCached(
            sql: "UPDATE escalation SET due_at = NULL, policy = '' WHERE incident = ?", arguments: [incident])
    }

    /// Puts off the next look at an incident's escalation, or brings it forward.
    public static func look(at incident: Int64, _ time: Timestamp, _ database: Database) throws {
        try database.executeCached(
            sql: "UPDATE escalation SET due_at = ? WHERE incident = ?", arguments: [time.microseconds, incident])
    }

    /// Keeps how far the escalation has come of an incident that somebody acknowledges now.
    static func hold(_ incident: Int64, _ now: Timestamp, _ database: Database) throws {
        try database.executeCached(
            sql: """
                INSERT OR REPLACE INTO escalation_held (incident, since, step, policy, held_at)
                    SELECT incident, since, step, policy, ? FROM escalation WHERE incident = ?
                """, arguments: [now.microseconds, incident])
    }

    /// Continues the escalation of an incident that somebody hands back: the next step is as far away as it was.
    static func resume(_ incident: Int64, _ now: Timestamp, _ database: Database) throws {
        let held = try Row.fetchOne(
            database.cachedStatement(sql: "SELECT since, step, policy, held_at FROM escalation_held WHERE incident = ?"),
            arguments: [incident])
        guard let held else { return }
        let heldAt = Timestamp(microseconds: try held.decode(atIndex: 3))
        try set(EscalationPlace(row: held).resumed(heldAt: heldAt, now: now), due: now, of: incident, database)
        try database.executeCached(sql: "DELETE FROM escalation_held WHERE incident = ?", arguments: [incident])
    }

    /// Notifies a receiver by a step of an escalation, in a group of its own, so that it is notified whatever groups it is in
    /// already.
    ///
    /// - Parameters:
    ///   - step: counts from 1.
    ///   - intervals: how often the group is looked at, and when its receiver is notified again.
    ///   - text: for the timeline.
    public static func take(
        step: Int, of incident: Incident, notifying receiver: String, intervals: (group: Duration, repeat: Duration),
        text: String,
        now: Timestamp, _ database: Database
    ) throws {
        try IncidentLedger.note(incident.number, now, .escalated, text, database)
        let key = "\(keyPrefix)\(incident.id):\(step)"
        try database.execute(
            sql: """
                INSERT INTO alert_grouping (receiver, group_key, group_labels, group_interval, repeat_interval, escalates)
                    VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET group_interval = excluded.group_interval, repeat_interval = excluded.repeat_interval
                """,
            arguments: [
                receiver, key, JSONText.object(["incident": incident.id]), intervals.group.inMicroseconds,
                intervals.repeat.inMicroseconds, incident.number,
            ])
        try database.execute(
            sql: """
                INSERT OR IGNORE INTO alert_membership (grouping, alert) SELECT g.id, a.id FROM alert_grouping g, alert a
                WHERE g.receiver = ?1 AND g.group_key = ?2 AND (a.ends_at IS NULL OR a.ends_at > ?4)
                    AND a.incident IN (SELECT ?3 UNION SELECT number FROM incident WHERE merged_into = ?3)
                """, arguments: [receiver, key, incident.number, now.microseconds])
        try Outbox.noteNotified(receiver, key, of: incident.number, database)
        try Outbox.schedule(receiver, key, at: now, pendingSince: now, database)
    }

    /// Whether any group follows an incident; cheap, for each batch of alerts.
    private static func followsAny(_ database: Database) throws -> Bool {
        try Bool.fetchOne(
            database.cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM alert_grouping WHERE escalates IS NOT NULL)")) ?? false
    }

    /// Shows alerts that joined an incident, or that have changed, to those whom its escalation has reached: what fires comes
    /// into their groups, and each group that has one of them is looked at at its next `group_interval`.
    static func follow(_ alerts: [Int64], now: Timestamp, _ database: Database) throws {
        guard !alerts.isEmpty, try followsAny(database) else { return }
        let list = JSONText.list(alerts)
        try database.executeCached(
            sql: """
                INSERT OR IGNORE INTO alert_membership (grouping, alert)
                SELECT g.id, a.id FROM json_each(?1) asked CROSS JOIN alert a ON a.id = asked.value
                    JOIN incident i ON i.number = a.incident
                JOIN alert_grouping g ON g.escalates = coalesce(i.merged_into, i.number) WHERE a.ends_at IS NULL OR a.ends_at > ?2
                """, arguments: [list, now.microseconds])
        let touched = try GroupTime.readable(
            database.cachedStatement(
                sql: """
                    SELECT DISTINCT \(GroupTime.columns("g")) FROM json_each(?) asked
                    CROSS JOIN alert_membership m ON m.alert = asked.value JOIN alert_grouping g ON g.id = m.grouping
                        WHERE g.escalates IS NOT NULL
                    """), [list])
        for group in touched { try group.schedule(at: group.nextTick(now), since: now, database) }
    }

    /// The same for all alerts of an incident that became a child of another.
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
