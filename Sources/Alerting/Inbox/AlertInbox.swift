import Columns
import Detection
import Foundation
import Incidents
@preconcurrency import GRDB
import Logging
import Store
import Synchronization
import Telemetry

/// Where findings and posted alerts come in: each is durable, and its notification scheduled in the same transaction, when the
/// call returns.
///
/// It is a value without a task of its own, so that any process may use it: `obs run`, whose ``Dispatcher`` is woken at once;
/// `obs process`; `obs alert add` beside a running obs, which sees what is new within a second.
public struct AlertInbox: Sendable {
    let incidents: IncidentStore
    let configuration: ConfigurationInForce
    /// Wakes the dispatcher of this process.
    let hasNews = WakeUp()
    let switches = SignsOfLife()
    let logger: Logger
    let received: CounterFamily

    /// - Parameter links: signs the links of notifications by which somebody acknowledges; nil puts none into them.
    public init(
        _ configuration: AlertingConfiguration, incidents: IncidentStore, links: AcknowledgeLinks? = nil,
        metrics: MetricsRegistry, logger: Logger
    ) {
        var configuration = configuration
        configuration.acknowledgeLinks = links
        self.configuration = ConfigurationInForce(configuration.settled)
        self.incidents = incidents
        self.logger = logger
        received = metrics.counter(
            "obs_alerts_received_total",
            help: "Alerts that were posted, by what they said; a body that is refused as a whole counts as one invalid alert.",
            labels: ["outcome"])
        for outcome in ["firing", "resolved", "invalid"] { _ = received[outcome] }
    }

    /// The configuration in force.
    public var inForce: AlertingConfiguration { configuration.current }

    /// Replaces the configuration: what comes in is routed by `new` from now on, and a running ``Chores`` moves alerts into its
    /// groups.
    public func reconfigure(_ new: AlertingConfiguration) {
        var new = new
        new.acknowledgeLinks = inForce.acknowledgeLinks
        configuration.replace(with: new.settled)
        hasNews.wake()
    }

    /// Silences, also those that other processes set.
    public var silences: SilenceStore { SilenceStore(incidents.store) }

    /// Questions about firing alerts, by the configuration in force.
    public var alerts: AlertQuestions { AlertQuestions(incidents, inForce) }

    /// Records findings: each opens an incident, joins one or raises its severity.
    ///
    /// - Returns: what became of each, in their order.
    /// - Throws: the store's error; then none of them is recorded.
    @discardableResult
    public func record(_ findings: [Finding]) async throws -> [IncidentStore.Outcome] {
        guard !findings.isEmpty else { return [] }
        let (route, policy) = (inForce.route, inForce.incidents)
        let outcomes = try await incidents.write { [incidents] database in
            try incidents.record(findings, routing: route, policy: policy, now: .now, database)
        }
        let past = outcomes.count { if case .foundInPast = $0 { true } else { false } }
        if past > 0 { logger.info("incidents found in the past", metadata: ["count": "\(past)"]) }
        for case .opened(let id) in outcomes { logger.notice("incident opened", metadata: ["incident": "\(id)"]) }
        if outcomes.contains(where: { if case .opened = $0 { true } else { false } }) { hasNews.wake() }
        return outcomes
    }

    /// Whether nothing must be learned from what a detector saw at `time`: it lies within an incident that the detector has
    /// found. An incident that goes on for longer than a week is what is usual from then on.
    public func isWithinIncident(_ incident: FindingIdentity, at time: Timestamp) -> Bool {
        do {
            return try incidents.isKnown(incident, at: time, longest: .seconds(7 * 86_400))
        } catch {
            // Learning from an incident does less harm than not to detect.
            logger.warning("the incidents of a detector cannot be read", metadata: ["error": "\(error)"])
            return false
        }
    }

    /// Stores alerts that have no ``Alert/fault``: it merges each with what is known of the same labels and puts it into its
    /// groups.
    ///
    /// - Throws: the store's error; then none of them is stored.
    public func store(_ alerts: [Alert]) async throws {
        guard !alerts.isEmpty else { return }
        let configuration = inForce
        try await put(alerts, configuration)
        if !configuration.deadMansSwitches.isEmpty {
            switches.state.withLock { $0.hear(alerts, configuration.deadMansSwitches, now: .now) }
        }
    }

    /// The alerts with these names that obs raised itself and that fire: what raised them goes on after a restart.
    public func raised(_ names: [String], now: Timestamp) async throws -> [(
        labels: Labels, annotations: Labels, since: Timestamp
    )] {
        try await incidents.store.database.read { database in
            try names.flatMap { try AlertStore.firing(named: $0, now: now, database) }
        }
    }

    /// The same without taking them for signs of life: for what obs raises itself.
    func put(_ alerts: [Alert], _ configuration: AlertingConfiguration) async throws {
        let route = configuration.route
        let routed = alerts.map { RoutedAlert($0, route) }
        let isAnyScheduled = try await incidents.write { try AlertStore.put(routed, now: .now, $0) }
        if isAnyScheduled { hasNews.wake() }
    }
}

/// What is known of the dead man's switches in this process: the inbox writes it, a chore reads it.
final class SignsOfLife: Sendable {
    let state = Mutex(DeadMansSwitches())
}

extension AlertInbox {
    /// Notes in the audit what changed the work of the program itself, such as a reload.
    package func audit(_ action: String, of subject: String, by actor: String, detail: String) async throws {
        try await incidents.store.database.write { database in
            try Store.audit(
                database, at: Timestamp.now.microseconds, actor: actor, action: action, subject: subject, detail: detail)
        }
    }
}
