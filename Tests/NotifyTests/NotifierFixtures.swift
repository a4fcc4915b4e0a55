import Columns
import Foundation

@testable import Notify
@testable import Alerting
@testable import Incidents

extension Notice {
    /// Two alerts whose texts an attacker wrote, one of which has ended.
    static func sample(firing: Bool = true, resolved: Bool = true, description: String = hostile) -> Notice {
        var alerts: [Notice.Alert] = []
        if firing {
            alerts.append(
                .init(
                    status: "firing", labels: ["alertname": "SSHBruteForce", "host": "web1", "source": "192.0.2.7"],
                    annotations: [
                        "summary": "Brute force from 192.0.2.7", "description": description,
                        "runbook_url": "http://obs.example/runbooks/SSHBruteForce",
                    ], startsAt: "2026-11-21T10:00:00Z", endsAt: "0001-01-01T00:00:00Z",
                    generatorURL: "http://obs.example/incidents/INC-1001", fingerprint: "0123456789abcdef"))
        }
        if resolved {
            alerts.append(
                .init(
                    status: "resolved", labels: ["alertname": "SSHBruteForce", "host": "web1", "source": "192.0.2.8"],
                    annotations: ["summary": "Brute force from 192.0.2.8"], startsAt: "2026-11-21T09:00:00Z",
                    endsAt: "2026-11-21T09:30:00Z",
                    generatorURL: "http://obs.example/incidents/INC-1000?a=1&b=2", fingerprint: "fedcba9876543210"))
        }
        return Notice(
            payload: WebhookPayload(
                alerts, receiver: "on<call>", groupKey: "{}:{alertname=\"SSHBruteForce\"}",
                groupLabels: ["alertname": "SSHBruteForce"],
                externalURL: "http://obs.example"), key: "obs-7-00000000deadbeef", library: .builtin,
            sentAt: Timestamp(seconds: 1_700_000_000))
    }

    static let hostile = "user <!channel> @everyone [x](http://evil) \"q\" & äöü 🙂\nSubject: injected"
}

extension Integration {
    /// As a configuration file has it, here as JSON, with `global` filled in.
    static func decode(_ json: String, global: String = "{}", environment: [String: String] = [:]) throws -> Self {
        let decoder = JSONDecoder()
        decoder.userInfo[.environment] = environment
        var integration = try decoder.decode(Self.self, from: Data(json.utf8))
        try integration.adopt(decoder.decode(NotifierSettings.self, from: Data(global.utf8)))
        return integration
    }
}

/// Files that hold what a service must get. `OBS_UPDATE_GOLDEN=1` writes them anew, to be read before they are kept.
enum Golden {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden")

    /// What stands in the file, after `got` was written to it if that was asked for.
    static func text(_ name: String, got: String) throws -> String {
        let file = folder.appending(path: name)
        if ProcessInfo.processInfo.environment["OBS_UPDATE_GOLDEN"] != nil { try Data(got.utf8).write(to: file) }
        return String(decoding: try Data(contentsOf: file), as: UTF8.self)
    }

    /// JSON with sorted keys and line breaks.
    static func pretty(_ json: String) throws -> String {
        let value = try JSONSerialization.jsonObject(with: Data(json.utf8), options: .fragmentsAllowed)
        let data = try JSONSerialization.data(
            withJSONObject: value, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        return String(decoding: data, as: UTF8.self) + "\n"
    }
}
