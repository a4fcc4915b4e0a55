import Columns
import Detection
import Foundation
@preconcurrency import GRDB
import Store

/// Incidents, their evidence and timelines, and the notifications that they owe, in the store. A change and what it owes are one transaction.
///
/// Any process may use it: `obs run` and `obs incident ack` write to the same file.
public struct IncidentStore: Sendable {
    public static let migrations =
        tables + SilenceStore.migrations + AlertStore.migrations + NotificationLog.migrations + IncidentTables.migrations
        + Escalation.migrations + [SilenceMatchers.migration] + BelievedTime.migrations + Outbox.migrations

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

    public let store: Store

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
    public func record(_ findings: [Finding], routing route: Route?, policy: IncidentPolicy = IncidentPolicy(), now: Timestamp)
        throws
        -> [Outcome]
    {
        guard !findings.isEmpty else { return [] }
        return try write { try record(findings, routing: route, policy: policy, now: now, $0) }
    }

    func record(
        _ findings: [Finding], routing route: Route?, policy: IncidentPolicy, now: Timestamp, _ database: Database
    ) throws -> [Outcome] {
        try findings.map { try record($0, route, policy, now, database) }
    }

    private func record(
        _ finding: Finding, _ route: Route?, _ policy: IncidentPolicy, _ now: Timestamp, _ database: Database
    ) throws -> Outcome {
        var labels = finding.labels
        labels["alertname"] = finding.name
        let fingerprint = Fingerprint.of(labels)
        labels["severity"] = finding.severity.rawValue
        let last = try Row.fetchOne(
            database.cachedStatement(sql: "SELECT * FROM incident WHERE fingerprint = ? ORDER BY number DESC LIMIT 1"),
            arguments: [fingerprint]
        ).flatMap(Self.incident)
        if let last {
            guard finding.lastSeen > last.lastSeen || finding.count > last.ownCount && last.state != .resolved else {
                return .known
            }
            if last.state != .resolved {
                try database.executeCached(
                    sql:
                        "UPDATE incident SET last_seen = max(last_seen, ?), count = max(count, ?), updated_at = ?, title = ?, description = ? WHERE number = ?",
                    arguments: [
                        finding.lastSeen.microseconds, finding.count, now.microseconds, OutsideText(finding.title).storable,
                        OutsideText(finding.description).storable, last.number,
                    ])
                try add(finding.evidence, to: last.number, database)
                if finding.severity > last.severity { try raise(last, to: finding.severity, labels, route, now, database) }
                if let whole = last.mergedInto {
                    try grow(
                        whole, by: max(0, finding.count - last.ownCount), severity: finding.severity, lastSeen: finding.lastSeen,
                        now, database)
                }
                return .joined(last.id)
            }
            // A part that comes back while the whole is open, and what comes and goes too often, is the incident that it was.
            let whole = try last.mergedInto.flatMap { try Self.fetch($0, database) }
            let isFlapping = try isFlapping(fingerprint, policy, now, database)
            if isFlapping || whole.map({ $0.state != .resolved }) ?? false {
                return try comeBack(last, finding, labels, isFlapping ? policy : nil, whole, route, now, database)
            }
        }
        let whole = try whole(for: finding, labels, policy, database)
        try database.executeCached(
            sql: """
                INSERT INTO incident (fingerprint, name, detector, severity, state, title, description, labels, starts_at, last_seen, opened_at, updated_at, count, contributions, merged_into)
                VALUES (?, ?, ?, ?, 'open', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                fingerprint, finding.name, finding.detector, finding.severity.rawValue, OutsideText(finding.title).storable,
                OutsideText(finding.description).storable, JSONText.object(labels),
                finding.startsAt.microseconds, finding.lastSeen.microseconds, now.microseconds, now.microseconds, finding.count,
                try Self.json(finding.contributions), whole?.whole.number,
            ])
        let number = database.lastInsertedRowID
        try add(finding.evidence, to: number, database)
        try note(
            number, now, actor: "obs", kind: "opened", "opened by \(finding.detector) \(finding.name): \(finding.description)",
            database)
        if let whole, let part = try Self.fetch(number, database) {
            try attach(part, to: whole.whole, because: whole.because, by: "obs", now, database)
        }
        try AlertStore.open(labels, incident: number, startsAt: finding.startsAt, route: route, now: now, database)
        return .opened("INC-\(number)")
    }

    /// An incident is as severe as the worst of its findings. Whoever was told of the lesser one is told of the other.
    private func raise(
        _ incident: Incident, to severity: Severity, _ labels: Labels, _ route: Route?, _ now: Timestamp,
        _ database: Database
    ) throws {
        try database.executeCached(
            sql: "UPDATE incident SET severity = ?, labels = ? WHERE number = ?",
            arguments: [severity.rawValue, JSONText.object(labels), incident.number])
        try note(
            incident.number, now, actor: "obs", kind: "severity",
            "severity raised from \(incident.severity.rawValue) to \(severity.rawValue)",
            database)
        try AlertStore.relabel(labels, incident: incident.number, startsAt: incident.startsAt, route: route, now: now, database)
    }

    /// Opens again what had ended.
    private func comeBack(
        _ incident: Incident, _ finding: Finding, _ labels: Labels, _ flapping: IncidentPolicy?, _ whole: Incident?,
        _ route: Route?,
        _ now: Timestamp, _ database: Database
    ) throws -> Outcome {
        let within = flapping.map { Int($0.flapWithin.inSeconds) }
        try reopen(
            incident, now, actor: "obs",
            within.map { "it came and went too often: from now on it ends only after \($0) s of quiet" } ?? "it was seen again",
            database)
        try database.executeCached(
            sql: "UPDATE incident SET last_seen = max(last_seen, ?), count = max(count, ?), quiet_for = ? WHERE number = ?",
            arguments: [finding.lastSeen.microseconds, finding.count, flapping?.flapWithin.inMicroseconds, incident.number])
        try add(finding.evidence, to: incident.number, database)
        if let whole {
            try grow(
                whole.number, by: max(0, finding.count - incident.ownCount), severity: finding.severity,
                lastSeen: finding.lastSeen, now,
                database)
        }
        try AlertStore.open(labels, incident: incident.number, startsAt: finding.startsAt, route: route, now: now, database)
        return .opened(incident.id)
    }

    private func add(_ evidence: [Evidence], to number: Int64, _ database: Database) throws {
        guard !evidence.isEmpty else { return }
        let known =
            try Int.fetchOne(
                database.cachedStatement(sql: "SELECT count(*) FROM evidence WHERE incident = ?"), arguments: [number]) ?? 0
        for line in evidence.prefix(max(0, Self.maxEvidence - known)) {
            try database.executeCached(
                sql: "INSERT OR IGNORE INTO evidence VALUES (?, ?, ?, ?, ?)",
                arguments: [
                    number, OutsideText(line.file).storable, line.offset, OutsideText(line.line).storable, line.time.microseconds,
                ])
        }
    }

    func note(_ number: Int64, _ at: Timestamp, actor: String, kind: String, _ text: String, _ database: Database) throws {
        try database.executeCached(
            sql: "INSERT INTO timeline (incident, at, actor, kind, text) VALUES (?, ?, ?, ?, ?)",
            arguments: [number, at.microseconds, OutsideText(actor).storable, kind, OutsideText(text).storable])
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

    /// Writes down that a group's receiver is told of an incident.
    static func noteTold(_ receiver: String, _ key: String, of incident: Int64, _ database: Database) throws {
        try database.executeCached(
            sql: "INSERT OR IGNORE INTO incident_told (incident, receiver, group_key) VALUES (?, ?, ?)",
            arguments: [incident, receiver, key])
    }

    // MARK: Ends

    /// Ends an incident and the parts of it that have not ended.
    func resolve(
        _ number: Int64, as resolution: Incident.Resolution, _ now: Timestamp, actor: String, _ text: String, _ database: Database
    ) throws {
        for part in try Int64.fetchAll(
            database.cachedStatement(sql: "SELECT number FROM incident WHERE merged_into = ? AND state <> 'resolved'"),
            arguments: [number])
        {
            try resolve(part, as: resolution, now, actor: actor, text, database)
        }
        try database.executeCached(
            sql: """
                UPDATE incident SET state = 'resolved', resolution = ?1, resolved_at = ?2, updated_at = ?2, changed_by = ?3, quiet_for = NULL
                WHERE number = ?4
                """, arguments: [resolution.rawValue, now.microseconds, actor == "obs" ? nil : actor, number])
        try note(number, now, actor: actor, kind: "resolved", text, database)
        try AlertStore.end(incident: number, now: now, database)
    }

    /// Resolves the incidents of findings that have seen nothing new for `timeout`, and gives how many they were. Posted alerts end by their own times.
    ///
    /// - Parameter passedOver: told of those that could not be resolved, and why; the others are.
    public func resolveQuiet(
        after timeout: Duration, now: Timestamp, passedOver: (Int64, any Error) -> Void = { _, _ in }
    ) throws -> Int {
        // Looked for without the write lock first: this is asked every second, and nearly always there is none.
        let condition = """
            \(IncidentTables.goesOn) AND updated_at < ?1 AND detector <> '\(PostedIncident.detector)' AND (quiet_for IS NULL OR updated_at < ?2 - quiet_for)
            AND NOT EXISTS (SELECT 1 FROM incident p WHERE p.merged_into = incident.number AND p.state <> 'resolved')
            """
        let arguments: StatementArguments = [(now - timeout).microseconds, now.microseconds]
        let isAnyQuiet = try store.database.read { database in
            try Bool.fetchOne(
                database, sql: "SELECT EXISTS (SELECT 1 FROM incident INDEXED BY incident_live WHERE \(condition))",
                arguments: arguments)
                ?? false
        }
        guard isAnyQuiet else { return 0 }
        let (count, failed) = try write { database in
            let quiet = try Row.fetchAll(
                database, sql: "SELECT number, quiet_for FROM incident INDEXED BY incident_live WHERE \(condition)",
                arguments: arguments)
            let failed = try database.eachApart(quiet) { row in
                let seconds = Int64.fromDatabaseValue(row["quiet_for"]).map { Int($0 / 1_000_000) } ?? Int(timeout.inSeconds)
                try resolve(row["number"], as: .quiet, now, actor: "obs", "nothing new for \(seconds) s", database)
            }
            return (quiet.count - failed.count, failed.map { (Int64.fromDatabaseValue($0.item["number"]) ?? 0, $0.error) })
        }
        for (number, error) in failed { passedOver(number, error) }
        return count
    }
}
