import TestSupport
import Testing

@testable import Columns

struct `A text from outside` {
    /// As many texts as a second takes.
    private func eachHostile(_ rounds: Int = 4000, seed: UInt64, _ body: (String, inout SplitMix64) throws -> Void) rethrows {
        var random = SplitMix64(seed: seed)
        for _ in 0..<rounds { try body(HostileText.text(using: &random), &random) }
    }

    @Test(arguments: [
        ("B\u{FC}ro", "Bu\u{308}ro"), ("\u{212B}", "\u{C5}"), ("\u{212A}", "K"), ("a\u{301}\u{323}", "a\u{323}\u{301}"),
        ("\u{37E}", ";"),
    ])
    func `is equal to another when their bytes are, not when they look the same`(first: String, second: String) {
        #expect(first == second && OutsideText(first) != OutsideText(second))
        #expect([first, second].distinctTexts.count == 2)
        #expect((OutsideText(first) < OutsideText(second)) != (OutsideText(second) < OutsideText(first)))
        #expect(OutsideText(first) == OutsideText(String(decoding: Array(first.utf8), as: UTF8.self)))
    }

    @Test func `keeps order and equality of its bytes`() {
        eachHostile(seed: 1) { text, random in
            let other = HostileText.text(using: &random)
            #expect((OutsideText(text) == OutsideText(other)) == text.utf8.elementsEqual(other.utf8))
            #expect((OutsideText(text) < OutsideText(other)) == text.utf8.lexicographicallyPrecedes(other.utf8))
        }
    }

    @Test func `is found and replaced in by its bytes`() {
        #expect(OutsideText("\u{600}s3cret\u{301}!").replacing("s3cret", with: "<secret>") == "\u{600}<secret>\u{301}!")
        #expect(OutsideText("\u{600}<b>").contains("<b>") && OutsideText("x\u{301}").starts(with: "x"))
        #expect(OutsideText("\u{600}x").ends(with: "x") && !OutsideText("x").contains("x\u{301}"))
        #expect(OutsideText("a,\u{301}b\r\nc").split { $0 == "," } == ["a", "\u{301}b\r\nc"])
        #expect(OutsideText("a\r\nb\rc\u{2028}d\u{85}\n").lines == ["a", "b", "c", "d", "", ""])
        #expect(OutsideText(" \u{2003}a b\u{301} \n").trimmed == "a b\u{301}")
    }

    @Test func `is read back from HTML, from an element as from an attribute`() {
        eachHostile(seed: 2) { text, _ in
            let shown = OutsideText(text).replacingScalars { $0.isControl && $0 != "\n" && $0 != "\t" ? "\u{FFFD}" : nil }
            #expect(HostileText.readHTML(OutsideText(text).html).map { OutsideText($0) } == OutsideText(shown))
        }
    }

    @Test func `is read back from Slack's text and from Telegram's Markdown`() {
        eachHostile(seed: 3) { text, _ in
            let slack = OutsideText(text).slack
            #expect(!slack.unicodeScalars.contains { $0 == "<" || $0 == ">" })
            var read = OutsideText(slack)
            for (reference, scalar) in [("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")] {
                read = OutsideText(read.replacing(reference, with: scalar))
            }
            #expect(read == OutsideText(text))
            let markdown = HostileText.readMarkdown(OutsideText(text).telegramMarkdownV2, special: "\\_*[]()~`>#+-=|{}.!")
            #expect(markdown.map { OutsideText($0) } == OutsideText(text))
        }
    }

    @Test func `is read back from Markdown, line breaks as blanks or as breaks of a cell`() {
        eachHostile(seed: 4) { text, _ in
            let lines = OutsideText(text).lines.map {
                OutsideText($0).replacingScalars { $0 == "\t" ? " " : $0.isControl ? "\u{FFFD}" : nil }
            }
            #expect(
                HostileText.readMarkdown(OutsideText(text).markdown).map { OutsideText($0) }
                    == OutsideText(lines.joined(separator: " ")))
            let cell = OutsideText(OutsideText(text).markdownCell).replacing("<br>", with: "\n")
            #expect(HostileText.readMarkdown(cell).map { OutsideText($0) } == OutsideText(lines.joined(separator: "\n")))
        }
    }

    @Test func `is one field of CSV whatever it is, and never a formula for people`() {
        eachHostile(seed: 5) { text, _ in
            let field = OutsideText(text).csvField
            #expect(HostileText.readCSV("a,\(field),b\r\n") == [["a", text, "b"]] || text.isEmpty)
            let read = HostileText.readCSV("\(OutsideText(text).csvFieldWithoutFormula)\r\n")?[0][0] ?? ""
            #expect(OutsideText(read) == OutsideText(text) || OutsideText(read) == OutsideText("'" + text))
            #expect(read.unicodeScalars.first.map { !"=+@\t\r".unicodeScalars.contains($0) } ?? true)
        }
    }

    @Test func `drives no terminal, and stays the JSON that it was`() throws {
        let dangerous: Set<Unicode.Scalar> = [
            "\u{1B}", "\u{7}", "\u{9B}", "\u{202E}", "\u{2066}", "\r", "\u{0}", "\u{7F}", "\u{200F}", "\u{E0067}",
        ]
        try eachHostile(seed: 6) { text, _ in
            #expect(!OutsideText(text).visible.unicodeScalars.contains(where: dangerous.contains))
            #expect(
                !OutsideText(text).visibleInOneLine.unicodeScalars.contains {
                    dangerous.contains($0) || $0.isLineBreak || $0 == "\t"
                })
            let json = OutsideText(JSONText.quote(text)).visibleJSON
            #expect(!json.unicodeScalars.contains(where: dangerous.contains))
            let read = try JSON(parsing: Array(json.utf8))
            #expect(read == .text(OutsideText(text)))
        }
    }

    @Test func `is one word of a shell`() {
        #expect(OutsideText("it's \u{600}'\u{301}$(x)").shellWord == "'it'\\''s \u{600}'\\''\u{301}$(x)'")
    }
}

struct `A set of labels` {
    @Test func `have any name, in the order of bytes, and two normal forms are two`() {
        let labels: Labels = [
            "Bu\u{308}ro": "1", "B\u{FC}ro": "2", "service.name": "a", "k8s.io/x": "b", "a b": "c", "🙂": "d", "a": "",
        ]
        #expect(labels.count == 7)
        #expect(
            labels["B\u{FC}ro"] == "2" && labels["Bu\u{308}ro"] == "1" && labels["service.name"] == "a" && labels["none"] == nil)
        #expect(labels.keys == labels.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
        #expect(
            labels != ["Bu\u{308}ro": "2", "B\u{FC}ro": "1", "service.name": "a", "k8s.io/x": "b", "a b": "c", "🙂": "d", "a": ""])
        #expect((["a": "B\u{FC}ro"] as Labels) != ["a": "Bu\u{308}ro"])
    }

    @Test func `do what a table of bytes does`() {
        var random = SplitMix64(seed: 7)
        for _ in 0..<400 {
            var labels = Labels(), table: [OutsideText: String] = [:]
            for _ in 0..<12 {
                let name = HostileText.text(pieces: 0...2, using: &random)
                let value = Bool.random(using: &random) ? HostileText.text(pieces: 0...3, using: &random) : nil
                labels[name] = value
                table[OutsideText(name)] = value
            }
            #expect(labels.map { OutsideText($0.key) } == table.keys.sorted())
            #expect(labels.allSatisfy { table[OutsideText($0.key)].map { OutsideText($0) } == OutsideText($0.value) })
        }
    }

    @Test func `are read back from JSON, whatever is in them`() throws {
        var random = SplitMix64(seed: 8)
        for _ in 0..<400 {
            let labels = Labels((0..<6).map { _ in (HostileText.text(using: &random), HostileText.text(using: &random)) })
            #expect(try JSON(parsing: JSON(labels).bytes()).labels == labels)
            #expect(try JSON(parsing: JSON(labels).bytes(isPretty: true)).labels == labels)
        }
    }
}

struct `A matcher of hostile text` {
    @Test func `is read again as it prints itself, and prints no control character`() throws {
        var random = SplitMix64(seed: 9)
        for _ in 0..<3000 {
            let matchers = try (0..<Int.random(in: 1...3, using: &random)).map { _ in
                try Matcher(
                    HostileText.text(pieces: 1...6, using: &random), Bool.random(using: &random) ? .equal : .notEqual,
                    HostileText.text(using: &random))
            }
            let printed = matchers.map(\.description).joined(separator: ", ")
            #expect(try [Matcher](parsing: printed) == matchers, "\(printed.debugDescription)")
            #expect(try [Matcher](parsing: "{\(printed)}") == matchers, "\(printed.debugDescription)")
            #expect(!printed.unicodeScalars.contains { $0.isControl && $0 != "\t" })
        }
    }

    @Test func `quotes a name that is no classic one, as Prometheus 3 does`() throws {
        #expect(try Matcher("service.name", .equal, "x").description == "\"service.name\"=\"x\"")
        #expect(try Matcher("alertname", .notEqual, "a\"\u{301}\\\n").description == "alertname!=\"a\\\"\u{301}\\\\\\n\"")
    }

    @Test func `compares bytes`() throws {
        let matcher = try Matcher("a", .equal, "B\u{FC}ro")
        #expect(matcher.matches("B\u{FC}ro") && !matcher.matches("Bu\u{308}ro"))
        #expect(try matcher != Matcher("a", .equal, "Bu\u{308}ro"))
    }
}
