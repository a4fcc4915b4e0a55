import Columns
@preconcurrency import GRDB

/// How far the escalation of an incident has come: decided on values, apart from the store and the clock.
public struct EscalationPlace: Equatable, Sendable {
    /// From when its delays count.
    public var since: Timestamp
    /// Index of the next step.
    public var step: Int
    /// The policy that it was under last; nil before it was first looked at, and empty when no policy is meant for it.
    public var policy: String?

    /// How far an escalation has come.
    public init(since: Timestamp, step: Int, policy: String?) {
        self.since = since
        self.step = step
        self.policy = policy
    }

    /// Reads `since, step, policy`, in this order.
    ///
    /// - Throws: when one of them is not what it is declared as.
    init(row: Row) throws {
        self.init(
            since: Timestamp(microseconds: try row.decode(atIndex: 0)), step: try row.decode(atIndex: 1),
            policy: try row.decode(atIndex: 2))
    }

    /// Under another policy, because the incident has become more severe, its delays count from now on.
    public func under(_ policy: String, now: Timestamp) -> EscalationPlace {
        guard let known = self.policy, known != policy else {
            return EscalationPlace(since: since, step: step, policy: policy)
        }
        return EscalationPlace(since: now, step: 0, policy: policy)
    }

    /// After somebody had it for a while and handed it back: that time does not count.
    public func resumed(heldAt: Timestamp, now: Timestamp) -> EscalationPlace {
        EscalationPlace(since: since + max(.zero, now - heldAt), step: step, policy: policy)
    }
}
