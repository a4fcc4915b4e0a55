import Columns
import Foundation
import Testing

@testable import Parsing

struct `An entry of the journal` {
    private static let fixed =
        #""__CURSOR":"s=1;i=a","__REALTIME_TIMESTAMP":"1795824000000001","_HOSTNAME":"gate","SYSLOG_IDENTIFIER":"sshd","_PID":"100""#

    private static func line(_ json: String) -> String? {
        var entry = JournalEntry(), line: [UInt8] = []
        guard entry.read(Array(json.utf8).span), entry.hasMessage else { return nil }
        entry.appendLine(to: &line)
        return String(decoding: line, as: UTF8.self)
    }

    @Test(arguments: [
        ("{\(fixed),\"MESSAGE\":\"Accepted\"}", "2026-11-28T00:00:00.000001Z gate sshd[100]: Accepted"),
        // In any order, with fields that nobody asked for, and the time at which it was sent.
        (
            #"{ "MESSAGE" : "m" , "PRIORITY":"6", "_SOURCE_REALTIME_TIMESTAMP":"1795824000500000", \#(fixed) }"#,
            "2026-11-28T00:00:00.500Z gate sshd[100]: m"
        ),
        // Bytes that are not text, and a text of several lines: one line all the same.
        ("{\(fixed),\"MESSAGE\":[97,10,98,0,255]}", "2026-11-28T00:00:00.000001Z gate sshd[100]: a#012b#000\u{FFFD}"),
        (
            "{\(fixed),\"MESSAGE\":\"a\\nNov 28 00:00:00 gate sshd[1]: Accepted password for root from 192.0.2.1 port 1 ssh2\\n\"}",
            "2026-11-28T00:00:00.000001Z gate sshd[100]: a#012Nov 28 00:00:00 gate sshd[1]: Accepted password for root from 192.0.2.1 "
                + "port 1 ssh2"
        ),
        // Of a field that is there several times the first counts.
        ("{\(fixed),\"MESSAGE\":[\"one\",\"two\"]}", "2026-11-28T00:00:00.000001Z gate sshd[100]: one"),
        ("{\(fixed),\"MESSAGE\":[[104,105],\"two\"],\"MESSAGE\":\"three\"}", "2026-11-28T00:00:00.000001Z gate sshd[100]: hi"),
        // What a program says of itself counts where the journal says nothing.
        (
            #"{"__REALTIME_TIMESTAMP":"1795824000000000","_COMM":"app","SYSLOG_PID":"7","MESSAGE":"m"}"#,
            "2026-11-28T00:00:00Z app[7]: m"
        ),
        (#"{"__REALTIME_TIMESTAMP":"1795824000000000","MESSAGE":"m"}"#, "2026-11-28T00:00:00Z unknown: m"),
        // Names that would end the header early, or begin another one.
        (
            #"{"__REALTIME_TIMESTAMP":"1795824000000000","_HOSTNAME":"g: h","SYSLOG_IDENTIFIER":"a[1]: sshd\n","SYSLOG_PID":"x]","MESSAGE":"m"}"#,
            "2026-11-28T00:00:00Z g__h a_1___sshd_: m"
        ),
        (#"{"__REALTIME_TIMESTAMP":"1795824000000000","SYSLOG_IDENTIFIER":"","MESSAGE":""}"#, "2026-11-28T00:00:00Z _: "),
    ])
    func `is one syslog line, whatever is in it`(json: String, line: String) {
        #expect(Self.line(json) == line)
    }

    @Test(arguments: [
        "", "{", "{}", "[]", "null", "{\(fixed)}", "{\(fixed),\"MESSAGE\":null}", "{\(fixed),\"MESSAGE\":\"m\"",
        "{\(fixed),\"MESSAGE\":\"m\"}}",
        "{\(fixed),\"MESSAGE\":[256]}", "{\(fixed),\"MESSAGE\":[[[1]]]}", "{\(fixed),\"MESSAGE\":{}}", #"{"MESSAGE":"m"}"#,
        #"{"__REALTIME_TIMESTAMP":"-1","MESSAGE":"m"}"#, #"{"__REALTIME_TIMESTAMP":"999999999999999999","MESSAGE":"m"}"#,
    ])
    func `is nothing else`(text: String) {
        #expect(Self.line(text) == nil)
    }

    @Test func `is cut where it is too long for a line, so that it goes to quarantine`() {
        var entry = JournalEntry(), line: [UInt8] = []
        let json = "{\(Self.fixed),\"MESSAGE\":\"\(String(repeating: "x", count: 3 << 20))\"}"
        let isRead = entry.read(Array(json.utf8).span)
        #expect(isRead)
        entry.appendLine(to: &line)
        #expect(line.count == RawLines.maxLineLength)
    }

    @Test(arguments: 1...200 as ClosedRange<UInt64>)
    func `may be damaged anywhere, and is read or refused`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var bytes = Array("{\(Self.fixed),\"MESSAGE\":[[97,255],\"\\u00fc\\n\"],\"A\":[\"b\",null]}".utf8)
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let at = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.remove(at: at)
            default: bytes.insert(bytes[Int.random(in: 0..<bytes.count, using: &random)], at: at)
            }
        }
        var entry = JournalEntry(), line: [UInt8] = []
        if entry.read(bytes.span) { entry.appendLine(to: &line) }
        #expect(!line.contains(10) && !line.contains(13))
    }

    @Test func `is for sshd what its line in auth.log is, and stands among such lines`() throws {
        let message = "Failed password for root from 192.0.2.1 port 4000 ssh2"
        var journal: any LogFormat = SSHD(context: ParsingContext(timeZone: .gmt)), text = journal
        let stamped = "2026-11-28T00:00:00.000001Z gate sshd[100]: \(message)"
        let mixed = rawLines([stamped, "{\(Self.fixed),\"MESSAGE\":\"\(message)\"}", "{\"not\":\"one\"}"])
        let found = RawLines.parse(mixed, with: &journal), wanted = RawLines.parse(rawLines([stamped, stamped]), with: &text)
        #expect(shown(found) == shown(wanted))
        #expect(found.events.count == 2 && found.rejected.map(\.row) == [2])
        // The way back leads to the entry in bronze.
        #expect(found.events["offset"]?.integer(at: 1) == Int64(stamped.utf8.count + 1))
        #expect(mixed["line"]?.string(at: 1)?.hasPrefix("{\"__CURSOR\"") == true)
    }
}
