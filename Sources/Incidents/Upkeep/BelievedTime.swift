import Columns
@preconcurrency import GRDB
import Store

/// The time by which old things are deleted. The clock of a machine may be wrong for an hour, years ahead even, and what is
/// deleted by it does not come back when it is right again. So a clock that has jumped ahead is believed only when it has gone
/// on from there for a day; until then nothing counts as older than it was.
struct BelievedTime: Equatable {
    /// Longer pauses of a process are rare, and what they delay is only a clean-up.
    static let longestStep = Duration.seconds(2 * 86_400)
    /// How long a clock must go on from where it jumped to.
    static let proof = Duration.seconds(86_400)

    private(set) var believed: Timestamp
    /// Where the clock jumped to, and the last time that it showed since.
    private(set) var jump: (to: Timestamp, seenAt: Timestamp)?

    init(_ now: Timestamp) { believed = now }

    init(believed: Timestamp, jump: (to: Timestamp, seenAt: Timestamp)?) {
        self.believed = believed
        self.jump = jump
    }

    static func == (left: Self, right: Self) -> Bool {
        left.believed == right.believed && left.jump?.to == right.jump?.to && left.jump?.seenAt == right.jump?.seenAt
    }

    /// Takes in what the clock shows; gives the time to go by.
    mutating func observe(_ now: Timestamp) -> Timestamp {
        guard now > believed + Self.longestStep else {
            // A clock that was put back is followed at once: by it things are only younger.
            believed = now
            jump = nil
            return believed
        }
        guard let known = jump, now >= known.to, now <= known.seenAt + Self.longestStep else {
            jump = (now, now)
            return believed
        }
        jump = (known.to, now)
        guard now >= known.to + Self.proof else { return believed }
        believed = now
        jump = nil
        return believed
    }

    /// Takes in what the clock shows, and remembers it in the store.
    static func now(_ now: Timestamp, _ database: Database) throws -> Timestamp {
        var time = BelievedTime(now)
        if let row = try Row.fetchOne(database, sql: "SELECT believed, jumped_to, seen_at FROM believed_time"),
            let believed = Int64.fromDatabaseValue(row[0])
        {
            let jump = Int64.fromDatabaseValue(row[1]).flatMap { to in Int64.fromDatabaseValue(row[2]).map { (to, $0) } }
            time = BelievedTime(
                believed: Timestamp(microseconds: believed),
                jump: jump.map { (Timestamp(microseconds: $0), Timestamp(microseconds: $1)) })
        }
        let believed = time.observe(now)
        try database.execute(
            sql: "INSERT OR REPLACE INTO believed_time VALUES (1, ?, ?, ?)",
            arguments: [time.believed.microseconds, time.jump?.to.microseconds, time.jump?.seenAt.microseconds])
        return believed
    }
}

extension IncidentStore {
    /// The time by which old rows may be deleted: `now`, unless the clock has jumped ahead and has not gone on from there for a
    /// day.
    public static func believedTime(_ now: Timestamp, _ database: Database) throws -> Timestamp {
        try BelievedTime.now(now, database)
    }
}
