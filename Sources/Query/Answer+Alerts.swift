import Alerting
import Incidents
import Columns

/// Active alerts, silences and routes as tables.
extension Answer {
    /// Active alerts, with the receivers that are notified of each.
    public static func alerts(_ alerts: [AlertQuestions.Listed]) -> Answer {
        var answer = Answer(
            [
                ("name", .text), ("state", .text), ("starts_at", .timestamp), ("ends_at", .timestamp), ("summary", .text),
                ("incident", .text),
                ("receivers", .text), ("labels", .text), ("fingerprint", .text),
            ],
            rows: alerts.map { alert in
                let labels = alert.labels, annotations = alert.annotations
                return [
                    .text(labels["alertname"] ?? ""), .text(alert.isSuppressed ? "suppressed" : "active"),
                    .timestamp(alert.startsAt),
                    .timestamp(alert.endsAt), .text(annotations["summary"] ?? ""),
                    alert.incident.map { .text("INC-\($0)") } ?? .null,
                    .text(alert.receivers.joined(separator: " ")), .text(alert.labelsJSON), .text(Fingerprint.of(labels)),
                ]
            })
        answer.dispensable = ["fingerprint", "labels", "ends_at", "receivers"]
        answer.main = "summary"
        return answer
    }

    /// Silences with their state at `now`.
    public static func silences(_ silences: [Silence], now: Timestamp) -> Answer {
        var answer = Answer(
            [
                ("id", .text), ("state", .text), ("matchers", .text), ("starts_at", .timestamp), ("ends_at", .timestamp),
                ("created_by", .text),
                ("comment", .text),
            ],
            rows: silences.map {
                [
                    .text($0.id), .text($0.state(at: now).rawValue),
                    .text($0.matchers.map(\.description).joined(separator: ", ")),
                    .timestamp($0.startsAt), .timestamp($0.endsAt), .text($0.createdBy), .text($0.comment),
                ]
            })
        answer.dispensable = ["starts_at", "created_by"]
        answer.main = "matchers"
        return answer
    }

    /// The receivers that an alert reaches, and by which routes.
    public static func routes(_ found: [Route.Explanation]) -> Answer {
        Answer(
            [("receiver", .text), ("route", .text), ("group", .text), ("why", .text)],
            rows: found.map { [.text($0.receiver), .text($0.path), .text($0.groupKey), .text($0.why)] })
    }
}
