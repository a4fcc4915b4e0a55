import Columns
import Detection
import Foundation
@preconcurrency import GRDB

/// What is read of incidents, for questions and for those who change them.
extension IncidentStore {
    public func incidents(where condition: String = "1", arguments: StatementArguments = [], limit: Int = 1000) throws
        -> [Incident]
    {
        try store.database.read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM incident WHERE \(condition) ORDER BY number DESC LIMIT \(limit)",
                arguments: arguments
            ).compactMap(Self.incident)
        }
    }

    /// One incident, with the evidence, timelines and notifications of its parts among its own.
    public func incident(_ id: String) throws -> (
        incident: Incident, evidence: [Evidence], timeline: [TimelineEntry], notifications: [NotificationRecord]
    ) {
        try store.database.read { database in
            let incident = try Self.find(id, database), number = incident.number
            let ofWhole = "incident IN (SELECT ?1 UNION SELECT number FROM incident WHERE merged_into = ?1)"
            let evidence = try Row.fetchAll(
                database,
                sql:
                    "SELECT file, offset, line, min(time) AS time, max(host) AS host FROM evidence WHERE \(ofWhole) GROUP BY file, offset ORDER BY 4, offset",
                arguments: [number]
            ).map {
                // A line that several parts stand on is one line.
                Evidence(
                    file: $0["file"], offset: $0["offset"], line: $0["line"], time: Timestamp(microseconds: $0["time"]),
                    host: $0["host"])
            }
            let timeline = try Row.fetchAll(
                database, sql: "SELECT * FROM timeline WHERE \(ofWhole) ORDER BY at, id", arguments: [number]
            ).map {
                TimelineEntry(
                    incident: $0["incident"], at: Timestamp(microseconds: $0["at"]), actor: $0["actor"], kind: $0["kind"],
                    text: $0["text"])
            }
            // A group tells of many incidents over the years: those of this one's time. What failed for days was owed before.
            let notifications = try Row.fetchAll(
                database,
                sql: """
                    SELECT o.* FROM (SELECT DISTINCT receiver, group_key FROM incident_told WHERE \(ofWhole)) g
                    CROSS JOIN outbox o ON o.receiver = g.receiver AND o.group_key = g.group_key
                    WHERE o.created_at BETWEEN ?2 AND ?3 AND (o.sent_at IS NULL OR o.sent_at >= ?4) ORDER BY o.id LIMIT 200
                    """,
                arguments: [
                    number, (incident.openedAt - Self.longestOwed).microseconds,
                    incident.resolvedAt.map { ($0 + Self.latestEnd).microseconds } ?? .max,
                    incident.openedAt.microseconds,
                ]
            ).map {
                NotificationRecord(
                    receiver: $0["receiver"], state: $0["state"], attempts: $0["attempts"],
                    dueAt: Timestamp(microseconds: $0["due_at"]),
                    sentAt: ($0["sent_at"] as Int64?).map { Timestamp(microseconds: $0) }, lastError: $0["last_error"])
            }
            return (incident, evidence, timeline, notifications)
        }
    }

    /// How long before an incident opened something may have been owed that was then sent with it.
    private static let longestOwed = Duration.seconds(7 * 86_400)

    /// How long after the end of an incident that end may be owed: posted alerts have ended when they say so, which is heard later.
    private static let latestEnd = Duration.seconds(600)

    /// How many incidents there are by state and severity.
    public func counts() throws -> [(state: String, severity: String, count: Int)] { try store.database.read(Self.counts) }

    static func counts(_ database: Database) throws -> [(state: String, severity: String, count: Int)] {
        try Row.fetchAll(database, sql: "SELECT state, severity, count FROM incident_count").map {
            ($0["state"], $0["severity"], $0["count"])
        }
    }

    /// Since when the open incident of each severity that has waited longest waits: since it was opened, or opened again.
    static func longestWaiting(_ database: Database) throws -> [Severity: Timestamp] {
        try Row.fetchAll(
            database,
            sql:
                "SELECT i.severity, min(e.since) AS since FROM escalation e CROSS JOIN incident i ON i.number = e.incident GROUP BY 1"
        ).reduce(into: [:]) { waiting, row in
            if let severity = Severity(rawValue: row["severity"]) { waiting[severity] = Timestamp(microseconds: row["since"]) }
        }
    }

    /// Reads in one transaction: all that is asked in it is of one moment.
    public func read<Value>(_ body: (Database) throws -> Value) throws -> Value { try store.database.read(body) }

    /// The incidents that are parts of this one, as they came.
    public func parts(of number: Int64) throws -> [Incident] {
        try read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM incident WHERE merged_into = ? ORDER BY number", arguments: [number])
                .compactMap(Self.incident)
        }
    }

    /// - Throws: ``AlertingError/noIncident(_:)``.
    static func find(_ id: String, _ database: Database) throws -> Incident {
        guard let number = Incident.number(of: id), let incident = try fetch(number, database) else {
            throw AlertingError.noIncident(id)
        }
        return incident
    }

    public static func fetch(_ number: Int64, _ database: Database) throws -> Incident? {
        try Row.fetchOne(database.cachedStatement(sql: "SELECT * FROM incident WHERE number = ?"), arguments: [number]).flatMap(
            Self.incident)
    }

    /// The labels as the table holds them.
    public static func labels(_ text: String) -> Labels {
        var reader = JSONReader(Array(text.utf8)), labels = Labels()
        // obs wrote it: what cannot be read is no label.
        try? reader.object { reader, name in
            if let name { labels[name] = try reader.text() }
        }
        return labels
    }

    /// A row of the table `incident`; nil when a column is not what it is declared as (``rowChecks`` finds such rows).
    public static func incident(_ row: Row) -> Incident? { try? decoded(row) }

    private static func decoded(_ row: Row) throws -> Incident {
        func time(_ column: String) throws -> Timestamp? {
            (try row.decode(Int64?.self, forColumn: column)).map { Timestamp(microseconds: $0) }
        }
        func span(_ column: String) throws -> Duration? {
            (try row.decode(Int64?.self, forColumn: column)).map { .microseconds($0) }
        }
        func needed(_ column: String) throws -> Timestamp { Timestamp(microseconds: try row.decode(forColumn: column)) }
        let contributions: String = try row.decode(forColumn: "contributions")
        return Incident(
            number: try row.decode(forColumn: "number"), fingerprint: try row.decode(forColumn: "fingerprint"),
            name: try row.decode(String?.self, forColumn: "worst_name") ?? row.decode(forColumn: "name"),
            detector: try row.decode(forColumn: "detector"),
            severity: Severity(rawValue: try row.decode(forColumn: "severity")) ?? .info,
            state: Incident.State(rawValue: try row.decode(forColumn: "state")) ?? .open,
            title: try row.decode(String?.self, forColumn: "headline") ?? row.decode(forColumn: "title"),
            description: try row.decode(String?.self, forColumn: "worst_description") ?? row.decode(forColumn: "description"),
            labels: labels(try row.decode(String?.self, forColumn: "worst_labels") ?? row.decode(forColumn: "labels")),
            startsAt: try needed("starts_at"), lastSeen: try needed("last_seen"), openedAt: try needed("opened_at"),
            resolvedAt: try time("resolved_at"), acknowledgedBy: try row.decode(forColumn: "acknowledged_by"),
            acknowledgedAt: try time("acknowledged_at"), assignee: try row.decode(forColumn: "assignee"),
            resolution: try row.decode(String?.self, forColumn: "resolution").flatMap(Incident.Resolution.init),
            version: try row.decode(forColumn: "version"), changedBy: try row.decode(forColumn: "changed_by"),
            mergedInto: try row.decode(forColumn: "merged_into"), mergedBecause: try row.decode(forColumn: "merged_because"),
            reopened: try row.decode(forColumn: "reopened"),
            isFlapping: try row.decode(Int64?.self, forColumn: "quiet_for") != nil,
            wasFoundInPast: try row.decode(forColumn: "found_in_past"), seenBy: try row.decode(forColumn: "seen_by"),
            end: EndPolicy(isByHand: try row.decode(forColumn: "ends_by_hand"), quiet: try span("ends_after")),
            ownLabels: labels(try row.decode(forColumn: "labels")), worst: try row.decode(forColumn: "worst"),
            ownCount: try row.decode(forColumn: "count"), mergedCount: try row.decode(forColumn: "merged_count"),
            within: try span("within"), lines: try lineCount(row), lineCount: try row.decode(forColumn: "line_count"),
            contributions: contributions == "[]" ? [] : decode(contributions) ?? [])
    }

    /// What a row says of its own lines.
    private static func lineCount(_ row: Row) throws -> LineCount {
        LineCount(
            // Rows of before the count of all lines have the most of them at once.
            total: max(try row.decode(forColumn: "total"), try row.decode(forColumn: "count")),
            sessionStart: try row.decode(Int64?.self, forColumn: "session_start").map { Timestamp(microseconds: $0) },
            sessionTotal: try row.decode(forColumn: "session_total"), lines: lines(try row.decode(forColumn: "lines")))
    }

    static func lines(_ bytes: Data?) -> LineSet { bytes.flatMap { LineSet(bytes: $0) } ?? LineSet() }

    static func json(_ value: some Encodable) throws -> String {
        String(decoding: try JSON(value).bytes(), as: UTF8.self)
    }

    static func decode<Value: Decodable>(_ text: String) -> Value? {
        try? JSONDecoder().decode(Value.self, from: Data(text.utf8))
    }
}

/// A notification that is owed or was sent.
public struct NotificationRecord: Sendable {
    public var receiver: String
    /// `pending`, `sent` or `dead`.
    public var state: String
    public var attempts: Int
    public var dueAt: Timestamp
    public var sentAt: Timestamp?
    public var lastError: String?
}
