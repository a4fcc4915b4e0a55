import Columns
import Foundation
import Testing

@testable import Detection

struct `The rule engine` {
    private static let events = Schema([
        Field("event_time", .timestamp), Field("event", .text), Field("source", .text, isNullable: true),
        Field("user", .text, isNullable: true), Field("count", .int32),
    ])
    private static let lines = Schema([Field("file", .text), Field("offset", .int64), Field("line", .text)])

    private func observe(_ engine: inout RuleEngine, _ rows: [(Int, String, String?, String, Int)]) throws -> [Finding] {
        let events = try Batch(
            schema: Self.events,
            rows: rows.map {
                [
                    .timestamp(Timestamp(seconds: Int64($0.0))), .text($0.1), $0.2.map(Value.text) ?? .null, .text($0.3),
                    .int(Int64($0.4)),
                ]
            })
        let lines = try Batch(
            schema: Self.lines, rows: rows.enumerated().map { [.text("f"), .int(Int64($0)), .text("line at \($1.0)")] })
        return engine.observe(events: events, lines: lines, lineRows: rows.indices.map(Int32.init))
    }

    private func rule(count: Int, distinct: (String, Int)? = nil, then: String? = nil) throws -> DetectionRule {
        DetectionRule(
            name: "R", severity: .warning, title: "{source} {count}", description: "",
            match: try [Matcher](parsing: "event=failed"), groupBy: ["source"],
            within: .seconds(60), count: count, distinct: distinct.map { (column: $0.0, count: $0.1) },
            then: try then.map { try [Matcher](parsing: $0) })
    }

    @Test func `finds a group when its count is reached within the window, and not before`() throws {
        var engine = RuleEngine(rules: [try rule(count: 3)])
        #expect(
            try observe(
                &engine,
                [(0, "failed", "a", "x", 1), (30, "failed", "a", "x", 1), (95, "failed", "a", "x", 1), (96, "ok", "a", "x", 9)])
                == [])
        let found = try observe(&engine, [(97, "failed", "a", "x", 1), (98, "failed", "b", "x", 1), (99, "failed", "a", "x", 1)])
        #expect(found.map(\.title) == ["a 3"])
        #expect(found[0].labels == ["source": "a"])
        #expect(found[0].startsAt == Timestamp(seconds: 95))
        #expect(found[0].evidence.map(\.line) == ["line at 95", "line at 97", "line at 99"])
    }

    @Test func `takes two normal forms of one name for two`() throws {
        var engine = RuleEngine(rules: [try rule(count: 2)])
        let found = try observe(
            &engine, ["B\u{FC}ro", "Bu\u{308}ro", "Bu\u{308}ro"].enumerated().map { ($0, "failed", $1, "x", 1) })
        #expect(found.map { OutsideText($0.labels["source"] ?? "") } == ["Bu\u{308}ro"])
        // Also after a restart.
        var other = RuleEngine(rules: [try rule(count: 2)])
        try other.restore(engine.snapshot())
        #expect(try observe(&other, [(3, "failed", "B\u{FC}ro", "x", 1)]).map(\.count) == [2])
    }

    @Test func `takes an event from a clock that is ahead for one of its arrival, so that it hides no other`() throws {
        var engine = RuleEngine(rules: [try rule(count: 3)])
        let lines = Schema([
            Field("file", .text), Field("offset", .int64), Field("line", .text), Field("arrival_time", .timestamp),
        ])
        let times: [Int64] = [1000, 900_000_000, 1010, 1020]
        let events = try Batch(
            schema: Self.events,
            rows: times.map { [.timestamp(Timestamp(seconds: $0)), .text("failed"), .text("a"), .text("x"), .int(1)] })
        let raw = try Batch(
            schema: lines,
            rows: times.indices.map {
                [.text("f"), .int(Int64($0)), .text("l"), .timestamp(Timestamp(seconds: 1000 + Int64($0) * 10))]
            })
        let found = engine.observe(events: events, lines: raw, lineRows: times.indices.map(Int32.init))
        #expect(found.first?.lastSeen == Timestamp(seconds: 1010))
        // And no group is quiet because of it.
        var next = RuleEngine(rules: engine.rules)
        try next.restore(engine.snapshot())
        #expect(next.groupCount == 1)
    }

    @Test func `keeps as many groups as it may when more come within one second`() throws {
        var engine = RuleEngine(rules: [try rule(count: 3)])
        _ = try observe(&engine, (0..<60_000).map { (100, "failed", "s\($0)", "x", 1) })
        #expect((40_000...50_000).contains(engine.groupCount))
    }

    @Test func `honours what a repeated line stands for`() throws {
        var engine = RuleEngine(rules: [try rule(count: 5)])
        #expect(try observe(&engine, [(0, "failed", "a", "x", 5)]).map(\.count) == [5])
    }

    @Test func `reports again when the count has doubled, not at each event`() throws {
        var engine = RuleEngine(rules: [try rule(count: 2)])
        let found = try observe(&engine, (0..<20).map { ($0, "failed", "a", "x", 1) })
        #expect(found.map(\.count) == [2, 4, 8, 16])
    }

    @Test func `tells of a session in all, beside the most within its window, and brings it up to date on request`() throws {
        var engine = RuleEngine(rules: [try rule(count: 3)])
        // An event each twenty seconds: three or four are within a minute, thirty-one come in all.
        var found = try observe(&engine, (0..<31).map { ($0 * 20, "failed", "a", "x", 1) })
        #expect(found.allSatisfy { $0.count <= 4 && !$0.isUpdate && $0.within == .seconds(60) })
        let updates = engine.updates()
        #expect(updates.map { $0.session?.count } == [31] && updates.map(\.isUpdate) == [true])
        #expect(updates.first?.session?.lines.count == 31)
        #expect(engine.updates().isEmpty)
        // After a pause as long as the window another session begins; one event of it is nothing to tell.
        #expect(try observe(&engine, [(800, "failed", "a", "x", 1)]).isEmpty && engine.updates().isEmpty)
        found = try observe(&engine, [(810, "failed", "a", "x", 1), (820, "failed", "a", "x", 1)])
        #expect(found.map { $0.session?.count } == [3] && found.first?.session?.start == Timestamp(seconds: 800))
    }

    @Test func `counts the event that completes a sequence as one of its lines`() throws {
        var engine = RuleEngine(rules: [try rule(count: 2, then: "event=ok")])
        let found = try observe(
            &engine, [(0, "failed", "a", "x", 1), (1, "failed", "a", "x", 1), (2, "ok", "a", "x", 1), (3, "failed", "a", "x", 1)])
        #expect(found.map(\.count) == [2] && found.map { $0.session?.count } == [3] && found.map(\.ends) == [.byHand])
        #expect(engine.updates().isEmpty)
    }

    @Test func `asks for distinct values where the rule does`() throws {
        var engine = RuleEngine(rules: [try rule(count: 3, distinct: ("user", 3))])
        #expect(try observe(&engine, [(0, "failed", "a", "x", 1), (1, "failed", "a", "x", 1), (2, "failed", "a", "y", 1)]) == [])
        #expect(try observe(&engine, [(3, "failed", "a", "z", 1)]).count == 1)
    }

    @Test func `is completed by the event that a sequence waits for, only after its failures`() throws {
        var engine = RuleEngine(rules: [try rule(count: 2, then: "event=ok")])
        #expect(
            try observe(
                &engine, [(0, "ok", "a", "x", 1), (1, "failed", "a", "x", 1), (2, "ok", "a", "x", 1), (3, "failed", "a", "x", 1)])
                == [])
        let found = try observe(&engine, [(4, "ok", "b", "x", 1), (5, "ok", "a", "x", 1), (6, "ok", "a", "x", 1)])
        #expect(found.map(\.count) == [2])
        #expect(
            try observe(&engine, [(200, "failed", "a", "x", 1), (201, "failed", "a", "x", 1), (300, "ok", "a", "x", 1)]) == [])
    }

    @Test func `finds the same after a checkpoint as without one`() throws {
        let rows = (0..<200).map {
            ($0, $0 % 9 == 0 ? "ok" : "failed", ["a", "b", "c"][$0 % 3], "u\($0 % 5)", 1) as (Int, String, String?, String, Int)
        }
        for rule in [try rule(count: 7), try rule(count: 4, distinct: ("user", 3)), try rule(count: 3, then: "event=ok")] {
            var whole = RuleEngine(rules: [rule])
            // Which line of a file a batch begins at is another after the cut.
            func told(_ findings: [Finding]) -> [Finding] {
                findings.map { finding in
                    var finding = finding
                    for index in finding.evidence.indices { finding.evidence[index].offset = 0 }
                    finding.session?.lines = LineSet()
                    return finding
                }
            }
            let expected = told(try observe(&whole, rows))
            #expect(expected.count > 5)
            for cut in stride(from: 1, to: 200, by: 13) {
                var first = RuleEngine(rules: [rule])
                var found = try observe(&first, Array(rows[..<cut]))
                var second = RuleEngine(rules: [rule])
                try second.restore(first.snapshot())
                found += try observe(&second, Array(rows[cut...]))
                #expect(told(found) == expected)
            }
        }
    }

    @Test func `goes on from a checkpoint of the first layout, which was JSON, as if it had never stopped`() throws {
        let rule = try rule(count: 3, distinct: ("user", 3))
        let state = """
            [{"rule":"R [\\"event=\\\\\\"failed\\\\\\"\\"] [\\"source\\"] user []","keys":[["a"],["b"]],"groups":[
             {"times":[1000000,2000000],"counts":[1,2],"distinct":[11,12],"newest":2000000,"reportedCount":0,"evidence":[
              {"file":"f","offset":7,"line":"first","time":{"microseconds":1000000}},{"file":"f","offset":9,"line":"second","time":{"microseconds":2000000}}]},
             {"times":[1000000],"counts":[9],"distinct":[13],"newest":1000000,"lastReported":1000000,"reportedCount":9,"evidence":[]}]}]
            """
        var engine = RuleEngine(rules: [rule])
        try engine.restore(Data(state.utf8))
        let found = try observe(&engine, [(3, "failed", "a", "x", 1), (4, "failed", "b", "x", 1), (4, "failed", "b", "y", 1)])
        #expect(found.map(\.title) == ["a 4"], "b was told of already, and has not doubled since")
        #expect(found.first?.startsAt == Timestamp(seconds: 1))
        #expect(found.first?.evidence.map(\.line) == ["first", "second", "line at 3"])
    }

    @Test func `refuses a damaged snapshot, and never reads beyond its end`() throws {
        let rule = try rule(count: 2, distinct: ("user", 2))
        var whole = RuleEngine(rules: [rule])
        _ = try observe(&whole, (0..<40).map { ($0, "failed", ["a", "b", "c"][$0 % 3], "u\($0 % 5)", 1) })
        let good = whole.snapshot()
        var random = SplitMix64(seed: 4)
        var refused = 0
        for _ in 0..<2000 {
            var bad = good
            if Bool.random(using: &random) { bad = bad.prefix(Int.random(in: 0..<bad.count, using: &random)) }
            for _ in 0..<3 where !bad.isEmpty {
                bad[Int.random(in: 0..<bad.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            var engine = RuleEngine(rules: [rule])
            do {
                try engine.restore(bad)
                _ = try observe(&engine, [(41, "failed", "a", "u9", 1)])
                _ = engine.snapshot()
            } catch { refused += 1 }
        }
        #expect(refused > 1000)
    }

    @Test func `forgets groups at a checkpoint that no event in order can find again`() throws {
        var engine = RuleEngine(rules: [try rule(count: 100)])
        _ = try observe(&engine, (0..<500).map { ($0 * 60, "failed", "source\($0)", "x", 1) })
        #expect(engine.snapshot().count < 600)
    }

    @Test func `goes on counting under a new threshold, and counts anew when it looks at other events`() throws {
        var old = RuleEngine(rules: [try rule(count: 9), try rule(count: 3, then: "event=ok")])
        _ = try observe(&old, [(0, "failed", "a", "x", 1), (1, "failed", "a", "x", 1)])
        var lower = RuleEngine(rules: [try rule(count: 3)])
        try lower.restore(old.snapshot())
        #expect(try observe(&lower, [(2, "failed", "a", "x", 1)]).map(\.count) == [3])
        var other = try rule(count: 3)
        other.match = try [Matcher](parsing: "event=~\"failed|denied\"")
        var anew = RuleEngine(rules: [other])
        try anew.restore(old.snapshot())
        #expect(try observe(&anew, [(2, "failed", "a", "x", 1)]) == [])
    }

    @Test func `says nothing of events that do not say what it groups by`() throws {
        var engine = RuleEngine(rules: [try rule(count: 1)])
        #expect(try observe(&engine, [(0, "failed", nil, "x", 1)]) == [])
    }
}

struct `An isolation forest` {
    private func rows() -> [[Double]] {
        var random = SplitMix64(seed: 3)
        return (0..<500).map { _ in [Double.random(in: 0...1, using: &random), Double.random(in: 0...1, using: &random), 5] }
    }

    @Test func `scores a row apart far above the others, and says which feature it is`() {
        let forest = IsolationForest(training: rows())
        #expect(forest.score([0.5, 9, 5]) > forest.score([0.5, 0.5, 5]) + 0.1)
        let shares = forest.shares([0.5, 9, 5])
        #expect(shares[1] > 0.7)
        #expect(abs(shares.reduce(0, +) - 1) < 1e-9)
        #expect(shares[2] == 0)
    }

    @Test func `scores rows together as it scores them one by one`() {
        let forest = IsolationForest(training: rows())
        #expect(forest.scores(rows().flatMap(\.self)) == rows().map(forest.score))
    }

    @Test func `refuses a file whose trees lead nowhere`() throws {
        let text = String(decoding: try JSONEncoder().encode(IsolationForest(training: rows())), as: UTF8.self)
        let bent = text.replacing(/"right":\[\d+,/, with: "\"right\":[99999,")
        #expect(bent != text)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(IsolationForest.self, from: Data(bent.utf8)) }
    }

    @Test func `is the same for the same seed, and through its file`() throws {
        let forest = IsolationForest(training: rows())
        #expect(forest == IsolationForest(training: rows()))
        let file = try JSONEncoder().encode(forest)
        let read = try JSONDecoder().decode(IsolationForest.self, from: file)
        #expect(read == forest)
        #expect(read.score([0.5, 9, 5]) == forest.score([0.5, 9, 5]))
        var other = IsolationForest.Options()
        other.seed = 2
        #expect(forest != IsolationForest(training: rows(), options: other))
    }
}
