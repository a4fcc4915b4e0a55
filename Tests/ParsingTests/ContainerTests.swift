import Columns
import Foundation
import TestSupport
import Testing

@testable import Parsing

struct `A format in a container` {
    private func format(_ name: String, _ settings: [FormatOptions.Setting] = []) throws -> any LogFormat {
        try LogFormats.make(
            name, context: ParsingContext(timeZone: .gmt),
            options: FormatOptions(settings: settings + [.init("container", "true")]))
    }

    /// Lines of a file, as a source gives them.
    private static func batch(_ lines: some Collection<[UInt8]>, from start: Int = 0) -> Batch {
        var builder = RawLinesBuilder()
        for (index, line) in lines.enumerated() {
            builder.append(
                line.span, offset: Int64(1000 * (start + index)), source: "pods", file: "/var/log/pods/a/0.log",
                arrival: Timestamp(microseconds: 1_800_000_000_000_000))
        }
        return builder.finish()
    }

    private static func docker(_ text: String, _ stream: String = "stdout", second: Int = 0) -> String {
        let stamp = "2026-11-28T00:00:0\(second).123456789Z"
        return "{\"log\":\(JSONText.quote(text)),\"stream\":\"\(stream)\",\"attrs\":{\"a\":[1,{}]},\"time\":\"\(stamp)\"}"
    }

    private static func cri(_ text: String, _ tag: String = "F", _ stream: String = "stdout", second: Int = 0) -> String {
        "2026-11-28T00:00:0\(second).123456789+00:00 \(stream) \(tag) \(text)"
    }

    private struct Found: Equatable {
        var messages: [String] = []
        var offsets: [Int64] = []
        var rejected: [String] = []
        var times: [Int64] = []
    }

    /// What comes of lines that are cut into batches behind these, with a restart after each.
    private func read(_ lines: [[UInt8]], cuts: [Int] = [], _ make: () throws -> any LogFormat) throws -> Found {
        var found = Found(), format = try make(), start = 0
        func add(_ parsed: ParsedBatch, _ numbers: [Int]) {
            for row in 0..<parsed.events.count {
                found.messages.append(parsed.events["message"]!.string(at: row)!)
                found.offsets.append(parsed.events["offset"]!.integer(at: row)!)
                found.times.append(parsed.events["event_time"]!.integer(at: row)!)
            }
            found.rejected += parsed.rejected.map { "\(numbers[$0.row]) \($0.reason.rawValue)" }
        }
        for cut in cuts + [lines.count] {
            let parsed = RawLines.parse(Self.batch(lines[start..<cut], from: start), with: &format)
            #expect(parsed.lineRows.allSatisfy { (0..<(cut - start)).contains(Int($0)) })
            add(parsed, Array(start..<cut))
            let state = try format.state
            format = try make()
            try format.restore(state)
            start = cut
        }
        if let flushed = format.flush() { add(flushed.parsed, Array(repeating: -1, count: flushed.lines.count)) }
        return found
    }

    private func read(_ lines: [String]) throws -> Found {
        try read(lines.map { Array($0.utf8) }) {
            try format("layout", [.init("regex", "^(?P<message>.*)$"), .init("multiline", "false")])
        }
    }

    @Test func `reads Docker's form and that of CRI, and joins parts of each stream for itself`() throws {
        let found = try read([
            Self.docker("one\n"), Self.docker("a long ", second: 1), Self.docker("error\r\n", "stderr"),
            Self.docker("line\n", second: 2),
            Self.cri("two"), Self.cri("left ", "P"), Self.cri("right", "F", "stderr"), Self.cri("and ", "P:x"), Self.cri("on"),
            Self.cri(""), "2026-11-28T00:00:00Z stdout F",
        ])
        #expect(found.messages == ["one", "error", "a long line", "two", "right", "left and on", "", ""])
        #expect(found.offsets == [0, 2000, 1000, 4000, 6000, 5000, 9000, 10_000])
        #expect(found.rejected.isEmpty)
        // A line has the time of its first part where it says none itself.
        #expect(found.times[2] == Timestamp(year: 2026, month: 11, day: 28, second: 1, microsecond: 123_456).microseconds)
    }

    @Test(
        arguments: [
            "", "text", "{}", #"{"log":"a\n","stream":"stdout"}"#, #"{"log":"a\n","stream":"x","time":"2026-11-28T00:00:00Z"}"#,
            #"{"log":"a\n","stream":"stdout","time":"2026-11-28T00:00:00Z"} "#.dropLast(2) + "x",
            "2026-11-28T00:00:00Z stdout X a", "2026-11-28T00:00:00Z stdin F a", "2026-11-28T00:00:00 stdout F a",
            "2026-02-31T00:00:00Z stdout F a", "2026-11-28T00:00:00Z stdout ", "2026-11-28T00:00:00Z",
        ] as [String])
    func `refuses a line of neither form`(line: String) throws {
        let found = try read([line, Self.cri("good")])
        #expect(found.messages == ["good"])
        #expect(found.rejected == ["0 \(line.isEmpty ? "empty_line" : "unreadable_header")"])
    }

    @Test func `joins a character that is cut between two parts, and refuses what is longer than a line may be`() throws {
        let text = Array("Zürich".utf8)
        var found = try read(
            [Array(Self.cri("", "P").utf8) + text[..<2], Array(Self.cri("").utf8) + text[2...]]
        ) { try format("layout", [.init("regex", "^(?P<message>.*)$")]) }
        #expect(found.messages == ["Zürich"])
        let part = String(repeating: "x", count: 700_000)
        found = try read([Self.cri(part, "P"), Self.cri(part, "P"), Self.cri("end"), Self.cri("good")])
        #expect(found.messages == ["good"] && found.rejected == ["2 line_too_long"])
    }

    @Test func `lets each format read what the program printed`() throws {
        var sshd = try format("sshd")
        let parsed = RawLines.parse(
            Self.batch([Array(Self.cri("Nov 27 23:59:59 gate sshd[1]: Failed password for root from 192.0.2.1 port 2 ssh2").utf8)]
            ),
            with: &sshd)
        #expect(parsed.events["source"]?.string(at: 0) == "192.0.2.1")
        // The year is that of the runtime's time, not that of the arrival.
        #expect(
            parsed.events["event_time"]?.integer(at: 0)
                == Timestamp(year: 2026, month: 11, day: 27, second: 86_399, microsecond: 0).microseconds)
        let trace = try read(
            [
                Self.docker("2026-11-28 00:00:00,000 ERROR [main] a.B - it failed\n"), Self.docker("java.lang.Error: x\n"),
                Self.docker("2026-11-28 00:00:01,000 INFO  [main] a.B - it goes on\n"),
            ].map { Array($0.utf8) }
        ) { try format("log4j") }
        #expect(trace.messages == ["it failed", "it goes on"])
        #expect(throws: FormatError.badSetting("container", value: "yes", format: "json", wanted: "true or false")) {
            try LogFormats.make(
                "json", context: ParsingContext(),
                options: FormatOptions(columns: [.init("a", .text)], settings: [.init("container", "yes")]))
        }
    }

    /// Lines of both forms, some of them damaged, cut into batches at random with a restart between them.
    @Test(arguments: 1...60 as ClosedRange<UInt64>)
    func `gives the same events however its lines come, and takes anything`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let words = ["a", "Zürich ", "2026-11-28 00:00:00 ", "\\", "\"", "\u{0}", "日本"]
        var lines = (0..<60).map { _ in
            let text = (0...3).map { _ in words.randomElement(using: &random)! }.joined()
            let stream = Bool.random(using: &random) ? "stdout" : "stderr", isPart = Int.random(in: 0..<3, using: &random) == 0
            return Array(
                (Bool.random(using: &random)
                    ? Self.docker(isPart ? text : text + "\n", stream) : Self.cri(text, isPart ? "P" : "F", stream)).utf8)
        }
        for index in lines.indices where Int.random(in: 0..<4, using: &random) == 0 {
            let at = Int.random(in: 0..<lines[index].count, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: lines[index][at] = UInt8.random(in: 0...255, using: &random)
            case 1: lines[index].removeSubrange(at...)
            default: lines[index].insert(contentsOf: lines[index][..<at], at: at)
            }
            lines[index].removeAll { $0 == 10 }
        }
        let make = { try self.format("layout", [.init("regex", "^(?P<message>.*)$"), .init("multiline", "false")]) }
        let cuts = (0..<6).map { _ in Int.random(in: 0...lines.count, using: &random) }.sorted()
        let whole = try read(lines, cuts: [], make), inPieces = try read(lines, cuts: cuts, make)
        #expect(whole == inPieces)
        #expect(whole.messages.count + whole.rejected.count > 0)
    }
}
