import Columns
import Lake

/// A SELECT over one table of the lake that asks for groups: rewritten to one over a ``GroupTable``, which has a row for many.
///
///     SELECT source, count(*), max(port) FROM silver.ssh WHERE event_time > ago('1d') GROUP BY source HAVING count(*) > 5
///     SELECT source, coalesce(sum("#n"), 0), max("#m0") FROM silver."ssh#1" AS ssh WHERE … GROUP BY source HAVING …
///
/// Each row of the table of groups stands for `#n` rows of the table that are alike in every column which the statement reads
/// outside of simple counts, sums, minima and maxima. So grouping, expressions, HAVING, ORDER BY and LIMIT stay with SQLite, and
/// only the counting is done on columns. Of conditions those that a scan compares exactly as SQLite does are left to it; the
/// columns of all others are among those that rows are alike in.
///
/// What is not known here for certain is not rewritten. What is found out later (a value that only SQLite can compare, sums of
/// more than 2^53) ends the rewritten statement with ``LakeSQLError/inexact``, and the statement runs as it was written.
struct GroupedSelect {
    /// Where the SELECT is in its statement, in bytes.
    let place: Range<Int>
    let text: String
    let layer: String
    /// As the schema of the layer has the table: `ssh`, `ssh@v12`.
    let nameInLayer: String
    /// As it has the table of groups.
    let groupsName: String
    let shape: GroupShape

    /// The name of a function that gives a whole number so often; see ``GroupFunctions``.
    static let times = "obs_times"

    /// Those of a statement that are rewritten.
    ///
    /// - Parameter schema: of a table by its layer and its name in it; nil for one that is not there.
    static func found(in statement: String, schema: (_ layer: String, _ name: String) -> Schema?) -> [GroupedSelect] {
        let words = SQLWords(statement)
        var found: [GroupedSelect] = []
        for start in 0..<words.count where words.isKeyword(start, "select") {
            guard let clauses = SelectClauses(words, from: start), let schema = schema(clauses.layer, clauses.table),
                !schema.fields.contains(where: { $0.name.utf8.first == UInt8(ascii: "#") })
            else { continue }
            var writer = GroupedSelectWriter(words, clauses, schema)
            let name = "\(clauses.table)#\(found.count + 1)"
            guard let text = try? writer.text(from: "\(VirtualTable.quoted(clauses.layer)).\(VirtualTable.quoted(name))") else {
                continue
            }
            found.append(
                GroupedSelect(
                    place: words.words[start].range.lowerBound..<words.words[clauses.end - 1].range.upperBound, text: text,
                    layer: clauses.layer, nameInLayer: clauses.table, groupsName: name, shape: writer.shape))
        }
        return found
    }

    /// The statement with its rewritten parts.
    static func statement(_ statement: String, with selects: [GroupedSelect]) -> String {
        let bytes = Array(statement.utf8)
        var written: [UInt8] = [], copied = 0
        for select in selects {
            written += bytes[copied..<select.place.lowerBound] + Array(select.text.utf8)
            copied = select.place.upperBound
        }
        return String(decoding: written + bytes[copied...], as: UTF8.self)
    }
}

/// The clauses of a SELECT without another one in it, over one table of a layer.
struct SelectClauses {
    /// A result column.
    struct Item {
        /// Its expression.
        let body: Range<Int>
        /// In small letters; nil for a column that has its expression for a name.
        let alias: String?
        /// The expression with the alias.
        let all: Range<Int>
    }

    let isDistinct: Bool
    let items: [Item]
    let layer: String
    let table: String
    /// How the statement calls the table.
    let name: String
    let condition: Range<Int>?
    let groups: [Range<Int>]
    let having: Range<Int>?
    let order: [Range<Int>]
    /// From the clause behind the condition on to the end.
    let rest: Range<Int>
    let end: Int

    init?(_ words: SQLWords, from start: Int) {
        // A part of a compound has no ORDER BY and no names of its own.
        if start > 0, ["union", "all", "intersect", "except"].contains(where: { words.isKeyword(start - 1, $0) }) { return nil }
        guard let end = Self.end(words, start) else { return nil }
        let body = (start + 1)..<end
        let outer = words.outer(body)
        var starts: [String: Int] = [:]
        for keyword in ["from", "where", "group", "having", "order", "limit"] {
            let found = outer.filter { words.isKeyword($0, keyword) && !words.isSymbol($0 - 1, ".") }
            guard found.count <= 1 else { return nil }
            starts[keyword] = found.first
        }
        guard let from = starts["from"] else { return nil }
        let clauses = ["where", "group", "having", "order", "limit"].compactMap { starts[$0] }
        guard clauses == clauses.sorted(), clauses.allSatisfy({ $0 > from }) else { return nil }
        func clause(_ keyword: String, skipping skipped: Int) -> Range<Int>? {
            guard let start = starts[keyword] else { return nil }
            let next = clauses.first { $0 > start } ?? end
            return start + skipped < next ? start + skipped..<next : nil
        }
        func list(_ range: Range<Int>?) -> [Range<Int>] {
            range.map { words.parts($0, at: words.outer($0).filter { words.isSymbol($0, ",") }) } ?? []
        }

        isDistinct = words.isKeyword(start + 1, "distinct")
        let firstItem = start + 1 + (isDistinct || words.isKeyword(start + 1, "all") ? 1 : 0)
        guard firstItem < from else { return nil }
        items = list(firstItem..<from).map { Self.item(words, $0) }
        guard items.allSatisfy({ !$0.body.isEmpty }) else { return nil }

        let source = (from + 1)..<(clauses.first ?? end)
        guard source.count >= 3, words.isName(from + 1), words.isSymbol(from + 2, "."), words.isName(from + 3),
            case .name(let layer) = words.words[from + 1].token, case .name(let table) = words.words[from + 3].token
        else { return nil }
        switch source.count {
        case 3: name = words.words[from + 3].name
        case 4 where words.isName(from + 4): name = words.words[from + 4].name
        case 5 where words.isKeyword(from + 4, "as") && words.isName(from + 5): name = words.words[from + 5].name
        default: return nil
        }
        (self.layer, self.table, self.end) = (layer, table, end)
        condition = clause("where", skipping: 1)
        if starts["group"] != nil, !words.isKeyword(starts["group"]! + 1, "by") { return nil }
        if starts["order"] != nil, !words.isKeyword(starts["order"]! + 1, "by") { return nil }
        groups = list(clause("group", skipping: 2))
        having = clause("having", skipping: 1)
        order = list(clause("order", skipping: 2))
        rest = (clauses.first { !words.isKeyword($0, "where") } ?? end)..<end
        if (starts["where"] != nil) != (condition != nil) || (starts["group"] != nil) != !groups.isEmpty { return nil }
    }

    /// Where a SELECT ends; nil for one with another in it, or of a compound.
    private static func end(_ words: SQLWords, _ start: Int) -> Int? {
        var depth = 0
        for index in (start + 1)..<words.count {
            if words.isKeyword(index, "select") { return nil }
            if depth == 0, ["union", "intersect", "except", "window"].contains(where: { words.isKeyword(index, $0) }) {
                return nil
            }
            if words.isSymbol(index, "(") { depth += 1 }
            if words.isSymbol(index, ")") {
                if depth == 0 { return index }
                depth -= 1
            }
            if depth == 0, words.isSymbol(index, ";") { return index }
        }
        return depth == 0 ? words.count : nil
    }

    private static func item(_ words: SQLWords, _ all: Range<Int>) -> Item {
        let last = all.upperBound - 1
        guard all.count >= 2, words.isName(last) else { return Item(body: all, alias: nil, all: all) }
        if all.count >= 3, words.isKeyword(last - 1, "as") {
            return Item(body: all.lowerBound..<(last - 1), alias: words.words[last].name, all: all)
        }
        let isEnd =
            words.isSymbol(last - 1, ")") || words.words[last - 1].token == .other || words.isKeyword(last - 1, "end")
            || words.isName(last - 1) && !SQLVocabulary.isKeyword(words.words[last - 1])
        guard isEnd, !SQLVocabulary.isKeyword(words.words[last]) else { return Item(body: all, alias: nil, all: all) }
        return Item(body: all.lowerBound..<last, alias: words.words[last].name, all: all)
    }
}
