import Columns

/// What reads fields from the text of a line.
package enum FieldExtraction: Sendable {
    /// A JSON object: all its texts, numbers and booleans, those of inner objects with `_` between the names; or those at the
    /// paths only.
    case json([(name: OutsideText, path: JSONPath)])
    /// Pairs `name=value`: all, or those with the names only.
    case logfmt([(name: OutsideText, from: OutsideText)])
    case pattern(LinePattern)
    /// The named groups of an expression, wherever in the line it matches.
    case regexp(RegularExpression, names: [OutsideText?])

    init(regexp pattern: String, at place: Int) throws(LogQLError) {
        let expression: RegularExpression
        do {
            expression = try RegularExpression(pattern, captures: true)
        } catch {
            throw .malformed("\(error)", at: place)
        }
        let names = expression.groupNames.map { $0.map { OutsideText($0) } }
        guard names.contains(where: { $0 != nil }) else {
            throw .malformed("the expression has no group with a name, such as (?P<user>…)", at: place)
        }
        self = .regexp(expression, names: names)
    }

    /// The most fields that are taken of one line.
    static let maxFields = 200

    /// Adds the fields to the line.
    func extract<Record: LogRecord>(into line: inout QueriedLine<Record>) {
        let text = line.text
        switch self {
        case .pattern(let pattern): for (name, value) in pattern.fields(of: text) { line.add(name, value) }
        case .regexp(let expression, let names):
            var places: [Range<Int>] = []
            guard expression.firstMatch(in: text.utf8.span, from: 0, into: &places) else { return }
            let bytes = Array(text.utf8)
            for (name, place) in zip(names, places.dropFirst()) where place.lowerBound >= 0 {
                if let name { line.add(name, String(decoding: bytes[place], as: UTF8.self)) }
            }
        case .json(let paths): Self.json(text, paths, &line)
        case .logfmt(let wanted):
            LogfmtPairs.forEach(Array(text.utf8)) { name, value in
                guard !wanted.isEmpty else {
                    line.add(name, value)
                    return line.addedCount < Self.maxFields
                }
                for (new, from) in wanted where from == name { line.add(new, value) }
                return true
            }
        }
    }

    private static func json<Record: LogRecord>(
        _ text: String, _ paths: [(name: OutsideText, path: JSONPath)], _ line: inout QueriedLine<Record>
    ) {
        guard let tree = try? JSON(parsing: Array(text.utf8)), case .object = tree else {
            return line.fail("JSONParserErr", "the line is not a JSON object")
        }
        guard paths.isEmpty else {
            for (name, path) in paths { line.add(name, path.value(in: tree)?.fieldText ?? "") }
            return
        }
        flatten(tree, "", &line)
    }

    private static func flatten<Record: LogRecord>(_ value: JSON, _ prefix: String, _ line: inout QueriedLine<Record>) {
        guard case .object(let members) = value else { return }
        for member in members where line.addedCount < maxFields {
            let name = prefix + member.name.string
            if case .object = member.value {
                flatten(member.value, name + "_", &line)
            } else if case .list = member.value {
                continue
            } else if let text = member.value.fieldText {
                line.add(OutsideText(name), text)
            }
        }
    }
}

extension JSON {
    /// The value as a field has it; nil for null.
    fileprivate var fieldText: String? {
        switch self {
        case .null: nil
        case .text(let text): text.string
        default: String(decoding: bytes(), as: UTF8.self)
        }
    }
}

/// A place in a JSON text: `request.headers["user-agent"]`, `servers[0]`.
package struct JSONPath: Sendable {
    private enum Step: Sendable {
        case name(String)
        case index(Int)
    }

    private let steps: [Step]

    init(_ text: String, at place: Int) throws(LogQLError) {
        var steps: [Step] = []
        var rest = Array(text.utf8)[...]
        let refusal = LogQLError.malformed("'\(OutsideText(text).prefix(100))' is not a path such as a.b[0][\"c\"]", at: place)
        while let first = rest.first {
            if first == UInt8(ascii: "[") {
                guard let close = rest.firstIndex(of: UInt8(ascii: "]")) else { throw refusal }
                let inner = rest[rest.index(after: rest.startIndex)..<close]
                rest = rest[rest.index(after: close)...]
                if inner.count >= 2, inner.first == UInt8(ascii: "\""), inner.last == UInt8(ascii: "\"") {
                    steps.append(.name(String(decoding: inner.dropFirst().dropLast(), as: UTF8.self)))
                } else {
                    guard let index = Int(String(decoding: inner, as: UTF8.self)), index >= 0 else { throw refusal }
                    steps.append(.index(index))
                }
            } else {
                if first == UInt8(ascii: ".") {
                    guard !steps.isEmpty else { throw refusal }
                    rest = rest.dropFirst()
                }
                let name = rest.prefix { $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: "[") }
                guard !name.isEmpty else { throw refusal }
                steps.append(.name(String(decoding: name, as: UTF8.self)))
                rest = rest.dropFirst(name.count)
            }
        }
        guard !steps.isEmpty else { throw refusal }
        self.steps = steps
    }

    func value(in tree: JSON) -> JSON? {
        var value = tree
        for step in steps {
            switch step {
            case .name(let name):
                guard let inner = value[name] else { return nil }
                value = inner
            case .index(let index):
                guard let list = value.list, index < list.count else { return nil }
                value = list[index]
            }
        }
        return value
    }
}

/// The pairs of a line in logfmt.
enum LogfmtPairs {
    /// Calls `body` with each pair until it gives false. Anything else is passed over.
    static func forEach(_ line: [UInt8], _ body: (OutsideText, String) -> Bool) {
        var next = 0
        while next < line.count {
            guard line[next] > 0x20 else {
                next += 1
                continue
            }
            let start = next
            while next < line.count, line[next] > 0x20, line[next] != UInt8(ascii: "=") { next += 1 }
            let name = String(decoding: line[start..<next], as: UTF8.self)
            guard next < line.count, line[next] == UInt8(ascii: "=") else { continue }
            next += 1
            let value = value(line, &next)
            guard !name.isEmpty, let value else { continue }
            guard body(OutsideText(name), value) else { return }
        }
    }

    private static func value(_ line: [UInt8], _ next: inout Int) -> String? {
        guard next < line.count, line[next] == UInt8(ascii: "\"") else {
            let start = next
            while next < line.count, line[next] > 0x20 { next += 1 }
            return String(decoding: line[start..<next], as: UTF8.self)
        }
        let start = next
        next += 1
        while next < line.count, line[next] != UInt8(ascii: "\"") { next += line[next] == UInt8(ascii: "\\") ? 2 : 1 }
        guard next < line.count else {
            next = line.count
            return nil
        }
        next += 1
        var reader = JSONReader(Array(line[start..<next]))
        return (try? reader.text()) ?? String(decoding: line[(start + 1)..<(next - 1)], as: UTF8.self)
    }
}
