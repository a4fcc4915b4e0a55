import Columns
import Foundation
import Testing

@testable import Detection

struct `A rule` {
    private func failed(_ times: [Double], _ source: String? = "a", user: String = "x") -> [Row] {
        times.map { Row(time: $0, event: "failed", source: source, user: user, line: Int($0 * 10)) }
    }

    @Test func `finds a group when its count is reached within the window, and not before`() throws {
        let watch = Watch(try rule(count: 3))
        #expect(try watch.see(failed([0, 30, 95]) + [Row(time: 96, event: "ok", source: "a", count: 9)]) == [])
        let found = try watch.see(failed([97]) + failed([98], "b") + failed([99]))
        #expect(found.map(\.title) == ["a 3"])
        #expect(found[0].labels == ["source": "a"])
        #expect(found[0].startsAt == Timestamp(seconds: 95))
        #expect(found[0].session?.start == Timestamp(seconds: 95))
        #expect(found[0].evidence.map(\.line) == ["line at 95.0", "line at 97.0", "line at 99.0"])
    }

    @Test func `takes two normal forms of one name for two`() throws {
        let watch = Watch(try rule(count: 2))
        let found = try watch.see(
            ["B\u{FC}ro", "Bu\u{308}ro", "Bu\u{308}ro"].enumerated().map { Row(time: Double($0), event: "failed", source: $1) })
        #expect(found.map { OutsideText($0.labels["source"] ?? "") } == ["Bu\u{308}ro"])
        let other = Watch(try rule(count: 2))
        try other.set.restore(watch.set.snapshot())
        #expect(try other.see(failed([3], "B\u{FC}ro")).map(\.count) == [2])
    }

    @Test func `takes an event from a clock that is ahead for one of its arrival, so that it hides no other`() throws {
        let watch = Watch(try rule(count: 3))
        let lines = Schema([
            Field("file", .text), Field("offset", .int64), Field("line", .text), Field("arrival_time", .timestamp),
        ])
        let times: [Int64] = [1000, 900_000_000, 1010, 1020]
        let events = try Batch(
            schema: Watch.events,
            rows: times.map { [.timestamp(Timestamp(seconds: $0)), .text("failed"), .text("a"), .text("x"), .null, .int(1)] })
        let raw = try Batch(
            schema: lines,
            rows: times.indices.map {
                [.text("f"), .int(Int64($0)), .text("l"), .timestamp(Timestamp(seconds: 1000 + Int64($0) * 10))]
            })
        let found = watch.set.observe(events: events, lines: raw, lineRows: times.indices.map(Int32.init))
        #expect(found.first?.lastSeen == Timestamp(seconds: 1020) && found.first?.count == 4)
    }

    @Test func `keeps as many groups as it may when more come within one second`() throws {
        let context = DetectorContext(allowedLateness: .seconds(60), now: { Timestamp(seconds: 0) })
        var detector = RuleDetector(try rule(count: 3), context, limits: .init(groups: 5000))
        let events = try Batch(
            schema: Watch.events,
            rows: (0..<6000).map {
                [.timestamp(Timestamp(seconds: 100)), .text("failed"), .text("s\($0)"), .text("x"), .null, .int(1)]
            })
        let lines = try Batch(schema: Watch.lines, rows: (0..<6000).map { [.text("f"), .int(Int64($0)), .text("l")] })
        let rows = try #require(
            DetectorRows(events: events, lines: lines, lineRows: (0..<6000).map(Int32.init), cache: EvidenceCache()))
        _ = detector.observe(rows)
        #expect((4000...5000).contains(detector.table.count))
        #expect(detector.figures.forgotten == 6000 - detector.table.count)
    }

    @Test func `honours what a repeated line stands for`() throws {
        #expect(try Watch(rule(count: 5)).see([Row(time: 0, event: "failed", source: "a", count: 5)]).map(\.count) == [5])
    }

    @Test func `reports again when the count has doubled, not at each event`() throws {
        let found = try Watch(rule(count: 2)).seeEach(failed((0..<20).map(Double.init)))
        #expect(found.map(\.count) == [2, 4, 8, 16])
        #expect(try Watch(rule(count: 2)).see(failed((0..<20).map(Double.init))).map(\.count) == [20], "once a batch")
    }

    @Test func `says of a session how many there were in all, and the most within its window`() throws {
        let watch = Watch(try rule(count: 3))
        // An event each twenty seconds: four are within a minute, thirty-one come in all.
        var found = try watch.seeEach(failed((0..<31).map { Double($0 * 20) }))
        #expect(found.allSatisfy { $0.count <= 4 && !$0.isUpdate && $0.within == .seconds(60) })
        let updates = watch.set.updates()
        #expect(updates.map { $0.session?.count } == [31] && updates.map(\.isUpdate) == [true])
        #expect(updates.first?.session?.lines.count == 31 && updates.first?.count == 4)
        #expect(watch.set.updates().isEmpty)
        // After a pause as long as the window another session begins; one event of it is not a finding.
        #expect(try watch.seeEach(failed([800])).isEmpty && watch.set.updates().isEmpty)
        found = try watch.seeEach(failed([810, 820]))
        #expect(found.map { $0.session?.count } == [3] && found.first?.session?.start == Timestamp(seconds: 800))
    }

    @Test func `asks for distinct values where it says so`() throws {
        let watch = Watch(try rule(count: 3, distinct: ("user", 3)))
        #expect(try watch.see(failed([0, 1]) + failed([2], user: "y")) == [])
        #expect(try watch.see(failed([3], user: "z")).count == 1)
    }

    @Test func `estimates distinct values beyond those that it can remember`() throws {
        let watch = Watch(try rule(count: 3, distinct: ("user", 10_000)))
        let found = try watch.last((0..<40_000).map { failed([Double($0) / 1000], user: "u\($0)")[0] }, batchesOf: 4000)
        let distinct = try #require(found.values.first)
        #expect(distinct.count == 40_000)
    }

    @Test func `is completed by the row that it waits for, only after its count`() throws {
        let watch = Watch(try rule(count: 2, then: "event=ok"))
        func ok(_ time: Double, _ source: String = "a") -> Row {
            Row(time: time, event: "ok", source: source, line: Int(time * 10) + 5)
        }
        #expect(try watch.see([ok(0)] + failed([1]) + [ok(2)]) == [])
        let found = try watch.see(failed([3]) + [ok(4, "b"), ok(5)])
        #expect(found.map(\.count) == [2] && found.map { $0.session?.count } == [5] && found.map(\.ends) == [.byHand])
        #expect(found[0].evidence.map(\.line).last == "line at 5.0")
        #expect(try watch.see(failed([200, 201]) + [ok(300)]) == [], "too late")
    }

    @Test func `counts rows of one connection once`() throws {
        var once = try rule(count: 3)
        once.oncePer = [ColumnReference("pid")]
        let watch = Watch(once)
        func row(_ time: Double, _ pid: String?) -> Row {
            Row(time: time, event: "failed", source: "a", pid: pid, line: Int(time))
        }
        #expect(try watch.seeEach([row(0, "1"), row(1, "1"), row(2, "1"), row(3, "2")]) == [])
        #expect(try watch.seeEach([row(4, "3")]).map(\.count) == [3])
        #expect(
            try watch.seeEach([row(5, nil), row(6, nil), row(7, nil)]).map(\.count) == [6], "without a value each row counts")
    }

    @Test func `groups by networks`() throws {
        let watch = Watch(try rule(count: 3, groupBy: ["net(source)"]))
        let found = try watch.see(
            [
                "192.0.2.1", "192.0.2.200", "192.0.3.1", "2001:db8::1", "2001:db8::ffff:1", "192.0.2.9", "2001:db8:0:0:1::7",
                "gate", "gate",
            ]
            .enumerated().map { Row(time: Double($0), event: "failed", source: $1) })
        #expect(Set(found.map { $0.labels["source_net"] ?? "" }) == ["192.0.2.0/24", "2001:db8::/64"])
    }

    @Test func `does not count what an exception holds for`() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/obs-list-\(RandomName.uuid())"
        try "# the office\n192.0.2.0/28\n2001:db8::/32\nscanner\n".write(toFile: folder, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var excepted = try rule()
        excepted.exceptions = [
            .matchers(try [Matcher](parsing: "user=monitor")), .file(ColumnReference("source"), folder),
            .values(ColumnReference("source"), ["10.0.0.0/8"]),
        ]
        let watch = Watch(excepted)
        let sources = ["192.0.2.15", "192.0.2.16", "2001:db8:1::1", "scanner", "10.9.8.7", "11.0.0.1"]
        #expect(try sources.flatMap { try watch.see(failed([0], $0)) }.map { $0.labels["source"] } == ["192.0.2.16", "11.0.0.1"])
        #expect(try watch.see(failed([1], "203.0.113.1", user: "monitor")) == [])
        try "203.0.113.2\n".write(toFile: folder, atomically: true, encoding: .utf8)
        #expect(try watch.see(failed([2], "203.0.113.2")) == [], "the list is read again")
        #expect(try watch.see(failed([2], "192.0.2.3")).count == 1)
    }

    @Test func `excepts what is known by history, and not by what the intruder does first`() throws {
        var excepted = try rule(count: 2, then: "event=ok")
        excepted.exceptions = [
            .seen(
                .init(
                    match: try [Matcher](parsing: "event=ok"), by: [ColumnReference("source")], within: .seconds(86_400),
                    after: .seconds(600)))
        ]
        let watch = Watch(excepted)
        func ok(_ time: Double, _ source: String) -> Row { Row(time: time, event: "ok", source: source) }
        #expect(try watch.see([ok(0, "owner")]) == [])
        #expect(try watch.see(failed([1000, 1001], "owner") + [ok(1002, "owner")]) == [])
        #expect(try watch.see([ok(1003, "thief")] + failed([1005, 1006], "thief") + [ok(1007, "thief")]).count == 1)
        #expect(try watch.see(failed([200_000, 200_001], "owner") + [ok(200_002, "owner")]).count == 1, "forgotten after a day")
    }

    @Test func `is not excused by a log-in that followed guesses, be it hours later or from a neighbouring address`() throws {
        var excepted = try rule(count: 3)
        let failed = try [Matcher](parsing: "event=failed"), net = ColumnReference("source", isNetwork: true)
        excepted.exceptions = [
            .seen(
                .init(
                    match: try [Matcher](parsing: "event=ok"), by: [net], within: .seconds(86_400 * 30), after: .seconds(600),
                    unless: .init(match: failed, by: [net], count: 6, within: .seconds(43_200))))
        ]
        let watch = Watch(excepted)
        func ok(_ time: Double, _ source: String) -> Row { Row(time: time, event: "ok", source: source) }
        // An owner mistypes twice before the first log-in, and is known from then on.
        _ = try watch.see(self.failed([0, 1], "192.0.2.7") + [ok(2, "192.0.2.7")])
        #expect(try watch.see(self.failed([4000, 4001, 4002], "192.0.2.8")) == [])
        // An intruder gets in after six guesses: neither he nor his neighbour is known an hour later.
        #expect(try watch.see(self.failed([5000, 5001, 5002, 5003, 5004, 5005], "203.0.113.7")).count == 1)
        _ = try watch.see([ok(5010, "203.0.113.7")])
        #expect(try watch.see(self.failed([9000, 9001, 9002], "203.0.113.8")).count == 1)
        // Whoever has stopped guessing for half a day and logs in may live there after all.
        _ = try watch.see([ok(60_000, "203.0.113.7")])
        #expect(try watch.see(self.failed([62_000, 62_001, 62_002], "203.0.113.9")) == [])
    }

    @Test func `needs the steps of a sequence in their order`() throws {
        var chain = try rule()
        chain.steps = try [("event=a", 2), ("event=b", 1), ("event=c", 1)].map {
            DetectionRule.Step(match: try [Matcher](parsing: $0.0), count: $0.1)
        }
        func rows(_ events: String) -> [Row] {
            events.enumerated().map { Row(time: Double($0), event: String($1), source: "s", line: $0) }
        }
        for (events, isFound) in [
            ("aabc", true), ("abac", false), ("ababc", true), ("bcaa", false), ("aacb", false), ("aabbbbcc", true),
        ] {
            #expect(try !Watch(chain).see(rows(events)).isEmpty == isFound, "\(events)")
        }
    }

    @Test func `finds that a group has fallen silent, once`() throws {
        var silent = try rule()
        silent.condition = .silence
        let watch = Watch(silent, lateness: .seconds(5))
        #expect(try watch.seeEach((0..<10).map { Row(time: Double($0 * 10), event: "failed", source: "a") }) == [])
        #expect(try watch.seeEach(failed([150], "b")) == [], "the lateness is waited for")
        let found = try watch.seeEach(failed([156, 200, 230, 280], "b"))
        #expect(found.map(\.labels) == [["source": "a"]] && found.first?.startsAt == Timestamp(seconds: 90))
        #expect(try watch.seeEach(failed([300], "a") + failed([330, 390], "b")).map(\.labels) == [["source": "a"]])
    }

    @Test func `finds a row that is not followed by the one that was to come`() throws {
        var missing = try rule("R", "event=start")
        missing.steps.append(.init(match: try [Matcher](parsing: "event=end")))
        missing.condition = .missing
        let watch = Watch(missing, lateness: .seconds(5))
        func row(_ time: Double, _ event: String, _ source: String) -> Row {
            Row(time: time, event: event, source: source, line: Int(time))
        }
        #expect(try watch.seeEach([row(0, "start", "a"), row(10, "start", "b"), row(40, "end", "a"), row(69, "end", "z")]) == [])
        let found = try watch.seeEach([row(80, "start", "c"), row(81, "end", "b")])
        #expect(found.map(\.labels) == [["source": "b"]] && found.first?.startsAt == Timestamp(seconds: 10))
    }

    @Test func `finds a value that its group has not had for long, once it knows the group`() throws {
        var new = try rule("R", "event=ok", groupBy: ["user"])
        new.title = "{user} {source}"
        new.condition = .newValue(.init(column: ColumnReference("source"), within: .seconds(86_400), learn: .seconds(100)))
        let watch = Watch(new)
        func ok(_ time: Double, _ source: String, _ user: String = "ada") -> Row {
            Row(time: time, event: "ok", source: source, user: user)
        }
        #expect(try watch.seeEach([ok(0, "home"), ok(50, "office"), ok(200, "home"), ok(300, "home", "bob")]) == [])
        #expect(try watch.seeEach([ok(400, "cafe")]).map(\.title) == ["ada cafe"])
        #expect(try watch.seeEach([ok(500, "cafe"), ok(501, "office")]) == [])
        #expect(
            try watch.seeEach([ok(100_000, "home"), ok(100_001, "home")]).map(\.title) == ["ada home"], "after a day without it")
    }

    @Test func `finds a rate that is many times what is usual for its group`() throws {
        var rate = try rule()
        rate.condition = .rate(.init(times: 5, history: .seconds(3600), atLeast: 10, learn: .seconds(600)))
        rate.description = "{usual}"
        let watch = Watch(rate)
        // Two a minute for an hour, then twelve within a minute.
        #expect(try watch.last((0..<120).map { failed([Double($0) * 30], line: $0) }).isEmpty)
        let found = try watch.see(
            (0..<12).map { Row(time: 3600 + Double($0) * 3, event: "failed", source: "a", line: 1000 + $0) })
        #expect(found.map(\.count) == [12] && found.map(\.description) == ["2.0"])
        #expect(
            try watch.see((0..<30).map { Row(time: 3700 + Double($0), event: "failed", source: "new", line: 2000 + $0) }) == [],
            "not known yet")
    }

    private func failed(_ times: [Double], line: Int) -> Row { Row(time: times[0], event: "failed", source: "a", line: line) }

    @Test func `looks at the findings of others`() throws {
        var both = try rule("Both", "rule=~\"A|B\"", distinct: ("rule", 2))
        both.rows = .findings
        var inner = try rule("B", "event=odd")
        inner.mode = .internal
        let watch = Watch([try rule("A", count: 2), inner, both])
        #expect(try watch.see(failed([0, 1])).map(\.name) == ["A"])
        #expect(try watch.see([Row(time: 5, event: "odd", source: "b")]) == [], "internal")
        #expect(try watch.see([Row(time: 6, event: "odd", source: "a")]).map(\.name) == ["Both"])
    }

    @Test func `marks what it finds when it is only tried out`() throws {
        var tried = try rule()
        tried.mode = .simulate
        #expect(try Watch(tried).see(failed([0])).map(\.isSimulated) == [true])
    }

    @Test func `says nothing of events that do not say what it groups by`() throws {
        #expect(try Watch(rule()).see(failed([0], nil)) == [])
    }

    @Test func `of days needs a step for each part of its window, not an event`() throws {
        let context = DetectorContext(allowedLateness: .seconds(60), now: { Timestamp(seconds: 0) })
        let slow = try rule(count: 5000, within: .seconds(30 * 86_400))
        var detector = RuleDetector(slow, context)
        let cache = EvidenceCache()
        var last: Finding?
        for day in 0..<30 {
            let times = (0..<1000).map { Int64(day * 86_400 + $0 * 86) }
            let events = try Batch(
                schema: Watch.events,
                rows: times.map { [.timestamp(Timestamp(seconds: $0)), .text("failed"), .text("a"), .text("x"), .null, .int(1)] })
            let lines = try Batch(schema: Watch.lines, rows: times.map { [.text("f"), .int($0), .text("l")] })
            let rows = try #require(
                DetectorRows(events: events, lines: lines, lineRows: (0..<1000).map(Int32.init), cache: cache))
            last = detector.observe(rows).last
        }
        #expect(detector.table.groups[0].events.count <= 256)
        let finding = try #require(last)
        // The window is rounded to one of its 64 steps.
        #expect((29_000...30_000).contains(finding.count) && finding.session?.count == 30_000)
    }
}
