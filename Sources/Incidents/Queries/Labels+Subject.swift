import Columns

extension Labels {
    /// The labels that say whom an incident is about, without those that say of which kind it is: a technique is not a column of
    /// a table, and two incidents that share one have nothing else in common.
    public var ofSubject: [Element] {
        filter { !["alertname", "severity", "tactic", "technique"].contains($0.key) }
    }
}
