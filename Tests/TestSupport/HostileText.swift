/// Texts as nobody types them: quotes and markup next to scalars that join their neighbours, controls, line ends of all kinds, what has several normal forms, and any scalar there is.
public enum HostileText {
    private static let markup = Array("\"'`\\<>&{}[]()|*_~#!$=+-@,;:%/. x1".unicodeScalars)
    /// What makes one `Character` of itself and a neighbour, or changes how others are shown.
    private static let joining: [Unicode.Scalar] = [
        "\u{300}", "\u{301}", "\u{323}", "\u{600}", "\u{70F}", "\u{110BD}", "\u{200B}", "\u{200C}", "\u{200D}", "\u{FE0F}",
        "\u{20E3}", "\u{1F3FB}",
        "\u{1F1E9}", "\u{E0067}", "\u{E007F}", "\u{1100}", "\u{1161}", "\u{11A8}", "\u{94D}", "\u{202E}", "\u{2066}", "\u{2069}",
        "\u{200F}", "\u{FEFF}",
    ]
    private static let controls: [Unicode.Scalar] =
        [
            0x0, 0x1, 0x7, 0x8, 0x9, 0xA, 0xB, 0xC, 0xD, 0x1B, 0x1F, 0x7F, 0x80, 0x85, 0x9B, 0x9F, 0xA0, 0x2028, 0x2029, 0xFFFD,
            0xFDD0, 0xFFFE, 0xFFFF,
            0x1FFFE, 0x10FFFF, 0xE000, 0x1F642,
        ].compactMap { (value: UInt32) in Unicode.Scalar(value) }
    private static let words = [
        "<!channel>", "</b>", "<script>", "[a](http://192.0.2.9)", "```", "\r\n", "&amp;", "&#0;", "%00", "=?UTF-8?B?PGI+?=",
        "{{subject}}", "B\u{FC}ro",
        "Bu\u{308}ro", "\u{212B}", "\u{212A}", "-->", "]]>", "=1+1", "\"\u{301}", "\u{600}\"", "a\u{301}\u{323}",
        "a\u{323}\u{301}",
    ]

    /// - Parameter pieces: how many scalars and words it is made of.
    public static func text(pieces: ClosedRange<Int> = 0...24, using random: inout some RandomNumberGenerator) -> String {
        var text = ""
        for _ in 0..<Int.random(in: pieces, using: &random) {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<3: text.unicodeScalars.append(markup.randomElement(using: &random)!)
            case 3..<6: text.unicodeScalars.append(joining.randomElement(using: &random)!)
            case 6..<8: text.unicodeScalars.append(controls.randomElement(using: &random)!)
            case 8: text += words.randomElement(using: &random)!
            default:
                // Surrogates are no scalars.
                let value = UInt32.random(in: 0...0x10FFFF, using: &random)
                text.unicodeScalars.append(Unicode.Scalar(value) ?? "\u{FFFD}")
            }
        }
        return text
    }

    /// What an HTML parser gets out of a text of an element or of an attribute, in which only these references stand; nil when there is something else.
    public static func readHTML(_ text: String) -> String? {
        let references: [String: Unicode.Scalar] = ["amp": "&", "lt": "<", "gt": ">", "quot": "\"", "#39": "'"]
        var read = String.UnicodeScalarView(), rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar == "&" else {
                if "<>\"".unicodeScalars.contains(scalar) { return nil }
                read.append(scalar)
                continue
            }
            guard let end = rest.firstIndex(of: ";"), let found = references[String(rest[..<end])] else { return nil }
            read.append(found)
            rest = rest[rest.index(after: end)...]
        }
        return String(read)
    }

    /// What a reader of CommonMark gets out of a text in which what means something has a backslash before it; nil when one of `special` has none.
    public static func readMarkdown(_ text: String, special: String = "\\`*_[]<>|~#$&") -> String? {
        var read = String.UnicodeScalarView(), rest = text.unicodeScalars[...]
        func isPlain(_ scalar: Unicode.Scalar?) -> Bool {
            scalar.map { $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0)) } ?? false
        }
        while let scalar = rest.popFirst() {
            // Between letters or digits an underscore is one.
            if scalar == "_", special.unicodeScalars.first == "\\", !special.unicodeScalars.contains("."), isPlain(read.last),
                isPlain(rest.first)
            {
                read.append(scalar)
            } else if scalar == "\\" {
                guard let next = rest.popFirst() else { return nil }
                read.append(next)
            } else if special.unicodeScalars.contains(scalar) {
                return nil
            } else {
                read.append(scalar)
            }
        }
        return String(read)
    }

    /// The records of a text by RFC 4180 §2; nil when it is none.
    public static func readCSV(_ text: String) -> [[String]]? {
        var records: [[String]] = [[]], field = [UInt8](), isQuoted = false, wasQuoted = false
        let bytes = Array(text.utf8)
        var at = 0
        while at < bytes.count {
            let byte = bytes[at], next = at + 1 < bytes.count ? bytes[at + 1] : 0
            if isQuoted {
                if byte == 0x22, next == 0x22 {
                    field.append(byte)
                    at += 1
                } else if byte == 0x22 {
                    isQuoted = false
                } else {
                    field.append(byte)
                }
            } else if byte == 0x22 {
                guard field.isEmpty, !wasQuoted else { return nil }
                (isQuoted, wasQuoted) = (true, true)
            } else if byte == 0x2C || byte == 0x0D && next == 0x0A {
                records[records.count - 1].append(String(decoding: field, as: UTF8.self))
                (field, wasQuoted) = ([], false)
                if byte == 0x0D {
                    records.append([])
                    at += 1
                }
            } else {
                guard !wasQuoted, byte != 0x0A, byte != 0x0D else { return nil }
                field.append(byte)
            }
            at += 1
        }
        guard records.removeLast().isEmpty, field.isEmpty else { return nil }
        return records
    }
}
