import Alerting
import Columns
import Detection
@preconcurrency import GRDB
import Lake

/// What can be asked of incidents; the command line, the API and the page ask here.
public struct IncidentQuestions: Sendable {
    public typealias Filter = IncidentFilter

    let store: IncidentStore

    public init(_ store: IncidentStore) {
        self.store = store
    }

    /// Newest first: as they were opened, and those found long after they began as they began (`IncidentStore.foundLate`). A part of another incident is not shown itself;
    /// where it is what was asked for, its whole is.
    ///
    /// - Throws: ``QueryError`` for a state, severity, cursor or text that cannot be, `Matcher.Malformed` for bad matchers.
    public func page(_ filter: IncidentFilter) throws -> IncidentPage {
        try filter.check()
        return try store.read { database in
            let plan = try IncidentPlan(filter, database)
            var page = IncidentPage(incidents: [])
            var looked = 0, last: IncidentCursor?
            for walk in plan.walks {
                let rows = try Row.fetchCursor(database.cachedStatement(sql: walk.sql), arguments: walk.arguments)
                while let row = try rows.next() {
                    if page.incidents.count == filter.limit || looked == filter.patience {
                        page.next = last?.text
                        if looked == filter.patience { page.compared = looked }
                        return page
                    }
                    try Task.checkCancellation()
                    looked += 1
                    last = IncidentCursor(listedAt: row["listed_at"], number: row["number"])
                    if try plan.isAnswered(by: row, database), let incident = IncidentStore.incident(row) {
                        page.incidents.append(incident)
                    }
                }
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
            note: Self.note(on: page, limit: filter.limit))
        answer.dispensable = ["name", "last_seen"]
        // A column of nobodies says nothing.
        if page.incidents.allSatisfy({ $0.assignee == nil && $0.acknowledgedBy == nil }) {
            answer.dispensable.insert("who", at: 0)
        }
        answer.dispensable.append("count")
        answer.main = "title"
        return answer
    }

    /// What is said of an answer that goes on.
    private static func note(on page: IncidentPage, limit: Int) -> String? {
        guard let next = page.next else { return nil }
        let why =
            page.compared.map { "only the newest \($0) were compared; narrow the question with --since or name=\"value\"" }
            ?? "only the newest \(limit) are shown; ask for more with --limit"
        return "\(why), or go on with --cursor \(next)"
    }

    /// One incident with all that is known of it.
    ///
    /// - Parameters:
    ///   - runbooks: the folder with a page for each rule.
    ///   - lake: where the figures of the time around it are; nil leaves them out.
    ///   - context: how many lines before and after each line of evidence, and the lake that has them.
    /// - Throws: `AlertingError.noIncident`; `LakeError` when a table cannot be read.
    public func one(
        _ id: String, runbooks: String? = nil, lake: Lake? = nil, context: (lines: Int, lake: Lake)? = nil, now: Timestamp? = nil
    ) throws -> IncidentView {
        let (incident, evidence, timeline, notifications) = try store.incident(id)
        let parts = try store.parts(of: incident.number)
        var view = IncidentView(
            incident: incident, parts: parts, evidence: evidence,
            context: try context.map {
                try EvidenceContext.around(evidence, of: [incident] + parts, count: $0.lines, in: $0.lake)
            } ?? [],
            timeline: timeline,
            notifications: notifications, related: try related(to: incident, parts: parts), similar: try similar(to: incident),
            figures: try lake.map { try IncidentFigures.all(of: incident, in: $0) } ?? [],
            now: now)
        let silences = SilenceStore(store.store)
        view.silences = try store.silences(of: incident.number).compactMap { try? silences.silence($0) }
        view.firstMinutes = runbooks.flatMap { folder in
            Runbook(folder: folder, name: incident.name)?.filled(for: view).section("First five minutes")
        }
        return view
    }

    /// Other incidents that share a label with this one and were active within a day of it, most in common first.
    func related(to incident: Incident, parts: [Incident] = [], limit: Int = 5) throws -> [IncidentView.Related] {
        let near = Duration.seconds(86_400)
        return try store.read { database in
            var shared: [Int64: [String]] = [:]
            // Those of all parts: the worst need not name the machine.
            let labels = ([incident] + parts).flatMap { Array($0.labels) + Array($0.ownLabels) }
                .filter { $0.key != "alertname" && $0.key != "severity" }
            var seen: Set<[OutsideText]> = []
            for (name, value) in labels.prefix(200)
            where seen.count < 50 && seen.insert([OutsideText(name), OutsideText(value)]).inserted {
                for number in try Int64.fetchAll(
                    database,
                    sql: """
                        SELECT incident FROM incident_label WHERE name = ? AND value = ? AND listed_at BETWEEN ? AND ? AND incident <> ?
                        ORDER BY listed_at DESC LIMIT 50
                        """,
                    arguments: [
                        name, value, (incident.startsAt - near).microseconds, (incident.lastSeen + near).microseconds,
                        incident.number,
                    ])
                { shared[number, default: []].append("\(Matcher.shown(name))=\(OutsideText(value).quotedLabel)") }
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

    /// Newest first, from the index of labels: one of rules would be one more page to be written for every incident.
    static let endedOfRule = """
        SELECT i.* FROM incident_label l CROSS JOIN incident i ON i.number = l.incident
        WHERE l.name = 'alertname' AND l.value = ?1 AND l.listed_at <= ?3 + \(IncidentStore.foundLate.inMicroseconds) AND coalesce(i.worst_name, i.name) = ?1 AND i.number < ?2 AND i.starts_at <= ?3 AND i.state = 'resolved' AND i.fingerprint <> ?4
        ORDER BY l.listed_at DESC LIMIT ?5
        """

    /// Earlier incidents of the same rule that have ended, those about the same thing first.
    func similar(to incident: Incident, limit: Int = 5) throws -> [IncidentView.Ending] {
        try store.read { database in
            let same = try Row.fetchAll(
                database,
                sql:
                    "SELECT * FROM incident WHERE fingerprint = ? AND number < ? AND state = 'resolved' ORDER BY number DESC LIMIT ?",
                arguments: [incident.fingerprint, incident.number, limit])
            let kind = try Row.fetchAll(
                database, sql: Self.endedOfRule,
                arguments: [incident.name, incident.number, incident.startsAt.microseconds, incident.fingerprint, limit])
            return try (same + kind).prefix(limit).compactMap(IncidentStore.incident).map { found in
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
