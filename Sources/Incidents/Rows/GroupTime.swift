import Columns
@preconcurrency import GRDB

/// When a group of a receiver is looked at.
struct GroupTime: PositionalRow {
    static let columns = ["receiver", "group_key", "group_interval", "repeat_interval", "last_flush", "last_sent"]

    var receiver: String
    var key: String
    var interval: Duration
    var repeatInterval: Duration
    var lastFlush: Timestamp?
    var lastSent: Timestamp?

    init(row: Row) throws {
        var reader = RowReader(row)
        receiver = try reader.next()
        key = try reader.next()
        interval = .microseconds(try reader.next() as Int64)
        repeatInterval = .microseconds(try reader.next() as Int64)
        lastFlush = try reader.optionalTime()
        lastSent = try reader.optionalTime()
    }

    /// The next time at which the group is looked at anyway.
    func nextTick(_ now: Timestamp) -> Timestamp { GroupingBatch.tick(after: now, from: lastFlush ?? now, every: interval) }

    func schedule(at due: Timestamp, since: Timestamp, _ database: Database) throws {
        try Outbox.schedule(receiver, key, at: due, pendingSince: since, database)
    }
}
