import Columns
import Detection

/// What was over for long when it was found: it becomes an incident, and pages nobody. Decided on values; it knows no clock and
/// no store.
struct PastPolicy: Sendable {
    /// How long something may have been over to be notified of.
    var maxAge: Duration
    /// How far apart two findings of one attack may lie.
    var joinWithin: Duration

    /// What becomes of a finding, given the incident about the same that it would belong to.
    enum Course: Equatable {
        /// It says nothing that is not known.
        case known
        /// The incident goes on, or was found in the past and stays there.
        case joins
        /// The incident was found in the past, and turns out to go on.
        case revives
        /// Something that had ended comes back, or is seen for the first time.
        case opens
        case opensInPast
    }

    func isPast(_ finding: Finding, now: Timestamp) -> Bool { finding.lastSeen < now - maxAge }

    /// - Parameter last: the newest incident with its fingerprint; for a finding of the past the newest that is near it in
    ///   time. Nil when there is none.
    func course(of finding: Finding, after last: Incident?, now: Timestamp) -> Course {
        let isPast = isPast(finding, now: now)
        guard let last else { return finding.isUpdate ? .known : isPast ? .opensInPast : .opens }
        let isOver = last.state == .resolved && last.resolution != .past
        guard finding.lastSeen > last.lastSeen || !isOver && last.learns(from: finding) else { return .known }
        if last.state != .resolved { return .joins }
        if last.resolution == .past, isNear(finding, last) { return isPast ? .joins : .revives }
        // What only brings up to date must not open what somebody has ended.
        return finding.isUpdate ? .known : isPast ? .opensInPast : .opens
    }

    func isNear(_ finding: Finding, _ incident: Incident) -> Bool {
        incident.startsAt <= finding.lastSeen + joinWithin && finding.startsAt - joinWithin <= incident.lastSeen
    }
}
