import HTTPTypes
import Foundation
import Logging
import Server
import ServiceLifecycle
import Synchronization
import Telemetry

/// A receiver of webhooks that keeps what it gets, by the last part of its path, and answers as it is told to.
final class WebhookRecorder: Sendable {
    struct Post: Sendable {
        /// `hook` of `/hook`; what tells receivers apart.
        let path: String
        let idempotencyKey: String
        let body: Data

        /// The payload of Alertmanager's webhook, version 4.
        var payload: [String: Any] { (try? JSONSerialization.jsonObject(with: body)) as? [String: Any] ?? [:] }
        var alerts: [[String: Any]] { payload["alerts"] as? [[String: Any]] ?? [] }

        /// The value of a label of each alert that it tells of.
        func labels(_ name: String) -> [String] { alerts.compactMap { ($0["labels"] as? [String: String])?[name] } }
    }

    private let kept = Mutex<[Post]>([])
    private let boundPort = BoundPort()
    private let serving = Mutex<(group: ServiceGroup, task: Task<Void, any Error>)?>(nil)

    /// - Parameters:
    ///   - answer: the status of each answer, after as long as it likes; by default 200 at once.
    ///   - metrics: what `GET /metrics` answers.
    init(
        answer: @escaping @Sendable (Post) async -> Int = { _ in 200 }, metrics: @escaping @Sendable () -> String = { "" }
    ) async throws {
        var configuration = ServerConfiguration()
        configuration.listen = "127.0.0.1:0"
        let hook = Route(.post, "/{receiver}") { [weak self] question in
            let post = Post(
                path: question.parameters["receiver"] ?? "", idempotencyKey: question.headers[.init("Idempotency-Key")!] ?? "",
                body: Data(question.body))
            let status = await answer(post)
            // What is refused was not received.
            if status == 200 { self?.kept.withLock { $0.append(post) } }
            return .text("", status: .init(code: status))
        }
        let exposition = Route(.get, "/metrics") { _ in .text(metrics(), contentType: "text/plain; version=0.0.4; charset=utf-8")
        }
        let server = HTTPServer(
            configuration, routes: [hook, exposition], metrics: MetricsRegistry(),
            logger: Logger(label: "recorder") { _ in SwiftLogNoOpLogHandler() }, boundPort: boundPort)
        let group = ServiceGroup(services: [server], logger: .init(label: "recorder") { _ in SwiftLogNoOpLogHandler() })
        serving.withLock { $0 = (group, Task { try await group.run() }) }
        guard await boundPort.wait() != nil else { throw CancellationError() }
    }

    /// Answers what it has begun, and ends. A server that is cancelled instead may end the whole process in the middle of an answer.
    func stop() async {
        guard let serving = serving.withLock({ $0.take() }) else { return }
        await serving.group.triggerGracefulShutdown()
        _ = await serving.task.result
    }

    var url: String { "http://127.0.0.1:\(boundPort.value ?? 0)" }
    var posts: [Post] { kept.withLock { $0 } }
}
