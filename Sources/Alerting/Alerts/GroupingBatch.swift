import Columns
import Detection
@preconcurrency import GRDB
import Store

/// The groups that a batch of alerts touches: each is looked up once, and what it owes is written once.
struct GroupingBatch {
    private struct Group {
        let id: Int64
        let receiver: String
        let key: String
        let labels: [String: String]
        let wait: Duration
        let interval: Duration
        var isEmpty: Bool
        var lastFlush: Timestamp?
        /// When its receiver is to be told, if the batch has changed anything.
        var due: Timestamp?
        var incident: Int64?
        /// Alerts that fire and are not in the incident yet.
        var joining: [(id: Int64, alert: Alert)] = []
        /// Groups of further routes that take some of its alerts too.
        var others: Set<Int64> = []
    }

    private struct Name: Hashable {
        let receiver: String
        let key: String
    }

    private let now: Timestamp
    private var groups: [Group] = []
    private var places: [Name: Int] = [:]

    init(now: Timestamp) { self.now = now }

    /// Puts a posted alert into its groups, and into the incident of the first.
    ///
    /// - Parameter mayBeNew: false when it is known to change nothing that anybody is told.
    mutating func add(_ id: Int64, _ alert: Alert, incident: Int64?, mayBeNew: Bool, _ route: Route, _ database: Database) throws
    {
        guard mayBeNew else { return }
        let isFiring = !alert.isResolved(at: now)
        var first: Int?
        for destination in route.destinations(for: alert.labels) {
            let place = try place(destination, alert.labels, database)
            defer { first = first ?? place }
            // An end in a group that knows nothing of its beginning is no news.
            if !isFiring, groups[place].isEmpty { continue }
            try join(place, id, startedAt: alert.startsAt, database)
            guard isFiring else { continue }
            if let first {
                groups[first].others.insert(groups[place].id)
            } else if incident == nil || incident != groups[place].incident {
                groups[place].joining.append((id, alert))
            }
        }
    }

    /// Puts the alert of a finding into its groups. It waits `group_wait` from now on: a finding may be about what is long past.
    mutating func add(finding id: Int64, _ labels: [String: String], incident number: Int64, _ route: Route, _ database: Database)
        throws
    {
        for destination in route.destinations(for: labels) {
            let place = try place(destination, labels, database)
            try join(place, id, startedAt: now, database)
            // The incident is another than the one that the receiver may have been told of.
            try database.executeCached(
                sql: "UPDATE alert_membership SET notified = NULL WHERE grouping = ? AND alert = ?",
                arguments: [groups[place].id, id])
            try Self.note(number, groups[place].id, database)
        }
    }

    mutating func add(regrouped id: Int64, _ labels: [String: String], startsAt: Timestamp, _ route: Route, _ database: Database)
        throws
    {
        for destination in route.destinations(for: labels) {
            try join(try place(destination, labels, database), id, startedAt: startsAt, database)
        }
    }

    private mutating func join(_ place: Int, _ id: Int64, startedAt: Timestamp, _ database: Database) throws {
        let insert = try database.cachedStatement(sql: "INSERT OR IGNORE INTO alert_membership (grouping, alert) VALUES (?, ?)")
        try insert.execute(arguments: [groups[place].id, id])
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

    /// The first of the times `start`, `start + interval`, … that is after `time`: as Alertmanager looks at a group at each `group_interval`.
    static func tick(after time: Timestamp, from start: Timestamp, every interval: Duration) -> Timestamp {
        let step = max(1, interval.inMicroseconds)
        let passed = max(0, time.microseconds &- start.microseconds)
        return Timestamp(microseconds: start.microseconds &+ (passed / step &+ 1) &* step)
    }

    private mutating func place(_ destination: Route, _ labels: [String: String], _ database: Database) throws -> Int {
        let receiver = destination.receiver ?? "", groupLabels = destination.groupLabels(of: labels)
        let key = destination.groupKey(groupLabels)
        let name = Name(receiver: receiver, key: key)
        if let known = places[name] { return known }
        let interval = destination.groupInterval ?? Route.defaultGroupInterval
        let repeatInterval = destination.repeatInterval ?? Route.defaultRepeatInterval
        let find = try database.cachedStatement(
            sql: """
                SELECT id, last_flush, incident, group_interval, repeat_interval,
                    EXISTS (SELECT 1 FROM alert_membership m WHERE m.grouping = g.id) FROM alert_grouping g WHERE receiver = ? AND group_key = ?
                """)
        let group: Group
        if let row = try Row.fetchOne(find, arguments: [receiver, key]) {
            group = Group(
                id: row[0], receiver: receiver, key: key, labels: groupLabels,
                wait: destination.groupWait ?? Route.defaultGroupWait,
                interval: interval, isEmpty: !(row[5] as Bool), lastFlush: (row[1] as Int64?).map { Timestamp(microseconds: $0) },
                incident: row[2])
            if row[3] as Int64 != interval.inMicroseconds || row[4] as Int64 != repeatInterval.inMicroseconds {
                try database.executeCached(
                    sql: "UPDATE alert_grouping SET group_interval = ?, repeat_interval = ? WHERE id = ?",
                    arguments: [interval.inMicroseconds, repeatInterval.inMicroseconds, group.id])
            }
        } else {
            let insert = try database.cachedStatement(
                sql:
                    "INSERT INTO alert_grouping (receiver, group_key, group_labels, group_interval, repeat_interval) VALUES (?, ?, ?, ?, ?)"
            )
            try insert.execute(arguments: [
                receiver, key, JSONText.object(groupLabels), interval.inMicroseconds, repeatInterval.inMicroseconds,
            ])
            group = Group(
                id: database.lastInsertedRowID, receiver: receiver, key: key, labels: groupLabels,
                wait: destination.groupWait ?? Route.defaultGroupWait, interval: interval, isEmpty: true)
        }
        places[name] = groups.count
        groups.append(group)
        return groups.count - 1
    }

    /// Writes what the groups owe and the incidents that their alerts make. True when a group owes something.
    func finish(_ database: Database) throws -> Bool {
        for group in groups {
            if let due = group.due { try IncidentStore.owe(group.receiver, group.key, at: due, owedSince: now, database) }
            guard !group.joining.isEmpty else { continue }
            let number = try PostedIncident(of: group.id, group.incident, group.labels, now).join(group.joining, database)
            for grouping in group.others.union([group.id]) { try Self.note(number, grouping, database) }
        }
        return groups.contains { $0.due != nil }
    }

    private static func note(_ incident: Int64, _ grouping: Int64, _ database: Database) throws {
        try database.executeCached(
            sql: "INSERT OR IGNORE INTO incident_grouping (incident, grouping) VALUES (?, ?)", arguments: [incident, grouping])
    }
}
