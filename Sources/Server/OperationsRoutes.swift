import Access
import HTTPTypes
import Telemetry

/// What watchdogs and operators ask for: metrics, health, readiness, reload.
enum OperationsRoutes {
    static func all(
        metrics: MetricsRegistry, readiness: Readiness, reload: @escaping @Sendable (String) async -> String?
    ) -> [Route] {
        func operation(_ id: String, _ summary: String, refusals: [Int] = []) -> Operation {
            Operation(id, .program, summary) {
                $0.response = .text()
                $0.refusals = refusals
            }
        }
        func head(_ id: String) -> Operation { Operation(id, .program, "The same without a body") }
        return [
            Route(
                .get, "/metrics",
                operation("getMetrics", "Metrics for Prometheus, in its text format or OpenMetrics as Accept says"),
                isInstant: true
            ) { request in
                let format = ExpositionFormat(accept: request.headers[.accept])
                return .text(metrics.exposition(format), contentType: format.contentType)
            },
            Route(.get, "/-/healthy", operation("isHealthy", "Whether the process responds"), isInstant: true) { _ in
                .text("obs is healthy.\n")
            },
            Route(.head, "/-/healthy", head("headHealthy"), isInstant: true) { _ in .text("") },
            Route(
                .get, "/-/ready", operation("isReady", "Whether stores and sources are open", refusals: [503]), isInstant: true
            ) { request in
                let missing = readiness.missing
                // What is missing and degraded names files: that is for those who may look.
                guard request.caller.may(.view) else {
                    guard missing.isEmpty else {
                        throw HTTPFailure(.serviceUnavailable, code: "not_ready", "obs is not ready")
                    }
                    return .text("obs is ready.\n")
                }
                guard missing.isEmpty else {
                    let why = readiness.notes.all.map { "; \($0)" }.joined()
                    throw HTTPFailure(
                        .serviceUnavailable, code: "not_ready",
                        "obs is not ready: waiting for \(missing.joined(separator: ", "))\(why)")
                }
                // Degraded, but working: a restart would not help.
                return .text("obs is ready.\n" + readiness.notes.all.map { "degraded: \($0)\n" }.joined())
            },
            Route(.head, "/-/ready", head("headReady"), isInstant: true) { _ in
                .text("", status: readiness.missing.isEmpty ? .ok : .serviceUnavailable)
            },
            Route(
                .post, "/-/reload",
                operation("reload", "Reads the configuration again; a bad one changes nothing", refusals: [500])
            ) { request in
                if let problem = await reload(request.caller.name) {
                    throw HTTPFailure(.internalServerError, code: "reload_failed", problem)
                }
                return .text("the configuration is reloaded\n")
            },
        ]
    }
}
