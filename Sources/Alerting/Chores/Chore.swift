import Columns

/// Something that is done again and again beside sending, such as escalating. A new one is a file in this folder and a line in
/// ``Chores``.
///
/// Each runs in a loop of its own, one call after the other. What it throws is its own failure: it is tried again after pauses
/// that grow, and nothing else waits for it.
protocol Chore: Sendable {
    /// Completes "… fails and is tried again", such as `escalating incidents`.
    var name: String { get }
    /// The time between two calls.
    var interval: Duration { get }
    /// What calls it before its interval is over.
    var wakeUp: WakeUp? { get }

    func run(_ configuration: AlertingConfiguration, now: Timestamp) async throws
}

extension Chore {
    var wakeUp: WakeUp? { nil }
}
