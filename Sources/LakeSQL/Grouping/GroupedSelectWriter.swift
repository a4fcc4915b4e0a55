import Columns

/// Writes a SELECT anew over a table of groups; see ``GroupedSelect``.
struct GroupedSelectWriter {
    /// Something that is not known for certain: the SELECT stays as it is.
    struct Unknown: Error {}

    private let words: SQLWords
    private let clauses: SelectClauses
    private let schema: Schema
    /// By their names in small letters.
    private let columns: [String: Int]
    private let aliases: Set<String>
    private var hasAggregate = false
    private(set) var shape = GroupShape()

    init(_ words: SQLWords, _ clauses: SelectClauses, _ schema: Schema) {
        self.words = words
        self.clauses = clauses
        self.schema = schema
        columns = Dictionary(
            schema.fields.enumerated().map { (SQLWords.small($1.name), $0) }, uniquingKeysWith: { first, _ in first })
        aliases = Set(clauses.items.compactMap(\.alias))
    }

    /// - Parameter groups: the table of groups, as it is written behind FROM.
    mutating func text(from groups: String) throws(Unknown) -> String {
        var items: [String] = []
        for item in clauses.items { items.append(try rendered(item)) }
        var text = "SELECT \(clauses.isDistinct ? "DISTINCT " : "")\(items.joined(separator: ", ")) FROM \(groups)"
        text += " AS \(VirtualTable.quoted(clauses.name))"
        if let condition = clauses.condition {
            var conditions: [String] = []
            for part in conjuncts(condition) { conditions.append(try renderedCondition(part)) }
            text += " WHERE " + conditions.joined(separator: " AND ")
        }
        if !clauses.rest.isEmpty { text += " " + (try rendered(clauses.rest)) }
        guard hasAggregate || !clauses.groups.isEmpty || clauses.isDistinct else { throw Unknown() }
        guard clauses.having == nil || !clauses.groups.isEmpty else { throw Unknown() }
        try checkBareColumns()
        return text
    }

    /// With the name that SQLite gives the column of the item as it was written.
    private mutating func rendered(_ item: SelectClauses.Item) throws(Unknown) -> String {
        let body = try rendered(item.body), written = words.text(item.body)
        if item.alias != nil { return "\(body) AS \(VirtualTable.quoted(name(item)))" }
        return body.hasSameBytes(as: written) ? body : "\(body) AS \(VirtualTable.quoted(words.nameOfColumn(item.body)))"
    }

    /// The name behind an item as it was written.
    private func name(_ item: SelectClauses.Item) -> String {
        guard case .name(let name) = words.words[item.all.upperBound - 1].token else { return "" }
        return name
    }

    // MARK: Conditions

    /// The parts of a condition that all must be true.
    private func conjuncts(_ condition: Range<Int>) -> [Range<Int>] {
        let outer = words.outer(condition)
        // AND binds closer than OR.
        guard !outer.contains(where: { words.isKeyword($0, "or") }) else { return [condition] }
        var ands: [Int] = [], isBetween = false
        for index in outer {
            if words.isKeyword(index, "between") { isBetween = true }
            guard words.isKeyword(index, "and") else { continue }
            if isBetween { isBetween = false } else { ands.append(index) }
        }
        return words.parts(condition, at: ands)
    }

    private mutating func renderedCondition(_ condition: Range<Int>) throws(Unknown) -> String {
        guard !condition.isEmpty else { throw Unknown() }
        if let column = comparedColumn(condition) {
            shape.filter(column)
            return words.text(condition)
        }
        return try rendered(condition)
    }

    /// The column that a condition compares with what is the same for all rows, as a scan does; nil for another condition.
    private func comparedColumn(_ condition: Range<Int>) -> Int? {
        guard let (column, next) = reference(condition.lowerBound, condition.upperBound), next < condition.upperBound,
            schema.fields[column].type != .binary
        else { return nil }
        let rest = next..<condition.upperBound
        if words.isKeyword(next, "is") {
            // IS NOT NULL is a condition that SQLite looks at again in any case.
            return words.isKeyword(next + 1, "null") && rest.count == 2 ? column : nil
        }
        if words.isKeyword(next, "between") {
            let ands = words.outer((next + 1)..<rest.upperBound).filter { words.isKeyword($0, "and") }
            guard let and = ands.first else { return nil }
            return isConstant((next + 1)..<and) && isConstant((and + 1)..<rest.upperBound) ? column : nil
        }
        if words.isKeyword(next, "in") {
            guard words.isSymbol(next + 1, "("), words.closing(next + 1) == rest.upperBound - 1 else { return nil }
            let list = (next + 2)..<(rest.upperBound - 1)
            let parts = words.parts(list, at: words.outer(list).filter { words.isSymbol($0, ",") })
            return parts.allSatisfy(isConstant) ? column : nil
        }
        for comparison in ["==", "<=", ">=", "=", "<", ">"] {
            let symbols = Array(comparison.unicodeScalars)
            guard symbols.indices.allSatisfy({ words.isSymbol(next + $0, symbols[$0]) }) else { continue }
            return isConstant((next + symbols.count)..<rest.upperBound) ? column : nil
        }
        return nil
    }

    /// Whether an expression has no column, no comparison and no words but those of functions.
    private func isConstant(_ range: Range<Int>) -> Bool {
        guard !range.isEmpty else { return false }
        return range.allSatisfy { index in
            switch words.words[index].token {
            case .other: true
            case .name: SQLVocabulary.isFunction(words.words[index]) && words.isSymbol(index + 1, "(")
            case .symbol(let symbol): Array("(),+-*/|.".utf8).contains(symbol)
            }
        }
    }

    // MARK: Expressions

    /// A range as it is over the groups; the columns in it become keys.
    private mutating func rendered(_ range: Range<Int>, inAggregate: Bool = false) throws(Unknown) -> String {
        guard !range.isEmpty else { throw Unknown() }
        var text: [UInt8] = [], copied = words.words[range.lowerBound].range.lowerBound, index = range.lowerBound
        while index < range.upperBound {
            let (replacement, next) = try step(index, range, inAggregate)
            if let replacement {
                text += words.bytes[copied..<words.words[index].range.lowerBound] + Array(replacement.utf8)
                copied = words.words[next - 1].range.upperBound
            }
            index = next
        }
        let end = words.words[range.upperBound - 1].range.upperBound
        return String(decoding: text + words.bytes[copied..<end], as: UTF8.self)
    }

    /// Looks at a word: what stands for it and those behind it, and which is the next.
    private mutating func step(_ index: Int, _ range: Range<Int>, _ inAggregate: Bool) throws(Unknown) -> (String?, Int) {
        let word = words.words[index]
        switch word.token {
        case .other: return (nil, index + 1)
        case .symbol(UInt8(ascii: "*")):
            // Of a product, and not of all columns.
            let isFactor =
                index > range.lowerBound
                && (words.isName(index - 1) || words.words[index - 1].token == .other
                    || words.isSymbol(index - 1, ")"))
            guard isFactor, !SQLVocabulary.isKeyword(words.words[index - 1]) else { throw Unknown() }
            return (nil, index + 1)
        case .symbol(UInt8(ascii: ".")):
            guard index > range.lowerBound, words.words[index - 1].token == .other else { throw Unknown() }
            return (nil, index + 1)
        case .symbol(let symbol):
            guard Array("(),+-/%|&~<>=!".utf8).contains(symbol) else { throw Unknown() }
            return (nil, index + 1)
        case .name: break
        }
        if words.isSymbol(index + 1, "("), index + 1 < range.upperBound, !word.isQuoted {
            return try function(index, range, inAggregate)
        }
        if let (column, next) = reference(index, range.upperBound) {
            _ = shape.key(.column(column))
            return (nil, next)
        }
        guard SQLVocabulary.isKeyword(word) || aliases.contains(word.name), !words.isSymbol(index + 1, ".") else {
            throw Unknown()
        }
        return (nil, index + 1)
    }

    /// A column as it is written, with the name of the table or without, and where the words behind it begin.
    private func reference(_ index: Int, _ end: Int) -> (column: Int, next: Int)? {
        guard index < end, words.isName(index) else { return nil }
        if index + 2 < end, words.isSymbol(index + 1, "."), words.isName(index + 2) {
            guard words.words[index].name == clauses.name, !words.isSymbol(index + 3, "."), !words.isSymbol(index + 3, "("),
                let column = columns[words.words[index + 2].name]
            else { return nil }
            return (column, index + 3)
        }
        guard !words.isSymbol(index + 1, "."), !words.isSymbol(index + 1, "("), let column = columns[words.words[index].name]
        else { return nil }
        return (column, index + 1)
    }

    private mutating func function(_ index: Int, _ range: Range<Int>, _ inAggregate: Bool) throws(Unknown) -> (String?, Int) {
        guard let close = words.closing(index + 1), close < range.upperBound else { throw Unknown() }
        let word = words.words[index], arguments = (index + 2)..<close
        if isAggregate(index, arguments) {
            guard !inAggregate else { throw Unknown() }
            hasAggregate = true
            return try aggregate(word.name, arguments, close + 1, range.upperBound)
        }
        if let text = try ofSpan(word.name, arguments) { return (text, close + 1) }
        guard SQLVocabulary.isFunction(word) || SQLVocabulary.isKeyword(word) else { throw Unknown() }
        return (nil, index + 1)
    }

    /// Whether the function at a word is one over rows: min and max with several arguments are not.
    private func isAggregate(_ index: Int, _ arguments: Range<Int>) -> Bool {
        let word = words.words[index]
        guard !word.isQuoted, SQLVocabulary.aggregates.contains(word.name) else { return false }
        return !["min", "max"].contains(word.name) || !words.outer(arguments).contains { words.isSymbol($0, ",") }
    }

    private mutating func aggregate(_ name: String, _ arguments: Range<Int>, _ next: Int, _ end: Int) throws(Unknown)
        -> (String?, Int)
    {
        var filter = "", next = next
        if words.isKeyword(next, "filter"), words.isSymbol(next + 1, "(") {
            guard let close = words.closing(next + 1), close < end, words.isKeyword(next + 2, "where") else { throw Unknown() }
            filter = " FILTER (WHERE \(try rendered((next + 3)..<close, inAggregate: true)))"
            next = close + 1
        }
        guard !words.isKeyword(next, "over"), !arguments.isEmpty else { throw Unknown() }
        return (try aggregate(name, arguments, filter), next)
    }

    private mutating func aggregate(_ name: String, _ arguments: Range<Int>, _ filter: String) throws(Unknown) -> String {
        let count = "\"\(GroupShape.countName)\""
        if words.isKeyword(arguments.lowerBound, "distinct") {
            // How often a value is there does not matter.
            let value = try rendered((arguments.lowerBound + 1)..<arguments.upperBound, inAggregate: true)
            return "\(name)(DISTINCT \(value))\(filter)"
        }
        if name == "count", arguments.count == 1, words.isSymbol(arguments.lowerBound, "*") {
            return "coalesce(sum(\(count))\(filter), 0)"
        }
        if let (column, next) = reference(arguments.lowerBound, arguments.upperBound), next == arguments.upperBound {
            if let text = measured(name, column, filter) { return text }
            // Which sum of other values than whole numbers comes out depends on the order of rows.
            guard ["count", "min", "max"].contains(name) else { throw Unknown() }
        }
        let value = try rendered(arguments, inAggregate: true)
        let present = "sum(CASE WHEN (\(value)) IS NOT NULL THEN \(count) END)\(filter)"
        let sum = "(\(GroupedSelect.times)((\(value)), \(count)))\(filter)"
        return switch name {
        case "count": "coalesce(\(present), 0)"
        case "sum", "total": name + sum
        case "avg": "(CAST(sum\(sum) AS REAL) / \(present))"
        default: "\(name)(\(value))\(filter)"
        }
    }

    /// An aggregate of a column itself; nil where its values must be known.
    private mutating func measured(_ name: String, _ column: Int, _ filter: String) -> String? {
        let type = schema.fields[column].type, isWhole = [.bool, .int32, .int64].contains(type)
        switch name {
        case "count": return "coalesce(sum(\(shape.measure(.present(column))))\(filter), 0)"
        case "sum" where isWhole, "total" where isWhole: return "\(name)(\(shape.measure(.sum(column))))\(filter)"
        case "avg" where isWhole:
            let sum = shape.measure(.sum(column)), present = shape.measure(.present(column))
            return "(CAST(sum(\(sum))\(filter) AS REAL) / sum(\(present))\(filter))"
        case "min" where type != .binary: return "min(\(shape.measure(.least(column))))\(filter)"
        case "max" where type != .binary: return "max(\(shape.measure(.greatest(column))))\(filter)"
        default: return nil
        }
    }

    // MARK: Spans of time

    /// A function of a column's time that says no more of it than in which span of time it is: of the begin of the span.
    private mutating func ofSpan(_ name: String, _ arguments: Range<Int>) throws(Unknown) -> String? {
        let parts = words.parts(arguments, at: words.outer(arguments).filter { words.isSymbol($0, ",") })
        for (index, part) in parts.enumerated() {
            guard let (column, next) = reference(part.lowerBound, part.upperBound), next == part.upperBound,
                schema.fields[column].type == .timestamp
            else { continue }
            let others = parts.indices.filter { $0 != index }.map { literal(parts[$0]) }
            guard !others.contains(nil), let (length, edge) = SpanFunctions.span(name, others.compactMap(\.self), at: index),
                let span = TimeSpan(length)
            else { return nil }
            let key = shape.key(.span(column, span, edge))
            if name == "bucket" { return key }
            let written = parts.indices.map { $0 == index ? key : words.text(parts[$0]) }
            return "\(name)(\(written.joined(separator: ", ")))"
        }
        return nil
    }

    /// A text or a number that is written as such.
    private func literal(_ range: Range<Int>) -> String? {
        guard range.count == 1, words.words[range.lowerBound].token == .other else { return nil }
        let bytes = words.bytes[words.words[range.lowerBound].range], quote = UInt8(ascii: "'")
        guard bytes.first == quote else { return String(decoding: bytes, as: UTF8.self) }
        let inner = bytes.dropFirst().dropLast()
        return inner.contains(quote) ? nil : String(decoding: inner, as: UTF8.self)
    }

    // MARK: Columns outside of aggregates

    /// SQLite takes any row's value for a column that is neither grouped by nor in an aggregate; which one depends on the order
    /// of rows.
    private func checkBareColumns() throws(Unknown) {
        guard hasAggregate || !clauses.groups.isEmpty else { return }
        let groups = clauses.groups.map(meaning)
        let grouped = Set(
            groups.compactMap { group in
                reference(group.lowerBound, group.upperBound).flatMap { $0.next == group.upperBound ? $0.column : nil }
            })
        for range in clauses.items.map(\.body) + clauses.order + [clauses.having].compactMap(\.self) {
            var index = range.lowerBound
            while index < range.upperBound {
                if words.isSymbol(index + 1, "("), let close = words.closing(index + 1),
                    isAggregate(index, (index + 2)..<close)
                {
                    index = close + 1
                    if words.isKeyword(index, "filter"), let close = words.closing(index + 1) { index = close + 1 }
                } else if let group = groups.first(where: { isAt(index, range, $0) }) {
                    index += group.count
                } else if let (column, next) = reference(index, range.upperBound) {
                    guard grouped.contains(column) else { throw Unknown() }
                    index = next
                } else {
                    index += 1
                }
            }
        }
    }

    /// What is grouped by: an item where its number or its name is written.
    private func meaning(_ group: Range<Int>) -> Range<Int> {
        guard group.count == 1 else { return group }
        if let number = literal(group).flatMap({ Int($0) }), clauses.items.indices.contains(number - 1) {
            return clauses.items[number - 1].body
        }
        let name = words.words[group.lowerBound].name
        if columns[name] == nil, let item = clauses.items.first(where: { $0.alias == name }) { return item.body }
        return group
    }

    /// Whether an expression begins at a word and is not a part of a longer one.
    private func isAt(_ index: Int, _ range: Range<Int>, _ expression: Range<Int>) -> Bool {
        let end = index + expression.count
        guard end <= range.upperBound, words.areSame(index..<end, expression) else { return false }
        func isBound(_ index: Int) -> Bool {
            !range.contains(index) || ["(", ")", ","].contains { words.isSymbol(index, $0) }
                || SQLVocabulary.isKeyword(words.words[index])
        }
        return expression.count == 1 || isBound(index - 1) && isBound(end)
    }
}

/// Functions of time that say of a time only in which span of time it is.
enum SpanFunctions {
    /// - Parameters:
    ///   - others: the arguments beside the time.
    ///   - index: of the time among the arguments.
    static func span(_ name: String, _ others: [String], at index: Int) -> (Duration, GroupShape.Edge)? {
        switch (name, index, others.count) {
        case ("bucket", 0, 1): Duration(parsing: others[0]).map { ($0, .isOfSpan) }
        case ("date", 0, 0): (.seconds(86_400), .isApart)
        case ("time", 0, 0), ("datetime", 0, 0), ("unixepoch", 0, 0): (.seconds(1), .isApart)
        case ("strftime", 1, 1): format(others[0]).map { ($0, .isApart) }
        case ("substr", 0, 2), ("substring", 0, 2):
            if others[0] == "1", let count = Int(others[1]), let length = prefix(count) { (length, .isOfSpan) } else { nil }
        default: nil
        }
    }

    /// What the first bytes of a time say: 2026-11-27T15:00:00.000000Z.
    private static func prefix(_ count: Int) -> Duration? {
        switch count {
        case 0...10: .seconds(86_400)
        case 11...13: .seconds(3600)
        case 14...16: .seconds(60)
        case 17...19: .seconds(1)
        default: nil
        }
    }

    /// What a format of strftime says.
    private static func format(_ text: String) -> Duration? {
        var length: Int64 = 86_400, isLetter = false
        for byte in text.utf8 {
            guard isLetter else {
                isLetter = byte == UInt8(ascii: "%")
                continue
            }
            isLetter = false
            switch Unicode.Scalar(byte) {
            case "Y", "m", "d", "j", "w", "W", "%": break
            case "H": length = min(length, 3600)
            case "M": length = min(length, 60)
            case "S", "s": length = 1
            default: return nil
            }
        }
        return .seconds(length)
    }
}
