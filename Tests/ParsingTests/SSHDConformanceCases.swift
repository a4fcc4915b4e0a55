import Columns
import Foundation
import TestSupport
import Testing

@testable import Parsing

@Suite(.enabled(if: outsideCases != nil, "there are no cases at OBS_CASES"))
struct `The OpenSSH_2k log` {
    private func openSSH() throws -> ParsedBatch {
        let text = try String(contentsOf: outsideCases!.appending(path: "loghub/OpenSSH_2k.log"), encoding: .utf8)
        let lines = text.split(separator: "\r\n").map(String.init)
        return SSHD.parse(lines, year: 2015)
    }

    @Test func `has an event in every line, counted right`() throws {
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
}

/// Lines with what they mean: ours, written for each message that the grammar knows, and those of other projects' test suites.
struct `SSHDConformanceCases` {
    private struct Case: Decodable {
        var id: String
        var line: String
        var expect: Expectation
    }

    /// By the name of a column what is in it, nil for null. A column that is not named is not known.
    private struct Expectation: Decodable {
        var columns: [String: String?] = [:]

        private struct Key: CodingKey {
            var stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: Key.self)
            for key in values.allKeys
            where ["event", "user", "source", "port", "method", "count", "time"].contains(key.stringValue) {
                let value: String? =
                    if try values.decodeNil(forKey: key) {
                        nil
                    } else if let number = try? values.decode(Int.self, forKey: key) {
                        String(number)
                    } else {
                        try values.decode(String.self, forKey: key)
                    }
                columns.updateValue(value, forKey: key.stringValue)
            }
        }
    }

    private func cases(_ file: URL) throws -> [Case] {
        try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map {
            try JSONDecoder().decode(Case.self, from: Data($0.utf8))
        }
    }

    private func own() throws -> [Case] { try cases(try #require(caseFiles("sshd/cases.jsonl").first)) }

    /// What is in `column` of the only event of `parsed`.
    private func found(_ column: String, _ parsed: ParsedBatch) -> String? {
        let events = parsed.events
        return switch column {
        case "time": events.columns[0].value(at: 0, as: .timestamp).description
        case "port", "count": events[column]!.integer(at: 0).map(String.init)
        default: events[column]!.string(at: 0)
        }
    }

    @Test func `our own lines are read with the event, user, source, port, method, count and time that they tell`() throws {
        let cases = try own()
        #expect(cases.count > 200)
        for one in cases {
            let parsed = SSHD.parse([one.line], year: 2005)
            guard parsed.events.count == 1 else {
                Issue.record("\(one.id) is rejected: \(one.line)")
                continue
            }
            for (column, value) in one.expect.columns {
                #expect(found(column, parsed) == value, "\(one.id) \(column): \(one.line)")
            }
        }
    }

    @Test func `our own lines hold one for every message of the grammar`() throws {
        var seen: Set<Int> = [], ofDropbear: Set<Int> = []
        for one in try own() {
            guard case .success(let header) = SyslogHeader.parse(one.line.utf8Span.span) else { continue }
            var message = String(decoding: Array(one.line.utf8)[header.message...], as: UTF8.self)
            for prefix in ["error: ", "fatal: "] where message.hasPrefix(prefix) { message.removeFirst(prefix.count) }
            if message.hasSuffix(" [preauth]") { message.removeLast(" [preauth]".count) }
            if let match = SSHD.compiled.grammar.match(message.utf8Span.span) { seen.insert(match.pattern) }
            if let match = SSHD.Dropbear.compiled.grammar.match(message.utf8Span.span) { ofDropbear.insert(match.pattern) }
        }
        for (index, entry) in SSHD.Dropbear.grammar.enumerated() {
            #expect(ofDropbear.contains(index), "add a line to Tests/Cases/sshd/cases.jsonl for: \(entry.0)")
        }
        for (index, entry) in SSHD.grammar.enumerated() {
            #expect(seen.contains(index), "add a line to Tests/Cases/sshd/cases.jsonl for: \(entry.0)")
        }
    }
}
