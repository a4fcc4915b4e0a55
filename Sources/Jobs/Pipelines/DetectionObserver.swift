import Alerting
import Incidents
import Columns
import Detection
import Foundation
import Logging
import Parsing
import Streaming
import Telemetry

/// Runs the detectors of a pipeline over what it sees, and hands what they find to the inbox of Alerting.
public actor DetectionObserver: PipelineObserver {
    /// Of its state in a checkpoint.
    public static let name = "detection"

    private let detectors: DetectorSet
    private let recorder: FindingRecorder
    private let metrics: DetectionMetrics
    /// By rule, what the counter has already: it goes on over a restart of the pipeline.
    private var shownForgotten: [String: Int] = [:]

    /// - Parameter models: where models are kept that detectors train and use.
    public init(
        _ pipeline: PipelineDefinition, _ detections: [DetectionEntry], models: ModelRegistry, alerts: AlertInbox,
        metrics: MetricsRegistry, logger: Logger, health: HealthNotes = HealthNotes()
    ) {
        let metrics = DetectionMetrics(metrics, pipeline: pipeline.name)
        self.metrics = metrics
        recorder = FindingRecorder(alerts)
        detectors = DetectorSet(
            detections,
            DetectorContext(
                allowedLateness: pipeline.detectionLateness, models: models,
                now: { .now },
                note: { DetectorNotes(metrics: metrics, health: health, logger: logger).take($0) },
                isLeftOut: { alerts.isWithinIncident($0, at: $1) }))
    }

    /// Shows events of an input to the rules on events.
    public func observe(_ parsed: ParsedBatch, lines: Batch, input: String) async throws {
        try await report(detectors.observe(events: parsed.events, lines: lines, lineRows: parsed.lineRows))
    }

    /// Shows rows of a gold table to the detectors on it.
    public func observe(gold windows: Batch, table: String) async throws {
        guard detectors.looks(at: table), !windows.isEmpty, let rows = GoldRows(windows, table: table) else { return }
        if detectors.asksForIncidents(at: table) { try await recorder.settle() }
        try await report(detectors.observe(events: rows.events, lines: rows.lines, lineRows: rows.lineRows, table: table))
    }

    private func report(_ findings: [Finding]) async throws {
        guard !findings.isEmpty else { return }
        metrics.count(findings)
        try await recorder.record(findings)
    }

    /// The state of all detectors; what came to earlier findings is stored first.
    public func snapshot() async throws -> Data {
        let updates = detectors.updates()
        try await recorder.record(updates)
        try await recorder.settle()
        let state = detectors.snapshot()
        for (entry, figures) in detectors.figures {
            metrics.show(entry.name, figures, newlyForgotten: figures.forgotten - shownForgotten[entry.name, default: 0])
            shownForgotten[entry.name] = figures.forgotten
        }
        return state
    }

    /// Goes on from a snapshot.
    ///
    /// - Throws: when the bytes are not what ``snapshot()`` gave.
    public func restore(_ snapshot: Data) async throws { try detectors.restore(snapshot) }
}

/// What detectors show of themselves.
struct DetectionMetrics: Sendable {
    private let pipeline: String
    private let anomalies: CounterFamily
    private let findings: CounterFamily
    private let keys: GaugeFamily
    private let bytes: GaugeFamily
    private let forgotten: CounterFamily
    private let series: GaugeFamily
    fileprivate let trained: GaugeFamily
    fileprivate let scores: HistogramFamily
    fileprivate let drift: DriftGauges
    fileprivate let trainingTime: Histogram

    init(_ metrics: MetricsRegistry, pipeline: String) {
        self.pipeline = pipeline
        anomalies = metrics.counter(
            "obs_anomalies_total", help: "Findings of rules and models.", labels: ["detector", "severity"])
        findings = metrics.counter(
            "obs_rule_findings_total", help: "Findings of a rule or model, without those that only bring an incident up to date.",
            labels: ["pipeline", "rule"])
        keys = metrics.gauge(
            "obs_rule_groups", help: "Groups (addresses, users, …) and values that a rule remembers, as of the last commit.",
            labels: ["pipeline", "rule"])
        bytes = metrics.gauge(
            "obs_rule_state_bytes", help: "Memory that a rule needs for what it remembers, as of the last commit.",
            labels: ["pipeline", "rule"])
        forgotten = metrics.counter(
            "obs_rule_groups_forgotten_total", help: "Groups that a rule forgot before their time because there were too many.",
            labels: ["pipeline", "rule"])
        series = metrics.gauge(
            "obs_series_value",
            help: "Of the series of a detector whose newest value is the most unusual: that value, what was expected (expected, "
                + "low, high), and its score.",
            labels: ["pipeline", "rule", "statistic"])
        trained = metrics.gauge(
            "obs_model_trained_timestamp_seconds", help: "When a model in use was trained, since 1970.",
            labels: ["model", "version"])
        scores = metrics.histogram(
            "obs_model_score", help: "Scores that the champion and the challenger of a model gave to rows.",
            labels: ["model", "alias"], buckets: [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 7])
        drift = DriftGauges(metrics)
        trainingTime = ModelMetrics.trainingTime(metrics)
        for severity in Severity.allCases { for kind in DetectionEntry.kinds { _ = anomalies[kind, severity.rawValue] } }
    }

    func count(_ found: [Finding]) {
        for finding in found {
            anomalies[finding.detector, finding.severity.rawValue].increment()
            findings[pipeline, finding.name].increment()
        }
    }

    func show(_ rule: String, _ figures: DetectorFigures, newlyForgotten: Int) {
        keys[pipeline, rule].set(Double(figures.keys))
        bytes[pipeline, rule].set(Double(figures.bytes))
        forgotten[pipeline, rule].increment(by: newlyForgotten)
        for (statistic, value) in figures.mostUnusual { series[pipeline, rule, statistic].set(value) }
    }
}

/// Metrics of models that several parts of the program count.
public enum ModelMetrics {
    /// How long trainings took.
    public static func trainingTime(_ metrics: MetricsRegistry) -> Histogram {
        metrics.histogram(
            "obs_model_training_duration_seconds", help: "Time that training a model took.",
            buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60])[]
    }
}

/// Takes what detectors say of themselves to the log, the metrics and the notes of health.
private struct DetectorNotes {
    let metrics: DetectionMetrics
    let health: HealthNotes
    let logger: Logger

    func take(_ note: DetectorNote) {
        switch note {
        case .modelInUse(let entry, let alias, let old):
            if let old { metrics.trained[entry.name, String(old)].set(0) }
            metrics.trained[entry.name, String(entry.version)].set(entry.trainedAt.secondsSince1970)
            logger.info(
                "a model is in use", metadata: ["model": "\(entry.name)", "version": "\(entry.version)", "alias": "\(alias)"])
        case .modelRetired(let name, let alias, let version):
            metrics.trained[name, String(version)].set(0)
            logger.info(
                "a model is no longer in use",
                metadata: ["model": "\(name)", "version": "\(version)", "alias": "\(alias)"])
        case .modelScored(let name, let alias, let scores):
            let histogram = metrics.scores[name, alias]
            for score in scores { histogram.observe(score) }
        case .modelDrift(let name, let alias, let features, let scores):
            metrics.drift.show(name, alias: alias, features, scores: scores)
        case .modelTrained(let entry, let duration):
            metrics.trainingTime.observe(duration)
            metrics.trained[entry.name, String(entry.version)].set(entry.trainedAt.secondsSince1970)
            logger.notice(
                "a model was trained on the first windows",
                metadata: ["model": "\(entry.name)", "version": "\(entry.version)", "rows": "\(entry.trainedOn)"])
        case .modelDamaged(let name, let error):
            health.note(.damagedFile, "model \(name)", "\(error); windows are not judged by it until then")
            logger.error("a model cannot be used", metadata: ["model": "\(name)", "error": "\(error)"])
        case .modelMended(let name): health.clear(.damagedFile, "model \(name)")
        case .listUnreadable(let file, let reason):
            health.note(.damagedFile, "list \(file)", "the list \(file) of a rule: \(reason)")
            logger.warning("a list of exceptions cannot be read", metadata: ["file": "\(file)", "error": "\(reason)"])
        case .listRead(let file):
            health.clear(.damagedFile, "list \(file)")
            logger.info("a list of exceptions was read", metadata: ["file": "\(file)"])
        }
    }
}
