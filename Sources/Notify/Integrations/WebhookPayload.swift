import Columns

/// What a webhook receives: version 4 of Alertmanager's webhook payload, key by key.
///
/// Source: Alertmanager, "Configuration", webhook_config.
struct WebhookPayload: Encodable, Sendable {
    typealias Alert = Notice.Alert

    var receiver: String
    var status: String
    var alerts: [Alert]
    var groupLabels: Labels
    var commonLabels: Labels
    var commonAnnotations: Labels
    var externalURL: String
    var version = "4"
    var groupKey: String
    var truncatedAlerts = 0

    init(_ alerts: [Alert], receiver: String, groupKey: String, groupLabels: Labels, externalURL: String) {
        self.receiver = receiver
        self.groupKey = groupKey
        self.groupLabels = groupLabels
        self.externalURL = externalURL
        self.alerts = alerts
        status = alerts.contains { $0.status == "firing" } ? "firing" : "resolved"
        commonLabels = Self.common(alerts.map(\.labels))
        commonAnnotations = Self.common(alerts.map(\.annotations))
    }

    /// The same without resolved alerts; nil when nothing is left.
    var firingOnly: WebhookPayload? {
        let firing = alerts.filter { $0.status == "firing" }
        guard !firing.isEmpty else { return nil }
        return WebhookPayload(firing, receiver: receiver, groupKey: groupKey, groupLabels: groupLabels, externalURL: externalURL)
    }

    private static func common(_ all: [Labels]) -> Labels {
        guard var common = all.first else { return [:] }
        for other in all.dropFirst() { common = common.common(with: other) }
        return common
    }
}

/// As a dead letter stores it.
extension WebhookPayload {
    /// Reads a payload that was written as JSON; nil for anything else.
    init?(json text: String) {
        guard let json = try? JSON(parsing: Array(text.utf8)), let alerts = json["alerts"]?.list?.map(Alert.init(json:)),
            alerts.allSatisfy({ $0 != nil }), let receiver = json["receiver"]?.text, let groupKey = json["groupKey"]?.text
        else { return nil }
        self.init(
            alerts.compactMap(\.self), receiver: receiver, groupKey: groupKey, groupLabels: json["groupLabels"]?.labels ?? [:],
            externalURL: json["externalURL"]?.text ?? "")
        truncatedAlerts = Int(json["truncatedAlerts"]?.integer ?? 0)
    }
}

extension Notice.Alert {
    fileprivate init?(json: JSON) {
        guard let status = json["status"]?.text, let labels = json["labels"]?.labels else { return nil }
        func text(_ name: String) -> String { json[name]?.text ?? "" }
        self.init(
            status: status, labels: labels, annotations: json["annotations"]?.labels ?? [:], startsAt: text("startsAt"),
            endsAt: text("endsAt"), generatorURL: text("generatorURL"), fingerprint: text("fingerprint"))
    }
}
