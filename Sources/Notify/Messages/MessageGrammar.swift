/// The part of Mustache that a template may use, and the signs of a Go template.
///
/// The library that renders templates accepts more: inheritance, which can crash the process, custom delimiters, and partials
/// whose names come from the data.
enum MessageGrammar {
    /// The names of the partials in `source`.
    ///
    /// - Parameter names: what may be named outside of sections.
    /// - Throws: ``MessageTemplate/Malformed``.
    static func check(_ source: String, names: Set<String>) throws -> Set<String> {
        var partials: Set<String> = []
        var open: [String] = []
        var rest = source[...]
        while let start = rest.firstRange(of: "{{") {
            rest = rest[start.upperBound...]
            let isTriple = rest.first == "{"
            guard let end = rest.firstRange(of: isTriple ? "}}}" : "}}") else { throw bad("has a '{{' that nothing closes") }
            let tag = rest[rest.startIndex..<end.lowerBound].dropFirst(isTriple ? 1 : 0)
            rest = rest[end.upperBound...]
            if isGo(tag) {
                throw bad(
                    """
                    holds a Go template ('{{\(tag.prefix(60))}}'); obs renders Mustache: write such as {{subject}}, or \
                    leave the key out for the default (docs/alerting.md, \"Messages\")
                    """
                )
            }
            guard !isTriple else { continue }
            switch tag.first {
            case "#", "^":
                if open.isEmpty { try requireKnown(name(of: tag), names) }
                open.append(name(of: tag))
                guard open.count <= MessageTemplate.maxDepth else {
                    throw bad("has sections more than \(MessageTemplate.maxDepth) deep")
                }
            case "/":
                guard let opened = open.popLast(), opened == name(of: tag) else {
                    throw bad("closes '\(name(of: tag))' where \(open.last.map { "'\($0)'" } ?? "nothing") is open")
                }
            case ">":
                guard name(of: tag).first != "*" else { throw bad("names a partial by a value; write its name") }
                partials.insert(name(of: tag))
            case "<", "$", "=", "%":
                throw bad("has the tag '{{\(tag.prefix(60))}}'; obs takes variables, sections, comments and partials")
            case "!": break
            default: if open.isEmpty { try requireKnown(variable(tag), names) }
            }
        }
        if let last = open.last { throw bad("does not close '\(last)'") }
        return partials
    }

    /// Outside of sections only the names of the model have a value; a wrong name would become an empty text that nobody notices.
    private static func requireKnown(_ name: String, _ names: Set<String>) throws {
        guard !name.contains("(") else { return }
        let first = name.split(separator: ".").first.map(String.init) ?? name
        guard !names.contains(first) else { return }
        throw bad("names '\(first)', which there is not; there are \(names.sorted().joined(separator: ", "))")
    }

    private static func bad(_ what: String) -> MessageTemplate.Malformed { .init(description: what) }

    private static func name(of tag: Substring) -> String { tag.dropFirst().trimmed }

    private static func variable(_ tag: Substring) -> String {
        let text = tag.trimmed
        return text.hasPrefix("&") ? text.dropFirst().trimmed : text
    }

    /// Words that are a whole tag in Go's templates.
    private static let goWords: Set<Substring> = ["end", "else", "break", "continue"]

    /// Whether Go would take the tag and Mustache not, or otherwise: a name behind a dot, a variable, a pipe, a function, a
    /// literal, a trimming dash.
    private static func isGo(_ tag: Substring) -> Bool {
        if tag.first == "!" { return false }
        if tag.hasPrefix("- ") || tag.hasSuffix(" -") || tag.hasPrefix("/*") { return true }
        let text = tag.trimmed
        if text.contains("|") || text.contains(":=") || text.contains("\"") || text.contains("`") { return true }
        if text.hasPrefix("$"), text.dropFirst().first.map({ $0 == "." || $0 == " " }) ?? true { return true }
        if text.hasPrefix("."), text.count > 1 { return true }
        let words = text.split(whereSeparator: \.isWhitespace)
        guard let first = words.first else { return false }
        return goWords.contains(first) || words.count > 1 && !"#^/>&".contains(text.first ?? " ")
    }
}

extension StringProtocol {
    fileprivate var trimmed: String {
        var text = self[...]
        while text.first?.isWhitespace == true { text = text.dropFirst() }
        while text.last?.isWhitespace == true { text = text.dropLast() }
        return String(text)
    }
}
