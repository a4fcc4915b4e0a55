import Incidents
import Columns
import Foundation
@preconcurrency import GRDB
import Store

/// Queries on the other records of the store: alerts, notifications, silences, and who did what. All are newest first.
public struct RecordQuestions: Sendable {
    private let store: Store

    /// Queries on the records of a store.
    public init(_ store: Store) {
        self.store = store
    }

    /// The active alerts, and those that ended lately.
    ///
    /// - Parameters:
    ///   - state: `firing` or `resolved`; nil for both.
    ///   - matchers: conditions on labels, as in routes.
    /// - Throws: ``QueryError/unknown(_:_:known:)`` for another state, `Matcher.Malformed`.
    public func alerts(
        state: String? = nil, matchers: String = "", since: Timestamp? = nil, until: Timestamp? = nil, limit: Int = 100,
        now: Timestamp
    ) throws -> Answer {
        if let state, !["firing", "resolved"].contains(state) {
            throw QueryError.unknown("state", state, known: ["firing", "resolved"])
        }
        let conditions = try [Matcher](parsing: matchers)
        let columns: [(String, ColumnType)] = [
            ("fingerprint", .text), ("state", .text), ("name", .text), ("severity", .text), ("incident", .text),
            ("starts_at", .timestamp),
            ("ends_at", .timestamp), ("labels", .text),
        ]
        return try store.database.read { database in
            var answer = Answer(columns, rows: [])
            let most = conditions.isEmpty ? limit + 1 : Self.patience
            var compared = 0
            let rows = try Row.fetchCursor(
                database, sql: Self.alertsInOrder,
                arguments: [since?.microseconds ?? .min, until?.microseconds ?? .max, state, now.microseconds, most])
            while let row = try rows.next() {
                try Task.checkCancellation()
                compared += 1
                // An alert that cannot be read is passed over.
                guard let fingerprint = Int64.fromDatabaseValue(row[0]), let text = String.fromDatabaseValue(row[1]),
                    let startsAt = Int64.fromDatabaseValue(row[3])
                else { continue }
                let labels = JSONText.pairs(text)
                guard conditions.match(labels) else { continue }
                if answer.rows.count == limit {
                    answer.note = "only the newest \(limit) are shown; ask for more with --limit"
                    break
                }
                let endsAt = Int64.fromDatabaseValue(row[4])
                let isFiring = endsAt.map { $0 > now.microseconds } ?? true
                answer.rows.append([
                    .text(Fingerprint.text(UInt64(bitPattern: fingerprint))), .text(isFiring ? "firing" : "resolved"),
                    .text(labels["alertname"] ?? ""), .text(labels["severity"] ?? ""),
                    Int64.fromDatabaseValue(row[2]).map { .text("INC-\($0)") } ?? .null,
                    .timestamp(Timestamp(microseconds: startsAt)),
                    endsAt.map { .timestamp(Timestamp(microseconds: $0)) } ?? .null,
                    .text(
                        labels.filter { $0.key != "alertname" && $0.key != "severity" }.sorted { $0.key < $1.key }
                            .map { "\($0.key)=\(JSONText.quote($0.value))" }.joined(separator: ", ")),
                ])
            }
            if compared == Self.patience, answer.note == nil {
                answer.note = "only the newest \(compared) were compared; narrow the question with --since"
            }
            answer.dispensable = ["fingerprint", "ends_at", "severity"]
            answer.main = "labels"
            return answer
        }
    }

    /// The maximum number of alerts that are compared with matchers.
    private static let patience = IncidentFilter.patience

    /// Few alerts are active at a time, so all are compared; only the ids are sorted, and only the rows of the result are read.
    /// The limit also keeps SQLite from dropping the order of a subquery in a join.
    static let alertsInOrder = """
        SELECT a.fingerprint, a.labels, a.incident, a.starts_at, a.ends_at FROM (
            SELECT id FROM alert WHERE starts_at BETWEEN ?1 AND ?2
                AND (?3 IS NULL OR ?3 = iif(ends_at IS NULL OR ends_at > ?4, 'firing', 'resolved'))
            ORDER BY starts_at DESC, id DESC LIMIT ?5) s
        CROSS JOIN alert a ON a.id = s.id
        """

    /// Notifications: sent, pending, and undeliverable ones. Repetitions that are not due yet are shown only when `state` is
    /// `pending`.
    ///
    /// - Parameters:
    ///   - state: `pending`, `sent`, `dead` or `resending`; nil for all.
    ///   - receiver: nil for all.
    /// - Throws: ``QueryError/unknown(_:_:known:)`` for another state.
    public func notifications(
        state: String? = nil, receiver: String? = nil, since: Timestamp? = nil, until: Timestamp? = nil, limit: Int = 100,
        now: Timestamp
    ) throws -> Answer {
        let states = ["pending", "sent", "dead", "resending"]
        if let state, !states.contains(state) { throw QueryError.unknown("state", state, known: states) }
        // Nearly all are sent, so the index of any other state is short.
        let equal = [("state", state == "sent" ? nil : state), ("receiver", receiver), ("state", state == "sent" ? state : nil)]
        return try rows(
            "SELECT id, receiver, state, attempts, created_at, due_at, sent_at, group_key, last_error FROM outbox",
            Conditions(time: "created_at", since, state == nil ? min(until ?? now, now) : until, equal),
            [
                ("id", .int64), ("receiver", .text), ("state", .text), ("attempts", .int64), ("created_at", .timestamp),
                ("due_at", .timestamp),
                ("sent_at", .timestamp), ("group", .text), ("last_error", .text),
            ], limit, dispensable: ["due_at", "group", "sent_at"])
    }

    /// The audit: who did what to what, from where, and what was before and after.
    ///
    /// - Parameters:
    ///   - actor: nil for all.
    ///   - subject: what it was done to, such as `INC-1001`; nil for all.
    ///   - hasHashes: whether each entry has its number and hash, so that the chain can be followed in an export.
    public func audit(
        actor: String? = nil, subject: String? = nil, since: Timestamp? = nil, until: Timestamp? = nil, limit: Int = 100,
        hasHashes: Bool = false
    ) throws -> Answer {
        let texts = ["actor", "action", "subject", "before", "after", "detail", "origin"]
        var columns: [(String, ColumnType)] = [("at", .timestamp)] + texts.map { ($0, .text) }
        if hasHashes { columns += [("id", .int64), ("hash", .text)] }
        let chosen = columns.map { $0.0 == "hash" ? "lower(hex(hash))" : $0.0 }.joined(separator: ", ")
        return try rows(
            "SELECT \(chosen) FROM audit", Conditions(time: "at", since, until, [("subject", subject), ("actor", actor)]),
            columns,
            limit, dispensable: ["origin", "before"])
    }

    /// Silences.
    ///
    /// - Parameter state: `pending`, `active` or `expired`; nil for those that have not ended.
    /// - Throws: ``QueryError/unknown(_:_:known:)`` for another state.
    public func silences(state: String? = nil, limit: Int = 100, now: Timestamp) throws -> Answer {
        if let state, Silence.State(rawValue: state) == nil {
            throw QueryError.unknown("state", state, known: Silence.State.allCases.map(\.rawValue))
        }
        let silences = SilenceStore(store)
        let all =
            state == "expired"
            ? try silences.expired(at: now, limit: limit + 1)
            : try silences.silences(endingAfter: now).filter { state == nil || $0.state(at: now).rawValue == state }.reversed()
        var answer = Answer.silences(Array(all.prefix(limit)), now: now)
        if all.count > limit { answer.note = "only the newest \(limit) are shown; ask for more with --limit" }
        answer.dispensable = ["starts_at", "created_by"]
        answer.main = "matchers"
        return answer
    }

    /// Conditions on the rows of a table, written so that an index on the first of them and the time returns the rows in order.
    struct Conditions {
        let sql: String
        let arguments: StatementArguments

        init(time: String, _ since: Timestamp?, _ until: Timestamp?, _ equal: [(column: String, value: String?)]) {
            var conditions: [String] = [], values: [any DatabaseValueConvertible] = []
            for (column, value) in equal {
                guard let value else { continue }
                // The plus keeps SQLite from using the index of a second condition, which it cannot know to be worse.
                conditions.append("\(values.isEmpty ? "" : "+")\(column) = ?")
                values.append(value)
            }
            for (comparison, bound) in [(">=", since), ("<=", until)] {
                guard let bound else { continue }
                conditions.append("\(time) \(comparison) ?")
                values.append(bound.microseconds)
            }
            let filter = conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND ")
            sql = "\(filter) ORDER BY \(time) DESC, id DESC LIMIT ?"
            arguments = StatementArguments(values)
        }
    }

    private func rows(
        _ sql: String, _ conditions: Conditions, _ columns: [(String, ColumnType)], _ limit: Int, dispensable: [String] = []
    ) throws -> Answer {
        try store.database.read { database in
            let found = try Row.fetchAll(database, sql: sql + conditions.sql, arguments: conditions.arguments + [limit + 1])
            var answer = Answer(
                columns,
                rows: found.prefix(limit).map { row in
                    columns.indices.map { index in
                        switch (row[index] as DatabaseValue).storage {
                        case .int64(let number):
                            columns[index].1 == .timestamp ? .timestamp(Timestamp(microseconds: number)) : .int(number)
                        case .string(let text): .text(text)
                        default: .null
                        }
                    }
                }, note: found.count > limit ? "only the newest \(limit) are shown; ask for more with --limit" : nil)
            answer.dispensable = dispensable
            return answer
        }
    }
}
