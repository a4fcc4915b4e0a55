import Synchronization
import Telemetry

/// The conditions that must hold before `/-/ready` says yes: stores are open, each source was polled once, and each pipeline that
/// failed runs again.
public final class Readiness: Sendable {
    private let waiting: Mutex<[String]>
    /// What is degraded, whether obs is ready or not.
    public let notes: HealthNotes

    /// - Parameter conditions: what to wait for, as `/-/ready` names it.
    public init(_ conditions: [String], notes: HealthNotes = HealthNotes()) {
        waiting = Mutex(conditions)
        self.notes = notes
    }

    /// The condition holds; it is not waited for any longer.
    public func isMet(_ condition: String) {
        waiting.withLock { $0.removeAll { $0 == condition } }
    }

    /// From now on obs is not ready until `condition` ``isMet(_:)``.
    public func waits(for condition: String) {
        waiting.withLock { if !$0.contains(condition) { $0.append(condition) } }
    }

    /// The conditions that do not hold yet; none when obs is ready.
    public var missing: [String] { waiting.withLock { $0 } }
}
