import Columns

extension LogQuery {
    /// Reads a query.
    ///
    /// - Throws: ``LogQLError``.
    package init(parsing text: String) throws {
        var parser = try Parser(text)
        self = try parser.query()
    }
}

extension LogSelector {
    /// Reads a selector with its stages, as `series`, `labels` and the volume take it.
    ///
    /// - Throws: ``LogQLError``, also for a query that gives numbers.
    package init(parsing text: String) throws {
        guard case .lines(let selector) = try LogQuery(parsing: text) else {
            throw LogQLError.malformed("this takes a selector such as {layer=\"silver\"}, not a query that gives numbers", at: 0)
        }
        self = selector
    }
}

/// Reads LogQL from its pieces: selectors and their stages. What gives numbers is in `Parser+Metrics.swift`.
struct Parser {
    /// How deep parentheses may be in one another.
    static let maxDepth = 50
    static let maxStages = 64

    var tokens: Tokens
    var depth = 0

    init(_ text: String) throws(LogQLError) { tokens = try Tokens(text) }

    mutating func query() throws -> LogQuery {
        let query: LogQuery
        if startsSelector() {
            query = .lines(try parenthesizedSelector())
        } else {
            query = .metric(try expression())
        }
        guard tokens.current == .end else { throw unexpected("the end") }
        return query
    }

    // MARK: Pieces

    func unexpected(_ wanted: String) -> LogQLError {
        .malformed("\(wanted) was expected, not \(tokens.current.shown)", at: tokens.start)
    }

    /// Goes on if the current piece is this sign.
    mutating func take(_ sign: String) throws -> Bool {
        guard tokens.current == .sign(sign) else { return false }
        try tokens.advance()
        return true
    }

    mutating func expect(_ sign: String) throws {
        guard try take(sign) else { throw unexpected("'\(sign)'") }
    }

    mutating func word(_ what: String) throws -> String {
        guard case .word(let word) = tokens.current else { throw unexpected(what) }
        try tokens.advance()
        return word
    }

    mutating func text(_ what: String) throws -> String {
        guard case .text(let text) = tokens.current else { throw unexpected(what) }
        try tokens.advance()
        return text
    }

    mutating func nested<Result>(_ body: (inout Parser) throws -> Result) throws -> Result {
        depth += 1
        guard depth <= Self.maxDepth else { throw LogQLError.malformed("it is nested too deeply", at: tokens.start) }
        defer { depth -= 1 }
        return try body(&self)
    }

    // MARK: Selectors

    /// Whether a selector comes next, perhaps in parentheses.
    private func startsSelector() -> Bool {
        var ahead = tokens
        while ahead.current == .sign("("), (try? ahead.advance()) != nil {}
        return ahead.current == .sign("{")
    }

    private mutating func parenthesizedSelector() throws -> LogSelector {
        guard try take("(") else {
            var selector = LogSelector(matchers: try matchers())
            try stages(&selector.stages)
            return selector
        }
        var selector = try nested { try $0.parenthesizedSelector() }
        try expect(")")
        try stages(&selector.stages)
        return selector
    }

    mutating func matchers() throws -> [Matcher] {
        let start = tokens.start
        try expect("{")
        var matchers: [Matcher] = []
        while try !take("}") {
            if !matchers.isEmpty {
                try expect(",")
                if try take("}") { break }
            }
            matchers.append(try matcher(try word("the name of a label")))
        }
        guard matchers.contains(where: { !$0.matches("") }) else {
            throw LogQLError.malformed("a selector names at least one label that lines have, such as layer=\"silver\"", at: start)
        }
        return matchers
    }

    /// What follows the name of a label.
    mutating func matcher(_ name: String) throws -> Matcher {
        guard case .sign(let sign) = tokens.current, let kind = Matcher.Operator(rawValue: sign) else {
            throw unexpected("'=', '!=', '=~' or '!~'")
        }
        try tokens.advance()
        let start = tokens.start
        let value = try text("a text in quotes")
        do {
            return try Matcher(name, kind, value)
        } catch {
            throw LogQLError.malformed("\(error)", at: start)
        }
    }

    // MARK: Stages

    /// Whether a stage comes next. An `unwrap` is none: it belongs to what makes numbers.
    func startsStage() -> Bool {
        guard case .sign(let sign) = tokens.current else { return false }
        if sign == "|" { return !tokens.isUnwrap }
        return LineFilter.Operator(rawValue: sign) != nil
    }

    mutating func stages(_ stages: inout [LogStage]) throws {
        while startsStage() {
            guard stages.count < Self.maxStages else {
                throw LogQLError.malformed("it has more than \(Self.maxStages) stages", at: tokens.start)
            }
            stages.append(try stage())
        }
    }

    private mutating func stage() throws -> LogStage {
        if case .sign(let sign) = tokens.current, let kind = LineFilter.Operator(rawValue: sign) {
            try tokens.advance()
            return .line(try lineFilter(kind))
        }
        try expect("|")
        let start = tokens.start
        guard case .word(let name) = tokens.current else {
            if tokens.current == .sign("(") { return .fields(try condition()) }
            throw unexpected("the name of a stage or of a field")
        }
        // A field may be called like a stage.
        var ahead = tokens
        try ahead.advance()
        if ahead.isComparison { return .fields(try condition()) }
        try tokens.advance()
        switch name {
        case "json": return .extract(.json(try paths().map { ($0.name, try JSONPath($0.path, at: start)) }))
        case "logfmt":
            while try take("-") { try skipFlag() }
            return .extract(.logfmt(try paths().map { ($0.name, OutsideText($0.path)) }))
        case "pattern":
            let place = tokens.start
            return .extract(.pattern(try LinePattern(capturing: try text("a pattern in quotes"), at: place)))
        case "regexp":
            let place = tokens.start
            return .extract(try FieldExtraction(regexp: try text("a regular expression in quotes"), at: place))
        case "line_format":
            let place = tokens.start
            return .format(try TextTemplate(try text("a template in quotes"), at: place))
        case "label_format": return .set(try assignments())
        case "drop": return .drop(try selections())
        case "keep": return .keep(try selections())
        case "unpack", "decolorize": throw LogQLError.notSupported("the stage '\(name)'")
        default:
            throw LogQLError.malformed(
                "there is no stage '\(name)'; a condition on a field is written name=\"value\" or name > 5", at: start)
        }
    }

    /// `--strict` and `--keep-empty` of `logfmt`: broken pairs are passed over and empty values are kept without being asked.
    private mutating func skipFlag() throws {
        try expect("-")
        let start = tokens.start
        var flag = try word("'strict' or 'keep-empty'")
        if flag == "keep", try take("-") { flag += "-" + (try word("'empty'")) }
        guard flag == "strict" || flag == "keep-empty" else {
            throw LogQLError.malformed("logfmt takes --strict and --keep-empty", at: start)
        }
    }

    private mutating func lineFilter(_ kind: LineFilter.Operator) throws -> LineFilter {
        var texts: [(String, Int)] = []
        repeat {
            if texts.isEmpty == false { try tokens.advance() }
            if tokens.current == .word("ip") { throw LogQLError.notSupported("the line filter 'ip'") }
            let place = tokens.start
            texts.append((try text("a text in quotes"), place))
        } while tokens.current == .word("or")
        return try LineFilter(kind, texts)
    }

    /// `a, b="c.d"`: which fields an extraction takes, and from where; none for all.
    private mutating func paths() throws -> [(name: OutsideText, path: String)] {
        var paths: [(name: OutsideText, path: String)] = []
        guard case .word = tokens.current else { return [] }
        repeat {
            let name = try word("the name of a field")
            paths.append((OutsideText(name), try take("=") ? try text("a path in quotes") : name))
        } while try take(",")
        return paths
    }

    private mutating func assignments() throws -> [FieldAssignment] {
        var list: [FieldAssignment] = []
        repeat {
            let name = OutsideText(try word("the name of a field"))
            try expect("=")
            if case .word(let other) = tokens.current {
                try tokens.advance()
                list.append(FieldAssignment(name: name, value: .renamed(OutsideText(other))))
            } else {
                let place = tokens.start
                let template = try TextTemplate(try text("the name of a field, or a template in quotes"), at: place)
                list.append(FieldAssignment(name: name, value: .template(template)))
            }
        } while try take(",")
        return list
    }

    private mutating func selections() throws -> [FieldSelection] {
        var list: [FieldSelection] = []
        repeat {
            let name = try word("the name of a field")
            let matcher = tokens.isComparison ? try matcher(name) : nil
            list.append(FieldSelection(name: OutsideText(name), matcher: matcher))
        } while try take(",")
        return list
    }

    // MARK: Conditions on fields

    private mutating func condition() throws -> FieldCondition {
        var left = try conjunction()
        while tokens.current == .word("or") {
            try tokens.advance()
            left = .or(left, try conjunction())
        }
        return left
    }

    private mutating func conjunction() throws -> FieldCondition {
        var left = try term()
        while true {
            if tokens.current == .word("and") || tokens.current == .sign(",") {
                try tokens.advance()
            } else if case .word(let word) = tokens.current, word != "or", tokens.isFieldOfCondition {
                // Two conditions with a blank between them.
            } else {
                return left
            }
            left = .and(left, try term())
        }
    }

    private mutating func term() throws -> FieldCondition {
        if try take("(") {
            let inner = try nested { try $0.condition() }
            try expect(")")
            return inner
        }
        let name = try word("the name of a field")
        guard case .sign(let sign) = tokens.current else { throw unexpected("'=', '!=', '>' and the like") }
        var ahead = tokens
        try ahead.advance()
        if case .text = ahead.current { return .text(try matcher(name)) }
        guard let comparison = FieldCondition.Comparison(rawValue: sign == "=" ? "==" : sign) else {
            throw unexpected("'=', '!=', '>' and the like")
        }
        try tokens.advance()
        if tokens.current == .word("ip") { return try addressCondition(OutsideText(name), comparison) }
        let isNegative = try take("-"), start = tokens.start
        guard case .quantity(let text) = tokens.current else { throw unexpected("a number, a duration, a size or a text") }
        try tokens.advance()
        guard let quantity = Quantity(text) else {
            throw LogQLError.malformed(
                "'\(text)' is neither a number nor a duration such as 500ms nor a size such as 10KB", at: start)
        }
        return .number(OutsideText(name), comparison, isNegative ? quantity.negated : quantity)
    }

    private mutating func addressCondition(_ name: OutsideText, _ comparison: FieldCondition.Comparison) throws -> FieldCondition
    {
        try tokens.advance()
        try expect("(")
        let start = tokens.start
        let text = try text("an address or a network in quotes")
        try expect(")")
        guard comparison == .equal || comparison == .notEqual else {
            throw LogQLError.malformed("ip() is compared with = or !=", at: start)
        }
        guard let network = IPNetwork(text) ?? IPAddress(text).map({ IPNetwork(around: $0) }) else {
            throw LogQLError.malformed("'\(text)' is neither an address nor a network such as 192.0.2.0/24", at: start)
        }
        return .address(name, isWithin: comparison == .equal, network)
    }
}

extension Tokens {
    /// Whether the current piece compares a field with something.
    var isComparison: Bool {
        guard case .sign(let sign) = current else { return false }
        return ["=", "==", "!=", ">", ">=", "<", "<=", "=~", "!~"].contains(sign)
    }

    /// Whether a word comes next that a comparison follows.
    var isFieldOfCondition: Bool {
        var ahead = self
        return (try? ahead.advance()) != nil && ahead.isComparison
    }

    /// Whether `| unwrap` comes next.
    var isUnwrap: Bool {
        var ahead = self
        return current == .sign("|") && (try? ahead.advance()) != nil && ahead.current == .word("unwrap")
    }
}
