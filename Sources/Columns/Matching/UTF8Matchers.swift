/// Matchers as Alertmanager reads them since 0.27: a name or value in quotes may hold everything, with Go's escapes; one
/// without may hold no white space and none of ``reserved``.
///
/// Source: Alertmanager 0.28, matcher/parse.
extension Array<Matcher> {
    /// - Throws: ``Matcher/Malformed`` or ``RegularExpression/Malformed``.
    public init(utf8 text: String) throws {
        var reader = UTF8MatcherReader(text)
        self = try reader.readAll()
    }
}

private struct UTF8MatcherReader {
    private let text: String
    private let scalars: [Unicode.Scalar]
    private var at = 0

    private static let reserved = Set("{}!=~,\\\"'`".unicodeScalars)

    init(_ text: String) {
        self.text = text
        scalars = Array(text.unicodeScalars)
    }

    mutating func readAll() throws -> [Matcher] {
        var matchers: [Matcher] = []
        let isBraced = take("{")
        while let scalar = peek(), scalar != "}" {
            matchers.append(try readOne())
            guard take(",") else { break }
        }
        guard take("}") == isBraced else { throw bad("a '{' and a '}' must come together") }
        guard peek() == nil else { throw bad("something follows at position \(at + 1)") }
        return matchers
    }

    private mutating func readOne() throws -> Matcher {
        let name = try readText("a name")
        guard
            let found = [Matcher.Operator.notEqual, .matches, .doesNotMatch, .equal].first(where: { candidate in
                _ = peek()
                return scalars[at...].starts(with: candidate.rawValue.unicodeScalars)
            })
        else { throw bad("after '\(name)' an operator is missing") }
        at += found.rawValue.count
        return try Matcher(name, found, try readText("a value"))
    }

    private mutating func readText(_ what: String) throws -> String {
        guard let first = peek() else { throw bad("\(what) is missing at the end") }
        if first == "\"" { return try readQuoted() }
        let start = at
        while at < scalars.count, !Self.reserved.contains(scalars[at]), !scalars[at].properties.isWhitespace { at += 1 }
        guard at > start else { throw bad("\(what) is missing at position \(at + 1)") }
        return String(String.UnicodeScalarView(scalars[start..<at]))
    }

    /// Source: Go, strconv.Unquote.
    private mutating func readQuoted() throws -> String {
        at += 1
        var bytes: [UInt8] = []
        while at < scalars.count, scalars[at] != "\"" {
            let scalar = scalars[at]
            at += 1
            guard scalar != "\n" else { throw bad("there is a line break within quotes; write \\n") }
            guard scalar == "\\" else {
                bytes += Array(String(scalar).utf8)
                continue
            }
            guard at < scalars.count else { break }
            let escaped = scalars[at]
            at += 1
            switch escaped {
            case "a": bytes.append(7)
            case "b": bytes.append(8)
            case "f": bytes.append(12)
            case "n": bytes.append(10)
            case "r": bytes.append(13)
            case "t": bytes.append(9)
            case "v": bytes.append(11)
            case "\\", "\"": bytes.append(UInt8(escaped.value))
            case "x": bytes.append(UInt8(try number(digits: 2, radix: 16)))
            case "u", "U":
                guard let scalar = Unicode.Scalar(try number(digits: escaped == "u" ? 4 : 8, radix: 16)) else {
                    throw bad("an escape names no character")
                }
                bytes += Array(String(scalar).utf8)
            case "0"..."7":
                at -= 1
                let value = try number(digits: 3, radix: 8)
                guard value < 256 else { throw bad("an escape names no byte") }
                bytes.append(UInt8(value))
            default: throw bad("'\\\(escaped)' is not an escape")
            }
        }
        guard at < scalars.count else { throw bad("a closing quote is missing") }
        at += 1
        guard let read = String(validating: bytes, as: UTF8.self) else { throw bad("a text in quotes is not UTF-8") }
        return read
    }

    private mutating func number(digits: Int, radix: Int) throws -> UInt32 {
        let end = at + digits
        guard end <= scalars.count else { throw bad("an escape is cut off") }
        let text = String(String.UnicodeScalarView(scalars[at..<end]))
        guard text.utf8.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }), let value = UInt32(text, radix: radix)
        else {
            throw bad("an escape has a digit that is none")
        }
        at = end
        return value
    }

    /// The next scalar that is not white space, or nil at the end.
    private mutating func peek() -> Unicode.Scalar? {
        while at < scalars.count, scalars[at].properties.isWhitespace { at += 1 }
        return at < scalars.count ? scalars[at] : nil
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard peek() == scalar else { return false }
        at += 1
        return true
    }

    private func bad(_ reason: String) -> Matcher.Malformed { Matcher.Malformed(text: text, reason: reason) }
}
