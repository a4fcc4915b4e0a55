import Columns
import Foundation
import GRDB
import Store
import TestSupport
import Testing

@testable import Access

struct `A person` {
    private let folder = TemporaryFolder()
    private let access: AccessStore
    private let now = Timestamp(year: 2026, month: 11, day: 28)
    private let password = "correct horse battery"

    init() throws {
        access = AccessStore(try Store(path: folder.path + "/obs.db", migrations: AccessStore.migrations))
    }

    private func add(_ name: String = "ann", _ role: Role = .responder, _ password: String? = nil) throws {
        try access.addAccount(name, role: role, password: password ?? self.password, by: "root", now: now)
    }

    @Test func `is known by name and password, of which the database has only a hash of its own`() throws {
        try add()
        try add("bob")
        #expect(try access.account(named: "ann", password: password)?.role == .responder)
        for (name, wrong) in [
            ("ann", "correct horse batterz"), ("ann", ""), ("ANN", password), ("cid", password), ("ann", password + " "),
        ] { #expect(try access.account(named: name, password: wrong) == nil) }
        let hashes = try access.store.database.read { try String.fetchAll($0, sql: "SELECT password FROM account") }
        #expect(Set(hashes).count == 2)
        for hash in hashes { #expect(hash.hasPrefix("scrypt$32768$8$3$") && !hash.contains("horse")) }
    }

    @Test func `may type a letter in either form of Unicode`() throws {
        try add("ann", .viewer, "caf\u{E9} au lait noir")
        #expect(try access.account(named: "ann", password: "cafe\u{301} au lait noir") != nil)
    }

    @Test(arguments: [
        ("short", "at least 12"), ("aaaaaaaaaaaaaaaa", "same few"), ("xx-Ann-xxyyzzqq", "name of the user"),
        (String(repeating: "abcdefgh", count: 126), "more than 1000"),
    ])
    func `has no password that is easy to guess`(password: String, reason: String) throws {
        let error = #expect(throws: AccessError.self) { try add("ann", .viewer, password) }
        #expect(error?.description.contains(reason) == true)
        #expect(try access.accounts().isEmpty)
    }

    @Test func `has a name that no token has, and a role for people`() throws {
        _ = try access.createToken(named: "ann", role: .viewer, expiresAt: nil, by: "root", now: now)
        #expect(throws: AccessError.self) { try add("ann") }
        #expect(throws: AccessError.self) { try add("bob", .ingest) }
        #expect(throws: AccessError.self) { try add("a b") }
    }

    @Test func `is logged in for a shift, by a secret of which the hash is kept`() throws {
        try add()
        let secret = try access.openSession(of: "ann", from: "192.0.2.1", now: now)
        #expect(try access.session(ofSecret: secret, now: now)?.person == "ann")
        #expect(try access.session(ofSecret: secret, now: now + .seconds(12 * 3600 - 1)) != nil)
        #expect(try access.session(ofSecret: secret, now: now + .seconds(12 * 3600)) == nil)
        #expect(try access.session(ofSecret: secret + "0", now: now) == nil)
        #expect(try access.session(ofSecret: "", now: now) == nil)
        let kept = try access.store.database.read { try Row.fetchAll($0, sql: "SELECT * FROM session").description }
        #expect(!kept.contains(secret.dropFirst(4)))
        try access.endSession(ofSecret: secret, by: "ann", now: now)
        #expect(try access.session(ofSecret: secret, now: now) == nil)
    }

    @Test func `is logged out everywhere by a new password, and by being removed`() throws {
        try add()
        let first = try access.openSession(of: "ann", from: "192.0.2.1", now: now)
        try access.setPassword(of: "ann", to: "another horse battery", by: "root", now: now)
        #expect(try access.session(ofSecret: first, now: now) == nil)
        #expect(try access.account(named: "ann", password: password) == nil)
        let second = try access.openSession(of: "ann", from: "192.0.2.1", now: now)
        try access.removeAccount("ann", by: "root", now: now)
        #expect(try access.session(ofSecret: second, now: now) == nil)
        #expect(throws: AccessError.self) { try access.removeAccount("ann", by: "root", now: now) }
        #expect(throws: AccessError.self) { try access.setPassword(of: "ann", to: password, by: "root", now: now) }
        let actions = try access.store.database.read { try String.fetchAll($0, sql: "SELECT action FROM audit ORDER BY id") }
        #expect(actions == ["user.add", "session.open", "user.passwd", "session.open", "user.remove"])
    }
}
