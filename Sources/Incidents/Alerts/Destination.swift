import Columns

/// A group of a receiver that an alert goes to, as a route says. This room knows no routes: it is given where alerts go.
public struct Destination: Sendable {
    /// Empty for alerts that nobody is notified of.
    public var receiver: String
    /// Names the group for ever, as Alertmanager does.
    public var groupKey: String
    /// The labels that the alerts of the group share, as `group_by` says.
    public var groupLabels: Labels
    /// How long the first notification of a new group waits for further alerts.
    public var groupWait: Duration
    /// How often the group is looked at after that.
    public var groupInterval: Duration
    /// After how long the receiver is notified again of what still fires.
    public var repeatInterval: Duration

    /// A group as a route names it.
    public init(
        receiver: String, groupKey: String, groupLabels: Labels, groupWait: Duration, groupInterval: Duration,
        repeatInterval: Duration
    ) {
        self.receiver = receiver
        self.groupKey = groupKey
        self.groupLabels = groupLabels
        self.groupWait = groupWait
        self.groupInterval = groupInterval
        self.repeatInterval = repeatInterval
    }
}

/// The groups that an alert with these labels goes to, in the order of the routes. Called within transactions: it must not wait.
public typealias Routing = @Sendable (_ labels: Labels) -> [Destination]
