/// Texts on a terminal, whose reader must see what the text holds: an escape sequence could move the cursor, hide a line or
/// answer for the reader, and a right-to-left override reverses what follows it.
extension OutsideText {
    /// With U+FFFD for every scalar that would drive a terminal or hide or reverse the text around it; tabs and line feeds stay.
    ///
    /// Source: ECMA-48 (C0, C1); Unicode Technical Report 36, §2.1.3; Trojan Source (CVE-2021-42574).
    public var visible: String { replacingScalars { $0 == "\n" || $0 == "\t" || !$0.isHiddenByTerminals ? nil : "\u{FFFD}" } }

    /// The same in one line: line breaks and tabs are blanks.
    public var visibleInOneLine: String {
        OutsideText(lines.joined(separator: " ")).replacingScalars {
            $0 == "\t" ? " " : $0.isHiddenByTerminals ? "\u{FFFD}" : nil
        }
    }

    /// Of JSON: the same scalars as `\u…`, so that it stays the JSON that it was.
    ///
    /// Source: RFC 8259 §7.
    public var visibleJSON: String {
        replacingScalars { scalar in
            guard scalar != "\n", scalar != "\t", scalar.isHiddenByTerminals else { return nil }
            return UTF16.encode(scalar)!.map { unit in
                let hex = String(unit, radix: 16)
                return "\\u" + String(repeating: "0", count: 4 - hex.utf8.count) + hex
            }.joined()
        }
    }
}

extension Unicode.Scalar {
    /// Control characters, the two line separators, controls of writing direction, annotations, tags and the mark of byte
    /// order. Joiners, which letters and emoji need, are none.
    fileprivate var isHiddenByTerminals: Bool {
        switch value {
        // Fast path: nearly all text.
        case 0x20..<0x7F: false
        case 0..<0x20, 0x7F...0x9F: true
        case 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF, 0xFFF9...0xFFFB, 0xE0000...0xE007F: true
        default: false
        }
    }
}
