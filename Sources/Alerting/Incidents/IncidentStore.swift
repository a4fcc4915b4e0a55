import Columns
import Detection
import Foundation
@preconcurrency import GRDB
import Store

/// Incidents, their evidence and timelines, and the notifications that they owe, in the store. A change and what it owes are one transaction.
///
/// Any process may use it: `obs run` and `obs incident ack` write to the same file.
public struct IncidentStore: Sendable {
    public static let migrations = tables + SilenceStore.migrations + AlertStore.migrations + NotificationLog.migrations

    private static let tables = [
        Migration(
            id: "alerting-1",
            sql: """
                CREATE TABLE incident (
                    number INTEGER PRIMARY KEY AUTOINCREMENT, fingerprint TEXT NOT NULL, name TEXT NOT NULL, detector TEXT NOT NULL, severity TEXT NOT NULL,
                    state TEXT NOT NULL, title TEXT NOT NULL, description TEXT NOT NULL, labels TEXT NOT NULL, starts_at INTEGER NOT NULL,
                    last_seen INTEGER NOT NULL, opened_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, resolved_at INTEGER, acknowledged_by TEXT,
                    count INTEGER NOT NULL, contributions TEXT NOT NULL);
                -- The first incident is INC-1001: a number that looks like one also at the start.
                INSERT INTO sqlite_sequence (name, seq) VALUES ('incident', 1000);
                CREATE INDEX incident_fingerprint ON incident (fingerprint, number);
                CREATE INDEX incident_state ON incident (state, updated_at);
                CREATE TABLE evidence (
                    incident INTEGER NOT NULL REFERENCES incident (number) ON DELETE CASCADE, file TEXT NOT NULL, offset INTEGER NOT NULL, line TEXT NOT NULL,
                    time INTEGER NOT NULL, PRIMARY KEY (incident, file, offset)) WITHOUT ROWID;
                CREATE TABLE timeline (
                    id INTEGER PRIMARY KEY, incident INTEGER NOT NULL REFERENCES incident (number) ON DELETE CASCADE, at INTEGER NOT NULL, actor TEXT NOT NULL,
                    kind TEXT NOT NULL, text TEXT NOT NULL);
                CREATE INDEX timeline_incident ON timeline (incident, id);
                -- Which groups an incident's alert is in, and what they were told of it last.
                CREATE TABLE alert_group (
                    incident INTEGER NOT NULL REFERENCES incident (number) ON DELETE CASCADE, receiver TEXT NOT NULL, group_key TEXT NOT NULL,
                    group_labels TEXT NOT NULL, notified TEXT, PRIMARY KEY (incident, receiver, group_key)) WITHOUT ROWID;
                CREATE INDEX alert_group_key ON alert_group (receiver, group_key);
                -- What is owed: one row a group and receiver until it is sent.
                CREATE TABLE outbox (
                    id INTEGER PRIMARY KEY AUTOINCREMENT, receiver TEXT NOT NULL, group_key TEXT NOT NULL, created_at INTEGER NOT NULL, due_at INTEGER NOT NULL,
                    attempts INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL DEFAULT 'pending', sent_at INTEGER, last_error TEXT);
                CREATE INDEX outbox_due ON outbox (state, due_at);
                """),
        Migration(
            id: "alerting-2",
            sql: """
                -- How often a group's receiver is told, in microseconds, and when it was told last.
                CREATE TABLE notify_group (
                    receiver TEXT NOT NULL, group_key TEXT NOT NULL, group_interval INTEGER NOT NULL, repeat_interval INTEGER NOT NULL, last_sent INTEGER,
                    PRIMARY KEY (receiver, group_key)) WITHOUT ROWID;
                -- Which of a receiver's endpoints took the payload that others of it did not: a JSON list.
                ALTER TABLE outbox ADD COLUMN delivered TEXT;
                CREATE INDEX outbox_group ON outbox (receiver, group_key, state);
                """),
        Migration(
            id: "alerting-3",
            // Whether anything in a group is firing is asked for each finding: without the index that reads the whole group (20,000 findings of one
            // group at 375 a second).
            sql: "CREATE INDEX alert_group_notified ON alert_group (receiver, group_key, notified)"),
    ]

    /// Lines of evidence that an incident keeps.
    private static let maxEvidence = 50

    let store: Store

    public init(_ store: Store) {
        self.store = store
    }

    // MARK: Findings

    /// What a finding led to.
    public enum Outcome: Sendable, Equatable {
        case opened(String)
        case joined(String)
        /// It was known: read again after a crash, or older than what is known of an incident that has ended.
        case known
    }

    /// Takes in findings: opens incidents, joins them to open ones, and writes down which notifications are owed. Durable when it returns.
    @discardableResult
    public func record(_ findings: [Finding], routing route: Route?, now: Timestamp) throws -> [Outcome] {
        guard !findings.isEmpty else { return [] }
        return try store.database.write { try record(findings, routing: route, now: now, $0) }
    }

    func record(_ findings: [Finding], routing route: Route?, now: Timestamp, _ database: Database) throws -> [Outcome] {
        try findings.map { try record($0, route, now, database) }
    }

    private func record(_ finding: Finding, _ route: Route?, _ now: Timestamp, _ database: Database) throws -> Outcome {
        var labels = finding.labels
        labels["alertname"] = finding.name
        let fingerprint = Fingerprint.of(labels)
        labels["severity"] = finding.severity.rawValue
        let last = try Row.fetchOne(
            database, sql: "SELECT * FROM incident WHERE fingerprint = ? ORDER BY number DESC LIMIT 1", arguments: [fingerprint]
        ).map(Self.incident)
        if let last {
            guard finding.lastSeen > last.lastSeen || finding.count > last.count && last.state != .resolved else { return .known }
            if last.state != .resolved {
                try database.execute(
                    sql:
                        "UPDATE incident SET last_seen = max(last_seen, ?), count = max(count, ?), updated_at = ?, title = ?, description = ? WHERE number = ?",
                    arguments: [
                        finding.lastSeen.microseconds, finding.count, now.microseconds, finding.title, finding.description,
                        last.number,
                    ])
                try add(finding.evidence, to: last.number, database)
                if finding.severity > last.severity { try raise(last, to: finding.severity, labels, route, now, database) }
                return .joined(last.id)
            }
        }
        try database.execute(
            sql: """
                INSERT INTO incident (fingerprint, name, detector, severity, state, title, description, labels, starts_at, last_seen, opened_at, updated_at, count, contributions)
                VALUES (?, ?, ?, ?, 'open', ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                fingerprint, finding.name, finding.detector, finding.severity.rawValue, finding.title, finding.description,
                try Self.json(labels),
                finding.startsAt.microseconds, finding.lastSeen.microseconds, now.microseconds, now.microseconds, finding.count,
                try Self.json(finding.contributions),
            ])
        let number = database.lastInsertedRowID
        try add(finding.evidence, to: number, database)
        try note(
            number, now, actor: "obs", kind: "opened", "opened by \(finding.detector) \(finding.name): \(finding.description)",
            database)
        try AlertStore.open(labels, incident: number, startsAt: finding.startsAt, route: route, now: now, database)
        return .opened("INC-\(number)")
    }

    /// An incident is as severe as the worst of its findings. Whoever was told of the lesser one is told of the other.
    private func raise(
        _ incident: Incident, to severity: Severity, _ labels: [String: String], _ route: Route?, _ now: Timestamp,
        _ database: Database
    ) throws {
        try database.execute(
            sql: "UPDATE incident SET severity = ?, labels = ? WHERE number = ?",
            arguments: [severity.rawValue, try Self.json(labels), incident.number])
        try note(
            incident.number, now, actor: "obs", kind: "severity",
            "severity raised from \(incident.severity.rawValue) to \(severity.rawValue)",
            database)
        try AlertStore.relabel(labels, incident: incident.number, startsAt: incident.startsAt, route: route, now: now, database)
    }

    private func add(_ evidence: [Evidence], to number: Int64, _ database: Database) throws {
        let known = try Int.fetchOne(database, sql: "SELECT count(*) FROM evidence WHERE incident = ?", arguments: [number]) ?? 0
        for line in evidence.prefix(max(0, Self.maxEvidence - known)) {
            try database.execute(
                sql: "INSERT OR IGNORE INTO evidence VALUES (?, ?, ?, ?, ?)",
                arguments: [number, line.file, line.offset, line.line, line.time.microseconds])
        }
    }

    private func note(_ number: Int64, _ at: Timestamp, actor: String, kind: String, _ text: String, _ database: Database) throws
    {
        try database.execute(
            sql: "INSERT INTO timeline (incident, at, actor, kind, text) VALUES (?, ?, ?, ?, ?)",
            arguments: [number, at.microseconds, actor, kind, text])
    }

    /// Writes down that a group's receiver is to be told at `due`. What is owed already is brought forward if it was to wait longer, unless it failed and is
    /// being tried again.
    static func owe(_ receiver: String, _ key: String, at due: Timestamp, owedSince: Timestamp, _ database: Database) throws {
        // Asked for each group of each batch of alerts: a statement is compiled once.
        let find = try database.cachedStatement(
            sql: "SELECT id FROM outbox WHERE receiver = ? AND group_key = ? AND state = 'pending'")
        if let pending = try Int64.fetchOne(find, arguments: [receiver, key]) {
            try database.cachedStatement(
                sql: "UPDATE outbox SET due_at = ?, created_at = min(created_at, ?) WHERE id = ? AND attempts = 0 AND due_at > ?"
            ).execute(arguments: [due.microseconds, owedSince.microseconds, pending, due.microseconds])
        } else {
            try database.cachedStatement(sql: "INSERT INTO outbox (receiver, group_key, created_at, due_at) VALUES (?, ?, ?, ?)")
                .execute(
                    arguments: [receiver, key, owedSince.microseconds, due.microseconds])
        }
    }

    // MARK: Actions

    public enum Action: Sendable {
        case acknowledge
        case resolve
        case note
    }

    /// Changes an incident by a person's will, and writes down who did it.
    ///
    /// - Throws: ``AlertingError/noIncident(_:)``, ``AlertingError/wrongState(_:state:action:)``.
    public func perform(_ action: Action, on id: String, by actor: String, note text: String?, now: Timestamp) throws {
        try store.database.write { database in
            guard let number = Incident.number(of: id),
                let incident = try Row.fetchOne(database, sql: "SELECT * FROM incident WHERE number = ?", arguments: [number])
                    .map(Self.incident)
            else { throw AlertingError.noIncident(id) }
            switch action {
            case .acknowledge:
                guard incident.state == .open else {
                    throw AlertingError.wrongState(incident.id, state: Self.describe(incident), action: "acknowledged")
                }
                try database.execute(
                    sql: "UPDATE incident SET state = 'acknowledged', acknowledged_by = ? WHERE number = ?",
                    arguments: [actor, number])
                try note(number, now, actor: actor, kind: "acknowledged", text ?? "acknowledged", database)
            case .resolve:
                guard incident.state != .resolved else {
                    throw AlertingError.wrongState(incident.id, state: "resolved", action: "resolved again")
                }
                try resolve(number, now, actor: actor, text ?? "resolved", database)
            case .note:
                try note(number, now, actor: actor, kind: "note", text ?? "", database)
            }
            try Store.audit(
                database, at: now.microseconds, actor: actor, action: "incident.\(action)", subject: incident.id, detail: text)
        }
    }

    private static func describe(_ incident: Incident) -> String {
        incident.state == .acknowledged
            ? "acknowledged by \(incident.acknowledgedBy ?? "somebody") already" : incident.state.rawValue
    }

    private func resolve(_ number: Int64, _ now: Timestamp, actor: String, _ text: String, _ database: Database) throws {
        try database.execute(
            sql: "UPDATE incident SET state = 'resolved', resolved_at = ?, updated_at = ? WHERE number = ?",
            arguments: [now.microseconds, now.microseconds, number])
        try note(number, now, actor: actor, kind: "resolved", text, database)
        try AlertStore.end(incident: number, now: now, database)
    }

    /// Resolves the incidents of findings that have seen nothing new for `timeout`, and gives how many they were. Posted alerts end by their own times.
    public func resolveQuiet(after timeout: Duration, now: Timestamp) throws -> Int {
        // Looked for without the write lock first: this is asked every second, and nearly always there is none.
        let isAnyQuiet = try store.database.read { database in
            try Bool.fetchOne(
                database,
                sql:
                    "SELECT EXISTS (SELECT 1 FROM incident WHERE state IN ('open', 'acknowledged') AND updated_at < ? AND detector <> ?)",
                arguments: [(now - timeout).microseconds, PostedIncident.detector]) ?? false
        }
        guard isAnyQuiet else { return 0 }
        return try store.database.write { database in
            let quiet = try Int64.fetchAll(
                database,
                sql: "SELECT number FROM incident WHERE state IN ('open', 'acknowledged') AND updated_at < ? AND detector <> ?",
                arguments: [(now - timeout).microseconds, PostedIncident.detector])
            for number in quiet {
                try resolve(number, now, actor: "obs", "nothing new for \(Int(timeout.inSeconds)) s", database)
            }
            return quiet.count
        }
    }

    // MARK: Questions

    public func incidents(where condition: String = "1", arguments: StatementArguments = [], limit: Int = 1000) throws
        -> [Incident]
    {
        try store.database.read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM incident WHERE \(condition) ORDER BY number DESC LIMIT \(limit)",
                arguments: arguments
            ).map(Self.incident)
        }
    }

    public func incident(_ id: String) throws -> (
        incident: Incident, evidence: [Evidence], timeline: [TimelineEntry], notifications: [NotificationRecord]
    ) {
        try store.database.read { database in
            guard let number = Incident.number(of: id),
                let incident = try Row.fetchOne(database, sql: "SELECT * FROM incident WHERE number = ?", arguments: [number])
                    .map(Self.incident)
            else { throw AlertingError.noIncident(id) }
            let evidence = try Row.fetchAll(
                database, sql: "SELECT * FROM evidence WHERE incident = ? ORDER BY time, offset", arguments: [number]
            ).map {
                Evidence(file: $0["file"], offset: $0["offset"], line: $0["line"], time: Timestamp(microseconds: $0["time"]))
            }
            let timeline = try Row.fetchAll(
                database, sql: "SELECT * FROM timeline WHERE incident = ? ORDER BY id", arguments: [number]
            ).map {
                TimelineEntry(at: Timestamp(microseconds: $0["at"]), actor: $0["actor"], kind: $0["kind"], text: $0["text"])
            }
            let notifications = try Row.fetchAll(
                database,
                sql: """
                    SELECT * FROM outbox WHERE (receiver, group_key) IN (
                        SELECT receiver, group_key FROM incident_grouping JOIN alert_grouping g ON g.id = grouping WHERE incident_grouping.incident = ?)
                    ORDER BY id
                    """,
                arguments: [number]
            ).map {
                NotificationRecord(
                    receiver: $0["receiver"], state: $0["state"], attempts: $0["attempts"],
                    dueAt: Timestamp(microseconds: $0["due_at"]),
                    sentAt: ($0["sent_at"] as Int64?).map { Timestamp(microseconds: $0) }, lastError: $0["last_error"])
            }
            return (incident, evidence, timeline, notifications)
        }
    }

    /// How many incidents there are by state and severity.
    public func counts() throws -> [(state: String, severity: String, count: Int)] {
        try store.database.read { database in
            try Row.fetchAll(database, sql: "SELECT state, severity, count(*) AS n FROM incident GROUP BY 1, 2").map {
                ($0["state"], $0["severity"], $0["n"])
            }
        }
    }

    static func incident(_ row: Row) -> Incident {
        Incident(
            number: row["number"], fingerprint: row["fingerprint"], name: row["name"], detector: row["detector"],
            severity: Severity(rawValue: row["severity"]) ?? .info, state: Incident.State(rawValue: row["state"]) ?? .open,
            title: row["title"],
            description: row["description"], labels: decode(row["labels"]) ?? [:],
            startsAt: Timestamp(microseconds: row["starts_at"]),
            lastSeen: Timestamp(microseconds: row["last_seen"]), openedAt: Timestamp(microseconds: row["opened_at"]),
            resolvedAt: (row["resolved_at"] as Int64?).map { Timestamp(microseconds: $0) },
            acknowledgedBy: row["acknowledged_by"], count: row["count"],
            contributions: decode(row["contributions"]) ?? [])
    }

    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
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
