import Columns
import Foundation
import TestSupport
import Testing

@testable import Parsing

@Suite(.enabled(if: outsideCases != nil, "there are no cases at OBS_CASES"))
struct `SSHDConformanceCases` {
    private func openSSH() throws -> ParsedBatch {
        let text = try String(contentsOf: outsideCases!.appending(path: "loghub/OpenSSH_2k.log"), encoding: .utf8)
        let lines = text.split(separator: "\r\n").map(String.init)
        return SSHD.parse(lines, year: 2015)
    }

    @Test func `every line of the OpenSSH_2k log is an event, and the events are counted right`() throws {
        let parsed = try openSSH()
        let events = parsed.events
        #expect(parsed.rejected.isEmpty)
        #expect(events.count == 2000)
        var lines: [String: Int] = [:], counted: [String: Int] = [:]
        var attackers: Set<String> = []
        for row in 0..<events.count {
            let event = events["event"]!.string(at: row)!
            lines[event, default: 0] += 1
            counted[event, default: 0] += Int(events["count"]!.integer(at: row)!)
            if event == "failed_password" { attackers.insert(events["source"]!.string(at: row)!) }
        }
        #expect(lines["failed_password"] == 520)
        #expect(counted["failed_password"] == 528)
        #expect(lines["failed_none"] == 4)
        #expect(lines["invalid_user"] == 113)
        #expect(lines["accepted_password"] == 1)
        #expect(lines["other"] == nil)
        #expect(attackers.count == 23)
    }

    @Test func `lines of other projects' test suites are read with the source, user and time that those expect`() throws {
        struct Case: Decodable {
            struct Expect: Decodable {
                var attack: Bool?
                var source: String?
                var user: String?
            }
            var id: String
            var line: String
            var expect: Expect
        }
        var readable = 0, wrong: [String] = [], rejected: [String] = []
        for text in try String(contentsOf: outsideCases!.appending(path: "sshd/cases.jsonl"), encoding: .utf8).split(
            separator: "\n")
        {
            let test = try JSONDecoder().decode(Case.self, from: Data(text.utf8))
            let parsed = SSHD.parse([test.line], year: 2005)
            guard parsed.events.count == 1 else {
                rejected.append(test.line)
                continue
            }
            readable += 1
            let event = parsed.events["event"]!.string(at: 0)!
            if let source = test.expect.source, parsed.events["source"]!.string(at: 0) != source, event != "other" {
                wrong.append("\(test.id) source \(parsed.events["source"]!.string(at: 0) ?? "-"): \(test.line)")
            }
            if let user = test.expect.user, parsed.events["user"]!.string(at: 0) != user {
                wrong.append("\(test.id) user: \(test.line)")
            }
        }
        print("sshd cases: \(readable) read, \(rejected.count) rejected, \(wrong.count) otherwise than labelled")
        for line in rejected { print("rejected: \(line.prefix(160))") }
        for line in wrong { print("otherwise: \(line.prefix(200))") }
        #expect(readable >= 195)
        #expect(wrong.count <= 12)
    }
}
