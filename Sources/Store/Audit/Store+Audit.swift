import Columns
import Foundation
@preconcurrency import GRDB

/// The audit: who did what to what, from where, as a chain in which each entry holds the hash of the one before it.
///
///     audit_chain.removed ─▶ entry 412 ─▶ entry 413 ─▶ … ─▶ entry 977 ◀─ audit_chain.head
///
/// A changed, removed, inserted or reordered entry breaks the chain (``Store/auditVerification(expecting:)``). The chain has no
/// secret: whoever can write the file can also make a whole chain anew, or cut its end off and set the head back. That shows to
/// anybody who has kept a head elsewhere, and to nobody else.
extension Store {
    /// From where what is done now is done: the address of a client, or by default the user of this machine. A server sets it for
    /// the time of a request: `Store.$auditOrigin.withValue("192.0.2.7") { … }`.
    @TaskLocal public static var auditOrigin = "user \(NSUserName())"

    /// The action of the entry that says up to where older entries were removed.
    static let removalAction = "audit.remove"
    private static let repairAction = "audit.repair"
    /// Beyond it a number was not given by obs.
    static let lastAuditNumber = Int64(1) << 62

    /// Notes who did what, in the transaction that does it. The origin is ``auditOrigin``.
    ///
    /// - Parameters:
    ///   - actor: the person, the name of the token, or `obs`.
    ///   - action: what is done, as the command line and the API name it, such as `incident.acknowledge`.
    ///   - subject: what it is done to.
    ///   - before: the state before it, and `after`: that after it, where there are two.
    ///   - detail: the comment or the reason.
    public static func audit(
        _ database: Database, at microseconds: Int64, actor: String, action: String, subject: String, before: String? = nil,
        after: String? = nil, detail: String? = nil
    ) throws {
        let chain = try chain(at: microseconds, database)
        let newest = try Int64.fetchOne(
            database.cachedStatement(sql: "SELECT max(id) FROM audit WHERE id < ?"), arguments: [lastAuditNumber])
        // The larger of the two: where somebody has cut the end off, the gap stays; where the head was set back, no number comes
        // twice.
        let id = max(chain.head.id, newest ?? 0, 0) + 1
        // SQLite would end a text at U+0000.
        func storable(_ text: String) -> String { OutsideText(text).storable }
        let texts = [actor, action, subject].map(storable)
        let states = [before, after, detail].map { $0.map(storable) }, origin = storable(auditOrigin)
        var hash = AuditHash(after: chain.head.hash)
        hash.add(id)
        hash.add(microseconds)
        for text in texts + states + [origin] { hash.add(text) }
        let sum = hash.finish()
        try database.executeCached(
            sql: "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            arguments: [id, microseconds, texts[0], texts[1], texts[2], states[0], states[1], states[2], origin, sum])
        try database.executeCached(sql: "UPDATE audit_chain SET head_id = ?, head_hash = ?", arguments: [id, sum])
    }

    /// Removes entries from before `time`, oldest first, and adds one that says up to where: it holds the hash that the rest of
    /// the chain begins with. Nothing is done unless a whole day has become too old, so that the entry of one removal is not all
    /// that the next one removes.
    ///
    /// - Parameter limit: of the entries removed by one call.
    /// - Returns: how many were removed.
    @discardableResult
    public static func removeAudit(
        before time: Timestamp, limit: Int = 500, now: Timestamp, _ database: Database
    ) throws -> Int {
        let oldest = try Row.fetchAll(
            database.cachedStatement(sql: "SELECT id, at, hash FROM audit ORDER BY id LIMIT ?"), arguments: [limit])
        guard let first = oldest.first, integer(first[1]) ?? .max < (time - .seconds(86_400)).microseconds else { return 0 }
        // By number and not by time: what is removed must be the beginning of the chain, whatever the clock has done.
        let old = oldest.prefix { integer($0[1]) ?? .max < time.microseconds }
        guard let last = old.last, let id = integer(last[0]), let hash = Data.fromDatabaseValue(last[2]) else { return 0 }
        try database.executeCached(sql: "DELETE FROM audit WHERE id <= ?", arguments: [id])
        try database.executeCached(sql: "UPDATE audit_chain SET removed_id = ?, removed_hash = ?", arguments: [id, hash])
        try audit(
            database, at: now.microseconds, actor: "obs", action: removalAction, subject: "audit",
            after: AuditMark(id: id, hash: hash).text, detail: "\(old.count) entries from before \(time) are removed")
        return old.count
    }

    /// Begin and end of the chain, in the writer's transaction. Where the row is not there, somebody has removed it; the chain
    /// goes on from its newest entry, and an entry says so.
    private static func chain(at microseconds: Int64, _ database: Database) throws -> (removed: AuditMark, head: AuditMark) {
        if let chain = try AuditMark.chain(database) { return chain }
        let newest = try AuditMark.newest(database)
        try database.execute(
            sql: "INSERT OR REPLACE INTO audit_chain VALUES (1, 0, ?, ?, ?)", arguments: [AuditHash.none, newest.id, newest.hash])
        try audit(
            database, at: microseconds, actor: "obs", action: repairAction, subject: "audit",
            detail: "the row of the table audit_chain was missing or damaged")
        return try AuditMark.chain(database) ?? (AuditMark(id: 0, hash: AuditHash.none), newest)
    }

    private static func integer(_ value: DatabaseValue) -> Int64? {
        if case .int64(let number) = value.storage { number } else { nil }
    }
}

/// An entry of the audit by its number and its hash: what somebody keeps elsewhere.
struct AuditMark: Equatable {
    let id: Int64
    let hash: Data

    init(id: Int64, hash: Data) { (self.id, self.hash) = (id, hash) }

    /// `412:9f86d0…`.
    var text: String { "\(id):\(AuditHash.text(hash))" }

    /// The two marks of `audit_chain`; nil where the row is missing or cannot be one of obs's.
    static func chain(_ database: Database) throws -> (removed: AuditMark, head: AuditMark)? {
        let row = try Row.fetchOne(
            database.cachedStatement(sql: "SELECT removed_id, removed_hash, head_id, head_hash FROM audit_chain"))
        guard let row, let removed = AuditMark(row[0], row[1]), let head = AuditMark(row[2], row[3]) else { return nil }
        return (removed, head)
    }

    /// The newest entry that is there, or the mark before the first.
    static func newest(_ database: Database) throws -> AuditMark {
        let row = try Row.fetchOne(
            database, sql: "SELECT id, hash FROM audit WHERE id < ? ORDER BY id DESC LIMIT 1", arguments: [Store.lastAuditNumber])
        return row.flatMap { AuditMark($0[0], $0[1]) } ?? AuditMark(id: 0, hash: AuditHash.none)
    }

    private init?(_ id: DatabaseValue, _ hash: DatabaseValue) {
        guard case .int64(let id) = id.storage, (0..<Store.lastAuditNumber).contains(id), case .blob(let hash) = hash.storage,
            hash.count == AuditHash.none.count
        else { return nil }
        self.init(id: id, hash: hash)
    }
}
