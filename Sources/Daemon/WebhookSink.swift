import Foundation
import HTTPTypes
import Logging
import Server
import ServiceLifecycle
import Synchronization
import Telemetry

/// A receiver for webhooks that shows what arrives: for the demo, for docker-compose, for trying a route.
public struct WebhookSink: Service {
    /// What arrived.
    public struct Delivery: Sendable {
        /// `firing` or `resolved`.
        public let status: String
        /// The annotation `summary` of each alert.
        public let summaries: [String]
    }

    private let listen: String
    private let show: @Sendable (Delivery) -> Void
    /// The port of the server, once it listens.
    public let boundPort = BoundPort()

    /// - Parameter show: called with each delivery.
    public init(listen: String, show: @escaping @Sendable (Delivery) -> Void) {
        self.listen = listen
        self.show = show
    }

    /// Whether `listen` is a host and a port at all.
    public static func canListen(on listen: String) -> Bool {
        var configuration = ServerConfiguration()
        configuration.listen = listen
        return (try? configuration.address()) != nil
    }

    /// Serves until the service is to stop.
    public func run() async throws {
        var configuration = ServerConfiguration()
        configuration.listen = listen
        let show = show
        let route = Route(.post, "/hook") { question in
            struct Payload: Decodable {
                struct Alert: Decodable { var annotations: [String: String]? }
                var status: String
                var alerts: [Alert]
            }
            guard let payload = try? JSONDecoder().decode(Payload.self, from: Data(question.body)) else {
                throw HTTPFailure(.badRequest, code: "bad_payload", "the body is not a webhook payload of Alertmanager")
            }
            show(Delivery(status: payload.status, summaries: payload.alerts.map { $0.annotations?["summary"] ?? "" }))
            return .text("ok\n")
        }
        var logger = Logger(label: "obs.sink")
        logger.logLevel = .critical
        let healthy = Route(.get, "/-/healthy") { _ in .text("obs sink is healthy.\n") }
        try await HTTPServer(
            configuration, routes: [route, healthy], metrics: MetricsRegistry(), logger: logger, boundPort: boundPort
        ).run()
    }
}
