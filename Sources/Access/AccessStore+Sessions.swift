import Columns
import Foundation
@preconcurrency import GRDB
import Store

/// Who is logged in on the page.
extension AccessStore {
    /// A person who is logged in.
    public struct Session: Sendable, Equatable {
        /// The name of the person.
        public let person: String
        /// Of the account, as it is now.
        public let role: Role
        /// When the person logged in.
        public let createdAt: Timestamp
        /// From then on the person has to log in again.
        public let expiresAt: Timestamp
    }

    /// How long a log-in holds: a shift.
    public static let sessionLength = Duration.seconds(12 * 3600)

    /// Logs a person in.
    ///
    /// - Parameters:
    ///   - role: of a person whom another service vouches for; nil for that of the account.
    ///   - address: where the person is.
    /// - Returns: the secret of the session, for the cookie.
    /// - Throws: ``AccessError/nameTaken(_:)`` when a token or an account has the name of a person of another service.
    public func openSession(of person: String, role: Role? = nil, from address: String, now: Timestamp) throws -> String {
        let secret = Secret()
        let how = role.map { ", with the role \($0.rawValue) by another service" } ?? ""
        try write(by: person, "session.open", person, detail: "from \(address)\(how)", now: now) { database in
            // In the audit nobody could tell the two apart.
            if role != nil { try Self.refuseTaken(person, database) }
            try database.execute(sql: "DELETE FROM session WHERE expires_at <= ?", arguments: [now.microseconds])
            try database.execute(
                sql: """
                    INSERT INTO session (hash, person, role, created_at, expires_at, address) VALUES (?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    Data(secret.hash), person, role?.rawValue, now.microseconds, (now + Self.sessionLength).microseconds, address,
                ])
            try database.execute(
                sql: "UPDATE account SET last_login_at = ? WHERE name = ?", arguments: [now.microseconds, person])
        }
        return secret.text
    }

    /// The session of a secret; nil when it has ended, or its account has gone.
    public func session(ofSecret secret: String, now: Timestamp) throws -> Session? {
        guard OutsideText(secret).starts(with: Secret.mark), secret.utf8.count <= 200 else { return nil }
        let hash = Data(Secret.hash(secret))
        let row = try read { database in
            try Row.fetchOne(
                database,
                sql: """
                    SELECT person, coalesce(session.role, account.role) AS role, session.created_at, expires_at
                    FROM session LEFT JOIN account ON account.name = person WHERE hash = ? AND expires_at > ?
                    """, arguments: [hash, now.microseconds])
        }
        guard let row, let role = (row["role"] as String?).flatMap(Role.init) else { return nil }
        return Session(
            person: row["person"], role: role, createdAt: Timestamp(microseconds: row["created_at"]),
            expiresAt: Timestamp(microseconds: row["expires_at"]))
    }

    /// Logs out.
    public func endSession(ofSecret secret: String, by person: String, now: Timestamp) throws {
        try write(by: person, "session.end", person, now: now) {
            try $0.execute(sql: "DELETE FROM session WHERE hash = ?", arguments: [Data(Secret.hash(secret))])
        }
    }

    /// Logs a person out everywhere, also one without an account.
    ///
    /// - Throws: ``AccessError/notLoggedIn(_:)``.
    public func endSessions(of person: String, by actor: String, now: Timestamp) throws {
        try write(by: actor, "user.logout", person, now: now) { database in
            try Self.endSessions(of: person, database)
            guard database.changesCount > 0 else { throw AccessError.notLoggedIn(person) }
        }
    }

    static func endSessions(of person: String, _ database: Database) throws {
        try database.execute(sql: "DELETE FROM session WHERE person = ?", arguments: [person])
    }

    /// What the forms of a session must bring: a page of another site cannot know it, and it tells nothing about the secret.
    public static func formToken(ofSecret secret: String) -> String { Secret.hexadecimal(Secret.hash("form " + secret)) }

    /// Whether two secrets are the same, in a time that says nothing about where they differ.
    public static func isSame(_ left: String, _ right: String) -> Bool { Secret.hash(left) == Secret.hash(right) }
}
