import Logging
import ServiceLifecycle
import UnixSignals

/// Runs what has an end so that SIGINT and SIGTERM end it early: the first one asks it to stop and commit what it has read, a
/// second one ends the process.
public enum UntilSignal {
    /// Runs `work` with graceful shutdown on SIGINT and SIGTERM, and returns what it returns.
    ///
    /// - Throws: what `work` throws.
    public static func run<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) async throws -> Value {
        let job = Job(work: work)
        var logger = Logger(label: "obs.job")
        logger.logLevel = .critical
        try await ServiceGroup(
            configuration: .init(
                services: [
                    .init(service: job, successTerminationBehavior: .gracefullyShutdownGroup), .init(service: SecondSignal()),
                ],
                gracefulShutdownSignals: [.sigint, .sigterm], logger: logger)
        ).run()
        guard let value = await job.box.value else { throw CancellationError() }
        return value
    }

    private struct Job<Value: Sendable>: Service {
        actor Box {
            private(set) var value: Value?
            func set(_ value: Value) { self.value = value }
        }

        let work: @Sendable () async throws -> Value
        let box = Box()

        func run() async throws { await box.set(try await work()) }
    }
}
