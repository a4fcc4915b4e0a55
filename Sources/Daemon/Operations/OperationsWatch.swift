import Alerting
import Columns
import Configuration
import Foundation
import Incidents
import Ingest
import Jobs
import Lake
import Logging
import ServiceLifecycle
import Store
import Streaming
import Synchronization
import Telemetry

/// Raises alerts about the pipelines themselves, so that nobody needs a Prometheus to be notified that nothing comes: sources
/// that are silent or cannot be read, scheduled runs that never started or never ended, tables without new rows at their
/// deadline, and rows that fail their expectations, are unlike usual, late or cannot be understood.
///
/// Most of it follows from what is stored (the habits of sources, the runs, the tables), so it is the same after a restart. What
/// was raised before one holds until it can be known whether its problem has gone.
final class OperationsWatch: Service {
    private let alerts: AlertInbox
    private let sources: SourceWatch
    private let workspace: Workspace
    private let proof: SourceProof?
    private let disk: @Sendable () -> DiskSpace?
    private let configuration: @Sendable () -> Configuration
    private let logger: Logger
    private let started: Timestamp
    private let standing = Mutex(StandingAlerts())
    private let shares: Mutex<RowShares>
    private let metrics: MetricsRegistry
    private let isRestored = Atomic(false)

    /// Those that it raises.
    static let alertNames =
        ["ObsSourceDown", "ObsRunOverdue", "ObsDeadlineMissed", "ObsDiskFilling", "ObsLinesMissing", "ObsRowsUnusual"]
        + RowShares.alertNames
    private static let interval = Duration.seconds(15)
    /// As `for` of the alert ObsSourceDown of Prometheus: a log that is being rotated is missing for a moment.
    private static let sourcePatience = Duration.seconds(120)

    init(
        alerts: AlertInbox, sources: SourceWatch, workspace: Workspace, metrics: MetricsRegistry, logger: Logger,
        started: Timestamp = .now, disk: @escaping @Sendable () -> DiskSpace? = { nil },
        proof: SourceProof? = nil, configuration: @escaping @Sendable () -> Configuration
    ) {
        self.alerts = alerts
        self.sources = sources
        self.workspace = workspace
        shares = Mutex(RowShares(metrics))
        self.metrics = metrics
        self.logger = logger
        self.started = started
        self.disk = disk
        self.proof = proof
        self.configuration = configuration
    }

    func run() async throws {
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            await look(now: .now)
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: Self.interval) }
        }
    }

    /// Looks once, and posts what is to be posted.
    func look(now: Timestamp) async {
        do { try await restore(now: now) } catch {
            guard !Task.isCancelled else { return }
            // What is not known to have been raised cannot be ended: it ends by itself when it is no longer posted.
            logger.warning("the alerts of before the restart cannot be read; it is tried again", metadata: ["error": "\(error)"])
        }
        let found = problems(now: now)
        let due = standing.withLock { $0.take(found, now: now) { self.isKnown($0, now: now) } }
        guard !due.isEmpty else { return }
        do { try await alerts.store(due) } catch {
            standing.withLock { $0.couldNotPost(due, now: now) }
            guard !Task.isCancelled else { return }
            logger.warning("alerts about pipelines could not be stored; it is tried again", metadata: ["error": "\(error)"])
        }
    }

    private func restore(now: Timestamp) async throws {
        guard !isRestored.load(ordering: .acquiring) else { return }
        let raised = try await alerts.raised(Self.alertNames, now: now)
        standing.withLock { standing in
            for one in raised { standing.restore(one.labels, annotations: one.annotations, since: one.since, now: now) }
        }
        isRestored.store(true, ordering: .releasing)
    }

    /// Whether obs has run for long enough to know that a problem has gone: a source must have had the time to be found missing
    /// again, and a share of rows needs the rows of its span.
    private func isKnown(_ labels: Labels, now: Timestamp) -> Bool {
        if labels["alertname"] == "ObsLinesMissing", let source = labels["source"] { return proof?.hasLooked(at: source) ?? true }
        let isShare = labels["alertname"].map(RowShares.alertNames.contains) ?? false
        return now - started >= (isShare ? RowShares.span : Self.sourcePatience + Self.interval)
    }

    /// What is wrong now.
    func problems(now: Timestamp) -> [StandingProblem] {
        let configuration = configuration()
        return shares.withLock { $0.problems(now: now) } + sources.reports.compactMap(Self.problem)
            + (proof?.problems ?? []).map(Self.problem) + [diskProblem(configuration.retention)].compactMap(\.self)
            + runs(configuration, now: now) + configuration.pipelines.flatMap(unusual)
            + configuration.deadlines.compactMap { problem($0, now: now) }
    }

    private static func problem(_ report: SourceReport) -> StandingProblem? {
        guard let sentence = report.state.sentence else { return nil }
        return StandingProblem(
            labels: [
                "alertname": "ObsSourceDown", "severity": "warning", "source": report.name,
                "reason": report.state.reason.rawValue,
            ],
            summary: "Source \(report.name) is not read", description: sentence,
            patience: report.state.reason == .silent ? .zero : sourcePatience)
    }

    private static func problem(_ source: String, _ sentence: String) -> StandingProblem {
        StandingProblem(
            labels: ["alertname": "ObsLinesMissing", "severity": "warning", "source": source],
            summary: "Lines of source \(source) are missing or doubled",
            description: "\(sentence). 'obs verify source \(source)' counts again.")
    }

    /// So much before rows are removed, as a share of the disk; as in the alert of Prometheus.
    private static let diskMargin = 0.05

    private func diskProblem(_ policy: RetentionPolicy) -> StandingProblem? {
        guard let disk = disk(), disk.usedShare >= policy.diskLimit - Self.diskMargin else { return nil }
        func percent(_ share: Double) -> String { "\(Int(share * 100)) %" }
        let next =
            policy.diskLimit < 1
            ? "at \(percent(policy.diskLimit)) the oldest rows of bronze are removed" : "when it is full, every pipeline stops"
        return StandingProblem(
            labels: ["alertname": "ObsDiskFilling", "severity": "warning"], summary: "The disk of the tables is filling",
            description: "\(percent(disk.usedShare)) of the disk of \(workspace.path) are in use; \(next). Free space, or set "
                + "retention for tables: 'obs lake tables' says which are large.",
            patience: Self.sourcePatience)
    }

    private func runs(_ configuration: Configuration, now: Timestamp) -> [StandingProblem] {
        let fed = Set(configuration.sources.map(\.pipeline))
        let runs = RunStore(workspace.store)
        return configuration.pipelines.filter { fed.contains($0.name) }.compactMap { pipeline in
            guard let schedule = pipeline.schedule else { return nil }
            do {
                guard let overdue = try runs.overdue(pipeline.name, schedule, watchedSince: started, now: now) else { return nil }
                return StandingProblem(
                    labels: ["alertname": "ObsRunOverdue", "severity": "warning", "pipeline": pipeline.name],
                    summary: "No run of \(pipeline.name) has ended since it was due", description: overdue.sentence)
            } catch {
                logger.warning(
                    "the runs of a pipeline cannot be read", metadata: ["pipeline": "\(pipeline.name)", "error": "\(error)"])
                return nil
            }
        }
    }

    /// What a pipeline has learned to expect of its rows, and does not find.
    private func unusual(_ pipeline: PipelineDefinition) -> [StandingProblem] {
        pipeline.unusualRows(in: metrics).map { found in
            StandingProblem(
                labels: [
                    "alertname": "ObsRowsUnusual", "severity": "warning", "pipeline": pipeline.name, "stream": found.stream,
                    "expectation": found.expectation,
                ],
                summary: "Rows of \(found.stream) in pipeline \(pipeline.name) are unlike usual",
                description: found.sentences.prefix(5).joined(separator: "; ")
                    + (found.sentences.count > 5 ? "; and \(found.sentences.count - 5) more" : "") + ".")
        }
    }

    private func problem(_ deadline: Configuration.Deadline, now: Timestamp) -> StandingProblem? {
        guard let (from, by) = deadline.newest(at: now), !hasRows(deadline.table, since: from) else { return nil }
        return StandingProblem(
            labels: [
                "alertname": "ObsDeadlineMissed", "severity": "warning", "deadline": deadline.name, "table": deadline.table,
            ],
            summary: "\(deadline.name) was missed",
            description: "\(deadline.table) has no rows that were committed between \(from) and now; the deadline was \(by). "
                + "Look with 'obs lake history \(deadline.table)' and at the pipeline that writes it.")
    }

    /// Versions of a table that are looked at: mostly the newest say it, and at the most those of one day.
    private static let versions = [8, 2000]

    private func hasRows(_ table: String, since: Timestamp) -> Bool {
        guard let table = try? workspace.lake.table(table) else { return false }
        for limit in Self.versions {
            guard let history = try? table.history(limit: limit) else { return false }
            // Merging small files adds files too, and takes out others.
            let isFed = history.contains { ($0.time ?? since) >= since && $0.addedFiles > 0 && $0.removedFiles == 0 }
            if isFed { return true }
            if history.count < limit || history.last?.time.map({ $0 < since }) == true { return false }
        }
        return false
    }
}
