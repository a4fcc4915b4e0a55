import Store
import Columns
import Detection
@preconcurrency import GRDB
import Incidents
import Synchronization
import Telemetry

/// How many alerts, groups, silences, incidents and notifications there are. A chore reads them now and then: a scrape shows what
/// was read last and never waits for a disk, a writer or a thousand labels.
final class StoreGauges: Sendable {
    private struct Numbers {
        var alerts = (active: 0, suppressed: 0)
        var groups = 0
        var silences: [Silence.State: Int] = [:]
        var incidents: [(state: String, severity: String, count: Int)] = []
        var waiting: [Severity: Timestamp] = [:]
        var pending = (count: 0, oldest: Timestamp?.none)
        var dead: [String: Int] = [:]
        /// By rule; nil where it was not time to read them.
        var wrong: [String: Double]?
    }

    private let alerts: GaugeFamily
    private let groups: Gauge
    private let silences: GaugeFamily
    private let incidents: GaugeFamily
    private let waiting: GaugeFamily
    private let depth: Gauge
    private let dead: GaugeFamily
    private let oldest: Gauge
    private let wrong: GaugeFamily
    private let receivers: Mutex<Set<String>>
    private let rules: Mutex<(names: Set<String>, due: ContinuousClock.Instant)> = Mutex(([], .now))
    private let nextReading: Mutex<ContinuousClock.Instant?> = Mutex(.now)

    /// Numbers are at least so old before they are read again…
    private static let interval = Duration.seconds(1)
    /// …and so many times the time that it took to read them.
    private static let patience = 20
    /// What is counted over many days is read less often; rules beyond so many have no series.
    private static let ruleInterval = Duration.seconds(60), ruleDays = 30, maxRules = 200

    init(_ registry: MetricsRegistry, receivers: [Receiver]) {
        alerts = registry.gauge(
            "obs_alerts", help: "Alerts that hold: active, or suppressed by a silence or an inhibition.", labels: ["state"])
        groups = registry.gauge("obs_alert_groups", help: "Groups of receivers that have alerts in them.")[]
        silences = registry.gauge("obs_silences", help: "Silences by state.", labels: ["state"])
        incidents = registry.gauge("obs_incidents", help: "Incidents by state and severity.", labels: ["state", "severity"])
        waiting = registry.gauge(
            "obs_incident_oldest_open_timestamp_seconds",
            help: "Since when the open incident that has waited longest waits for somebody, by severity; 0 when none does.",
            labels: ["severity"])
        depth = registry.gauge("obs_outbox_depth", help: "Notifications that are pending and not delivered.")[]
        dead = registry.gauge(
            "obs_outbox_dead_letters", help: "Notifications that were given up, by receiver.", labels: ["receiver"])
        oldest =
            registry.gauge(
                "obs_outbox_oldest_timestamp_seconds",
                help: "Since when the oldest undelivered notification is pending; 0 when none is.")[]
        wrong = registry.gauge(
            "obs_rule_false_positive_ratio",
            help: "The share of false positives among the incidents of 30 days that people resolved, if three or more.",
            labels: ["rule"])
        self.receivers = Mutex(Set(receivers.map(\.name)))
        show(Numbers())
    }

    /// Reads them if it is time and nobody else does.
    func refresh(_ store: IncidentStore, _ configuration: AlertingConfiguration, now: Timestamp) async throws {
        let start = ContinuousClock.now
        let isTime = nextReading.withLock { next in
            guard let due = next, due <= start else { return false }
            next = nil
            return true
        }
        guard isTime else { return }
        defer {
            let pause = max(Self.interval, (ContinuousClock.now - start) * Self.patience)
            nextReading.withLock { $0 = .now + pause }
        }
        let isTimeForRules = rules.withLock { rules in
            guard rules.due <= start else { return false }
            rules.due = start + Self.ruleInterval
            return true
        }
        show(
            try await store.store.database.read { database in
                var numbers = Numbers()
                let questions = AlertQuestions(store, configuration)
                numbers.alerts = try questions.counts(now: now, database)
                numbers.groups = try AlertStore.groupCount(database)
                for silence in try SilenceStore.all(database) { numbers.silences[silence.state(at: now), default: 0] += 1 }
                numbers.incidents = try IncidentStore.counts(database)
                numbers.waiting = try IncidentStore.longestWaiting(database)
                numbers.pending = try Outbox.depth(now: now, database)
                numbers.dead = try NotificationLog.deadLetters(database)
                if isTimeForRules {
                    numbers.wrong = try IncidentStore.falsePositiveRatios(
                        since: now - .seconds(Self.ruleDays * 86_400), database)
                }
                return numbers
            })
    }

    private func show(_ numbers: Numbers) {
        alerts["active"].set(Double(numbers.alerts.active))
        alerts["suppressed"].set(Double(numbers.alerts.suppressed))
        groups.set(Double(numbers.groups))
        for state in Silence.State.allCases { silences[state.rawValue].set(Double(numbers.silences[state] ?? 0)) }
        for state in Incident.State.allCases {
            for severity in Severity.allCases {
                let count = numbers.incidents.first { $0.state == state.rawValue && $0.severity == severity.rawValue }?.count
                incidents[state.rawValue, severity.rawValue].set(Double(count ?? 0))
            }
        }
        for severity in Severity.allCases { waiting[severity.rawValue].set(numbers.waiting[severity]?.secondsSince1970 ?? 0) }
        depth.set(Double(numbers.pending.count))
        oldest.set(numbers.pending.oldest?.secondsSince1970 ?? 0)
        // One that has none any more is shown with 0.
        let names = receivers.withLock { names in
            names.formUnion(numbers.dead.keys)
            return names
        }
        for name in names { dead[name].set(Double(numbers.dead[name] ?? 0)) }
        if let ratios = numbers.wrong { show(ratios: ratios) }
    }

    /// A rule that has no ratio any more is shown with 0.
    private func show(ratios: [String: Double]) {
        let names = rules.withLock { rules in
            for name in ratios.keys.sorted() where rules.names.count < Self.maxRules { rules.names.insert(name) }
            return rules.names
        }
        for name in names { wrong[name].set(ratios[name] ?? 0) }
    }
}
