import Columns
import Foundation
@preconcurrency import GRDB
import Store

/// The tokens of programs.
extension AccessStore {
    /// A token without its secret.
    public struct Token: Sendable, Equatable {
        /// Whether it is accepted.
        public enum State: String, Sendable {
            /// It is accepted.
            case valid
            /// Its time is over.
            case expired
            /// Somebody has revoked it.
            case revoked
        }

        let id: Int64
        /// What its owner does is recorded under this name.
        public let name: String
        /// What it may be used for.
        public let role: Role
        /// How its secret begins.
        public let prefix: String
        /// When it was created, and by whom.
        public let createdAt: Timestamp, createdBy: String
        /// Nil for a token that does not expire.
        public let expiresAt: Timestamp?
        /// To ten minutes; nil before its first use.
        public let lastUsedAt: Timestamp?
        let revokedAt: Timestamp?

        /// Whether it is accepted at a time.
        public func state(at now: Timestamp) -> State {
            revokedAt != nil ? .revoked : expiresAt.map { $0 <= now } == true ? .expired : .valid
        }

        /// Nil for a role of a later release: such a token may do nothing here.
        init?(_ row: Row) {
            guard let role = Role(rawValue: row["role"]) else { return nil }
            func time(_ name: String) -> Timestamp? { (row[name] as Int64?).map { Timestamp(microseconds: $0) } }
            (id, name, self.role, prefix) = (row["id"], row["name"], role, row["prefix"])
            (createdAt, createdBy) = (Timestamp(microseconds: row["created_at"]), row["created_by"])
            (expiresAt, lastUsedAt, revokedAt) = (time("expires_at"), time("last_used_at"), time("revoked_at"))
        }
    }

    /// Creates a token.
    ///
    /// - Parameters:
    ///   - name: nil names it as its secret begins.
    ///   - expiresAt: nil for never.
    /// - Returns: the token, and its secret, which cannot be had again.
    /// - Throws: ``AccessError``.
    public func createToken(
        named name: String?, role: Role, expiresAt: Timestamp?, by actor: String, now: Timestamp
    ) throws -> (token: Token, secret: String) {
        let secret = Secret(), name = name ?? secret.prefix
        try Self.check(name: name)
        let end = expiresAt.map { ", until \($0)" } ?? ""
        let token = try write(by: actor, "token.create", name, detail: "\(role.rawValue), \(secret.prefix)\(end)", now: now) {
            database in
            try Self.refuseTaken(name, database)
            try database.execute(
                sql: """
                    INSERT INTO token (name, role, prefix, hash, created_at, created_by, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    name, role.rawValue, secret.prefix, Data(secret.hash), now.microseconds, OutsideText(actor).storable,
                    expiresAt?.microseconds,
                ])
            return try Row.fetchOne(database, sql: "SELECT * FROM token WHERE id = ?", arguments: [database.lastInsertedRowID])
                .flatMap(Token.init)
        }
        guard let token else { throw AccessError.noToken(name) }
        return (token, secret.text)
    }

    /// All tokens, in the order in which they were created.
    public func tokens() throws -> [Token] {
        try read { try Row.fetchAll($0, sql: "SELECT * FROM token ORDER BY id").compactMap(Token.init) }
    }

    /// The token of a secret, whatever its state; nil when there is none.
    public func token(ofSecret secret: String) throws -> Token? {
        // Other texts need no look: they are not secrets of obs.
        guard OutsideText(secret).starts(with: Secret.mark), secret.utf8.count <= 200 else { return nil }
        let hash = Data(Secret.hash(secret))
        return try read { database in
            try database.cachedStatement(sql: "SELECT * FROM token WHERE hash = ?").query(hash).flatMap(Token.init)
        }
    }

    /// Revokes a token: the next request with it is refused.
    ///
    /// - Parameter word: its name, or how its secret begins.
    /// - Throws: ``AccessError``.
    public func revokeToken(_ word: String, by actor: String, now: Timestamp) throws -> Token {
        let known = try tokens().filter { $0.revokedAt == nil }
        let named = known.filter { $0.name == word }
        let found = named.isEmpty && word.utf8.count > Secret.mark.utf8.count ? known.filter { $0.prefix.hasPrefix(word) } : named
        guard let token = found.first else { throw AccessError.noToken(word) }
        guard found.count == 1 else { throw AccessError.severalTokens(word) }
        try write(by: actor, "token.revoke", token.name, detail: "\(token.role.rawValue), \(token.prefix)", now: now) {
            try $0.execute(
                sql: "UPDATE token SET revoked_at = ? WHERE id = ?", arguments: [now.microseconds, token.id])
        }
        return token
    }

    /// How exactly the last use of a token is known: a write per request would be as many as requests.
    static let useInterval = Duration.seconds(600)

    /// Whether the use of a token is to be noted.
    public func isUseNews(_ token: Token, now: Timestamp) -> Bool {
        token.lastUsedAt.map { now - $0 >= Self.useInterval } ?? true
    }

    /// Notes that tokens were used.
    public func noteUse(of token: Token, now: Timestamp) async throws {
        let id = token.id
        try await store.database.write {
            try $0.execute(sql: "UPDATE token SET last_used_at = ? WHERE id = ?", arguments: [now.microseconds, id])
        }
    }
}

extension Statement {
    fileprivate func query(_ hash: Data) throws -> Row? { try Row.fetchOne(self, arguments: [hash]) }
}
