import Columns
@preconcurrency import GRDB

/// What is listed of the alerts that fire. What silences and inhibits them is looked up elsewhere.
extension AlertStore {
    /// How many alerts fire.
    public static func firingCount(now: Timestamp, _ database: Database) throws -> Int {
        try Int.fetchOne(
            database.cachedStatement(sql: "SELECT count(*) FROM alert WHERE ends_at IS NULL OR ends_at > ?"),
            arguments: [now.microseconds]) ?? 0
    }

    /// How many groups have alerts in them.
    public static func groupCount(_ database: Database) throws -> Int {
        try Int.fetchOne(database, sql: "SELECT count(DISTINCT grouping) FROM alert_membership") ?? 0
    }

    /// The groups by their id, in the order of their labels and receivers.
    public static func listedGroups(_ database: Database) throws -> [Int64: ListedGroup] {
        let rows = try ListedGroup.readable(
            database.cachedStatement(
                sql: "SELECT \(ListedGroup.columns("g")) FROM alert_grouping g ORDER BY group_labels, receiver"))
        return rows.enumerated().reduce(into: [:]) { groups, row in
            var group = row.element
            group.index = row.offset
            groups[group.id] = group
        }
    }

    /// Gives each group with the id of each alert in it, in the order in which the groups were made.
    public static func eachMembership(_ database: Database, _ body: (ListedGroup, Int64) -> Void) throws {
        let groups = try listedGroups(database)
        let rows = try Row.fetchCursor(
            database.cachedStatement(sql: "SELECT grouping, alert FROM alert_membership ORDER BY grouping, alert"))
        while let row = try rows.next() {
            guard let id = Int64.fromDatabaseValue(row[0]), let alert = Int64.fromDatabaseValue(row[1]) else { continue }
            if let group = groups[id] { body(group, alert) }
        }
    }

    /// Gives each alert that fires, until `body` throws. Alerts that cannot be read are left out.
    public static func eachFiring(now: Timestamp, _ database: Database, _ body: (FiringAlert) throws -> Void) throws {
        let rows = try Row.fetchCursor(
            database.cachedStatement(
                sql: """
                    SELECT \(FiringAlert.alertColumns("a")), \(FiringAlert.incidentColumns("i")) FROM alert a
                    LEFT JOIN incident i ON a.is_finding AND i.number = a.incident WHERE a.ends_at IS NULL OR a.ends_at > ?
                    """), arguments: [now.microseconds])
        while let row = try rows.next() {
            if let alert = try? FiringAlert(row: row) { try body(alert) }
        }
    }
}

/// A group of a receiver.
public struct ListedGroup: PositionalRow, Sendable {
    static let columns = ["id", "receiver", "group_labels"]

    let id: Int64
    /// In the order of labels and receivers.
    public fileprivate(set) var index = 0
    /// The receiver of the group; empty when nobody is notified.
    public let receiver: String
    /// JSON.
    public let labels: String

    /// Reads ``columns``.
    public init(row: Row) throws {
        var reader = RowReader(row)
        id = try reader.next()
        receiver = try reader.next()
        labels = try reader.next()
    }
}

/// An alert that fires.
public struct FiringAlert: PositionalRow, Sendable {
    static let ofAlert = [
        "id", "fingerprint", "labels", "annotations", "generator_url", "starts_at", "ends_at", "updated_at", "incident",
        "is_finding",
    ]
    static let ofIncident = ["name", "title", "description", "updated_at"]
    static var columns: [String] { ofAlert + ofIncident }

    static func alertColumns(_ alias: String) -> String { ofAlert.map { "\(alias).\($0)" }.joined(separator: ", ") }
    static func incidentColumns(_ alias: String) -> String { ofIncident.map { "\(alias).\($0)" }.joined(separator: ", ") }

    /// Its id in the table `alert`.
    public let id: Int64
    /// The hash of its labels (``Fingerprint``).
    public let fingerprint: UInt64
    /// JSON with sorted names.
    public let labels: String
    /// JSON with sorted names; empty for findings.
    public let annotations: String
    /// Where it came about; empty when its sender did not say, and for findings.
    public let generatorURL: String
    /// Since when it fires.
    public let startsAt: Timestamp
    /// Nil: it ends with its incident.
    public let endsAt: Timestamp?
    /// When it, or its finding's incident, was changed last.
    public let updatedAt: Timestamp
    /// The number of the incident that it belongs to.
    public let incident: Int64?
    /// Whether a finding made it, and nobody posted it.
    public let isFinding: Bool
    /// Of the incident of a finding.
    public let name: String
    /// Of the incident of a finding; empty for posted alerts.
    public let title: String
    /// Of the incident of a finding; empty for posted alerts.
    public let description: String
    /// When the incident of a finding was changed last.
    public let incidentUpdatedAt: Timestamp?

    /// Reads ``columns``.
    public init(row: Row) throws {
        var reader = RowReader(row)
        id = try reader.next()
        fingerprint = UInt64(bitPattern: try reader.next() as Int64)
        labels = try reader.next()
        annotations = try reader.next()
        generatorURL = try reader.next()
        startsAt = try reader.time()
        endsAt = try reader.optionalTime()
        let updated = try reader.time()
        incident = try reader.optional()
        isFinding = try reader.next()
        name = reader.lenient() ?? ""
        title = reader.lenient() ?? ""
        description = reader.lenient() ?? ""
        incidentUpdatedAt = (reader.lenient() as Int64?).map { Timestamp(microseconds: $0) }
        updatedAt = incidentUpdatedAt ?? updated
    }
}
