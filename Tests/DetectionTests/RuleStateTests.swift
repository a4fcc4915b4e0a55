import Columns
import Foundation
import Testing

@testable import Detection

/// What a rule remembers: the same in any order, the same after a restart, bounded.
struct `The state of a rule` {
    /// A rule of each kind.
    static func kinds() throws -> [DetectionRule] {
        var rules = [
            try rule("Count", count: 7), try rule("Distinct", count: 4, distinct: ("user", 3)),
            try rule("Then", count: 3, then: "event=ok"),
            try rule("Slow", count: 15, within: .seconds(7200)), try rule("Network", count: 12, groupBy: ["net(source)"]),
            try rule("All", count: 20, groupBy: []),
        ]
        for index in rules.indices where rules[index].name == "All" { rules[index].title = "{count}" }
        for index in rules.indices where rules[index].name == "Network" { rules[index].title = "{source_net}" }
        var once = try rule("Once", count: 5)
        once.oncePer = [ColumnReference("pid")]
        var silent = try rule("Silent", "event=beat")
        silent.condition = .silence
        var missing = try rule("Missing", "event=start")
        missing.steps.append(.init(match: try [Matcher](parsing: "event=ok")))
        missing.condition = .missing
        var new = try rule("New", "event=ok", groupBy: ["user"])
        new.condition = .newValue(.init(column: ColumnReference("source"), within: .seconds(86_400), learn: .seconds(120)))
        var rate = try rule("Rate")
        rate.condition = .rate(.init(times: 1.3, history: .seconds(600), atLeast: 5, learn: .seconds(60)))
        var known = try rule("Known", count: 2, then: "event=ok")
        known.exceptions = [
            .seen(
                .init(
                    match: try [Matcher](parsing: "event=ok"), by: [ColumnReference("source")], within: .seconds(86_400),
                    after: .seconds(300)))
        ]
        var guarded = known
        guarded.name = "Guarded"
        guarded.exceptions = [
            .seen(
                .init(
                    match: try [Matcher](parsing: "event=ok"), by: [ColumnReference("source")], within: .seconds(86_400),
                    after: .seconds(300),
                    unless: .init(
                        match: try [Matcher](parsing: "event=failed"), by: [ColumnReference("source", isNetwork: true)], count: 4,
                        within: .seconds(60))))
        ]
        var included = try rule("Included", count: 2, then: "event=ok")
        included.include = [ColumnReference("user")]
        return rules + [once, silent, missing, new, rate, known, guarded, included]
    }

    /// An hour of life: several sources, bursts and pauses.
    static func rows(seed: UInt64, count: Int = 600) -> [Row] {
        var random = SplitMix64(seed: seed)
        var time = 0.0
        return (0..<count).map { index in
            time +=
                Double.random(in: 0...1, using: &random) < 0.01
                ? Double.random(in: 30...200, using: &random) : Double.random(in: 0...3, using: &random)
            let event = ["failed", "failed", "failed", "failed", "ok", "start", "beat"].randomElement(using: &random)!
            // Stamps of many logs have no fractions.
            return Row(
                time: index % 3 == 0 ? time.rounded(.down) : (time * 1000).rounded() / 1000, event: event,
                source: "192.0.\(Int.random(in: 0...2, using: &random)).\(Int.random(in: 1...3, using: &random))",
                user: "u\(Int.random(in: 0...6, using: &random))", pid: "\(index / 3)", line: index)
        }.sorted { $0.time < $1.time }
    }

    /// The rows in another order, none of them later than `lateness`.
    static func shuffled(_ rows: [Row], lateness: Double, seed: UInt64) -> [Row] {
        var random = SplitMix64(seed: seed)
        let keyed = rows.map { ($0, $0.time + Double.random(in: 0..<lateness, using: &random)) }
        return keyed.sorted { $0.1 < $1.1 }.map(\.0)
    }

    @Test(arguments: 1...20)
    func `is the same in any order within the lateness`(seed: Int) throws {
        let rows = Self.rows(seed: 1)
        let end = Row(time: rows.last!.time + 4000, event: "end", source: "z", line: 100_000)
        for rule in try Self.kinds() {
            let expected = try findings(rule, rows + [end])
            let found = try findings(rule, Self.shuffled(rows, lateness: 55, seed: UInt64(seed)) + [end])
            #expect(!expected.isEmpty, "\(rule.name) finds nothing")
            #expect(Set(found.keys) == Set(expected.keys), "\(rule.name)")
            for (key, finding) in found {
                guard let other = expected[key] else { continue }
                #expect(finding.startsAt == other.startsAt, "\(key): starts")
                #expect(finding.lastSeen == other.lastSeen, "\(key): last seen")
                #expect(finding.count == other.count, "\(key): count")
                #expect(finding.session == other.session, "\(key): session")
                #expect(finding.evidence == other.evidence, "\(key): evidence")
            }
        }
    }

    /// The last finding of each session.
    private func findings(_ rule: DetectionRule, _ rows: [Row]) throws -> [String: Finding] {
        let watch = Watch([rule])
        var last: [String: Finding] = [:]
        for start in stride(from: 0, to: rows.count, by: 11) {
            var found = try watch.see(Array(rows[start..<min(rows.count, start + 11)]))
            found += watch.set.updates()
            for finding in found {
                let session = finding.session!
                // A session is known by any time in it: its beginning may move while late events come.
                let key = last.keys.first { key in
                    key.hasPrefix("\(finding.labels) ") && last[key]!.session!.start <= finding.lastSeen + finding.within!
                        && session.start <= last[key]!.lastSeen + finding.within!
                }
                last[key ?? "\(finding.labels) \(session.start)"] = finding
            }
        }
        return Dictionary(last.values.map { ("\($0.labels) \($0.session!.start)", $0) }) { $1 }
    }

    @Test func `gives the same findings after a restart at any moment`() throws {
        let rows = Self.rows(seed: 2, count: 600) + [Row(time: 9000, event: "end", source: "z", line: 100_000)]
        for rule in try Self.kinds() {
            let whole = Watch([rule])
            var expected: [Finding] = []
            for start in stride(from: 0, to: rows.count, by: 10) {
                expected += try whole.see(Array(rows[start..<min(rows.count, start + 10)]))
                _ = whole.set.snapshot()
            }
            #expect(!expected.isEmpty, "\(rule.name) finds nothing")
            var found: [Finding] = []
            var watch = Watch([rule])
            for start in stride(from: 0, to: rows.count, by: 10) {
                found += try watch.see(Array(rows[start..<min(rows.count, start + 10)]))
                let next = Watch([rule])
                try next.set.restore(watch.set.snapshot())
                watch = next
            }
            #expect(found == expected, "\(rule.name)")
        }
    }

    /// What a `kill -9` does: all that came since the last checkpoint is gone, and is read again from there.
    @Test(arguments: 1...5) func `gives the same findings when it is killed at any moment and reads on from its checkpoint`(
        seed: Int
    )
        throws
    {
        let rows = Self.rows(seed: 6, count: 500) + [Row(time: 9000, event: "end", source: "z", line: 100_000)]
        let batches = stride(from: 0, to: rows.count, by: 10).map { Array(rows[$0..<min(rows.count, $0 + 10)]) }
        let batchesPerCheckpoint = 4
        for rule in try Self.kinds() {
            var random = SplitMix64(seed: UInt64(seed))
            let whole = Watch([rule])
            var expected: [Finding] = []
            for (number, batch) in batches.enumerated() {
                expected += try whole.see(batch)
                guard number % batchesPerCheckpoint == batchesPerCheckpoint - 1 else { continue }
                expected += whole.set.updates()
                _ = whole.set.snapshot()
            }
            #expect(!expected.isEmpty, "\(rule.name) finds nothing")
            var found: [Finding] = []
            var watch = Watch([rule]), checkpoint = (next: 0, state: watch.set.snapshot()), next = 0
            while next < batches.count {
                found += try watch.see(batches[next])
                next += 1
                if next % batchesPerCheckpoint == 0 {
                    found += watch.set.updates()
                    checkpoint = (next, watch.set.snapshot())
                }
                guard Int.random(in: 0..<6, using: &random) == 0 else { continue }
                watch = Watch([rule])
                try watch.set.restore(checkpoint.state)
                next = checkpoint.next
            }
            // Read again, a row gives the finding that it gave before; the store knows it.
            var once: [Finding] = []
            for finding in found where !once.contains(finding) { once.append(finding) }
            for finding in expected { #expect(once.contains(finding), "\(rule.name), seed \(seed): lost \(finding.title)") }
            #expect(once.allSatisfy(expected.contains), "\(rule.name), seed \(seed): one that is not there without a kill")
        }
    }

    @Test func `is refused when it is damaged, and never read beyond its end`() throws {
        for rule in try Self.kinds() {
            let whole = Watch([rule])
            _ = try whole.see(Self.rows(seed: 3, count: 300))
            let good = whole.set.snapshot()
            var random = SplitMix64(seed: 4)
            for _ in 0..<150 {
                var bad = good
                if Bool.random(using: &random) { bad = bad.prefix(Int.random(in: 0..<bad.count, using: &random)) }
                for _ in 0..<3 where !bad.isEmpty {
                    bad[Int.random(in: 0..<bad.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                let watch = Watch([rule])
                guard (try? watch.set.restore(bad)) != nil else { continue }
                _ = try watch.see(Self.rows(seed: 5, count: 30))
                _ = watch.set.updates()
                _ = watch.set.snapshot()
            }
        }
    }

    @Test func `forgets groups that no event in time can find again`() throws {
        let watch = Watch(try rule(count: 100))
        for index in 0..<500 { _ = try watch.see([Row(time: Double(index * 60), event: "failed", source: "source\(index)")]) }
        #expect(watch.set.snapshot().count < 2000 && watch.set.figures[0].figures.keys < 10)
    }

    @Test func `goes on under a new threshold, and begins anew when the rule looks at other events`() throws {
        let old = Watch(try rule(count: 9))
        _ = try old.see([
            Row(time: 0, event: "failed", source: "a", line: 0), Row(time: 1, event: "failed", source: "a", line: 1),
        ])
        let lower = Watch(try rule(count: 3))
        try lower.set.restore(old.set.snapshot())
        #expect(try lower.see([Row(time: 2, event: "failed", source: "a", line: 2)]).map(\.count) == [3])
        let other = Watch(try rule("R", "event=~\"failed|denied\"", count: 3))
        try other.set.restore(old.set.snapshot())
        #expect(try other.see([Row(time: 2, event: "failed", source: "a", line: 2)]) == [])
    }

    @Test func `of many sources stays small`() throws {
        let watch = Watch(try rule(count: 1000, within: .seconds(86_400)))
        let sources = 20_000
        for start in stride(from: 0, to: sources, by: 5000) {
            _ = try watch.see((start..<start + 5000).map { Row(time: Double($0), event: "failed", source: "s\($0)", line: $0) })
        }
        let size = watch.set.snapshot().count
        let figures = watch.set.figures[0].figures
        #expect(figures.keys == sources && figures.bytes < sources * 200, "a million in 200 MB")
        #expect(size < 5 << 20)
    }
}
