import Columns

/// The words of a statement in SQL, as far as it is needed to find the tables that it names.
///
/// Source: SQLite, "Tokenizer" (tokenize.c) and "SQL Comment Syntax".
struct SQLTokens: Sequence, IteratorProtocol {
    enum Token: Equatable {
        /// A word, or a name in quotes without them.
        case name(String)
        /// A text in single quotes, a number or a parameter.
        case other
        case symbol(UInt8)
    }

    private let bytes: [UInt8]
    private var at = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    /// All words and names of a statement.
    static func names(in text: String) -> [String] {
        SQLTokens(text).compactMap { if case .name(let name) = $0 { name } else { nil } }
    }

    /// Where the token begins and ends that ``next()`` gave last, in bytes.
    private(set) var range = 0..<0

    mutating func next() -> Token? {
        skipBlanks()
        guard at < bytes.count else { return nil }
        let start = at, byte = bytes[at]
        defer { range = start..<at }
        switch byte {
        case UInt8(ascii: "'"):
            _ = quoted(until: byte)
            return .other
        case UInt8(ascii: "\""), UInt8(ascii: "`"): return .name(quoted(until: byte))
        case UInt8(ascii: "["): return .name(quoted(until: UInt8(ascii: "]")))
        case _ where byte.isDigit:
            take(while: Self.isWord)
            return .other
        case _ where Self.isWord(byte):
            take(while: Self.isWord)
            return .name(String(decoding: bytes[start..<at], as: UTF8.self))
        default:
            at += 1
            return .symbol(byte)
        }
    }

    /// Goes on at a byte further on.
    mutating func skip(to byte: Int) { at = Swift.max(at, byte) }

    private mutating func skipBlanks() {
        while at < bytes.count {
            if bytes[at] <= UInt8(ascii: " ") {
                at += 1
            } else if bytes[at...].starts(with: Array("--".utf8)) {
                take { $0 != UInt8(ascii: "\n") }
            } else if bytes[at...].starts(with: Array("/*".utf8)) {
                at += 2
                while at < bytes.count, !bytes[at...].starts(with: Array("*/".utf8)) { at += 1 }
                at = Swift.min(at + 2, bytes.count)
            } else {
                return
            }
        }
    }

    /// Takes what is in quotes; the quote twice is the quote.
    private mutating func quoted(until end: UInt8) -> String {
        var text: [UInt8] = []
        at += 1
        while at < bytes.count {
            if bytes[at] == end {
                at += 1
                guard end != UInt8(ascii: "]"), at < bytes.count, bytes[at] == end else { break }
            }
            text.append(bytes[at])
            at += 1
        }
        return String(decoding: text, as: UTF8.self)
    }

    private mutating func take(while isTaken: (UInt8) -> Bool) {
        while at < bytes.count, isTaken(bytes[at]) { at += 1 }
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        byte.isDigit || (0x61...0x7A).contains(byte | 0x20) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "$")
            || byte >= 0x80
    }
}
