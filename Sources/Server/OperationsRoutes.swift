import HTTPTypes
import Synchronization
import Telemetry

/// What watchdogs and operators ask: metrics, health, readiness, reload.
public enum OperationsRoutes {
    public static func all(
        metrics: MetricsRegistry, readiness: Readiness, reload: @escaping @Sendable () async -> String?
    ) -> [Route] {
        [
            Route(.get, "/metrics", isInstant: true) { question in
                let format = ExpositionFormat(accept: question.headers[.accept])
                return .text(metrics.exposition(format), contentType: format.contentType)
            },
            Route(.get, "/-/healthy", isInstant: true) { _ in .text("obs is healthy.\n") },
            Route(.head, "/-/healthy", isInstant: true) { _ in .text("") },
            Route(.get, "/-/ready", isInstant: true) { _ in
                let missing = readiness.missing
                guard missing.isEmpty else {
                    let why = readiness.notes.all.map { "; \($0)" }.joined()
                    throw HTTPFailure(
                        .serviceUnavailable, code: "not_ready",
                        "obs is not ready: waiting for \(missing.joined(separator: ", "))\(why)")
                }
                // Not well, and yet at work: whoever restarts obs for it would gain nothing.
                return .text("obs is ready.\n" + readiness.notes.all.map { "degraded: \($0)\n" }.joined())
            },
            Route(.head, "/-/ready", isInstant: true) { _ in
                .text("", status: readiness.missing.isEmpty ? .ok : .serviceUnavailable)
            },
            Route(.post, "/-/reload") { _ in
                if let problem = await reload() { throw HTTPFailure(.internalServerError, code: "reload_failed", problem) }
                return .text("the configuration is reloaded\n")
            },
        ]
    }
}

/// What must have happened before `/-/ready` says yes: stores open, the first poll of each source done, and each pipeline that failed running again.
public final class Readiness: Sendable {
    private let waiting: Mutex<[String]>
    /// What is not well, whether obs is ready or not.
    public let notes: HealthNotes

    public init(_ conditions: [String], notes: HealthNotes = HealthNotes()) {
        waiting = Mutex(conditions)
        self.notes = notes
    }

    public func isMet(_ condition: String) {
        waiting.withLock { $0.removeAll { $0 == condition } }
    }

    /// From now on `condition` is waited for, until it ``isMet(_:)``.
    public func waits(for condition: String) {
        waiting.withLock { if !$0.contains(condition) { $0.append(condition) } }
    }

    public var missing: [String] { waiting.withLock { $0 } }
}
