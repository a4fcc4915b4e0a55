import Columns
import Detection
import Foundation
@preconcurrency import GRDB
import Store

/// Which open incident a finding belongs to that is not its own, and what becomes of one that comes and goes.
extension IncidentStore {
    /// The whole that a new finding becomes a part of, and why; nil when it is an incident of its own.
    func whole(for finding: Finding, _ labels: Labels, _ policy: IncidentPolicy, _ database: Database) throws -> (
        whole: Incident, because: String
    )? {
        let earliest = finding.startsAt - policy.joinWithin
        let names = policy.joinLabels
        if let first = names.first, names.allSatisfy({ labels[$0]?.isEmpty == false }) {
            func isAlike(_ other: Labels) -> Bool { names.allSatisfy { other.has($0, labels[$0] ?? "") } }
            // Newest first and few: what is newer than an open one has joined it, so it stands among the first; with several labels others may stand before it.
            let near = try Row.fetchAll(
                database.cachedStatement(
                    sql: """
                        SELECT i.* FROM (SELECT incident FROM incident_label WHERE name = ? AND value = ? ORDER BY listed_at DESC, incident DESC LIMIT ?) l
                        CROSS JOIN incident i ON i.number = l.incident WHERE i.state <> 'resolved' AND i.last_seen >= ?
                        """), arguments: [first, labels[first]!, names.count == 1 ? 3 : 50, earliest.microseconds]
            ).compactMap(Self.incident)
            for whole in near {
                // One label it has, itself or from a part; several must be together on one of them.
                guard
                    try names.count == 1 || isAlike(whole.labels)
                        || newestParts(of: whole.number, database).contains(where: isAlike)
                else { continue }
                let wanted = names.map { "\(Matcher.shown($0))=\(OutsideText(labels[$0]!).quotedLabel)" }.joined(separator: ", ")
                return (whole, "it has the same \(wanted) as \(whole.id)")
            }
        }
        guard policy.joinsEvidence else { return nil }
        try prepareToJoinEvidence(database)
        for line in finding.evidence {
            for number in try Int64.fetchAll(
                database.cachedStatement(
                    sql: "SELECT incident FROM evidence WHERE file = ? AND offset = ? ORDER BY incident DESC LIMIT 10"),
                arguments: [line.file, line.offset])
            {
                let found = try Self.fetch(number, database)
                let whole = try found?.mergedInto.map { try Self.fetch($0, database) } ?? found
                if let whole, whole.state != .resolved, whole.lastSeen >= earliest {
                    return (whole, "it stands on the same line (\(line.file):\(line.offset)) as INC-\(number)")
                }
            }
        }
        return nil
    }

    /// The labels of the newest of its parts: in a storm they are thousands.
    private func newestParts(of whole: Int64, _ database: Database) throws -> [Labels] {
        try String.fetchAll(
            database.cachedStatement(sql: "SELECT labels FROM incident WHERE merged_into = ? ORDER BY number DESC LIMIT 50"),
            arguments: [whole]
        ).map(Self.labels)
    }

    /// Makes the index by which a line finds its incidents, when it is first needed: few policies need it, and it costs a page or two for every incident.
    private func prepareToJoinEvidence(_ database: Database) throws {
        guard try !database.indexes(on: "evidence").contains(where: { $0.name == "evidence_place" }) else { return }
        try database.execute(sql: "CREATE INDEX evidence_place ON evidence (file, offset)")
    }

    /// Whether an incident that ended and is seen again has done so too often to open another for it.
    func isFlapping(_ fingerprint: String, _ policy: IncidentPolicy, _ now: Timestamp, _ database: Database) throws -> Bool {
        guard policy.flapCount > 0 else { return false }
        let opened = try Int.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT coalesce(sum(opened_at >= ?1) + sum(iif(resolved_at >= ?1, reopened, 0)), 0)
                    FROM (SELECT opened_at, resolved_at, reopened FROM incident WHERE fingerprint = ?2 ORDER BY number DESC LIMIT ?3)
                    """), arguments: [(now - policy.flapWithin).microseconds, fingerprint, policy.flapCount])
        return (opened ?? 0) >= policy.flapCount
    }

    /// Makes `part` a part of `whole`: from now on it is acknowledged, resolved and shown with it. It keeps its number, its evidence and its timeline.
    func attach(
        _ part: Incident, to whole: Incident, because reason: String, by actor: String, _ now: Timestamp, _ database: Database
    ) throws {
        try database.executeCached(
            sql: "UPDATE incident SET merged_into = ?1, merged_because = ?2, changed_by = ?3 WHERE number = ?4",
            arguments: [whole.number, reason, actor, part.number])
        // Its own parts go along: a part has no parts.
        try database.executeCached(
            sql: "UPDATE incident SET merged_into = ? WHERE merged_into = ?", arguments: [whole.number, part.number])
        if whole.state == .acknowledged {
            try database.executeCached(
                sql: "UPDATE incident SET state = 'acknowledged', acknowledged_by = ? WHERE number = ? AND state = 'open'",
                arguments: [whole.acknowledgedBy, part.number])
        }
        // What is worse than the incident began as is what somebody must read first.
        if part.severity > whole.severity {
            try database.executeCached(
                sql: "UPDATE incident SET headline = ? WHERE number = ?", arguments: [part.title, whole.number])
        }
        try grow(whole.number, by: part.count, severity: part.severity, lastSeen: part.lastSeen, now, database)
        try note(
            whole.number, now, actor: actor, kind: "merged", "\(part.id) (\(part.title)) is a part of it: \(reason)", database)
        try note(part.number, now, actor: actor, kind: "merged", "it is a part of \(whole.id): \(reason)", database)
        try Escalation.follow(incident: part.number, now: now, database)
    }

    /// Takes over what a part has seen: events, the latest of them, the worst severity.
    func grow(_ whole: Int64, by events: Int, severity: Severity, lastSeen: Timestamp, _ now: Timestamp, _ database: Database)
        throws
    {
        try database.executeCached(
            sql:
                "UPDATE incident SET merged_count = merged_count + ?, last_seen = max(last_seen, ?), updated_at = ? WHERE number = ?",
            arguments: [events, lastSeen.microseconds, now.microseconds, whole])
        let known = try String.fetchOne(
            database.cachedStatement(sql: "SELECT severity FROM incident WHERE number = ?"), arguments: [whole]
        ).flatMap(Severity.init)
        guard let known, severity > known else { return }
        try database.executeCached(
            sql: "UPDATE incident SET severity = ? WHERE number = ?", arguments: [severity.rawValue, whole])
        try note(
            whole, now, actor: "obs", kind: "raised", "raised from \(known.rawValue) to \(severity.rawValue)",
            database)
    }
}
