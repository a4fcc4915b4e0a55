import Columns
import Incidents

/// The alerts of one group and what its receiver knows of each: whether it is to be notified now, and what it knows afterwards.
/// A value without clock, store and network.
///
/// Source: Alertmanager, dispatch.aggrGroup.flush and notify.DedupStage.needsUpdate.
struct GroupState: Sendable {
    /// An alert of the group.
    struct Member: Sendable, Equatable {
        /// Its id in the table `alert`.
        var alert: Int64
        var isFiring: Bool
        /// What the receiver was last notified of; nil when it knows nothing of the alert.
        var notified: Notified?
        /// It has ended, and its receiver should have been notified before that it fires, but the receiver or obs was down. The
        /// receiver is notified that it fires, and at once that it has ended.
        var isMissed = false
        /// A silence, an inhibition, a time interval or maintenance mutes it.
        var isMuted = false
        /// Somebody has acknowledged the incident: it is not repeated.
        var isAcknowledged = false
        /// When it ends by itself; nil when it does not, or has ended.
        var endsAt: Timestamp?

        /// Whether a notification shows it as firing.
        var isShownAsFiring: Bool { isFiring || isMissed }
    }

    typealias Reason = NotificationReason

    var members: [Member]
    /// Whether the receiver was ever notified of the group.
    var wasNotified: Bool
    /// Whether any integration of the receiver wants to know what has ended.
    var sendsResolved: Bool
    /// Whether `repeat_interval` is over.
    var isRepeatDue: Bool

    /// Why the receiver is notified now; nil when there is nothing to say. A notification shows all members that are not muted.
    var reason: Reason? {
        let audible = members.filter { !$0.isMuted }
        let firing = audible.filter(\.isShownAsFiring)
        if firing.isEmpty { return audible.contains { $0.notified != nil } ? .ended : nil }
        if !wasNotified || firing.contains(where: { $0.notified != .firing }) { return .firing }
        if sendsResolved, audible.contains(where: { !$0.isShownAsFiring }) { return .ended }
        return isRepeatDue && firing.contains { !$0.isAcknowledged } ? .firing : nil
    }

    /// How many members are news that is muted.
    var mutedNews: Int { members.count { $0.isMuted && ($0.isFiring ? $0.notified != .firing : $0.notified != nil) } }

    /// What the receiver knows of each member once the group was looked at; nil for a member that leaves the group.
    ///
    /// An alert that has ended leaves, whether the receiver was notified or not; a missed one first stays as firing. One whose
    /// receiver knows it and whose end is muted stays until the end can be sent. That is the one difference from Alertmanager,
    /// where a receiver is never notified of such an end.
    func after(notifying isNotified: Bool) -> [(alert: Int64, state: Notified??)] {
        members.map { member in
            if member.isMuted {
                if !member.isFiring, member.notified == nil { return (member.alert, nil) }
                return (member.alert, .some(isNotified && member.notified == .firing ? .hidden : member.notified))
            }
            if !member.isShownAsFiring { return (member.alert, nil) }
            return (member.alert, .some(isNotified ? .firing : member.notified))
        }
    }
}
