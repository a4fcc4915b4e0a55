import Columns
import Foundation
@preconcurrency import GRDB
import Store

/// Notifications and what has become of them: above all the dead letters, which no integration accepted and which can be sent
/// once more.
///
/// Any process may use it.
public struct NotificationLog: Sendable {
    /// How long sent and dead ones are kept.
    public static let memory = Duration.seconds(30 * 86_400)

    /// A notification.
    public struct Entry: PositionalRow, Sendable {
        static let columns = [
            "id", "receiver", "group_key", "state", "attempts", "created_at", "due_at", "sent_at", "last_error", "payload",
        ]

        /// Identifies it in `obs notification`.
        public var id: Int64
        /// Who was or is to be notified.
        public var receiver: String
        /// Names the group that it is about.
        public var groupKey: String
        /// What has become of it.
        public var state: OutboxState
        /// Tries so far.
        public var attempts: Int
        /// Since when it is pending.
        public var createdAt: Timestamp
        /// When it is tried next.
        public var dueAt: Timestamp
        /// Nil until it is sent.
        public var sentAt: Timestamp?
        /// What went wrong at the last try, in a sentence.
        public var lastError: String?
        /// Of a dead letter: what it was to say, as version 4 of Alertmanager's webhook in JSON.
        public var payload: String?

        /// Reads ``columns``.
        public init(row: Row) throws {
            var reader = RowReader(row)
            id = try reader.next()
            receiver = try reader.next()
            groupKey = try reader.next()
            state = OutboxState(rawValue: try reader.next()) ?? .pending
            attempts = try reader.next()
            createdAt = try reader.time()
            dueAt = try reader.time()
            sentAt = try reader.optionalTime()
            lastError = try reader.optional()
            payload = try reader.optional()
        }
    }

    private let store: Store

    /// The notifications of a database.
    public init(_ store: IncidentStore) { self.store = store.store }

    /// The newest first.
    ///
    /// - Parameters:
    ///   - states: of which; nil is all. A look at a group that waits for its time is pending, whether there will be something
    ///     to say or not.
    ///   - receiver: of whom; nil is all.
    public func entries(states: [OutboxState]? = [.dead, .resending], receiver: String? = nil, limit: Int = 100) throws -> [Entry]
    {
        try store.database.read { database in
            var conditions = ["1"]
            var arguments: [any DatabaseValueConvertible] = []
            if let states {
                conditions.append("state IN (\(states.map { _ in "?" }.joined(separator: ", ")))")
                arguments += states.map(\.rawValue)
            }
            if let receiver {
                conditions.append("receiver = ?")
                arguments.append(receiver)
            }
            return try Entry.readable(
                database.makeStatement(
                    sql: """
                        SELECT \(Entry.columns("o")) FROM outbox o WHERE \(conditions.joined(separator: " AND "))
                        ORDER BY id DESC LIMIT \(max(0, limit))
                        """), StatementArguments(arguments))
        }
    }

    /// - Throws: ``IncidentError/noNotification(_:)``.
    public func entry(_ id: Int64) throws -> Entry { try store.database.read { try Self.find(id, $0) } }

    /// Has a dead letter sent once more, to the integrations that have not accepted it, with the key that it had. It is retried
    /// for as long as a new one.
    ///
    /// - Throws: ``IncidentError/noNotification(_:)``, ``IncidentError/wrongState(_:state:action:)``.
    public func resend(_ id: Int64, by actor: String, now: Timestamp) throws {
        try store.database.write { database in
            let entry = try Self.find(id, database)
            guard entry.state == .dead else {
                throw IncidentError.wrongState("notification \(id)", state: entry.state.rawValue, action: "sent again")
            }
            guard entry.payload != nil else {
                throw IncidentError.badAction(
                    "notification \(id) has lost its payload; drop it with 'obs notification drop \(id)'")
            }
            let delivered: [String] =
                try String.fetchOne(database, sql: "SELECT delivered FROM outbox WHERE id = ?", arguments: [id]).flatMap {
                    IncidentStore.decode($0)
                } ?? []
            // Who refused it is asked again: that is why somebody does this.
            try database.execute(
                sql: """
                    UPDATE outbox SET state = 'resending', attempts = 0, created_at = ?1, due_at = ?1, last_error = NULL,
                        delivered = ?2 WHERE id = ?3
                    """, arguments: [now.microseconds, try IncidentStore.json(delivered.filter { !$0.hasPrefix("!") }), id])
            try Store.audit(
                database, at: now.microseconds, actor: actor, action: "notification.resend", subject: String(id),
                before: "dead after \(entry.attempts) attempts", after: "resending", detail: entry.lastError)
        }
    }

    /// Removes a dead letter.
    ///
    /// - Throws: ``IncidentError/noNotification(_:)``, ``IncidentError/wrongState(_:state:action:)``.
    public func drop(_ id: Int64, by actor: String, now: Timestamp) throws {
        try store.database.write { database in
            let entry = try Self.find(id, database)
            guard entry.state == .dead else {
                throw IncidentError.wrongState("notification \(id)", state: entry.state.rawValue, action: "dropped")
            }
            try database.execute(sql: "DELETE FROM outbox WHERE id = ?", arguments: [id])
            try Store.audit(
                database, at: now.microseconds, actor: actor, action: "notification.drop", subject: String(id),
                before: "dead after \(entry.attempts) attempts", after: "removed", detail: entry.lastError)
        }
    }

    /// How many dead letters there are, by receiver.
    public static func deadLetters(_ database: Database) throws -> [String: Int] {
        try Row.fetchAll(database, sql: "SELECT receiver, count(*) FROM outbox WHERE state = 'dead' GROUP BY 1").reduce(into: [:])
        {
            if let receiver = String.fromDatabaseValue($1[0]) { $0[receiver] = Int.fromDatabaseValue($1[1]) }
        }
    }

    /// Removes what was sent or given up before `time`.
    public static func forget(before time: Timestamp, _ database: Database) throws {
        try database.execute(
            sql: "DELETE FROM outbox WHERE state = 'sent' AND sent_at < ?1 OR state = 'dead' AND created_at < ?1",
            arguments: [time.microseconds])
    }

    private static func find(_ id: Int64, _ database: Database) throws -> Entry {
        let found = try Entry.firstReadable(
            database.cachedStatement(sql: "SELECT \(Entry.columns("o")) FROM outbox o WHERE id = ?"), [id])
        guard let found else { throw IncidentError.noNotification(String(id)) }
        return found
    }
}
