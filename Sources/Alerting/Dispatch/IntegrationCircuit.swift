import Columns

/// Keeps an integration that does not answer from being asked for every pending notification: after some failures in a row only
/// one try at a time goes out, at growing intervals, until one succeeds.
///
/// A value without clock and network.
struct IntegrationCircuit: Sendable {
    /// As the metric `obs_receiver_circuit_state` has them.
    enum State: Int, Sendable { case closed = 0, halfOpen = 1, open = 2 }

    static let failuresUntilOpen = 5
    static let longestPause = Duration.seconds(10)

    private(set) var state = State.closed
    private var failures = 0
    private var pausedUntil: Timestamp?
    /// When an open circuit lets the next try through.
    private(set) var triesAgainAt = Timestamp(microseconds: 0)

    /// Whether ``permitsTry(now:)`` would let one through.
    func mayTry(now: Timestamp) -> Bool {
        switch state {
        case .closed: true
        case .halfOpen: false
        case .open: now >= triesAgainAt
        }
    }

    /// Whether a try may begin now. An open circuit lets one through when its pause is over, and waits for how it ends.
    mutating func permitsTry(now: Timestamp) -> Bool {
        switch state {
        case .closed: return true
        case .halfOpen: return false
        case .open:
            guard now >= triesAgainAt else { return false }
            state = .halfOpen
            return true
        }
    }

    mutating func succeeded() {
        self = IntegrationCircuit()
    }

    /// It asked for a pause: nothing goes out until then, however many wait.
    mutating func isAskedToPause(until time: Timestamp) {
        pausedUntil = max(pausedUntil ?? time, time)
        (state, triesAgainAt) = (.open, max(triesAgainAt, time))
    }

    /// Whether a pause that was asked for goes on.
    func isPaused(at now: Timestamp) -> Bool { pausedUntil.map { $0 > now } ?? false }

    /// A try was let through and then nothing was sent.
    mutating func wasNotTried() { if state == .halfOpen { state = .open } }

    /// The clock was ahead when the next try was set.
    mutating func clockWentBack(to now: Timestamp) {
        triesAgainAt = min(triesAgainAt, now)
        pausedUntil = pausedUntil.map { min($0, now) }
    }

    mutating func failed(now: Timestamp) {
        failures += 1
        guard !isPaused(at: now) else { return }
        guard failures >= Self.failuresUntilOpen || state == .halfOpen else { return }
        state = .open
        triesAgainAt = now + min(Self.longestPause, .seconds(1 << max(0, min(failures - Self.failuresUntilOpen, 10))))
    }
}
