import Columns
import Foundation
import Testing

struct `JSON text` {
    static let texts = [
        "", "plain", "a \"quoted\" one", "back\\slash", "line\nbreak\r\t", "\u{0}\u{1}\u{1F}\u{7F}", "ü 名 \u{1F600}",
        "\u{2028}\u{2029} — dash",
        String(repeating: "long ", count: 1000),
    ]

    @Test(arguments: texts)
    func `quotes a text so that other readers find it again`(text: String) throws {
        let quoted = JSONText.quote(text)
        #expect(try JSONDecoder().decode(String.self, from: Data(quoted.utf8)) == text)
        #expect(
            quoted.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F && $0.value != 0x2028 && $0.value != 0x2029 })
    }

    @Test(arguments: texts)
    func `is read as it was written, as the only text and within a list`(text: String) throws {
        var alone = JSONReader(Array(JSONText.quote(text).utf8))
        #expect(try alone.text() == text)
        try alone.end()
        var list = JSONReader(Array("[\(JSONText.quote(text)), \(JSONText.quote(text))]".utf8))
        var found: [String?] = []
        try list.array { reader, _ in found.append(try reader.text()) }
        #expect(found == [text, text])
    }

    @Test func `has null for bytes that are no UTF-8, and goes on behind them`() throws {
        var reader = JSONReader(Array("[\"".utf8) + [0xFF, 0x41] + Array("\",\"b\"]".utf8))
        var found: [String?] = []
        try reader.array { reader, _ in found.append(try reader.text()) }
        #expect(found == [nil, "b"])
    }

    @Test func `is read back as the text it was made of`() throws {
        var random = SplitMix64(seed: 12)
        for _ in 0..<500 {
            let text = String(
                String.UnicodeScalarView(
                    (0..<20).map { _ in
                        Unicode.Scalar(UInt32.random(in: 0...0x2FFF, using: &random)) ?? "\u{1F682}"
                    }))
            let array = try JSONDecoder().decode([String].self, from: Data("[\(JSONText.quote(text))]".utf8))
            #expect(array == [text])
        }
        #expect(JSONText.render(.double(.infinity)) == "null")
        #expect(JSONText.render(.timestamp(Timestamp(seconds: 0))) == "\"1970-01-01T00:00:00Z\"")
    }
}

struct `A JSON cursor` {
    /// The rest of `text` behind one number; nil when none begins it.
    private func number(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        var cursor = JSONCursor()
        guard let range = try? cursor.number(bytes.span) else { return nil }
        return String(decoding: bytes[range], as: UTF8.self)
    }

    @Test(arguments: ["0", "-0", "7", "-12", "1.5", "1.50e3", "1E+2", "1e-2", "123456789012345678901234567890"])
    func `reads the numbers of RFC 8259`(text: String) { #expect(number(text + "]") == text) }

    @Test(arguments: ["", "-", "+1", ".5", "1.", "01", "-01", "1e", "1e+", "x", "NaN", "1.e3", "0x1"])
    func `refuses what only looks like a number`(text: String) {
        let read = number(text)
        #expect(read == nil || read != text)
    }

    @Test(arguments: [
        ("\"\"", ""), (#""a\"b\\c\/""#, #"a"b\c/"#), (#""\b\f\n\r\t""#, "\u{8}\u{C}\n\r\t"), (#""\u00e4\uD83D\ude00""#, "ä😀"),
        (#""\ud800""#, "\u{FFFD}"), (#""\udc00\ud800x""#, "\u{FFFD}\u{FFFD}x"), (#""\ud800\u0041""#, "\u{FFFD}A"),
    ])
    func `reads texts with their escapes`(text: String, plain: String) throws {
        let bytes = Array(text.utf8)
        var cursor = JSONCursor()
        let found = try cursor.text(bytes.span)
        #expect(cursor.position == bytes.count)
        #expect(String(decoding: JSONCursor.unescaped(bytes.span, found.range), as: UTF8.self) == plain)
        var reader = JSONReader(bytes)
        #expect(try reader.text() == plain)
    }

    @Test(arguments: ["\"", #""a"#, #""\"#, #""\x""#, #""\u12""#, #""\u12g4""#, "\"a\nb\"", "a"])
    func `refuses texts that do not end or have an unknown escape`(text: String) {
        let bytes = Array(text.utf8)
        var cursor = JSONCursor()
        #expect(throws: MalformedJSON.self) { try cursor.text(bytes.span) }
    }

    @Test func `lets nothing be nested deeper than its bound, and says at which byte`() throws {
        let deep = Array((String(repeating: "[", count: 65) + String(repeating: "]", count: 65)).utf8)
        var reader = JSONReader(deep)
        let error = #expect(throws: MalformedJSON.self) { try reader.skip() }
        #expect(error?.description == "more than 64 levels are nested at byte 66")
        var fine = JSONReader(Array(deep[1..<129]))
        try fine.skip()
        try fine.end()
    }
}
