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
        ] as [(String, [String: String], Bool)])
    func `holds or not as Alertmanager says`(text: String, labels: [String: String], holds: Bool) throws {
        #expect(try [Matcher](parsing: text).match(labels) == holds)
    }

    @Test(arguments: [
        "a", "=b", "a=\"b", "{a=b", "a=b}", "a=~\"(\"", "a=~\"[\"", "a=~\"*\"", "a==b,,c", "a=~\"(a{1000}){1000}\"",
    ])
    func `is refused with a reason when it is malformed`(text: String) {
        #expect(throws: (any Error).self) { try [Matcher](parsing: text) }
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
    }
}

struct `A regular expression` {
    @Test(arguments: [
        ("a*b", "aaab", true), ("a*b", "aaa", false), ("(ab)+", "ababab", true), ("(?i)error.*", "ERROR: x", true),
        ("a|bc|d?", "", true), ("[^a-c]+", "xyz", true),
        ("[^a-c]+", "xaz", false), ("^a$", "a", true), ("a.c", "a\nc", false), ("x{2}", "xx", true), ("x{2}", "xxx", false),
        ("x{2,}", "xxxx", true), ("[]a]+", "]a", true),
        ("[a-]+", "a-", true), ("\\.", ".", true), ("(?:a|b)c", "bc", true), ("ü+", "üü", true), ("[\\d.]+", "1.2", true),
        ("a{x", "a{x", true), ("\\x41", "A", true),
    ])
    func `matches whole texts`(pattern: String, text: String, isMatched: Bool) throws {
        #expect(try RegularExpression(pattern).matches(text) == isMatched)
    }

    @Test func `takes no exponential time on a hostile pattern`() throws {
        let expression = try RegularExpression("(a*)*(a*)*(a|aa)+b")
        #expect(!expression.matches(String(repeating: "a", count: 5000)))
    }
}
