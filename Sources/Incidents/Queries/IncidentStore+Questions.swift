import Columns
@preconcurrency import GRDB

/// What can be asked of incidents.
extension IncidentStore {
    /// Newest first by when they were opened; those that were found late by when they began (``foundLate``). A child incident
    /// is not shown itself; where it is what was asked for, its parent is.
    ///
    /// - Throws: ``FilterError`` for an invalid cursor or text, `Matcher.Malformed` for bad matchers;
    ///   `CancellationError`.
    public func page(_ filter: IncidentFilter) throws -> IncidentPage {
        let showsSimulated = filter.showsSimulated
        return try read { database in
            let plan = try IncidentPlan(filter, database)
            var page = IncidentPage(incidents: [])
            var compared = 0, last: IncidentCursor?
            for walk in plan.walks {
                let rows = try Row.fetchCursor(database.cachedStatement(sql: walk.sql), arguments: walk.arguments)
                while let row = try rows.next() {
                    if page.incidents.count == filter.limit || compared == filter.patience {
                        page.next = last?.text
                        if compared == filter.patience { page.compared = compared }
                        return page
                    }
                    try Task.checkCancellation()
                    compared += 1
                    // A row that cannot be read is passed over.
                    guard let found = try? IncidentPlan.Compared(row: row) else { continue }
                    last = IncidentCursor(listedAt: found.listedAt, number: found.number)
                    if try plan.isAnswered(by: found, database),
                        let incident = try? IncidentRow(row, from: IncidentPlan.Compared.columns.count).incident,
                        showsSimulated || !incident.isSimulated
                    {
                        page.incidents.append(incident)
                    }
                }
            }
            return page
        }
    }

    /// Another incident near in time, and the labels that both have.
    public struct Related: Sendable {
        /// The other incident.
        public var incident: Incident
        /// Such as `source="192.0.2.7"`.
        public var shared: [String]
    }

    /// Other incidents that share a label with this one or its children and were active within a day of it, most in common first.
    public func related(to incident: Incident, children: [Incident] = [], limit: Int = 5) throws -> [Related] {
        let near = Duration.seconds(86_400)
        return try read { database in
            var shared: [Int64: [String]] = [:]
            // Those of all children: the worst need not name the machine.
            let labels = ([incident] + children).flatMap { $0.labels.ofSubject + $0.ownLabels.ofSubject }
            var seen: Set<[OutsideText]> = []
            for (name, value) in labels.prefix(200)
            where seen.count < 50 && seen.insert([OutsideText(name), OutsideText(value)]).inserted {
                for number in try Int64.fetchAll(
                    database.cachedStatement(
                        sql: """
                            SELECT incident FROM incident_label WHERE name = ? AND value = ? AND listed_at BETWEEN ? AND ?
                                AND incident <> ?
                            ORDER BY listed_at DESC LIMIT 50
                            """),
                    arguments: [
                        name, value, (incident.startsAt - near).microseconds, (incident.lastSeen + near).microseconds,
                        incident.number,
                    ])
                { shared[number, default: []].append("\(Matcher.shown(name))=\(OutsideText(value).quotedLabel)") }
            }
            let most = shared.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }
            return try most.prefix(4 * limit).compactMap { number, labels -> Related? in
                guard let found = try Self.fetch(number, database), found.mergedInto == nil, incident.mergedInto != number
                else { return nil }
                return Related(incident: found, shared: labels)
            }.prefix(limit).map { $0 }
        }
    }

    /// An earlier incident of the same kind, and the last words that somebody wrote on it.
    public struct Ending: Sendable {
        /// The other incident.
        public var incident: Incident
        /// The person and the words; nil when nobody wrote any.
        public var words: String?
    }

    /// Newest first, from the index of labels: one of rules would be one more page to be written for every incident.
    static let endedOfRule = """
        SELECT \(IncidentRow.columns("i")) FROM incident_label l CROSS JOIN incident i ON i.number = l.incident
        WHERE l.name = 'alertname' AND l.value = ?1 AND l.listed_at <= ?3 + \(foundLate.inMicroseconds)
            AND coalesce(i.worst_name, i.name) = ?1
            AND i.number < ?2 AND i.starts_at <= ?3 AND i.state = 'resolved' AND i.fingerprint <> ?4
        ORDER BY l.listed_at DESC LIMIT ?5
        """

    /// Earlier incidents of the same rule that have ended, those about the same thing first.
    public func similar(to incident: Incident, limit: Int = 5) throws -> [Ending] {
        try read { database in
            let same = try IncidentRow.incidents(
                "WHERE i.fingerprint = ? AND i.number < ? AND i.state = 'resolved' ORDER BY i.number DESC LIMIT ?",
                [incident.fingerprint, incident.number, limit], database)
            let kind = try IncidentRow.readable(
                database.cachedStatement(sql: Self.endedOfRule),
                [incident.name, incident.number, incident.startsAt.microseconds, incident.fingerprint, limit]
            ).map(\.incident)
            return try (same + kind).prefix(limit).map { found in
                let words = try TimelineRow.firstReadable(
                    database.cachedStatement(
                        sql: """
                            SELECT \(TimelineRow.columns("t")) FROM timeline t
                            WHERE incident = ? AND kind IN ('resolved', 'note') AND actor <> 'obs' ORDER BY id DESC LIMIT 1
                            """), [found.number])
                return Ending(incident: found, words: words.map { "\($0.entry.actor): \($0.entry.text)" })
            }
        }
    }

    /// How many incidents were opened between two times, and how many of them are critical; children do not count.
    public static func opened(from start: Timestamp, until end: Timestamp, _ database: Database) throws -> (
        all: Int, critical: Int
    ) {
        let row = try Row.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT count(*), coalesce(sum(severity = 'critical'), 0) FROM incident
                    WHERE opened_at >= ? AND opened_at < ? AND merged_into IS NULL
                    """), arguments: [start.microseconds, end.microseconds])
        return (row.flatMap { Int.fromDatabaseValue($0[0]) } ?? 0, row.flatMap { Int.fromDatabaseValue($0[1]) } ?? 0)
    }
}
