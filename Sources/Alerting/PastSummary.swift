import Columns
import Detection
import Foundation
@preconcurrency import GRDB
import Notify
import Store
import Incidents

/// One notification per receiver for all that a start found in the past, instead of one for each of it.
///
/// Batches come in pieces, so it waits until nothing new was found for a minute. Its incidents are in the table `past_found`
/// until the summary is pending, so that a process that is killed meanwhile goes on where it was.
enum PastSummary {
    static let alertName = "IncidentsFoundInPast"
    /// What the names of its groups begin with; those of routes begin with a brace.
    static let keyPrefix = "past:"
    /// So long after the last one that was found…
    static let settleTime = Duration.seconds(60)
    /// …or after the first, when they do not end.
    static let longestWait = Duration.seconds(3600)

    /// Whether it is time.
    ///
    /// - Parameters:
    ///   - first: when the first incident was found that is in no summary yet, and `last` the last.
    static func isDue(first: Timestamp, last: Timestamp, now: Timestamp) -> Bool {
        // A clock that was ahead for a while must not hold it back until then.
        now - last >= settleTime || now - first >= longestWait || now < first
    }

    /// What the summary of one receiver says.
    struct Found: Equatable {
        private(set) var count = 0
        private(set) var worst: (id: String, title: String, severity: Severity, count: Int)?

        mutating func add(_ incident: Incident) {
            count += 1
            let isWorse = worst.map { ($0.severity, $0.count) < (incident.severity, incident.count) } ?? true
            if isWorse { worst = (incident.id, incident.title, incident.severity, incident.count) }
        }

        static func == (left: Found, right: Found) -> Bool { left.count == right.count && left.worst?.id == right.worst?.id }

        /// `539 incidents found in the past, worst: 192.0.2.7 logged in as root after failures (critical, INC-1042)`.
        var title: String {
            let what = count == 1 ? "1 incident found in the past" : "\(count) incidents found in the past"
            return what + (worst.map { ", worst: \($0.title) (\($0.severity.rawValue), \($0.id))" } ?? "")
        }
    }

    // MARK: The store

    /// Whether any is due; cheap, for each look at the outbox.
    static func isDue(now: Timestamp, _ database: Database) throws -> Bool {
        guard let times = try IncidentStore.pastFound(database) else { return false }
        return isDue(first: times.first, last: times.last, now: now)
    }

    /// Schedules a summary for each receiver that the routes name, and nothing else.
    ///
    /// - Returns: how many receivers are to be notified.
    @discardableResult
    static func send(_ configuration: AlertingConfiguration, now: Timestamp, _ database: Database) throws -> Int {
        var found: [String: Found] = [:]
        for incident in try IncidentStore.takePastFound(database) {
            for receiver in Set((configuration.route?.destinations(for: incident.labels) ?? []).compactMap(\.receiver)) {
                found[receiver, default: Found()].add(incident)
            }
        }
        let heard = configuration.receivers.filter { !$0.notifiers.isEmpty }.map(\.name)
        let summaries = found.filter { heard.contains($0.key) }.sorted { $0.key < $1.key }
        for (receiver, found) in summaries {
            let key = "\(keyPrefix)\(now.microseconds)"
            let notice = notice(found, receiver: receiver, key: key, configuration, now: now)
            try Outbox.schedule(text: notice.json, to: receiver, key: key, now: now, database)
        }
        return summaries.count
    }

    private static func notice(
        _ found: Found, receiver: String, key: String, _ configuration: AlertingConfiguration, now: Timestamp
    ) -> Notice {
        let labels: Labels = ["alertname": alertName, "severity": Severity.info.rawValue]
        let age = Int(configuration.incidents.notifyMaxAge.inSeconds)
        let alert = Notice.Alert(
            isFiring: true, labels: labels,
            annotations: [
                "summary": found.title,
                "description":
                    """
                They were over for longer than \(age) s (notify_max_age) when they were found, so nobody was notified \
                of each. List them with: obs query incidents --found-in-past
                """,
            ], startsAt: now, endsAt: nil,
            generatorURL: "\(configuration.externalURL)/?state=all&found_in_past=true", fingerprint: Fingerprint.of(labels))
        return Notice(
            [alert], receiver: receiver, groupKey: key, groupLabels: ["alertname": alertName],
            externalURL: configuration.externalURL)
    }
}
