import Columns
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Store

struct `The chain of the audit` {
    private let directory = TemporaryFolder()
    private let store: Store

    private static let columns = ["at", "actor", "action", "subject", "before", "after", "detail", "origin", "hash"]

    init() throws {
        store = try Store(path: directory.path + "/obs.db", migrations: [])
        let day: Int64 = 86_400_000_000
        try store.database.write { database in
            for number in Int64(1)...9 {
                try Store.$auditOrigin.withValue("192.0.2.\(number)") {
                    try Store.audit(
                        database, at: number * day, actor: "ann", action: "incident.acknowledge", subject: "INC-\(number)",
                        before: number % 2 == 0 ? "open" : nil, after: "acknowledged by ann é\u{FFFD}", detail: "")
                }
            }
            // Two of them are too old, and a third is younger than a day more.
            try Store.removeAudit(before: Timestamp(microseconds: 3 * day), now: Timestamp(microseconds: 9 * day), database)
        }
    }

    /// What is found after statements that are taken back.
    private func found(after statements: [(sql: String, arguments: StatementArguments)]) throws -> AuditVerification {
        var found = AuditVerification()
        try store.database.writeWithoutTransaction { database in
            try database.inTransaction {
                for (sql, arguments) in statements { try database.execute(sql: sql, arguments: arguments) }
                found = try Store.auditVerification(database)
                return .rollback
            }
        }
        return found
    }

    private func found(after sql: String...) throws -> AuditVerification { try found(after: sql.map { ($0, []) }) }

    @Test func `is whole as obs writes it, after the removal of old entries too`() throws {
        let found = try store.auditVerification()
        #expect(found.problem == nil && found.entries == 8, "seven of nine, and the one about the removal")
        #expect(found.head.hasPrefix("10:"))
        #expect(try store.auditVerification(expecting: found.head).problem == nil)
        #expect(try store.auditVerification(expecting: String(found.head.dropFirst(3)).uppercased()).problem == nil)
        try store.database.write { try Store.audit($0, at: 1, actor: "bob", action: "silence.set", subject: "s") }
        let later = try store.auditVerification(expecting: found.head)
        #expect(later.problem == nil && later.head != found.head, "an earlier head is still an entry")
    }

    /// One bit of each byte of each column, chosen anew with each run; all bits of the numbers.
    @Test func `shows any bit that changes, and names the entry`() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SplitMix64(seed: seed)
        for id in Int64(3)...10 {
            for column in Self.columns {
                let value = try #require(
                    try store.database.read {
                        try Row.fetchOne($0, sql: "SELECT CAST(\(column) AS BLOB), typeof(\(column)) FROM audit WHERE id = \(id)")
                    })
                guard let bytes = Data.fromDatabaseValue(value[0]), value[1] != "integer" else { continue }
                for place in bytes.indices {
                    var changed = bytes
                    changed[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                    let type = value[1] == "text" ? "TEXT" : "BLOB"
                    let found = try found(after: [
                        ("UPDATE audit SET \(column) = CAST(? AS \(type)) WHERE id = ?", [changed, id])
                    ])
                    #expect(found.problem?.hasPrefix("entry \(id) ") == true, "\(column) byte \(place) of \(id), seed \(seed)")
                }
            }
            for bit in 0..<64 {
                let found = try found(after: [
                    ("UPDATE audit SET at = (at | ?1) - (at & ?1) WHERE id = ?2", [Int64(bitPattern: 1 << bit), id])
                ])
                #expect(found.problem?.hasPrefix("entry \(id) ") == true, "bit \(bit) of the time of \(id)")
            }
        }
    }

    @Test(
        arguments: [
            // Types and places, where the bytes may be the same.
            "UPDATE audit SET at = at + 0.5 WHERE id = 4", "UPDATE audit SET at = 'x' WHERE id = 4",
            "UPDATE audit SET detail = NULL WHERE id = 4", "UPDATE audit SET before = '' WHERE id = 5",
            "UPDATE audit SET detail = X'' WHERE id = 4",
            "UPDATE audit SET before = after, after = before WHERE id = 4",
            "UPDATE audit SET actor = 'an', action = 'n' || action WHERE id = 4",
            "UPDATE audit SET hash = lower(hex(hash)) WHERE id = 4",
            "UPDATE audit SET hash = (SELECT hash FROM audit WHERE id = 5) WHERE id = 4",
            // Rows.
            "DELETE FROM audit WHERE id = 3", "DELETE FROM audit WHERE id = 6", "DELETE FROM audit WHERE id = 10",
            "DELETE FROM audit WHERE id > 5", "DELETE FROM audit",
            "UPDATE audit SET id = id + 1 WHERE id = 10", "UPDATE audit SET id = -3 WHERE id = 3",
            "UPDATE audit SET id = 2 WHERE id = 3",
            "INSERT INTO audit SELECT 11, at, actor, action, subject, before, after, detail, origin, hash FROM audit WHERE id = 10",
            "INSERT INTO audit SELECT 2, at, actor, action, subject, before, after, detail, origin, hash FROM audit WHERE id = 3",
            "INSERT INTO audit SELECT 0, at, actor, action, subject, before, after, detail, origin, hash FROM audit WHERE id = 3",
            "UPDATE audit SET id = 99 WHERE id = 4; UPDATE audit SET id = 4 WHERE id = 5; UPDATE audit SET id = 5 WHERE id = 99",
            // The two ends.
            "DELETE FROM audit_chain", "UPDATE audit_chain SET head_id = 9", "UPDATE audit_chain SET head_id = 11",
            "UPDATE audit_chain SET head_hash = zeroblob(32)", "UPDATE audit_chain SET removed_id = 1",
            "UPDATE audit_chain SET removed_id = 0, removed_hash = zeroblob(32)",
            "UPDATE audit_chain SET removed_hash = zeroblob(32)",
            "UPDATE audit_chain SET head_id = 'x'", "UPDATE audit_chain SET head_id = 9223372036854775807",
            "UPDATE audit_chain SET head_id = -1",
            // Taken off the beginning as a removal takes it, but by somebody else.
            "UPDATE audit_chain SET removed_id = 4, removed_hash = (SELECT hash FROM audit WHERE id = 4); DELETE FROM audit WHERE id <= 4",
            "UPDATE audit_chain SET removed_id = 10, removed_hash = head_hash; DELETE FROM audit",
        ])
    func `shows each change of a row`(sql: String) throws {
        #expect(try found(after: sql).problem != nil)
    }

    @Test func `goes on after a change, and still shows it`() throws {
        for sql in [
            "DELETE FROM audit WHERE id = 10", "DELETE FROM audit_chain", "UPDATE audit_chain SET head_id = 50",
            "UPDATE audit_chain SET head_id = 9223372036854775807", "UPDATE audit_chain SET head_id = -7", "DELETE FROM audit",
            "UPDATE audit SET id = 9223372036854775807 WHERE id = 10",
        ] {
            try store.database.writeWithoutTransaction { database in
                try database.inTransaction {
                    try database.execute(sql: sql)
                    try Store.audit(database, at: 1, actor: "ann", action: "silence.set", subject: "s")
                    try Store.audit(database, at: 2, actor: "ann", action: "silence.set", subject: "s")
                    #expect(try Int.fetchOne(database, sql: "SELECT count(*) FROM audit WHERE action = 'silence.set'") == 2)
                    let isShown =
                        try Store.auditVerification(database).problem != nil
                        || String.fetchOne(database, sql: "SELECT detail FROM audit WHERE action = 'audit.repair'") != nil
                    #expect(isShown, "\(sql)")
                    return .rollback
                }
            }
        }
    }

    /// Whoever cuts the end off and sets the head back leaves a chain that is sound in itself.
    @Test func `is seen to be cut off by whoever has kept a head, and by nobody else`() throws {
        let head = try store.auditVerification().head
        try store.database.write { database in
            try database.execute(
                sql: """
                    DELETE FROM audit WHERE id = 10;
                    UPDATE audit_chain SET head_id = 9, head_hash = (SELECT hash FROM audit WHERE id = 9),
                        removed_id = 0, removed_hash = zeroblob(32)
                    """)
        }
        #expect(try store.auditVerification().problem != nil, "the removal of old entries has lost its entry")
        let fresh = try Store(path: directory.path + "/other.db", migrations: [])
        for time in Int64(1)...3 {
            try fresh.database.write { try Store.audit($0, at: time, actor: "ann", action: "silence.set", subject: "s") }
        }
        let kept = try fresh.auditVerification().head
        try fresh.database.write {
            try $0.execute(
                sql:
                    "DELETE FROM audit WHERE id = 3; UPDATE audit_chain SET head_id = 2, head_hash = (SELECT hash FROM audit WHERE id = 2)"
            )
        }
        #expect(try fresh.auditVerification().problem == nil)
        #expect(try fresh.auditVerification(expecting: kept).problem?.contains("no entry has the hash") == true)
        #expect(try fresh.auditVerification(expecting: head).problem != nil)
    }

    @Test func `loses old entries in order only, by whole days, and says up to where`() throws {
        let store = try Store(path: directory.path + "/old.db", migrations: [])
        let day: Int64 = 86_400_000_000
        func remove(before time: Int64, limit: Int = 500) throws -> Int {
            try store.database.write {
                try Store.removeAudit(before: Timestamp(microseconds: time), limit: limit, now: Timestamp(microseconds: time), $0)
            }
        }
        #expect(try remove(before: day) == 0)
        for time in [5, 6, 400, 7, 8] as [Int64] {
            try store.database.write { try Store.audit($0, at: time * day, actor: "ann", action: "silence.set", subject: "s") }
        }
        #expect(try remove(before: 6 * day) == 0, "a day is not over")
        #expect(try remove(before: 7 * day, limit: 1) == 1)
        #expect(try remove(before: 100 * day) == 1, "what a wrong clock has dated later holds up what follows it")
        #expect(try store.auditVerification().problem == nil)
        #expect(try remove(before: 402 * day) > 0)
        let found = try store.auditVerification()
        #expect(found.problem == nil && found.entries >= 1)
    }
}
