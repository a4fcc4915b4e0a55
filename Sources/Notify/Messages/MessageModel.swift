import Columns
import Foundation

/// The names that a template may use, and their values for one notification (docs/alerting.md, "Messages").
///
/// Values come from logs and so from attackers. Each integration says how they are escaped; the text of the template itself is
/// not escaped.
struct MessageModel {
    /// Names on the outermost level.
    static let names: Set<String> = [
        "receiver", "status", "subject", "link", "groupKey", "externalURL", "alerts", "firing", "resolved", "numFiring",
        "numResolved",
        "isFiring", "isResolved", "hasFiring", "hasResolved", "groupLabels", "groupLabelPairs", "commonLabels",
        "commonLabelPairs",
        "commonAnnotations", "commonAnnotationPairs", "truncatedAlerts",
    ]

    /// Names of each of `alerts`, `firing` and `resolved`.
    static let alertNames: Set<String> = [
        "title", "description", "labels", "labelPairs", "annotations", "annotationPairs", "startsAt", "endsAt", "generatorURL",
        "runbookURL", "fingerprint", "alertStatus", "alertIsFiring", "name", "value",
    ]

    let values: [String: Any]
    private let library: MessageLibrary

    /// - Parameters:
    ///   - escape: escapes a value for the markup that it is inserted into (``OutsideText``).
    ///   - escapesSubject: whether the subject is escaped as a whole, or only the values in it, so that its brackets stay as they
    ///     are.
    init(_ notice: Notice, escapesSubject: Bool = true, escape: (String) -> String = { $0 }) {
        library = notice.library
        let payload = notice.payload
        let alerts = payload.alerts.map { Self.alert($0, escape) }
        let firing = zip(payload.alerts, alerts).filter { $0.0.status == "firing" }.map(\.1)
        let resolved = zip(payload.alerts, alerts).filter { $0.0.status != "firing" }.map(\.1)
        values = [
            "receiver": escape(payload.receiver), "status": payload.status,
            "subject": escapesSubject ? escape(Self.subject(payload)) : Self.subject(payload, escape),
            "link": escape(Self.link(payload)), "groupKey": escape(payload.groupKey), "externalURL": escape(payload.externalURL),
            "alerts": alerts, "firing": firing, "resolved": resolved, "numFiring": firing.count, "numResolved": resolved.count,
            "isFiring": payload.status == "firing", "isResolved": payload.status != "firing", "hasFiring": !firing.isEmpty,
            "hasResolved": !resolved.isEmpty, "groupLabels": LabelValues(payload.groupLabels, escape),
            "groupLabelPairs": Self.pairs(payload.groupLabels, escape), "commonLabels": LabelValues(payload.commonLabels, escape),
            "commonLabelPairs": Self.pairs(payload.commonLabels, escape),
            "commonAnnotations": LabelValues(payload.commonAnnotations, escape),
            "commonAnnotationPairs": Self.pairs(payload.commonAnnotations, escape), "truncatedAlerts": payload.truncatedAlerts,
        ]
    }

    func text(_ template: MessageTemplate) -> String { template.render(values, library) }

    private static func alert(_ alert: Notice.Alert, _ escape: (String) -> String) -> [String: Any] {
        var values: [String: Any] = [
            "alertStatus": alert.status, "alertIsFiring": alert.status == "firing", "labels": LabelValues(alert.labels, escape),
            "labelPairs": pairs(alert.labels, escape), "annotations": LabelValues(alert.annotations, escape),
            "annotationPairs": pairs(alert.annotations, escape), "startsAt": escape(alert.startsAt),
            "fingerprint": alert.fingerprint,
            "title": escape(alert.title),
        ]
        if alert.status != "firing" { values["endsAt"] = escape(alert.endsAt) }
        if !alert.generatorURL.isBlank { values["generatorURL"] = escape(alert.generatorURL) }
        for key in ["description", "runbook_url"] {
            if let value = alert.annotations[key]?.nilIfBlank {
                values[key == "description" ? key : "runbookURL"] = escape(value)
            }
        }
        return values
    }

    /// By name, with `alertname` first.
    private static func pairs(_ labels: Labels, _ escape: (String) -> String) -> [[String: String]] {
        inOrder(labels).map { ["name": escape($0.key), "value": escape($0.value)] }
    }

    private static func inOrder(_ labels: Labels) -> [Labels.Element] {
        Array(labels.filter { $0.key == "alertname" }) + Array(labels.filter { $0.key != "alertname" })
    }

    /// `[FIRING:2] SSHBruteForce (web1 warning)`: status, what the group is about, and in brackets what its alerts have in common
    /// beside that.
    ///
    /// Source: Alertmanager, template/default.tmpl, `__subject`.
    static func subject(_ payload: WebhookPayload, _ escape: (String) -> String = { $0 }) -> String {
        let firing = payload.alerts.count { $0.status == "firing" }
        let status = payload.status == "firing" ? "FIRING:\(firing)" : "RESOLVED"
        var words = ["[\(status)]"] + inOrder(payload.groupLabels).map { escape($0.value) }
        let others = inOrder(payload.commonLabels).filter { payload.groupLabels[$0.key] == nil }.map { escape($0.value) }
        if !others.isEmpty { words.append("(\(others.joined(separator: " ")))") }
        return words.joined(separator: " ")
    }

    /// The link to more: the incident if the notice is about one, else the list.
    static func link(_ payload: WebhookPayload) -> String {
        let first = payload.alerts.first?.generatorURL ?? ""
        return payload.alerts.count == 1 && !first.isBlank ? first : payload.externalURL + "/incidents"
    }
}
