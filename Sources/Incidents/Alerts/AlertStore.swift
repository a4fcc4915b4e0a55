import Columns
import Detection
import Foundation
@preconcurrency import GRDB
import Store

/// The alerts that hold, in the store: what was posted, and one for each open incident of a finding. From here on both go one
/// way:
///
///     alert ──▶ route ──▶ membership of a grouping ──▶ outbox (when the group's receiver is notified)
///                                   └──▶ incident
///
/// A batch is one transaction. What is asked for each alert of a batch is in one index; a group's next notification is
/// scheduled once per batch.
public struct AlertStore: Sendable {
    // MARK: Posted alerts

    /// What is known of an alert that came before, as far as it can be read: that it is known must not be missed.
    private struct Known: PositionalRow {
        static let columns = ["fingerprint", "id", "starts_at", "ends_at", "updated_at", "has_timeout", "incident"]

        let fingerprint: Int64
        let id: Int64
        let startsAt: Timestamp
        let endsAt: Timestamp
        let updatedAt: Timestamp
        let hasTimeout: Bool
        let incident: Int64?

        init(row: Row) throws {
            var reader = RowReader(row)
            fingerprint = try reader.next()
            id = try reader.next()
            startsAt = Timestamp(microseconds: reader.lenient() ?? 0)
            endsAt = Timestamp(microseconds: reader.lenient() ?? .max)
            updatedAt = Timestamp(microseconds: reader.lenient() ?? 0)
            hasTimeout = reader.lenient() ?? false
            incident = reader.lenient()
        }

        /// The alert that `new`, which has the same labels, meets.
        func alert(like new: Alert) -> Alert {
            var old = new
            old.startsAt = startsAt
            old.endsAt = endsAt
            old.updatedAt = updatedAt
            old.hasTimeout = hasTimeout
            return old
        }
    }

    /// Takes in alerts that are without fault. Durable when its transaction is.
    ///
    /// - Returns: whether a notification is pending that was not before.
    public static func put(_ alerts: [RoutedAlert], now: Timestamp, _ database: Database) throws -> Bool {
        let update = try database.cachedStatement(
            sql: """
                UPDATE alert SET annotations = ?, generator_url = ?, starts_at = ?, ends_at = ?, has_timeout = ?,
                    updated_at = ?, is_finding = 0
                WHERE id = ?
                """)
        let known = try Self.known(alerts, database)
        var batch = GroupingBatch(now: now)
        // Several with the same labels in one body meet each other as they would in bodies of their own.
        let places = alerts.indices.reduce(into: [Int64: [Int]](minimumCapacity: alerts.count)) {
            $0[alerts[$1].fingerprint, default: []].append($1)
        }
        for index in alerts.indices {
            let same = places[alerts[index].fingerprint]!
            guard same.last == index else { continue }
            let last = alerts[index]
            let old = known[last.fingerprint]
            let before = old?.alert(like: last.alert)
            let merged = same.reduce(before) { $0?.updated(by: alerts[$1].alert, now: now) ?? alerts[$1].alert }!
            guard let old, let before else {
                batch.add(last, merged)
                continue
            }
            try update.execute(arguments: [
                last.annotations, last.alert.generatorURL, merged.startsAt.microseconds, merged.endsAt.microseconds,
                merged.hasTimeout, merged.updatedAt.microseconds, old.id,
            ])
            // An end that is later, or still far, is not news for anybody.
            let isSame = before.isResolved(at: now) == merged.isResolved(at: now) && merged.endsAt >= before.endsAt
            if !isSame { batch.add(last, merged, known: (old.id, old.incident)) }
        }
        return try batch.finish(database)
    }

    /// What is known of alerts with the same labels, by fingerprint. One question a batch: to ask for each costs more than to
    /// answer.
    private static func known(_ alerts: [RoutedAlert], _ database: Database) throws -> [Int64: Known] {
        let find = try database.cachedStatement(
            sql: """
                SELECT \(Known.columns("a")) FROM json_each(?) asked CROSS JOIN alert a ON a.fingerprint = asked.value
                """)
        return Dictionary(
            try Known.readable(find, [JSONText.list(alerts.map(\.fingerprint))]).map { ($0.fingerprint, $0) }
        ) { first, _ in first }
    }

    // MARK: Findings

    /// Makes the alert of an incident that a finding has opened, and schedules the notifications of its groups.
    static func open(
        _ labels: Labels, incident number: Int64, startsAt: Timestamp, routing: Routing?, now: Timestamp,
        _ database: Database
    ) throws {
        try database.executeCached(
            sql: """
                INSERT INTO alert (fingerprint, labels, annotations, generator_url, starts_at, ends_at, has_timeout,
                    updated_at, is_finding, incident)
                VALUES (?, ?, '{}', '', ?, NULL, 0, ?, 1, ?)
                ON CONFLICT (fingerprint) DO UPDATE SET starts_at = excluded.starts_at, ends_at = NULL, has_timeout = 0,
                    updated_at = excluded.updated_at, is_finding = 1, incident = excluded.incident
                """,
            arguments: [
                Int64(bitPattern: Fingerprint.number(of: labels)), JSONText.object(labels), startsAt.microseconds,
                now.microseconds, number,
            ])
        let id = try Int64.fetchOne(
            database.cachedStatement(sql: "SELECT id FROM alert WHERE fingerprint = ?"),
            arguments: [Int64(bitPattern: Fingerprint.number(of: labels))])!
        guard let routing else { return }
        var batch = GroupingBatch(now: now)
        try batch.add(finding: id, incident: number, to: routing(labels), database)
        _ = try batch.finish(database)
        try EscalationTable.follow([id], now: now, database)
    }

    /// Replaces the alerts of an open incident by one with other labels, such as a higher severity.
    static func relabel(
        _ labels: Labels, incident number: Int64, startsAt: Timestamp, routing: Routing?, now: Timestamp,
        _ database: Database
    ) throws {
        try end(incident: number, now: now, database)
        try open(labels, incident: number, startsAt: startsAt, routing: routing, now: now, database)
    }

    /// Ends the alerts of an incident that is resolved; receivers that were notified of them are notified of the end, at the next
    /// `group_interval` as ever.
    static func end(incident number: Int64, now: Timestamp, _ database: Database) throws {
        try database.executeCached(
            sql: "UPDATE alert SET ends_at = ?1, has_timeout = 0 WHERE incident = ?2 AND (ends_at IS NULL OR ends_at > ?1)",
            arguments: [now.microseconds, number])
        try database.executeCached(sql: "UPDATE alert_grouping SET incident = NULL WHERE incident = ?", arguments: [number])
        let groups = try Self.groups(
            "alert a JOIN alert_membership m ON m.alert = a.id JOIN alert_grouping g ON g.id = m.grouping",
            where: "a.incident = ? AND m.notified IS NOT NULL", number, database)
        for group in groups { try group.schedule(at: group.nextTick(now), since: now, database) }
    }

    /// The groups that alerts of an incident are in.
    private static func groups(_ tables: String, where condition: String, _ number: Int64, _ database: Database) throws
        -> [GroupTime]
    {
        try GroupTime.readable(
            database.cachedStatement(sql: "SELECT DISTINCT \(GroupTime.columns("g")) FROM \(tables) WHERE \(condition)"), [number]
        )
    }

    /// Lets the alert of a finding fire again in the groups that it was in; posted alerts fire when they are posted.
    static func reopen(incident number: Int64, now: Timestamp, _ database: Database) throws {
        try raiseAnew(number, now, database)
        try database.executeCached(
            sql: "UPDATE alert SET ends_at = NULL, updated_at = ? WHERE incident = ? AND is_finding",
            arguments: [now.microseconds, number])
        try database.executeCached(
            sql: """
                INSERT INTO alert_membership (grouping, alert) SELECT g.id, a.id FROM incident_notified t
                    JOIN alert a ON a.incident = t.incident
                JOIN alert_grouping g ON g.receiver = t.receiver AND g.group_key = t.group_key WHERE t.incident = ?
                    AND a.is_finding ON CONFLICT DO UPDATE SET notified = NULL
                """, arguments: [number])
        let groups = try Self.groups(
            "alert a JOIN alert_membership m ON m.alert = a.id JOIN alert_grouping g ON g.id = m.grouping",
            where: "a.incident = ? AND a.is_finding", number, database)
        for group in groups { try group.schedule(at: now, since: now, database) }
    }

    /// Makes the alert of an incident that has none, because it was found in the past: what somebody opens can escalate.
    private static func raiseAnew(_ number: Int64, _ now: Timestamp, _ database: Database) throws {
        guard try !Bool.fetchOne(database, sql: "SELECT EXISTS (SELECT 1 FROM alert WHERE incident = ?)", arguments: [number])!,
            let incident = try IncidentStore.fetch(number, database), incident.wasFoundInPast
        else { return }
        try open(
            incident.ownLabels, incident: number, startsAt: incident.startsAt, routing: nil, now: now, database)
    }

    /// Continues repetitions for an incident that was handed back: each group is notified again when its `repeat_interval`
    /// is over, at once if it has been meanwhile.
    static func repeatAgain(incident number: Int64, now: Timestamp, _ database: Database) throws {
        let groups = try Self.groups(
            """
            incident i JOIN alert a ON a.incident = i.number JOIN alert_membership m ON m.alert = a.id
            JOIN alert_grouping g ON g.id = m.grouping
            """, where: "i.number = ?1 OR i.merged_into = ?1", number, database)
        for group in groups {
            let due = max(now, (group.lastSent ?? now) + group.repeatInterval)
            try group.schedule(at: due, since: due, database)
        }
    }

    // MARK: Upkeep

    /// The alerts with this name that fire and were raised by obs itself, not posted with a link to where they come from: their
    /// labels and annotations, and since when. Alerts that cannot be read are left out.
    public static func firing(named name: String, now: Timestamp, _ database: Database) throws -> [(
        labels: Labels, annotations: Labels, since: Timestamp
    )] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT labels, starts_at, annotations FROM alert
                WHERE instr(labels, ?) > 0 AND ends_at > ? AND generator_url = ''
                """,
            arguments: [JSONText.quote(name), now.microseconds]
        ).compactMap { row in
            guard let text = String.fromDatabaseValue(row[0]), let start = Int64.fromDatabaseValue(row[1]) else { return nil }
            let labels = JSONText.pairs(text)
            guard labels["alertname"] == name else { return nil }
            let annotations = String.fromDatabaseValue(row[2]).map(JSONText.pairs) ?? [:]
            return (labels, annotations, Timestamp(microseconds: start))
        }
    }

    /// The labels of the oldest alert of an incident; nil when it has none that can be read.
    public static func firstLabels(ofIncident number: Int64, _ database: Database) throws -> Labels? {
        let row = try Row.fetchOne(
            database, sql: "SELECT labels FROM alert WHERE incident = ? ORDER BY id LIMIT 1", arguments: [number])
        return row.flatMap { String.fromDatabaseValue($0[0]) }.map(JSONText.pairs)
    }

    /// The labels of all alerts that fire. Alerts that cannot be read are left out.
    public static func firingLabels(now: Timestamp, _ database: Database) throws -> [Labels] {
        try Row.fetchAll(
            database, sql: "SELECT labels FROM alert WHERE ends_at IS NULL OR ends_at > ?", arguments: [now.microseconds]
        ).compactMap { String.fromDatabaseValue($0[0]).map(JSONText.pairs) }
    }

    /// How long an alert that has ended is kept: as long as Alertmanager keeps its log of notifications.
    public static let memory = Duration.seconds(120 * 3600)

    /// Deletes alerts that ended long ago, and groups that have been empty as long.
    public static func forget(endedBefore time: Timestamp, _ database: Database) throws {
        try database.executeCached(
            sql: "DELETE FROM alert WHERE ends_at < ? AND NOT EXISTS (SELECT 1 FROM alert_membership m WHERE m.alert = alert.id)",
            arguments: [time.microseconds])
        try database.executeCached(
            sql: """
                DELETE FROM alert_grouping WHERE coalesce(last_sent, last_flush) < ?
                    AND NOT EXISTS (SELECT 1 FROM alert_membership m WHERE m.grouping = alert_grouping.id)
                """, arguments: [time.microseconds])
    }

    /// Puts every alert that fires into the groups that routes say, and takes it out of others: for a configuration that has
    /// changed. What stays in its group keeps its times, so that nobody is notified twice.
    ///
    /// - Parameters:
    ///   - posted: where posted alerts go.
    ///   - findings: where the alerts of findings go; nil leaves them where they are.
    /// - Returns: how many memberships are new.
    public static func regroup(posted: @escaping Routing, findings: Routing?, now: Timestamp, _ database: Database) throws -> Int
    {
        var batch = GroupingBatch(now: now)
        var count = 0
        let alerts = try Row.fetchAll(
            database, sql: "SELECT id, labels, starts_at, is_finding FROM alert WHERE ends_at IS NULL OR ends_at > ?",
            arguments: [now.microseconds])
        let find = try database.cachedStatement(
            sql: """
                SELECT g.id, g.receiver, g.group_key FROM alert_membership m JOIN alert_grouping g ON g.id = m.grouping
                WHERE m.alert = ? AND g.group_key NOT LIKE '\(EscalationTable.keyPrefix)%'
                """)
        for row in alerts {
            guard let id = Int64.fromDatabaseValue(row[0]), let text = String.fromDatabaseValue(row[1]),
                let start = Int64.fromDatabaseValue(row[2]), let isFinding = Bool.fromDatabaseValue(row[3])
            else { continue }
            guard let destinations = (isFinding ? findings : posted)?(JSONText.pairs(text)) else { continue }
            let wanted = Set(destinations.map { [OutsideText($0.receiver), OutsideText($0.groupKey)] })
            let present = try Row.fetchAll(find, arguments: [id]).compactMap { row in
                String.fromDatabaseValue(row[1]).flatMap { receiver in
                    String.fromDatabaseValue(row[2]).map {
                        (id: row[0] as Int64, name: [OutsideText(receiver), OutsideText($0)])
                    }
                }
            }
            for membership in present where !wanted.contains(membership.name) {
                try database.executeCached(
                    sql: "DELETE FROM alert_membership WHERE grouping = ? AND alert = ?", arguments: [membership.id, id])
            }
            let missing = wanted.subtracting(present.map(\.name))
            guard !missing.isEmpty else { continue }
            count += missing.count
            try batch.add(regrouped: id, startsAt: isFinding ? now : Timestamp(microseconds: start), to: destinations, database)
        }
        _ = try batch.finish(database)
        return count
    }
}
