import Columns
import Configuration
import Dispatch
import Ingest
import Jobs
import Lake
import Logging
import ServiceLifecycle
import Synchronization
import Telemetry

/// Counts the lines of each source's files against bronze, daily if nothing else is set (``SourceVerification``): a line that is
/// lost is noticed while its file is still there.
///
/// Reading all of it blocks and is of no hurry, so that it has a queue of its own, of low priority, and begins a while after the
/// start.
final class SourceProof: Service {
    private static let queue = DispatchQueue(label: "obs.sources.proof", qos: .utility)
    private static let firstPause = Duration.seconds(600)
    /// While it is switched off, the configuration is looked at so often.
    private static let idlePause = Duration.seconds(60)

    private let lake: Lake
    private let configuration: @Sendable () -> Configuration
    private let logger: Logger
    private let health: HealthNotes
    private let missing: GaugeFamily
    private let duplicates: GaugeFamily
    private let verifiedAt: GaugeFamily
    private let failures: Counter
    /// By source, what is wrong with its lines; nil when nothing is.
    private let verdicts = Mutex<[String: String?]>([:])
    private let isStopping = Atomic(false)

    init(
        lake: Lake, metrics: MetricsRegistry, logger: Logger, health: HealthNotes = HealthNotes(),
        configuration: @escaping @Sendable () -> Configuration
    ) {
        self.lake = lake
        self.configuration = configuration
        self.logger = logger
        self.health = health
        missing = metrics.gauge(
            "obs_source_missing_lines", help: "Lines of the source's files that are in no table, as last counted.",
            labels: ["source"])
        duplicates = metrics.gauge(
            "obs_source_duplicate_lines", help: "Lines of the source's files that are in bronze more than once, as last counted.",
            labels: ["source"])
        verifiedAt = metrics.gauge(
            "obs_source_verified_timestamp_seconds", help: "When the lines of the source were last counted.", labels: ["source"])
        failures =
            metrics.counter(
                "obs_source_verify_failures_total", help: "Sources whose lines could not be counted, once a source and round.")[]
    }

    func run() async throws {
        await withGracefulShutdownHandler {
            var pause = Self.firstPause
            while !isStopping.load(ordering: .acquiring), !Task.isCancelled {
                let interval = configuration().verifyInterval
                let wait = interval.map { min($0, pause) } ?? Self.idlePause
                try? await cancelWhenGracefulShutdown { try await Task.sleep(for: wait) }
                guard interval != nil, !isStopping.load(ordering: .acquiring), !Task.isCancelled else { continue }
                await round()
                pause = configuration().verifyInterval ?? pause
            }
        } onGracefulShutdown: {
            self.isStopping.store(true, ordering: .releasing)
        }
    }

    /// What the last rounds found wrong, by source.
    var problems: [(source: String, sentence: String)] {
        verdicts.withLock { verdicts in verdicts.compactMap { name, verdict in verdict.map { (name, $0) } } }
    }

    /// Whether the lines of a source have been counted since the start.
    func hasLooked(at source: String) -> Bool { verdicts.withLock { $0[source] != nil } }

    /// Counts the lines of all sources once.
    func round() async {
        let configuration = configuration()
        for entry in configuration.sources where entry.settings.followedPath != nil {
            guard !isStopping.load(ordering: .acquiring) else { return }
            let found: Result<SourceVerification, any Error> = await withCheckedContinuation { continuation in
                Self.queue.async { [self] in
                    continuation.resume(
                        returning: Result {
                            try SourceVerification(entry, configuration, lake: lake) { _, _ in
                                if isStopping.load(ordering: .acquiring) { throw CancellationError() }
                            }
                        })
                }
            }
            tell(found, of: entry.name)
        }
    }

    private func tell(_ found: Result<SourceVerification, any Error>, of source: String) {
        let subject = "counting the lines of source \(source)"
        switch found {
        case .success(let verification):
            missing[source].set(Double(verification.missingLines))
            duplicates[source].set(Double(verification.duplicateLines))
            verifiedAt[source].set(Timestamp.now.secondsSince1970)
            health.clear(.failingChore, subject)
            let sentence = verification.isClean ? nil : verification.sentences.prefix(4).joined(separator: "; ")
            verdicts.withLock { $0[source] = .some(sentence) }
            guard let sentence else { return }
            logger.error("lines of a source are missing or doubled", metadata: ["source": "\(source)", "found": "\(sentence)"])
        case .failure(let error):
            guard !(error is CancellationError) else { return }
            failures.increment()
            health.note(.failingChore, subject, "\(error)")
            logger.warning(
                "the lines of a source could not be counted", metadata: ["source": "\(source)", "error": "\(error)"])
        }
    }
}
