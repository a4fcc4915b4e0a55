import Testing

@testable import Columns

struct `A matcher` {
    @Test(
        arguments: [
            ("a=b", ["a": "b"], true), ("a=b", ["a": "c"], false), ("{a=\"b\", c!=\"d\"}", ["a": "b"], true),
            ("a=\"\"", [:], true), ("a!=\"\"", [:], false),
            ("a=~\"x|y\"", ["a": "y"], true), ("a=~\"x|y\"", ["a": "xy"], false), ("a=~\"x.*\"", ["a": "xyz"], true),
            ("a!~\"x.*\"", ["a": "yx"], true),
            ("a = \"b c\" , d =~ \"[0-9]+\"", ["a": "b c", "d": "42"], true), ("{\"a b\"=\"c\"}", ["a b": "c"], true),
            ("a=\"q\\\"uote\"", ["a": "q\"uote"], true),
            ("{}", [:], true), ("", [:], true), ("a=~\"\\\\d{2,3}\"", ["a": "123"], true),
            ("a=~\"\\d{2,3}\"", ["a": "1234"], false),
        ] as [(String, Labels, Bool)])
    func `holds or not as Alertmanager says`(text: String, labels: Labels, holds: Bool) throws {
        #expect(try [Matcher](parsing: text).match(labels) == holds)
    }

    @Test(arguments: [
        "a", "=b", "a=\"b", "a=~\"(\"", "a=~\"[\"", "a=~\"*\"", "a==b,,c", "a=~\"(a{1000}){1000}\"",
    ])
    func `is refused with a reason when it is malformed`(text: String) {
        #expect(throws: (any Error).self) { try [Matcher](parsing: text) }
    }

    @Test(arguments: [
        (Array(repeating: "a=b", count: 101).joined(separator: ","), "there are 101 matchers"),
        ("a=\"\(String(repeating: "x", count: 65_540))\"", "65544 bytes"),
        (
            Array(repeating: "a=~\"(?:b?){900}(?:c?){900}(?:d?){900}(?:e?){900}\"", count: 5).joined(separator: ","),
            "too large together"
        ),
    ])
    func `is refused where a list has more than people need`(text: String, reason: String) {
        let error = #expect(throws: Matcher.Malformed.self) { try [Matcher](parsing: text) }
        #expect(error?.description.contains(reason) == true, "\(error?.description.prefix(300) ?? "")")
    }

    // Left: what Alertmanager's older grammar takes and how; nil where it refuses. Right: the same of the newer one. By its own test suites.
    @Test(
        arguments: [
            ("{foo=bar}", ["foo=\"bar\""], ["foo=\"bar\""]),
            ("foo=bar,bar=baz,", ["foo=\"bar\"", "bar=\"baz\""], ["foo=\"bar\"", "bar=\"baz\""]),
            ("{}", [], []), ("{foo='}", ["foo=\"'\""], nil), ("{foo=`}", ["foo=\"`\""], nil), ("{foo=\\n}", ["foo=\"\\n\""], nil),
            ("{foo=\\t}", ["foo=\"\\\\t\""], nil), ("{foo=bar\\}", ["foo=\"bar\\\\\""], nil),
            ("{foo=\\\"}", ["foo=\"\\\"\""], nil),
            ("{foo=\"bar\\t\"}", ["foo=\"bar\\\\t\""], ["foo=\"bar\t\""]), ("{foo=bar", ["foo=\"bar\""], nil),
            ("foo=bar}", ["foo=\"bar\""], nil),
            ("{foo=}", ["foo=\"\""], nil), ("foo=bar baz", ["foo=\"bar baz\""], nil), ("{foo=🙂}", ["foo=\"🙂\""], ["foo=\"🙂\""]),
            ("{fü=bar}", nil, ["\"fü\"=\"bar\""]), ("{\"a b\"=\"c\"}", nil, ["\"a b\"=\"c\""]),
            ("foo.bar=baz", nil, ["\"foo.bar\"=\"baz\""]),
            ("foo=\"ba\"r\"", nil, nil), ("foo=bar=baz", ["foo=\"bar=baz\""], nil), ("{{foo=bar}}", nil, nil),
            ("foo=bar,,bar=baz", nil, nil),
            (",", nil, nil), ("{,}", nil, nil), ("foo=~\"a\\.b\"", ["foo=~\"a\\\\.b\""], nil),
            ("foo=\"\\u00fc\"", ["foo=\"\\\\u00fc\""], ["foo=\"ü\""]),
            ("foo=\"\\xff\"", ["foo=\"\\\\xff\""], nil), ("foo:bar=baz", ["foo:bar=\"baz\""], ["foo:bar=\"baz\""]),
            ("0foo=bar", nil, ["\"0foo\"=\"bar\""]),
        ] as [(String, [String]?, [String]?)])
    func `is read as both grammars of Alertmanager read it`(text: String, classic: [String]?, utf8: [String]?) {
        #expect((try? [Matcher](classic: text))?.map(\.description) == classic)
        #expect((try? [Matcher](utf8: text))?.map(\.description) == utf8)
        // Where they disagree, the older one holds.
        #expect((try? [Matcher](parsing: text))?.map(\.description) == classic ?? utf8)
    }

    @Test func `is read again as it prints itself, and never ends the process`() {
        let pieces = [
            "a", "b_1", "=", "!=", "=~", "!~", "\"", "\\", "{", "}", ",", " ", "ü", "🙂", "(", ")", "[", "*", "\n", "x", ".",
            "\\u12", "'", "~",
        ]
        var random = SplitMix64(seed: 11)
        var taken = 0
        for _ in 0..<5000 {
            let text = (0..<Int.random(in: 1...10, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }
                .joined()
            guard let matchers = try? [Matcher](parsing: text) else { continue }
            taken += 1
            let printed = "{\(matchers.map(\.description).joined(separator: ","))}"
            #expect((try? [Matcher](parsing: printed)) == matchers, "\(text)")
        }
        #expect(taken > 50)
    }

    @Test func `compares bytes: two spellings of one character are two texts`() throws {
        let composed = "B\u{FC}ro", decomposed = "Bu\u{308}ro"
        #expect(composed == decomposed)
        #expect(try Matcher("place", .equal, composed).matches(composed))
        #expect(try !Matcher("place", .equal, composed).matches(decomposed))
        #expect(try !Matcher("place", .matches, composed).matches(decomposed))
    }

    @Test func `matches a line break where the pattern says that a dot does`() throws {
        let labels: Labels = ["msg": "Kernel\nOut of memory: killed"]
        #expect(try !Matcher("msg", .matches, ".*Out of memory.*").matches(labels))
        #expect(try Matcher("msg", .matches, "(?s).*Out of memory.*").matches(labels))
    }

    @Test func `is asked of the rows of a batch`() throws {
        var events = DictionaryBuilder()
        for event in ["failed", "ok", "failed"] { events.append(utf8: event) }
        events.appendNull()
        var counts = NumberBuilder<Int32>()
        for count in [1, 2, 3, 4] as [Int32] { counts.append(count) }
        let batch = Batch(
            schema: Schema([Field("event", .text, isNullable: true), Field("count", .int32)]),
            columns: [events.finish(), counts.finish()])
        #expect(try [Matcher](parsing: "event=failed").rows(in: batch) == [true, false, true, false])
        #expect(try [Matcher](parsing: "event!=failed, count!=2").rows(in: batch) == [false, false, false, true])
        #expect(try [Matcher](parsing: "nothing=\"x\"").rows(in: batch) == [false, false, false, false])
        #expect(try [Matcher](parsing: "event=~\"f.*|\"").rows(in: batch) == [true, false, true, true])
        #expect(try [Matcher](parsing: "count=~\"[24]\"").rows(in: batch) == [false, true, false, true])
        var plain = TextBuilder()
        for text in ["failed", "ok"] { plain.append(utf8: text) }
        plain.appendNull()
        let texts = Batch(schema: Schema([Field("event", .text, isNullable: true)]), columns: [plain.finish()])
        #expect(try [Matcher](parsing: "event=~\"fail.*\"").rows(in: texts) == [true, false, false])
        #expect(try [Matcher](parsing: "event!=ok").rows(in: texts) == [true, false, true])
    }
}
