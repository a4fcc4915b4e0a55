import Columns
@preconcurrency import GRDB
import Store

/// Tokens, accounts and sessions in the store. Any process may change them, and a running obs applies it to the next request.
/// Each change is audited in its transaction.
public struct AccessStore: Sendable {
    package let store: Store

    /// Those of an opened database, whose layout has ``migrations``.
    public init(_ store: Store) {
        self.store = store
    }

    func read<Value>(_ body: (Database) throws -> Value) throws -> Value { try store.database.read(body) }

    /// Changes something and notes it in one transaction.
    func write<Value>(
        by actor: String, _ action: String, _ subject: String, detail: String? = nil, now: Timestamp,
        _ body: (Database) throws -> Value
    ) throws -> Value {
        try store.database.write { database in
            let value = try body(database)
            try Store.audit(
                database, at: now.microseconds, actor: actor, action: action, subject: subject, detail: detail)
            return value
        }
    }

    /// Names of tokens and people: what a page, a header and a shell show as it is.
    ///
    /// - Throws: ``AccessError/badName(_:)``.
    static func check(name: String) throws(AccessError) {
        let isPlain = name.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "@")].contains(byte)
        }
        guard isPlain, (1...64).contains(name.utf8.count) else { throw .badName(name) }
    }

    /// Refuses the name of a token or a person that exists: in the audit nobody could tell them apart.
    static func refuseTaken(_ name: String, _ database: Database) throws {
        if try isTaken(name, database) { throw AccessError.nameTaken(name) }
    }

    private static func isTaken(_ name: String, _ database: Database) throws -> Bool {
        try Bool.fetchOne(
            database,
            sql: """
                SELECT EXISTS (SELECT 1 FROM token WHERE name = ?1 AND revoked_at IS NULL)
                    OR EXISTS (SELECT 1 FROM account WHERE name = ?1)
                """, arguments: [name]) ?? false
    }

    /// Whether a token or a person of obs has a name, so that nobody else may act under it.
    package func isTaken(_ name: String) throws -> Bool { try read { try Self.isTaken(name, $0) } }

    /// Whether anybody has a password here.
    package func hasAccounts() throws -> Bool {
        try read { try Bool.fetchOne($0, sql: "SELECT EXISTS (SELECT 1 FROM account)") ?? false }
    }

    /// Whether anybody could pass where access is required: there is a token that holds, or an account.
    public func hasCredentials(now: Timestamp) throws -> Bool {
        try read { database in
            try Bool.fetchOne(
                database,
                sql: """
                    SELECT EXISTS (SELECT 1 FROM account) OR EXISTS (
                        SELECT 1 FROM token WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?))
                    """, arguments: [now.microseconds]) ?? false
        }
    }
}

/// What cannot be done with a token, an account or a session.
public enum AccessError: Error, CustomStringConvertible {
    case badName(String)
    case nameTaken(String)
    case noToken(String)
    case severalTokens(String)
    case noAccount(String)
    case notLoggedIn(String)
    case badPassword(String)
    case roleOfPrograms

    /// One sentence: what is wrong, and what to do.
    public var description: String {
        switch self {
        case .badName(let name):
            "'\(OutsideText(name).prefix(80))' cannot be a name; write 1 to 64 letters, digits and . - _ @"
        case .nameTaken(let name): "there is already a token or a user '\(name)'; choose another name"
        case .noToken(let word):
            "there is no token '\(OutsideText(word).prefix(80))' that could be revoked; 'obs token list' shows their names"
        case .severalTokens(let word): "several tokens begin with '\(word)'; write the name of one, or more of its prefix"
        case .noAccount(let name): "there is no user '\(OutsideText(name).prefix(80))'; 'obs user list' shows all"
        case .notLoggedIn(let name): "nobody is logged in as '\(OutsideText(name).prefix(80))'; there is nothing to end"
        case .badPassword(let reason): "the password is refused: \(reason)"
        case .roleOfPrograms: "the role 'ingest' is for tokens; give a person viewer, responder or admin"
        }
    }
}
