/// A condition of a Sigma rule, such as `selection and not 1 of filter_*`, as alternatives.
///
/// Source: Sigma specification 2, "Condition". `or` binds least, then `and`, then `not`.
struct SigmaCondition {
    /// Selections of which all must hold, and some of which none may.
    struct Term: Hashable {
        var wanted: Set<String> = []
        var excluded: Set<String> = []

        fileprivate var order: [String] { wanted.sorted() + [""] + excluded.sorted() }
    }

    let alternatives: [Term]

    private static let maxTerms = 64
    private static let maxDepth = 32

    /// - Parameter names: of the selections.
    init(_ text: String, names: [String]) throws(SigmaProblem) {
        let spaced = text.replacing("(", with: " ( ").replacing(")", with: " ) ")
        var reader = Reader(words: spaced.split(whereSeparator: \.isWhitespace).map(String.init), names: names)
        guard reader.words.count <= 256, !text.contains("|") else {
            throw SigmaProblem("its condition is '\(text.prefix(80))'; write a correlation in place of what follows '|'")
        }
        let read = try reader.any(0)
        guard reader.at == reader.words.count else {
            throw SigmaProblem("its condition cannot be read at '\(reader.words[reader.at])'")
        }
        alternatives = Set(read).sorted { $0.order.lexicographicallyPrecedes($1.order) }
    }

    private struct Reader {
        let words: [String]
        let names: [String]
        var at = 0

        private var word: String? { at < words.count ? words[at] : nil }

        private mutating func take(_ text: String) -> Bool {
            guard word?.lowercased() == text else { return false }
            at += 1
            return true
        }

        mutating func any(_ depth: Int) throws(SigmaProblem) -> [Term] {
            guard depth < SigmaCondition.maxDepth else { throw SigmaProblem("its condition is nested too deeply") }
            var terms = try all(depth)
            while take("or") { terms += try all(depth) }
            guard terms.count <= SigmaCondition.maxTerms else { throw SigmaProblem("its condition has too many alternatives") }
            return terms
        }

        private mutating func all(_ depth: Int) throws(SigmaProblem) -> [Term] {
            var terms = try one(depth)
            while take("and") { terms = try SigmaCondition.both(terms, try one(depth)) }
            return terms
        }

        private mutating func one(_ depth: Int) throws(SigmaProblem) -> [Term] {
            if take("not") { return try SigmaCondition.not(try one(depth + 1)) }
            if take("(") {
                let terms = try any(depth + 1)
                guard take(")") else { throw SigmaProblem("a parenthesis of its condition is not closed") }
                return terms
            }
            guard let word else { throw SigmaProblem("its condition ends where a selection should follow") }
            at += 1
            if ["1", "any", "all"].contains(word.lowercased()), take("of") {
                guard let pattern = self.word else { throw SigmaProblem("its condition ends behind 'of'") }
                at += 1
                let chosen = names.filter { SigmaCondition.fits($0, pattern) }
                guard !chosen.isEmpty else { throw SigmaProblem("no selection is called '\(pattern)'") }
                if word.lowercased() == "all" { return [Term(wanted: Set(chosen))] }
                return chosen.map { Term(wanted: [$0]) }
            }
            guard names.contains(word) else { throw SigmaProblem("no selection is called '\(word)'") }
            return [Term(wanted: [word])]
        }
    }

    private static func fits(_ name: String, _ pattern: String) -> Bool {
        if pattern == "them" { return !name.hasPrefix("_") }
        guard pattern.hasSuffix("*") else { return name == pattern }
        return name.hasPrefix(pattern.dropLast())
    }

    private static func both(_ left: [Term], _ right: [Term]) throws(SigmaProblem) -> [Term] {
        guard left.count * right.count <= maxTerms else { throw SigmaProblem("its condition has too many alternatives") }
        return left.flatMap { one in
            right.map { Term(wanted: one.wanted.union($0.wanted), excluded: one.excluded.union($0.excluded)) }
        }
    }

    /// What none of the alternatives says (De Morgan): each must fail in one of its selections.
    private static func not(_ terms: [Term]) throws(SigmaProblem) -> [Term] {
        var alternatives = [Term()]
        for term in terms {
            let failing = term.wanted.sorted().map { Term(excluded: [$0]) } + term.excluded.sorted().map { Term(wanted: [$0]) }
            alternatives = try both(alternatives, failing)
        }
        return alternatives
    }
}
