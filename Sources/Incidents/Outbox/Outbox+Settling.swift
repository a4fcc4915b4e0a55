import Columns
import Foundation
@preconcurrency import GRDB

/// What was decided on for a notification, and what is to be stored of it once it is known what became of it.
public struct Settling: Sendable {
    /// An alert of the group.
    public struct Member: Sendable {
        /// Its id in the table `alert`.
        public var alert: Int64
        /// ``MemberRow/version`` as it was looked at: what comes in while a notification is under way must not be taken for
        /// notified.
        public var version: Int64
        /// What the receiver knew of it before.
        public var notified: Notified?
        /// It ended before its receiver was notified of it, though it ought to have been.
        public var isMissed: Bool
        /// What it knows when it was notified; the outer nil is for an alert that leaves the group.
        public var afterNotifying: Notified??
        /// What it knows when it was not notified; the outer nil is for an alert that leaves the group.
        public var otherwise: Notified??

        /// How one alert was found and what becomes of it.
        public init(
            alert: Int64, version: Int64, notified: Notified?, isMissed: Bool, afterNotifying: Notified??, otherwise: Notified??
        ) {
            self.alert = alert
            self.version = version
            self.notified = notified
            self.isMissed = isMissed
            self.afterNotifying = afterNotifying
            self.otherwise = otherwise
        }
    }

    /// Of the notification.
    public var id: Int64
    /// Who was notified, or was not.
    public var receiver: String
    /// The group's id; 0 for a dead letter that is sent once more.
    public var grouping: Int64
    /// Failed tries before this one.
    public var attempts: Int
    /// When the group was looked at.
    public var at: Timestamp
    /// A dead letter that is sent once more, as it was: its group knows nothing of it.
    public var isResent: Bool
    /// The alerts that the notification is about: the incident of each, and whether it is said to fire.
    public var alerts: [(incident: Int64?, isFiring: Bool)]
    /// The incidents of alerts that ended before the receiver was notified, and whether something muted them.
    public var unheard: [(incident: Int64?, wasMuted: Bool)]
    /// All alerts of the group that could be read.
    public var members: [Member]
    /// Incidents of posted alerts that have ended.
    public var ended: Set<Int64>
    /// How many alerts are news that something mutes.
    public var mutedNews: Int

    /// What a look at a group has found.
    public init(
        id: Int64, receiver: String, grouping: Int64, attempts: Int, at: Timestamp, isResent: Bool,
        alerts: [(incident: Int64?, isFiring: Bool)], unheard: [(incident: Int64?, wasMuted: Bool)], members: [Member],
        ended: Set<Int64>, mutedNews: Int
    ) {
        self.id = id
        self.receiver = receiver
        self.grouping = grouping
        self.attempts = attempts
        self.at = at
        self.isResent = isResent
        self.alerts = alerts
        self.unheard = unheard
        self.members = members
        self.ended = ended
        self.mutedNews = mutedNews
    }
}

/// What has become of a notification, what its receiver knows now, and when its group is looked at next. Each is one transaction.
extension Outbox {
    /// Writes down that a notification was delivered, and schedules the group's next one.
    ///
    /// - Parameters:
    ///   - isNotified: false when no integration of the receiver wants it: then it is settled, and nobody was notified.
    ///   - complaint: an error beside the success, such as a recipient that was refused.
    public func markSent(_ due: Settling, isNotified: Bool, complaint: String?, now: Timestamp) async throws {
        try await incidents.write { database in
            try database.execute(
                sql: """
                    UPDATE outbox SET state = 'sent', sent_at = ?, attempts = attempts + 1, last_error = ?, delivered = NULL
                    WHERE id = ?
                    """,
                arguments: [now.microseconds, complaint, due.id])
            if isNotified { try note(due, complaint: complaint, now, database) }
            // The receiver is there again: what failed before need not wait out its pause.
            try database.execute(
                sql: """
                    UPDATE outbox SET due_at = ?1, first_due = coalesce(first_due, due_at)
                    WHERE receiver = ?2 AND state IN ('pending', 'resending') AND attempts > 0 AND due_at > ?1
                    """,
                arguments: [now.microseconds, due.receiver])
            if !due.isResent { try settle(due, isNotified: true, now, database) }
        }
    }

    /// Ends a notification that has nothing to say: it counts neither as sent nor as failed. Muted alerts are looked at again.
    public func skip(_ due: Settling, now: Timestamp) async throws {
        try await incidents.write { database in
            try database.execute(sql: "DELETE FROM outbox WHERE id = ?", arguments: [due.id])
            try settle(due, isNotified: false, now, database)
        }
    }

    /// Writes down that a notification is to be tried again; the first time, also on the timeline.
    ///
    /// - Parameter delivered: the endpoints that took or refused the payload, which need not get it again.
    public func postpone(
        _ due: Settling, reason: String, delivered: Set<String>, until retryAt: Timestamp, now: Timestamp
    ) async throws {
        try await incidents.write { database in
            try database.execute(
                sql: """
                    UPDATE outbox SET attempts = attempts + 1, last_error = ?, first_due = coalesce(first_due, due_at),
                        tried_at = ?, due_at = ?, delivered = ?
                    WHERE id = ?
                    """,
                arguments: [
                    reason, now.microseconds, retryAt.microseconds, try IncidentStore.json(delivered.sorted()), due.id,
                ])
            if due.attempts == 0 {
                try noteUndelivered(due, "\(due.receiver) could not be notified yet and is tried again: \(reason)", now, database)
            }
        }
    }

    /// Turns an undeliverable notification into a dead letter, which keeps its payload, and schedules the group's next
    /// notification.
    ///
    /// - Parameters:
    ///   - reason: the error.
    ///   - delivered: as ``PendingNotification/delivered``.
    ///   - isAnyNotified: whether an integration has accepted it.
    ///   - payload: JSON: what it was to say.
    ///   - news: why it was to be sent.
    public func giveUp(
        _ due: Settling, reason: String, delivered: Set<String>, isAnyNotified: Bool, payload: String, news: NotificationReason?,
        now: Timestamp
    ) async throws {
        try await incidents.write { database in
            try database.execute(
                sql: """
                    UPDATE outbox SET attempts = attempts + 1, last_error = ?, due_at = created_at, state = 'dead',
                        delivered = ?, payload = ?, reason = ?
                    WHERE id = ?
                    """,
                arguments: [
                    reason, try IncidentStore.json(delivered.sorted()), payload, news?.rawValue,
                    due.id,
                ])
            try noteUndelivered(
                due, "\(due.receiver) could not be notified (notification \(due.id) is a dead letter): \(reason)", now, database)
            guard !due.isResent else { return }
            if isAnyNotified {
                // Others took it: the receiver knows, only not everywhere.
                try note(due, complaint: nil, now, database)
                return try settle(due, isNotified: true, now, database)
            }
            // What began and ended meanwhile is in the dead letter; nobody is notified of it again.
            for member in due.members where member.isMissed {
                try database.execute(
                    sql: "DELETE FROM alert_membership WHERE grouping = ? AND alert = ?",
                    arguments: [due.grouping, member.alert])
            }
            try PostedIncident.resolve(due.ended, now: now, database)
            try database.execute(
                sql: "UPDATE alert_grouping SET last_flush = ? WHERE id = ?", arguments: [due.at.microseconds, due.grouping])
            try scheduleNext(due, afterGivingUp: true, now, database)
        }
    }

    /// Removes a row that can never be sent: the group of a pending one is gone, or the payload of a dead letter cannot be read.
    public func setAside(_ id: Int64) async throws {
        try await incidents.write { database in
            try database.execute(
                sql: """
                    DELETE FROM outbox WHERE id = ?1 AND state = 'pending' AND NOT EXISTS (
                        SELECT 1 FROM alert_grouping g WHERE g.receiver = outbox.receiver AND g.group_key = outbox.group_key)
                    """, arguments: [id])
            try database.execute(
                sql: """
                    UPDATE outbox SET state = 'dead', last_error = 'what it was to say cannot be read; drop it'
                    WHERE id = ? AND state = 'resending'
                    """,
                arguments: [id])
        }
    }

    /// One timeline entry per incident that the notification was about.
    private func note(_ due: Settling, complaint: String?, _ now: Timestamp, _ database: Database) throws {
        var isAnyFiring: [Int64: Bool] = [:]
        for (incident, isFiring) in due.alerts {
            if let incident { isAnyFiring[incident] = isFiring || isAnyFiring[incident] ?? false }
        }
        for (incident, isFiring) in isAnyFiring.sorted(by: { $0.key < $1.key }) {
            let text = "\(due.receiver) was notified that it is \(isFiring ? "firing" : "resolved")"
            try insert(.notified, complaint.map { "\(text), but \($0)" } ?? text, incident, now, database)
        }
    }

    private func noteUndelivered(_ due: Settling, _ text: String, _ now: Timestamp, _ database: Database) throws {
        for incident in Set(due.alerts.compactMap(\.incident)).sorted() {
            try insert(.undelivered, text, incident, now, database)
        }
    }

    /// One timeline entry per incident whose alerts ended before the receiver was notified of them.
    private func noteUnheard(_ due: Settling, _ now: Timestamp, _ database: Database) throws {
        var wasMuted: [Int64: Bool] = [:]
        for (incident, muted) in due.unheard { if let incident { wasMuted[incident] = muted || wasMuted[incident] ?? false } }
        for (incident, muted) in wasMuted.sorted(by: { $0.key < $1.key }) {
            let why =
                muted
                ? "it ended while a silence, an inhibition or a time interval held it back"
                : "it had ended when it was to be notified"
            try insert(.unheard, "\(due.receiver) was not notified: \(why)", incident, now, database)
        }
    }

    private func insert(_ kind: TimelineKind, _ text: String, _ incident: Int64, _ now: Timestamp, _ database: Database) throws {
        try IncidentLedger.note(incident, now, kind, text, database)
    }

    /// Writes down what the receiver knows now, removes alerts that have ended, and schedules the next look.
    private func settle(_ due: Settling, isNotified: Bool, _ now: Timestamp, _ database: Database) throws {
        let change = try database.cachedStatement(
            sql: "UPDATE alert_membership SET notified = ? WHERE grouping = ? AND alert = ?")
        let leave = try database.cachedStatement(
            sql: """
                DELETE FROM alert_membership WHERE grouping = ?1 AND alert = ?2 AND EXISTS (SELECT 1 FROM alert
                    WHERE id = ?2 AND updated_at = ?3)
                """)
        for member in due.members {
            switch isNotified ? member.afterNotifying : member.otherwise {
            case nil:
                try leave.execute(arguments: [due.grouping, member.alert, member.version])
                if database.changesCount == 0 { try change.execute(arguments: [nil, due.grouping, member.alert]) }
            case .some(let notified) where notified != member.notified:
                try change.execute(arguments: [notified?.rawValue, due.grouping, member.alert])
            default: break
            }
        }
        try database.execute(
            sql: "UPDATE alert_grouping SET last_flush = ?, last_sent = coalesce(?, last_sent) WHERE id = ?",
            arguments: [due.at.microseconds, isNotified ? now.microseconds : nil, due.grouping])
        if !due.unheard.isEmpty, !due.receiver.isEmpty { try noteUnheard(due, now, database) }
        try PostedIncident.resolve(due.ended, now: now, database)
        try scheduleNext(due, afterGivingUp: false, now, database)
    }

    /// Schedules the group's next look: at the first `group_interval` at which something is new, an alert ends, or it
    /// is time to repeat.
    ///
    /// - Parameter afterGivingUp: an undeliverable notification is not sent again as news; the group waits for the next end or
    ///   repetition.
    private func scheduleNext(_ due: Settling, afterGivingUp: Bool, _ now: Timestamp, _ database: Database) throws {
        let next = try NextLook.firstReadable(
            database.cachedStatement(
                sql: """
                    SELECT \(GroupTime.columns("g")),
                        sum((a.ends_at IS NULL OR a.ends_at > ?1) AND m.notified IS NOT 'firing'), sum(a.ends_at <= ?1),
                        min(CASE WHEN a.ends_at > ?1 THEN a.ends_at END),
                        sum((a.ends_at IS NULL OR a.ends_at > ?1) AND i.state IS NOT 'acknowledged')
                    FROM alert_grouping g JOIN alert_membership m ON m.grouping = g.id JOIN alert a ON a.id = m.alert
                    LEFT JOIN incident i ON i.number = a.incident WHERE g.id = ?2
                    """), [now.microseconds, due.grouping])
        guard let next else { return }
        let group = next.group
        func tick(atOrAfter time: Timestamp) -> Timestamp {
            GroupingBatch.tick(after: max(time - .microseconds(1), now), from: group.lastFlush ?? now, every: group.interval)
        }
        if due.members.contains(where: \.isMissed), !afterGivingUp { return try group.schedule(at: now, since: now, database) }
        let news = afterGivingUp ? 0 : next.begun + next.ended
        if news > due.mutedNews { return try group.schedule(at: tick(atOrAfter: now), since: now, database) }
        var looks: [Timestamp] = news > 0 ? [tick(atOrAfter: now)] : []
        // An end that is far is looked at again after each repetition, so that no look lies further ahead than that.
        if let end = next.nextEnd { looks.append(tick(atOrAfter: min(end, now + group.repeatInterval))) }
        if next.repeatable > 0 {
            looks.append(tick(atOrAfter: (afterGivingUp ? now : group.lastSent ?? now) + group.repeatInterval))
        }
        // A look is not pending before its time.
        if let look = looks.min() { try group.schedule(at: look, since: look, database) }
    }
}

/// A group and how many of its alerts wait for what; nothing when no alert is in it.
struct NextLook: PositionalRow {
    static var columns: [String] { GroupTime.columns + ["begun", "ended", "next_end", "repeatable"] }

    let group: GroupTime
    let begun: Int
    let ended: Int
    let nextEnd: Timestamp?
    let repeatable: Int

    init(row: Row) throws {
        group = try GroupTime(row: row)
        var reader = RowReader(row, from: GroupTime.columns.count)
        begun = try reader.next()
        ended = try reader.optional() ?? 0
        nextEnd = try reader.optionalTime()
        repeatable = try reader.next()
    }
}
