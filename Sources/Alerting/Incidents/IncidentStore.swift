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
        + IncidentLifeTables.migrations

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
    static let maxEvidence = 50

    public let store: Store

    public init(_ store: Store) {
        self.store = store
    }

    // MARK: Findings

    /// What a finding led to.
    public enum Outcome: Sendable, Equatable {
        case opened(String)
        case joined(String)
        /// It had been over for long: an incident was opened and resolved, and nobody is notified of it alone.
        case foundInPast(String)
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

    /// Resolves the incidents of findings that end by themselves and have seen nothing new for long enough, and gives how many they were. Posted alerts end by their own times;
    /// what ends by hand, and what somebody has, does not end here.
    ///
    /// - Parameters:
    ///   - timeout: how long that is where the rule does not say.
    ///   - passedOver: told of those that could not be resolved, and why; the others are.
    public func resolveQuiet(
        after timeout: Duration, now: Timestamp, passedOver: (Int64, any Error) -> Void = { _, _ in }
    ) throws -> Int {
        try Self.quietEnds.reduce(0) {
            try $0 + resolveQuiet($1.index, $1.condition, after: timeout, now: now, passedOver: passedOver)
        }
    }

    /// Those of the common time and those of their rule's: each walks an index that holds no others.
    private static let quietEnds = [
        (index: "incident_ends_by_quiet", condition: "ends_after IS NULL AND updated_at < ?1"),
        (index: "incident_ends_by_own_quiet", condition: "ends_after IS NOT NULL AND updated_at < ?2 - ends_after"),
    ]

    private func resolveQuiet(
        _ index: String, _ isQuiet: String, after timeout: Duration, now: Timestamp, passedOver: (Int64, any Error) -> Void
    ) throws -> Int {
        // Looked for without the write lock first: this is asked every second, and nearly always there is none.
        let condition = """
            \(IncidentLifeTables.endsByQuiet) AND \(isQuiet) AND (quiet_for IS NULL OR updated_at < ?2 - quiet_for)
            AND NOT EXISTS (SELECT 1 FROM incident p WHERE p.merged_into = incident.number AND p.state <> 'resolved')
            """
        let arguments: StatementArguments = [(now - timeout).microseconds, now.microseconds]
        let isAnyQuiet = try store.database.read { database in
            try Bool.fetchOne(
                database, sql: "SELECT EXISTS (SELECT 1 FROM incident INDEXED BY \(index) WHERE \(condition))",
                arguments: arguments)
                ?? false
        }
        guard isAnyQuiet else { return 0 }
        let (count, failed) = try write { database in
            let quiet = try Row.fetchAll(
                database, sql: "SELECT number, quiet_for, ends_after FROM incident INDEXED BY \(index) WHERE \(condition)",
                arguments: arguments)
            let failed = try database.eachApart(quiet) { row in
                let own = max(
                    Int64.fromDatabaseValue(row["quiet_for"]) ?? 0,
                    Int64.fromDatabaseValue(row["ends_after"]) ?? timeout.inMicroseconds)
                try resolve(
                    row["number"], as: .quiet, now, actor: "obs",
                    "nothing new for \(Int(Duration.microseconds(own).inSeconds)) s", database)
            }
            return (quiet.count - failed.count, failed.map { (Int64.fromDatabaseValue($0.item["number"]) ?? 0, $0.error) })
        }
        for (number, error) in failed { passedOver(number, error) }
        return count
    }
}
