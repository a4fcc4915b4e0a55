import Columns
import Detection
import Foundation
@preconcurrency import GRDB
import Store

/// Which open incident a finding of another kind belongs to.
extension IncidentStore {
    /// The incident that a new finding becomes a child of, and why; nil when it is an incident of its own. What was found in
    /// the past counts as open: it comes back with what goes on.
    func parent(
        for finding: Finding, _ labels: Labels, _ policy: IncidentPolicy, isPast: Bool, _ database: Database
    ) throws -> IncidentLife.Candidate? {
        let near = Near(
            // Logs of the past may be read after those of today: then what is newer is another attack.
            earliest: finding.startsAt - policy.joinWithin,
            latest: isPast ? finding.lastSeen + policy.joinWithin : Timestamp(microseconds: .max))
        if let found = try parent(byLabels: policy.joinLabels, of: labels, near, database) { return found }
        return policy.joinsEvidence ? try parent(byLinesOf: finding, near, database) : nil
    }

    /// When an incident must have been active for a finding to belong to it.
    private struct Near {
        let earliest: Timestamp
        let latest: Timestamp

        func holds(_ incident: Incident) -> Bool {
            (incident.state != .resolved || incident.resolution == .past) && incident.lastSeen >= earliest
                && incident.startsAt <= latest && !incident.isSimulated
        }
    }

    private func parent(byLabels names: [String], of labels: Labels, _ near: Near, _ database: Database) throws
        -> IncidentLife.Candidate?
    {
        guard let first = names.first, names.allSatisfy({ labels[$0]?.isEmpty == false }) else { return nil }
        func isAlike(_ other: Labels) -> Bool { names.allSatisfy { other.has($0, labels[$0] ?? "") } }
        let latest = near.latest.microseconds
        // Newest first and few: what is newer than an open one has joined it, so it is among the first; with several labels
        // others may come before it.
        let found = try IncidentRow.readable(
            database.cachedStatement(
                sql: """
                    SELECT \(IncidentRow.columns("i")) FROM (SELECT incident FROM incident_label WHERE name = ?
                        AND value = ? AND listed_at <= ?
                        ORDER BY listed_at DESC, incident DESC LIMIT ?) l
                    CROSS JOIN incident i ON i.number = l.incident WHERE (i.state <> 'resolved' OR i.resolution = 'past')
                        AND i.last_seen >= ?
                        AND i.starts_at <= ?
                    """),
            [
                first, labels[first]!, latest == .max ? .max : (near.latest + Self.foundLate).microseconds,
                names.count == 1 ? 3 : 50, near.earliest.microseconds, latest,
            ]
        ).map(\.incident)
        for parent in found {
            // One label it has, itself or from a child; several must be together on one of them.
            guard !parent.isSimulated,
                try names.count == 1 || isAlike(parent.ownLabels)
                    || newestChildren(of: parent.number, database).contains(where: isAlike)
            else { continue }
            let wanted = names.map { "\(Matcher.shown($0))=\(OutsideText(labels[$0]!).quotedLabel)" }.joined(separator: ", ")
            return .init(parent: parent, because: "it has the same \(wanted) as \(parent.id)")
        }
        return nil
    }

    private func parent(byLinesOf finding: Finding, _ near: Near, _ database: Database) throws -> IncidentLife.Candidate? {
        try prepareToJoinEvidence(database)
        for line in finding.evidence {
            let numbers = try Int64.fetchAll(
                database.cachedStatement(
                    sql: "SELECT incident FROM evidence WHERE file = ? AND offset = ? ORDER BY incident DESC LIMIT 10"),
                arguments: [line.file, line.offset])
            for number in numbers {
                let found = try Self.fetch(number, database)
                let parent = try found?.mergedInto.map { try Self.fetch($0, database) } ?? found
                if let parent, near.holds(parent) {
                    return .init(
                        parent: parent, because: "it is about the same line (\(line.file):\(line.offset)) as INC-\(number)")
                }
            }
        }
        return nil
    }

    /// The labels of the newest of its children: in a storm they are thousands.
    private func newestChildren(of parent: Int64, _ database: Database) throws -> [Labels] {
        try Row.fetchAll(
            database.cachedStatement(sql: "SELECT labels FROM incident WHERE merged_into = ? ORDER BY number DESC LIMIT 50"),
            arguments: [parent]
        ).compactMap { String.fromDatabaseValue($0[0]).map(JSONText.pairs) }
    }

    /// Makes the index by which a line finds its incidents, when it is first needed: few policies need it, and it costs a page
    /// or two for every incident.
    private func prepareToJoinEvidence(_ database: Database) throws {
        guard try !database.indexes(on: "evidence").contains(where: { $0.name == "evidence_place" }) else { return }
        try database.execute(sql: "CREATE INDEX evidence_place ON evidence (file, offset)")
    }
}
