import Columns
import Foundation
import Testing

@testable import Parsing

struct `The sshd format` {
    @Test(
        arguments: [
            (
                "Failed password for root from 192.0.2.7 port 51772 ssh2", "failed_password", "root", "192.0.2.7", 51772,
                "password"
            ),
            (
                "Failed password for invalid user a b from 192.0.2.7 port 1 ssh2", "failed_password", "a b", "192.0.2.7", 1,
                "password"
            ),
            ("Failed password for invalid user  from 192.0.2.7 port 1 ssh2", "failed_password", "", "192.0.2.7", 1, "password"),
            ("Failed none for invalid user 0 from 192.0.2.7 port 1 ssh2", "failed_none", "0", "192.0.2.7", 1, "none"),
            (
                "Failed keyboard-interactive/pam for root from 2001:db8::1 port 5 ssh2", "failed_keyboard_interactive", "root",
                "2001:db8::1", 5, "keyboard-interactive/pam"
            ),
            (
                "Accepted publickey for deploy from 198.51.100.4 port 49116 ssh2: ED25519 SHA256:4q", "accepted_publickey",
                "deploy", "198.51.100.4", 49116, "publickey"
            ),
            ("Invalid user admin from ::ffff:192.0.2.7 port 9", "invalid_user", "admin", "192.0.2.7", 9, nil),
            ("Invalid user x from 2001:db8::a%eth0", "invalid_user", "x", "2001:db8::a", nil, nil),
            (
                "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=root",
                "pam_failure", "root", "192.0.2.7", nil, nil
            ),
            (
                "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7 ",
                "pam_failure", nil, "192.0.2.7", nil, nil
            ),
            ("Received disconnect from 192.0.2.7: 11: Bye Bye [preauth]", "received_disconnect", nil, "192.0.2.7", nil, nil),
            ("Received disconnect from 2001:db8::1: 11: Bye", "received_disconnect", nil, "2001:db8::1", nil, nil),
            (
                "error: maximum authentication attempts exceeded for root from 192.0.2.7 port 4 ssh2 [preauth]",
                "too_many_failures", "root", "192.0.2.7", 4, nil
            ),
            (
                "Bad protocol version identification 'x' from 8.8.8.8' from 192.0.2.7 port 31778", "bad_protocol", nil,
                "192.0.2.7", 31778, nil
            ),
            (
                "drop connection #0 from [192.0.2.7]:48602 on [192.0.2.1]:22 penalty: exceeded LoginGraceTime",
                "connection_dropped", nil, "192.0.2.7", 48602, nil
            ),
            ("refused connect from _x_@::ffff:192.0.2.7 (::ffff:192.0.2.7)", "refused_connect", nil, "192.0.2.7", nil, nil),
            ("Failed password for root from 192.0.2.7 port 99999 ssh2", "failed_password", "root", "192.0.2.7", nil, "password"),
        ] as [(String, String, String?, String?, Int?, String?)])
    func `reads event, user, source, port and method`(
        message: String, event: String, user: String?, source: String?, port: Int?, method: String?
    ) {
        let events = SSHD.parse(["Dec 10 06:55:46 gate sshd[24200]: \(message)"]).events
        #expect(events.count == 1)
        guard events.count == 1 else { return }
        #expect(events["event"]!.string(at: 0) == event)
        #expect(events["user"]!.string(at: 0) == user)
        #expect(events["source"]!.string(at: 0) == source)
        #expect(events["port"]!.integer(at: 0) == port.map(Int64.init))
        #expect(events["method"]!.string(at: 0) == method)
        #expect(events["pid"]!.integer(at: 0) == 24200)
        #expect(events["host"]!.string(at: 0) == "gate")
    }

    @Test func `blames the address that sshd saw, not one that the attacker wrote into the user name`() {
        let events = SSHD.parse([
            "Dec 10 06:55:46 gate sshd[1]: Failed password for invalid user root from 8.8.8.8 port 22 ssh2 from 192.0.2.7 port 5 ssh2"
        ]).events
        #expect(events["source"]!.string(at: 0) == "192.0.2.7")
        #expect(events["user"]!.string(at: 0) == "root from 8.8.8.8 port 22 ssh2")
    }

    @Test func `has the text of what says nothing of sshd, and of nothing else`() {
        let events = SSHD.parse([
            "Dec 10 06:55:46 gate systemd[1]: Starting logrotate.service... \r",
            "Dec 10 06:55:47 gate sshd[1]: Failed password for root from 192.0.2.7 port 5 ssh2",
            "Dec 10 06:55:48 gate kernel: ",
        ]).events
        #expect((0..<3).map { events["event"]!.string(at: $0) } == ["other", "failed_password", "other"])
        #expect((0..<3).map { events["message"]!.string(at: $0) } == ["Starting logrotate.service...", nil, ""])
    }

    @Test func `counts a repeated message as often as it says`() {
        let parsed = SSHD.parse([
            "Dec 10 07:13:56 gate sshd[1]: message repeated 5 times: [ Failed password for root from 192.0.2.7 port 51772 ssh2]",
            "Dec 10 07:13:56 gate sshd[1]: PAM 4 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=root",
        ])
        #expect(parsed.events["event"]!.string(at: 0) == "failed_password")
        #expect(parsed.events["count"]!.integer(at: 0) == 5)
        #expect(parsed.events["port"]!.integer(at: 0) == 51772)
        #expect(parsed.events["count"]!.integer(at: 1) == 4)
    }

    @Test(arguments: [
        ("Dec 10 06:55:46 gate sshd[1]: ", "2025-12-10T06:55:46Z"), ("Nov 21 23:00:00 gate sshd[1]: ", "2026-11-21T23:00:00Z"),
        ("Feb 29 00:00:00 gate sshd[1]: ", "2024-02-29T00:00:00Z"), ("Jan  5 01:31:41 gate sshd[1]: ", "2026-01-05T01:31:41Z"),
        ("Jan 5 01:31:41 gate sshd[1]: ", "2026-01-05T01:31:41Z"), ("Jan 05 23:59:60 gate sshd[1]: ", "2026-01-06T00:00:00Z"),
        ("2026-11-21T10:00:00.123456+01:00 gate sshd[1]: ", "2026-11-21T09:00:00.123456Z"),
        ("2026-11-21T10:00:00Z gate sshd-session[1]: ", "2026-11-21T10:00:00Z"),
        ("2026-11-21 10:00:00,5 gate sshd[1]: ", "2026-11-21T10:00:00.500Z"),
        ("<38>1 2026-11-21T10:00:00-0130 gate sshd 1 - [meta sequenceId=\"\\]1\"] ", "2026-11-21T11:30:00Z"),
        ("<38>Nov 20 10:00:00 gate sshd[1]: ", "2026-11-20T10:00:00Z"), ("Nov 20 10:00:00 sshd[1]: ", "2026-11-20T10:00:00Z"),
        ("gate sshd[1]: ", "2026-11-21T00:00:00Z"), ("Nov 20 10:00:00 [sshd] ", "2026-11-20T10:00:00Z"),
        ("Nov 20 10:00:00 2001:db8::1 /usr/sbin/sshd[1]: ", "2026-11-20T10:00:00Z"),
    ])
    func `reads every kind of syslog header and infers the year from the arrival`(header: String, time: String) {
        let parsed = SSHD.parse([header + "Connection closed by 192.0.2.7 [preauth]"])
        #expect(parsed.rejected.isEmpty)
        #expect(parsed.events.columns[0].value(at: 0, as: .timestamp).description == time)
        #expect(parsed.events["source"]!.string(at: 0) == "192.0.2.7")
    }

    @Test(arguments: ["GMT", "Europe/Berlin", "Pacific/Kiritimati", "Pacific/Honolulu", "Asia/Kathmandu"])
    func `puts a stamp without a year into the last year in which it is not a day after its arrival`(zone: String) {
        let zone = TimeZone(identifier: zone)!
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        // Each hour from two days before New Year to two days after it, by clocks that are right, some minutes and some hours ahead, and behind.
        for hour in -48...48 {
            for skew in [-86_400, -7200, -60, 0, 60, 600, 3600, 20 * 3600] {
                let arrival = Timestamp(year: 2027, month: 1, day: 1, hour: 0) + .seconds(hour * 3600 + 600)
                let time = arrival + .seconds(skew)
                let parts = calendar.dateComponents(
                    [.month, .day, .hour, .minute, .second], from: Date(timeIntervalSince1970: time.secondsSince1970))
                func two(_ number: Int?) -> String { number! < 10 ? "0\(number!)" : "\(number!)" }
                let clock = "\(two(parts.hour)):\(two(parts.minute)):\(two(parts.second))"
                let stamp = "\(names[parts.month! - 1]) \(two(parts.day)) \(clock)"
                var format = SSHD(context: ParsingContext(timeZone: zone))
                let events = format.parse(rawLines(["\(stamp) gate sshd[1]: Connection closed by 192.0.2.7"], arrival: arrival))
                    .events
                #expect(events.columns[0].integer(at: 0) == time.microseconds, "\(stamp) at \(arrival)")
            }
        }
    }

    @Test func `puts the 29th of February into a leap year`() {
        for (arrival, year) in [
            ((2028, 2, 29), 2028), ((2028, 2, 28), 2028), ((2028, 2, 27), 2024), ((2027, 12, 31), 2024), ((2029, 1, 1), 2028),
        ] {
            let events = SSHD.parse(
                ["Feb 29 00:00:00 gate sshd[1]: Connection closed by 192.0.2.7"],
                arrival: Timestamp(year: arrival.0, month: arrival.1, day: arrival.2)
            ).events
            #expect(Timestamp(microseconds: events.columns[0].integer(at: 0)!).components.year == year)
        }
    }

    @Test func `gives a line without a stamp the time of the line before it, also across a checkpoint`() throws {
        let lines = [
            "gate sshd[1]: Connection closed by 192.0.2.7", "Nov 20 10:00:00 gate sshd[1]: Connection closed by 192.0.2.7",
            "warning: a second line of some message without a stamp", "gate sshd[1]: Connection closed by 192.0.2.7",
        ]
        let raw = rawLines(lines)
        var first = SSHD(context: ParsingContext(timeZone: .gmt))
        var times = first.parse(raw.slice(0..<2)).events.columns[0]
        #expect(times.value(at: 0, as: .timestamp).description == "2026-11-21T00:00:00Z")  // none before it: its arrival
        var second = SSHD(context: ParsingContext(timeZone: .gmt))
        try second.restore(first.state)
        times = second.parse(raw.slice(2..<4)).events.columns[0]
        #expect(times.count == 2)
        #expect((0..<2).allSatisfy { times.value(at: $0, as: .timestamp).description == "2026-11-20T10:00:00Z" })
    }

    @Test func `holds UTF-8 in every text, whatever bytes were in the line`() {
        var random = SplitMix64(seed: 9)
        var builder = RawLinesBuilder()
        for _ in 0..<2000 {
            var bytes = Array(
                "Nov 20 10:00:00 gate sshd[1]: Failed password for invalid user xyz from 192.0.2.7 port 5 ssh2".utf8)
            for _ in 0..<6 {
                bytes.insert(UInt8.random(in: 0x80...0xFF, using: &random), at: Int.random(in: 0...bytes.count, using: &random))
            }
            builder.append(bytes.span, offset: 0, source: "s", file: "f", arrival: Timestamp(year: 2026, month: 11, day: 21))
        }
        var format = SSHD(context: ParsingContext(timeZone: .gmt))
        let events = format.parse(builder.finish()).events
        #expect(events.count > 100)
        for name in ["host", "process", "user", "source", "method"] {
            for row in 0..<events.count where !events[name]!.isNull(at: row) {
                #expect(events[name]!.withBytes(at: row) { $0.isValidUTF8 })
            }
        }
    }

    @Test func `goes on across New Year from the year of the first line`() {
        let stamps = [
            "Dec 31 23:59:59", "Jan  1 00:00:01", "Dec 31 23:59:58", "Jan  2 00:00:00", "Dec 30 00:00:00", "Jan  1 00:00:00",
        ]
        let events = SSHD.parse(stamps.map { "\($0) gate sshd[1]: Connection closed by 192.0.2.7" }, year: 2015).events
        let years = (0..<events.count).map { Timestamp(microseconds: events.columns[0].integer(at: $0)!).components.year }
        #expect(years == [2015, 2016, 2015, 2016, 2015, 2016])
    }

    @Test func `remembers the year of a file across a checkpoint`() throws {
        var first = SSHD(context: ParsingContext(year: 2015, timeZone: .gmt))
        _ = first.parse(
            rawLines([
                "Dec 31 23:59:59 gate sshd[1]: Connection closed by 192.0.2.7",
                "Jan  1 00:00:00 gate sshd[1]: Connection closed by 192.0.2.7",
            ]))
        var second = SSHD(context: ParsingContext(year: 2015, timeZone: .gmt))
        try second.restore(first.state)
        let events = second.parse(rawLines(["Feb  1 00:00:00 gate sshd[1]: Connection closed by 192.0.2.7"])).events
        #expect(events.columns[0].value(at: 0, as: .timestamp).description == "2016-02-01T00:00:00Z")
    }

    @Test func `reads local stamps in the configured zone, also around a change of the clocks`() {
        var format = SSHD(context: ParsingContext(year: 2026, timeZone: TimeZone(identifier: "Europe/Berlin")!))
        let lines = ["Jan  1 12:00:00", "Mar 29 01:59:59", "Mar 29 03:00:00", "Jul  1 12:00:00", "Oct 25 04:00:00"]
        let events = format.parse(rawLines(lines.map { "\($0) gate sshd[1]: Connection closed by 192.0.2.7" })).events
        let times = (0..<events.count).map { events.columns[0].value(at: $0, as: .timestamp).description }
        #expect(
            times == [
                "2026-01-01T11:00:00Z", "2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z", "2026-07-01T10:00:00Z",
                "2026-10-25T03:00:00Z",
            ])
    }

    @Test(arguments: [
        ("", RejectionReason.emptyLine), ("   ", .unreadableHeader), ("nonsense", .unreadableHeader),
        ("Feb 30 00:00:00 gate sshd[1]: x", .badTimestamp), ("2026-11-02T08:02:", .badTimestamp),
        ("Dec 10 25:00:00 gate sshd[1]: x", .badTimestamp), ("2026-02-30T00:00:00Z gate sshd[1]: x", .badTimestamp),
        ("Dec 10 06:55:46 gate sshd[1]: the moon is made of cheese", .unknownMessage), ("<999999>x", .unreadableHeader),
    ])
    func `gives a reason for a line that it cannot read`(line: String, reason: RejectionReason) {
        let parsed = SSHD.parse([line])
        #expect(parsed.events.isEmpty)
        #expect(parsed.rejected == [RejectedLine(row: 0, reason: reason)])
    }

    @Test func `takes lines of other programs as other`() {
        let events = SSHD.parse(["Dec 10 06:55:46 gate ntpd[77]: session opened for user root by (uid=0)"]).events
        #expect(events["event"]!.string(at: 0) == "other")
        #expect(events["process"]!.string(at: 0) == "ntpd")
        #expect(events["source"]!.isNull(at: 0))
    }

    @Test func `reads a CRLF line as one that ends in LF`() {
        let events = SSHD.parse(["Dec 10 06:55:46 gate sshd[1]: Connection closed by 192.0.2.7 [preauth]\r"]).events
        #expect(events["source"]!.string(at: 0) == "192.0.2.7")
    }

    @Test func `understands its own samples`() {
        #expect(SSHD.parse(SSHD.samples).rejected.isEmpty)
    }

    @Test func `puts every line, however broken, in events or in quarantine`() {
        var random = SplitMix64(seed: 7)
        var lines: [String] = []
        for _ in 0..<20_000 {
            var bytes = Array(SSHD.samples.randomElement(using: &random)!.utf8)
            for _ in 0..<Int.random(in: 0...6, using: &random) where !bytes.isEmpty {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0...3, using: &random) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: index)
                case 2: bytes.insert(contentsOf: "[]<>: \"\\%{}".utf8.shuffled(using: &random).prefix(2), at: index)
                default: bytes = Array(bytes[..<index])
                }
            }
            lines.append(String(decoding: bytes, as: UTF8.self))
        }
        let parsed = SSHD.parse(lines)
        #expect(parsed.events.count + parsed.rejected.count == lines.count)
    }
}
