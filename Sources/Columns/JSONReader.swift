/// Reads JSON text value by value, without building a tree of it: for bodies from outside, of which each part is checked as it is read.
///
/// What it refuses: text that is no JSON (RFC 8259), and nesting below 64 levels. A number's digits are not looked at by ``skip()``.
public struct JSONReader: Sendable {
    public struct Malformed: Error, CustomStringConvertible, Sendable {
        /// In bytes from the beginning.
        public let position: Int
        public let reason: String
        public var description: String { "\(reason) at byte \(position + 1)" }
    }

    public enum Kind: String, Sendable {
        case object = "an object", array = "a list", text = "a text", number = "a number", boolean = "true or false", null
    }

    private static let maxDepth = 64

    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// What stands next; nothing is consumed but blanks.
    public mutating func kind() throws(Malformed) -> Kind {
        switch try next() {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .text
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .boolean
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        default: throw bad("a value is missing")
        }
    }

    /// Reads an object. `member` is told each name and must read or skip its value; a name that is no UTF-8 is nil.
    public mutating func object(_ member: (inout JSONReader, String?) throws -> Void) throws {
        try enter(UInt8(ascii: "{"))
        if try take(UInt8(ascii: "}")) { return leave() }
        repeat {
            guard try next() == UInt8(ascii: "\"") else { throw bad("a name in quotes is missing") }
            let name = try text()
            guard try take(UInt8(ascii: ":")) else { throw bad("a ':' is missing") }
            try member(&self, name)
        } while try take(UInt8(ascii: ","))
        guard try take(UInt8(ascii: "}")) else { throw bad("a ',' or '}' is missing") }
        leave()
    }

    /// Reads a list. `element` is told the place of each value, from 0, and must read or skip it.
    public mutating func array(_ element: (inout JSONReader, Int) throws -> Void) throws {
        try enter(UInt8(ascii: "["))
        if try take(UInt8(ascii: "]")) { return leave() }
        var index = 0
        repeat {
            try element(&self, index)
            index += 1
        } while try take(UInt8(ascii: ","))
        guard try take(UInt8(ascii: "]")) else { throw bad("a ',' or ']' is missing") }
        leave()
    }

    /// Reads a text; nil when its bytes are no UTF-8. Half of a surrogate pair becomes U+FFFD, as other readers have it.
    public mutating func text() throws(Malformed) -> String? {
        guard try next() == UInt8(ascii: "\"") else { throw bad("a text is missing") }
        position += 1
        let start = position
        // Fast path: nearly all texts have no escape, and most are ASCII, which needs no check of its own.
        let (end, isASCII) = plainEnd(from: start)
        position = end
        guard end < bytes.count else { throw bad("a closing quote is missing") }
        if bytes[end] == UInt8(ascii: "\"") {
            position += 1
            let text = bytes[start..<end]
            return isASCII ? String(decoding: text, as: UTF8.self) : String(validating: text, as: UTF8.self)
        }
        return try escaped(from: start)
    }

    /// Reads `null`, `true`, `false`; nil for null.
    public mutating func boolean() throws(Malformed) -> Bool? {
        switch try next() {
        case UInt8(ascii: "t"): try literal("true"); return true
        case UInt8(ascii: "f"): try literal("false"); return false
        default: try literal("null"); return nil
        }
    }

    /// Reads the digits of a number.
    public mutating func number() throws(Malformed) -> String {
        _ = try next()
        let start = position
        while position < bytes.count, Self.belongsToNumber(bytes[position]) { position += 1 }
        let digits = String(decoding: bytes[start..<position], as: UTF8.self)
        guard Double(digits) != nil else { throw bad("'\(digits)' is no number") }
        return digits
    }

    /// Passes over the next value.
    public mutating func skip() throws {
        switch try kind() {
        case .object: try object { scanner, _ in try scanner.skip() }
        case .array: try array { scanner, _ in try scanner.skip() }
        case .text: _ = try text()
        case .boolean, .null: _ = try boolean()
        case .number:
            while position < bytes.count, Self.belongsToNumber(bytes[position]) { position += 1 }
        }
    }

    /// Throws unless nothing but blanks is left.
    public mutating func end() throws(Malformed) {
        skipBlanks()
        guard position == bytes.count else { throw bad("something follows") }
    }

    // MARK: Parts

    /// Where a text's first quote, backslash or control character stands, and whether all before is ASCII.
    private func plainEnd(from start: Int) -> (end: Int, isASCII: Bool) {
        let span = bytes.span
        var (end, all) = (start, UInt8(0))
        while end < span.count {
            let byte = span[end]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 { break }
            all |= byte
            end += 1
        }
        return (end, all < 0x80)
    }

    /// Slow path: a text with escapes, whose first plain bytes are from `start`.
    private mutating func escaped(from start: Int) throws(Malformed) -> String? {
        var read = Array(bytes[start..<position])
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(validating: read, as: UTF8.self)
            case 0..<0x20: throw bad("a control character stands in a text")
            case UInt8(ascii: "\\"): try escape(into: &read)
            default: read.append(byte)
            }
        }
        throw bad("a closing quote is missing")
    }

    private mutating func escape(into read: inout [UInt8]) throws(Malformed) {
        guard position < bytes.count else { throw bad("a closing quote is missing") }
        let letter = bytes[position]
        position += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): read.append(letter)
        case UInt8(ascii: "b"): read.append(8)
        case UInt8(ascii: "f"): read.append(12)
        case UInt8(ascii: "n"): read.append(10)
        case UInt8(ascii: "r"): read.append(13)
        case UInt8(ascii: "t"): read.append(9)
        case UInt8(ascii: "u"):
            var code = try hex()
            if (0xD800..<0xDC00).contains(code), position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
                bytes[position + 1] == UInt8(ascii: "u")
            {
                let mark = position
                position += 2
                let low = try hex()
                if (0xDC00..<0xE000).contains(low) {
                    code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
                } else {
                    position = mark
                }
            }
            read.append(contentsOf: String(Unicode.Scalar(code) ?? "\u{FFFD}").utf8)
        default: throw bad("'\\\(Unicode.Scalar(letter))' is no escape")
        }
    }

    private mutating func hex() throws(Malformed) -> UInt32 {
        guard position + 4 <= bytes.count,
            let code = UInt32(String(decoding: bytes[position..<(position + 4)], as: UTF8.self), radix: 16)
        else { throw bad("four hexadecimal digits are missing") }
        position += 4
        return code
    }

    private mutating func literal(_ word: StaticString) throws(Malformed) {
        let length = word.utf8CodeUnitCount
        let isThere = word.withUTF8Buffer { letters in
            position + length <= bytes.count && (0..<length).allSatisfy { bytes[position + $0] == letters[$0] }
        }
        guard isThere else { throw bad("'\(word)' is missing") }
        position += length
    }

    private static func belongsToNumber(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "+-.eE".utf8.contains(byte)
    }

    private mutating func enter(_ bracket: UInt8) throws(Malformed) {
        guard try take(bracket) else { throw bad("a '\(Unicode.Scalar(bracket))' is missing") }
        depth += 1
        guard depth <= Self.maxDepth else { throw bad("more than \(Self.maxDepth) levels are nested") }
    }

    private mutating func leave() { depth -= 1 }

    /// Whether `byte` stands next; it is consumed if so.
    private mutating func take(_ byte: UInt8) throws(Malformed) -> Bool {
        guard try next() == byte else { return false }
        position += 1
        return true
    }

    private mutating func next() throws(Malformed) -> UInt8 {
        skipBlanks()
        guard position < bytes.count else { throw bad("the text ends too early") }
        return bytes[position]
    }

    private mutating func skipBlanks() {
        while position < bytes.count,
            bytes[position] == 0x20 || bytes[position] == 0x0A || bytes[position] == 0x0D || bytes[position] == 0x09
        {
            position += 1
        }
    }

    private func bad(_ reason: String) -> Malformed { Malformed(position: position, reason: reason) }
}
