/// What has become of a notification, as the column `outbox.state` names it.
public enum OutboxState: String, Sendable, CaseIterable, Codable {
    /// To be sent, now or later. A group of a receiver has at most one such row, as long as alerts are in it.
    case pending
    case sent
    /// Given up: a dead letter, which keeps its payload.
    case dead
    /// A dead letter that somebody has asked to be sent once more.
    case resending
}

/// Why a receiver is notified, as the column `outbox.reason` names it.
public enum NotificationReason: String, Sendable {
    /// Something fires that it does not know of, or it is time to repeat.
    case firing
    /// Something has ended, and nothing else is new: of no interest to a receiver that wants no ends.
    case ended
}

/// What a receiver was last notified of about an alert, as the column `alert_membership.notified` names it; nil stands for
/// nothing.
public enum Notified: String, Sendable {
    case firing
    /// It was notified that the alert fires, and a later notification left the alert out because something muted it.
    case hidden
}
