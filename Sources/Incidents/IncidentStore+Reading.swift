import Columns
import Detection
import Foundation
@preconcurrency import GRDB

/// What is read of incidents, for questions and for those who change them.
extension IncidentStore {
    /// The incidents that a condition on their columns holds for, newest first. Incidents that cannot be read are left out.
    public func incidents(where condition: String = "1", arguments: StatementArguments = [], limit: Int = 1000) throws
        -> [Incident]
    {
        try read { database in
            try IncidentRow.readable(
                database.makeStatement(
                    sql: IncidentRow.select("WHERE \(condition) ORDER BY i.number DESC LIMIT \(limit)")), arguments
            ).map(\.incident)
        }
    }

    /// One incident, with the evidence, timelines and notifications of its children among its own.
    ///
    /// - Throws: ``IncidentError/noIncident(_:)``.
    public func incident(_ id: String) throws -> (
        incident: Incident, evidence: [Evidence], timeline: [TimelineEntry], notifications: [NotificationLog.Entry]
    ) {
        try read { database in
            let incident = try Self.find(id, database)
            return (
                incident, try Self.evidence(of: incident.number, database), try Self.timeline(of: incident.number, database),
                try Self.notifications(of: incident, database)
            )
        }
    }

    private static let ofFamily = "incident IN (SELECT ?1 UNION SELECT number FROM incident WHERE merged_into = ?1)"

    private static func evidence(of number: Int64, _ database: Database) throws -> [Evidence] {
        // A line that is evidence of several children is one line.
        try EvidenceRow.readable(
            database.cachedStatement(
                sql: """
                    SELECT file, offset, line, min(time), max(host) FROM evidence WHERE \(ofFamily) GROUP BY file, offset
                        ORDER BY 4, offset
                    """), [number]
        ).map(\.evidence)
    }

    private static func timeline(of number: Int64, _ database: Database) throws -> [TimelineEntry] {
        try TimelineRow.readable(
            database.cachedStatement(
                sql: "SELECT \(TimelineRow.columns("t")) FROM timeline t WHERE \(ofFamily) ORDER BY at, id"), [number]
        ).map(\.entry)
    }

    /// A group notifies of many incidents over the years: only those of this one's time. What failed for days was pending before.
    private static func notifications(of incident: Incident, _ database: Database) throws -> [NotificationLog.Entry] {
        try NotificationLog.Entry.readable(
            database.cachedStatement(
                sql: """
                    SELECT \(NotificationLog.Entry.columns("o")) FROM (SELECT DISTINCT receiver, group_key
                        FROM incident_notified WHERE \(ofFamily)) g
                    CROSS JOIN outbox o ON o.receiver = g.receiver AND o.group_key = g.group_key
                    WHERE o.created_at BETWEEN ?2 AND ?3 AND (o.sent_at IS NULL OR o.sent_at >= ?4) ORDER BY o.id LIMIT 200
                    """),
            [
                incident.number, (incident.openedAt - longestOwed).microseconds,
                incident.resolvedAt.map { ($0 + latestEnd).microseconds } ?? .max, incident.openedAt.microseconds,
            ])
    }

    /// How long before an incident opened a notification may have been pending that then included it.
    private static let longestOwed = Duration.seconds(7 * 86_400)

    /// How long after the end of an incident its notification may become pending: posted alerts have ended when they say so,
    /// which is known later.
    private static let latestEnd = Duration.seconds(600)

    /// How many incidents there are by state and severity.
    public func counts() throws -> [(state: String, severity: String, count: Int)] { try read(Self.counts) }

    /// The same within a transaction of the caller.
    public static func counts(_ database: Database) throws -> [(state: String, severity: String, count: Int)] {
        try Row.fetchAll(database, sql: "SELECT state, severity, count FROM incident_count").compactMap { row in
            guard let state = String.fromDatabaseValue(row[0]), let severity = String.fromDatabaseValue(row[1]),
                let count = Int.fromDatabaseValue(row[2])
            else { return nil }
            return (state, severity, count)
        }
    }

    /// Since when the open incident of each severity that has waited longest waits: since it was opened, or opened again.
    public static func longestWaiting(_ database: Database) throws -> [Severity: Timestamp] {
        try Row.fetchAll(
            database,
            sql: "SELECT i.severity, min(e.since) FROM escalation e CROSS JOIN incident i ON i.number = e.incident GROUP BY 1"
        ).reduce(into: [:]) { waiting, row in
            guard let severity = String.fromDatabaseValue(row[0]).flatMap(Severity.init),
                let since = Int64.fromDatabaseValue(row[1])
            else { return }
            waiting[severity] = Timestamp(microseconds: since)
        }
    }

    /// The children of an incident, as they came.
    public func parts(of number: Int64) throws -> [Incident] {
        try read { try IncidentRow.incidents("WHERE i.merged_into = ? ORDER BY i.number", [number], $0) }
    }

    /// The incident with an id such as `INC-1042`.
    ///
    /// - Throws: ``IncidentError/noIncident(_:)``.
    static func find(_ id: String, _ database: Database) throws -> Incident {
        guard let number = Incident.number(of: id), let incident = try fetch(number, database) else {
            throw IncidentError.noIncident(id)
        }
        return incident
    }

    /// The incident with a number; nil when there is none, or its row cannot be read.
    public static func fetch(_ number: Int64, _ database: Database) throws -> Incident? {
        try IncidentRow.incident("WHERE i.number = ?", [number], database)
    }

    static func json(_ value: some Encodable) throws -> String { String(decoding: try JSON(value).bytes(), as: UTF8.self) }

    static func decode<Value: Decodable>(_ text: String) -> Value? {
        try? JSONDecoder().decode(Value.self, from: Data(text.utf8))
    }
}
