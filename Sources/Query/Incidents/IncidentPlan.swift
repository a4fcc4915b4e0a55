import Alerting
import Columns
import Detection
@preconcurrency import GRDB

/// The statement that answers a filter without reading what the answer does not need.
///
/// The order is always the same (newest beginning first), so the statement walks one index in that order and stops at the limit. Which one is decided here and
/// not left to SQLite, which has no statistics on a table that changes all day: the label with the fewest incidents if one is named, else assignee, state, rule or
/// severity. A leading `+` keeps SQLite from taking another index. Labels that are asked for by expression or by absence are compared afterwards.
struct IncidentPlan {
    private(set) var sql: String
    private(set) var arguments: StatementArguments
    /// What is left to compare with the labels of each row.
    let rest: [Matcher]

    /// How many incidents of a label are counted to find the rarest, and how many values of a label an expression is tried on.
    private static let sample = 2000

    init(_ filter: IncidentFilter, _ database: Database) throws {
        let matchers = try [Matcher](parsing: filter.matchers)
        var conditions: [String] = []
        var values: [any DatabaseValueConvertible] = []
        var driver = Driver.begin
        var rest = matchers
        /// Whether rows may be parts of other incidents, of which the whole is shown.
        var isByPart = false

        if let text = filter.text {
            driver = .numbers(try Self.numbers(containing: text, database))
        } else if let (matcher, wanted) = try Self.rarest(matchers, database) {
            rest.removeAll { $0 == matcher }
            driver = .label(matcher.name, wanted)
        }
        switch driver {
        case .numbers, .label: isByPart = true
        case .begin: conditions.append("m.merged_into IS NULL")
        }
        /// The row that is shown: the found one, or the whole that it is a part of.
        let shown = isByPart ? "i" : "m"
        var isDriven = isByPart
        /// The first condition that may is answered by its index.
        func add(_ condition: String, _ value: String) {
            conditions.append((isDriven ? "+" : "") + condition)
            values.append(value)
            isDriven = true
        }
        if let assignee = filter.assignee {
            // Two columns cannot share an index; few incidents are in either state at a time, and those that have ended keep their assignee.
            conditions.append(
                "\(shown).number IN (SELECT number FROM incident WHERE assignee = ? UNION SELECT number FROM incident WHERE state = 'acknowledged' AND acknowledged_by = ?)"
            )
            values += [assignee, assignee]
            isDriven = true
        }
        if let state = filter.state, state != Incident.State.resolved.rawValue { add("\(shown).state = ?", state) }
        for matcher in matchers where matcher.operator == .equal && !matcher.value.isEmpty {
            if matcher.name == "alertname", !isByPart {
                add("\(shown).name = ?", matcher.value)
                rest.removeAll { $0 == matcher }
            }
        }
        if let severity = filter.severity { add("\(shown).severity = ?", severity) }
        if filter.state == Incident.State.resolved.rawValue { add("\(shown).state = ?", Incident.State.resolved.rawValue) }
        let begin = driver.begin
        if let since = filter.since {
            conditions.append("+\(shown).last_seen >= ?")
            values.append(since.microseconds)
            if !isByPart, let earliest = try Self.earliestBegin(since: since, database) {
                conditions.append("\(begin) >= ?")
                values.append(earliest)
            }
        }
        if let until = filter.until {
            conditions.append("\(begin) <= ?")
            values.append(until.microseconds)
        }
        if let cursor = try filter.cursor.map({ (text) throws(QueryError) in try IncidentCursor(text) }) {
            conditions.append("\(begin) <= ? AND (\(begin), m.number) < (?, ?)")
            values += [cursor.startsAt, cursor.startsAt, cursor.number]
        }
        self.rest = rest
        let join = "CROSS JOIN incident i ON i.number = coalesce(m.merged_into, m.number)"
        let filters = conditions.isEmpty ? "1" : conditions.joined(separator: " AND ")
        switch driver {
        case .begin:
            sql = "SELECT m.*, m.labels AS part_labels FROM incident m WHERE \(filters) ORDER BY m.starts_at DESC, m.number DESC"
            arguments = StatementArguments(values)
        case .label(let name, let wanted):
            let isOne = wanted.count == 1
            sql = """
                SELECT i.*, m.labels AS part_labels FROM incident_label l CROSS JOIN incident m ON m.number = l.incident \(join)
                WHERE l.name = ? AND l.value \(isOne ? "= ?" : "IN (SELECT value FROM json_each(?))") AND \(filters)
                ORDER BY l.starts_at DESC, l.incident DESC
                """
            arguments = StatementArguments([name, isOne ? wanted[0] : Self.array(wanted)]) + StatementArguments(values)
        case .numbers(let numbers):
            sql = """
                SELECT i.*, m.labels AS part_labels FROM json_each(?) n CROSS JOIN incident m ON m.number = n.value \(join)
                WHERE \(filters) ORDER BY m.starts_at DESC, m.number DESC
                """
            arguments = StatementArguments(["[\(numbers.map(String.init).joined(separator: ","))]"]) + StatementArguments(values)
        }
    }

    private static func array(_ texts: [String]) -> String { "[\(texts.map(JSONText.quote).joined(separator: ","))]" }

    private enum Driver {
        case begin
        case label(String, [String])
        case numbers([Int64])

        /// Where the time of beginning stands in the index that is walked.
        var begin: String {
            if case .label = self { "l.starts_at" } else { "m.starts_at" }
        }
    }

    /// The matcher that the fewest incidents have, and the values that it stands for: one of an equality, or those that an expression matches where a label
    /// has few values.
    private static func rarest(_ matchers: [Matcher], _ database: Database) throws -> (Matcher, [String])? {
        var best: (matcher: Matcher, values: [String], count: Int)?
        for matcher in matchers where !matcher.matches("") && matcher.name != "alertname" {
            guard let values = try values(of: matcher, database) else { continue }
            let count = try Int.fetchOne(
                database,
                sql: """
                    SELECT count(*) FROM (SELECT 1 FROM incident_label WHERE name = ? AND value IN (SELECT value FROM json_each(?)) LIMIT \(10 * sample))
                    """, arguments: [matcher.name, array(values)])
            // Many values are sorted, one is walked in order: many rows are only good for one.
            guard let count, values.count == 1 || count < 10 * sample else { continue }
            if best == nil || count < best!.count { best = (matcher, values, count) }
        }
        return best.map { ($0.matcher, $0.values) }
    }

    private static func values(of matcher: Matcher, _ database: Database) throws -> [String]? {
        if matcher.operator == .equal { return [matcher.value] }
        guard matcher.operator == .matches else { return nil }
        // One step into the index a value, however many incidents have it.
        let all = try String.fetchAll(
            database,
            sql: """
                WITH RECURSIVE known (value) AS (
                    SELECT min(value) FROM incident_label WHERE name = ?1
                    UNION ALL SELECT (SELECT min(value) FROM incident_label WHERE name = ?1 AND value > known.value) FROM known WHERE value IS NOT NULL)
                SELECT value FROM known WHERE value IS NOT NULL LIMIT \(sample + 1)
                """, arguments: [matcher.name])
        guard all.count <= sample else { return nil }
        return all.filter(matcher.matches)
    }

    /// When the first of those began that were active since then; nil when there are many, which are found soon without.
    private static func earliestBegin(since: Timestamp, _ database: Database) throws -> Int64? {
        let row = try Row.fetchOne(
            database,
            sql:
                "SELECT count(*) AS n, min(starts_at) AS begin FROM (SELECT starts_at FROM incident WHERE last_seen >= ? LIMIT 20000)",
            arguments: [since.microseconds])
        guard let row, (row["n"] as Int) < 20_000 else { return nil }
        return (row["begin"] as Int64?) ?? .max
    }

    /// The newest incidents whose title, name, labels or timeline hold all words of `text`.
    private static func numbers(containing text: String, _ database: Database) throws -> [Int64] {
        let words = text.split(whereSeparator: \.isWhitespace).filter { $0.contains { $0.isLetter || $0.isNumber } }
        guard !words.isEmpty, text.utf8.count <= 1000 else { throw QueryError.badText(String(text.prefix(100))) }
        // Quoted, so that nothing in it is read as the search's own language; a star at the end is kept.
        let pattern: String = words.map { word -> String in
            let isPrefix = word.hasSuffix("*")
            return "\"\((isPrefix ? word.dropLast() : word).replacing("\"", with: "\"\""))\"\(isPrefix ? "*" : "")"
        }.joined(separator: " ")
        let titles = try Int64.fetchAll(
            database, sql: "SELECT rowid FROM incident_search WHERE incident_search MATCH ? ORDER BY rowid DESC LIMIT \(sample)",
            arguments: [pattern])
        let notes = try Int64.fetchAll(
            database,
            sql: """
                SELECT t.incident FROM (SELECT rowid AS id FROM timeline_search WHERE timeline_search MATCH ? ORDER BY rowid DESC LIMIT \(sample)) s
                CROSS JOIN timeline t ON t.id = s.id
                """, arguments: [pattern])
        return Array(Set(titles + notes))
    }
}
