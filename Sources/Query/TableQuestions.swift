import Columns
import Lake
import LakeSQL
import Store

/// Counts of the rows of one table of the lake, for those who do not write SQL: how many, by which values, how many before.
public struct TableQuestions: Sendable {
    /// Which rows are counted.
    public struct Selection: Sendable {
        /// With its layer, such as silver.ssh.
        public var table: String
        /// The column of times that ``since`` and ``until`` apply to.
        public var time: String
        /// Conditions on columns; see ``RowConditions``.
        public var conditions: String
        /// From then on; nil for all.
        public var since: Timestamp?
        /// Before then; nil for all.
        public var until: Timestamp?

        /// All rows of a table that fulfil `conditions`.
        public init(
            _ table: String, time: String = "event_time", conditions: String = "", since: Timestamp? = nil,
            until: Timestamp? = nil
        ) {
            (self.table, self.time, self.conditions, self.since, self.until) = (table, time, conditions, since, until)
        }
    }

    private let question: SQLQuestion
    private let lake: Lake

    /// Queries on the tables of a lake, by SQL; `store` is what SQLite opens beside it.
    public init(_ store: Store, _ lake: Lake) {
        var question = SQLQuestion(store, lake)
        question.timeLimit = .seconds(60)
        question.rowLimit = 100_000
        self.question = question
        self.lake = lake
    }

    /// The values of a column that most rows have, and which share of all rows with a value have each.
    ///
    /// - Parameter span: such as `1h`: the counts of the values per span of time; nil for one count each.
    /// - Throws: ``QueryError``, `LakeError`, and those of matchers.
    public func top(_ column: String, of selection: Selection, limit: Int, per span: String? = nil) throws -> Answer {
        let source = try Source(selection, lake)
        let name = try source.quoted(column)
        let isThere = "\(name) IS NOT NULL"
        let values = try question.answer(
            "SELECT \(name), count(*) AS n FROM \(try source.rows(and: isThere)) GROUP BY \(name) "
                + "ORDER BY n DESC, \(name) LIMIT \(limit)"
        )
        guard let span else {
            let all = try question.answer("SELECT count(*) FROM \(try source.rows(and: isThere))").rows[0][0].whole
            return Answer(
                [(column, .text), ("count", .int64), ("share", .text)],
                rows: values.rows.map { [.text($0[0].description), $0[1], .text(Self.percent($0[1].whole, of: all))] })
        }
        guard Duration(parsing: span).map({ $0 > .zero }) == true else { throw QueryError.badDuration(span) }
        guard !values.rows.isEmpty else { return Answer([("time", .timestamp), (column, .text), ("count", .int64)], rows: []) }
        let list = values.rows.map { SQLText.literal($0[0]) }.joined(separator: ", ")
        let time = "bucket(\(try source.quoted(selection.time)), '\(span)')"
        var counts = try question.answer(
            "SELECT \(time) AS t, \(name), count(*) AS n FROM \(try source.rows(and: "\(name) IN (\(list))")) "
                + "GROUP BY \(time), \(name) ORDER BY t, n DESC, \(name)")
        counts = Answer(
            [("time", .timestamp), (column, .text), ("count", .int64)],
            rows: counts.rows.map { [Self.time($0[0]), .text($0[1].description), $0[2]] }, note: counts.note)
        return counts
    }

    /// How many rows there are, by the values of columns.
    ///
    /// - Parameters:
    ///   - columns: none for one count of all.
    ///   - before: counts beside each how many rows were so long before, and how much more there are.
    /// - Throws: ``QueryError``, also for a comparison without a begin; `LakeError`, and those of matchers.
    public func count(by columns: [String], of selection: Selection, before: Duration? = nil, now: Timestamp) throws -> Answer {
        let fields = columns.map { ($0, ColumnType.text) }
        let counts = try counts(columns, selection)
        guard let before else {
            return Answer(fields + [("count", .int64)], rows: counts.map { $0.key.map(Value.text) + [.int($0.count)] })
        }
        guard let since = selection.since else { throw QueryError.noBegin }
        var earlier = selection
        earlier.since = since - before
        earlier.until = (selection.until ?? now) - before
        var known: [[OutsideText]: Int64] = [:]
        let past = try self.counts(columns, earlier)
        for one in past { known[one.key.map { OutsideText($0) }] = one.count }
        let present = Set(counts.map { $0.key.map { OutsideText($0) } })
        // What is no more there is the news too.
        let gone = past.filter { one in !present.contains(one.key.map { OutsideText($0) }) }.map {
            (key: $0.key, count: Int64(0))
        }
        return Answer(
            fields + [("count", .int64), ("before", .int64), ("change", .text)],
            rows: (counts + gone).map { one in
                let old = known[one.key.map { OutsideText($0) }] ?? 0
                return one.key.map(Value.text) + [.int(one.count), .int(old), .text(Self.change(from: old, to: one.count))]
            })
    }

    private func counts(_ columns: [String], _ selection: Selection) throws -> [(key: [String], count: Int64)] {
        let source = try Source(selection, lake)
        var names: [String] = []
        for column in columns { names.append(try source.quoted(column)) }
        let groups =
            names.isEmpty ? "" : " GROUP BY \(names.joined(separator: ", ")) ORDER BY n DESC, \(names.joined(separator: ", "))"
        let chosen = (names + ["count(*) AS n"]).joined(separator: ", ")
        let answer = try question.answer("SELECT \(chosen) FROM \(try source.rows())\(groups)")
        return answer.rows.map { row in (row.dropLast().map(\.description), row[row.count - 1].whole) }
    }

    private static func time(_ value: Value) -> Value {
        guard case .text(let text) = value, let time = Timestamp(iso8601: text) else { return .null }
        return .timestamp(time)
    }

    private static func percent(_ part: Int64, of all: Int64) -> String {
        guard all > 0 else { return "" }
        let tenths = (Double(part) * 1000 / Double(all)).rounded()
        return "\(Int(tenths) / 10).\(Int(tenths) % 10) %"
    }

    private static func change(from old: Int64, to new: Int64) -> String {
        guard old > 0 else { return new > 0 ? "new" : "" }
        let percent = Int((Double(new - old) * 100 / Double(old)).rounded())
        return percent > 0 ? "+\(percent) %" : "\(percent) %"
    }

    /// The table of a selection as SQL names it, with the conditions on its rows.
    private struct Source {
        private let table: DeltaTable
        private let selection: Selection
        private let name: String

        init(_ selection: Selection, _ lake: Lake) throws {
            table = try lake.table(selection.table)
            let parts = selection.table.utf8.split(separator: UInt8(ascii: ".")).map { String(decoding: $0, as: UTF8.self) }
            name = parts.map(SQLText.name).joined(separator: ".")
            self.selection = selection
        }

        /// A column, which must be there.
        func quoted(_ column: String) throws -> String {
            guard table.schema.index(of: column) != nil else {
                throw QueryError.unknown("column", column, known: table.schema.fields.map(\.name))
            }
            return SQLText.name(column)
        }

        func rows(and condition: String? = nil) throws -> String {
            var conditions = try RowConditions(parsing: selection.conditions, table.schema).sql
            for (comparison, time) in [(">=", selection.since), ("<", selection.until)] {
                guard let time else { continue }
                conditions.append("\(try quoted(selection.time)) \(comparison) '\(time)'")
            }
            if let condition { conditions.append(condition) }
            return name + (conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND "))
        }
    }
}

extension Value {
    /// A count.
    fileprivate var whole: Int64 { if case .int(let number) = self { number } else { 0 } }
}

/// Names and values as SQL has them.
enum SQLText {
    static func name(_ name: String) -> String { quoted(name, UInt8(ascii: "\"")) }

    static func literal(_ value: Value) -> String {
        switch value {
        case .int(let number): String(number)
        case .double(let number): String(number)
        case .null: "NULL"
        default: literal(value.description)
        }
    }

    static func literal(_ text: String) -> String { quoted(text, UInt8(ascii: "'")) }

    private static func quoted(_ text: String, _ quote: UInt8) -> String {
        let bytes = text.utf8.flatMap { $0 == quote ? [quote, quote] : [$0] }
        return String(decoding: [quote] + bytes + [quote], as: UTF8.self)
    }
}
