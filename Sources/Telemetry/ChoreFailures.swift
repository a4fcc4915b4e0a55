/// How a loop bears that one of its chores fails: the chore waits for longer and longer before it is tried again, the others go
/// on, and the same error is logged now and then.
///
/// Knows no clock. Times are those of the clock that never jumps.
public struct ChoreFailures: Sendable {
    private struct Failure {
        var count = 0
        var retryAt: ContinuousClock.Instant
        var loggedAt: ContinuousClock.Instant?
        var text = ""
    }

    /// Doubled at each failure in a row, from the first to the longest.
    private let firstPause: Duration
    private let longestPause: Duration
    /// The same error is logged no more often than this.
    static let logInterval = Duration.seconds(600)

    private var failures: [String: Failure] = [:]

    /// No chore has failed yet. After a failure a chore waits for `firstPause`, then twice as long each time, up to
    /// `longestPause`.
    public init(firstPause: Duration = .seconds(1), longestPause: Duration = .seconds(60)) {
        self.firstPause = firstPause
        self.longestPause = longestPause
    }

    /// Whether a chore may be done now: it has not failed, or its pause is over.
    public func mayTry(_ chore: String, now: ContinuousClock.Instant) -> Bool {
        failures[chore].map { $0.retryAt <= now } ?? true
    }

    /// Writes down that a chore has failed.
    ///
    /// - Returns: whether to log it: the error is another than the last, or it is time to say it again.
    public mutating func failed(_ chore: String, _ text: String, now: ContinuousClock.Instant) -> Bool {
        var failure = failures[chore] ?? Failure(retryAt: now)
        failure.count += 1
        failure.retryAt = now + min(longestPause, firstPause * (1 << min(failure.count - 1, 20)))
        let isNews = failure.text != text || failure.loggedAt.map { now - $0 >= Self.logInterval } ?? true
        if isNews { (failure.text, failure.loggedAt) = (text, now) }
        failures[chore] = failure
        return isNews
    }

    /// Writes down that a chore is done.
    ///
    /// - Returns: whether it had failed before.
    public mutating func succeeded(_ chore: String) -> Bool { failures.removeValue(forKey: chore) != nil }
}
