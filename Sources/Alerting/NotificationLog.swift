import Columns
import Foundation
@preconcurrency import GRDB
import Store

/// What was owed to receivers and what has become of it: above all the dead letters, which nobody took and which can be sent once more.
///
/// Any process may use it.
public struct NotificationLog: Sendable {
    static let migrations = [
        Migration(
            id: "notifications-1",
            sql: """
                -- What a dead letter was to say (the webhook's payload), and whether something that fires was the news.
                ALTER TABLE outbox ADD COLUMN payload TEXT;
                ALTER TABLE outbox ADD COLUMN reason TEXT;
                CREATE INDEX outbox_sent ON outbox (state, sent_at);
                """)
    ]

    /// How long sent and dead ones are kept.
    static let memory = Duration.seconds(30 * 86_400)

    public struct Entry: Sendable {
        public var id: Int64
        public var receiver: String
        public var groupKey: String
        /// `pending`, `sent`, `dead`, or `resending`: dead, and to be sent once more.
        public var state: String
        public var attempts: Int
        public var createdAt: Timestamp
        public var dueAt: Timestamp
        public var sentAt: Timestamp?
        public var lastError: String?
        /// Of a dead letter: what it was to say, as version 4 of Alertmanager's webhook in JSON.
        public var payload: String?
    }

    private let store: Store

    public init(_ store: IncidentStore) { self.store = store.store }

    /// The newest first.
    ///
    /// - Parameters:
    ///   - states: of which; nil is all. A look at a group that waits for its time is pending, whether there will be something to tell or not.
    ///   - receiver: of whom; nil is all.
    public func entries(states: [String]? = ["dead", "resending"], receiver: String? = nil, limit: Int = 100) throws -> [Entry] {
        try store.database.read { database in
            var conditions = ["1"]
            var arguments: [any DatabaseValueConvertible] = []
            if let states {
                conditions.append("state IN (\(states.map { _ in "?" }.joined(separator: ", ")))")
                arguments += states
            }
            if let receiver {
                conditions.append("receiver = ?")
                arguments.append(receiver)
            }
            return try Row.fetchAll(
                database,
                sql:
                    "SELECT * FROM outbox WHERE \(conditions.joined(separator: " AND ")) ORDER BY id DESC LIMIT \(max(0, limit))",
                arguments: StatementArguments(arguments)
            ).map(Self.entry)
        }
    }

    /// - Throws: ``AlertingError/noNotification(_:)``.
    public func entry(_ id: Int64) throws -> Entry { try store.database.read { try Self.find(id, $0) } }

    /// Has a dead letter sent once more, to those who have not taken it, with the key that it had. It is tried anew for as long as a new one.
    ///
    /// - Throws: ``AlertingError/noNotification(_:)``, ``AlertingError/wrongState(_:state:action:)``.
    public func resend(_ id: Int64, by actor: String, now: Timestamp) throws {
        try store.database.write { database in
            let entry = try Self.find(id, database)
            guard entry.state == "dead" else {
                throw AlertingError.wrongState("notification \(id)", state: entry.state, action: "sent again")
            }
            guard entry.payload != nil else {
                throw AlertingError.badValue(
                    "notification \(id) is from before obs kept what dead letters say; it cannot be sent again")
            }
            let delivered: [String] =
                try String.fetchOne(database, sql: "SELECT delivered FROM outbox WHERE id = ?", arguments: [id]).flatMap {
                    IncidentStore.decode($0)
                } ?? []
            // Who refused it is asked again: that is why somebody does this.
            try database.execute(
                sql: """
                    UPDATE outbox SET state = 'resending', attempts = 0, created_at = ?1, due_at = ?1, last_error = NULL, delivered = ?2 WHERE id = ?3
                    """, arguments: [now.microseconds, try IncidentStore.json(delivered.filter { !$0.hasPrefix("!") }), id])
            try Store.audit(database, at: now.microseconds, actor: actor, action: "notification.resend", subject: String(id))
        }
    }

    /// Removes a dead letter.
    ///
    /// - Throws: ``AlertingError/noNotification(_:)``, ``AlertingError/wrongState(_:state:action:)``.
    public func drop(_ id: Int64, by actor: String, now: Timestamp) throws {
        try store.database.write { database in
            let entry = try Self.find(id, database)
            guard entry.state == "dead" else {
                throw AlertingError.wrongState("notification \(id)", state: entry.state, action: "dropped")
            }
            try database.execute(sql: "DELETE FROM outbox WHERE id = ?", arguments: [id])
            try Store.audit(
                database, at: now.microseconds, actor: actor, action: "notification.drop", subject: String(id),
                detail: entry.lastError)
        }
    }

    /// How many dead letters there are, by receiver.
    static func deadLetters(_ database: Database) throws -> [String: Int] {
        try Row.fetchAll(database, sql: "SELECT receiver, count(*) FROM outbox WHERE state = 'dead' GROUP BY 1").reduce(into: [:])
        {
            $0[$1[0] as String] = $1[1] as Int
        }
    }

    /// Removes what was sent or given up before `time`.
    static func forget(before time: Timestamp, _ database: Database) throws {
        try database.execute(
            sql: "DELETE FROM outbox WHERE state = 'sent' AND sent_at < ?1 OR state = 'dead' AND created_at < ?1",
            arguments: [time.microseconds])
    }

    private static func find(_ id: Int64, _ database: Database) throws -> Entry {
        guard let row = try Row.fetchOne(database, sql: "SELECT * FROM outbox WHERE id = ?", arguments: [id]) else {
            throw AlertingError.noNotification(String(id))
        }
        return entry(row)
    }

    private static func entry(_ row: Row) -> Entry {
        Entry(
            id: row["id"], receiver: row["receiver"], groupKey: row["group_key"], state: row["state"], attempts: row["attempts"],
            createdAt: Timestamp(microseconds: row["created_at"]), dueAt: Timestamp(microseconds: row["due_at"]),
            sentAt: (row["sent_at"] as Int64?).map { Timestamp(microseconds: $0) }, lastError: row["last_error"],
            payload: row["payload"])
    }
}
