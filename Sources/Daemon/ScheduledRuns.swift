import Columns
import Configuration
import Foundation
import Ingest
import Logging
import ServiceLifecycle
import Streaming
import Telemetry

/// When a scheduled pipeline runs next: at each time that its schedule names, and once at the start if a time has passed unused.
struct RunCalendar {
    let schedule: Schedule

    /// The time that a run is due for now, or nil and when the next one is.
    ///
    /// - Parameters:
    ///   - last: what the newest run that ended well was due for; nil before the first.
    ///   - known: since when the pipeline has its schedule.
    func due(last: Timestamp?, knownSince known: Timestamp, now: Timestamp) -> (due: Timestamp?, next: Timestamp?) {
        // The first run ever: an interval begins at once, a cron expression at its first time.
        if last == nil, case .every(let interval) = schedule {
            return (schedule.next(after: now - interval), schedule.next(after: now))
        }
        let last = last ?? known
        guard var due = schedule.next(after: last), due <= now else { return (nil, schedule.next(after: max(last, now))) }
        // Of all that were missed only the newest is run: it reads what came in all that time.
        if case .every(let interval) = schedule, let newest = schedule.next(after: now - interval), newest <= now {
            due = max(due, newest)
        }
        while let later = schedule.next(after: due), later <= now { due = later }
        return (due, schedule.next(after: now))
    }
}

/// Runs a batch pipeline when its schedule says: each run reads what its sources have by then, and is recorded.
struct ScheduledRuns {
    let plan: PipelinePlan
    let schedule: Schedule
    let runs: RunStore
    let makeRunner: () async throws -> PipelineRunner
    let makeSource: (Configuration.SourceEntry) async throws -> PipelineSource?
    let metrics: MetricsRegistry
    let logger: Logger

    /// Until the service is to stop.
    func run() async throws {
        let calendar = RunCalendar(schedule: schedule)
        // A time of the future was noted by a clock that was ahead.
        let start = Timestamp.now
        let known = min(try runs.scheduled(plan.definition.name, now: start), start)
        let failures = metrics.counter(
            "obs_pipeline_runs_total", help: "Runs of scheduled pipelines, by how they ended.", labels: ["pipeline", "result"])
        for result in ["ok", "failed"] { _ = failures[plan.definition.name, result] }
        while !Task.isShuttingDownGracefully {
            let now = Timestamp.now
            let (due, next) = calendar.due(last: try runs.lastDue(plan.definition.name, now: now), knownSince: known, now: now)
            if let due {
                let run = try runs.begin(plan.definition.name, .schedule, due: due, now: now)
                do {
                    var sources: [PipelineSource] = []
                    for entry in plan.sources { if let source = try await makeSource(entry) { sources.append(source) } }
                    let summary = try await makeRunner().run(sources, mode: .available)
                    // A run that was stopped half way is not recorded as done: it is run again after the restart.
                    let isWhole = !Task.isShuttingDownGracefully
                    try runs.end(
                        run, stages: summary.stages, error: isWhole ? nil : "stopped before its end",
                        now: .now)
                    failures[plan.definition.name, "ok"].increment()
                    continue
                } catch {
                    failures[plan.definition.name, "failed"].increment()
                    try runs.end(run, error: "\(error)", now: .now)
                    throw error
                }
            }
            guard let next else { return }
            let wait = min(next - now, .seconds(60))  // a minute at most, so that a clock that is set is followed
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: wait) }
        }
    }
}
