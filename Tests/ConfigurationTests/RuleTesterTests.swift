import Foundation
import TestSupport
import Testing

@testable import Configuration

struct `Tests of rules` {
    private let folder = TemporaryFolder()

    /// The rules that obs comes with, as `make test` runs their tests too.
    @Test func `that obs comes with pass`() throws {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "alerts/detections/tests").path
        let tester = RuleTester(Configuration())
        let files = try FileManager.default.contentsOfDirectory(atPath: tests).filter { $0.hasSuffix(".yml") }
        #expect(!files.isEmpty)
        for file in files {
            for outcome in try tester.run(tests + "/" + file) { #expect(outcome.differences == [], "\(file): \(outcome.test)") }
        }
    }

    private func run(_ test: String) throws -> [String] {
        try """
        - name: R
          pipeline: ssh
          severity: warning
          title: "{source}"
          description: d
          match: 'event="failed_password"'
          group_by: [source]
          within: 1m
          count: 2
        """.write(toFile: folder.path + "/rules.yml", atomically: true, encoding: .utf8)
        let path = folder.path + "/test.yml"
        try "rule_files: [rules.yml]\npipeline: ssh\ntests:\n  - name: t\n    defaults: { event: failed_password }\n    \(test)\n"
            .write(toFile: path, atomically: true, encoding: .utf8)
        return try RuleTester(Configuration()).run(path).flatMap(\.differences)
    }

    @Test func `say what was found and not expected, and what was expected and not found`() throws {
        let rows = "events: [{ at: 0s, every: 10s, times: 2, source: a }]"
        #expect(try run("\(rows)\n    findings: [{ rule: R, labels: { source: a }, count: 2, at: 10s, starts: 0s }]") == [])
        #expect(try run(rows).first?.contains("found, and not expected: { rule: R, labels: { source: a }") == true)
        let wrong = try run("\(rows)\n    findings: [{ rule: R, count: 3 }]")
        #expect(wrong.count == 2 && wrong[0].contains("not found: { rule: R, count: 3 }; found: { rule: R"))
    }

    @Test func `refuse a column that rows do not have, and a key that is not known`() {
        #expect(throws: UsageError.self) { try run("events: [{ at: 0s, sauce: a }]") }
        #expect(throws: ConfigurationError.self) { try run("event: []") }
        #expect(throws: ConfigurationError.self) { try run("events: [{ at: soon }]") }
    }
}
