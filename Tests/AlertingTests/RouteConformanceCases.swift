import Foundation
import Testing

@testable import Alerting
@testable import Daemon

private let root = URL(filePath: ProcessInfo.processInfo.environment["OBS_CASES"] ?? "../shared/data")

/// Routing trees, and configurations valid or not, with what Alertmanager says of them.
@Suite(.enabled(if: FileManager.default.fileExists(atPath: root.appending(path: "alerting/routes.json").path)))
struct `AlertmanagerConformanceCases` {
    private struct Tree: Decodable {
        struct Test: Decodable {
            var labels: [String: String]
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

    @Test func `routes lead where Alertmanager leads them`() throws {
        for tree in try JSONDecoder().decode([Tree].self, from: Data(contentsOf: root.appending(path: "alerting/routes.json"))) {
            let configuration = try YAMLDocument(tree.config, file: tree.name).decode(AlertingConfiguration.self)
            for test in tree.tests {
                let receivers = configuration.route?.destinations(for: test.labels).compactMap(\.receiver)
                #expect(receivers == test.receivers, "\(tree.name): \(test.labels)")
            }
        }
    }

    @Test func `configurations that Alertmanager refuses are refused`() throws {
        for one in try JSONDecoder().decode([Case].self, from: Data(contentsOf: root.appending(path: "alerting/configs.json")))
        where !one.valid {
            #expect(throws: ConfigurationError.self, "\(one.name)") {
                try YAMLDocument(one.config, file: one.name).decode(AlertingConfiguration.self)
            }
        }
    }
}
