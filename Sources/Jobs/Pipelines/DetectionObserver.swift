import Alerting
import Incidents
import Columns
import Detection
import Foundation
import Logging
import Parsing
import Streaming
import Telemetry

/// Runs the rules and the window model over what a pipeline sees, and hands what they find to the alert manager.
public actor DetectionObserver: PipelineObserver {
    public static let name = "detection"
    static let modelName = "ssh-source-windows"

    private var rules: RuleEngine
    /// By gold table the rules that look at its rows.
    private var goldRules: [String: RuleEngine]
    /// The model in use and its version.
    private var model: (version: Int, model: WindowModel)?
    private var training: [Batch] = []
    private let registry: ModelRegistry
    private let alerts: AlertManager
    private let anomalies: CounterFamily
    private let trained: GaugeFamily
    private let trainingTime: Histogram
    private let groups: Gauge
    private let forgottenGroups: Counter
    /// Of the engines at hand, what the counter has already: it goes on over a restart of the pipeline.
    private var shownForgotten = 0
    /// The version in production whose file is damaged; the one before is used on, if there was one.
    private var damagedVersion: Int?
    private let logger: Logger
    private let health: HealthNotes

    public init(
        pipeline: String, rules: [DetectionRule], registry: ModelRegistry, alerts: AlertManager, metrics: MetricsRegistry,
        logger: Logger, health: HealthNotes = HealthNotes()
    ) async throws {
        self.health = health
        self.rules = RuleEngine(rules: rules.filter { $0.table == nil })
        goldRules = Dictionary(grouping: rules.filter { $0.table != nil }) { $0.table! }.mapValues { RuleEngine(rules: $0) }
        self.registry = registry
        self.alerts = alerts
        self.logger = logger
        anomalies = metrics.counter(
            "obs_anomalies_total", help: "Findings of rules and models.", labels: ["detector", "severity"])
        trained = metrics.gauge(
            "obs_model_trained_timestamp_seconds", help: "When a model in use was trained, since 1970.",
            labels: ["model", "version"])
        trainingTime =
            metrics.histogram(
                "obs_model_training_duration_seconds", help: "Time that training a model took.",
                buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60])[]
        groups =
            metrics.gauge(
                "obs_rule_groups", help: "Groups (addresses, users, …) that the rules of a pipeline remember.",
                labels: ["pipeline"])[
                pipeline]
        forgottenGroups =
            metrics.counter(
                "obs_rule_groups_forgotten_total",
                help: "Groups that rules forgot before their time because there were too many.",
                labels: ["pipeline"])[pipeline]
        for severity in Severity.allCases { for detector in ["rule", "forest"] { _ = anomalies[detector, severity.rawValue] } }
        try takeProductionModel()
    }

    /// Uses the version that is in production now, also one that another process has trained or promoted meanwhile.
    private func takeProductionModel() throws {
        guard let known = try registry.productionEntry(Self.modelName), known.version != model?.version,
            known.version != damagedVersion
        else { return }
        let loaded: (entry: ModelRegistry.Entry, model: WindowModel)?
        do {
            loaded = try registry.production(Self.modelName)
        } catch let error as ModelError {
            // Rules go on without it; and no other takes its place until somebody decides so.
            damagedVersion = known.version
            health.note(.damagedFile, "model \(Self.modelName)", "\(error); windows are not judged by it until then")
            logger.error("a model cannot be used", metadata: ["model": "\(Self.modelName)", "error": "\(error)"])
            return
        }
        guard let (entry, model) = loaded else { return }
        damagedVersion = nil
        health.clear(.damagedFile, "model \(Self.modelName)")
        if let old = self.model { trained[entry.name, String(old.version)].set(0) }
        self.model = (entry.version, model)
        training = []
        trained[entry.name, String(entry.version)].set(entry.trainedAt.secondsSince1970)
        logger.info("a model is in use", metadata: ["model": "\(entry.name)", "version": "\(entry.version)"])
    }

    public func observe(_ parsed: ParsedBatch, lines: Batch, input: String) async throws {
        let findings = rules.observe(events: parsed.events, lines: lines, lineRows: parsed.lineRows)
        showGroups()
        try await report(findings)
    }

    private func showGroups() {
        let engines = [rules] + goldRules.values
        groups.set(Double(engines.reduce(0) { $0 + $1.groupCount }))
        let forgotten = engines.reduce(0) { $0 + $1.forgottenGroups }
        forgottenGroups.increment(by: forgotten - shownForgotten)
        shownForgotten = forgotten
    }

    public func observe(gold windows: Batch, table: String) async throws {
        if goldRules[table] != nil, let rows = GoldRows(windows, table: table) {
            let findings = goldRules[table]!.observe(events: rows.events, lines: rows.lines, lineRows: rows.lineRows)
            showGroups()
            try await report(findings)
        }
        guard table == "ssh_by_source" else { return }
        guard !windows.isEmpty else { return }
        try takeProductionModel()
        if let model {
            try await report(model.model.findings(windows))
            return
        }
        guard damagedVersion == nil else { return }
        // Without a model the first windows are what is known of normal; once they are enough they train one, and are then judged
        // by it themselves.
        training.append(windows)
        guard training.reduce(0, { $0 + $1.count }) >= WindowModel.automaticRows else { return }
        let start = ContinuousClock.now
        guard let new = WindowModel(table: table, windows: training, now: .now) else {
            return
        }
        let entry = try registry.save(new, name: Self.modelName)
        trainingTime.observe(ContinuousClock.now - start)
        trained[entry.name, String(entry.version)].set(entry.trainedAt.secondsSince1970)
        logger.notice(
            "a model was trained on the first windows",
            metadata: ["model": "\(entry.name)", "version": "\(entry.version)", "rows": "\(entry.trainedOn)"])
        model = (entry.version, new)
        let seen = training
        training = []
        for batch in seen { try await report(new.findings(batch)) }
    }

    private func report(_ findings: [Finding]) async throws {
        guard !findings.isEmpty else { return }
        for finding in findings { anomalies[finding.detector, finding.severity.rawValue].increment() }
        try await alerts.receive(findings)
    }

    /// The states of the engines: that of events under the empty name, the others under their tables'.
    public func snapshot() async throws -> Data {
        var updates = rules.updates()
        for table in goldRules.keys { updates += goldRules[table]!.updates() }
        if !updates.isEmpty { try await alerts.receive(updates) }
        var states = ["": rules.snapshot()]
        for table in goldRules.keys { states[table] = goldRules[table]!.snapshot() }
        return try StateParts.joined(states)
    }

    public func restore(_ snapshot: Data) async throws {
        let states = try StateParts.split(snapshot)
        if let state = states[""] { try rules.restore(state) }
        for table in goldRules.keys { if let state = states[table] { try goldRules[table]!.restore(state) } }
    }
}
