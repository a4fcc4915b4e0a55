import Columns
import Foundation
@preconcurrency import GRDB
import Incidents
import Store

/// What came of one rule: its incidents, and what people made of them.
public struct RuleRecord: Sendable {
    /// How many it opened.
    public var incidents = 0
    /// How many of them nobody has resolved.
    public var open = 0
    /// Incidents that a person resolved, and those of them that were false positives.
    public var resolved = 0
    /// Those that were resolved as false positives.
    public var falsePositives = 0
    /// When it last saw anything, in event time.
    public var lastSeen: Timestamp?
    /// The values of labels that false positives had most often, at most three.
    public var noisiest: [(label: String, value: String, count: Int)] = []

    /// Of a rule that found nothing.
    public init() {}

    /// The share of false positives among the incidents that a person resolved; nil when nobody resolved one.
    public var falseShare: Double? { resolved == 0 ? nil : Double(falsePositives) / Double(resolved) }

    /// Whether most incidents that a person resolved were false positives, and at least three were resolved: fewer are chance.
    public var isMostlyWrong: Bool { resolved >= 3 && falsePositives * 2 > resolved }

    /// The records of all rules that have had an incident since a time, by name.
    public static func all(in store: Store, since: Timestamp) throws -> [String: RuleRecord] {
        try store.database.read { database in
            var records: [String: RuleRecord] = [:]
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT name, count(*), sum(state <> 'resolved'), sum(state = 'resolved' AND changed_by IS NOT NULL),
                        sum(state = 'resolved' AND resolution = 'false_positive'), max(last_seen)
                    FROM incident WHERE opened_at >= ? AND detector <> ? GROUP BY name
                    """, arguments: [since.microseconds, Incident.postedDetector])
            while let row = try rows.next() {
                var record = RuleRecord()
                record.incidents = Int.fromDatabaseValue(row[1]) ?? 0
                record.open = Int.fromDatabaseValue(row[2]) ?? 0
                record.falsePositives = Int.fromDatabaseValue(row[4]) ?? 0
                record.resolved = max(Int.fromDatabaseValue(row[3]) ?? 0, record.falsePositives)
                record.lastSeen = Int64.fromDatabaseValue(row[5]).map(Timestamp.init(microseconds:))
                if let name = String.fromDatabaseValue(row[0]) { records[name] = record }
            }
            try addNoisiest(to: &records, since, database)
            return records
        }
    }

    private static func addNoisiest(to records: inout [String: RuleRecord], _ since: Timestamp, _ database: Database) throws {
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT i.name, l.key, l.value, count(*) FROM incident i, json_each(i.labels) l
                WHERE i.opened_at >= ? AND i.resolution = 'false_positive' AND l.key NOT IN ('alertname', 'severity')
                GROUP BY 1, 2, 3 ORDER BY 4 DESC, 2, 3 LIMIT 1000
                """, arguments: [since.microseconds])
        while let row = try rows.next() {
            guard let name = String.fromDatabaseValue(row[0]), let label = String.fromDatabaseValue(row[1]),
                let value = String.fromDatabaseValue(row[2]), let count = Int.fromDatabaseValue(row[3]),
                records[name]?.noisiest.count ?? 3 < 3
            else { continue }
            records[name]?.noisiest.append((label, value, count))
        }
    }
}
