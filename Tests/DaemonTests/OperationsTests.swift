import Columns
import Foundation
import Incidents
import Store
import Streaming
import Telemetry
import TestSupport
import Testing

@testable import Configuration
@testable import Daemon

struct `An alert about the pipelines` {
    private func problem(_ name: String, patience: Duration = .zero) -> StandingProblem {
        StandingProblem(labels: ["alertname": name], summary: name, description: name, patience: patience)
    }

    @Test func `begins once its problem has lasted, is posted again while it lasts, and ends when it is gone`() {
        var standing = StandingAlerts()
        let start = Timestamp(seconds: 1_750_000_000)
        let silent = problem("Silent", patience: .seconds(120))
        func look(_ second: Int, _ problems: StandingProblem...) -> [Alert] {
            standing.take(problems, now: start + .seconds(second))
        }
        #expect(look(0, silent).isEmpty && look(105, silent).isEmpty)
        let raised = look(120, silent)
        #expect(raised.map(\.startsAt) == [start] && raised[0].endsAt > start + .seconds(120))
        #expect(look(135, silent).isEmpty && look(180, silent).count == 1)
        let ended = look(195)
        #expect(ended.map(\.endsAt) == [start + .seconds(195)] && ended[0].isResolved(at: start + .seconds(195)))
        #expect(look(210).isEmpty)
    }

    @Test func `that could not be stored is posted at the next look, its end too`() {
        var standing = StandingAlerts()
        let start = Timestamp(seconds: 1_750_000_000)
        let lost = standing.take([problem("Lost")], now: start)
        standing.couldNotPost(lost, now: start)
        #expect(standing.take([problem("Lost")], now: start + .seconds(15)).count == 1)
        let end = standing.take([], now: start + .seconds(30))
        standing.couldNotPost(end, now: start + .seconds(30))
        #expect(standing.take([], now: start + .seconds(45)).map { $0.isResolved(at: start + .seconds(45)) } == [true])
    }

    @Test func `of before a restart goes on if it is found, and ends once it can be known that it has gone`() {
        let start = Timestamp(seconds: 1_750_000_000), raised = start - .seconds(3600)
        var standing = StandingAlerts()
        for name in ["Found", "Gone"] {
            standing.restore(
                ["alertname": name], annotations: ["summary": name, "description": "\(name) before"], since: raised, now: start)
        }
        func look(_ second: Int, isKnown: Bool) -> [Alert] {
            standing.take([problem("Found")], now: start + .seconds(second)) { _ in isKnown }.sorted {
                $0.labels["alertname"]! < $1.labels["alertname"]!
            }
        }
        let held = look(0, isKnown: false)
        #expect(held.map(\.startsAt) == [raised, raised])
        #expect(held.map { $0.annotations["description"] } == ["Found", "Gone before"])
        #expect(held.allSatisfy { !$0.isResolved(at: start + .seconds(299)) })
        #expect(look(30, isKnown: false).isEmpty && look(60, isKnown: false).count == 2)
        let ended = look(75, isKnown: true)
        #expect(ended.map { $0.labels["alertname"] } == ["Gone"] && ended[0].isResolved(at: start + .seconds(75)))
        #expect(look(120, isKnown: true).map { $0.labels["alertname"] } == ["Found"])
    }
}

struct `The share of bad rows` {
    private let metrics = MetricsRegistry()
    private let start = Timestamp(seconds: 1_750_000_000)

    /// What is found when the counters grow by so much each minute.
    private func found(minutes: [(labels: [String], rows: (Int) -> Int)], until last: Int) -> [Int: [String]] {
        let stages = StageMetrics(metrics).records
        let expectations = metrics.counter(
            "obs_expectation_rows_total", help: "", labels: ["pipeline", "expectation", "result"])
        var shares = RowShares(metrics)
        var found: [Int: [String]] = [:]
        for minute in 0...last {
            for (labels, rows) in minutes {
                let family = ["success", "failure"].contains(labels[2]) ? expectations : stages
                family[labels].increment(by: rows(minute))
            }
            let problems = shares.problems(now: start + .seconds(60 * minute))
            if !problems.isEmpty { found[minute] = problems.map { $0.labels["alertname"]! }.sorted() }
        }
        return found
    }

    @Test(arguments: [("windows", "late", "ObsLateRowsHigh"), ("silver", "quarantined", "ObsQuarantineHigh")])
    func `is too large above one in twenty, over fifteen minutes and more than twenty rows`(
        stage: String, outcome: String, alert: String
    ) {
        // From minute 30 on one in ten, for ten minutes.
        let found = found(
            minutes: [
                (["shop", stage, "ok"], { _ in 90 }), (["shop", stage, outcome], { (30..<40).contains($0) ? 10 : 0 }),
                // Few rows, all of them bad.
                (["rail", stage, outcome], { $0 == 30 ? 20 : 0 }),
            ], until: 80)
        // 80 of 1,430 are more than one in twenty; 70 of 1,420 are not.
        #expect(found.values.allSatisfy { $0 == [alert] || $0 == [] })
        #expect(found.keys.min() == 37 && found.keys.max() == 46, "\(found.keys.sorted())")
    }

    @Test func `of rows that fail an expectation is news only when it was smaller before`() {
        let always = found(
            minutes: [(["shop", "known", "success"], { _ in 80 }), (["shop", "known", "failure"], { _ in 20 })], until: 120)
        // For the first quarter of an hour nothing is known of before.
        #expect(always.keys.allSatisfy { $0 <= 15 }, "\(always.keys.sorted())")
        let changed = found(
            minutes: [
                (["rail", "range", "success"], { _ in 95 }), (["rail", "range", "failure"], { $0 < 60 ? 1 : 20 }),
            ], until: 90)
        #expect(changed.keys.contains(75) && changed.keys.min()! >= 60, "\(changed.keys.sorted())")
    }
}

struct `A deadline` {
    private let berlin = TimeZone(identifier: "Europe/Berlin")!

    private func newest(_ by: String, from: String = "00:00", _ weekdays: Set<Int> = Set(1...7), at now: String) throws
        -> [String]
    {
        let deadline = try #require(
            Configuration.Deadline(table: "gold.t", by: by, from: from, weekdays: weekdays, zone: berlin))
        let time = try #require(Timestamp(rfc3339: now))
        let found = try #require(deadline.newest(at: time))
        return ["\(found.from)", "\(found.by)"]
    }

    @Test func `is at its time on the wall, in summer and in winter, and counts rows of its day`() throws {
        #expect(try newest("07:00", at: "2026-07-10T05:00:00Z") == ["2026-07-09T22:00:00Z", "2026-07-10T05:00:00Z"])
        #expect(try newest("07:00", at: "2026-07-10T04:59:59Z") == ["2026-07-08T22:00:00Z", "2026-07-09T05:00:00Z"])
        #expect(try newest("07:00", at: "2026-01-10T06:30:00Z") == ["2026-01-09T23:00:00Z", "2026-01-10T06:00:00Z"])
        #expect(
            try newest("07:00", from: "22:00", at: "2026-01-10T06:30:00Z") == ["2026-01-09T21:00:00Z", "2026-01-10T06:00:00Z"])
    }

    @Test func `that a change of the clocks leaves out is at the change, and of two the first`() throws {
        // 29 March 2026: after 01:59:59 comes 03:00. 25 October 2026: 02:00 to 03:00 comes twice.
        #expect(try newest("02:30", at: "2026-03-29T12:00:00Z")[1] == "2026-03-29T01:00:00Z")
        #expect(try newest("02:30", at: "2026-10-25T12:00:00Z")[1] == "2026-10-25T00:30:00Z")
    }

    @Test func `is on its weekdays only`() throws {
        // Monday is 2; the 12th of July 2026 is a Sunday.
        #expect(try newest("07:00", [2], at: "2026-07-12T12:00:00Z")[1] == "2026-07-06T05:00:00Z")
    }
}

struct `A scheduled run` {
    private let folder = TemporaryFolder()

    @Test func `is overdue when it has not started, not ended, or failed for longer than runs may take`() throws {
        let store = try Store(path: folder.path + "/obs.db", migrations: RunStore.migrations)
        let runs = RunStore(store), hour = Schedule.every(.seconds(3600))
        let start = Timestamp(seconds: 1_750_000_000 / 3600 * 3600)
        func overdue(_ second: Int) throws -> OverdueRun? {
            try runs.overdue("p", hour, watchedSince: start, now: start + .seconds(second))
        }
        #expect(try overdue(100_000) == nil, "it has no schedule yet")
        _ = try runs.scheduled("p", now: start)
        #expect(try overdue(4200) == nil)
        #expect(try overdue(4201)?.reason == .notStarted)
        let first = try runs.begin("p", .schedule, due: start + .seconds(3600), now: start + .seconds(3600))
        #expect(try overdue(4201)?.reason == .notEnded(since: start + .seconds(3600)))
        try runs.end(first, error: "the disk is full", now: start + .seconds(3700))
        #expect(try overdue(4300)?.reason == .failed("the disk is full"))
        // A run that took a quarter of an hour and ended well: the next may take three.
        let second = try runs.begin("p", .schedule, due: start + .seconds(3600), now: start + .seconds(4300))
        try runs.end(second, now: start + .seconds(5200))
        #expect(try overdue(7200 + 2700) == nil)
        #expect(try overdue(7200 + 2701)?.due == start + .seconds(7200))
    }
}
