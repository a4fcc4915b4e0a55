import Columns
import Detection
@preconcurrency import GRDB
import Synchronization
import Telemetry

/// How long it took to detect, acknowledge and resolve, as metrics. What other processes did (`obs incident ack`) counts too: the timeline is read on from where
/// it was read last.
struct IncidentTimes: Sendable {
    private let detect: HistogramFamily
    private let acknowledge: HistogramFamily
    private let resolve: HistogramFamily
    private let falsePositives: CounterFamily
    private let place: Place

    private final class Place: Sendable {
        let last: Mutex<Int64?> = Mutex(nil)
        let rules: Mutex<Set<String>> = Mutex([])
    }

    /// Names of rules that have a series of their own; posted alerts are one, because anybody names them.
    private static let maxRules = 200

    init(_ registry: MetricsRegistry, _ incidents: IncidentStore) {
        // A second, the minutes in which a person answers, the hours in which an incident ends.
        let buckets: [Double] = [1, 5, 15, 60, 300, 900, 1800, 3600, 4 * 3600, 12 * 3600, 86_400, 7 * 86_400]
        detect = registry.histogram(
            "obs_incident_time_to_detect_seconds", help: "Time from the first event of an incident to its opening.",
            labels: ["severity"],
            buckets: buckets)
        acknowledge = registry.histogram(
            "obs_incident_time_to_acknowledge_seconds",
            help: "Time from the opening of an incident to its first acknowledgement.",
            labels: ["severity"], buckets: buckets)
        resolve = registry.histogram(
            "obs_incident_time_to_resolve_seconds", help: "Time from the opening of an incident to its end.",
            labels: ["severity"],
            buckets: buckets)
        falsePositives = registry.counter(
            "obs_incident_false_positives_total", help: "Incidents that were resolved as false positives, by rule.",
            labels: ["rule"])
        for severity in Severity.allCases { for family in [detect, acknowledge, resolve] { _ = family[severity.rawValue] } }
        _ = falsePositives[PostedIncident.detector]
        place = Place()
        let last = try? incidents.read { try Int64.fetchOne($0, sql: "SELECT max(id) FROM timeline") ?? 0 }
        place.last.withLock { $0 = last }
    }

    /// Counts what has happened since the last time.
    func catchUp(_ incidents: IncidentStore) throws {
        let from = place.last.withLock { $0 }
        let rows = try incidents.read { database -> [Row] in
            guard let from else { return [] }
            return try Row.fetchAll(
                database,
                sql: """
                    SELECT t.id, t.at, t.kind, i.severity, i.name, i.detector, i.resolution, i.starts_at, i.opened_at, i.acknowledged_at
                    FROM timeline t JOIN incident i ON i.number = t.incident
                    WHERE t.id > ? AND t.kind IN ('opened', 'acknowledged', 'resolved') AND i.merged_into IS NULL
                        AND NOT (t.kind = 'opened' AND i.found_in_past) ORDER BY t.id LIMIT 10000
                    """, arguments: [from])
        }
        for row in rows {
            // A row that cannot be read counts for nothing.
            guard let severity = String.fromDatabaseValue(row["severity"]),
                let opened = Int64.fromDatabaseValue(row["opened_at"]),
                let at = Int64.fromDatabaseValue(row["at"]), let start = Int64.fromDatabaseValue(row["starts_at"])
            else { continue }
            func seconds(_ microseconds: Int64) -> Double { Double(max(0, microseconds)) / 1e6 }
            switch row["kind"] as String {
            case "opened":
                detect[severity].observe(seconds(opened &- start))
                // From here on the rule has a series, so that its first false positive is seen as a rise.
                _ = falsePositives[rule(row["name"], row["detector"])]
            case "acknowledged":
                if Int64.fromDatabaseValue(row["acknowledged_at"]) == at { acknowledge[severity].observe(seconds(at - opened)) }
            default:
                resolve[severity].observe(seconds(at - opened))
                if row["resolution"] as String? == Incident.Resolution.falsePositive.rawValue {
                    falsePositives[rule(row["name"], row["detector"])].increment()
                }
            }
        }
        if let last = rows.last { place.last.withLock { $0 = last["id"] } }
    }

    private func rule(_ name: String, _ detector: String) -> String {
        guard detector != PostedIncident.detector else { return detector }
        return place.rules.withLock { known in
            if known.count < Self.maxRules { known.insert(name) }
            return known.contains(name) ? name : "other"
        }
    }
}
