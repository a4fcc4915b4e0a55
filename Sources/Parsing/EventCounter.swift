/// A counter that a pipeline keeps of a format's events: how many there were per value of one or two columns.
public struct EventCounter: Sendable {
    /// A label of the counter; it has the name of the column.
    public typealias Label = (column: String, known: Set<String>)

    /// Of the metric, such as `obs_ssh_events_total`.
    public let name: String
    /// What the metric counts, in one sentence.
    public let help: String
    /// One or two columns of dictionary-coded text, and the values of each that are counted as they are: any other is counted
    /// as `other`, so that the series are few whatever an attacker writes. An empty set means that the format itself has a
    /// closed list. A null is counted as `none`.
    public let labels: [Label]
    /// The label values of the series that are shown, with 0, before the first event.
    public let initial: [[String]]
}
