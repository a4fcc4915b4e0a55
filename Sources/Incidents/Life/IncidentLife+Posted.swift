import Columns
import Detection

/// The incident that the posted alerts of one group make: it is open while any of them fires.
///
/// A storm of alerts is one thing to look at, so an incident is a group of the first route that takes them, not one alert.
struct PostedPolicy {
    /// The id of the group.
    var grouping: Int64
    var groupLabels: Labels

    /// What alerts that come into the group lead to.
    ///
    /// - Parameter open: the incident that the group has; nil opens one.
    func take(_ alerts: [Alert], open: Incident?, now: Timestamp) -> [LifeChange] {
        open.map { join($0, alerts, now) } ?? begin(alerts, now)
    }

    private func begin(_ alerts: [Alert], _ now: Timestamp) -> [LifeChange] {
        let first = alerts[0]
        let name = first.labels["alertname"]?.nilIfBlank ?? groupLabels["alertname"]?.nilIfBlank ?? "Alert"
        let title =
            first.annotations["summary"]?.nilIfBlank ?? first.annotations["title"]?.nilIfBlank
            ?? "\(name) \(JSONText.object(groupLabels))"
        let opening = Opening(
            fingerprint: "group-\(grouping)", name: name, detector: PostedIncident.detector, severity: Self.severity(alerts),
            title: OutsideText(title).prefix(500), description: OutsideText(first.annotations["description"] ?? "").prefix(4000),
            labels: Self.common(alerts, from: first.labels), startsAt: alerts.map(\.startsAt).min()!, lastSeen: now,
            count: alerts.count, end: EndPolicy(isByHand: false, quiet: nil))
        return [
            LifeChange(.opened, .open(opening)),
            LifeChange(.opened, .note(.opened, "opened by \(Self.describe(alerts)) that came in")),
        ]
    }

    private func join(_ incident: Incident, _ alerts: [Alert], _ now: Timestamp) -> [LifeChange] {
        let joining = Joining(
            lastSeen: now, count: alerts.count,
            ofAlerts: .init(labels: Self.common(alerts, from: incident.ownLabels), startsAt: alerts.map(\.startsAt).min()!))
        var steps: [LifeChange.Step] = [.join(joining), .note(.joined, "\(Self.describe(alerts)) joined")]
        let severity = Self.severity(alerts)
        if severity > incident.severity { steps += IncidentLife.raise(incident.severity, to: severity, labels: nil) }
        return steps.map { LifeChange(incident.number, $0) }
    }

    /// What the end of all alerts leads to.
    ///
    /// - Parameters:
    ///   - endedAt: when the last of them ended.
    ///   - goingOn: its children that have not ended: each is an incident of its own from now on.
    static func end(_ incident: Incident, endedAt: Timestamp, goingOn: [Int64]) -> [LifeChange] {
        guard incident.state != .resolved else { return [] }
        return [LifeChange(incident.number, .resolve(as: .quiet, at: endedAt, by: nil))] + goingOn.map { LifeChange($0, .detach) }
            + [
                LifeChange(incident.number, .leaveGroup), LifeChange(incident.number, .note(.resolved, "its alerts have ended")),
            ]
    }

    private static func describe(_ alerts: [Alert]) -> String {
        alerts.count == 1 ? "the alert \(OutsideText(JSONText.object(alerts[0].labels)).prefix(1000))" : "\(alerts.count) alerts"
    }

    private static func common(_ alerts: [Alert], from labels: Labels) -> Labels {
        var common = labels
        for alert in alerts where !common.allSatisfy({ alert.labels.has($0.key, $0.value) }) {
            common = common.common(with: alert.labels)
        }
        return common
    }

    /// The worst of what their label `severity` says, in the words that the field uses for it.
    static func severity(_ alerts: [Alert]) -> Severity {
        alerts.map { alert -> Severity in
            switch alert.labels["severity"]?.lowercased() {
            case "critical", "page", "fatal", "emergency", "error", "high": .critical
            case "info", "information", "informational", "none", "low", "debug": .info
            default: .warning
            }
        }.max() ?? .warning
    }
}

extension String {
    /// Nil when nothing of it is visible: such a title says nothing.
    fileprivate var nilIfBlank: String? {
        unicodeScalars.allSatisfy { $0.properties.isWhitespace || $0.properties.isDefaultIgnorableCodePoint } ? nil : self
    }
}
