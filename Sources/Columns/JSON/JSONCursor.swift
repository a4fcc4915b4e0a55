/// Text that is not JSON.
public struct MalformedJSON: Error, CustomStringConvertible, Sendable {
    /// In bytes from the beginning.
    public let position: Int
    /// What is missing or too much.
    public let reason: String
    /// The reason, and at which byte, counted from 1.
    public var description: String { "\(reason) at byte \(position + 1)" }
}

/// Reads the words of JSON (blanks, literals, numbers, texts and their escapes) one after another, on bytes and without
/// allocation. The readers that know what the words mean, ``JSONReader`` and the one that fills columns, share it.
///
/// It holds only an index: the text goes into each call, because a span cannot be stored, and must be the same in all of them.
///
/// Source: RFC 8259.
public struct JSONCursor: Sendable {
    /// How deep readers let objects and lists be nested: they are recursive, and the text comes from outside.
    public static let maxDepth = 64

    /// The index of the next byte.
    public var position = 0

    /// At the first byte.
    public init() {}

    /// What is wrong at the present position.
    public func malformed(_ reason: String) -> MalformedJSON { MalformedJSON(position: position, reason: reason) }

    /// Passes over blanks, tabs and line ends.
    @inlinable public mutating func skipBlanks(_ text: Span<UInt8>) {
        while position < text.count {
            switch text[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    /// Whether `byte` comes next; it is consumed if so.
    @inlinable public mutating func take(_ text: Span<UInt8>, _ byte: UInt8) -> Bool {
        guard position < text.count, text[position] == byte else { return false }
        position += 1
        return true
    }

    /// Consumes `true`, `false` or `null`.
    public mutating func literal(_ text: Span<UInt8>, _ word: StaticString) throws(MalformedJSON) {
        let end = position + word.utf8CodeUnitCount
        guard end <= text.count, text.extracting(position..<end).isEqual(to: word) else {
            throw malformed("'\(word)' is missing")
        }
        position = end
    }

    /// Consumes a number, and gives its digits.
    public mutating func number(_ text: Span<UInt8>) throws(MalformedJSON) -> Range<Int> {
        let start = position
        _ = take(text, UInt8(ascii: "-"))
        let whole = position
        try digits(text, from: start)
        guard position - whole == 1 || text[whole] != UInt8(ascii: "0") else { throw badNumber(from: start) }
        if take(text, UInt8(ascii: ".")) { try digits(text, from: start) }
        if take(text, UInt8(ascii: "e")) || take(text, UInt8(ascii: "E")) {
            if !take(text, UInt8(ascii: "+")) { _ = take(text, UInt8(ascii: "-")) }
            try digits(text, from: start)
        }
        return start..<position
    }

    private mutating func digits(_ text: Span<UInt8>, from start: Int) throws(MalformedJSON) {
        let first = position
        while position < text.count, text[position].isDigit { position += 1 }
        guard position > first else { throw badNumber(from: start) }
    }

    private func badNumber(from start: Int) -> MalformedJSON {
        MalformedJSON(position: start, reason: "this is not a JSON number")
    }

    /// Consumes a text with its quotes. Whether it is UTF-8 is not looked at.
    ///
    /// - Returns: what is between the quotes; whether a backslash is in it, so that it must be unescaped; whether all bytes are
    ///   below 0x80, so that they need no check for UTF-8.
    public mutating func text(
        _ text: Span<UInt8>
    ) throws(MalformedJSON) -> (range: Range<Int>, hasEscape: Bool, isASCII: Bool) {
        guard take(text, UInt8(ascii: "\"")) else { throw malformed("a text in quotes is missing") }
        let start = position
        var hasEscape = false, all = UInt8(0)
        while position < text.count {
            let byte = text[position]
            if byte == UInt8(ascii: "\"") {
                position += 1
                return (start..<(position - 1), hasEscape, all < 0x80)
            }
            guard byte >= 0x20 else { throw malformed("a text holds a control character without an escape") }
            all |= byte
            if byte == UInt8(ascii: "\\") {
                hasEscape = true
                try escape(text)
            } else {
                position += 1
            }
        }
        throw malformed("a closing quote is missing")
    }

    private mutating func escape(_ text: Span<UInt8>) throws(MalformedJSON) {
        guard position + 1 < text.count else { throw malformed("a closing quote is missing") }
        switch text[position + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"),
            UInt8(ascii: "r"), UInt8(ascii: "t"):
            position += 2
        case UInt8(ascii: "u"):
            guard position + 6 <= text.count else { throw malformed("four hexadecimal digits are missing") }
            for index in (position + 2)..<(position + 6) where text[index].hexValue == nil {
                throw malformed("four hexadecimal digits are missing")
            }
            position += 6
        case let letter: throw malformed("'\\\(Unicode.Scalar(letter))' is not an escape")
        }
    }

    /// Hands over the bytes that a text stands for, without its escapes. Half of a surrogate pair is U+FFFD, as other readers
    /// have it.
    ///
    /// - Parameter range: of a text that ``text(_:)`` gave.
    public static func unescape(_ text: Span<UInt8>, _ range: Range<Int>, _ append: (UInt8) -> Void) {
        var index = range.lowerBound
        while index < range.upperBound {
            guard text[index] == UInt8(ascii: "\\") else {
                append(text[index])
                index += 1
                continue
            }
            let letter = text[index + 1]
            index += 2
            switch letter {
            case UInt8(ascii: "b"): append(8)
            case UInt8(ascii: "f"): append(12)
            case UInt8(ascii: "n"): append(10)
            case UInt8(ascii: "r"): append(13)
            case UInt8(ascii: "t"): append(9)
            case UInt8(ascii: "u"): for byte in String(scalar(text, &index, before: range.upperBound)).utf8 { append(byte) }
            default: append(letter)
            }
        }
    }

    /// The bytes that a text stands for; see ``unescape(_:_:_:)``.
    public static func unescaped(_ text: Span<UInt8>, _ range: Range<Int>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        unescape(text, range) { bytes.append($0) }
        return bytes
    }

    /// What the digits at `index`, and a second escape behind them, stand for.
    private static func scalar(_ text: Span<UInt8>, _ index: inout Int, before end: Int) -> Unicode.Scalar {
        var code = unit(text, index)
        index += 4
        if (0xD800..<0xDC00).contains(code), index + 6 <= end, text[index] == UInt8(ascii: "\\"),
            text[index + 1] == UInt8(ascii: "u"), (0xDC00..<0xE000).contains(unit(text, index + 2))
        {
            code = 0x10000 + (code - 0xD800) << 10 + (unit(text, index + 2) - 0xDC00)
            index += 6
        }
        return Unicode.Scalar(code) ?? "\u{FFFD}"
    }

    private static func unit(_ text: Span<UInt8>, _ start: Int) -> UInt32 {
        var unit: UInt32 = 0
        for index in start..<(start + 4) { unit = unit << 4 | UInt32(text[index].hexValue ?? 0) }
        return unit
    }
}
