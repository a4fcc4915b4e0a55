import Columns
import Detection
import Foundation
@preconcurrency import GRDB
import Store

/// Which open incident a finding belongs to that is not its own, and what becomes of one that comes and goes.
extension IncidentStore {
    /// The whole that a new finding becomes a part of, and why; nil when it is an incident of its own. What was found in the past is one too: it comes back with what goes on.
    func whole(
        for finding: Finding, _ labels: Labels, _ policy: IncidentPolicy, isPast: Bool, _ database: Database
    ) throws -> (whole: Incident, because: String)? {
        let earliest = finding.startsAt - policy.joinWithin
        // Logs of the past may be read after those of today: then what is newer is another attack.
        let latest = isPast ? finding.lastSeen + policy.joinWithin : Timestamp(microseconds: .max)
        let names = policy.joinLabels
        if let first = names.first, names.allSatisfy({ labels[$0]?.isEmpty == false }) {
            func isAlike(_ other: Labels) -> Bool { names.allSatisfy { other.has($0, labels[$0] ?? "") } }
            // Newest first and few: what is newer than an open one has joined it, so it stands among the first; with several labels others may stand before it.
            let near = try Row.fetchAll(
                database.cachedStatement(
                    sql: """
                        SELECT i.* FROM (SELECT incident FROM incident_label WHERE name = ? AND value = ? AND listed_at <= ? ORDER BY listed_at DESC, incident DESC LIMIT ?) l
                        CROSS JOIN incident i ON i.number = l.incident WHERE (i.state <> 'resolved' OR i.resolution = 'past') AND i.last_seen >= ?
                            AND i.starts_at <= ?
                        """),
                arguments: [
                    first, labels[first]!, latest.microseconds == .max ? .max : (latest + Self.foundLate).microseconds,
                    names.count == 1 ? 3 : 50, earliest.microseconds, latest.microseconds,
                ]
            ).compactMap(Self.incident)
            for whole in near {
                // One label it has, itself or from a part; several must be together on one of them.
                guard
                    try names.count == 1 || isAlike(whole.ownLabels)
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
                if let whole, whole.state != .resolved || whole.resolution == .past, whole.lastSeen >= earliest,
                    whole.startsAt <= latest
                {
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
        let (lines, sum) = try lines(of: part, database)
        try database.executeCached(
            sql: "UPDATE incident SET merged_into = ? WHERE merged_into = ?", arguments: [whole.number, part.number])
        try database.executeCached(
            sql: """
                UPDATE incident SET merged_count = 0, merged_most = 0, merged_lines = NULL, line_count = iif(line_count IS NULL, NULL, max(total, count)),
                    worst = NULL, headline = NULL, worst_name = NULL, worst_description = NULL, worst_labels = NULL WHERE number = ?
                """, arguments: [part.number])
        // It ends by hand if any part of it does.
        if part.end.isByHand, part.state != .resolved || part.resolution == .past {
            try database.executeCached(
                sql: "UPDATE incident SET ends_by_hand = 1 WHERE number = ?", arguments: [whole.number])
        }
        if whole.state == .acknowledged {
            try database.executeCached(
                sql: "UPDATE incident SET state = 'acknowledged', acknowledged_by = ? WHERE number = ? AND state = 'open'",
                arguments: [whole.acknowledgedBy, part.number])
        }
        // What is worse than the incident began as is what somebody must read first.
        try grow(whole.number, by: sum, lines, severity: part.severity, lastSeen: part.lastSeen, now, database)
        try note(
            whole.number, now, actor: actor, kind: "merged", "\(part.id) (\(part.title)) is a part of it: \(reason)", database)
        try note(part.number, now, actor: actor, kind: "merged", "it is a part of \(whole.id): \(reason)", database)
        try Escalation.follow(incident: part.number, now: now, database)
    }

    /// What a part brings along: its own lines and those of the parts that it had, and how many these are added up.
    private func lines(of part: Incident, _ database: Database) throws -> (lines: LineCount, sum: Int) {
        var lines = part.lines
        if let row = try Row.fetchOne(
            database.cachedStatement(sql: "SELECT merged_most, merged_lines FROM incident WHERE number = ?"),
            arguments: [part.number])
        {
            lines.total = max(lines.total, row["merged_most"])
            lines.lines.formUnion(Self.lines(row["merged_lines"]))
        }
        return (lines, part.lines.total + part.mergedCount)
    }
}
