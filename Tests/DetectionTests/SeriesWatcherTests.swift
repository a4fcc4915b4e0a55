import Columns
import Foundation
import Synchronization
import Testing

@testable import Detection

struct `A series per group` {
    private static let step: Int64 = 300

    private func entry(_ more: String = "") throws -> DetectionEntry {
        try JSONDecoder().decode(
            DetectionEntry.self,
            from: Data(
                """
                {"name": "Slow", "kind": "series", "table": "t", "column": "latency", "group_by": ["host"], "severity": "info",
                 "title": "{host}: {value}", "description": "{low} to {high}, {expected}; {reason} {score} {deviations} {since}"
                 \(more)}
                """.utf8))
    }

    private func set(
        _ entry: DetectionEntry, isLeftOut: @escaping @Sendable (FindingIdentity, Timestamp) -> Bool = { _, _ in false }
    ) -> DetectorSet {
        DetectorSet(
            [entry],
            DetectorContext(
                allowedLateness: .seconds(60), now: { Timestamp(seconds: 1) }, isLeftOut: isLeftOut))
    }

    private static func time(_ number: Int) -> Timestamp { Timestamp(seconds: 1_700_000_000 + Int64(number) * step) }

    /// A row per host and value: of each number of a window.
    private func batch(_ rows: [(number: Int, host: String?, latency: Double?)]) throws -> Batch {
        try Batch(
            schema: Schema([
                Field("event_time", .timestamp), Field("host", .text, isNullable: true),
                Field("latency", .double, isNullable: true),
            ]),
            rows: rows.map {
                [.timestamp(Self.time($0.number)), $0.host.map(Value.text) ?? .null, $0.latency.map(Value.double) ?? .null]
            })
    }

    private func see(_ set: DetectorSet, _ rows: [(number: Int, host: String?, latency: Double?)]) throws -> [Finding] {
        let lines = try Batch(
            schema: Schema([Field("file", .text), Field("offset", .int64), Field("line", .text)]),
            rows: rows.map { ["gold.t", .int(Int64($0.number)), .text("row \($0.number)")] })
        return set.observe(events: try batch(rows), lines: lines, lineRows: (0..<Int32(rows.count)).map(\.self), table: "t")
    }

    /// Values about 100, of a generator with a seed.
    private func usual(_ numbers: Range<Int>, host: String? = "a") -> [(number: Int, host: String?, latency: Double?)] {
        numbers.map { number in
            var random = SplitMix64(seed: UInt64(number) &* 31 &+ (host == "a" ? 0 : 7))
            return (number, host, 100 + Double.random(in: -5...5, using: &random))
        }
    }

    @Test func `is found unusual with what was expected, how far off it is, and its row`() throws {
        let set = set(try entry(#", "labels": {"team": "web"}"#))
        #expect(try see(set, usual(0..<400)) == [])
        let finding = try #require(try see(set, [(400, "a", 250)]).first)
        #expect(finding.name == "Slow" && finding.detector == "series" && finding.severity == .info)
        #expect(finding.labels == ["host": "a", "team": "web"])
        #expect(finding.startsAt == Self.time(400) && finding.lastSeen == Self.time(400) && finding.count == 1)
        #expect(finding.evidence.map(\.line) == ["row 400"])
        #expect(finding.ends == .quiet(.seconds(1800)))
        let contribution = try #require(finding.contributions.first), usual = try #require(contribution.usual)
        #expect(contribution.feature == "latency" && contribution.value == 250)
        #expect((95...105).contains(contribution.typical) && (80..<100).contains(usual.low) && (100...120).contains(usual.high))
        #expect(usual.since == Self.time(400) && usual.deviations > 10 && !usual.reason.isEmpty)
        #expect((finding.score ?? 0) >= 0.8)
        #expect(finding.title == "a: 250")
        #expect(finding.description.contains(usual.reason) && finding.description.contains(UsualRange.shown(usual.high)))
    }

    @Test func `is apart for each group, and of none without a value in its columns`() throws {
        let set = set(try entry())
        _ = try see(set, usual(0..<400))
        #expect(try see(set, [(400, "b", 250), (400, nil, 1e6), (400, "a", nil)]) == [])
        #expect(set.figures[0].figures.keys == 0)
        _ = set.snapshot()
        #expect(set.figures[0].figures.keys == 2)
    }

    @Test func `is not found before it is known for as long as 'learn' says`() throws {
        for (learn, isFound) in [("2d", false), ("1d", true)] {
            let set = set(try entry(#", "learn": "\#(learn)""#))
            _ = try see(set, usual(0..<400))
            #expect(try see(set, [(400, "a", 250)]).isEmpty != isFound)
        }
    }

    @Test func `brings its incident up to date while it lasts, and no longer`() throws {
        let set = set(try entry())
        _ = try see(set, usual(0..<400) + [(400, "a", 250)])
        #expect(set.updates() == [])
        #expect(try see(set, [(401, "a", 240), (402, "a", 245)]) == [])
        let update = try #require(set.updates().first)
        #expect(update.isUpdate && update.count == 3)
        #expect(update.startsAt == Self.time(400) && update.lastSeen == Self.time(402))
        #expect(set.updates() == [])
        _ = try see(set, usual(403..<500))
        #expect(set.updates() == [])
    }

    @Test func `learns nothing from within a known incident`() throws {
        let asked = Mutex<[String]>([])
        let set = set(try entry(#", "mode": "simulate""#)) { incident, time in
            asked.withLock { $0.append("\(incident.name) \(incident.labels) \(incident.isSimulated)") }
            return time < Self.time(1400)
        }
        _ = try see(set, usual(0..<1000))
        // Only of a series that was reported an incident can be known.
        #expect(asked.withLock { $0 }.isEmpty)
        _ = try see(set, (1000..<1400).map { ($0, "a", 250) })
        #expect(asked.withLock { Set($0) } == [#"Slow {host="a"} true"#])
        #expect(try see(set, usual(1400..<1600)) == [])
        let finding = try #require(try see(set, [(1600, "a", 900)]).first)
        #expect((90...110).contains(finding.contributions[0].typical))
    }

    @Test func `is restored anywhere as if nothing had happened`() throws {
        let rows = usual(0..<400) + [(400, "a", 250), (401, "a", 250)] + usual(402..<420) + [(420, "a", 600)]
        for cut in [1, 200, 400, 401, 402, 420] {
            let whole = set(try entry()), first = set(try entry()), second = set(try entry())
            _ = try see(whole, Array(rows[..<cut]))
            _ = try see(first, Array(rows[..<cut]))
            try second.restore(first.snapshot())
            #expect(try see(second, Array(rows[cut...])) == see(whole, Array(rows[cut...])))
            #expect(second.updates() == whole.updates())
            #expect(second.snapshot() == whole.snapshot())
        }
    }

    @Test func `begins anew when it looks at something else`() throws {
        let first = set(try entry()), second = set(try entry(#", "threshold": 0.9"#))
        _ = try see(first, usual(0..<400))
        try second.restore(first.snapshot())
        _ = second.snapshot()
        #expect(second.figures[0].figures.keys == 1)
    }

    /// The rows of a window have one time.
    @Test(arguments: [true, false])
    func `is forgotten when there are too many, the quietest first`(isOfOneWindow: Bool) throws {
        let set = set(try entry())
        let many = SeriesWatcher.maxSeries + 1
        _ = try see(set, (0..<many).map { (isOfOneWindow ? 0 : max(0, $0 - 100), "host \($0)", 1) })
        _ = set.snapshot()
        let figures = set.figures[0].figures
        #expect(figures.keys < many && figures.keys > many / 2 && figures.forgotten == many - figures.keys)
    }

    @Test func `shows the values of its most unusual series`() throws {
        let set = set(try entry())
        _ = try see(set, usual(0..<400) + usual(0..<400, host: "b") + [(400, "b", 250), (400, "a", 100)])
        _ = set.snapshot()
        let shown = set.figures[0].figures.mostUnusual
        #expect(shown["value"] == 250 && shown.keys.sorted() == ["expected", "high", "low", "score", "value"])
        #expect((shown["score"] ?? 0) >= 0.8)
    }

    @Test(arguments: [
        (#", "threshold": 1"#, "threshold is 1.0"), (#", "learn": "0s""#, "'learn' is 0"),
        (#", "ends": "never""#, "'ends' is 'never'"), (#", "threshold": 0"#, "threshold is 0.0"),
    ])
    func `refuses what cannot be`(more: String, sentence: String) {
        #expect { try entry(more) } throws: { "\($0)".contains(sentence) }
    }

    @Test(
        arguments: [
            (0, "0"), (1234567.8, "1234568"), (123.456, "123.5"), (0.012345, "0.01235"), (-2.5, "-2.5"), (1e300, "1.000e+300"),
            (.infinity, "inf"), (99.999, "100"), (1e-9, "1.000e-09"),
        ] as [(Double, String)])
    func `is shown in numbers that a person reads`(value: Double, text: String) { #expect(UsualRange.shown(value) == text) }
}
