import Columns
import Foundation
import Testing

@testable import Parsing

struct `JSON lines` {
    private func parse(_ columns: String, _ lines: [String], settings: [FormatOptions.Setting] = []) throws -> ParsedBatch {
        var format = try JSONLines(
            context: ParsingContext(timeZone: .gmt),
            options: FormatOptions(columns: ParsingTests.columns(columns), settings: settings))
        return format.parse(rawLines(lines))
    }

    @Test func `are typed by the declared columns, by paths into objects and lists`() throws {
        let parsed = try parse(
            "event_time:timestamp@ts id:int64@user.id name:text@user.name ok:bool share:double first:text@tags.0 whole:text@user",
            [
                #"{"ts":"2026-11-21T10:00:00.5+01:00","user":{"id":7,"name":"Zo\u00eb \ud83d\ude00"},"ok":true,"share":1e-3,"tags":["a\"b","c"],"x":[{},[]]}"#
            ])
        #expect(parsed.rejected.isEmpty)
        #expect(
            shown(parsed) == [
                [
                    .timestamp(Timestamp(year: 2026, month: 11, day: 21, hour: 9, microsecond: 500_000)), 7, "Zoë 😀", true,
                    0.001, "a\"b", .text(#"{"id":7,"name":"Zo\u00eb \ud83d\ude00"}"#),
                ]
            ])
    }

    @Test(arguments: [
        "2026-11-26T10:00:00Z", "2026-11-26t10:00:00z", "2026-11-26 11:00:00+01", "2026-11-26T11:00:00.000 +0100",
        "2026-11-26T10:00:00 UTC",
        "2026-11-26T04:30:00-05:30", "1795687200", "1795687200.0",
    ])
    func `take a time as RFC 3339 and other programs write it`(text: String) throws {
        let parsed = try parse("event_time:timestamp@t", [#"{"t":"\#(text)"}"#])
        #expect(shown(parsed) == [[.timestamp(Timestamp(year: 2026, month: 11, day: 26, hour: 10))]])
    }

    @Test func `keep a whole number exactly, also with a fraction of zeros`() throws {
        let parsed = try parse(
            "id:int64",
            [
                #"{"id":9007199254740993.0}"#, #"{"id":9007199254740993}"#, #"{"id":18446744073709551615}"#, #"{"id":1e2}"#,
                #"{"id":1.5}"#,
            ])
        #expect(shown(parsed).map { $0[1] } == [9_007_199_254_740_993, 9_007_199_254_740_993, 100])
        #expect(parsed.rejected.map(\.reason) == [.badValue, .badValue])
    }

    @Test func `have the time of arrival where no event time is declared`() throws {
        let parsed = try parse("a:int64", [#"{"a":1}"#])
        #expect(parsed.events.schema.fields.map(\.name) == ["event_time", "a", "file", "offset"])
        #expect(shown(parsed)[0][0] == .timestamp(Timestamp(year: 2026, month: 11, day: 21)))
    }

    @Test(arguments: [
        ("", RejectionReason.emptyLine), ("  \t", .emptyLine), ("{", .unreadableHeader), ("[]", .unreadableHeader),
        (#"{"t":"2026-11-21T10:00:00Z"} x"#, .unreadableHeader), (#"{"t":"2026-11-21T10:00:00Z","a":01}"#, .unreadableHeader),
        (#"{"t":"2026-11-21T10:00:00Z","a":1,}"#, .unreadableHeader), (#"{"t":"\x"}"#, .unreadableHeader),
        (#"{"t":"2026-13-21T10:00:00Z","a":1}"#, .badTimestamp), (#"{"a":1}"#, .badTimestamp),
        (#"{"t":null,"a":1}"#, .badTimestamp),
        (#"{"t":"2026-11-21T10:00:00Z"}"#, .badValue), (#"{"t":"2026-11-21T10:00:00Z","a":"x"}"#, .badValue),
        (#"{"t":"2026-11-21T10:00:00Z","a":1.5}"#, .badValue),
        (#"{"t":"2026-11-21T10:00:00Z","a":9223372036854775808}"#, .badValue),
        (#"{"t":"2026-11-21T10:00:00Z","a":1,"b":3000000000}"#, .badValue), (#"{"t":"2026-11-21T10:00:00Z","a":{}}"#, .badValue),
    ])
    func `that cannot be read are refused with the reason`(line: String, reason: RejectionReason) throws {
        let parsed = try parse("event_time:timestamp@t a:int64! b:int32", [line])
        #expect(parsed.events.count == 0)
        #expect(parsed.rejected == [RejectedLine(row: 0, reason: reason)])
    }

    @Test func `take the last of two equal keys, numbers in quotes, and times as numbers in the unit that is set`() throws {
        let parsed = try parse(
            "event_time:timestamp@t a:int64", [#"{"t":1795255200250,"a":1,"a":"2"}"#], settings: [.init("epoch_unit", "ms")])
        #expect(shown(parsed) == [[.timestamp(Timestamp(microseconds: 1_795_255_200_250_000)), 2]])
    }

    @Test func `nest no deeper than can be walked`() throws {
        let deep = String(repeating: #"{"a":"#, count: 100_000) + "1" + String(repeating: "}", count: 100_000)
        #expect(try parse("a:int64", [deep]).rejected.map(\.reason) == [.unreadableHeader])
        let fine = String(repeating: #"{"b":"#, count: 60) + "1" + String(repeating: "}", count: 60)
        #expect(try parse("a:int64", [fine]).events.count == 1)
    }

    @Test(arguments: [
        ("", [], "the format 'json' needs 'columns'"),
        ("event_time:text", [], "it is a timestamp"), ("file:text", [], "each event has it already"),
        ("a:text a:int64", [], "declared twice"), ("a:text", [FormatOptions.Setting("zone", "x")], "no option 'zone'"),
        ("a:text", [FormatOptions.Setting("epoch_unit", "days")], "write s, ms, us or ns"),
    ])
    func `refuse a definition that cannot be, with a sentence`(
        columns: String, settings: [FormatOptions.Setting], sentence: String
    ) throws {
        let error = #expect(throws: FormatError.self) { try parse(columns, [], settings: settings) }
        #expect(error?.description.contains(sentence) == true, "\(error?.description ?? "")")
    }

    @Test func `agree with Foundation on what is JSON, on mutated texts`() throws {
        var random = SplitMix64(seed: 20)
        var kept = 0
        for _ in 0..<3000 {
            var bytes = Array(JSONLines.samples.randomElement(using: &random)!.utf8)
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let at = Int.random(in: bytes.indices, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes.remove(at: at)
                case 1: bytes[at] = Array(#"{}[]",:0 1e-.tn\"#.utf8).randomElement(using: &random)!
                default: bytes.insert(Array(#"{}[]",:0\u"#.utf8).randomElement(using: &random)!, at: at)
                }
            }
            guard let text = String(validating: bytes, as: UTF8.self) else { continue }
            let ours = try parse("a:text@nothing", [text]).rejected.isEmpty
            let theirs = (try? JSONSerialization.jsonObject(with: Data(bytes))) is [String: Any]
            // Foundation refuses half a surrogate pair; here it is U+FFFD, because a log line is worth more than its escape.
            if ours != theirs, text.contains("\\u") { continue }
            #expect(ours == theirs, "\(text)")
            if ours { kept += 1 }
        }
        #expect(kept > 100)
    }
}

struct `Logfmt lines` {
    private func parse(_ columns: String, _ lines: [String]) throws -> ParsedBatch {
        var format = try Logfmt(
            context: ParsingContext(timeZone: .gmt), options: FormatOptions(columns: ParsingTests.columns(columns)))
        return format.parse(rawLines(lines))
    }

    @Test func `take the escapes of JSON and of Go`() throws {
        let parsed = try parse(
            "a:text b:text", [#"a="\u00e9\x41 \ud83d\ude00 \U0001f600 \ud83d" b="\xe9 \q\u12 \"\\""#])
        #expect(shown(parsed).map { Array($0[1...]) } == [["éA 😀 😀 \u{FFFD}", #"\xe9 q\u12 "\"#]])
    }

    @Test func `are typed by the declared columns`() throws {
        let parsed = try parse(
            "event_time:timestamp@ts level:text msg:text user:int64 cached:bool http.path:text none:text",
            [Logfmt.samples[0] + " http.path=/a=b none="])
        #expect(
            shown(parsed) == [
                [
                    .timestamp(Timestamp(year: 2026, month: 11, day: 21, hour: 10)), "info", "a \"quoted\" word", 17, true,
                    "/a=b", "",
                ]
            ])
    }

    @Test(arguments: ["just some words", "a=\"open", "=x", "a=b\"c\"", "a\"b=c"])
    func `that are none are refused`(line: String) throws {
        #expect(try parse("a:text", [line]).rejected.map(\.reason) == [.unreadableHeader])
    }
}

struct `CSV records` {
    private func format(_ columns: String, _ settings: [FormatOptions.Setting] = []) throws -> CSV {
        try CSV(
            context: ParsingContext(timeZone: .gmt),
            options: FormatOptions(columns: ParsingTests.columns(columns), settings: settings))
    }

    @Test func `are typed by the declared columns, found by the heading`() throws {
        var csv = try format("event_time:timestamp comment:text amount:double")
        let parsed = csv.parse(rawLines(CSV.samples))
        let day = Timestamp(year: 2026, month: 11, day: 21, hour: 10)
        #expect(
            shown(parsed) == [
                [.timestamp(day), "said \"yes\", twice", 12.5], [.timestamp(day + .seconds(1)), .null, .null],
            ])
        #expect(parsed.lineRows == [1, 2])
    }

    @Test func `are found by names with line ends and blanks in them`() throws {
        let options = FormatOptions(columns: columns("event_time:timestamp user:text amount:double@Amount_(EUR)"))
        var declared = options
        declared.columns[2].path = "Amount (EUR)"
        for cut in [1, 2] {
            var format = try CSV(context: ParsingContext(timeZone: .gmt), options: declared)
            let lines = rawLines(["event_time,user,\"Amount", "(EUR)\"", "2026-11-26T10:00:00Z,alice,12.5"])
            _ = format.parse(lines.slice(0..<cut))
            var next = try CSV(context: ParsingContext(timeZone: .gmt), options: declared)
            try next.restore(format.state)
            let parsed = next.parse(lines.slice(cut..<3))
            #expect(parsed.rejected.isEmpty)
            #expect(shown(parsed).map { Array($0[1...]) } == [["alice", 12.5]])
        }
        var format = try CSV(
            context: ParsingContext(timeZone: .gmt),
            options: FormatOptions(columns: columns("event_time:timestamp user:text n:int64")))
        let parsed = format.parse(
            rawLines(["event_time, user, n", "2026-11-26T10:00:00Z, alice, 1", "2026-11-26T10:00:00Z, \"a, b\", 2"]))
        #expect(parsed.rejected.isEmpty)
        #expect(shown(parsed).map { Array($0[1...]) } == [["alice", 1], ["a, b", 2]])
    }

    @Test func `whose names lack a declared column say so and are read`() throws {
        var format = try CSV(
            context: ParsingContext(timeZone: .gmt),
            options: FormatOptions(columns: columns("event_time:timestamp user:text gone:int64")))
        let parsed = format.parse(rawLines(["event_time,user", "2026-11-26T10:00:00Z,alice"]))
        #expect(parsed.rejected == [RejectedLine(row: 0, reason: .missingColumn)])
        #expect(shown(parsed).map { Array($0[1...]) } == [["alice", .null]])
    }

    @Test func `go over several lines within quotes, whatever the batches`() throws {
        let lines = ["id,text", "1,\"one", "two \"\"2\"\"", "three\"", "2,plain"]
        for cut in 0...lines.count {
            var csv = try format("id:int64 text:text")
            let raw = rawLines(lines)
            let first = csv.parse(raw.slice(0..<cut))
            // As after a restart: what is kept goes through the checkpoint.
            var next = try format("id:int64 text:text")
            try next.restore(try csv.state)
            let second = next.parse(raw.slice(cut..<lines.count))
            let all = (shown(first) + shown(second)).map { Array($0.dropFirst()) }
            #expect(all == [[1, "one\ntwo \"2\"\nthree"], [2, "plain"]], "cut before line \(cut)")
            #expect(first.rejected.isEmpty && second.rejected.isEmpty)
        }
    }

    @Test(arguments: [
        ("1", RejectionReason.badValue), ("1,a,b", .badValue), ("x,a", .badValue), ("", .emptyLine),
    ])
    func `with too few or too many values, or a wrong one, are refused`(line: String, reason: RejectionReason) throws {
        var csv = try format("id:int64 text:text")
        #expect(csv.parse(rawLines(["id,text", line])).rejected == [RejectedLine(row: 1, reason: reason)])
    }

    @Test func `whose quote nobody closes do not swallow the file`() throws {
        var csv = try format("id:int64 text:text")
        let lines = ["id,text", "1,\"open"] + (2..<1000).map { "\($0),x" }
        let parsed = csv.parse(rawLines(lines))
        #expect(parsed.events.count + parsed.rejected.count == 999)
        #expect(parsed.rejected.allSatisfy { $0.reason == .lineTooLong })
        #expect(parsed.rejected.count == CSV.maxRecordLines + 1)
    }

    @Test func `that are refused go to quarantine with all of their lines, whatever the batches`() throws {
        let lines = ["id,text", "1,\"one", "two\",3"], raw = rawLines(lines)
        for cut in 0...lines.count {
            var csv = try format("id:int64 text:text")
            let first = csv.parse(raw.slice(0..<cut)), none = csv.due()
            var next = try format("id:int64 text:text")
            try next.restore(try csv.state)
            let second = next.parse(raw.slice(cut..<lines.count)), due = next.due()
            let refused =
                second.rejected.map { raw["line"]!.string(at: cut + $0.row)! }
                + due.flatMap { one in one.parsed.rejected.map { one.lines["line"]!.string(at: $0.row)! } }
            #expect(refused.joined(separator: "\n") == (cut < 3 ? "1,\"one\ntwo\",3" : ""), "cut before line \(cut)")
            #expect(due.count == (cut == 2 ? 1 : 0) && due.allSatisfy { $0.parsed.rejected[0].reason == .badValue })
            #expect(none.isEmpty && first.rejected.count == (cut == 3 ? 2 : 0) && next.due().isEmpty)
        }
    }

    @Test func `cut off by the end of the file go to quarantine`() throws {
        var csv = try format("id:int64 text:text")
        #expect(csv.parse(rawLines(["id,text", "1,\"open"])).events.count == 0)
        let kept = csv.flush()
        let flushed = try #require(kept)
        #expect(flushed.parsed.rejected == [RejectedLine(row: 0, reason: .badValue)])
        #expect(flushed.lines["line"]?.string(at: 0) == "1,\"open")
        #expect(csv.flush() == nil)
    }

    @Test func `may have another delimiter, a byte order mark and no header`() throws {
        var csv = try format("id:int64 text:text", [.init("delimiter", ";"), .init("header", "false")])
        #expect(shown(csv.parse(rawLines(["1;a,b"]))).map { $0.dropFirst() } == [[1, "a,b"]])
        var marked = try format("id:int64", [.init("delimiter", "tab")])
        #expect(shown(marked.parse(rawLines(["\u{FEFF}id\tx", "7\t8"]))).map { $0.dropFirst() } == [[7]])
        #expect(throws: FormatError.self) { try format("id:int64", [.init("delimiter", "ab")]) }
        #expect(throws: FormatError.self) { try format("id:int64", [.init("header", "maybe")]) }
    }
}

struct `Numbers in text` {
    @Test(arguments: [
        "0", "-0", "1", "12.5", "-3.25", "1e3", "1E-2", "123456789012345678901234567890", "0.1", "2.2250738585072014e-308",
        "9007199254740993", "4.35", "0.000001", "1.7976931348623157e308",
    ])
    func `are the nearest double`(text: String) {
        let bytes = Array(text.utf8)
        #expect(Double(ascii: bytes.span) == Double(text))
    }

    @Test(arguments: ["", "-", ".5", "5.", "nan", "inf", "0x10", "1e", " 1", "1 ", "1_000", "--1"])
    func `that are none are refused`(text: String) {
        let bytes = Array(text.utf8)
        #expect(Double(ascii: bytes.span) == nil)
    }

    @Test func `are what the standard library reads, for random ones`() {
        var random = SplitMix64(seed: 21)
        for _ in 0..<5000 {
            let value = Double.random(in: -1e6...1e6, using: &random)
            let text = Bool.random(using: &random) ? String(value) : String(format: "%.3f", value)
            let bytes = Array(text.utf8)
            #expect(Double(ascii: bytes.span) == Double(text), "\(text)")
            let whole = Int64(truncatingIfNeeded: random.next()), digits = Array(String(whole).utf8)
            #expect(Int64(decimal: digits.span) == whole)
        }
    }
}
