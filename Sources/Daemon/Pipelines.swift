import Alerting
import Configuration
import Incidents
import Detection
import Foundation
import Ingest
import Jobs
import Logging
import Parsing
import Server
import ServiceLifecycle
import Store
import Streaming
import Telemetry

/// What one running pipeline is made of. While it is equal to what a new configuration asks for, a reload leaves the pipeline
/// alone.
struct PipelinePlan: Sendable, Equatable {
    let definition: PipelineDefinition
    let sources: [Configuration.SourceEntry]
    let detections: [DetectionEntry]

    /// The pipelines that have sources, by name.
    static func plans(_ configuration: Configuration) throws -> [PipelinePlan] {
        try Dictionary(grouping: configuration.sources, by: \.pipeline).sorted { $0.key < $1.key }.map { name, sources in
            PipelinePlan(
                definition: try configuration.pipeline(name), sources: sources, detections: try configuration.detections(of: name)
            )
        }
    }
}

/// What the pipelines of a running obs share: where they read and write, and whom they report to.
struct PipelineSurroundings: Sendable {
    /// Tables, checkpoints, models and exports.
    let workspace: Workspace
    /// Of the sources that are pushed to.
    let spools: Spools
    /// Gets the newest gold rows.
    let serving: ServingStore
    /// Gets what detectors find.
    let alerts: AlertInbox
    /// Learns of each source what comes from it.
    let watch: SourceWatch
    /// Learns which pipelines have failed and wait.
    let readiness: Readiness
    let metrics: MetricsRegistry
    let logger: Logger
}

/// Runs the pipelines that are asked for. When other ones are asked for, those that changed stop as at the end of the process,
/// with all that they have read committed, and go on from their checkpoints as they are now defined; those that did not change
/// never notice.
actor PipelineSupervisor: Service {
    /// A pipeline that runs.
    private struct Job {
        let plan: PipelinePlan
        let group: ServiceGroup
        /// Ends when the pipeline has stopped.
        let end: AsyncStream<Never>
    }

    private var wanted: [PipelinePlan]
    /// Grows with each set of plans that is wanted; `done` is the last that is in force, and greatest when no more will be.
    private var asked = 0, done = -1
    private var waiting: [(asked: Int, resume: CheckedContinuation<Void, Never>)] = []
    private let changes: AsyncStream<Void>
    private let change: AsyncStream<Void>.Continuation
    private let surroundings: PipelineSurroundings
    private var logger: Logger { surroundings.logger }

    init(_ plans: [PipelinePlan], in surroundings: PipelineSurroundings) {
        wanted = plans
        self.surroundings = surroundings
        (changes, change) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        change.yield()
    }

    /// - Throws: ``PipelineError/definitionChanged(pipeline:)`` when a plan cannot go on from the checkpoint that is there.
    nonisolated func check(_ plans: [PipelinePlan]) throws {
        for plan in plans { try CheckpointFolder.check(plan.definition, in: surroundings.workspace.checkpoints) }
    }

    /// From now on these are to run. When this returns those that are to stop have stopped: nothing more is read from what they
    /// read.
    func apply(_ plans: [PipelinePlan]) async {
        wanted = plans
        surroundings.watch.watch(plans)
        asked += 1
        change.yield()
        let mine = asked
        if done < mine { await withCheckedContinuation { waiting.append((mine, $0)) } }
    }

    private func isInForce(_ number: Int) {
        done = number
        for wait in waiting where wait.asked <= number { wait.resume.resume() }
        waiting.removeAll { $0.asked <= number }
    }

    /// Runs until the service is to stop. A pipeline that fails is started again after a pause; the others never notice.
    func run() async throws {
        defer { isInForce(.max) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            var jobs: [String: Job] = [:]
            for await _ in changes.cancelOnGracefulShutdown() {
                let number = asked
                let wanted = wanted
                let plans = Dictionary(uniqueKeysWithValues: wanted.map { ($0.definition.name, $0) })
                for (name, job) in jobs where plans[name] != job.plan {
                    await job.group.triggerGracefulShutdown()
                    for await _ in job.end {}
                    jobs[name] = nil
                    logger.info("a pipeline stopped for the new configuration", metadata: ["pipeline": "\(name)"])
                }
                for plan in wanted where jobs[plan.definition.name] == nil {
                    jobs[plan.definition.name] = start(plan, in: &group)
                }
                isInForce(number)
            }
            isInForce(.max)
            for try await _ in group {}
        }
    }

    private func start(_ plan: PipelinePlan, in tasks: inout ThrowingTaskGroup<Void, any Error>) -> Job {
        var quiet = logger
        quiet.logLevel = .error
        let service = PipelineService(plan: plan, surroundings: surroundings)
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: service, successTerminationBehavior: .gracefullyShutdownGroup)], logger: quiet))
        let (end, running) = AsyncStream.makeStream(of: Never.self)
        let change = change
        tasks.addTask {
            defer { running.finish() }
            do {
                try await group.run()
            } catch {
                change.finish()  // no more changes are waited for: the error ends the process
                throw error
            }
        }
        return Job(plan: plan, group: group, end: end)
    }
}

/// One pipeline with its sources.
///
/// When it fails (a full disk, a damaged checkpoint, an expectation whose action is `fail`), it waits and goes on from the last
/// checkpoint: the source keeps the data. Until it has run for a while `/-/ready` names it.
struct PipelineService: Service {
    let plan: PipelinePlan
    let surroundings: PipelineSurroundings

    private var workspace: Workspace { surroundings.workspace }
    private var watch: SourceWatch { surroundings.watch }
    private var readiness: Readiness { surroundings.readiness }
    private var metrics: MetricsRegistry { surroundings.metrics }
    private var logger: Logger { surroundings.logger }

    /// A pipeline that has run for so long has got over what was wrong.
    private static let recovery = Duration.seconds(30)

    func run() async throws {
        let name = plan.definition.name
        let up = metrics.gauge(
            "obs_pipeline_up", help: "Whether a pipeline runs: 0 while it waits after a failure.", labels: ["pipeline"])[name]
        let failures = metrics.counter(
            "obs_pipeline_failures_total", help: "Failures of a pipeline, after each of which it is started again.",
            labels: ["pipeline"])[name]
        up.set(1)
        defer {
            readiness.isMet("pipeline \(name)")
            readiness.notes.clear(.failingChore, "pipeline \(name)")
        }
        var pause = Duration.seconds(1)
        while !Task.isShuttingDownGracefully {
            let start = ContinuousClock.now
            do {
                try await runOnce()
                return
            } catch is CancellationError {
                return
            } catch {
                if .now - start > Self.recovery { pause = .seconds(1) }
                up.set(0)
                failures.increment()
                readiness.waits(for: "pipeline \(name)")
                readiness.notes.note(.failingChore, "pipeline \(name)", "pipeline '\(name)' fails and is tried again: \(error)")
                logger.error(
                    "a pipeline failed; it goes on from its last checkpoint",
                    metadata: ["pipeline": "\(name)", "error": "\(error)", "wait": "\(pause)"])
                let wait = pause
                try? await cancelWhenGracefulShutdown { try await Task.sleep(for: wait) }
                pause = min(pause * 2, .seconds(60))
                up.set(1)
            }
        }
    }

    /// Until the service is to stop.
    private func runOnce() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await Task.sleep(for: Self.recovery)
                readiness.isMet("pipeline \(plan.definition.name)")
                readiness.notes.clear(.failingChore, "pipeline \(plan.definition.name)")
            }
            if let schedule = plan.definition.schedule {
                try await runScheduled(schedule)
            } else {
                var sources: [PipelineSource] = []
                for entry in plan.sources {
                    sources.append(watched(try await entry.settings.source(setup(entry)), entry))
                }
                _ = try await makeRunner().run(sources, mode: .stream)
            }
            group.cancelAll()
        }
    }

    /// Redacted first, unless it has been on its way into the spool: nobody else sees the lines as they came.
    private func watched(_ source: any Source, _ entry: Configuration.SourceEntry) -> PipelineSource {
        let redacted: any Source = entry.settings.hasSpool ? source : entry.redactor.map { RedactedSource(source, $0) } ?? source
        return PipelineSource(WatchedSource(source: redacted, watch: watch), input: entry.input)
    }

    private func setup(_ entry: Configuration.SourceEntry) -> SourceSetup {
        SourceSetup(name: entry.name, metrics: metrics, logger: logger) {
            [spools = surroundings.spools, plan] in
            try await spools.spool(entry, of: plan.definition)
        }
    }

    /// A source for a run that ends when all that exists is read; nil when nothing exists yet.
    private func endingSource(_ entry: Configuration.SourceEntry) async throws -> PipelineSource? {
        try await entry.settings.endingSource(setup(entry)).map { watched($0, entry) }
    }

    private func makeRunner() async throws -> PipelineRunner {
        let observer = DetectionObserver(
            plan.definition, plan.detections, models: workspace.models, alerts: surroundings.alerts, metrics: metrics,
            logger: logger,
            health: readiness.notes)
        return try await PipelineRunner(
            plan.definition, lake: workspace.lake, checkpoints: workspace.checkpoints,
            context: ParsingContext(timeZone: plan.sources.compactMap(\.timeZone).first ?? .current),
            exportFolder: workspace.exports,
            observers: [
                observer, GoldGauges(metrics, plan.definition), try ServingObserver(surroundings.serving, plan.definition),
                SourceObserver(watch: watch),
            ],
            scorers: workspace.scorers(health: readiness.notes, metrics: metrics, logger), metrics: metrics, logger: logger)
    }

    private func runScheduled(_ schedule: Schedule) async throws {
        try await ScheduledRuns(
            plan: plan, schedule: schedule, runs: RunStore(workspace.store), makeRunner: makeRunner, makeSource: endingSource,
            metrics: metrics, logger: logger
        ).run()
    }
}
