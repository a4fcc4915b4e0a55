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

    @Test func `honours what a repeated line stands for`() throws {
        var engine = RuleEngine(rules: [try rule(count: 5)])
        #expect(try observe(&engine, [(0, "failed", "a", "x", 5)]).map(\.count) == [5])
    }

    @Test func `reports again when the count has doubled, not at each event`() throws {
        var engine = RuleEngine(rules: [try rule(count: 2)])
        let found = try observe(&engine, (0..<20).map { ($0, "failed", "a", "x", 1) })
        #expect(found.map(\.count) == [2, 4, 8, 16])
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
        var whole = RuleEngine(rules: [try rule(count: 7)])
        let expected = try observe(&whole, rows).map(\.count)
        for cut in stride(from: 1, to: 200, by: 13) {
            var first = RuleEngine(rules: [try rule(count: 7)])
            var found = try observe(&first, Array(rows[..<cut])).map(\.count)
            var second = RuleEngine(rules: [try rule(count: 7)])
            try second.restore(first.snapshot())
            found += try observe(&second, Array(rows[cut...])).map(\.count)
            #expect(found == expected)
        }
    }

    @Test func `forgets groups at a checkpoint that no event in order can find again`() throws {
        var engine = RuleEngine(rules: [try rule(count: 100)])
        _ = try observe(&engine, (0..<500).map { ($0 * 60, "failed", "source\($0)", "x", 1) })
        #expect(try engine.snapshot().count < 2000)
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
