import Columns
import Incidents

/// What became of one look at a notification. It is written down by ``Outbox/settle(_:_:now:)``.
enum Settlement: Sendable {
    /// There was nothing to tell.
    case nothingToTell
    /// - Parameter delivered: the endpoints that took or refused the payload, which need not get it again.
    case postponed(reason: String, delivered: Set<String>, until: Timestamp)
    /// Nobody is to be told any more; what it was to say is kept.
    case dead(reason: String, delivered: Set<String>)
    /// - Parameters:
    ///   - isTold: false when the receiver has no endpoint that wants it: then it is settled, and nobody was told.
    ///   - complaint: what those who took it did not like about it.
    case sent(isTold: Bool, complaint: String?)
}

/// Notifications whose look has ended and could not be written down, because the disk is full or the store fails otherwise. What went out is remembered here,
/// so that it is not sent again; storing it is tried again after growing pauses.
///
/// It is in memory only: a process that ends before it could store sends once more at its next start, with the same key.
struct Unstored: Sendable {
    struct Entry: Sendable {
        var due: Outbox.Due
        var settlement: Settlement
        /// When it happened, which is what is written down however late.
        var at: Timestamp
    }

    private struct Held {
        var entry: Entry?
        var failures: Int
        var nextTry: ContinuousClock.Instant
    }

    /// So many are remembered; then no further one is sent until some are stored, so that memory is bounded.
    static let limit = 1000
    static let longestPause = Duration.seconds(30)

    private var held: [Int64: Held] = [:]

    /// How many wait to be stored.
    private(set) var count = 0

    func entry(_ id: Int64) -> Entry? { held[id]?.entry }

    /// Whether this notification may be looked at now; one that is held may when its pause is over.
    func permits(_ id: Int64, now: ContinuousClock.Instant) -> Bool {
        guard let one = held[id] else { return count < Self.limit }
        return one.nextTry <= now
    }

    /// Whether it only waits to be stored, and so needs nobody to be reached.
    func isSettled(_ id: Int64) -> Bool { held[id]?.entry != nil }

    /// The store failed for this notification: before it was sent (`entry` is nil), or after.
    ///
    /// - Returns: how often in a row.
    mutating func failed(_ id: Int64, _ entry: Entry?, now: ContinuousClock.Instant) -> Int {
        let failures = (held[id]?.failures ?? 0) + 1
        let pause = min(Self.longestPause, .milliseconds(250 << min(failures, 8)))
        if entry != nil, held[id]?.entry == nil { count += 1 }
        held[id] = Held(entry: entry ?? held[id]?.entry, failures: failures, nextTry: now + pause)
        // What only waits for its next look is forgotten when it has waited: a row that is gone never comes again.
        if held.count > 10 * Self.limit { held = held.filter { $0.value.entry != nil || $0.value.nextTry > now } }
        return failures
    }

    /// It is written down. The store works again, so the others need not wait out their pauses.
    mutating func stored(_ id: Int64, now: ContinuousClock.Instant) {
        guard let one = held.removeValue(forKey: id) else { return }
        if one.entry != nil { count -= 1 }
        for other in held.keys { held[other]?.nextTry = now }
    }

    /// All that waits to be stored.
    var entries: [Entry] { held.values.compactMap(\.entry) }
}
