import Columns
import Detection
import Foundation
@preconcurrency import GRDB

/// A row of the table `incident`.
struct IncidentRow: PositionalRow {
    static let columns = [
        "number", "fingerprint", "name", "worst_name", "detector", "severity", "state", "title", "headline", "description",
        "worst_description", "labels", "worst_labels", "starts_at", "last_seen", "opened_at", "resolved_at", "acknowledged_by",
        "acknowledged_at", "assignee", "resolution", "version", "changed_by", "merged_into", "merged_because", "reopened",
        "quiet_for", "found_in_past", "seen_by", "ends_by_hand", "ends_after", "worst", "merged_count", "within", "line_count",
        "contributions", "count", "total", "session_start", "session_total", "lines",
    ]

    let incident: Incident

    init(row: Row) throws { try self.init(row, from: 0) }

    /// - Parameter index: where its columns begin, in a statement that selects others before them.
    init(_ row: Row, from index: Int) throws {
        var reader = RowReader(row, from: index)
        let number: Int64 = try reader.next(), fingerprint: String = try reader.next()
        let name: String = try reader.next(), worstName: String? = try reader.optional()
        let detector: String = try reader.next()
        let severity = Severity(rawValue: try reader.next()) ?? .info,
            state = Incident.State(rawValue: try reader.next()) ?? .open
        let title: String = try reader.next(), headline: String? = try reader.optional()
        let description: String = try reader.next(), worstDescription: String? = try reader.optional()
        let labels = JSONText.pairs(try reader.next()), worstLabels = (try reader.optional() as String?).map(JSONText.pairs)
        let startsAt = try reader.time(), lastSeen = try reader.time(), openedAt = try reader.time()
        let resolvedAt = try reader.optionalTime(), acknowledgedBy: String? = try reader.optional()
        let acknowledgedAt = try reader.optionalTime(), assignee: String? = try reader.optional()
        let resolution = (try reader.optional() as String?).flatMap(Incident.Resolution.init)
        let version: Int = try reader.next(), changedBy: String? = try reader.optional()
        let mergedInto: Int64? = try reader.optional(), mergedBecause: String? = try reader.optional()
        let reopened: Int = try reader.next(), quietFor = try reader.optionalDuration()
        let wasFoundInPast: Bool = try reader.next(), seenBy: String? = try reader.optional()
        let end = EndPolicy(isByHand: try reader.next(), quiet: try reader.optionalDuration())
        let worst: Int64? = try reader.optional(), mergedCount: Int = try reader.next()
        let within = try reader.optionalDuration(), lineCount: Int? = try reader.optional()
        let contributions: String = try reader.next(), ownCount: Int = try reader.peek(), lines = try reader.lineCount()
        incident = Incident(
            number: number, fingerprint: fingerprint, name: worstName ?? name, detector: detector, severity: severity,
            state: state,
            title: headline ?? title, description: worstDescription ?? description, labels: worstLabels ?? labels,
            startsAt: startsAt, lastSeen: lastSeen, openedAt: openedAt, resolvedAt: resolvedAt, acknowledgedBy: acknowledgedBy,
            acknowledgedAt: acknowledgedAt, assignee: assignee, resolution: resolution, version: version, changedBy: changedBy,
            mergedInto: mergedInto, mergedBecause: mergedBecause, reopened: reopened, isFlapping: quietFor != nil,
            wasFoundInPast: wasFoundInPast, seenBy: seenBy, end: end, ownLabels: labels, worst: worst, ownCount: ownCount,
            mergedCount: mergedCount, within: within, lines: lines, lineCount: lineCount,
            contributions: contributions == "[]" ? [] : IncidentStore.decode(contributions) ?? [])
    }

    /// The statement that finds incidents, as `i`.
    static func select(_ rest: String) -> String { selected + rest }

    /// Made once: it is asked for with each finding.
    private static let selected = "SELECT \(columns("i")) FROM incident i "

    /// The incidents that a cached statement finds and that can be read.
    static func incidents(_ rest: String, _ arguments: StatementArguments = [], _ database: Database) throws -> [Incident] {
        try readable(database.cachedStatement(sql: select(rest)), arguments).map(\.incident)
    }

    /// The first of them.
    static func incident(_ rest: String, _ arguments: StatementArguments = [], _ database: Database) throws -> Incident? {
        try firstReadable(database.cachedStatement(sql: select(rest)), arguments)?.incident
    }
}
