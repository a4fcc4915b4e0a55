#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Text from outside: from a log, a socket, a file or a person. It is a row of Unicode scalars, and equal to another when their
/// bytes are.
///
/// `Character`, and with it `replacing`, `contains`, `split`, `firstIndex(of:)`, `hasPrefix` and `==` of `String`, works on
/// grapheme clusters and canonical equivalence: U+0600 joins what follows it, a combining mark makes one `Character` of `"` and
/// itself, CR LF is one, and `Büro` is equal to itself in another normal form. An escaper that looks for `"` passes by, and two
/// labels become one. So what looks into such a text, compares it or makes it fit for a sink is here, and nowhere a method of
/// `String`.
///
/// Each sink has a method that says which specification it follows (`OutsideText+Markup.swift`, `OutsideText+Tables.swift`,
/// `OutsideText+Visible.swift`).
public struct OutsideText: Sendable, Hashable, Comparable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The text, unchanged.
    public let string: String

    /// Any text.
    public init(_ string: String) { self.string = string }
    /// A copy of a part of a text.
    public init(_ string: Substring) { self.string = String(string) }
    /// A text of our own.
    public init(stringLiteral string: String) { self.string = string }

    /// The text, unchanged: escape it before it goes to a terminal, a page or a message.
    public var description: String { string }
    /// Its Unicode scalars, which are what this type works on.
    public var scalars: String.UnicodeScalarView { string.unicodeScalars }

    /// Equal when the bytes are; two normal forms of a letter are not.
    public static func == (left: OutsideText, right: OutsideText) -> Bool { left.string.hasSameBytes(as: right.string) }

    /// By bytes, which is the order of the scalars too.
    public static func < (left: OutsideText, right: OutsideText) -> Bool { left.string.precedesByBytes(right.string) }

    /// Of the bytes, as equality is.
    public func hash(into hasher: inout Hasher) { hasher.combine(bytesOf: string) }

    /// The text with each scalar replaced for which `replacement` gives a text. It sees the scalar alone, so a neighbour that
    /// joins it hides nothing.
    public func replacingScalars(_ replacement: (Unicode.Scalar) -> String?) -> String {
        var replaced = String.UnicodeScalarView()
        var isSame = true
        for scalar in scalars {
            if let other = replacement(scalar) {
                isSame = false
                replaced.append(contentsOf: other.unicodeScalars)
            } else {
                replaced.append(scalar)
            }
        }
        return isSame ? string : String(replaced)
    }

    /// The ranges of the bytes of `part`, which must not be empty.
    public func ranges(of part: String) -> [Range<String.Index>] { part.isEmpty ? [] : string.utf8.ranges(of: part.utf8) }

    /// Whether the bytes of `part` are in it.
    public func contains(_ part: String) -> Bool { part.isEmpty || string.utf8.firstRange(of: part.utf8) != nil }
    /// Whether it begins with the bytes of `part`.
    public func starts(with part: String) -> Bool { string.utf8.starts(with: part.utf8) }
    /// Whether it ends with the bytes of `part`.
    public func ends(with part: String) -> Bool { string.utf8.reversed().starts(with: part.utf8.reversed()) }

    /// The text with each `part` in it replaced.
    public func replacing(_ part: String, with other: String) -> String {
        var replaced = "", start = string.startIndex
        for range in ranges(of: part) {
            replaced += string[start..<range.lowerBound] + other
            start = range.upperBound
        }
        return replaced + string[start...]
    }

    /// The pieces between scalars that `isSeparator` holds for, empty ones too.
    public func split(where isSeparator: (Unicode.Scalar) -> Bool) -> [String] {
        scalars.split(omittingEmptySubsequences: false, whereSeparator: isSeparator).map { String($0) }
    }

    /// The lines of the text: what CR LF, CR, LF, VT, FF, NEL, U+2028 or U+2029 end.
    ///
    /// Source: The Unicode Standard, §5.8, "Newline Guidelines".
    public var lines: [String] {
        var lines = [String.UnicodeScalarView()]
        var previous: Unicode.Scalar?
        for scalar in scalars {
            if scalar.isLineBreak {
                if !(scalar == "\n" && previous == "\r") { lines.append(String.UnicodeScalarView()) }
            } else {
                lines[lines.count - 1].append(scalar)
            }
            previous = scalar
        }
        return lines.map { String($0) }
    }

    /// Without white space at its ends.
    public var trimmed: String {
        var rest = scalars[...]
        while let first = rest.first, first.properties.isWhitespace { rest = rest.dropFirst() }
        while let last = rest.last, last.properties.isWhitespace { rest = rest.dropLast() }
        return String(rest)
    }

    /// In one line: line breaks are blanks, and other control characters are U+FFFD. For titles, subjects and headers.
    public var inOneLine: String {
        OutsideText(lines.joined(separator: " ")).replacingScalars { $0 == "\t" ? " " : $0.isControl ? "\u{FFFD}" : nil }
    }

    /// As a column of SQLite holds it: U+0000, which ends a text there, is U+FFFD.
    public var storable: String {
        guard string.utf8.contains(0) else { return string }
        return replacingScalars { $0.value == 0 ? "\u{FFFD}" : nil }
    }

    /// At most `limit` scalars.
    public func prefix(_ limit: Int) -> String {
        // Fast path: no text has more scalars than bytes.
        string.utf8.count <= limit ? string : String(scalars.prefix(limit))
    }
}

extension Unicode.Scalar {
    /// Category Cc: C0, DEL and C1.
    public var isControl: Bool { value < 0x20 || (0x7F...0x9F).contains(value) }

    /// Whether Unicode ends a line at it.
    public var isLineBreak: Bool { (0x0A...0x0D).contains(value) || value == 0x85 || value == 0x2028 || value == 0x2029 }
}

extension String {
    /// Whether both are the same bytes. `==` would also take the same text in another normal form.
    public func hasSameBytes(as other: String) -> Bool {
        guard utf8.count == other.utf8.count else { return false }
        // Safe because both buffers have the same number of bytes and live for the call.
        let compared = utf8.withContiguousStorageIfAvailable { left in
            other.utf8.withContiguousStorageIfAvailable { right in
                left.isEmpty || memcmp(left.baseAddress!, right.baseAddress!, left.count) == 0
            }
        }
        return compared.flatMap(\.self) ?? utf8.elementsEqual(other.utf8)
    }

    /// Whether it comes before `other` in the order of their bytes.
    public func precedesByBytes(_ other: String) -> Bool {
        let compared = utf8.withContiguousStorageIfAvailable { left in
            other.utf8.withContiguousStorageIfAvailable { right in
                // Safe because memcmp reads as many bytes as the shorter one has.
                let count = Swift.min(left.count, right.count)
                let order = count == 0 ? 0 : memcmp(left.baseAddress!, right.baseAddress!, count)
                return order == 0 ? left.count < right.count : order < 0
            }
        }
        return compared.flatMap(\.self) ?? utf8.lexicographicallyPrecedes(other.utf8)
    }
}

extension Hasher {
    /// Adds the bytes of a text; `combine` of a `String` would add those of its normal form.
    public mutating func combine(bytesOf text: String) {
        let isDone: Void? = text.utf8.withContiguousStorageIfAvailable { combine(bytes: UnsafeRawBufferPointer($0)) }
        if isDone == nil { for byte in text.utf8 { combine(byte) } }
        // Of two texts in a row it must be seen where the first ends; no text holds this byte.
        combine(0xFF as UInt8)
    }
}

extension Sequence<String> {
    /// Each text once; texts are equal when their bytes are.
    public var distinctTexts: Set<OutsideText> { Set(map { OutsideText($0) }) }
}
