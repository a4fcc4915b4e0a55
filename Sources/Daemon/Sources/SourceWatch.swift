import Columns
import Configuration
import Dispatch
import Ingest
import Jobs
import Logging
import Server
import ServiceLifecycle
import Streaming
import Synchronization
import Telemetry

/// Looks after the sources, so that watching nothing does not look like health: what each finds, whether lines come from it and
/// whether they are understood.
///
/// Looking asks the file system, which may block for long; it has a queue of its own.
final class SourceWatch: Service, Sendable {
    struct Limits: Sendable {
        /// Between two looks.
        var interval = Duration.seconds(5)
        /// What is wrong is logged again so often.
        var reminder = Duration.seconds(600)
        /// After so long without a source that could be opened obs is not ready.
        var patience = Duration.seconds(60)
        /// What is known of the sources is written down so often.
        var saving = Duration.seconds(60)
    }

    private struct Watched {
        let entry: Configuration.SourceEntry
        let format: String
        /// From when on it is watched.
        var since: Timestamp
        var state = SourceState.reading
        /// When it was last logged that something is wrong.
        var saidAt: Timestamp?
    }

    private struct State {
        var sources: [Watched] = []
        /// By source; also of those that a reload has taken out.
        var activities: [String: SourceActivity] = [:]
        var begun: Timestamp?
        var isAnyOpened = false
        /// What `/-/ready` waits for.
        var condition: String?
        var savedAt = Timestamp(microseconds: 0)
    }

    private let state = Mutex(State())
    private let limits: Limits
    private let store: SourceActivities
    private let readiness: Readiness
    private let logger: Logger
    private static let queue = DispatchQueue(label: "obs.sources.watch")

    init(
        _ plans: [PipelinePlan], store: SourceActivities, readiness: Readiness, metrics: MetricsRegistry, logger: Logger,
        limits: Limits = Limits()
    ) {
        self.store = store
        self.readiness = readiness
        self.logger = logger
        self.limits = limits
        do {
            let known = try store.load()
            state.withLock { $0.activities = known }
        } catch {
            logger.warning("what is known of the sources cannot be read; it is learned anew", metadata: ["error": "\(error)"])
        }
        metrics.gauge(
            "obs_source_up",
            help:
                "Whether a source is read, and why not: reading, missing, unreadable, not_regular, not_understood or silent.",
            labels: ["source", "reason"]
        ) { [weak self] in
            self?.reports.map { ([$0.name, $0.state.reason.rawValue], $0.state.isUp ? 1 : 0) } ?? []
        }
        metrics.gauge(
            "obs_source_last_line_timestamp_seconds", help: "When the newest line of a source came, since 1970.",
            labels: ["source"]
        ) { [weak self] in
            self?.reports.compactMap { report in report.lastLine.map { ([report.name], Double($0.microseconds) / 1e6) } } ?? []
        }
        watch(plans)
    }

    /// From now on these are the sources. What is known of those that stay is kept.
    func watch(_ plans: [PipelinePlan]) {
        let now = Timestamp.now
        state.withLock { state in
            let old = Dictionary(state.sources.map { ($0.entry, $0) }, uniquingKeysWith: { first, _ in first })
            state.sources = plans.flatMap { plan in
                plan.sources.map { entry in
                    let format = (try? plan.definition.input(entry.input).format) ?? ""
                    guard let known = old[entry], known.format == format else {
                        return Watched(entry: entry, format: format, since: now)
                    }
                    return known
                }
            }
        }
    }

    /// Notes something of a source. Called a few times per batch.
    func note(_ source: String, _ change: (inout SourceActivity) -> Void) {
        state.withLock { change(&$0.activities[source, default: SourceActivity()]) }
    }

    /// Each source as it was at the last look.
    var reports: [SourceReport] {
        state.withLock { state in
            state.sources.map {
                SourceReport(
                    name: $0.entry.name, pipeline: $0.entry.pipeline, place: $0.entry.place, state: $0.state,
                    lastLine: state.activities[$0.entry.name]?.lastLine)
            }
        }
    }

    func run() async throws {
        if reports.isEmpty { logger.warning("\(SourceCheck.nothing)") }
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            await look(isLast: false)
            let interval = limits.interval
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: interval) }
        }
        await look(isLast: true)
    }

    private func look(isLast: Bool) async {
        await withCheckedContinuation { continuation in
            Self.queue.async {
                let now = Timestamp.now
                if !isLast { self.look(now: now) }
                self.save(now: now, isLast: isLast)
                continuation.resume()
            }
        }
    }

    /// Looks once; blocks.
    func look(now: Timestamp) {
        let looks = state.withLock { $0.sources.map(\.entry) }.map { ($0, $0.look()) }
        let (news, conditions) = state.withLock { state -> ([(Watched, wasUp: Bool)], (old: String?, new: String?)) in
            let begun = state.begun ?? now
            state.begun = begun
            var news: [(Watched, wasUp: Bool)] = []
            for (entry, look) in looks {
                // A reload may have come in between.
                guard let index = state.sources.firstIndex(where: { $0.entry == entry }) else { continue }
                let wasUp = state.sources[index].state.isUp
                if update(&state.sources[index], look, state.activities[entry.name] ?? SourceActivity(), now: now) {
                    news.append((state.sources[index], wasUp))
                }
                if state.sources[index].state.canBeOpened { state.isAnyOpened = true }
            }
            let old = state.condition
            state.condition = nil
            if !state.isAnyOpened, !state.sources.isEmpty, now - begun >= limits.patience {
                state.condition =
                    "a source that can be opened (\(state.sources.compactMap(\.state.sentence).joined(separator: "; ")))"
            }
            return (news, (old, state.condition))
        }
        for (source, wasUp) in news { say(source, wasUp: wasUp) }
        guard conditions.old != conditions.new else { return }
        if let new = conditions.new { readiness.waits(for: new) }
        if let old = conditions.old { readiness.isMet(old) }
    }

    /// - Returns: whether there is something to log: it is otherwise than before, or still wrong.
    private func update(_ source: inout Watched, _ look: SourceLook, _ activity: SourceActivity, now: Timestamp) -> Bool {
        let old = source.state
        // What came while obs was down is read in the first moments, and is not a silence.
        let isFresh = now - source.since < limits.patience
        let since = isFresh ? source.since : min(source.since, activity.lastLine ?? source.since)
        source.state = source.entry.state(look, activity, format: source.format, since: since, now: now)
        let isDue = source.saidAt.map { now - $0 >= limits.reminder } ?? true
        guard source.state.reason != old.reason || !source.state.isUp && isDue else { return false }
        source.saidAt = source.state.isUp ? nil : now
        return true
    }

    private func say(_ source: Watched, wasUp: Bool) {
        var metadata: Logger.Metadata = ["source": "\(source.entry.name)", "pipeline": "\(source.entry.pipeline)"]
        guard let problem = source.state.sentence else {
            return logger.info("a source is well again", metadata: metadata)
        }
        metadata["reason"] = "\(source.state.reason.rawValue)"
        metadata["problem"] = "\(problem)"
        logger.warning(wasUp ? "a source needs attention" : "a source still needs attention", metadata: metadata)
    }

    private func save(now: Timestamp, isLast: Bool) {
        let activities = state.withLock { state -> [String: SourceActivity]? in
            guard isLast || now - state.savedAt >= limits.saving else { return nil }
            state.savedAt = now
            let names = Set(state.sources.map(\.entry.name))
            return state.activities.filter { names.contains($0.key) }
        }
        guard let activities, !activities.isEmpty else { return }
        do {
            try store.save(activities, now: now)
        } catch {
            logger.warning(
                "what is known of the sources cannot be written down; it is tried again", metadata: ["error": "\(error)"])
        }
    }
}
