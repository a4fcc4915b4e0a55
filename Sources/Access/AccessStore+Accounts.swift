import Columns
import Foundation
@preconcurrency import GRDB
import Store

/// The people who may log in on the page.
extension AccessStore {
    /// A person, without the password.
    public struct Account: Sendable, Equatable {
        /// Actions are recorded under this name.
        public let name: String
        /// What the person may do.
        public let role: Role
        /// When it was created, and by whom.
        public let createdAt: Timestamp, createdBy: String
        /// When the password was set.
        public let passwordAt: Timestamp
        /// Nil before the first log-in.
        public let lastLoginAt: Timestamp?

        init?(_ row: Row) {
            guard let role = Role(rawValue: row["role"]) else { return nil }
            (name, self.role, createdBy) = (row["name"], role, row["created_by"])
            createdAt = Timestamp(microseconds: row["created_at"])
            passwordAt = Timestamp(microseconds: row["password_at"])
            lastLoginAt = (row["last_login_at"] as Int64?).map { Timestamp(microseconds: $0) }
        }
    }

    /// Adds a person.
    ///
    /// - Throws: ``AccessError`` for a name that is taken or cannot be one, a password that is easy to guess, and the role of
    ///   programs.
    public func addAccount(_ name: String, role: Role, password: String, by actor: String, now: Timestamp) throws {
        try Self.check(name: name)
        guard Role.ofPeople.contains(role) else { throw AccessError.roleOfPrograms }
        try PasswordHash.check(password, of: name)
        let hash = try PasswordHash(password)
        try write(by: actor, "user.add", name, detail: role.rawValue, now: now) { database in
            try Self.refuseTaken(name, database)
            // Somebody whom another service calls so.
            try Self.endSessions(of: name, database)
            try database.execute(
                sql: "INSERT INTO account (name, role, password, created_at, created_by, password_at) VALUES (?, ?, ?, ?, ?, ?)",
                arguments: [
                    name, role.rawValue, hash.text, now.microseconds, OutsideText(actor).storable, now.microseconds,
                ])
        }
    }

    /// All people, by name.
    public func accounts() throws -> [Account] {
        try read { try Row.fetchAll($0, sql: "SELECT * FROM account ORDER BY name").compactMap(Account.init) }
    }

    /// Removes a person, who is logged out at once.
    ///
    /// - Throws: ``AccessError/noAccount(_:)``.
    public func removeAccount(_ name: String, by actor: String, now: Timestamp) throws {
        try write(by: actor, "user.remove", name, now: now) { database in
            try database.execute(sql: "DELETE FROM account WHERE name = ?", arguments: [name])
            guard database.changesCount == 1 else { throw AccessError.noAccount(name) }
            try Self.endSessions(of: name, database)
        }
    }

    /// Sets a new password; whoever is logged in with the old one is logged out.
    ///
    /// - Throws: ``AccessError`` when there is no such person, or the password is easy to guess.
    public func setPassword(of name: String, to password: String, by actor: String, now: Timestamp) throws {
        try PasswordHash.check(password, of: name)
        let hash = try PasswordHash(password)
        try write(by: actor, "user.passwd", name, now: now) { database in
            try database.execute(
                sql: "UPDATE account SET password = ?, password_at = ? WHERE name = ?",
                arguments: [hash.text, now.microseconds, name])
            guard database.changesCount == 1 else { throw AccessError.noAccount(name) }
            try Self.endSessions(of: name, database)
        }
    }

    /// The person of a name and password; nil when either is wrong. Takes a tenth of a second of a processor, also for a name
    /// that does not exist: otherwise the time would say which names do.
    public func account(named name: String, password: String) throws -> Account? {
        let row = try read { try Row.fetchOne($0, sql: "SELECT * FROM account WHERE name = ?", arguments: [name]) }
        let matches = PasswordHash(text: row?["password"] ?? Self.nobody).matches(password)
        return matches ? row.flatMap(Account.init) : nil
    }

    /// Compared with where there is no account. No password has this hash.
    private static let nobody =
        "scrypt$32768$8$3$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
}
