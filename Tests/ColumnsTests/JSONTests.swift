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
