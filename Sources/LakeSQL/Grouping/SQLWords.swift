import Columns

/// The tokens of a statement and where they are, for one who rewrites it.
struct SQLWords {
    struct Word {
        let token: SQLTokens.Token
        /// In bytes of the statement.
        let range: Range<Int>
        /// Whether it is a name that cannot be a keyword.
        let isQuoted: Bool
        /// The name in small letters, as SQLite compares names; empty for what is none.
        let name: String
    }

    let bytes: [UInt8]
    let words: [Word]

    init(_ text: String) {
        let bytes = Array(text.utf8)
        var tokens = SQLTokens(text), words: [Word] = []
        while let token = tokens.next() {
            let range = tokens.range
            let isQuoted = [UInt8(ascii: "\""), UInt8(ascii: "`"), UInt8(ascii: "[")].contains(bytes[range.lowerBound])
            words.append(Word(token: token, range: range, isQuoted: isQuoted, name: Self.name(token)))
        }
        self.bytes = bytes
        self.words = words
    }

    private static func name(_ token: SQLTokens.Token) -> String {
        guard case .name(let name) = token else { return "" }
        return small(name)
    }

    /// Only the letters of ASCII have a small form for SQLite.
    static func small(_ name: String) -> String {
        String(decoding: name.utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    }

    var count: Int { words.count }

    /// What is written from one word to another.
    func text(_ range: Range<Int>) -> String {
        range.isEmpty
            ? ""
            : String(
                decoding: bytes[words[range.lowerBound].range.lowerBound..<words[range.upperBound - 1].range.upperBound],
                as: UTF8.self)
    }

    /// The name that SQLite gives a column without one: what is written up to the next word, also comments.
    func nameOfColumn(_ range: Range<Int>) -> String {
        let end = range.upperBound < count ? words[range.upperBound].range.lowerBound : bytes.count
        var name = bytes[words[range.lowerBound].range.lowerBound..<end]
        while let last = name.last, last <= UInt8(ascii: " ") { name.removeLast() }
        return String(decoding: name, as: UTF8.self)
    }

    func isKeyword(_ index: Int, _ keyword: String) -> Bool {
        words.indices.contains(index) && !words[index].isQuoted && words[index].name == keyword
    }

    func isName(_ index: Int) -> Bool {
        guard words.indices.contains(index), case .name = words[index].token else { return false }
        return true
    }

    func isSymbol(_ index: Int, _ symbol: Unicode.Scalar) -> Bool {
        words.indices.contains(index) && words[index].token == .symbol(UInt8(ascii: symbol))
    }

    /// Where the parenthesis that opens at a word is closed.
    func closing(_ open: Int) -> Int? {
        var depth = 0
        for index in open..<count {
            if isSymbol(index, "(") { depth += 1 }
            if isSymbol(index, ")") {
                depth -= 1
                if depth == 0 { return index }
            }
        }
        return nil
    }

    /// The words of a range that are in no parentheses and in no `CASE … END`.
    func outer(_ range: Range<Int>) -> [Int] {
        var depth = 0, cases = 0, found: [Int] = []
        for index in range {
            if isSymbol(index, ")") { depth -= 1 }
            if depth == 0, isKeyword(index, "end") { cases -= 1 }
            if depth == 0, cases == 0 { found.append(index) }
            if depth == 0, isKeyword(index, "case") { cases += 1 }
            if isSymbol(index, "(") { depth += 1 }
        }
        return found
    }

    /// The parts of a range between words that are in no parentheses.
    func parts(_ range: Range<Int>, at separators: [Int]) -> [Range<Int>] {
        let bounds = [range.lowerBound - 1] + separators + [range.upperBound]
        return zip(bounds, bounds.dropFirst()).map { ($0 + 1)..<$1 }
    }

    /// Whether two ranges have the same words, whatever is between them.
    func areSame(_ left: Range<Int>, _ right: Range<Int>) -> Bool {
        left.count == right.count
            && zip(left, right).allSatisfy { left, right in
                switch words[left].token {
                case .name: words[left].name == words[right].name && isName(right)
                case .symbol: words[left].token == words[right].token
                case .other: bytes[words[left].range] == bytes[words[right].range]
                }
            }
    }
}
