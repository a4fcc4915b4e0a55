import Columns
import Foundation
@preconcurrency import GRDB
import Notify

/// What is written down after a look at a group: how it went, what its receiver knows now, and when it is looked at next.
extension Outbox {
    /// Writes down what became of a look, in one transaction with what is owed next to the same group.
    ///
    /// - Parameter now: when it happened, however late it is written down.
    func settle(_ due: Due, _ settlement: Settlement, now: Timestamp) async throws {
        switch settlement {
        case .nothingToTell: try await pass(due, now: now)
        case .postponed(let reason, let delivered, let retryAt):
            try await postpone(due, reason: reason, delivered: delivered, until: retryAt, now: now)
        case .dead(let reason, let delivered): try await bury(due, reason: reason, delivered: delivered, now: now)
        case .sent(let isTold, let complaint): try await markSent(due, isTold: isTold, complaint: complaint, now: now)
        }
    }

    /// Writes down that a notification was delivered, and what is owed next to the same group.
    ///
    /// - Parameters:
    ///   - isTold: false when the receiver has no endpoint that wants it: then it is settled, and nobody was told.
    ///   - complaint: what those who took it did not like about it.
    func markSent(_ due: Due, isTold: Bool = true, complaint: String? = nil, now: Timestamp) async throws {
        try await incidents.write { database in
            try database.execute(
                sql:
                    "UPDATE outbox SET state = 'sent', sent_at = ?, attempts = attempts + 1, last_error = ?, delivered = NULL WHERE id = ?",
                arguments: [now.microseconds, complaint, due.id])
            if isTold { try note(due, complaint: complaint, now, database) }
            // The receiver is there again: what failed before need not wait out its pause.
            try database.execute(
                sql: """
                    UPDATE outbox SET due_at = ?1, first_due = coalesce(first_due, due_at)
                    WHERE receiver = ?2 AND state IN ('pending', 'resending') AND attempts > 0 AND due_at > ?1
                    """,
                arguments: [now.microseconds, due.receiver])
            if !due.isResent { try settle(due, isTold: true, now, database) }
        }
    }

    /// Ends a look that found nothing to tell: it counts neither as sent nor as failed. What is held back is looked at again.
    func pass(_ due: Due, now: Timestamp) async throws {
        try await incidents.write { database in
            try database.execute(sql: "DELETE FROM outbox WHERE id = ?", arguments: [due.id])
            try settle(due, isTold: false, now, database)
        }
    }

    /// Writes down that a notification is to be tried again; the first time, also on the timeline.
    ///
    /// - Parameter delivered: the endpoints that took or refused the payload, which need not get it again.
    func postpone(_ due: Due, reason: String, delivered: Set<String>, until retryAt: Timestamp, now: Timestamp) async throws {
        try await incidents.write { database in
            try database.execute(
                sql: """
                    UPDATE outbox SET attempts = attempts + 1, last_error = ?, first_due = coalesce(first_due, due_at), tried_at = ?, due_at = ?, delivered = ?
                    WHERE id = ?
                    """,
                arguments: [
                    reason, now.microseconds, retryAt.microseconds, try IncidentStore.json(delivered.sorted()), due.id,
                ])
            if due.attempts == 0 {
                try noteUndelivered(due, "\(due.receiver) could not be told yet and is tried again: \(reason)", now, database)
            }
        }
    }

    /// Makes a notification that somebody did not take a dead letter, which keeps what it was to say, and owes what its group is told next.
    func bury(_ due: Due, reason: String, delivered: Set<String>, now: Timestamp) async throws {
        try await incidents.write { database in
            try database.execute(
                sql: """
                    UPDATE outbox SET attempts = attempts + 1, last_error = ?, due_at = created_at, state = 'dead', delivered = ?, payload = ?, reason = ?
                    WHERE id = ?
                    """,
                arguments: [
                    reason, try IncidentStore.json(delivered.sorted()), due.notice.json, due.reason?.rawValue,
                    due.id,
                ])
            try noteUndelivered(
                due, "\(due.receiver) could not be told (notification \(due.id) is a dead letter): \(reason)", now, database)
            guard !due.isResent else { return }
            if delivered.contains(where: Progress.isTold) {
                // Others took it: the receiver knows, only not everywhere.
                try note(due, complaint: nil, now, database)
                return try settle(due, isTold: true, now, database)
            }
            // What began and ended meanwhile is in the dead letter; nobody is told of it again.
            for member in due.state.members where member.isMissed {
                try database.execute(
                    sql: "DELETE FROM alert_membership WHERE grouping = ? AND alert = ?",
                    arguments: [due.grouping, member.alert])
            }
            try PostedIncident.resolve(due.ended, now: now, database)
            try database.execute(
                sql: "UPDATE alert_grouping SET last_flush = ? WHERE id = ?", arguments: [due.at.microseconds, due.grouping])
            try oweNext(due, afterDeath: true, now, database)
        }
    }

    /// Takes a row out of the way that can never be loaded: one whose group is gone has nothing to tell, and what cannot be read cannot be sent again.
    func setAside(_ id: Int64) async throws {
        try await incidents.write { database in
            try database.execute(
                sql: """
                    DELETE FROM outbox WHERE id = ?1 AND state = 'pending' AND NOT EXISTS (
                        SELECT 1 FROM alert_grouping g WHERE g.receiver = outbox.receiver AND g.group_key = outbox.group_key)
                    """, arguments: [id])
            try database.execute(
                sql:
                    "UPDATE outbox SET state = 'dead', last_error = 'what it was to say cannot be read; drop it' WHERE id = ? AND state = 'resending'",
                arguments: [id])
        }
    }

    /// One entry a told incident on its timeline.
    private func note(_ due: Due, complaint: String?, _ now: Timestamp, _ database: Database) throws {
        var statuses: [Int64: Set<String>] = [:]
        for (incident, status) in due.alerts { if let incident { statuses[incident, default: []].insert(status) } }
        for (incident, status) in statuses.sorted(by: { $0.key < $1.key }) {
            let isFiring = status.contains { $0 == "firing" }
            let told = "\(due.receiver) was told that it is \(isFiring ? "firing" : "resolved")"
            try insert("notified", complaint.map { "\(told), but \($0)" } ?? told, incident, now, database)
        }
    }

    private func noteUndelivered(_ due: Due, _ text: String, _ now: Timestamp, _ database: Database) throws {
        for incident in Set(due.alerts.compactMap(\.incident)).sorted() {
            try insert("undelivered", text, incident, now, database)
        }
    }

    /// One entry an incident whose alerts ended before anybody was to be told of them.
    private func noteUnheard(_ due: Due, _ now: Timestamp, _ database: Database) throws {
        var wasMuted: [Int64: Bool] = [:]
        for (incident, muted) in due.unheard { if let incident { wasMuted[incident] = muted || wasMuted[incident] ?? false } }
        for (incident, muted) in wasMuted.sorted(by: { $0.key < $1.key }) {
            let why =
                muted
                ? "it ended while a silence, an inhibition or a time interval held it back"
                : "it had ended when it was to be told"
            try insert("unheard", "\(due.receiver) was not told: \(why)", incident, now, database)
        }
    }

    private func insert(_ kind: String, _ text: String, _ incident: Int64, _ now: Timestamp, _ database: Database) throws {
        try database.executeCached(
            sql: "INSERT INTO timeline (incident, at, actor, kind, text) VALUES (?, ?, 'obs', ?, ?)",
            arguments: [incident, now.microseconds, kind, text])
    }

    /// Writes down what the receiver knows now, lets go of alerts that have ended, and owes what comes next.
    private func settle(_ due: Due, isTold: Bool, _ now: Timestamp, _ database: Database) throws {
        let tell = try database.cachedStatement(sql: "UPDATE alert_membership SET notified = ? WHERE grouping = ? AND alert = ?")
        let leave = try database.cachedStatement(
            sql: """
                DELETE FROM alert_membership WHERE grouping = ?1 AND alert = ?2 AND EXISTS (SELECT 1 FROM alert WHERE id = ?2 AND updated_at = ?3)
                """)
        for ((alert, told), (member, version)) in zip(due.state.after(telling: isTold), zip(due.state.members, due.versions)) {
            switch told {
            case nil:
                try leave.execute(arguments: [due.grouping, alert, version])
                if database.changesCount == 0 { try tell.execute(arguments: [nil, due.grouping, alert]) }
            case .some(let told) where told != member.told: try tell.execute(arguments: [told?.rawValue, due.grouping, alert])
            default: break
            }
        }
        try database.execute(
            sql: "UPDATE alert_grouping SET last_flush = ?, last_sent = coalesce(?, last_sent) WHERE id = ?",
            arguments: [due.at.microseconds, isTold ? now.microseconds : nil, due.grouping])
        if !due.unheard.isEmpty, !due.receiver.isEmpty { try noteUnheard(due, now, database) }
        try PostedIncident.resolve(due.ended, now: now, database)
        try oweNext(due, afterDeath: false, now, database)
    }

    /// When a group is looked at next: at the first `group_interval` at which something new is to be told, an alert ends, or it is time to repeat.
    ///
    /// - Parameter afterDeath: what could not be told is not news; it waits for the next end or repetition.
    private func oweNext(_ due: Due, afterDeath: Bool, _ now: Timestamp, _ database: Database) throws {
        guard
            let row = try Row.fetchOne(
                database,
                sql: """
                    SELECT g.receiver, g.group_key, g.group_interval, g.repeat_interval, g.last_flush, g.last_sent,
                        sum((a.ends_at IS NULL OR a.ends_at > ?1) AND m.notified IS NOT 'firing') AS begun,
                        sum(a.ends_at <= ?1) AS ended, min(CASE WHEN a.ends_at > ?1 THEN a.ends_at END) AS next_end,
                        sum((a.ends_at IS NULL OR a.ends_at > ?1) AND i.state IS NOT 'acknowledged') AS repeatable
                    FROM alert_grouping g JOIN alert_membership m ON m.grouping = g.id JOIN alert a ON a.id = m.alert
                    LEFT JOIN incident i ON i.number = a.incident WHERE g.id = ?2
                    """, arguments: [now.microseconds, due.grouping]), let receiver = row["receiver"] as String?
        else { return }
        let lastFlush = Timestamp(microseconds: row["last_flush"] ?? now.microseconds)
        func tick(atOrAfter time: Timestamp) -> Timestamp {
            GroupingBatch.tick(
                after: max(time - .microseconds(1), now), from: lastFlush, every: .microseconds(row["group_interval"] as Int64))
        }
        if due.isAnyMissed, !afterDeath {
            return try IncidentStore.owe(receiver, row["group_key"], at: now, owedSince: now, database)
        }
        let news = afterDeath ? 0 : (row["begun"] as Int) + (row["ended"] as Int? ?? 0)
        if news > due.heldBack {
            return try IncidentStore.owe(receiver, row["group_key"], at: tick(atOrAfter: now), owedSince: now, database)
        }
        var next: [Timestamp] = news > 0 ? [tick(atOrAfter: now)] : []
        // An end that is far is looked at again after each repetition, so that no look lies further ahead than that.
        if let end = row["next_end"] as Int64? {
            let latest = now + .microseconds(row["repeat_interval"] as Int64)
            next.append(tick(atOrAfter: min(Timestamp(microseconds: end), latest)))
        }
        if row["repeatable"] as Int > 0 {
            let last = Timestamp(microseconds: afterDeath ? now.microseconds : row["last_sent"] as Int64? ?? now.microseconds)
            next.append(tick(atOrAfter: last + .microseconds(row["repeat_interval"] as Int64)))
        }
        // A look is not owed before its time.
        if let look = next.min() { try IncidentStore.owe(receiver, row["group_key"], at: look, owedSince: look, database) }
    }
}
