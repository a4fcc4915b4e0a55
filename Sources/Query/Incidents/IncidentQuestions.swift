import Alerting
import Columns
import Detection
@preconcurrency import GRDB

/// What can be asked of incidents; the command line, the API and the page ask here.
public struct IncidentQuestions: Sendable {
    public typealias Filter = IncidentFilter

    let store: IncidentStore

    public init(_ store: IncidentStore) {
        self.store = store
    }

    /// How many incidents a question looks at that no index answers, so that it ends soon.
    private static let patience = 50_000

    /// Newest beginning first. A part of another incident is not shown itself; where it is what was asked for, its whole is.
    ///
    /// - Throws: ``QueryError`` for a state, severity, cursor or text that cannot be, `Matcher.Malformed` for bad matchers.
    public func page(_ filter: IncidentFilter) throws -> IncidentPage {
        try filter.check()
        return try store.read { database in
            let plan = try IncidentPlan(filter, database)
            var page = IncidentPage(incidents: [])
            var seen: Set<Int64> = []
            var looked = 0
            let rows = try Row.fetchCursor(database, sql: plan.sql, arguments: plan.arguments)
            while let row = try rows.next() {
                looked += 1
                if looked > Self.patience, !plan.rest.isEmpty {
                    page.note =
                        "only the newest \(Self.patience) were compared; narrow the question with --since or name=\"value\""
                    break
                }
                if !plan.rest.isEmpty, !plan.rest.match(IncidentStore.labels(row["part_labels"])) { continue }
                let incident = IncidentStore.incident(row)
                guard seen.insert(incident.number).inserted else { continue }
                if page.incidents.count == filter.limit {
                    page.next = page.incidents.last.map { IncidentCursor($0).text }
                    break
                }
                page.incidents.append(incident)
            }
            return page
        }
    }

    /// The same as a table.
    public func list(_ filter: IncidentFilter) throws -> Answer {
        let page = try page(filter)
        var answer = Answer(
            [
                ("id", .text), ("severity", .text), ("state", .text), ("title", .text), ("who", .text), ("count", .int64),
                ("starts_at", .timestamp), ("last_seen", .timestamp), ("name", .text),
            ],
            rows: page.incidents.map {
                [
                    .text($0.id), .text($0.severity.rawValue), .text($0.state.rawValue), .text($0.title),
                    ($0.assignee ?? $0.acknowledgedBy).map(Value.text) ?? .null, .int(Int64($0.count)), .timestamp($0.startsAt),
                    .timestamp($0.lastSeen), .text($0.name),
                ]
            },
            note: page.next != nil ? "only the newest \(filter.limit) are shown; ask for more with --limit" : page.note)
        answer.dispensable = ["name", "last_seen", "who"]
        return answer
    }

    /// One incident with all that is known of it.
    ///
    /// - Parameter runbooks: the folder with a page for each rule.
    /// - Throws: `AlertingError.noIncident`.
    public func one(_ id: String, runbooks: String? = nil, now: Timestamp? = nil) throws -> IncidentView {
        let (incident, evidence, timeline, notifications) = try store.incident(id)
        return IncidentView(
            incident: incident, parts: try store.parts(of: incident.number), evidence: evidence, timeline: timeline,
            notifications: notifications, related: try related(to: incident), similar: try similar(to: incident),
            firstMinutes: runbooks.flatMap { Runbook(folder: $0, name: incident.name)?.section("First five minutes") }, now: now)
    }

    /// Other incidents that share a label with this one and were active within a day of it, most in common first.
    func related(to incident: Incident, limit: Int = 5) throws -> [IncidentView.Related] {
        let near = Duration.seconds(86_400)
        return try store.read { database in
            var shared: [Int64: [String]] = [:]
            for (name, value) in incident.labels.sorted(by: { $0.key < $1.key }) where name != "alertname" && name != "severity" {
                for number in try Int64.fetchAll(
                    database,
                    sql: """
                        SELECT incident FROM incident_label WHERE name = ? AND value = ? AND starts_at BETWEEN ? AND ? AND incident <> ?
                        ORDER BY starts_at DESC LIMIT 50
                        """,
                    arguments: [
                        name, value, (incident.startsAt - near).microseconds, (incident.lastSeen + near).microseconds,
                        incident.number,
                    ])
                { shared[number, default: []].append("\(name)=\(JSONText.quote(value))") }
            }
            let most = shared.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }
            return try most.prefix(4 * limit).compactMap { number, labels -> IncidentView.Related? in
                guard let found = try IncidentStore.fetch(number, database), found.mergedInto == nil,
                    incident.mergedInto != number
                else {
                    return nil
                }
                return .init(incident: found, shared: labels)
            }.prefix(limit).map { $0 }
        }
    }

    /// Earlier incidents of the same rule that have ended, those about the same thing first.
    func similar(to incident: Incident, limit: Int = 5) throws -> [IncidentView.Ending] {
        try store.read { database in
            let same = try Row.fetchAll(
                database,
                sql:
                    "SELECT * FROM incident WHERE fingerprint = ? AND number < ? AND state = 'resolved' ORDER BY number DESC LIMIT ?",
                arguments: [incident.fingerprint, incident.number, limit])
            let kind = try Row.fetchAll(
                database,
                sql: """
                    SELECT * FROM incident WHERE name = ? AND number < ? AND starts_at <= ? AND state = 'resolved' AND fingerprint <> ?
                    ORDER BY starts_at DESC LIMIT ?
                    """,
                arguments: [incident.name, incident.number, incident.startsAt.microseconds, incident.fingerprint, limit])
            return try (same + kind).prefix(limit).map { row in
                let found = IncidentStore.incident(row)
                let words = try Row.fetchOne(
                    database,
                    sql:
                        "SELECT actor, text FROM timeline WHERE incident = ? AND kind IN ('resolved', 'note') AND actor <> 'obs' ORDER BY id DESC LIMIT 1",
                    arguments: [found.number])
                return .init(incident: found, words: words.map { "\($0["actor"] as String): \($0["text"] as String)" })
            }
        }
    }
}
