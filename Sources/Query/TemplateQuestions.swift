import Columns
import Lake
import Templates

/// Queries on the templates of messages: which there are, which are new, which grow, which are gone.
public struct TemplateQuestions: Sendable {
    private let lake: Lake

    /// Queries on the tables of templates of a lake.
    public init(_ lake: Lake) {
        self.lake = lake
    }

    /// Which templates are wanted.
    public enum Selection: String, Sendable, CaseIterable {
        /// Every one that is not merged into another; those seen last come first.
        case all
        /// First seen within the range; the newest first.
        case new
        /// With more rows within the range than within a range of the same length before it; the fastest growing first.
        case growing
        /// With rows before the range and none within it; those seen last come first.
        case gone
        /// The ids that were merged into others, which rows of silver may still carry.
        case merged
    }

    /// Templates with their text, the first and last time they were seen, and how many rows they have.
    ///
    /// Rows are counted by windows of five minutes, so a range begins and ends with a window, and rows of the last minutes are
    /// not counted yet. `lines` is the number within the range (of all time for `all` without `since`), `before` that within a
    /// range of the same length before it, `growth` the one divided by the other. Rows of a merged template count for the
    /// one that took it in.
    ///
    /// - Parameters:
    ///   - table: such as `gold.web_templates`; nil for every table of templates.
    ///   - matchers: conditions on the columns of the answer.
    ///   - since: a day before `until` by default, except for `all` and `merged`.
    /// - Throws: ``QueryError/unknown(_:_:known:)`` for a table without templates or a column that the answer does not have,
    ///   `Matcher.Malformed`, `LakeError`.
    public func list(
        _ selection: Selection = .all, table: String? = nil, matchers: String = "", since: Timestamp? = nil,
        until: Timestamp? = nil, limit: Int = 100, now: Timestamp
    ) throws -> Answer {
        let conditions = try [Matcher](parsing: matchers)
        for condition in conditions where Self.schema[condition.name] == nil {
            throw QueryError.unknown("column", condition.name, known: Self.schema.fields.map(\.name))
        }
        let needsRange = selection != .all && selection != .merged
        let until = until ?? now
        let range = TemplateRange(since: since ?? (needsRange ? until - .seconds(86_400) : nil), until: until)
        var rows: [TemplateHistory.Row] = []
        for name in try tables(asked: table) {
            rows += try history(of: name, range, countsAll: selection == .all && since == nil || selection == .gone)
                .rows(selection, range)
        }
        rows.sort { $0.isBefore($1, selection) }
        let batch = try Batch(schema: Self.schema, rows: rows.map { $0.values(range) })
        let isMatched = conditions.rows(in: batch)
        let kept = (0..<batch.count).filter { isMatched[$0] }
        var answer = Answer(
            schema: Self.schema, rows: kept.prefix(limit).map(batch.row),
            note: kept.count > limit ? "the first \(limit) of \(kept.count) templates are shown; ask for more with --limit" : nil)
        answer.dispensable = (selection == .merged ? [] : ["resolved_to"]) + ["table", "first_seen", "before", "growth"]
        answer.main = "template"
        return answer
    }

    private static let schema = Schema([
        Field("template_id", .text), Field("template", .text), Field("lines", .int64), Field("before", .int64, isNullable: true),
        Field("growth", .double, isNullable: true), Field("first_seen", .timestamp, isNullable: true),
        Field("last_seen", .timestamp, isNullable: true), Field("table", .text), Field("resolved_to", .text, isNullable: true),
    ])

    /// The tables of templates, which their columns show.
    private func tables(asked: String?) throws -> [String] {
        let names = TemplateTable.schema.fields.map(\.name)
        // A table that cannot be opened is another query's business (`obs lake list`), unless it was asked for.
        let known = try lake.tables().filter { name in
            name.utf8.starts(with: "gold.".utf8) && (try? lake.table(name).schema.fields.map(\.name)) == names
        }
        guard let asked else { return known }
        guard known.contains(asked) else { throw QueryError.unknown("table of templates", asked, known: known) }
        return [asked]
    }

    private func history(of name: String, _ range: TemplateRange, countsAll: Bool) throws -> TemplateHistory {
        var history = TemplateHistory(table: name)
        try lake.table(name).scan { batch in
            for row in 0..<batch.count { history.add(change: batch, row, until: range.until) }
            return true
        }
        let counts = TemplateTable.countsName(of: name)
        guard try lake.tables().contains(counts) else { return history }
        let read = countsAll ? nil : range.before.map { ("window_start", $0...max($0, range.until)) }
        try lake.table(counts).scan(times: read) { batch in
            for row in 0..<batch.count { history.add(count: batch, row, range) }
            return true
        }
        return history
    }
}

/// The range of a query, and the one of the same length before it.
struct TemplateRange {
    let since: Timestamp?
    let until: Timestamp

    /// Where the range before begins; nil without a beginning.
    var before: Timestamp? {
        since.map { Timestamp(microseconds: $0.microseconds - max(0, until.microseconds - $0.microseconds)) }
    }
}
