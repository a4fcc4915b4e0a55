import Columns
import Foundation
@preconcurrency import GRDB
import Store

/// Who is quiet until when, by whose will and why.
public struct Silence: Sendable {
    public enum State: String, Sendable, CaseIterable { case pending, active, expired }

    public let id: String
    public var matchers: [Matcher]
    public var startsAt: Timestamp
    public var endsAt: Timestamp
    public var updatedAt: Timestamp
    public var createdBy: String
    public var comment: String

    public init(
        id: String, matchers: [Matcher], startsAt: Timestamp, endsAt: Timestamp, updatedAt: Timestamp, createdBy: String,
        comment: String
    ) {
        self.id = id
        self.matchers = matchers
        self.startsAt = startsAt
        self.endsAt = endsAt
        self.updatedAt = updatedAt
        self.createdBy = createdBy
        self.comment = comment
    }

    public func state(at now: Timestamp) -> State { now < startsAt ? .pending : now < endsAt ? .active : .expired }
}

/// The silences in the store. Any process may use it; each change is audited.
public struct SilenceStore: Sendable {
    static let migrations = [
        Migration(
            id: "silences-1",
            sql: """
                CREATE TABLE silence (
                    id TEXT PRIMARY KEY, matchers TEXT NOT NULL, starts_at INTEGER NOT NULL, ends_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
                    created_by TEXT NOT NULL, comment TEXT NOT NULL);
                CREATE INDEX silence_end ON silence (ends_at);
                """)
    ]

    private let store: Store

    public init(_ store: Store) {
        self.store = store
    }

    /// Makes a silence, or changes the one called `id`. As in Alertmanager, a change of what is silenced, or of one that has ended, ends the old and makes a
    /// new one, so that the past stays as it was.
    ///
    /// - Returns: the id that it has from now on.
    /// - Throws: ``AlertingError/noSilence(_:)``, ``AlertingError/badSilence(_:)``.
    public func set(
        id: String? = nil, matchers: [Matcher], startsAt: Timestamp, endsAt: Timestamp, createdBy: String, comment: String,
        now: Timestamp
    ) throws -> String {
        guard matchers.contains(where: { !$0.matches("") }) else {
            throw AlertingError.badSilence(
                "it would match every alert; give at least one matcher that does not match the empty text")
        }
        guard endsAt > startsAt else {
            throw AlertingError.badSilence("it ends at \(endsAt), not after its start at \(startsAt)")
        }
        guard endsAt > now else { throw AlertingError.badSilence("it ended at \(endsAt), which is past") }
        return try store.database.write { database in
            var isNew = true
            if let id {
                guard let old = try Self.find(id, database) else { throw AlertingError.noSilence(id) }
                let state = old.state(at: now)
                let isSame = Set(old.matchers) == Set(matchers)
                isNew =
                    state == .expired || !isSame
                    || state == .active && old.startsAt.microseconds / 1000 != startsAt.microseconds / 1000
                if isNew, state != .expired { try Self.end(old, now, database) }
            }
            let chosen = isNew ? RandomName.uuid() : id!
            // A silence begins now at the earliest: what was told in the past was told. One that goes on keeps its start.
            let start = isNew ? max(startsAt, now) : startsAt
            try database.execute(
                sql: "INSERT OR REPLACE INTO silence VALUES (?, ?, ?, ?, ?, ?, ?)",
                arguments: [
                    chosen, SilenceMatchers.text(matchers), start.microseconds, endsAt.microseconds,
                    now.microseconds, OutsideText(createdBy).storable, OutsideText(comment).storable,
                ])
            try Store.audit(
                database, at: now.microseconds, actor: createdBy, action: "silence.set", subject: chosen, detail: comment)
            return chosen
        }
    }

    /// Ends a silence now; one that has not begun never begins, one that has ended stays as it is.
    public func expire(_ id: String, by actor: String, now: Timestamp) throws {
        try store.database.write { database in
            guard let silence = try Self.find(id, database) else { throw AlertingError.noSilence(id) }
            guard silence.state(at: now) != .expired else { return }
            try Self.end(silence, now, database)
            try Store.audit(database, at: now.microseconds, actor: actor, action: "silence.expire", subject: id)
            try IncidentStore.noteEnd(ofSilence: id, by: actor, now: now, database)
        }
    }

    public func silence(_ id: String) throws -> Silence {
        try store.database.read { database in
            guard let silence = try Self.find(id, database) else { throw AlertingError.noSilence(id) }
            return silence
        }
    }

    /// All that have not ended before `since`, newest end last.
    public func silences(endingAfter since: Timestamp = Timestamp(microseconds: .min)) throws -> [Silence] {
        try store.database.read { try Self.fetch("ends_at > ? ORDER BY ends_at", [since.microseconds], $0) }
    }

    /// Those that have ended, newest end first.
    public func expired(at now: Timestamp, limit: Int) throws -> [Silence] {
        try store.database.read { try Self.fetch("ends_at <= ? ORDER BY ends_at DESC LIMIT ?", [now.microseconds, limit], $0) }
    }

    static func all(_ database: Database) throws -> [Silence] { try fetch("1 ORDER BY ends_at", [], database) }

    /// Those that hold at `now`, within a transaction of somebody else.
    static func active(at now: Timestamp, _ database: Database) throws -> [Silence] {
        try fetch("ends_at > ?1 AND starts_at <= ?1", [now.microseconds], database)
    }

    private static func end(_ silence: Silence, _ now: Timestamp, _ database: Database) throws {
        try database.execute(
            sql: "UPDATE silence SET ends_at = ?1, starts_at = min(starts_at, ?1), updated_at = ?1 WHERE id = ?2",
            arguments: [now.microseconds, silence.id])
    }

    private static func find(_ id: String, _ database: Database) throws -> Silence? { try fetch("id = ?", [id], database).first }

    private static func fetch(_ condition: String, _ arguments: StatementArguments, _ database: Database) throws -> [Silence] {
        // One that cannot be read silences nothing, and keeps no other from being read.
        try Row.fetchAll(database, sql: "SELECT * FROM silence WHERE \(condition)", arguments: arguments).compactMap {
            try? silence($0)
        }
    }

    /// - Throws: when the row is none that this obs has written.
    private static func silence(_ row: Row) throws -> Silence {
        Silence(
            id: try row.decode(forColumn: "id"), matchers: try SilenceMatchers.read(try row.decode(forColumn: "matchers")),
            startsAt: Timestamp(microseconds: try row.decode(forColumn: "starts_at")),
            endsAt: Timestamp(microseconds: try row.decode(forColumn: "ends_at")),
            updatedAt: Timestamp(microseconds: try row.decode(forColumn: "updated_at")),
            createdBy: try row.decode(forColumn: "created_by"), comment: try row.decode(forColumn: "comment"))
    }

    /// The rows that are passed over although their columns are what they are declared as: their matchers are none. Those that are `known` to be unreadable are left out.
    static func unreadable(beside known: [UnreadableRow], _ database: Database) throws -> [UnreadableRow] {
        let known = Set(known.filter { $0.table == "silence" }.map(\.id))
        return try Row.fetchAll(database, sql: "SELECT * FROM silence").compactMap { row in
            guard let id = String.fromDatabaseValue(row["id"]), !known.contains(id) else { return nil }
            do {
                _ = try silence(row)
                return nil
            } catch {
                return UnreadableRow(table: "silence", id: id, reason: "\(error)")
            }
        }
    }
}
