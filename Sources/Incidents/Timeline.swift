import Columns

/// What happened to an incident, as the column `timeline.kind` and the API name it.
public enum TimelineKind: String, Sendable, CaseIterable, Codable {
    case opened
    /// Another alert of its group began to fire.
    case joined
    /// It became more severe.
    case raised
    /// It took in a child, or became one.
    case merged
    case split
    case acknowledged
    case handedBack = "handed_back"
    case assigned
    case note
    /// A silence was made from it, or that silence was ended.
    case silenced
    /// A step of its escalation was taken.
    case escalated
    /// A receiver was notified.
    case notified
    /// A receiver could not be notified yet, or was given up.
    case undelivered
    /// It ended before a receiver was notified.
    case unheard
    case resolved
    case reopened
}

/// Something that happened to an incident.
public struct TimelineEntry: Sendable {
    /// The number of the incident that it happened to, which may be a child of the one that was asked for.
    public var incident: Int64
    /// When it happened.
    public var at: Timestamp
    /// A person, or `obs`.
    public var actor: String
    /// What happened.
    public var kind: TimelineKind
    /// In words.
    public var text: String
}
