/// Reads JSON text value by value, without building a tree of it: for bodies from outside, of which each part is checked as it
/// is read.
///
/// It refuses text that is not JSON (RFC 8259) and objects and lists that are nested more than ``JSONCursor/maxDepth`` levels
/// deep.
public struct JSONReader: Sendable {
    /// The kinds of values, named as sentences to people name them.
    public enum Kind: String, Sendable {
        case object = "an object", array = "a list", text = "a text", number = "a number", boolean = "true or false", null
    }

    private let bytes: [UInt8]
    private var cursor = JSONCursor()
    private var depth = 0

    /// - Parameter bytes: the whole text.
    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The kind of the next value; nothing is consumed but blanks.
    public mutating func kind() throws(MalformedJSON) -> Kind {
        switch try next() {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .text
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .boolean
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        default: throw cursor.malformed("a value is missing")
        }
    }

    /// Reads an object. `member` gets each name and must read or skip its value; a name that is not UTF-8 is nil.
    public mutating func object(_ member: (inout JSONReader, String?) throws -> Void) throws {
        try enter(UInt8(ascii: "{"))
        if try take(UInt8(ascii: "}")) { return leave() }
        repeat {
            guard try next() == UInt8(ascii: "\"") else { throw cursor.malformed("a name in quotes is missing") }
            let name = try text()
            guard try take(UInt8(ascii: ":")) else { throw cursor.malformed("a ':' is missing") }
            try member(&self, name)
        } while try take(UInt8(ascii: ","))
        guard try take(UInt8(ascii: "}")) else { throw cursor.malformed("a ',' or '}' is missing") }
        leave()
    }

    /// Reads a list. `element` gets the index of each value, from 0, and must read or skip it.
    public mutating func array(_ element: (inout JSONReader, Int) throws -> Void) throws {
        try enter(UInt8(ascii: "["))
        if try take(UInt8(ascii: "]")) { return leave() }
        var index = 0
        repeat {
            try element(&self, index)
            index += 1
        } while try take(UInt8(ascii: ","))
        guard try take(UInt8(ascii: "]")) else { throw cursor.malformed("a ',' or ']' is missing") }
        leave()
    }

    /// Reads a text; nil when its bytes are not UTF-8. Half of a surrogate pair becomes U+FFFD.
    public mutating func text() throws(MalformedJSON) -> String? {
        let found = try word { (cursor, text) throws(MalformedJSON) in try cursor.text(text) }
        // Fast path: nearly all texts have no escape, and most are ASCII, which needs no check of its own.
        guard found.hasEscape else {
            let text = bytes[found.range]
            return found.isASCII ? String(decoding: text, as: UTF8.self) : String(validating: text, as: UTF8.self)
        }
        return String(validating: JSONCursor.unescaped(bytes.span, found.range), as: UTF8.self)
    }

    /// Reads `null`, `true`, `false`; nil for null.
    public mutating func boolean() throws(MalformedJSON) -> Bool? {
        let first = try next()
        return try word { (cursor, text) throws(MalformedJSON) in
            switch first {
            case UInt8(ascii: "t"): try cursor.literal(text, "true"); return true
            case UInt8(ascii: "f"): try cursor.literal(text, "false"); return false
            default: try cursor.literal(text, "null"); return nil
            }
        }
    }

    /// Reads the digits of a number.
    public mutating func number() throws(MalformedJSON) -> String {
        let digits = try word { (cursor, text) throws(MalformedJSON) in try cursor.number(text) }
        return String(decoding: bytes[digits], as: UTF8.self)
    }

    /// Passes over the next value.
    public mutating func skip() throws {
        switch try kind() {
        case .object: try object { reader, _ in try reader.skip() }
        case .array: try array { reader, _ in try reader.skip() }
        case .text: _ = try word { (cursor, text) throws(MalformedJSON) in try cursor.text(text) }
        case .boolean, .null: _ = try boolean()
        case .number: _ = try word { (cursor, text) throws(MalformedJSON) in try cursor.number(text) }
        }
    }

    /// Whether nothing but blanks is left.
    public var isAtEnd: Bool {
        var cursor = cursor
        cursor.skipBlanks(bytes.span)
        return cursor.position == bytes.count
    }

    /// Throws unless nothing but blanks is left.
    public mutating func end() throws(MalformedJSON) {
        try word { (_, _) throws(MalformedJSON) in }
        guard cursor.position == bytes.count else { throw cursor.malformed("something follows") }
    }

    /// What `read` takes behind the blanks. It moves a copy of the cursor: a span of `bytes` and a change of `self` exclude
    /// each other.
    @inline(__always) private mutating func word<Word>(
        _ read: (inout JSONCursor, Span<UInt8>) throws(MalformedJSON) -> Word
    ) throws(MalformedJSON) -> Word {
        var moved = cursor
        moved.skipBlanks(bytes.span)
        let word = try read(&moved, bytes.span)
        cursor = moved
        return word
    }

    private mutating func enter(_ bracket: UInt8) throws(MalformedJSON) {
        guard try take(bracket) else { throw cursor.malformed("a '\(Unicode.Scalar(bracket))' is missing") }
        depth += 1
        guard depth <= JSONCursor.maxDepth else {
            throw cursor.malformed("more than \(JSONCursor.maxDepth) levels are nested")
        }
    }

    private mutating func leave() { depth -= 1 }

    /// Whether `byte` comes next; it is consumed if so.
    private mutating func take(_ byte: UInt8) throws(MalformedJSON) -> Bool {
        guard try next() == byte else { return false }
        cursor.position += 1
        return true
    }

    private mutating func next() throws(MalformedJSON) -> UInt8 {
        try word { (_, _) throws(MalformedJSON) in }
        guard cursor.position < bytes.count else { throw cursor.malformed("the text ends too early") }
        return bytes[cursor.position]
    }
}
