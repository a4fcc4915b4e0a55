import Columns
import Detection
import Foundation
@preconcurrency import GRDB
import Store

/// The incident that the posted alerts of one group make: it is open while any of them fires.
///
/// A storm of alerts is one thing to look at, so an incident is a group of the first route that takes them, not one alert.
struct PostedIncident {
    /// What stands as the detector of such an incident.
    static let detector = "posted"

    private let grouping: Int64
    private let open: Int64?
    private let groupLabels: Labels
    private let now: Timestamp

    init(of grouping: Int64, _ open: Int64?, _ groupLabels: Labels, _ now: Timestamp) {
        self.grouping = grouping
        self.open = open
        self.groupLabels = groupLabels
        self.now = now
    }

    /// Takes alerts in; opens the incident when there is none. Gives its number.
    func join(_ alerts: [Alert], _ database: Database) throws -> Int64 {
        if let open {
            try grow(open, alerts, database)
            return open
        }
        let number = try begin(alerts, database)
        try database.executeCached(sql: "UPDATE alert_grouping SET incident = ? WHERE id = ?", arguments: [number, grouping])
        return number
    }

    private func begin(_ alerts: [Alert], _ database: Database) throws -> Int64 {
        let first = alerts[0]
        let name = first.labels["alertname"]?.nilIfBlank ?? groupLabels["alertname"]?.nilIfBlank ?? "Alert"
        let labels = Self.common(alerts, from: first.labels)
        let title =
            first.annotations["summary"]?.nilIfBlank ?? first.annotations["title"]?.nilIfBlank
            ?? "\(name) \(JSONText.object(groupLabels))"
        try database.executeCached(
            sql: """
                INSERT INTO incident (fingerprint, name, detector, severity, state, title, description, labels, starts_at, last_seen, opened_at, updated_at, count, contributions)
                VALUES (?, ?, ?, ?, 'open', ?, ?, ?, ?, ?, ?, ?, ?, '[]')
                """,
            arguments: [
                "group-\(grouping)", OutsideText(name).storable, Self.detector, Self.severity(alerts).rawValue,
                OutsideText(OutsideText(title).prefix(500)).storable,
                OutsideText(OutsideText(first.annotations["description"] ?? "").prefix(4000)).storable, JSONText.object(labels),
                alerts.map(\.startsAt).min()!.microseconds, now.microseconds, now.microseconds, now.microseconds, alerts.count,
            ])
        let number = database.lastInsertedRowID
        try note(number, "opened", "opened by \(Self.describe(alerts)) that came in", database)
        return number
    }

    private func grow(_ number: Int64, _ alerts: [Alert], _ database: Database) throws {
        guard
            let row = try Row.fetchOne(
                database.cachedStatement(sql: "SELECT labels, severity FROM incident WHERE number = ?"), arguments: [number])
        else { return }
        let known = JSONText.pairs(row["labels"])
        let severity = max(Self.severity(alerts), Severity(rawValue: row["severity"]) ?? .info)
        try database.cachedStatement(
            sql: """
                UPDATE incident SET count = count + ?, last_seen = max(last_seen, ?), updated_at = ?, severity = ?, labels = ?, starts_at = min(starts_at, ?)
                WHERE number = ?
                """
        ).execute(
            arguments: [
                alerts.count, now.microseconds, now.microseconds, severity.rawValue,
                JSONText.object(Self.common(alerts, from: known)),
                alerts.map(\.startsAt).min()!.microseconds, number,
            ])
        try note(number, "joined", "\(Self.describe(alerts)) joined", database)
    }

    /// Resolves those of the incidents `numbers` none of whose alerts fires any more.
    static func resolve(_ numbers: some Sequence<Int64>, now: Timestamp, _ database: Database) throws {
        for number in numbers {
            let isFiring = try Bool.fetchOne(
                database, sql: "SELECT EXISTS (SELECT 1 FROM alert WHERE incident = ? AND (ends_at IS NULL OR ends_at > ?))",
                arguments: [number, now.microseconds])!
            guard !isFiring else { continue }
            try database.executeCached(
                sql: """
                    UPDATE incident SET state = 'resolved', resolution = 'quiet', changed_by = NULL, updated_at = ?1,
                        resolved_at = (SELECT max(starts_at, min(?1, coalesce(max(ends_at), ?1))) FROM alert WHERE incident = ?2)
                    WHERE number = ?2 AND state <> 'resolved'
                    """, arguments: [now.microseconds, number])
            guard database.changesCount > 0 else { continue }
            // What is a part of it and goes on is an incident of its own from now on.
            try database.executeCached(
                sql:
                    "UPDATE incident SET merged_into = NULL, merged_because = NULL WHERE merged_into = ? AND state <> 'resolved'",
                arguments: [number])
            try database.executeCached(sql: "UPDATE alert_grouping SET incident = NULL WHERE incident = ?", arguments: [number])
            try database.executeCached(
                sql:
                    "INSERT INTO timeline (incident, at, actor, kind, text) VALUES (?, ?, 'obs', 'resolved', 'its alerts have ended')",
                arguments: [number, now.microseconds])
        }
    }

    private func note(_ number: Int64, _ kind: String, _ text: String, _ database: Database) throws {
        try database.cachedStatement(sql: "INSERT INTO timeline (incident, at, actor, kind, text) VALUES (?, ?, 'obs', ?, ?)")
            .execute(
                arguments: [number, now.microseconds, kind, text])
    }

    private static func describe(_ alerts: [Alert]) -> String {
        alerts.count == 1 ? "the alert \(OutsideText(JSONText.object(alerts[0].labels)).prefix(1000))" : "\(alerts.count) alerts"
    }

    private static func common(_ alerts: [Alert], from labels: Labels) -> Labels {
        var common = labels
        for alert in alerts where !common.allSatisfy({ alert.labels.has($0.key, $0.value) }) {
            common = common.common(with: alert.labels)
        }
        return common
    }

    /// The worst of what their label `severity` says, in the words that the field uses for it.
    private static func severity(_ alerts: [Alert]) -> Severity {
        alerts.map { alert -> Severity in
            switch alert.labels["severity"]?.lowercased() {
            case "critical", "page", "fatal", "emergency", "error", "high": .critical
            case "info", "information", "informational", "none", "low", "debug": .info
            default: .warning
            }
        }.max() ?? .warning
    }
}
