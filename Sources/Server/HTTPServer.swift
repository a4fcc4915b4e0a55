import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Ingest
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
    private let access: AccessControl
    /// Whether every route has to be in ``RouteAccess``.
    private let isGuarded: Bool
    private let metrics: MetricsRegistry
    private let logger: Logger
    private let boundPort: BoundPort
    /// How long a client may take for each step of a request.
    var deadlines = RequestDeadlines.Limits()
    /// The maximum memory of all bodies and responses together, in bytes; nil is room for some of the largest.
    var maxHeldBytes: Int?
    /// The time limit of a request that changes nothing.
    var timeLimit = TimeAmount.seconds(10)

    /// - Parameters:
    ///   - hosts: the host names that requests may use; nil for any.
    ///   - access: the tokens and people that requests are checked against; nil lets
    ///     everybody do everything.
    ///   - boundPort: receives the port when the server listens; with port 0 the system chooses one.
    public init(
        _ configuration: ServerConfiguration, routes: [Route], hosts: KnownHosts? = nil, access: AccessControl? = nil,
        metrics: MetricsRegistry, logger: Logger, boundPort: BoundPort = BoundPort()
    ) {
        self.configuration = configuration
        self.routes = routes
        self.hosts = hosts
        isGuarded = access != nil
        self.access = access ?? AccessControl(configuration, store: nil, logger: logger)
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
        if isGuarded { try RouteAccess.checkAll(routes) }
        access.warnWhereNobodyMayPass()
        let router = Router(context: ServerContext.self)
        let terms = terms()
        router.add(middleware: RequestMeter(metrics, routes: routes, isSecure: configuration.tls != nil))
        router.add(middleware: Doorkeeper(hosts: hosts, refusals: terms.refusals, access: access))
        for route in routes { route.register(on: router, terms) }
        // Hummingbird's own log lines (each start and stop) are of no interest here.
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        let application = Application(
            router: router,
            server: try listener(terms),
            configuration: ApplicationConfiguration(address: .hostname(host, port: port), serverName: nil),
            onServerRunning: { [boundPort, logger] channel in
                let port = channel.localAddress?.port ?? port
                boundPort.set(port)
                logger.info("listening for HTTP", metadata: ["host": "\(host)", "port": "\(port)"])
            },
            logger: quiet)
        do {
            try await application.run()
            await access.flush()
            try await terms.threads.end()
        } catch let error as CancellationError {
            throw error
        } catch {
            if boundPort.value == nil { throw ServerError.cannotListen(configuration.listen, reason: Self.reason(error)) }
            throw error
        }
    }

    /// HTTP/1.1, in TLS where the configuration has a certificate.
    private func listener(_ terms: RequestTerms) throws -> HTTPServerBuilder {
        let deadlines = deadlines
        let channel = HTTP1Channel.Configuration(additionalChannelHandlers: [
            ConnectionKeeper(terms.connections, terms.refusals), RequestDeadlines(deadlines, terms.refusals),
        ])
        guard let files = configuration.tls else { return .http1(configuration: channel) }
        let identity: ListenerIdentity
        do {
            identity = try ListenerIdentity(files, clients: .mayHaveCertificate, owner: "http", logger: logger)
        } catch {
            throw ServerError.badTLS("\(error)")
        }
        return HTTPServerBuilder { responder in
            SecureChannel(base: HTTP1Channel(responder: responder, configuration: channel), identity: identity)
        }
    }

    /// What all requests share, and its metrics.
    private func terms() -> RequestTerms {
        let connections = Connections(configuration.connectionLimits)
        let held = HeldBytes(limit: maxHeldBytes ?? max(96 << 20, 2 * configuration.maxBodySize))
        metrics.gauge("obs_http_connections", help: "Open HTTP connections.") { [([], Double(connections.count))] }
        metrics.gauge(
            "obs_http_connections_of_address_max",
            help: "Open HTTP connections of the address that has the most; without trusted proxies, and 0 on loopback."
        ) { [([], Double(connections.mostOfAddress))] }
        let limits = connections.limits
        metrics.gauge(
            "obs_http_connections_limit", help: "How many HTTP connections there may be, in all and of one address.",
            labels: ["scope"]
        ) { [(["all"], Double(limits.all)), (["address"], Double(limits.perAddress ?? limits.all))] }
        metrics.gauge("obs_http_held_bytes", help: "Memory that bodies and responses of HTTP requests hold beyond 64 KiB each.") {
            [([], Double(held.count))]
        }
        return RequestTerms(
            maxBodySize: configuration.maxBodySize, access: access,
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
