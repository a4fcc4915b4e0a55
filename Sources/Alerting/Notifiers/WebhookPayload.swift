import Columns
import Foundation

/// What a webhook receives: version 4 of Alertmanager's webhook payload, key by key.
///
/// Source: Alertmanager, "Configuration", webhook_config.
struct WebhookPayload: Codable, Sendable {
    struct Alert: Codable, Sendable {
        var status: String
        var labels: [String: String]
        var annotations: [String: String]
        var startsAt: String
        var endsAt: String
        var generatorURL: String
        var fingerprint: String
    }

    var receiver: String
    var status: String
    var alerts: [Alert]
    var groupLabels: [String: String]
    var commonLabels: [String: String]
    var commonAnnotations: [String: String]
    var externalURL: String
    var version = "4"
    var groupKey: String
    var truncatedAlerts = 0

    init(_ alerts: [Alert], receiver: String, groupKey: String, groupLabels: [String: String], externalURL: String) {
        self.receiver = receiver
        self.groupKey = groupKey
        self.groupLabels = groupLabels
        self.externalURL = externalURL
        self.alerts = alerts
        status = alerts.contains { $0.status == "firing" } ? "firing" : "resolved"
        commonLabels = Self.common(alerts.map(\.labels))
        commonAnnotations = Self.common(alerts.map(\.annotations))
    }

    /// The same without what has ended: for an endpoint that wants no ends; nil when nothing is left.
    var firingOnly: WebhookPayload? {
        let firing = alerts.filter { $0.status == "firing" }
        guard !firing.isEmpty else { return nil }
        return WebhookPayload(firing, receiver: receiver, groupKey: groupKey, groupLabels: groupLabels, externalURL: externalURL)
    }

    private static func common(_ all: [[String: String]]) -> [String: String] {
        guard var common = all.first else { return [:] }
        for other in all.dropFirst() { common = common.filter { other[$0.key] == $0.value } }
        return common
    }
}
