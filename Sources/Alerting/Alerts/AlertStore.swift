import Columns
import Detection
import Foundation
@preconcurrency import GRDB
import Store

/// The alerts that hold, in the store: what was posted, and one for each open incident of a finding. From here on both go one way:
///
///     alert ──▶ route ──▶ membership of a grouping ──▶ outbox (what the group's receiver is owed, and when)
///                                   └──▶ incident
///
/// A batch is one transaction. What is asked for each alert of a batch stands in one index; what a group owes is written once a batch.
struct AlertStore: Sendable {
    static let migrations = [
        Migration(
            id: "alerts-1",
            sql: """
                -- Labels and annotations are JSON with sorted names. An end of null is that of its incident. A finding's alert says nothing of its own.
                CREATE TABLE alert (
                    id INTEGER PRIMARY KEY, fingerprint INTEGER NOT NULL UNIQUE, labels TEXT NOT NULL, annotations TEXT NOT NULL,
                    generator_url TEXT NOT NULL, starts_at INTEGER NOT NULL, ends_at INTEGER, has_timeout INTEGER NOT NULL,
                    updated_at INTEGER NOT NULL, is_finding INTEGER NOT NULL,
                    incident INTEGER REFERENCES incident (number) ON DELETE SET NULL);
                CREATE INDEX alert_incident ON alert (incident);
                -- A group of a receiver: when it was looked at and told last, and the incident that its posted alerts make.
                CREATE TABLE alert_grouping (
                    id INTEGER PRIMARY KEY, receiver TEXT NOT NULL, group_key TEXT NOT NULL, group_labels TEXT NOT NULL,
                    group_interval INTEGER NOT NULL, repeat_interval INTEGER NOT NULL, last_flush INTEGER, last_sent INTEGER,
                    incident INTEGER REFERENCES incident (number) ON DELETE SET NULL, UNIQUE (receiver, group_key));
                CREATE INDEX alert_grouping_incident ON alert_grouping (incident) WHERE incident IS NOT NULL;
                -- What a group's receiver was told of an alert last: null, firing, or hidden (it was told, and a later notification left it out).
                CREATE TABLE alert_membership (
                    grouping INTEGER NOT NULL REFERENCES alert_grouping (id) ON DELETE CASCADE,
                    alert INTEGER NOT NULL REFERENCES alert (id) ON DELETE CASCADE, notified TEXT, PRIMARY KEY (grouping, alert)) WITHOUT ROWID;
                CREATE INDEX alert_membership_alert ON alert_membership (alert);
                -- Which groups were told of an incident, also after its alerts have left them.
                CREATE TABLE incident_grouping (
                    incident INTEGER NOT NULL REFERENCES incident (number) ON DELETE CASCADE,
                    grouping INTEGER NOT NULL REFERENCES alert_grouping (id) ON DELETE CASCADE, PRIMARY KEY (incident, grouping)) WITHOUT ROWID;
                CREATE INDEX incident_grouping_grouping ON incident_grouping (grouping);
                -- They knew incidents only; what they held is in the tables above from now on.
                DROP TABLE alert_group;
                DROP TABLE notify_group;
                """)
    ]

    /// The route of alerts that no configuration routes: they make incidents, and nobody is told.
    static let unrouted: Route = {
        var route = Route(receiver: "")
        route.groupBy = ["alertname"]
        return route.settled
    }()

    // MARK: Posted alerts

    /// What is known of an alert that came before.
    private struct Known {
        let id: Int64
        let startsAt: Timestamp
        let endsAt: Timestamp
        let updatedAt: Timestamp
        let hasTimeout: Bool
        let incident: Int64?

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
    /// - Returns: whether a group owes something that it did not before.
    static func put(_ alerts: [RoutedAlert], now: Timestamp, _ database: Database) throws -> Bool {
        let update = try database.cachedStatement(
            sql: """
                UPDATE alert SET annotations = ?, generator_url = ?, starts_at = ?, ends_at = ?, has_timeout = ?, updated_at = ?, is_finding = 0
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
            // An end that is later, or still far, changes nothing that anybody is told.
            let isSame = before.isResolved(at: now) == merged.isResolved(at: now) && merged.endsAt >= before.endsAt
            if !isSame { batch.add(last, merged, known: (old.id, old.incident)) }
        }
        return try batch.finish(database)
    }

    /// What is known of alerts with the same labels, by fingerprint. One question a batch: to ask for each costs more than to answer.
    private static func known(_ alerts: [RoutedAlert], _ database: Database) throws -> [Int64: Known] {
        let find = try database.cachedStatement(
            sql: """
                SELECT a.fingerprint, a.id, a.starts_at, a.ends_at, a.updated_at, a.has_timeout, a.incident
                FROM json_each(?) asked CROSS JOIN alert a ON a.fingerprint = asked.value
                """)
        var known: [Int64: Known] = [:]
        let rows = try Row.fetchCursor(find, arguments: [JSONText.list(alerts.map(\.fingerprint))])
        while let row = try rows.next() {
            known[row[0] as Int64] = Known(
                id: row[1], startsAt: Timestamp(microseconds: row[2]),
                endsAt: Timestamp(microseconds: (row[3] as Int64?) ?? .max), updatedAt: Timestamp(microseconds: row[4]),
                hasTimeout: row[5], incident: row[6])
        }
        return known
    }

    // MARK: Findings

    /// Makes the alert of an incident that a finding has opened, and owes its groups.
    static func open(
        _ labels: Labels, incident number: Int64, startsAt: Timestamp, route: Route?, now: Timestamp,
        _ database: Database
    ) throws {
        try database.executeCached(
            sql: """
                INSERT INTO alert (fingerprint, labels, annotations, generator_url, starts_at, ends_at, has_timeout, updated_at, is_finding, incident)
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
        guard let route else { return }
        var batch = GroupingBatch(now: now)
        try batch.add(finding: id, labels, incident: number, route, database)
        _ = try batch.finish(database)
        try Escalation.follow([id], now: now, database)
    }

    /// Puts an alert with other labels, such as a higher severity, in the place of those of an incident that goes on.
    static func relabel(
        _ labels: Labels, incident number: Int64, startsAt: Timestamp, route: Route?, now: Timestamp,
        _ database: Database
    ) throws {
        try end(incident: number, now: now, database)
        try open(labels, incident: number, startsAt: startsAt, route: route, now: now, database)
    }

    /// Ends the alerts of an incident that is resolved; whoever was told of them is owed their end, at the next `group_interval` as ever.
    static func end(incident number: Int64, now: Timestamp, _ database: Database) throws {
        try database.executeCached(
            sql: "UPDATE alert SET ends_at = ?1, has_timeout = 0 WHERE incident = ?2 AND (ends_at IS NULL OR ends_at > ?1)",
            arguments: [now.microseconds, number])
        try database.executeCached(sql: "UPDATE alert_grouping SET incident = NULL WHERE incident = ?", arguments: [number])
        for row in try Row.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT DISTINCT g.receiver, g.group_key, g.group_interval, g.last_flush FROM alert a JOIN alert_membership m ON m.alert = a.id JOIN alert_grouping g ON g.id = m.grouping
                    WHERE a.incident = ? AND m.notified IS NOT NULL
                    """), arguments: [number])
        {
            let due = GroupingBatch.tick(
                after: now, from: Timestamp(microseconds: row["last_flush"] as Int64? ?? now.microseconds),
                every: .microseconds(row["group_interval"] as Int64))
            try IncidentStore.owe(row["receiver"], row["group_key"], at: due, owedSince: now, database)
        }
    }

    /// Lets the alert of a finding fire again in the groups that it was in; posted alerts fire when they are posted.
    static func reopen(incident number: Int64, now: Timestamp, _ database: Database) throws {
        try raiseAnew(number, now, database)
        try database.executeCached(
            sql: "UPDATE alert SET ends_at = NULL, updated_at = ? WHERE incident = ? AND is_finding",
            arguments: [now.microseconds, number])
        try database.executeCached(
            sql: """
                INSERT INTO alert_membership (grouping, alert) SELECT g.id, a.id FROM incident_told t JOIN alert a ON a.incident = t.incident
                JOIN alert_grouping g ON g.receiver = t.receiver AND g.group_key = t.group_key WHERE t.incident = ? AND a.is_finding ON CONFLICT DO UPDATE SET notified = NULL
                """, arguments: [number])
        for row in try Row.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT DISTINCT g.receiver, g.group_key FROM alert a JOIN alert_membership m ON m.alert = a.id JOIN alert_grouping g ON g.id = m.grouping
                    WHERE a.incident = ? AND a.is_finding
                    """), arguments: [number])
        {
            try IncidentStore.owe(row["receiver"], row["group_key"], at: now, owedSince: now, database)
        }
    }

    /// Makes the alert of an incident that has none, because it was found in the past: what somebody opens can escalate.
    private static func raiseAnew(_ number: Int64, _ now: Timestamp, _ database: Database) throws {
        guard try !Bool.fetchOne(database, sql: "SELECT EXISTS (SELECT 1 FROM alert WHERE incident = ?)", arguments: [number])!,
            let incident = try IncidentStore.fetch(number, database), incident.wasFoundInPast
        else { return }
        try open(
            incident.ownLabels, incident: number, startsAt: incident.startsAt, route: nil, now: now, database)
    }

    /// Lets repetitions go on for an incident that nobody has any longer: each group is told again when its `repeat_interval` is over, at once if it has been meanwhile.
    static func repeatAgain(incident number: Int64, now: Timestamp, _ database: Database) throws {
        for row in try Row.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT DISTINCT g.receiver, g.group_key, g.repeat_interval, g.last_sent FROM incident i JOIN alert a ON a.incident = i.number
                    JOIN alert_membership m ON m.alert = a.id JOIN alert_grouping g ON g.id = m.grouping WHERE i.number = ?1 OR i.merged_into = ?1
                    """), arguments: [number])
        {
            let last = Timestamp(microseconds: row["last_sent"] as Int64? ?? now.microseconds)
            let due = max(now, last + .microseconds(row["repeat_interval"] as Int64))
            try IncidentStore.owe(row["receiver"], row["group_key"], at: due, owedSince: due, database)
        }
    }

    // MARK: Upkeep

    /// The dead man's switches that are raised, and since when.
    static func raisedSwitches(now: Timestamp, _ database: Database) throws -> [(name: String, since: Timestamp)] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT labels, starts_at FROM alert WHERE instr(labels, '"\(DeadMansSwitch.alertName)"') > 0 AND ends_at > ?
                """, arguments: [now.microseconds]
        ).compactMap { row in
            guard let text = String.fromDatabaseValue(row[0]), let start = Int64.fromDatabaseValue(row[1]) else { return nil }
            let labels = JSONText.pairs(text)
            guard labels["alertname"] == DeadMansSwitch.alertName else { return nil }
            return (labels["switch"] ?? "", Timestamp(microseconds: start))
        }
    }

    /// How long an alert that has ended is known: as long as Alertmanager keeps what it has told.
    static let memory = Duration.seconds(120 * 3600)

    /// Forgets alerts that ended long ago, and groups that have been empty as long.
    static func forget(endedBefore time: Timestamp, _ database: Database) throws {
        try database.executeCached(
            sql: "DELETE FROM alert WHERE ends_at < ? AND NOT EXISTS (SELECT 1 FROM alert_membership m WHERE m.alert = alert.id)",
            arguments: [time.microseconds])
        try database.executeCached(
            sql: """
                DELETE FROM alert_grouping WHERE coalesce(last_sent, last_flush) < ?
                    AND NOT EXISTS (SELECT 1 FROM alert_membership m WHERE m.grouping = alert_grouping.id)
                """, arguments: [time.microseconds])
    }

    /// Puts every alert that holds into the groups that `route` says, and out of others: for a configuration that has changed. What stays in its group
    /// keeps its times, so that nobody is told twice.
    ///
    /// - Returns: how many memberships are new.
    static func regroup(_ route: Route?, now: Timestamp, _ database: Database) throws -> Int {
        var batch = GroupingBatch(now: now)
        var count = 0
        let alerts = try Row.fetchAll(
            database, sql: "SELECT id, labels, starts_at, is_finding FROM alert WHERE ends_at IS NULL OR ends_at > ?",
            arguments: [now.microseconds])
        let find = try database.cachedStatement(
            sql: """
                SELECT g.id, g.receiver, g.group_key FROM alert_membership m JOIN alert_grouping g ON g.id = m.grouping WHERE m.alert = ? AND g.group_key NOT LIKE '\(Escalation.keyPrefix)%'
                """)
        for row in alerts {
            let labels = JSONText.pairs(row["labels"]), id: Int64 = row["id"]
            let isFinding: Bool = row["is_finding"]
            if isFinding, route == nil { continue }
            let destinations = (route ?? unrouted).destinations(for: labels)
            let wanted = Set(
                destinations.map { [$0.receiver ?? "", $0.groupKey($0.groupLabels(of: labels))].map { OutsideText($0) } })
            let present = try Row.fetchAll(find, arguments: [id])
            func name(_ membership: Row) -> [OutsideText] {
                [OutsideText(membership["receiver"] as String), OutsideText(membership["group_key"] as String)]
            }
            for membership in present where !wanted.contains(name(membership)) {
                try database.executeCached(
                    sql: "DELETE FROM alert_membership WHERE grouping = ? AND alert = ?",
                    arguments: [membership["id"] as Int64, id])
            }
            let missing = wanted.subtracting(present.map(name))
            guard !missing.isEmpty else { continue }
            count += missing.count
            try batch.add(
                regrouped: id, labels, startsAt: isFinding ? now : Timestamp(microseconds: row["starts_at"]), route ?? unrouted,
                database)
        }
        _ = try batch.finish(database)
        return count
    }
}
