import Columns
import Foundation
import TestSupport
import Testing

@testable import Alerting
@testable import Configuration
@testable import Incidents

/// Routing trees, and configurations valid or not, with what Alertmanager says of them: `Peers/alertmanager_cases.py` made ours
/// (`make cases`).
struct `AlertmanagerConformanceCases` {
    private struct Tree: Decodable {
        struct Test: Decodable {
            var labels: Labels
            var receivers: [String]
        }
        var name: String
        var config: String
        var tests: [Test]
    }

    private struct Case: Decodable {
        var name: String
        var valid: Bool
        var config: String
    }

    private func decoded<Element: Decodable>(_ path: String) throws -> [Element] {
        try caseFiles(path).flatMap { try JSONDecoder().decode([Element].self, from: Data(contentsOf: $0)) }
    }

    @Test func `routes lead where Alertmanager leads them`() throws {
        let trees: [Tree] = try decoded("alerting/routes.json")
        #expect(trees.count >= 30)
        for tree in trees {
            let configuration = try YAMLDocument(tree.config, file: tree.name).decode(AlertmanagerFile.self).configuration
            for test in tree.tests {
                let receivers = configuration.route?.destinations(for: test.labels).compactMap(\.receiver)
                #expect(receivers == test.receivers, "\(tree.name): \(test.labels)")
            }
        }
    }

    /// Keys that came after the version that was asked.
    private static let newer = [
        "mattermost", "rocketchat", "slack_app", "app_token", "update_message", "telegram_bot_token", "bot_token_file",
        "wechat_api_secret_file",
        "msteams", "jira", "incidentio", "url_file", "api_secret_file",
    ]

    @Test func `configurations are judged as Alertmanager judges them, save for keys that are newer than it`() throws {
        let cases: [Case] = try decoded("alerting/configs.json")
        #expect(cases.count >= 40)
        for one in cases {
            var complaint: String?
            do { _ = try YAMLDocument(one.config, file: one.name).decode(AlertmanagerFile.self) } catch {
                complaint = error.description
            }
            if one.valid {
                #expect(complaint == nil, "\(one.name)")
            } else if !Self.newer.contains(where: one.config.contains) {
                #expect(complaint != nil, "\(one.name)")
                #expect(complaint?.hasPrefix("\(one.name):") == true, "\(complaint ?? "")")
            }
        }
    }
}
