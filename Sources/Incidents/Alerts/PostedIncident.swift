import Columns
@preconcurrency import GRDB
import Store

/// Incidents of posted alerts: what is known is read here, ``PostedPolicy`` decides, ``IncidentLedger`` writes.
enum PostedIncident {
    static let detector = Incident.postedDetector

    /// Takes in alerts that begin to fire in a group; opens its incident when it has none.
    ///
    /// - Parameter open: the number of the incident that the group has.
    /// - Returns: the number of the incident that they are in.
    static func take(
        _ alerts: [Alert], in grouping: Int64, _ groupLabels: Labels, open: Int64?, now: Timestamp, _ database: Database
    ) throws -> Int64 {
        let policy = PostedPolicy(grouping: grouping, groupLabels: groupLabels)
        if let open {
            // One that cannot be read keeps its alerts all the same.
            if let incident = try IncidentStore.fetch(open, database) {
                try IncidentLedger.apply(policy.take(alerts, open: incident, now: now), now: now, database)
            }
            return open
        }
        guard let number = try IncidentLedger.apply(policy.take(alerts, open: nil, now: now), now: now, database) else {
            return 0
        }
        try database.executeCached(sql: "UPDATE alert_grouping SET incident = ? WHERE id = ?", arguments: [number, grouping])
        return number
    }

    /// Resolves those of the incidents `numbers` none of whose alerts fires any more.
    static func resolve(_ numbers: some Sequence<Int64>, now: Timestamp, _ database: Database) throws {
        for number in numbers {
            let row = try Row.fetchOne(
                database.cachedStatement(
                    sql: """
                        SELECT EXISTS (SELECT 1 FROM alert WHERE incident = ?1 AND (ends_at IS NULL OR ends_at > ?2)),
                            (SELECT max(starts_at, min(?2, coalesce(max(ends_at), ?2))) FROM alert WHERE incident = ?1)
                        """), arguments: [number, now.microseconds])
            guard let row, Bool.fromDatabaseValue(row[0]) == false, let incident = try IncidentStore.fetch(number, database)
            else {
                continue
            }
            let changes = PostedPolicy.end(
                incident, endedAt: Int64.fromDatabaseValue(row[1]).map { Timestamp(microseconds: $0) } ?? now,
                goingOn: try IncidentStore.openChildren(of: number, database).map(\.number))
            try IncidentLedger.apply(changes, now: now, database)
        }
    }
}
