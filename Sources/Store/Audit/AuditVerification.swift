import Columns
import Foundation
@preconcurrency import GRDB

/// What a look over the whole chain of the audit found.
package struct AuditVerification: Sendable, Equatable {
    /// How many entries are sound, counted from the oldest.
    package var entries = 0
    /// The first that is not, and why, in one sentence; nil when all is well.
    package var problem: String?
    /// The newest entry, as `number:hash`: whoever keeps it elsewhere can see later that nothing up to it was changed or cut off.
    package var head = AuditMark(id: 0, hash: AuditHash.none).text
}

extension Store {
    /// Follows the chain of the audit from its first entry to its last.
    ///
    /// - Parameter expected: a head that was kept elsewhere, as `number:hash` or the hash alone. It must be an entry of the
    ///   chain.
    /// - Throws: SQLite's errors; what is wrong with an entry is in the result.
    /// - Complexity: O(entries), in constant memory.
    package func auditVerification(expecting expected: String? = nil) throws -> AuditVerification {
        try database.read { try Self.auditVerification(expecting: expected, $0) }
    }

    /// The same within a transaction of the caller.
    static func auditVerification(expecting expected: String? = nil, _ database: Database) throws -> AuditVerification {
        try AuditWalk(expected: expected).run(database)
    }

    /// The sentence for `obs check store`, or nil when the chain is whole.
    package func auditProblem() throws -> String? {
        try auditVerification().problem.map { "the audit is not as obs wrote it: \($0)" }
    }
}

/// One walk along the chain.
private struct AuditWalk {
    /// A head that was kept elsewhere; in lower case, as hashes are written.
    let expected: String?
    private var found = AuditVerification()
    private var last = AuditMark(id: 0, hash: AuditHash.none)
    /// What the newest entry about a removal says.
    private var removal: String?
    private var hasExpected = false

    init(expected: String?) { self.expected = expected?.lowercased() }

    private static let columns = ["at", "actor", "action", "subject", "before", "after", "detail", "origin"]
    private static let question =
        "SELECT typeof(id), id, hash, " + columns.map { "typeof(\($0)), CAST(\($0) AS BLOB)" }.joined(separator: ", ")
        + " FROM audit NOT INDEXED ORDER BY id"

    consuming func run(_ database: Database) throws -> AuditVerification {
        guard let chain = try AuditMark.chain(database) else {
            found.problem = "the row of the table audit_chain is missing or damaged"
            return found
        }
        last = chain.removed
        notice(last)
        let rows = try Row.fetchCursor(database, sql: Self.question)
        while let row = try rows.next() {
            if let problem = check(row) {
                found.problem = problem
                return found
            }
        }
        found.head = last.text
        found.problem = end(chain.removed, chain.head)
        return found
    }

    /// What is wrong with an entry that follows ``last``, which it becomes.
    private mutating func check(_ row: Row) -> String? {
        guard case .int64(let id) = (row[1] as DatabaseValue).storage else { return "an entry has no number" }
        if id != last.id + 1 {
            if id <= last.id { return "entry \(id) was inserted: the chain begins with entry \(last.id + 1)" }
            return id == last.id + 2 ? "entry \(last.id + 1) is missing" : "the entries \(last.id + 1) to \(id - 1) are missing"
        }
        var hash = AuditHash(after: last.hash)
        hash.add(id)
        for index in Self.columns.indices {
            hash.add(type: text(row[3 + 2 * index]), Data.fromDatabaseValue(row[4 + 2 * index]) ?? Data())
        }
        let sum = hash.finish()
        guard case .blob(let stored) = (row[2] as DatabaseValue).storage, stored == sum else {
            return "entry \(id) is not what was written, or follows another than the one before it"
        }
        last = AuditMark(id: id, hash: sum)
        notice(last)
        found.entries += 1
        if text(row[Self.place(of: "action")]) == Store.removalAction { removal = text(row[Self.place(of: "after")]) }
        return nil
    }

    private mutating func notice(_ mark: AuditMark) {
        hasExpected = hasExpected || expected == mark.text || expected == AuditHash.text(mark.hash)
    }

    /// What is wrong with the two ends of a chain that is whole in between.
    private func end(_ removed: AuditMark, _ head: AuditMark) -> String? {
        if last != head {
            return "it ends with entry \(last.id), and entry \(head.id) was the last: its end was cut off or written anew"
        }
        if removed.id > 0, removal != removed.text {
            return "entries up to \(removed.id) are gone, and no entry says that obs removed them"
        }
        if removed.id == 0, removed.hash != AuditHash.none { return "the row of the table audit_chain was changed" }
        if let expected, !hasExpected {
            return
                "no entry has the hash \(OutsideText(expected).inOneLine): entries were cut off or written anew since, or it is "
                + "of an entry that was removed because of its age"
        }
        return nil
    }

    private static func place(of column: String) -> Int { 4 + 2 * (columns.firstIndex(of: column) ?? 0) }

    private func text(_ value: DatabaseValue) -> String {
        switch value.storage {
        case .string(let text): text
        case .blob(let bytes): String(decoding: bytes, as: UTF8.self)
        default: ""
        }
    }
}
