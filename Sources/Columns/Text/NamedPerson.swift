/// The value that names a person, as it is looked for in texts: whole words only, so that `ann` is found in `for ann from` and
/// not in `planned`, `ann-marie` or `ann_2`.
package struct NamedPerson: Sendable {
    /// In the place of the value.
    package static let mark = "<erased>"

    /// As it is, and as it is within a JSON string where that is another.
    private let forms: [[UInt8]]

    /// - Parameter value: not empty.
    package init(_ value: String) {
        let quoted = Array(JSONText.quote(value).utf8.dropFirst().dropLast()), plain = Array(value.utf8)
        forms = plain == quoted ? [plain] : [plain, quoted]
    }

    /// Whether it is in a text.
    package func isIn(_ text: Span<UInt8>) -> Bool {
        forms.contains { Self.place(of: $0, in: text, from: 0) != nil }
    }

    /// Whether it is in a text.
    package func isIn(_ text: String) -> Bool { isIn(text.utf8.span) }

    /// The text with ``mark`` in the place of each; nil when it is not in it.
    package func erased(from text: String) -> String? {
        var bytes = Array(text.utf8), isChanged = false
        for form in forms {
            var kept: [UInt8] = [], start = 0
            while let place = Self.place(of: form, in: bytes.span, from: start) {
                kept += bytes[start..<place]
                kept += Self.mark.utf8
                start = place + form.count
                isChanged = true
            }
            if start > 0 { bytes = kept + bytes[start...] }
        }
        return isChanged ? String(decoding: bytes, as: UTF8.self) : nil
    }

    private static func place(of form: [UInt8], in text: Span<UInt8>, from start: Int) -> Int? {
        guard let first = form.first else { return nil }
        var place = start
        while place + form.count <= text.count {
            guard let next = text.firstIndex(of: first, from: place), next + form.count <= text.count else { return nil }
            let end = next + form.count
            if text.extracting(next..<end).isEqual(to: form.span), next == 0 || !isWord(text[next - 1]),
                end == text.count || !isWord(text[end])
            {
                return next
            }
            place = next + 1
        }
        return nil
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "_"), UInt8(ascii: "-"), 0x80...:
            true
        default: false
        }
    }
}
