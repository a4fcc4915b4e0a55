import Detection

/// How an incident ends: by hand, or by itself when nothing new was seen for a while. Posted alerts are none of it: they end
/// when their senders say so.
///
/// What a rule says holds. Where it says nothing, what is critical ends by hand. What somebody has acknowledged or reopened
/// ends by hand from then on, whatever it was before.
struct EndPolicy: Equatable, Sendable {
    var isByHand: Bool
    /// How long nothing new must be seen; nil is `resolve_timeout`.
    var quiet: Duration?

    /// - Parameter said: what its rule says; nil when that is nothing.
    init(said: IncidentEnd?, severity: Severity) {
        switch said {
        case .byHand: isByHand = true
        case .quiet(let duration): (isByHand, quiet) = (false, duration)
        case nil: isByHand = severity == .critical
        }
    }

    init(isByHand: Bool, quiet: Duration?) {
        self.isByHand = isByHand
        self.quiet = quiet
    }

    /// What holds when another finding joins: one by hand is never taken back by a rule.
    func joined(by other: EndPolicy) -> EndPolicy {
        EndPolicy(isByHand: isByHand || other.isByHand, quiet: other.quiet)
    }
}
