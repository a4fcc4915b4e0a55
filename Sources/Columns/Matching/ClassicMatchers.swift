/// Matchers as Alertmanager read them before 0.27, and reads them still where the newer grammar fails: names of letters,
/// digits, `_` and `:`, and values that may hold nearly everything.
///
/// Source: Alertmanager 0.25, pkg/labels, ParseMatchers and ParseMatcher.
extension Array<Matcher> {
    /// - Throws: ``Matcher/Malformed`` or ``RegularExpression/Malformed``.
    public init(classic text: String) throws {
        var list = text.unicodeScalars[...]
        // Both braces are optional, each by itself.
        if list.first == "{" { list = list.dropFirst() }
        if list.last == "}" { list = list.dropLast() }
        var tokens: [Substring.UnicodeScalarView] = []
        var start = list.startIndex
        var isQuoted = false, isEscaped = false
        for index in list.indices {
            switch list[index] {
            case "," where !isQuoted:
                tokens.append(list[start..<index])
                start = list.index(after: index)
                continue
            case "\"":
                if isEscaped { isEscaped = false } else { isQuoted.toggle() }
            case "\\": isEscaped.toggle()
            default: isEscaped = false
            }
        }
        let last = list[start...].trimmed
        if !last.isEmpty { tokens.append(last) }
        self = try tokens.map { try Matcher(classic: $0, of: text) }
    }
}

extension Matcher {
    fileprivate init(classic token: Substring.UnicodeScalarView, of text: String) throws {
        func bad(_ reason: String) -> Malformed { Malformed(text: text, reason: reason) }
        let rest = token.trimmed
        let name = rest.prefix { $0 == "_" || $0 == ":" || $0.isASCIILetter || ("0"..."9").contains($0) }
        guard let first = name.first, !("0"..."9").contains(first) else { throw bad("a name is missing in '\(String(rest))'") }
        let tail = rest[name.endIndex...].trimmed
        guard
            let found = [Operator.matches, .notEqual, .doesNotMatch, .equal].first(where: {
                tail.starts(with: $0.rawValue.unicodeScalars)
            })
        else { throw bad("after '\(String(name))' an operator is missing") }
        try self.init(String(name), found, Self.unescape(tail.dropFirst(found.rawValue.count).trimmed, bad))
    }

    /// `\"`, `\\` and `\n` are escapes; before all else a backslash is itself, as in a regular expression.
    private static func unescape(_ raw: Substring.UnicodeScalarView, _ bad: (String) -> Malformed) throws(Malformed) -> String {
        var raw = raw
        var isClosed = true
        if raw.first == "\"" {
            raw = raw.dropFirst()
            isClosed = false
        }
        var value = String.UnicodeScalarView()
        var index = raw.startIndex
        while index < raw.endIndex {
            let next = raw.index(after: index)
            switch raw[index] {
            case "\\" where next < raw.endIndex:
                switch raw[next] {
                case "n": value.append("\n")
                case "\"", "\\": value.append(raw[next])
                default: value.append(contentsOf: ["\\", raw[next]])
                }
                index = raw.index(after: next)
                continue
            case "\"":
                guard !isClosed, next == raw.endIndex else { throw bad("a value contains a quote; write \\\" for one") }
                isClosed = true
            default: value.append(raw[index])
            }
            index = next
        }
        guard isClosed else { throw bad("a closing quote is missing") }
        return String(value)
    }
}

extension Substring.UnicodeScalarView {
    fileprivate var trimmed: Substring.UnicodeScalarView {
        var text = self
        while text.first?.properties.isWhitespace == true { text = text.dropFirst() }
        while text.last?.properties.isWhitespace == true { text = text.dropLast() }
        return text
    }
}

extension Unicode.Scalar {
    fileprivate var isASCIILetter: Bool { ("a"..."z").contains(self) || ("A"..."Z").contains(self) }
}
