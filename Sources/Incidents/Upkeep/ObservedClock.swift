import Columns
@preconcurrency import GRDB
import Store

/// What the clock of the machine has shown so far. It may be wrong for an hour, years ahead even, and then be put right; both
/// steps are found here, and each has its remedy:
///
///     ahead   what is deleted by such a time does not come back, so a clock that has jumped ahead is not believed before it has
///             gone on from there for a day (``believed``): until then nothing counts as older than it was
///     back    the clock was ahead, and what was stored by it may lie further in the future than it should
///             (``wentBack(now:)``, ``TimeCorrection``)
///
/// A step back is noticed by a process for itself; the believed time is kept in the store, because it must outlive restarts.
public struct ObservedClock: Sendable {
    /// A step back of less than this is the slewing of a clock that is kept in time.
    static let tolerance = Duration.seconds(2)
    /// A step ahead of more than this is a jump. Longer pauses of a process are rare, and what they delay is only a clean-up.
    static let longestStep = Duration.seconds(2 * 86_400)
    /// How long a clock must go on from where it jumped to.
    static let proof = Duration.seconds(86_400)

    /// The latest time that it showed; nil before the first.
    private(set) var latest: Timestamp?
    /// The time by which old rows may be deleted; nil before the first reading.
    private(set) var believed: Timestamp?
    /// Where the clock jumped to, and the last time that it showed since.
    private(set) var jump: (to: Timestamp, seenAt: Timestamp)?

    /// A clock that has not been read yet.
    public init() {}

    init(believed: Timestamp, jump: (to: Timestamp, seenAt: Timestamp)?) {
        self.believed = believed
        self.jump = jump
    }

    /// Takes in a reading.
    ///
    /// - Returns: true when `now` lies before an earlier reading, and at the first one of a process: it does not know what the
    ///   clock showed to the process before it.
    public mutating func wentBack(now: Timestamp) -> Bool {
        guard let known = latest else {
            latest = now
            return true
        }
        let isBack = now + Self.tolerance < known
        latest = isBack ? now : max(known, now)
        return isBack
    }

    /// Takes in a reading.
    ///
    /// - Returns: the time by which old rows may be deleted.
    mutating func believe(_ now: Timestamp) -> Timestamp {
        guard let believed, now > believed + Self.longestStep else {
            // A clock that was put back is followed at once: by it things are only younger.
            (self.believed, jump) = (now, nil)
            return now
        }
        guard let known = jump, now >= known.to, now <= known.seenAt + Self.longestStep else {
            jump = (now, now)
            return believed
        }
        jump = (known.to, now)
        guard now >= known.to + Self.proof else { return believed }
        (self.believed, jump) = (now, nil)
        return now
    }
}

extension IncidentStore {
    /// The time by which old rows may be deleted: `now`, unless the clock has jumped ahead and has not gone on from there for a
    /// day. What the clock shows is kept in the store.
    public static func believedTime(_ now: Timestamp, _ database: Database) throws -> Timestamp {
        var clock = ObservedClock()
        if let row = try Row.fetchOne(database, sql: "SELECT believed, jumped_to, seen_at FROM believed_time"),
            let believed = Int64.fromDatabaseValue(row[0])
        {
            let jump = Int64.fromDatabaseValue(row[1]).flatMap { to in Int64.fromDatabaseValue(row[2]).map { (to, $0) } }
            clock = ObservedClock(
                believed: Timestamp(microseconds: believed),
                jump: jump.map { (Timestamp(microseconds: $0), Timestamp(microseconds: $1)) })
        }
        let believed = clock.believe(now)
        try database.execute(
            sql: "INSERT OR REPLACE INTO believed_time VALUES (1, ?, ?, ?)",
            arguments: [believed.microseconds, clock.jump?.to.microseconds, clock.jump?.seenAt.microseconds])
        return believed
    }
}
