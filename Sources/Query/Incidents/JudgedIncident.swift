import Columns
import Foundation
@preconcurrency import GRDB
import Incidents
import Store

/// An incident of the past and what people made of it, as a trial of rules needs it.
public struct JudgedIncident: Sendable {
    /// Whether somebody who resolved it found that the rule was right.
    public enum Verdict: Sendable {
        /// Resolved as fixed, or as expected: it happened.
        case right
        /// Resolved as a false positive.
        case wrong
    }

    public let number: Int64
    /// The number of its parent incident; nil when it has none.
    public let parent: Int64?
    /// The name of its rule.
    public let name: String
    /// What it is about, without the name of its rule and the severity.
    public let labels: Labels
    /// In event time, as ``lastSeen``.
    public let startsAt: Timestamp
    public let lastSeen: Timestamp
    /// When it, or its parent, was opened, by the clock.
    public let openedAt: Timestamp
    /// Whether it had been over for long when it was found, so that ``openedAt`` says nothing of how fast it was found.
    public let isOfThePast: Bool
    /// Its own, or that of its parent; nil while nobody has resolved it.
    public let verdict: Verdict?

    /// The incidents of rules whose events lie in a range of event time, oldest first.
    public static func all(in store: Store, from: Timestamp, to: Timestamp) throws -> [JudgedIncident] {
        try store.database.read { database in
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT i.number, i.merged_into, i.name, i.labels, i.starts_at, i.last_seen,
                        min(i.opened_at, coalesce(p.opened_at, i.opened_at)), i.found_in_past, i.resolution, p.resolution
                    FROM incident i LEFT JOIN incident p ON p.number = i.merged_into
                    WHERE i.last_seen >= ? AND i.starts_at <= ? AND i.detector <> ? ORDER BY i.starts_at, i.number
                    """, arguments: [from.microseconds, to.microseconds, Incident.postedDetector])
            var found: [JudgedIncident] = []
            while let row = try rows.next() { if let one = JudgedIncident(row) { found.append(one) } }
            return found
        }
    }

    /// One of which nothing else is known.
    public init(name: String, labels: Labels, verdict: Verdict?) {
        (number, parent, self.name, self.labels, self.verdict) = (0, nil, name, labels, verdict)
        (startsAt, lastSeen, openedAt, isOfThePast) = (.init(seconds: 0), .init(seconds: 0), .init(seconds: 0), true)
    }

    private init?(_ row: Row) {
        guard let number = Int64.fromDatabaseValue(row[0]), let name = String.fromDatabaseValue(row[2]),
            let labels = String.fromDatabaseValue(row[3]), let starts = Int64.fromDatabaseValue(row[4]),
            let last = Int64.fromDatabaseValue(row[5]), let opened = Int64.fromDatabaseValue(row[6])
        else { return nil }
        self.number = number
        parent = Int64.fromDatabaseValue(row[1])
        self.name = name
        self.labels = Labels(JSONText.pairs(labels).filter { !["alertname", "severity"].contains($0.key) })
        startsAt = Timestamp(microseconds: starts)
        lastSeen = Timestamp(microseconds: last)
        openedAt = Timestamp(microseconds: opened)
        isOfThePast = Int.fromDatabaseValue(row[7]) == 1
        verdict = Self.verdict(String.fromDatabaseValue(row[8])) ?? Self.verdict(String.fromDatabaseValue(row[9]))
    }

    private static func verdict(_ resolution: String?) -> Verdict? {
        switch resolution.flatMap(Incident.Resolution.init) {
        case .fixed, .expected: .right
        case .falsePositive: .wrong
        case .quiet, .past, nil: nil
        }
    }
}
