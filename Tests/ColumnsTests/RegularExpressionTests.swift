import Testing

@testable import Columns

struct `A regular expression` {
    @Test(arguments: [
        ("a*b", "aaab", true), ("a*b", "aaa", false), ("(ab)+", "ababab", true), ("(?i)error.*", "ERROR: x", true),
        ("a|bc|d?", "", true), ("[^a-c]+", "xyz", true), ("", "", true), ("", "a", false), ("\\d+", "12", true),
        ("[^a-c]+", "xaz", false), ("^a$", "a", true), ("a.c", "a\nc", false), ("x{2}", "xx", true), ("x{2}", "xxx", false),
        ("x{2,}", "xxxx", true), ("[]a]+", "]a", true), ("a$", "a\n", false), (".", "\u{1F525}", true),
        ("[a-]+", "a-", true), ("\\.", ".", true), ("(?:a|b)c", "bc", true), ("ü+", "üü", true), ("[\\d.]+", "1.2", true),
        ("a{x", "a{x", true), ("\\x41", "A", true),
    ])
    func `matches whole texts`(pattern: String, text: String, isMatched: Bool) throws {
        #expect(try RegularExpression(pattern).matches(text) == isMatched)
    }

    @Test(arguments: [
        ("(?i:watchdog|infoinhibitor)", "WatchDog", true), ("(?i)disk.*|(?i:x)", "X", true), ("(?s).*oom.*", "a\noom\nb", true),
        ("(?s:.*oom.*)", "a\noom", true), ("(?m)^a$", "a", true), ("(?U)a+", "aaa", true), ("(?-s)a.b", "a\nb", false),
        ("(?is)fatal.*error", "FATAL\nERROR", true), ("[[:alpha:]]+-[[:digit:]]{2}", "db-12", true), ("\\pL+", "Ärger", true),
        ("\\p{Cyrillic}+", "Привет", true), ("\\p{Cyrillic}+", "hello", false), ("\\Qdb.1\\E", "db.1", true),
        ("\\Qdb.1\\E", "dbx1", false), ("\\bfoo\\b", "foo", true), ("\\Afoo\\z", "foo", true), ("a{,3}", "a{,3}", true),
        ("(?P<env>prod|stage)-.*", "prod-1", true), ("(?<env>prod|stage)-.*", "stage-1", true), ("[a\\-z]+", "a-z", true),
        ("\\/var\\/log.*", "/var/log/x", true), ("\\x{1F525}", "\u{1F525}", true), (".*[\\n].*", "a\nb", true),
        ("\\v\\f", "\u{B}\u{C}", true), ("\\a", "\u{7}", true), ("\\07", "\u{7}", true), ("|", "", true), ("a||b", "b", true),
        ("()", "", true), (".+@example\\.(com|org)", "a@example.org", true), ("(|a)+", "aa", true),
        ("\\Q(?<a>x)\\E", "(?<a>x)", true), ("[(?<a>]+", "<?(", true), ("\\(?<a>", "(<a>", true), ("[]\\]{9}(?<]+", "9", true),
    ])
    func `is read as RE2 and Go read it`(pattern: String, text: String, isMatched: Bool) throws {
        #expect(try RegularExpression(pattern).matches(text) == isMatched)
    }

    @Test(arguments: [
        ("a{2}{3}", "repeats a repetition"), ("x*+", "repeats a repetition"), ("*", "nothing before '*'"),
        ("(", "a ')' is missing"),
        (")", "without its '('"), ("[a", "a ']' is missing"), ("[z-a]", "'z-a' is not a class or a range"),
        ("a\\", "ends in a backslash"),
        ("\\y", "'\\y' is not an escape"), ("(?=a)", "no look-ahead"), ("(?<=a)b", "no look-ahead"),
        ("a{1001}", "more than 1000"),
        ("(a{1000}){1000}", "more than 1000"), ("(?<n.x>a)", "is not the name of a group"), ("[[:nope:]]", "class"),
        ("\\p{Nope}", "class"), ("(.*){300}(.?){900}z", "too large"), ("\\pL{900}", "too large"),
    ])
    func `is refused with a sentence that says what is wrong`(pattern: String, reason: String) {
        let error = #expect(throws: RegularExpression.Malformed.self) { try RegularExpression(pattern) }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
    }

    @Test(arguments: [
        (String(repeating: "a", count: 8193), "8193 bytes"), (String(repeating: "a{0,1000}", count: 11), "11000 copies"),
        (String(repeating: "[[:]a{0,1000}", count: 600), "class"),
    ])
    func `is refused before it costs much, and is not shown whole`(pattern: String, reason: String) {
        let error = #expect(throws: RegularExpression.Malformed.self) { try RegularExpression(pattern) }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
        #expect(error?.description.utf8.count ?? 0 < 400)
    }

    @Test func `takes no exponential time on a hostile pattern`() throws {
        let expression = try RegularExpression("(a*)*(a*)*(a|aa)+b")
        #expect(!expression.matches(String(repeating: "a", count: 5000)))
    }

    /// What outgrows an automaton's memory is followed otherwise: it must not become a silent no.
    @Test func `gives the same answer when its automaton outgrows its memory`() throws {
        // A letter, then exactly n letters: the automaton has 2ⁿ states.
        let expression = try RegularExpression("(?:a|b)*a(?:a|b){600}")
        var random = SplitMix64(seed: 3)
        for _ in 0..<20 {
            let letters = (0..<4000).map { _ in Bool.random(using: &random) ? "a" : "b" }
            #expect(expression.matches(letters.joined()) == (letters[letters.count - 601] == "a"))
        }
    }

    @Test func `matches bytes that are no UTF-8 without harm, and only as what they are`() throws {
        let any = try RegularExpression(".*"), one = try RegularExpression("\u{FC}")
        for bytes in [[0xFF], [0xC3], [0x66, 0xFC]] as [[UInt8]] {
            let isAny = any.matches(bytes.span), isOne = one.matches(bytes.span)
            #expect(!isAny && !isOne)
        }
    }

    @Test func `is one for all tasks that match with it at once`() async throws {
        let expression = try RegularExpression("(?i)([a-z]+-)*[0-9]{1,4}")
        await withTaskGroup(of: Bool.self) { group in
            for task in 0..<8 {
                group.addTask {
                    (0..<500).allSatisfy {
                        expression.matches("web-\(task)-\($0)".filter { $0 != "." }) == false
                            && expression.matches("Web-\($0)")
                    }
                }
            }
            for await isRight in group { #expect(isRight) }
        }
    }

    @Test func `made of any pieces is compiled or refused, and never ends the process`() throws {
        let pieces = [
            "a", "(", ")", "[", "]", "{2,3}", "{0,1000}", "*", "+", "?", "|", "\\", "^", "$", ".", "(?i)", "(?<x>", "(?P<y>",
            "\\Q",
            "\\E", "[:alpha:]", "\\pL", "\\x{41}", "\u{1F525}", "-", "{", "}", ",", "9", "\u{0}", "(?s:", "\\b", ":]",
        ]
        var random = SplitMix64(seed: 12)
        var taken = 0
        for _ in 0..<4000 {
            let pattern = (0..<Int.random(in: 1...14, using: &random)).map { _ in pieces.randomElement(using: &random)! }.joined()
            guard let expression = try? RegularExpression(pattern) else { continue }
            taken += 1
            _ = expression.matches("aab[x]\u{1F525}")
            #expect(expression.programSize <= RegularExpression.maxProgram)
        }
        #expect(taken > 100)
    }
}

struct `A pattern's text` {
    @Test(arguments: [
        ("(?<a>x)", "(?P<a>x)", 0), ("(?<=x)", "(?<=x)", 0), ("\\Q(?<a>{9}\\E{2}", "\\Q(?<a>{9}\\E{2}", 2),
        ("[(?<a>{9}]{3}", "[(?<a>{9}]{3}", 3), ("[]{9}]a{1,4}b{5,}", "[]{9}]a{1,4}b{5,}", 9), ("\\{9}", "\\{9}", 0),
        ("\\x{100}\\p{L}", "\\x{100}\\p{L}", 0), ("a{,3}b{x}c{1", "a{,3}b{x}c{1", 0), ("[^]{2}", "[^]{2}", 0),
        ("[[:alpha:]{7}]{1}", "[[:alpha:]{7}]{1}", 1), ("a{99999999999}", "a{99999999999}", 99_999), ("\\", "\\", 0),
    ])
    func `is Go's made RE2's, with its repetitions counted`(pattern: String, text: String, repetitions: Int) {
        let read = PatternText(pattern)
        #expect(String(decoding: read.bytes, as: UTF8.self) == text)
        #expect(read.repetitions == repetitions)
    }
}
