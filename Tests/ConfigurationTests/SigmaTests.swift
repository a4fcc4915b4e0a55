import Detection
import Foundation
import TestSupport
import Testing

@testable import Configuration

struct `A Sigma rule` {
    private let folder = TemporaryFolder()

    private func taken(_ text: String) throws -> SigmaImport { try SigmaImport([(text, "rules.yml")]) }

    private static let failed = """
        title: Failed SSH log-in
        name: failed_ssh
        tags: [attack.credential_access, attack.t1110.001]
        logsource: { product: linux, service: sshd }
        detection:
          keywords: ['Failed password']
          condition: keywords
        level: medium

        """

    @Test func `becomes a rule of obs that can be read`() throws {
        let found = try taken(
            """
            title: Root from outside
            description: "somebody's root"
            logsource: { product: linux, service: sshd }
            detection:
              selection:
                User: root
                src_ip|startswith: ['203.0.113.', '198.51.']
              filter_own: { src_ip: 203.0.113.9 }
              condition: selection and not 1 of filter_*
            level: critical
            """)
        #expect(found.problems == [])
        #expect(
            found.yaml == #"""
                - name: SigmaRootFromOutside
                  pipeline: ssh
                  severity: critical
                  title: 'Root from outside on {host}'
                  description: 'somebody''s root'
                  match: 'user="root", source=~"203\\.0\\.113\\..*|198\\.51\\..*"'
                  except:
                    - 'source="203.0.113.9"'
                  group_by: [host]
                  include: [source, user]
                  within: 5m
                  count: 1

                """#)
    }

    @Test func `by keyword looks at the events of the messages that it stands in`() throws {
        let found = try taken(Self.failed)
        #expect(found.yaml.contains(#"match: 'event="failed_password"'"#))
        #expect(found.yaml.contains("labels: { technique: T1110.001 }"))
        #expect(found.yaml.contains("severity: warning"))
    }

    @Test(arguments: [
        (
            "type: event_count", "condition: { gte: 10 }",
            ["count: 10", "group_by: [source, host]", "within: 5m", "event=\"failed_password\""]
        ),
        ("type: event_count", "condition: { gt: 10 }", ["count: 11"]),
        ("type: value_count", "condition: { field: User, gte: 4 }", ["distinct: { column: user, count: 4 }"]),
    ])
    func `under a correlation is counted`(type: String, condition: String, expected: [String]) throws {
        let found = try taken(
            Self.failed + """
                ---
                title: Many of them
                correlation:
                  \(type)
                  rules: [failed_ssh]
                  group-by: [src_ip, Computer]
                  timespan: 5m
                  \(condition)
                level: high
                """)
        #expect(found.problems == [])
        #expect(found.taken == 2)
        for text in expected { #expect(found.yaml.contains(text), "\(text) in \(found.yaml)") }
        #expect(!found.yaml.contains("SigmaFailedSSHLogIn"))
    }

    @Test func `under a temporal correlation is a part of what is found together`() throws {
        let accepted = Self.failed.replacing("Failed SSH", with: "Accepted SSH").replacing("failed_ssh", with: "accepted_ssh")
            .replacing("Failed password", with: "Accepted password")
        for (type, expected) in [
            ("temporal", "distinct: { column: rule, count: 2 }"),
            ("temporal_ordered", "sequence:\n    - { match: 'rule=~\"SigmaFailedSSHLogIn\"' }"),
        ] {
            let found = try taken(
                Self.failed + "---\n" + accepted + """
                    ---
                    title: Both
                    correlation: { type: \(type), rules: [failed_ssh, accepted_ssh], group-by: [src_ip], timespan: 1h }
                    """)
            #expect(found.problems == [])
            #expect(found.yaml.contains("mode: internal"))
            #expect(found.yaml.contains("on: findings"))
            #expect(found.yaml.contains(expected), "\(found.yaml)")
        }
    }

    @Test(arguments: [
        ("logsource: { product: windows }", "log source"), ("detection: { sel: { Image: x }, condition: sel }", "'Image'"),
        ("detection: { sel: { src_ip|cidr: 10.0.0.0/8 }, condition: sel }", "'cidr'"),
        ("detection: { kw: ['the moon'], condition: kw }", "'the moon'"),
        ("detection: { sel: { User: x }, condition: other }", "'other'"),
        ("detection: { sel: { User: x }, condition: (sel }", "parenthesis"),
        ("detection: { sel: { User: x }, condition: sel | count() > 5 }", "correlation"),
        ("detection: { sel: { User: x }, condition: not sel }", "must not be"),
        ("correlation: { type: event_count, rules: [nobody], timespan: 5m, condition: { gte: 3 } }", "nobody"),
        ("correlation: { type: event_count, rules: [x], timespan: 5m, condition: { lt: 3 } }", "gte"),
        ("correlation: { type: weird, rules: [x], timespan: 5m, condition: { gte: 3 } }", "'weird'"),
    ])
    func `that cannot be said is named`(part: String, reason: String) throws {
        let log = part.hasPrefix("logsource") ? "" : "logsource: { product: linux, service: sshd }\n"
        let detection =
            part.hasPrefix("detection") || part.hasPrefix("corr") ? "" : "detection: { sel: { User: x }, condition: sel }\n"
        let found = try taken("title: T\n" + log + detection + part)
        #expect(found.yaml == "")
        #expect(found.problems.count == 1)
        #expect(found.problems.first?.contains(reason) == true, "\(found.problems)")
    }

    @Test func `with alternatives becomes a rule for each`() throws {
        let found = try taken(
            """
            title: Either
            logsource: { product: linux, service: auth }
            detection:
              a: { User: root, outcome: success }
              b: { User: admin }
              condition: a or b
            """)
        #expect(found.yaml.contains("name: SigmaEither1") && found.yaml.contains("name: SigmaEither2"))
    }

    @Test func `that is no YAML, or deep or long without end, is refused in a sentence`() {
        #expect(throws: UsageError.self) { try taken("title: [") }
        #expect(throws: UsageError.self) { try taken(String(repeating: "a", count: SigmaImport.maxSize + 1)) }
        let deep = String(repeating: "(", count: 200) + "sel" + String(repeating: ")", count: 200)
        let found = try? taken("title: T\nlogsource: { product: linux }\ndetection: { sel: { User: x }, condition: '\(deep)' }")
        #expect(found?.problems.count == 1)
    }

    @Test func `becomes rules that obs takes, whatever its texts are`() throws {
        let accepted = Self.failed.replacing("title: Failed SSH log-in", with: #"title: "It's {odd} # [x]: \x7F ö""#)
            .replacing("failed_ssh", with: "odd").replacing("Failed password", with: "Accepted password")
            .replacing("attack.t1110.001", with: "'attack.t1 } x: {'")
        let correlations = ["event_count", "value_count", "temporal", "temporal_ordered"].map { type in
            let condition = type == "event_count" ? "{ gte: 3 }" : "{ field: User, gte: 3 }"
            let rules = type.hasPrefix("temporal") ? "[failed_ssh, odd]" : "[failed_ssh]"
            return """
                title: Same title
                correlation: { type: \(type), rules: \(rules), group-by: [src_ip], timespan: 1h, condition: \(condition) }

                """
        }
        let found = try taken(([Self.failed, accepted] + correlations).joined(separator: "---\n"))
        #expect(found.problems == [])
        let path = folder.path + "/sigma.yml"
        try found.yaml.write(toFile: path, atomically: true, encoding: .utf8)
        let rules = try Configuration().rules(inFile: path)
        #expect(rules.count == 6)
        #expect(Set(rules.map(\.name)).count == 6)
    }
}
