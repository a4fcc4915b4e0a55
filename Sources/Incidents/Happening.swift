import Columns
import Detection
@preconcurrency import GRDB

/// A decision about an incident, for those who count how long incidents take.
public struct Happening: PositionalRow, Sendable {
    static let ofEntry = ["id", "at", "kind"]
    static let ofIncident = ["severity", "name", "detector", "resolution", "starts_at", "opened_at", "acknowledged_at"]
    static var columns: [String] { ofEntry + ofIncident }

    static func entryColumns(_ alias: String) -> String { ofEntry.map { "\(alias).\($0)" }.joined(separator: ", ") }
    static func incidentColumns(_ alias: String) -> String { ofIncident.map { "\(alias).\($0)" }.joined(separator: ", ") }

    let entry: Int64
    /// When it was decided.
    public let at: Timestamp
    /// ``TimelineKind/opened``, ``TimelineKind/acknowledged`` or ``TimelineKind/resolved``.
    public let kind: TimelineKind
    /// Of the incident, as it is now.
    public let severity: Severity
    /// The rule or alert of the incident.
    public let name: String
    /// What found the incident: `rule`, `ensemble`, `forest`, `series`, or ``Incident/postedDetector``.
    public let detector: String
    /// As it is now.
    public let resolution: Incident.Resolution?
    /// Time of the first event of the incident.
    public let startsAt: Timestamp
    /// When obs opened the incident.
    public let openedAt: Timestamp
    /// When it was first acknowledged; nil when nobody has it.
    public let acknowledgedAt: Timestamp?

    /// Reads ``columns``.
    public init(row: Row) throws {
        var reader = RowReader(row)
        entry = try reader.next()
        at = try reader.time()
        kind = TimelineKind(rawValue: try reader.next()) ?? .note
        severity = Severity(rawValue: try reader.next()) ?? .info
        name = try reader.next()
        detector = try reader.next()
        resolution = (try reader.optional() as String?).flatMap(Incident.Resolution.init)
        startsAt = try reader.time()
        openedAt = try reader.time()
        acknowledgedAt = try reader.optionalTime()
    }
}

extension IncidentStore {
    /// The id of the newest entry of all timelines; 0 when there is none.
    public func newestEntry() throws -> Int64 {
        try read { try Int64.fetchOne($0, sql: "SELECT max(id) FROM timeline") ?? 0 }
    }

    /// What was decided after an entry of the timelines, by whichever process: openings, acknowledgements and ends of incidents
    /// that are not children; at most ten thousand.
    ///
    /// - Returns: them, and the entry from which to go on.
    public func happenings(after entry: Int64) throws -> (happenings: [Happening], last: Int64) {
        try read { database in
            let found = try Happening.readable(
                database.cachedStatement(
                    sql: """
                        SELECT \(Happening.entryColumns("t")), \(Happening.incidentColumns("i"))
                        FROM timeline t JOIN incident i ON i.number = t.incident
                        WHERE t.id > ? AND t.kind IN ('opened', 'acknowledged', 'resolved') AND i.merged_into IS NULL
                            AND NOT (t.kind = 'opened' AND i.found_in_past) ORDER BY t.id LIMIT 10000
                        """), [entry])
            return (found, found.last?.entry ?? entry)
        }
    }
}
