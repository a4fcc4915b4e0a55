import Columns
@preconcurrency import GRDB

/// What people made of the incidents of each rule.
extension IncidentStore {
    /// By rule, the share of false positives among the incidents opened since a time that a person resolved; only of rules with
    /// at least three of these, because fewer are chance. Posted alerts are not counted.
    public static func falsePositiveRatios(since: Timestamp, _ database: Database) throws -> [String: Double] {
        let rows = try Row.fetchCursor(
            database.cachedStatement(
                sql: """
                    SELECT name, avg(resolution = 'false_positive') FROM incident
                    WHERE opened_at >= ? AND resolution IN ('fixed', 'expected', 'false_positive') AND detector <> ?
                    GROUP BY name HAVING count(*) >= 3
                    """), arguments: [since.microseconds, Incident.postedDetector])
        var ratios: [String: Double] = [:]
        while let row = try rows.next() {
            if let name = String.fromDatabaseValue(row[0]), let ratio = Double.fromDatabaseValue(row[1]) { ratios[name] = ratio }
        }
        return ratios
    }
}
