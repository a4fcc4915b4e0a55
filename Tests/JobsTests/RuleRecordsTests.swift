import Columns
import Configuration
import Foundation
import Incidents
import Query
import Store
import TestSupport
import Testing

import class GRDB.Database

@testable import Detection
@testable import Jobs

/// `obs rules explain` of a rule whose incidents are mostly false positives.
struct `The record of a rule` {
    private let folder = TemporaryFolder()

    private func facts(_ rules: String, _ configuration: Configuration) throws -> [String: String] {
        var configuration = configuration
        let path = folder.path + "/rules.yml"
        try rules.write(toFile: path, atomically: true, encoding: .utf8)
        configuration.detections = try configuration.rules(inFile: path)
        let workspace = try Workspace(reading: configuration.dataDirectory)
        let answer = try RuleRecords(configuration, workspace, days: 30).explain("SSHBruteForce")
        return Dictionary(answer.rows.map { ($0[0].description, $0[1].description) }) { first, _ in first }
    }

    /// The addresses that a file of rules finds.
    private func sources(_ rules: String, _ configuration: Configuration) throws -> Set<String> {
        let path = folder.path + "/tried.yml"
        try rules.write(toFile: path, atomically: true, encoding: .utf8)
        let options = RuleTrial.Options(file: path, since: .now - .seconds(86_400), until: .now)
        let found = try RuleTrial(options, configuration, Workspace(reading: configuration.dataDirectory)).findings { _, _ in }
        return Set(found.tried.all.compactMap { $0.finding.labels["source"] })
    }

    @Test func `has the exception that would have prevented its false positives, which can be pasted as it is`() async throws {
        let configuration = try await JudgedLog().processed(
            in: folder.path,
            [
                ("192.0.2.1", .falsePositive), ("192.0.2.7", .falsePositive), ("192.0.2.9", .falsePositive),
                ("198.51.100.4", .fixed), ("203.0.113.5", .falsePositive),
            ])
        let rule = JudgedLog.bruteForce("count: 10")
        let facts = try facts(rule, configuration)
        #expect(facts["advice"]?.contains("3 of 4 false positives, and no incident that was right") == true, "\(facts)")
        let exception = try #require(facts["paste"])
        #expect(exception == "except: [{ column: 'source', values: ['192.0.2.0/24'] }]")
        #expect(try sources(rule, configuration).count == 5)
        #expect(try sources(rule + "\n  \(exception)\n", configuration) == ["198.51.100.4", "203.0.113.5"])
        let workspace = try Workspace(reading: configuration.dataDirectory)
        let ratios = try await workspace.store.database.read {
            try IncidentStore.falsePositiveRatios(since: .now - .seconds(86_400), $0)
        }
        #expect(ratios["SSHBruteForce"] == 0.8)
    }

    @Test func `says under what to paste where the rule has exceptions`() async throws {
        let configuration = try await JudgedLog().processed(
            in: folder.path,
            [("192.0.2.1", .falsePositive), ("192.0.2.7", .falsePositive), ("192.0.2.9", .falsePositive)])
        let rule = JudgedLog.bruteForce("count: 10\n  except:\n    - 'user=\"nobody\"'")
        // All are of the host as well, but an exception for that would leave nothing.
        let entry = try #require(try facts(rule, configuration)["paste under except"])
        #expect(try sources(rule + "\n    \(entry)\n", configuration) == [])
    }

    private func incident(_ source: String, user: String, _ verdict: JudgedIncident.Verdict) -> JudgedIncident {
        JudgedIncident(name: "R", labels: ["source": source, "user": user], verdict: verdict)
    }

    private static let rule = {
        var rule = DetectionRule(
            name: "R", severity: .info, title: "", description: "", match: [], groupBy: [ColumnReference("source")],
            within: .seconds(60), count: 1)
        rule.include = [ColumnReference("user")]
        return rule
    }()

    @Test(arguments: [
        // The user is in all that were wrong, and in none that was right.
        (["10.0.0.1 o'neil wrong", "192.0.2.4 o'neil wrong", "192.0.2.4 root right"], "'user=\"o''neil\"'"),
        // The address says less than its network.
        (["10.0.0.1 a wrong", "10.0.0.1 b wrong"], "'source=\"10.0.0.1\"'"),
        (["10.0.0.1 a wrong", "10.0.0.2 b wrong"], "{ column: 'source', values: ['10.0.0.0/24'] }"),
        // Its network had a right one.
        (["10.0.0.1 a wrong", "10.0.0.2 b wrong", "10.0.0.3 c right"], nil),
        (["10.0.0.1 a wrong", "192.0.2.4 b wrong"], nil),
        (["10.0.0.1 \u{7}x wrong", "192.0.2.4 \u{7}x wrong"], #""user=\"\u0007x\"""#),
    ])
    func `proposes what says least and is right`(incidents: [String], yaml: String?) {
        let judged = incidents.map { text in
            let words = text.split(separator: " ").map(String.init)
            return incident(words[0], user: words[1], words[2] == "right" ? .right : .wrong)
        }
        #expect(SuggestedException.best(for: Self.rule, judged)?.yaml == yaml)
    }
}
