import Incidents
import Columns

/// Queries on notifications, also of those that were not delivered.
public struct NotificationQuestions: Sendable {
    private let log: NotificationLog

    /// Queries on a log of notifications.
    public init(_ log: NotificationLog) { self.log = log }

    /// Notifications, newest first.
    ///
    /// - Parameters:
    ///   - states: nil for all.
    ///   - receiver: nil for all.
    public func list(states: [OutboxState]?, receiver: String?, limit: Int) throws -> Answer {
        let found = try log.entries(states: states, receiver: receiver, limit: limit + 1)
        let shown = found.prefix(limit)
        var answer = Answer(
            [
                ("id", .int64), ("receiver", .text), ("state", .text), ("attempts", .int64), ("created_at", .timestamp),
                ("next_try", .timestamp),
                ("sent_at", .timestamp), ("error", .text), ("group", .text),
            ],
            rows: shown.map { entry in
                let isWaiting = entry.state == .pending || entry.state == .resending
                return [
                    .int(entry.id), .text(entry.receiver), .text(entry.state.rawValue), .int(Int64(entry.attempts)),
                    .timestamp(entry.createdAt),
                    isWaiting ? .timestamp(entry.dueAt) : .null, entry.sentAt.map { .timestamp($0) } ?? .null,
                    entry.lastError.map { .text($0) } ?? .null, .text(entry.groupKey),
                ]
            }, note: found.count > shown.count ? "only the newest \(limit) are shown; ask for more with --limit" : nil)
        answer.dispensable = ["group", "created_at", "sent_at", "next_try"]
        answer.main = "error"
        return answer
    }
}
