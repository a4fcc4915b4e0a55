import Alerting
import Columns
import Configuration
import Detection
import Foundation
import Incidents
import Query
import Simulation
import Store
import TestSupport
import Testing

import class GRDB.Row

@testable import Jobs

/// `obs rules try` over what `obs process` left of a simulated log.
struct `A trial of rules` {
    private let folder = TemporaryFolder()
    private static let start = Timestamp(year: 2026, month: 11, day: 2)

    /// Processes a simulated log of so many hours.
    private func processed(hours: Int, attackEvery: Int = 240) async throws -> Configuration {
        var options = SSHSimulator.Options(start: Self.start)
        options.seed = 11
        options.attackEvery = attackEvery
        options.rate = 0.5
        var simulator = SSHSimulator(options)
        var lines = ""
        for _ in 0..<(hours * 3600) { for line in simulator.next() { lines += line + "\n" } }
        let log = folder.path + "/auth.log"
        try lines.write(toFile: log, atomically: true, encoding: .utf8)
        let configuration = try Configuration.load(file: nil, dataDirectory: folder.path + "/data")
        _ = try await Processing.run(Processing.Options(files: [log]), configuration, progress: { _, _ in })
        return configuration
    }

    private func rules(_ text: String) throws -> String {
        let path = folder.path + "/rules.yml"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    private func report(
        _ file: String, _ configuration: Configuration, since: Timestamp = start, until: Timestamp? = nil, compares: Bool = false
    ) throws -> RuleTrialReport {
        var options = RuleTrial.Options(file: file, since: since, until: until ?? Self.start + .seconds(30 * 86_400))
        options.compares = compares
        return try RuleTrial(options, configuration, Workspace(reading: configuration.dataDirectory)).run { _, _ in }
    }

    private static let shipped = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "alerts/detections/ssh.yml").path

    /// What an incident and a finding of a trial have in common.
    private struct Key: Hashable, CustomStringConvertible {
        let rule: String
        let labels: Labels
        let startsAt: Timestamp
        let count: Int

        var description: String { "\(rule) \(labels) from \(startsAt): \(count)" }
    }

    /// Sessions of one group that lie so near each other are one incident.
    private static func asIncidents(_ found: [TrialFindings.Found], within: Duration) -> Set<Key> {
        var groups: [TrialFindings.Group: [(key: Key, end: Timestamp)]] = [:]
        for one in found.sorted(by: { $0.finding.startsAt < $1.finding.startsAt }) {
            let finding = one.finding
            let group = TrialFindings.Group(rule: finding.name, labels: finding.labels)
            let key = Key(rule: finding.name, labels: finding.labels, startsAt: finding.startsAt, count: finding.count)
            guard let last = groups[group]?.last, finding.startsAt - within <= last.end else {
                groups[group, default: []].append((key, finding.lastSeen))
                continue
            }
            groups[group]![groups[group]!.count - 1] = (
                Key(rule: key.rule, labels: key.labels, startsAt: last.key.startsAt, count: max(last.key.count, key.count)),
                max(last.end, finding.lastSeen)
            )
        }
        return Set(groups.values.flatMap { $0.map(\.key) })
    }

    @Test func `with the rules that are in force finds what the live engine found: rule, key, start and count`() async throws {
        let configuration = try await processed(hours: 12)
        let workspace = try Workspace(reading: configuration.dataDirectory)
        let live = try await workspace.store.database.read { database in
            try Row.fetchAll(
                database, sql: "SELECT name, labels, starts_at, count FROM incident WHERE detector = 'rule'"
            ).map { row in
                let names = ["alertname", "severity"]
                return Key(
                    rule: row[0], labels: Labels(JSONText.pairs(row[1]).filter { !names.contains($0.key) }),
                    startsAt: Timestamp(microseconds: row[2]), count: row[3])
            }
        }
        var options = RuleTrial.Options(file: Self.shipped, since: Self.start, until: Self.start + .seconds(86_400))
        options.compares = true
        let trial = try RuleTrial(options, configuration, workspace)
        let tried = try trial.findings { _, _ in }.tried.all
        // Incidents take the host of their evidence as a label where their rule has none.
        let found = Self.asIncidents(tried, within: configuration.alerting.incidents.joinWithin)
        let known = Set(
            live.map { key in
                let names = tried.first { $0.finding.name == key.rule }.map { Set($0.finding.labels.keys) } ?? []
                return Key(
                    rule: key.rule, labels: Labels(key.labels.filter { names.contains($0.key) }), startsAt: key.startsAt,
                    count: key.count)
            })
        #expect(Set(known.map(\.rule)).count > 12)
        #expect(found.subtracting(known).map(\.description).sorted() == [])
        #expect(known.subtracting(found).map(\.description).sorted() == [])
        let report = try trial.run { _, _ in }
        let side = try #require(report.findings.schema.index(of: "compared"))
        #expect(report.findings.rows.allSatisfy { $0[side] == .text("both") })
        let joins = try #require(report.findings.schema.index(of: "joins"))
        #expect(report.findings.rows.allSatisfy { $0[joins] != .null })
    }

    @Test func `is of rules on the rows of a stream, too, and of series`() async throws {
        var options = SimulationOptions(start: Self.start)
        (options.faults, options.faultEvery) = (["meter"], 1200)
        var simulator = try #require(Simulators.named("events")).init(options)
        var lines = "event_time,trip_id,zone,payment,distance_km,fare\n"
        while simulator.time < Self.start + .seconds(1800) { for line in simulator.next() { lines += line.text + "\n" } }
        let log = folder.path + "/trips.csv"
        try lines.write(toFile: log, atomically: true, encoding: .utf8)
        let configuration = try Configuration.load(file: nil, dataDirectory: folder.path + "/data")
        var processing = Processing.Options(files: [log])
        processing.pipeline = "events"
        _ = try await Processing.run(processing, configuration, progress: { _, _ in })
        let file = try rules(
            """
            - { name: A, pipeline: events, table: events_dear_trips, severity: info, title: t, description: d, group_by: [zone],
                match: 'zone!=""', within: 10m, count: 20 }
            - { name: B, kind: series, pipeline: events, table: events_by_zone, column: trips, group_by: [zone], severity: info,
                title: t, description: d }
            """)
        let report = try report(file, configuration)
        let rule = try #require(report.findings.schema.index(of: "rule"))
        // A series of six windows knows nothing yet.
        #expect(Set(report.findings.rows.map { $0[rule] }) == [.text("A")])
    }

    // MARK: What people made of it

    private func judged(start: Timestamp = JudgedLog.recent) async throws -> Configuration {
        try await JudgedLog(start: start).processed(
            in: folder.path, [("192.0.2.1", .fixed), ("192.0.2.2", .falsePositive), ("192.0.2.3", nil)])
    }

    @Test func `says how right it was by how people resolved the incidents, and what it would have missed and avoided`()
        async throws
    {
        let configuration = try await judged()
        // By rule: findings, joined, right, wrong, precision, missed, avoided.
        let cases: [(change: String, expected: [Value])] = [
            ("count: 10", [.int(3), .int(3), .int(1), .int(1), .double(0.5), .int(0), .int(0)]),
            (
                "count: 10\n  except: ['source=\"192.0.2.2\"']",
                [.int(2), .int(2), .int(1), .int(0), .double(1), .int(0), .int(1)]
            ),
            ("count: 1000", [.int(0), .int(0), .int(0), .int(0), .null, .int(1), .int(1)]),
        ]
        for (change, expected) in cases {
            let report = try report(
                try rules(JudgedLog.bruteForce(change)), configuration, since: .now - .seconds(86_400), until: .now)
            let row = try #require(report.summary.rows.first)
            let names = ["findings", "join", "right", "wrong", "precision", "missed", "avoided"]
            #expect(names.map { row[report.summary.schema.index(of: $0)!] } == expected, "\(change)")
            guard change == "count: 10" else { continue }
            // The log was processed long after the tenth attempt.
            guard case .double(let gained) = row[report.summary.schema.index(of: "gained_p50_seconds")!] else {
                Issue.record("nothing gained")
                continue
            }
            #expect(gained > 1000)
        }
    }

    @Test func `is compared with the rule in force: who found what, and how much earlier`() async throws {
        let configuration = try await judged()
        let file = try rules(JudgedLog.bruteForce("count: 5\n  except: ['source=\"192.0.2.3\"']"))
        let report = try report(file, configuration, since: .now - .seconds(86_400), until: .now, compares: true)
        let row = try #require(report.summary.rows.first)
        let names = ["both", "only_here", "only_in_force", "earlier_p50_seconds"]
        #expect(names.map { row[report.summary.schema.index(of: $0)!] } == [.int(2), .int(0), .int(1), .double(45)])
    }

    @Test func `knows at its start what came before it`() async throws {
        let start = JudgedLog.recent
        let configuration = try await judged(start: start)
        // What began before is not found again.
        let report = try report(
            try rules(JudgedLog.bruteForce("count: 10")), configuration, since: start + .seconds(200), until: .now)
        #expect(report.findings.rows.isEmpty)
        #expect(report.rows == 90)
    }

    // MARK: What cannot be tried

    @Test(arguments: [
        ("pipeline: ssh\n  match: 'outcome=\"failure\"'\n  group_by: [source]", "there is no table silver.ssh yet"),
        ("pipeline: ssh\n  match: 'colour=\"red\"'\n  group_by: [source]", "names the column 'colour'"),
    ])
    func `that cannot be says so in a sentence`(rule: String, reason: String) throws {
        let configuration = try Configuration.load(file: nil, dataDirectory: folder.path + "/data")
        _ = try Workspace(configuration.dataDirectory)
        let file = try rules("- name: A\n  severity: info\n  title: a\n  description: a\n  count: 1\n  within: 5m\n  \(rule)\n")
        let error = #expect(throws: (any Error).self) { try report(file, configuration) }
        #expect("\(error!)".contains(reason), "\(error!)")
    }

    @Test func `says which rules have nothing of their own to show, and which have nothing to be compared with`() async throws {
        let configuration = try await judged()
        let own = JudgedLog.bruteForce("count: 10")
        let file = try rules(own + "\n" + own.replacing("- name: SSHBruteForce", with: "- name: Hidden\n  mode: internal"))
        #expect(
            try report(file, configuration, since: .now - .seconds(86_400), until: .now).notes
                == ["'Hidden' opens no incidents (mode: internal), so it has no findings of its own"])
        let compared = try report(
            try rules(own.replacing("- name: SSHBruteForce", with: "- name: Mine")), configuration,
            since: .now - .seconds(86_400), until: .now, compares: true)
        #expect(compared.notes == ["no rule 'Mine' is in force; there is nothing to compare it with"])
    }

    @Test func `over a range without rows, or a table without the column, says so in a sentence`() async throws {
        let configuration = try await judged()
        let file = try rules(JudgedLog.bruteForce("count: 10"))
        let old = Timestamp(year: 2020, month: 1, day: 1)
        let error = #expect(throws: TrialError.self) {
            try report(file, configuration, since: old, until: old + .seconds(86_400))
        }
        #expect(
            "\(error!)"
                == "silver.ssh: no rows from \(old) to \(old + .seconds(86_400)); write other times with --since and --until"
        )
    }
}
