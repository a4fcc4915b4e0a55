import Columns
import Foundation
import Lake

/// Queries on the rows of tables of the lake.
public struct EventQuestions: Sendable {
    private let lake: Lake

    /// Queries on the tables of a lake.
    public init(_ lake: Lake) {
        self.lake = lake
    }

    /// The rows of a table that match, oldest commit first; the newest `limit` of them. The note says whether there are more.
    ///
    /// - Parameters:
    ///   - time: the timestamp column that `since` and `until` apply to.
    ///   - matchers: conditions on columns, as in routes.
    /// - Throws: ``QueryError/unknown(_:_:known:)`` for a column that the table does not have, `Matcher.Malformed`, `LakeError`.
    public func rows(
        of table: String, time: String, matchers: String, since: Timestamp?, until: Timestamp?, limit: Int
    ) throws -> Answer {
        let opened = try lake.table(table)
        let conditions = try [Matcher](parsing: matchers)
        for condition in conditions where opened.schema.index(of: condition.name) == nil {
            throw QueryError.unknown("column", condition.name, known: opened.schema.fields.map(\.name))
        }
        let from = since ?? Timestamp(microseconds: .min), to = until ?? Timestamp(microseconds: .max)
        let isBounded = since != nil || until != nil
        var kept: [[Value]] = []
        var total = 0
        // No row is in a range that ends before it begins.
        let range = from...max(from, to)
        try opened.scan(times: isBounded ? (time, range) : nil, matching: conditions) { batch in
            guard from <= to else { return false }
            let isMatched = conditions.rows(in: batch)
            let times = batch[time]
            for row in 0..<batch.count where isMatched[row] {
                if isBounded, let at = times?.integer(at: row), !range.contains(Timestamp(microseconds: at)) { continue }
                total += 1
                kept.append(batch.row(row))
                if kept.count >= limit * 2 { kept.removeFirst(kept.count - limit) }
            }
            return true
        }
        var answer = Answer(
            schema: opened.schema, rows: Array(kept.suffix(limit)),
            note: total > limit ? "the newest \(limit) of \(total) rows are shown; ask for more with --limit" : nil)
        // A narrow terminal need not show where rows come from, nor columns that are the same in all rows or empty.
        answer.dispensable = ["file", "offset", "raw"]
        answer.dispensable += opened.schema.fields.indices.dropFirst().filter { column in
            answer.rows.allSatisfy { $0[column] == answer.rows[0][column] }
        }.map { opened.schema.fields[$0].name }
        return answer
    }
}

extension Timestamp {
    /// A point in time as people write it: `2h` (ago), `today`, `now`, or RFC 3339, or a date alone (its midnight in UTC).
    public init(parsing text: String, now: Timestamp) throws(QueryError) {
        if text == "now" {
            self = now
        } else if text == "today" {
            let c = now.components
            self = Timestamp(year: c.year, month: c.month, day: c.day)
        } else if let ago = Duration(parsing: text) {
            self = now - ago
        } else if let time = Timestamp(rfc3339: text) ?? (text.utf8.count == 10 ? Timestamp(iso8601: text) : nil) {
            self = time
        } else {
            throw .badTime(text)
        }
    }
}
