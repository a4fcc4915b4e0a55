import Columns
import Synchronization

/// The configuration in force. The inbox, the dispatcher and the chores of a process share it, and a reload replaces it as a
/// whole.
final class ConfigurationInForce: Sendable {
    private struct State {
        var configuration: AlertingConfiguration
        /// Counts replacements.
        var version = 1
        /// The version whose groups the alerts are in.
        var groupedVersion = 0
        /// Until when the dispatcher waits for the groups of this version; nil once putting alerts into them was tried.
        var patience: ContinuousClock.Instant?

        init(_ configuration: AlertingConfiguration) {
            self.configuration = configuration
            patience = .now + ConfigurationInForce.patience
        }
    }

    /// How long notifications wait for alerts to be put into the groups of a new configuration.
    private static let patience = Duration.seconds(5)

    private let state: Mutex<State>
    /// Wakes whoever puts alerts into the groups of a new configuration.
    let isReplaced = WakeUp()

    init(_ configuration: AlertingConfiguration) { state = Mutex(State(configuration)) }

    var current: AlertingConfiguration { state.withLock { $0.configuration } }

    func replace(with new: AlertingConfiguration) {
        state.withLock { state in
            state.configuration = new
            state.version += 1
            state.patience = .now + Self.patience
        }
        isReplaced.wake()
    }

    /// The version whose groups the alerts are not in yet; nil when they are in those of the configuration in force.
    var versionToGroup: Int? { state.withLock { $0.groupedVersion == $0.version ? nil : $0.version } }

    /// Writes down that putting alerts into the groups of a version was tried.
    func triedToGroup(version: Int, isDone: Bool) {
        state.withLock { state in
            if version == state.version { state.patience = nil }
            if isDone { state.groupedVersion = version }
        }
    }

    /// Has all alerts put into their groups once more; notifications do not wait for it.
    func groupAgain() {
        state.withLock { $0.groupedVersion = 0 }
        isReplaced.wake()
    }

    /// Whether notifications wait: alerts may still be in groups whose route or receiver the configuration no longer has.
    func isGrouping(now: ContinuousClock.Instant = .now) -> Bool { state.withLock { $0.patience.map { now < $0 } ?? false } }
}
