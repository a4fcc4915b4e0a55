import Columns
import Incidents

/// Notifications that were sent, or found to have nothing to say, and whose outcome could not be stored because the disk is full
/// or the store fails otherwise. They are remembered here so that they are not sent again; storing them is tried again after
/// growing pauses.
///
/// They are in memory only: a process that ends before it could store them sends once more at its next start, with the same key.
struct Unstored: Sendable {
    struct Entry: Sendable {
        var draft: Outbox.Draft
        var settlement: Settlement
        /// When it happened, which is what is written down however late.
        var at: Timestamp
    }

    private struct Held {
        var entry: Entry?
        var failures: Int
        var nextTry: ContinuousClock.Instant
    }

    /// The most that are remembered: no further one is sent until some are stored, so that memory is bounded.
    static let limit = 1000
    static let longestPause = Duration.seconds(30)

    private var held: [Int64: Held] = [:]

    /// How many wait to be stored.
    private(set) var count = 0

    func entry(_ id: Int64) -> Entry? { held[id]?.entry }

    /// Whether this notification may be read or stored now; one that is held may when its pause is over.
    func permits(_ id: Int64, now: ContinuousClock.Instant) -> Bool {
        guard let one = held[id] else { return count < Self.limit }
        return one.nextTry <= now
    }

    /// Whether it only waits to be stored, so that no service is asked.
    func isSettled(_ id: Int64) -> Bool { held[id]?.entry != nil }

    /// The store failed for this notification: before it was sent (`entry` is nil), or after.
    ///
    /// - Returns: how often in a row.
    mutating func failed(_ id: Int64, _ entry: Entry?, now: ContinuousClock.Instant) -> Int {
        let failures = (held[id]?.failures ?? 0) + 1
        let pause = min(Self.longestPause, .milliseconds(250 << min(failures, 8)))
        if entry != nil, held[id]?.entry == nil { count += 1 }
        held[id] = Held(entry: entry ?? held[id]?.entry, failures: failures, nextTry: now + pause)
        // One that was not sent is forgotten when its pause is over: its row may be gone and never come again.
        if held.count > 10 * Self.limit { held = held.filter { $0.value.entry != nil || $0.value.nextTry > now } }
        return failures
    }

    /// It is stored. The store works again, so the others need not wait for the end of their pauses.
    mutating func stored(_ id: Int64, now: ContinuousClock.Instant) {
        guard let one = held.removeValue(forKey: id) else { return }
        if one.entry != nil { count -= 1 }
        for other in held.keys { held[other]?.nextTry = now }
    }

    /// All that waits to be stored.
    var entries: [Entry] { held.values.compactMap(\.entry) }
}
