import Columns
import Detection
@preconcurrency import GRDB
import Store

/// The groups that a batch of alerts touches: each is looked up once, and its next notification is scheduled once.
struct GroupingBatch {
    private struct Group {
        let id: Int64
        let receiver: String
        let key: String
        let labels: Labels
        let wait: Duration
        let interval: Duration
        let isEmpty: Bool
        let lastFlush: Timestamp?
        /// When its receiver is to be notified, if the batch has changed anything.
        var due: Timestamp?
        let incident: Int64?
        /// When it is looked at anyway; distant past while a notification that failed is tried again.
        var pendingDue: Timestamp?
        /// Alerts that come into it: ids, and indices in ``posted``.
        var members: [Int64] = []
        var postedMembers: [Int] = []
        /// Indices in ``posted`` of alerts that fire and are not in its incident yet.
        var joining: [Int] = []
        /// Indices in ``groups`` of further routes' groups that take some of its alerts too.
        var others: Set<Int> = []

        /// Writes down that its receiver is notified of an incident.
        func note(_ incident: Int64, _ database: Database) throws {
            try Outbox.noteNotified(receiver, key, of: incident, database)
        }
    }

    /// A posted alert of the batch.
    private struct Posted {
        let routed: RoutedAlert
        /// As it is now, with what was known of it.
        let alert: Alert
        /// Nil for one that is new.
        var id: Int64?
        /// The incident that it is in.
        var incident: Int64?
    }

    private struct Name: Hashable {
        let receiver: String
        let key: OutsideText
    }

    private let now: Timestamp
    private var groups: [Group] = []
    private var places: [Name: Int] = [:]
    private var posted: [Posted] = []

    init(now: Timestamp) { self.now = now }

    /// Puts a posted alert into its groups, and into the incident of the first, at ``finish(_:)``.
    ///
    /// - Parameters:
    ///   - alert: what is known now; a new one is written with it.
    ///   - known: the id and the incident of one that is not new.
    mutating func add(_ routed: RoutedAlert, _ alert: Alert, known: (id: Int64, incident: Int64?)? = nil) {
        posted.append(Posted(routed: routed, alert: alert, id: known?.id, incident: known?.incident))
    }

    private mutating func group(_ index: Int, _ database: Database) throws {
        let (alert, incident) = (posted[index].alert, posted[index].incident)
        let isFiring = !alert.isResolved(at: now)
        var first: Int?
        for destination in posted[index].routed.destinations {
            let place = try place(destination, database)
            defer { first = first ?? place }
            // The end of an alert whose beginning the group never had is not news.
            if !isFiring, groups[place].isEmpty { continue }
            groups[place].postedMembers.append(index)
            schedule(place, startedAt: alert.startsAt)
            guard isFiring else { continue }
            if let first {
                groups[first].others.insert(place)
            } else if incident == nil || incident != groups[place].incident {
                groups[place].joining.append(index)
            }
        }
    }

    /// Puts the alert of a finding into its groups. It waits `group_wait` from now on: a finding may be about what is long past.
    mutating func add(finding id: Int64, incident number: Int64, to destinations: [Destination], _ database: Database) throws {
        for destination in destinations {
            let place = try place(destination, database)
            schedule(place, startedAt: now)
            // The receiver may have been notified of an earlier incident with these labels, not of this one.
            try database.executeCached(
                sql: """
                    INSERT INTO alert_membership (grouping, alert) VALUES (?, ?) ON CONFLICT DO UPDATE SET notified = NULL
                    """, arguments: [groups[place].id, id])
            try groups[place].note(number, database)
        }
    }

    mutating func add(regrouped id: Int64, startsAt: Timestamp, to destinations: [Destination], _ database: Database) throws {
        for destination in destinations {
            let place = try place(destination, database)
            schedule(place, startedAt: startsAt)
            groups[place].members.append(id)
        }
    }

    private mutating func schedule(_ place: Int, startedAt: Timestamp) {
        let group = groups[place]
        let due: Timestamp
        if let lastFlush = group.lastFlush, !group.isEmpty {
            due = Self.tick(after: now, from: lastFlush, every: group.interval)
        } else {
            // Whoever began long ago has waited already.
            due = startedAt + group.wait < now ? now : now + group.wait
        }
        groups[place].due = min(group.due ?? due, due)
    }

    /// The first of the times …, `start - interval`, `start`, `start + interval`, … that is after `time`: as Alertmanager looks
    /// at a group at each `group_interval`. It is never further than that ahead, also where a clock that was wrong put `start`
    /// into the future.
    static func tick(after time: Timestamp, from start: Timestamp, every interval: Duration) -> Timestamp {
        let step = max(1, interval.inMicroseconds)
        let rest = (time.microseconds &- start.microseconds) % step
        return Timestamp(microseconds: time.microseconds &+ step &- (rest < 0 ? rest + step : rest))
    }

    private mutating func place(_ destination: Destination, _ database: Database) throws -> Int {
        let (receiver, key) = (destination.receiver, destination.groupKey)
        let name = Name(receiver: receiver, key: OutsideText(key))
        if let known = places[name] { return known }
        let (interval, repeatInterval) = (destination.groupInterval, destination.repeatInterval)
        let find = try database.cachedStatement(
            sql: """
                SELECT id, last_flush, incident, group_interval, repeat_interval,
                    EXISTS (SELECT 1 FROM alert_membership m WHERE m.grouping = g.id),
                    (SELECT iif(o.attempts > 0, 0, o.due_at) FROM outbox o WHERE o.receiver = g.receiver
                        AND o.group_key = g.group_key AND o.state = 'pending')
                FROM alert_grouping g WHERE receiver = ? AND group_key = ?
                """)
        let group: Group
        if let row = try Row.fetchOne(find, arguments: [receiver, key]) {
            group = Group(
                id: row[0], receiver: receiver, key: key, labels: destination.groupLabels,
                wait: destination.groupWait,
                interval: interval, isEmpty: Bool.fromDatabaseValue(row[5]) == false,
                lastFlush: Int64.fromDatabaseValue(row[1]).map { Timestamp(microseconds: $0) },
                incident: Int64.fromDatabaseValue(row[2]),
                pendingDue: Int64.fromDatabaseValue(row[6]).map { Timestamp(microseconds: $0) })
            if Int64.fromDatabaseValue(row[3]) != interval.inMicroseconds
                || Int64.fromDatabaseValue(row[4]) != repeatInterval.inMicroseconds
            {
                try database.executeCached(
                    sql: "UPDATE alert_grouping SET group_interval = ?, repeat_interval = ? WHERE id = ?",
                    arguments: [interval.inMicroseconds, repeatInterval.inMicroseconds, group.id])
            }
        } else {
            let insert = try database.cachedStatement(
                sql:
                    """
                    INSERT INTO alert_grouping (receiver, group_key, group_labels, group_interval, repeat_interval) \
                    VALUES (?, ?, ?, ?, ?)
                    """
            )
            try insert.execute(arguments: [
                receiver, key, JSONText.object(destination.groupLabels), interval.inMicroseconds, repeatInterval.inMicroseconds,
            ])
            group = Group(
                id: database.lastInsertedRowID, receiver: receiver, key: key, labels: destination.groupLabels,
                wait: destination.groupWait, interval: interval, isEmpty: true, lastFlush: nil, incident: nil)
        }
        places[name] = groups.count
        groups.append(group)
        return groups.count - 1
    }

    /// Writes the alerts that are new, their groups, their pending notifications and the incidents that they make.
    ///
    /// - Returns: whether a group has a notification pending.
    mutating func finish(_ database: Database) throws -> Bool {
        for index in posted.indices { try group(index, database) }
        // Incidents come first, so that each alert is written once.
        for (place, group) in groups.enumerated() where !group.joining.isEmpty {
            let number = try PostedIncident.take(
                group.joining.map { posted[$0].alert }, in: group.id, group.labels, open: group.incident, now: now, database)
            // An incident that goes on is known to its own group.
            for other in group.others.union(group.incident == nil ? [place] : []) { try groups[other].note(number, database) }
            for index in group.joining { posted[index].incident = number }
        }
        try writePosted(joining: Set(groups.flatMap(\.joining)), database)
        let join = try database.cachedStatement(
            sql: "INSERT OR IGNORE INTO alert_membership (grouping, alert) SELECT ?, value FROM json_each(?)")
        for group in groups {
            let members = group.members + group.postedMembers.map { posted[$0].id! }
            if !members.isEmpty { try join.execute(arguments: [group.id, JSONText.list(members)]) }
            // In a storm most groups have a pending look already.
            if let due = group.due, group.pendingDue.map({ $0 > due }) ?? true {
                try Outbox.schedule(group.receiver, group.key, at: due, pendingSince: now, database)
            }
        }
        try EscalationTable.follow(posted.compactMap(\.id), now: now, database)
        return groups.contains { $0.due != nil }
    }

    /// Writes the posted alerts that are new, and in which incidents they and the others are from now on.
    private mutating func writePosted(joining: Set<Int>, _ database: Database) throws {
        let insert = try database.cachedStatement(
            sql: """
                INSERT INTO alert (fingerprint, labels, annotations, generator_url, starts_at, ends_at, has_timeout,
                    updated_at, is_finding, incident)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?)
                """)
        let assign = try database.cachedStatement(sql: "UPDATE alert SET incident = ? WHERE id = ?")
        for index in posted.indices {
            if let id = posted[index].id {
                if joining.contains(index) { try assign.execute(arguments: [posted[index].incident, id]) }
                continue
            }
            let (routed, alert) = (posted[index].routed, posted[index].alert)
            try insert.execute(arguments: [
                routed.fingerprint, routed.labels, routed.annotations, alert.generatorURL, alert.startsAt.microseconds,
                alert.endsAt.microseconds, alert.hasTimeout, alert.updatedAt.microseconds, posted[index].incident,
            ])
            posted[index].id = database.lastInsertedRowID
        }
    }
}
