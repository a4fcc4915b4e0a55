import Columns
import Detection
import Foundation
@preconcurrency import GRDB
import Store

/// What a whole takes from its parts: their lines, each once; the worst severity; and what the worst of them says of itself.
extension IncidentStore {
    /// Takes over what a part has seen: lines, the latest of them, the worst severity.
    ///
    /// - Parameters:
    ///   - events: how many more the part stands for.
    ///   - lines: what the part knows of its lines.
    func grow(
        _ whole: Int64, by events: Int, _ lines: LineCount, severity: Severity, lastSeen: Timestamp, _ now: Timestamp,
        _ database: Database
    ) throws {
        guard
            let row = try Row.fetchOne(
                database.cachedStatement(sql: "SELECT severity, merged_lines FROM incident WHERE number = ?"), arguments: [whole])
        else { return }
        var merged = Self.lines(row["merged_lines"])
        merged.formUnion(lines.lines)
        try database.executeCached(
            sql: """
                UPDATE incident SET merged_count = merged_count + ?, merged_most = max(merged_most, ?), merged_lines = ?, last_seen = max(last_seen, ?),
                    updated_at = ? WHERE number = ?
                """,
            arguments: [
                events, lines.total, merged.isEmpty ? nil : Data(merged.bytes), lastSeen.microseconds, now.microseconds, whole,
            ])
        try countLines(of: whole, database)
        guard let known = Severity(rawValue: row["severity"]), severity > known else { return }
        try database.executeCached(
            sql: "UPDATE incident SET severity = ? WHERE number = ?", arguments: [severity.rawValue, whole])
        try note(
            whole, now, actor: "obs", kind: "raised", "raised from \(known.rawValue) to \(severity.rawValue)", database)
        try chooseWorst(of: whole, database)
        try Escalation.look(at: whole, now, database)
    }

    /// Writes down how many events an incident stands for with its parts. Posted alerts are added up as they are read.
    func countLines(of number: Int64, _ database: Database) throws {
        guard
            let row = try Row.fetchOne(
                database.cachedStatement(sql: "SELECT * FROM incident WHERE number = ?"), arguments: [number]),
            let incident = Self.incident(row), incident.detector != PostedIncident.detector
        else { return }
        let count = LineCount.united(
            own: incident.lines, most: row["merged_most"], sum: row["merged_count"],
            lines: Self.lines(row["merged_lines"]))
        try database.executeCached(
            sql: "UPDATE incident SET line_count = ? WHERE number = ?", arguments: [count, number])
    }

    /// Adds up the lines of a whole anew, after a part was taken out.
    func recountParts(of number: Int64, _ database: Database) throws {
        var sum = 0, most = 0, lines = LineSet()
        let parts = try Row.fetchCursor(database, sql: "SELECT * FROM incident WHERE merged_into = ?", arguments: [number])
        while let row = try parts.next() {
            guard let own = Self.incident(row)?.lines else { continue }
            sum += own.total
            most = max(most, own.total)
            lines.formUnion(own.lines)
        }
        try database.executeCached(
            sql: "UPDATE incident SET merged_count = ?, merged_most = ?, merged_lines = ? WHERE number = ?",
            arguments: [sum, most, lines.isEmpty ? nil : Data(lines.bytes), number])
        try countLines(of: number, database)
    }

    /// Lets a whole tell of the worst of its parts where that is worse than what it began as; of equal ones the first.
    func chooseWorst(of whole: Int64, _ database: Database) throws {
        let worst = try Row.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT p.number, p.severity, w.labels, w.detector, w.severity AS own FROM incident w LEFT JOIN incident p ON p.merged_into = w.number
                    WHERE w.number = ? ORDER BY CASE p.severity WHEN 'critical' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, p.number LIMIT 1
                    """), arguments: [whole])
        guard let worst else { return }
        // What it began as stands in its own labels: its severity is that of the worst.
        let began = Self.labels(worst["labels"])["severity"].flatMap(Severity.init(rawValue:)) ?? .warning
        let severity = (worst["severity"] as String?).flatMap(Severity.init(rawValue:))
        try database.executeCached(
            sql: "UPDATE incident SET worst = ? WHERE number = ?",
            arguments: [severity.map { $0 > began } ?? false ? worst["number"] as Int64? : nil, whole])
        try copyWorst(nil, to: whole, database)
    }

    /// Gives a whole the words of its worst part.
    ///
    /// - Parameter part: only if it is this one; nil for whichever it is.
    func copyWorst(_ part: Int64?, to whole: Int64, _ database: Database) throws {
        try database.executeCached(
            sql: """
                UPDATE incident SET (headline, worst_name, worst_description, worst_labels) =
                    (SELECT title, name, description, labels FROM incident p WHERE p.number = incident.worst)
                WHERE number = ?1 AND (?2 IS NULL OR worst = ?2)
                """, arguments: [whole, part])
    }
}
