import Columns
import Foundation
import TestSupport
import Testing

@testable import Parsing

/// What a person writes into a configuration, and what lines bring: neither may end the program, and what compiles must give the
/// same events however its lines are cut. OBS_FUZZ_ROUNDS sets how many of each.
struct `A layout of any text` {
    private let rounds = ProcessInfo.processInfo.environment["OBS_FUZZ_ROUNDS"].flatMap(Int.init) ?? 400

    private static let patterns: [(kind: String, pattern: String, line: String)] = [
        (
            "log4j", "%d{ISO8601} - %-5p [%t:%C{1}@%L] - %m%n",
            "2026-11-26 17:41:44,747 - INFO  [QuorumPeer[myid=1]/0:0:2181:FastLeaderElection@774] - Notification: 3200"
        ),
        ("log4j", "%d{yy/MM/dd HH:mm:ss} %p %c{1}: %m", "26/11/26 10:00:00 ERROR TaskSetManager: Lost task 0.0: x"),
        (
            "logback", "%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %clr(%5p) %clr(${PID:- }){magenta} --- [%t] %-40.40logger{39} : %m",
            "2026-11-26T10:00:00.123+01:00  INFO 42 --- [main] com.example.App : started"
        ),
        (
            "python", "%(asctime)s %(levelname)-8s %(name)s:%(lineno)d %(message)s",
            "2026-11-26 10:00:00,123 WARNING  app.db:17 slow query"
        ),
        (
            "nginx", "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent",
            "192.0.2.7 - - [26/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 612"
        ),
        (
            "apache", "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\"",
            "192.0.2.7 - alice [26/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 - \"-\""
        ),
    ]

    /// A text with some of its bytes changed, and with pieces that patterns are made of put in.
    private func changed(_ text: String, _ random: inout SplitMix64) -> String {
        let pieces = [
            "%", "%d", "%d{", "}", "{", "%m", "%-", "%99999999999999999999d", "%(", ")s", "$", "${", ":-", "%{", "}i", "'", "''",
            "\\", "%>",
            "%replace(", "%clr(", "\u{0}", "\u{600}", "é", "S", "SSSSSSSSSSSS", "yyyyyyyy", "XXXX", "[", "]", "\"", " ",
        ]
        var bytes = Array(text.utf8)
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            let at = Int.random(in: 0...bytes.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1...4, using: &random)))
            case 1: bytes.insert(contentsOf: Array(pieces.randomElement(using: &random)!.utf8), at: at)
            case 2 where at < bytes.count: bytes[at] = UInt8.random(in: 0...255, using: &random)
            case 3: bytes = Array(bytes.prefix(at))
            default: bytes.insert(contentsOf: bytes.suffix(8), at: at)
            }
        }
        return String(decoding: bytes.filter { $0 != 10 }, as: UTF8.self)
    }

    private func shown(_ format: any LogFormat, _ parts: [ParsedBatch]) -> [String] {
        parts.flatMap { part in (0..<part.events.count).map { part.events.row($0).map(\.description).joined(separator: "|") } }
    }

    @Test func `compiles or says why not, and reads any line the same however lines are cut`() throws {
        var compiled = 0
        for seed in 1...UInt64(rounds) {
            var random = SplitMix64(seed: seed)
            let (kind, pattern, line) = Self.patterns.randomElement(using: &random)!
            let options = FormatOptions(settings: [.init(kind, changed(pattern, &random))])
            func make() throws(FormatError) -> any LogFormat {
                try LogFormats.make("layout", context: ParsingContext(year: 2026, timeZone: .gmt), options: options)
            }
            var whole: any LogFormat
            do { whole = try make() } catch {
                #expect(!error.description.isEmpty && !error.description.contains("\n"), "seed \(seed)")
                continue
            }
            compiled += 1
            let lines = rawLines((0..<8).map { _ in changed(line, &random) })
            let all = whole.parse(lines), rest = whole.flush()
            #expect(all.events.count + all.rejected.count <= lines.count, "seed \(seed)")
            let cut = Int.random(in: 0...lines.count, using: &random)
            var first = try make(), second = try make()
            let head = first.parse(lines.slice(0..<cut))
            try second.restore(first.state)
            let tail = second.parse(lines.slice(cut..<lines.count)), end = second.flush()
            #expect(
                shown(whole, [head, tail] + (end.map { [$0.parsed] } ?? []))
                    == shown(whole, [all] + (rest.map { [$0.parsed] } ?? [])),
                "seed \(seed), cut before \(cut)")
        }
        #expect(compiled > rounds / 10, "enough of the patterns are still patterns")
    }

    @Test func `with any pattern of a date reads within its line, or not at all`() {
        let dates = [
            "yyyy-MM-dd HH:mm:ss,SSS", "dd/MMM/yyyy:HH:mm:ss Z", "EEE MMM dd hh:mm:ss a yyyy", "yyyyMMddHHmmssSSS", "ISO8601",
            "UNIX_MILLIS",
            "%Y-%m-%dT%H:%M:%S%z", "%d/%b/%Y %I:%M:%S %p", "%s.%f",
        ]
        let texts = [
            "2026-11-26 10:00:00,123", "26/Nov/2026:10:00:00 +0100", "Thu Nov 26 10:00:00 PM 2026", "20261126100000123",
            "1795687201123",
            "2026-11-26T10:00:00Z", "99999999999999999999", "0000-00-00 00:00:00",
        ]
        for seed in 1...UInt64(rounds) {
            var random = SplitMix64(seed: seed)
            let written = changed(dates.randomElement(using: &random)!, &random)
            let compiled = [
                try? DatePattern(java: written), try? DatePattern(strftime: written), try? DatePattern(log4j: written),
                try? DatePattern(any: written),
            ]
            for pattern in compiled.compactMap(\.self) {
                let line = Array(changed(texts.randomElement(using: &random)!, &random).utf8)
                for start in [0, line.count / 2, line.count] {
                    guard let found = pattern.read(line.span, at: start)?.value else { continue }
                    #expect((start...line.count).contains(found.end), "seed \(seed)")
                    #expect((0..<1_000_000).contains(found.microsecond), "seed \(seed)")
                }
            }
        }
    }
}
