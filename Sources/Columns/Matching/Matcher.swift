/// One condition on a label or a column: `name="value"`, `!=`, `=~` or `!~`, as Alertmanager has them. The same grammar stands in routes, silences,
/// rules, windows and `obs query`.
///
/// A label that is not there is the empty text. Regular expressions match whole values.
public struct Matcher: Sendable, Hashable, CustomStringConvertible {
    public enum Operator: String, Sendable, CaseIterable {
        case equal = "="
        case notEqual = "!="
        case matches = "=~"
        case doesNotMatch = "!~"
    }

    public struct Malformed: Error, CustomStringConvertible {
        public let text: String
        public let reason: String
        public var description: String { "'\(text)' is no matcher: \(reason); write name=\"value\", or !=, =~, !~" }
    }

    public let name: String
    public let `operator`: Operator
    public let value: String
    private let expression: RegularExpression?

    public init(_ name: String, _ operator: Operator, _ value: String) throws(RegularExpression.Malformed) {
        self.name = name
        self.operator = `operator`
        self.value = value
        expression = `operator` == .matches || `operator` == .doesNotMatch ? try RegularExpression(value) : nil
    }

    public func matches(_ text: String) -> Bool {
        switch `operator` {
        case .equal: text == value
        case .notEqual: text != value
        case .matches: expression!.matches(text)
        case .doesNotMatch: !expression!.matches(text)
        }
    }

    public func matches(_ labels: [String: String]) -> Bool {
        matches(labels[name] ?? "")
    }

    public var description: String {
        "\(name)\(`operator`.rawValue)\"\(value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n"))\""
    }
}

extension Array<Matcher> {
    /// Reads a list such as `{severity="critical", host=~"web.*"}`; braces and quotes may be left out where nothing is ambiguous.
    ///
    /// - Throws: ``Matcher/Malformed`` or ``RegularExpression/Malformed``.
    public init(parsing text: String) throws {
        var reader = MatcherReader(text)
        self = try reader.readAll()
    }

    /// Whether all hold.
    public func match(_ labels: [String: String]) -> Bool {
        allSatisfy { $0.matches(labels) }
    }

    /// Which rows of `batch` all matchers hold for; a column that is not there is the empty text, a number is its decimal text.
    ///
    /// A dictionary column is asked once a distinct text, not once a row.
    public func rows(in batch: Batch) -> [Bool] {
        var isMatched = [Bool](repeating: true, count: batch.count)
        for matcher in self {
            guard let index = batch.schema.index(of: matcher.name) else {
                if !matcher.matches("") { return Swift.Array(repeating: false, count: batch.count) }
                continue
            }
            let column = batch.columns[index]
            let ofNull = matcher.matches("")
            if case .dictionary(let values) = column.values {
                var known = [Bool?](repeating: nil, count: values.dictionary.count)
                for row in 0..<batch.count where isMatched[row] {
                    if column.isNull(at: row) {
                        isMatched[row] = ofNull
                        continue
                    }
                    let code = Int(values.codes[column.range.lowerBound + row])
                    let holds = known[code] ?? matcher.matches(values.dictionary.string(at: code))
                    known[code] = holds
                    isMatched[row] = holds
                }
            } else {
                let type = batch.schema.fields[index].type
                for row in 0..<batch.count where isMatched[row] {
                    isMatched[row] = matcher.matches(column.value(at: row, as: type).description)
                }
            }
        }
        return isMatched
    }
}

/// Reads the text of matchers.
private struct MatcherReader {
    private let text: String
    private let scalars: [Unicode.Scalar]
    private var at = 0

    init(_ text: String) {
        self.text = text
        scalars = Array(text.unicodeScalars)
    }

    mutating func readAll() throws -> [Matcher] {
        skipSpace()
        let isBraced = next == "{"
        if isBraced { at += 1 }
        var matchers: [Matcher] = []
        skipSpace()
        while at < scalars.count, next != "}" {
            matchers.append(try readOne())
            skipSpace()
            guard next == "," else { break }
            at += 1
            skipSpace()
        }
        if isBraced {
            guard next == "}" else { throw bad("a '}' is missing") }
            at += 1
        }
        skipSpace()
        guard at == scalars.count else { throw bad("something follows at position \(at + 1)") }
        return matchers
    }

    private mutating func readOne() throws -> Matcher {
        let name = try readText { !"=!~{},\"\\ \t\n".unicodeScalars.contains($0) }
        guard !name.isEmpty else { throw bad("a name is missing at position \(at + 1)") }
        skipSpace()
        guard
            let found = [Matcher.Operator.notEqual, .matches, .doesNotMatch, .equal].first(where: {
                scalars[at...].starts(with: $0.rawValue.unicodeScalars)
            })
        else {
            throw bad("after '\(name)' an operator is missing")
        }
        at += found.rawValue.count
        skipSpace()
        let value = try readText { !"{},\"".unicodeScalars.contains($0) }
        return try Matcher(name, found, value)
    }

    /// A quoted text, or one up to the first character that does not belong to it.
    private mutating func readText(_ belongs: (Unicode.Scalar) -> Bool) throws -> String {
        var read = String.UnicodeScalarView()
        guard next == "\"" else {
            while let scalar = next, belongs(scalar) {
                read.append(scalar)
                at += 1
            }
            return String(read).trimmingSpace()
        }
        at += 1
        while let scalar = next, scalar != "\"" {
            at += 1
            guard scalar == "\\", let escaped = next else {
                read.append(scalar)
                continue
            }
            at += 1
            switch escaped {
            case "n": read.append("\n")
            case "\"", "\\": read.append(escaped)
            default: read.append(contentsOf: ["\\", escaped])  // as in a regular expression: \d
            }
        }
        guard next == "\"" else { throw bad("a closing quote is missing") }
        at += 1
        return String(read)
    }

    private var next: Unicode.Scalar? { at < scalars.count ? scalars[at] : nil }

    private mutating func skipSpace() {
        while let scalar = next, scalar.properties.isWhitespace { at += 1 }
    }

    private func bad(_ reason: String) -> Matcher.Malformed { Matcher.Malformed(text: text, reason: reason) }
}

extension String {
    fileprivate func trimmingSpace() -> String {
        var text = self[...]
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
