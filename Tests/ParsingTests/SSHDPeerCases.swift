import Columns
import Foundation
import TestSupport
import Testing

@testable import Parsing

/// Lines of other projects' test suites (fail2ban, SSHGuard, CrowdSec), with what those say of them.
@Suite(.enabled(if: outsideCases != nil, "there are no cases at OBS_CASES"))
struct `SSHDPeerCases` {
    private struct Case: Decodable {
        struct Expectation: Decodable {
            var source: String?, user: String?, time: String?
        }

        var id: String, source: String, line: String
        var expect: Expectation
    }

    private struct Reading {
        var time: Timestamp, host: String?, pid: Int64?, event: String, source: String?, user: String?
    }

    /// Where the peer takes a text for a part of the message that sshd never writes there: `ssh2: ` behind a password's line is the
    /// client's own, so the address is the last one.
    private static let argued: Set<String> = ["fail2ban/sshd#56", "fail2ban/sshd-journal#55"]

    /// fail2ban's tests run in this zone, on a day of August 2005: a stamp of November is of 2004.
    private static let zone = TimeZone(identifier: "Europe/Zurich")!

    private func read(_ lines: [String]) -> Reading? {
        var format = SSHD(context: ParsingContext(timeZone: Self.zone))
        let events = format.parse(rawLines(lines, arrival: Timestamp(year: 2005, month: 8, day: 14, second: 43_200))).events
        guard events.count > 0, events.count == lines.count else { return nil }
        let row = events.count - 1
        return Reading(
            time: Timestamp(microseconds: events["event_time"]!.integer(at: row)!), host: events["host"]!.string(at: row),
            pid: events["pid"]!.integer(at: row), event: events["event"]!.string(at: row)!,
            source: events["source"]!.string(at: row), user: events["user"]!.string(at: row))
    }

    /// In the zone of the tests, as the cases write it.
    private func local(_ time: Timestamp) -> String {
        let offset = Self.zone.secondsFromGMT(for: Date(timeIntervalSince1970: time.secondsSince1970))
        return String((time + .seconds(offset)).description.prefix(19))
    }

    @Test func `have the source, the user and the time that those say, and none is other`() throws {
        for file in caseFiles("sshd/cases.jsonl").dropFirst() {
            let cases = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map {
                try JSONDecoder().decode(Case.self, from: Data($0.utf8))
            }
            let alone = cases.map { read([$0.line]) }
            var named = 0, wrong: [String] = [], wrongTimes: [String] = [], unknown: [String] = []
            for (index, one) in cases.enumerated() {
                guard let first = alone[index], first.event != "other" else {
                    unknown.append(one.line)
                    continue
                }
                // The lines of its connection that were written before it, in whatever order the file has them.
                let before = cases.indices.filter {
                    cases[$0].source == one.source && $0 != index && first.pid != nil && alone[$0]?.pid == first.pid
                        && alone[$0]?.host == first.host && alone[$0]!.time <= first.time
                }
                let reading = read(before.sorted { alone[$0]!.time < alone[$1]!.time }.map { cases[$0].line } + [one.line])
                for (wanted, found) in [(one.expect.source, reading?.source), (one.expect.user, reading?.user)]
                where wanted != nil {
                    named += 1
                    if found != wanted { wrong.append("\(one.id) \(wanted!): \(one.line)") }
                }
                if let time = one.expect.time, local(first.time) != String(time.prefix(19)) {
                    wrongTimes.append("\(one.id) \(time): \(one.line)")
                }
            }
            #expect(unknown.isEmpty, "not understood: \(unknown)")
            #expect(wrongTimes.isEmpty, "other times: \(wrongTimes)")
            let unexpected = wrong.filter { line in !Self.argued.contains { line.hasPrefix($0 + " ") } }
            #expect(unexpected.count * 100 <= named, "of \(named) otherwise than labelled: \(unexpected)")
        }
    }
}
