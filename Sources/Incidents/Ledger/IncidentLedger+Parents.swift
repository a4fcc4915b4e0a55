import Columns
import Detection
import Foundation
@preconcurrency import GRDB
import Store

/// What a parent takes from its children: their lines, each once; the worst severity; and what the worst of them says of itself.
extension IncidentLedger {
    static func attach(
        _ child: Int64, to parent: Int64, because reason: String, by actor: String, _ now: Timestamp, _ database: Database
    ) throws {
        guard let row = try LineRow.fetch(child, database) else { return }
        try database.executeCached(
            sql: "UPDATE incident SET merged_into = ?1, merged_because = ?2, changed_by = ?3 WHERE number = ?4",
            arguments: [parent, OutsideText(reason).storable, actor, child])
        // Its own children go along: a child has no children.
        try database.executeCached(
            sql: "UPDATE incident SET merged_into = ? WHERE merged_into = ?", arguments: [parent, child])
        try database.executeCached(
            sql: """
                UPDATE incident SET merged_count = 0, merged_most = 0, merged_lines = NULL,
                    line_count = iif(line_count IS NULL, NULL, max(total, count)),
                    worst = NULL, headline = NULL, worst_name = NULL, worst_description = NULL, worst_labels = NULL
                        WHERE number = ?
                """, arguments: [child])
        var lines = row.own
        lines.total = max(lines.total, row.merged.most)
        lines.lines.formUnion(row.merged.lines)
        try grow(
            parent, Growth(events: row.own.total + row.merged.count, lines: lines, lastSeen: row.lastSeen), now, database)
    }

    static func detach(_ child: Int64, _ database: Database) throws {
        let parent = try Int64.fetchOne(
            database.cachedStatement(sql: "SELECT merged_into FROM incident WHERE number = ?"), arguments: [child])
        guard let parent else { return }
        try database.executeCached(
            sql: "UPDATE incident SET merged_into = NULL, merged_because = NULL WHERE number = ?", arguments: [child])
        try recountChildren(of: parent, database)
        try chooseWorst(of: parent, database)
    }

    static func grow(_ parent: Int64, _ growth: Growth, _ now: Timestamp, _ database: Database) throws {
        guard let row = try LineRow.fetch(parent, database) else { return }
        let merged = row.merged.grown(by: growth)
        try database.executeCached(
            sql: """
                UPDATE incident SET merged_count = ?, merged_most = ?, merged_lines = ?, line_count = coalesce(?, line_count),
                    last_seen = max(last_seen, ?), updated_at = ? WHERE number = ?
                """,
            arguments: [
                merged.count, merged.most, blob(merged.lines), row.isPosted ? nil : merged.united(with: row.own),
                growth.lastSeen.microseconds, now.microseconds, parent,
            ])
    }

    /// Writes down how many events an incident has with its children. Posted alerts are added up when they are read.
    private static func countLines(of number: Int64, _ database: Database) throws {
        guard let row = try LineRow.fetch(number, database), !row.isPosted else { return }
        let count = row.merged.united(with: row.own)
        try database.executeCached(sql: "UPDATE incident SET line_count = ? WHERE number = ?", arguments: [count, number])
    }

    /// Adds up the lines of a parent anew, after a child was taken out.
    private static func recountChildren(of number: Int64, _ database: Database) throws {
        var sum = 0, most = 0, lines = LineSet()
        let children = try LineRow.readable(
            database.cachedStatement(sql: "SELECT \(LineRow.columns("i")) FROM incident i WHERE i.merged_into = ?"), [number])
        for child in children {
            sum += child.own.total
            most = max(most, child.own.total)
            lines.formUnion(child.own.lines)
        }
        try database.executeCached(
            sql: "UPDATE incident SET merged_count = ?, merged_most = ?, merged_lines = ? WHERE number = ?",
            arguments: [sum, most, blob(lines), number])
        try countLines(of: number, database)
    }

    /// Chooses the child whose words a parent shows: the worst that is worse than the parent was at first; of equal ones the
    /// first.
    static func chooseWorst(of parent: Int64, _ database: Database) throws {
        let row = try Row.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT p.number, p.severity, w.labels FROM incident w LEFT JOIN incident p ON p.merged_into = w.number
                    WHERE w.number = ?
                    ORDER BY CASE p.severity WHEN 'critical' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, p.number LIMIT 1
                    """), arguments: [parent])
        guard let row else { return }
        // What it began as is in its own labels: its severity is that of the worst.
        let own = String.fromDatabaseValue(row[2]).map(JSONText.pairs)?["severity"].flatMap(Severity.init(rawValue:)) ?? .warning
        let severity = String.fromDatabaseValue(row[1]).flatMap(Severity.init(rawValue:))
        let worst = severity.map { $0 > own } ?? false ? Int64.fromDatabaseValue(row[0]) : nil
        try database.executeCached(sql: "UPDATE incident SET worst = ? WHERE number = ?", arguments: [worst, parent])
        try copyWorst(nil, to: parent, database)
    }

    /// Gives a parent the words of its worst child.
    ///
    /// - Parameter child: only if it is this one; nil for whichever it is.
    static func copyWorst(_ child: Int64?, to parent: Int64, _ database: Database) throws {
        try database.executeCached(
            sql: """
                UPDATE incident SET (headline, worst_name, worst_description, worst_labels) =
                    (SELECT title, name, description, labels FROM incident p WHERE p.number = incident.worst)
                WHERE number = ?1 AND (?2 IS NULL OR worst = ?2)
                """, arguments: [parent, child])
    }
}
