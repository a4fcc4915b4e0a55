import Columns

/// How far the escalation of an incident has come: decided on values, apart from the store and the clock.
struct EscalationPlace: Equatable, Sendable {
    /// From when its delays count.
    var since: Timestamp
    /// The step that is next.
    var step: Int
    /// The policy that it was under last; nil when it has not been looked at, and empty when it was under none.
    var policy: String?

    /// Under another policy, because the incident has become worse, its delays count from now on.
    func under(_ policy: String, now: Timestamp) -> EscalationPlace {
        guard let known = self.policy, known != policy else {
            return EscalationPlace(since: since, step: step, policy: policy)
        }
        return EscalationPlace(since: now, step: 0, policy: policy)
    }

    /// After somebody had it for a while and handed it back: that time does not count.
    func resumed(heldAt: Timestamp, now: Timestamp) -> EscalationPlace {
        EscalationPlace(since: since + max(.zero, now - heldAt), step: step, policy: policy)
    }
}

extension EscalationPolicy {
    /// What tells it from others: what it is for.
    var name: String { "{" + matchers.map(\.description).joined(separator: ", ") + "}" }
}
