import Columns
import Incidents

/// What became of a notification that was due. ``Outbox/settle(_:_:now:)`` stores it.
enum Settlement: Sendable {
    /// Nothing had changed that the receiver is to know.
    case nothingToSay
    /// - Parameter delivered: which integrations accepted or refused the text (``Progress``); they do not get it again.
    case postponed(reason: String, delivered: Set<String>, until: Timestamp)
    /// It is given up; its text is kept.
    case dead(reason: String, delivered: Set<String>)
    /// - Parameters:
    ///   - isNotified: false when no integration of the receiver wants it: then it is settled, and nobody was notified.
    ///   - complaint: what services that accepted it objected to, such as a recipient.
    case sent(isNotified: Bool, complaint: String?)
}
