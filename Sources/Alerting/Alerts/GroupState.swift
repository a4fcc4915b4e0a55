import Columns
import Incidents

/// What one group's receiver is to be told now, if anything. Knows no clock, no store and no network.
///
/// Source: Alertmanager, dispatch.aggrGroup.flush and notify.DedupStage.needsUpdate.
struct GroupState: Sendable {
    typealias Told = Incidents.Told

    struct Member: Sendable, Equatable {
        var alert: Int64
        var isFiring: Bool
        var told: Told?
        /// It has ended, and its receiver ought to have been told before that it fires: the receiver was away, or obs was. It is
        /// told as begun, and at once as ended.
        var isMissed = false
        /// Something holds it back: a silence, an inhibition, a time interval.
        var isMuted = false
        /// Somebody has the incident: it is not repeated.
        var isAcknowledged = false
        /// When it ends by itself; nil when it does not, or has.
        var endsAt: Timestamp?

        /// Whether it is told as one that fires.
        var isToldAsFiring: Bool { isFiring || isMissed }
    }

    typealias Reason = NotificationReason

    var members: [Member]
    /// Whether the receiver has ever been told anything about the group.
    var wasTold: Bool
    var sendsResolved: Bool
    var isRepeatDue: Bool

    /// Nil when there is nothing to tell. What is told then is every member that is not muted.
    var reason: Reason? {
        let audible = members.filter { !$0.isMuted }
        let firing = audible.filter(\.isToldAsFiring)
        if firing.isEmpty { return audible.contains { $0.told != nil } ? .ended : nil }
        if !wasTold || firing.contains(where: { $0.told != .firing }) { return .firing }
        if sendsResolved, audible.contains(where: { !$0.isToldAsFiring }) { return .ended }
        return isRepeatDue && firing.contains { !$0.isAcknowledged } ? .firing : nil
    }

    /// What is known of each member after a look at the group; nil for one that leaves it.
    ///
    /// An alert that has ended leaves, told or not; one that was told late as begun is still to be told as ended. One that the
    /// receiver was told of and whose end is held back stays until it can be told, which is the one thing that Alertmanager has
    /// otherwise: there a receiver never hears of it.
    func after(telling isTold: Bool) -> [(alert: Int64, state: Told??)] {
        members.map { member in
            if member.isMuted {
                if !member.isFiring, member.told == nil { return (member.alert, nil) }
                return (member.alert, .some(isTold && member.told == .firing ? .hidden : member.told))
            }
            if !member.isToldAsFiring { return (member.alert, nil) }
            return (member.alert, .some(isTold ? .firing : member.told))
        }
    }
}
