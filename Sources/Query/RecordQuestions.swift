import Alerting
import Columns
import Foundation
@preconcurrency import GRDB
import Store

/// What can be asked of the other records of the store: alerts, notifications, silences, and who did what. Newest first.
public struct RecordQuestions: Sendable {
    private let store: Store

    public init(_ store: Store) {
        self.store = store
    }

    /// The alerts that hold, and those that ended lately.
    ///
    /// - Parameter state: `firing` or `resolved`; nil is both.
    public func alerts(state: String? = nil, matchers: String = "", since: Timestamp? = nil, limit: Int = 100, now: Timestamp)
        throws -> Answer
    {
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
            let rows = try Row.fetchCursor(
                database, sql: "SELECT * FROM alert WHERE starts_at >= ? ORDER BY starts_at DESC, id DESC",
                arguments: [since?.microseconds ?? .min])
            while let row = try rows.next() {
                let labels = IncidentStore.labels(row["labels"])
                let endsAt = row["ends_at"] as Int64?
                let isFiring = endsAt.map { $0 > now.microseconds } ?? true
                guard state == nil || (state == "firing") == isFiring, conditions.match(labels) else { continue }
                if answer.rows.count == limit {
                    answer.note = "only the newest \(limit) are shown; ask for more with --limit"
                    break
                }
                let fingerprint = String(UInt64(bitPattern: row["fingerprint"]), radix: 16)
                answer.rows.append([
                    .text(String(repeating: "0", count: 16 - fingerprint.count) + fingerprint),
                    .text(isFiring ? "firing" : "resolved"),
                    .text(labels["alertname"] ?? ""), .text(labels["severity"] ?? ""),
                    (row["incident"] as Int64?).map { .text("INC-\($0)") } ?? .null,
                    .timestamp(Timestamp(microseconds: row["starts_at"])),
                    endsAt.map { .timestamp(Timestamp(microseconds: $0)) } ?? .null,
                    .text(
                        labels.filter { $0.key != "alertname" && $0.key != "severity" }.sorted { $0.key < $1.key }
                            .map { "\($0.key)=\(JSONText.quote($0.value))" }.joined(separator: ", ")),
                ])
            }
            answer.dispensable = ["fingerprint", "ends_at", "severity"]
            return answer
        }
    }

    /// What was sent to whom, what waits, and what could not be sent.
    public func notifications(
        state: String? = nil, receiver: String? = nil, since: Timestamp? = nil, until: Timestamp? = nil, limit: Int = 100
    ) throws -> Answer {
        let states = ["pending", "sent", "dead", "resending"]
        if let state, !states.contains(state) { throw QueryError.unknown("state", state, known: states) }
        return try rows(
            """
            SELECT id, receiver, state, attempts, created_at, due_at, sent_at, group_key, last_error FROM outbox
            WHERE (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR receiver = ?2) AND created_at BETWEEN ?3 AND ?4 ORDER BY id DESC LIMIT ?5
            """,
            [state, receiver, since?.microseconds ?? .min, until?.microseconds ?? .max, limit + 1],
            [
                ("id", .int64), ("receiver", .text), ("state", .text), ("attempts", .int64), ("created_at", .timestamp),
                ("due_at", .timestamp),
                ("sent_at", .timestamp), ("group", .text), ("last_error", .text),
            ], limit, dispensable: ["due_at", "group", "sent_at"])
    }

    /// Who did what to what.
    public func audit(
        actor: String? = nil, subject: String? = nil, since: Timestamp? = nil, until: Timestamp? = nil, limit: Int = 100
    ) throws -> Answer {
        try rows(
            """
            SELECT at, actor, action, subject, detail FROM audit
            WHERE at BETWEEN ?1 AND ?2 AND (?3 IS NULL OR actor = ?3) AND (?4 IS NULL OR subject = ?4) ORDER BY id DESC LIMIT ?5
            """,
            [since?.microseconds ?? .min, until?.microseconds ?? .max, actor, subject, limit + 1],
            [("at", .timestamp), ("actor", .text), ("action", .text), ("subject", .text), ("detail", .text)], limit)
    }

    /// - Parameter state: `pending`, `active` or `expired`; nil is those that have not ended.
    public func silences(state: String? = nil, limit: Int = 100, now: Timestamp) throws -> Answer {
        if let state, Silence.State(rawValue: state) == nil {
            throw QueryError.unknown("state", state, known: Silence.State.allCases.map(\.rawValue))
        }
        let all = try SilenceStore(store).silences(endingAfter: state == "expired" ? Timestamp(microseconds: .min) : now)
            .filter { state == nil || $0.state(at: now).rawValue == state }.reversed()
        var answer = Answer(
            [
                ("id", .text), ("state", .text), ("matchers", .text), ("starts_at", .timestamp), ("ends_at", .timestamp),
                ("created_by", .text),
                ("comment", .text),
            ],
            rows: all.prefix(limit).map {
                [
                    .text($0.id), .text($0.state(at: now).rawValue),
                    .text($0.matchers.map(\.description).joined(separator: ", ")),
                    .timestamp($0.startsAt), .timestamp($0.endsAt), .text($0.createdBy), .text($0.comment),
                ]
            }, note: all.count > limit ? "only the newest \(limit) are shown; ask for more with --limit" : nil)
        answer.dispensable = ["starts_at", "created_by"]
        return answer
    }

    private func rows(
        _ sql: String, _ arguments: StatementArguments, _ columns: [(String, ColumnType)], _ limit: Int,
        dispensable: [String] = []
    ) throws -> Answer {
        try store.database.read { database in
            let found = try Row.fetchAll(database, sql: sql, arguments: arguments)
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
