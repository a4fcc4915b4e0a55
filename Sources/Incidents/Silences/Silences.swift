import Columns
import Foundation
@preconcurrency import GRDB
import Store

/// Who is quiet until when, by whose will and why.
public struct Silence: Sendable {
    /// Whether it is yet to begin, holds, or is over.
    public enum State: String, Sendable, CaseIterable { case pending, active, expired }

    /// A random name, which stays.
    public let id: String
    /// An alert that all of them match is not notified.
    public var matchers: [Matcher]
    /// From when it holds.
    public var startsAt: Timestamp
    /// Until when it holds.
    public var endsAt: Timestamp
    /// When it was last changed.
    public var updatedAt: Timestamp
    /// The person who made it.
    public var createdBy: String
    /// Why it was made.
    public var comment: String

    /// A silence as the table has it.
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

    /// Whether it is yet to begin, holds, or is over at `now`.
    public func state(at now: Timestamp) -> State { now < startsAt ? .pending : now < endsAt ? .active : .expired }

    /// For the audit: its matchers, and from when to when it holds.
    var inWords: String { "\(matchers.map(\.description).joined(separator: ", ")) from \(startsAt) to \(endsAt)" }
}

/// The silences in the store. Any process may use it; each change is audited.
public struct SilenceStore: Sendable {
    private let store: Store

    /// The silences of a database.
    public init(_ store: Store) {
        self.store = store
    }

    /// Makes a silence, or changes the one called `id`. As in Alertmanager, a change of what is silenced, or of one that has
    /// ended, ends the old and makes a new one, so that the past stays as it was.
    ///
    /// - Returns: the id that it has from now on.
    /// - Throws: ``IncidentError/noSilence(_:)``, ``IncidentError/badSilence(_:)``.
    public func set(
        id: String? = nil, matchers: [Matcher], startsAt: Timestamp, endsAt: Timestamp, createdBy: String, comment: String,
        now: Timestamp
    ) throws -> String {
        guard matchers.contains(where: { !$0.matches("") }) else {
            throw IncidentError.badSilence(
                "it would match every alert; give at least one matcher that does not match the empty text")
        }
        guard endsAt > startsAt else {
            throw IncidentError.badSilence("it ends at \(endsAt), not after its start at \(startsAt)")
        }
        guard endsAt > now else { throw IncidentError.badSilence("it ended at \(endsAt), which is past") }
        return try store.database.write { database in
            var isNew = true, before: String?
            if let id {
                guard let old = try Self.find(id, database) else { throw IncidentError.noSilence(id) }
                before = old.inWords
                let state = old.state(at: now)
                let isSame = Set(old.matchers) == Set(matchers)

                isNew =
                    state == .expired || !isSame
                    || state == .active && old.startsAt.microseconds / 1000 != startsAt.microseconds / 1000
                if isNew, state != .expired { try Self.end(old, now, database) }
            }
            let chosen = isNew ? RandomName.uuid() : id!
            // A silence begins now at the earliest: it cannot change past notifications. One that is only changed keeps its
            // start.
            let start = isNew ? max(startsAt, now) : startsAt
            try database.execute(
                sql: "INSERT OR REPLACE INTO silence VALUES (?, ?, ?, ?, ?, ?, ?)",
                arguments: [
                    chosen, SilenceMatchers.text(matchers), start.microseconds, endsAt.microseconds,
                    now.microseconds, OutsideText(createdBy).storable, OutsideText(comment).storable,
                ])
            try Store.audit(
                database, at: now.microseconds, actor: createdBy, action: "silence.set", subject: chosen, before: before,
                after: Self.find(chosen, database)?.inWords, detail: comment)
            return chosen
        }
    }

    /// Ends a silence now; one that has not begun never begins, one that has ended stays as it is.
    public func expire(_ id: String, by actor: String, now: Timestamp) throws {
        try store.database.write { database in
            guard let silence = try Self.find(id, database) else { throw IncidentError.noSilence(id) }
            guard silence.state(at: now) != .expired else { return }
            try Self.end(silence, now, database)
            try Store.audit(
                database, at: now.microseconds, actor: actor, action: "silence.expire", subject: id, before: silence.inWords,
                after: Self.find(id, database)?.inWords)
            try IncidentLedger.noteEnd(ofSilence: id, by: actor, now: now, database)
        }
    }

    /// One silence.
    ///
    /// - Throws: ``IncidentError/noSilence(_:)`` also when it cannot be read.
    public func silence(_ id: String) throws -> Silence {
        try store.database.read { database in
            guard let silence = try Self.find(id, database) else { throw IncidentError.noSilence(id) }
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

    /// All that can be read, newest end last; within a transaction of the caller.
    public static func all(_ database: Database) throws -> [Silence] { try fetch("1 ORDER BY ends_at", [], database) }

    /// Those that hold at `now`, within a transaction of somebody else.
    public static func active(at now: Timestamp, _ database: Database) throws -> [Silence] {
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
        try SilenceRow.readable(
            database.cachedStatement(sql: "SELECT \(SilenceRow.columns("s")) FROM silence s WHERE \(condition)"), arguments
        ).map(\.silence)
    }

    /// The rows that are passed over although their columns are what they are declared as, because their matchers are none.
    /// Those that are `known` to be unreadable are left out.
    static func unreadable(beside known: [UnreadableRow], _ database: Database) throws -> [UnreadableRow] {
        let known = Set(known.filter { $0.table == "silence" }.map(\.id))
        return try Row.fetchAll(database, sql: "SELECT \(SilenceRow.columns("s")) FROM silence s").compactMap { row in
            guard let id = String.fromDatabaseValue(row[0]), !known.contains(id) else { return nil }
            do {
                _ = try SilenceRow(row: row)
                return nil
            } catch {
                return UnreadableRow(table: "silence", id: id, reason: "\(error)")
            }
        }
    }
}

/// A row of the table `silence`.
struct SilenceRow: PositionalRow {
    static let columns = ["id", "matchers", "starts_at", "ends_at", "updated_at", "created_by", "comment"]

    let silence: Silence

    init(row: Row) throws {
        var reader = RowReader(row)
        silence = Silence(
            id: try reader.next(), matchers: try SilenceMatchers.read(try reader.next()), startsAt: try reader.time(),
            endsAt: try reader.time(), updatedAt: try reader.time(), createdBy: try reader.next(), comment: try reader.next())
    }
}
