import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import Telemetry

/// Serves HTTP until it is asked to shut down; then it finishes the requests in progress and returns.
///
/// It knows nothing about what routes do: each is a ``Route`` with a closure. Every request is measured in one place.
public struct HTTPServer: Service {
    private let configuration: ServerConfiguration
    private let routes: [Route]
    private let hosts: KnownHosts?
    private let metrics: MetricsRegistry
    private let logger: Logger
    private let boundPort: BoundPort
    /// How long a client may take for each step of a request.
    var deadlines = RequestDeadlines.Limits()
    /// The maximum number of connections; nil is a share of the file descriptors.
    var maxConnections: Int?
    /// The maximum memory of all bodies and responses together, in bytes; nil is room for some of the largest.
    var maxHeldBytes: Int?
    /// The time limit of a request that changes nothing.
    var timeLimit = TimeAmount.seconds(10)

    /// - Parameters:
    ///   - hosts: the host names that requests may use; nil for any.
    ///   - boundPort: receives the port when the server listens; with port 0 the system chooses one.
    public init(
        _ configuration: ServerConfiguration, routes: [Route], hosts: KnownHosts? = nil, metrics: MetricsRegistry, logger: Logger,
        boundPort: BoundPort = BoundPort()
    ) {
        self.configuration = configuration
        self.routes = routes
        self.hosts = hosts
        self.metrics = metrics
        self.logger = logger
        self.boundPort = boundPort
    }

    /// Serves until graceful shutdown or cancellation.
    ///
    /// - Throws: a sentence when it cannot listen on its address.
    public func run() async throws {
        defer { boundPort.end() }
        let (host, port) = try configuration.address()
        let router = Router(context: ServerContext.self)
        let terms = terms()
        router.add(middleware: RequestMeter(metrics, routes: routes))
        router.add(middleware: Doorkeeper(hosts: hosts, refusals: terms.refusals))
        for route in routes { route.register(on: router, terms) }
        // Hummingbird's own log lines (each start and stop) are of no interest here.
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        let application = Application(
            router: router,
            server: .http1(
                configuration: .init(additionalChannelHandlers: [
                    ConnectionKeeper(terms.connections, terms.refusals), RequestDeadlines(deadlines, terms.refusals),
                ])),
            configuration: ApplicationConfiguration(address: .hostname(host, port: port), serverName: nil),
            onServerRunning: { [boundPort, logger] channel in
                let port = channel.localAddress?.port ?? port
                boundPort.set(port)
                logger.info("listening for HTTP", metadata: ["host": "\(host)", "port": "\(port)"])
            },
            logger: quiet)
        do {
            try await application.run()
            try await terms.threads.end()
        } catch let error as CancellationError {
            throw error
        } catch {
            if boundPort.value == nil { throw ServerError.cannotListen(configuration.listen, reason: Self.reason(error)) }
            throw error
        }
    }

    /// What all requests share, and its metrics.
    private func terms() -> RequestTerms {
        let connections = Connections(limit: maxConnections ?? Connections.shareOfDescriptors())
        let held = HeldBytes(limit: maxHeldBytes ?? max(96 << 20, 2 * configuration.maxBodySize))
        metrics.gauge("obs_http_connections", help: "Open HTTP connections.") { [([], Double(connections.count))] }
        metrics.gauge("obs_http_held_bytes", help: "Memory that bodies and responses of HTTP requests hold beyond 64 KiB each.") {
            [([], Double(held.count))]
        }
        return RequestTerms(
            maxBodySize: configuration.maxBodySize, userHeader: configuration.userHeader.flatMap { HTTPField.Name($0) },
            held: held, connections: connections,
            threads: RequestThreads(count: max(2, System.coreCount), timeLimit: timeLimit), refusals: Refusals(metrics))
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as IOError where error.errnoCode == EADDRINUSE: ServerError.inUse
        case let error as IOError where error.errnoCode == EACCES: "permission is denied for this port"
        case let error as IOError where error.errnoCode == EADDRNOTAVAIL: "this machine has no such address"
        case let error as IOError: String(cString: strerror(error.errnoCode))
        case is SocketAddressError: "there is no host with this name"
        default: String(describing: error)
        }
    }
}
