import Columns
import Configuration
import Detection
import Dispatch
import Jobs
import Lake
import Logging
import ServiceLifecycle
import Synchronization
import Telemetry

/// Trains models anew when their settings say so, and shows the registry in an MLflow server: a look each minute.
///
/// Training takes seconds and reads tables, so that it has a queue of its own, of low priority.
struct ModelUpkeep: Service {
    private static let pause = Duration.seconds(60)
    private static let queue = DispatchQueue(label: "obs.models", qos: .utility)

    private let workspace: Workspace
    private let configuration: @Sendable () -> Configuration
    private let logger: Logger
    private let trainings: CounterFamily
    private let took: Histogram
    private let publications: CounterFamily
    private let troubles = Troubles()
    /// What MLflow has.
    private let published: Published = Published()

    /// By model: one that cannot be trained is left alone for longer and longer.
    private final class Troubles: Sendable {
        private let value = Mutex(ChoreFailures(firstPause: .seconds(600), longestPause: .seconds(6 * 3600)))
        func mayTry(_ model: String) -> Bool { value.withLock { $0.mayTry(model, now: .now) } }
        func failed(_ model: String, _ error: String) -> Bool { value.withLock { $0.failed(model, error, now: .now) } }
        func succeeded(_ model: String) -> Bool { value.withLock { $0.succeeded(model) } }
    }

    private final class Published: Sendable { let state: Mutex<String?> = Mutex(nil) }

    init(
        _ workspace: Workspace, metrics: MetricsRegistry, logger: Logger,
        configuration: @escaping @Sendable () -> Configuration
    ) {
        self.workspace = workspace
        self.configuration = configuration
        self.logger = logger
        trainings = metrics.counter(
            "obs_model_trainings_total", help: "Trainings of models by their schedules, by how they ended.",
            labels: ["model", "result"])
        publications = metrics.counter(
            "obs_mlflow_publications_total", help: "Times that the registry was brought to the MLflow server, by how they ended.",
            labels: ["result"])
        for result in ["ok", "failed"] { _ = publications[result] }
        took = ModelMetrics.trainingTime(metrics)
    }

    func run() async throws {
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            await round(now: .now)
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: Self.pause) }
        }
    }

    /// Looks at each model that has a schedule.
    func round(now: Timestamp) async {
        for settings in configuration().windowModels where settings.retraining != nil && troubles.mayTry(settings.model) {
            for result in ["ok", "failed"] { _ = trainings[settings.model, result] }
            let workspace = workspace
            let outcome: Result<ModelRetraining.Outcome?, any Error> = await withCheckedContinuation { continuation in
                Self.queue.async {
                    continuation.resume(returning: Result { try ModelRetraining(workspace).round(settings, now: now) })
                }
            }
            tell(outcome, of: settings.model)
        }
        await publish()
    }

    private func publish() async {
        guard let settings = configuration().mlflow, troubles.mayTry("mlflow") else { return }
        let publisher = MLflowPublisher(settings, workspace), before = published.state.withLock { $0 }
        let outcome: Result<String, any Error> = await withCheckedContinuation { continuation in
            Self.queue.async {
                continuation.resume(
                    returning: Result {
                        let state = try publisher.state()
                        if state != before { _ = try publisher.publish() }
                        return state
                    })
            }
        }
        switch outcome {
        case .success(let state):
            guard state != before else { return }
            published.state.withLock { $0 = state }
            publications["ok"].increment()
            _ = troubles.succeeded("mlflow")
            logger.info("the registry of models was brought to MLflow", metadata: ["url": "\(settings.trackingURI)"])
        case .failure(let error):
            publications["failed"].increment()
            guard troubles.failed("mlflow", "\(error)") else { return }
            logger.warning("the registry of models could not be brought to MLflow", metadata: ["error": "\(error)"])
        }
    }

    private func tell(_ outcome: Result<ModelRetraining.Outcome?, any Error>, of model: String) {
        switch outcome {
        case .success(nil): break
        case .success(let outcome?):
            _ = troubles.succeeded(model)
            trainings[model, "ok"].increment()
            took.observe(outcome.took)
            logger.notice(
                "a model was trained by its schedule",
                metadata: [
                    "model": "\(model)", "version": "\(outcome.entry.version)", "rows": "\(outcome.entry.trainedOn)",
                    "aliases": "\(outcome.entry.aliases.joined(separator: " "))",
                    "why_not_champion": "\(outcome.reasonAgainst ?? "")",
                ])
        case .failure(let error):
            trainings[model, "failed"].increment()
            guard troubles.failed(model, "\(error)") else { return }
            logger.warning("a model could not be trained by its schedule", metadata: ["model": "\(model)", "error": "\(error)"])
        }
    }
}
