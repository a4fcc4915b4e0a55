import Columns
import Foundation
import GRDB
import Store
import TestSupport
import Testing

@testable import Access

struct `A token` {
    private let folder = TemporaryFolder()
    private let access: AccessStore
    private let now = Timestamp(year: 2026, month: 11, day: 28)

    init() throws {
        access = AccessStore(try Store(path: folder.path + "/obs.db", migrations: AccessStore.migrations))
    }

    private func make(_ name: String? = nil, _ role: Role = .viewer, expiresAt: Timestamp? = nil) throws
        -> (token: AccessStore.Token, secret: String)
    {
        try access.createToken(named: name, role: role, expiresAt: expiresAt, by: "ann", now: now)
    }

    private func audit() throws -> [String] {
        try access.store.database.read {
            try Row.fetchAll($0, sql: "SELECT actor, action, subject, detail FROM audit ORDER BY id").map { row in
                (0..<4).map { (row[$0] as String?) ?? "" }.joined(separator: " ")
            }
        }
    }

    @Test func `has 256 random bits after a prefix that tells what it is`() {
        let secrets = (0..<100).map { _ in Secret().text }
        #expect(Set(secrets).count == 100)
        for secret in secrets { #expect(secret.wholeMatch(of: /obs_[0-9a-f]{64}/) != nil) }
        // Each bit of the 256 is set in some and not in others.
        let bits = secrets.map { secret in
            secret.dropFirst(4).flatMap { digit in (0..<4).map { digit.hexDigitValue! >> $0 & 1 } }
        }
        for place in 0..<256 { #expect(Set(bits.map { $0[place] }).count == 2) }
    }

    @Test func `is found by its secret, of which the database has only the hash`() throws {
        let made = try make("prometheus")
        #expect(try access.token(ofSecret: made.secret) == made.token)
        #expect(made.token.prefix == made.secret.prefix(12))
        let last = made.secret.last! == "0" ? "1" : "0"
        for wrong in ["", "obs_", made.token.prefix, made.secret + "0", made.secret.dropLast() + last, made.secret.uppercased()] {
            #expect(try access.token(ofSecret: wrong) == nil)
        }
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasPrefix("obs.db") }
        for file in files {
            let bytes = try Data(contentsOf: URL(filePath: folder.path + "/" + file))
            #expect(bytes.firstRange(of: Data(made.secret.utf8.dropFirst(12).prefix(20))) == nil, "\(file)")
        }
    }

    @Test func `is refused once its time is over, or somebody has revoked it`() throws {
        let made = try make("a", expiresAt: now + .seconds(60))
        func state(_ seconds: Int64) throws -> AccessStore.Token.State? {
            try access.token(ofSecret: made.secret)?.state(at: now + .seconds(seconds))
        }
        #expect(try state(59) == .valid)
        #expect(try state(60) == .expired)
        _ = try access.revokeToken("a", by: "bob", now: now)
        #expect(try state(0) == .revoked)
        #expect(throws: AccessError.self) { try access.revokeToken("a", by: "bob", now: now) }
    }

    @Test func `is revoked by its name or how it begins, when only one is meant`() throws {
        let first = try make("a"), second = try make("b"), third = try make()
        #expect(third.token.name == third.token.prefix)
        #expect(try access.revokeToken(second.token.prefix, by: "ann", now: now).name == "b")
        #expect(throws: AccessError.self) { try access.revokeToken("obs_", by: "ann", now: now) }
        #expect(throws: AccessError.self) { try access.revokeToken("", by: "ann", now: now) }
        #expect(try access.tokens().map { $0.state(at: now) } == [.valid, .revoked, .valid])
        #expect(try access.token(ofSecret: first.secret)?.state(at: now) == .valid)
    }

    @Test(arguments: ["", "a b", "a\u{0}b", "<b>", "ann\u{301}", "a/b", String(repeating: "a", count: 65)])
    func `has a name that can be shown anywhere as it is`(name: String) {
        #expect(throws: AccessError.self) { try make(name) }
    }

    @Test func `has a name of its own until it is revoked`() throws {
        _ = try make("a")
        #expect(throws: AccessError.self) { try make("a") }
        _ = try access.revokeToken("a", by: "ann", now: now)
        _ = try make("a")
        #expect(try access.tokens().count == 2)
    }

    @Test func `has its last use noted, to ten minutes`() async throws {
        let made = try make("a")
        #expect(access.isUseNews(made.token, now: now))
        try await access.noteUse(of: made.token, now: now)
        let used = try #require(try access.tokens().first)
        #expect(used.lastUsedAt == now)
        #expect(!access.isUseNews(used, now: now + .seconds(599)))
        #expect(access.isUseNews(used, now: now + .seconds(600)))
    }

    @Test func `leaves who made and revoked it in the audit, without its secret`() throws {
        let made = try make("a", .ingest)
        _ = try access.revokeToken("a", by: "bob", now: now)
        #expect(
            try audit() == [
                "ann token.create a ingest, \(made.token.prefix)", "bob token.revoke a ingest, \(made.token.prefix)",
            ])
    }
}

struct `A role` {
    @Test(arguments: [
        (Role.viewer, [Permission.view]), (.responder, [.view, .respond]), (.ingest, [.push]), (.admin, Permission.allCases),
    ])
    func `may do what it is for and nothing else`(role: Role, permissions: [Permission]) {
        #expect(Permission.allCases.filter(role.may) == permissions)
    }
}
