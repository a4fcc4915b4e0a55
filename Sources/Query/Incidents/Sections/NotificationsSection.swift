import Incidents
import Columns

/// Who was notified, and who is going to be.
struct NotificationsSection: IncidentSection {
    private let notifications: [NotificationLog.Entry]
    private let now: Timestamp?

    init(_ view: IncidentView, _ sources: IncidentSources) {
        notifications = view.notifications
        now = view.now
    }

    func section(for medium: Medium) -> Section? {
        guard !notifications.isEmpty else { return nil }
        return Section(
            "Notifications",
            .records(
                [RecordColumn("receiver"), RecordColumn("outcome", before: ": ")],
                notifications.map {
                    [.text($0.receiver.isEmpty ? "nobody (no route matches)" : $0.receiver), .text(outcome(of: $0))]
                }))
    }

    /// What became of a notification, or when it is due. A repetition is only sent if the alert is still active by then.
    private func outcome(of notification: NotificationLog.Entry) -> String {
        var text = notification.state.rawValue
        if let at = notification.sentAt {
            text += " at \(Shown.time(at))"
        } else if notification.state == .pending {
            let isRepetition = now.map { notification.attempts == 0 && notification.dueAt > $0 } ?? false
            text = "\(isRepetition ? "checked again at" : "pending, due") \(Shown.time(notification.dueAt))"
        }
        if notification.attempts > 1 { text += " after \(notification.attempts) tries" }
        return text + (notification.lastError.map { ", last try: \($0)" } ?? "")
    }

    private struct Document: Encodable {
        var receiver, state: String
        var attempts: Int
        var due_at: String
        var sent_at: String?
        var last_error: String?
    }

    var members: [(key: String, value: any Encodable & Sendable)] {
        let value = notifications.map {
            Document(
                receiver: $0.receiver, state: $0.state.rawValue, attempts: $0.attempts, due_at: $0.dueAt.description,
                sent_at: $0.sentAt?.description, last_error: $0.lastError)
        }
        return [("notifications", value)]
    }
}
