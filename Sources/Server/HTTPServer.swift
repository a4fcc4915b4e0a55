import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization
import Telemetry

/// Where the server listens and what it accepts.
public struct ServerConfiguration: Sendable, Hashable, Decodable {
    /// `host:port`. Loopback only by default: nothing is shown to a network that nobody chose.
    public var listen = "127.0.0.1:9464"
    /// The largest request body in bytes.
    public var maxBodySize = 10 << 20
    /// Other names by which this server is asked, such as that which a proxy or a compose network gives it; see ``KnownHosts``.
    public var hosts: [String] = []
    /// Where Grafana is, such as `http://127.0.0.1:3000`: the pages link to its dashboards. Nil shows no links.
    public var dashboards: String?
    /// The header in which a proxy before obs says who asks, such as `X-Forwarded-User`: people act under that name and no other. Nil lets them write their names themselves.
    public var userHeader: String?

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case listen, hosts, dashboards
        case maxBodySize = "max_body_size"
        case userHeader = "user_header"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        listen = try container.decodeIfPresent(String.self, forKey: .listen) ?? listen
        maxBodySize = try container.decodeIfPresent(Int.self, forKey: .maxBodySize) ?? maxBodySize
        hosts = try container.decodeIfPresent([String].self, forKey: .hosts) ?? []
        for name in hosts where !KnownHosts.isName(name) { throw ServerError.badHost(name) }
        dashboards = try container.decodeIfPresent(String.self, forKey: .dashboards)
        if let url = dashboards {
            guard url.hasPrefix("http://") || url.hasPrefix("https://") else { throw ServerError.badDashboards(url) }
            if url.hasSuffix("/") { dashboards = String(url.dropLast()) }
        }
        userHeader = try container.decodeIfPresent(String.self, forKey: .userHeader)
        if let userHeader, HTTPField.Name(userHeader) == nil { throw ServerError.badUserHeader(userHeader) }
        _ = try address()
    }

    /// The two parts of ``listen``; an IPv6 host stands in brackets.
    public func address() throws(ServerError) -> (host: String, port: Int) {
        guard let colon = listen.lastIndex(of: ":"), let port = UInt16(listen[listen.index(after: colon)...]) else {
            throw .badAddress(listen)
        }
        var host = String(listen[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        if host.contains(":"), !listen.hasPrefix("[") { throw .badAddress(listen) }
        return (host.isEmpty ? "0.0.0.0" : host, Int(port))
    }
}

public enum ServerError: Error, CustomStringConvertible {
    case badAddress(String)
    case badDashboards(String)
    case badUserHeader(String)
    case badHost(String)
    case cannotListen(String, reason: String)

    static let inUse = "the port is in use"

    public var description: String {
        switch self {
        case .badAddress(let listen):
            "http.listen is '\(listen)'; write host:port such as 127.0.0.1:9464"
        case .badDashboards(let url):
            "http.dashboards is '\(url)'; write where Grafana is, such as http://127.0.0.1:3000"
        case .badUserHeader(let name):
            "http.user_header is '\(name)', which is no name of a header; write such as X-Forwarded-User"
        case .badHost(let name):
            "http.hosts has '\(name)'; write a name without scheme and port, such as obs.example.org"
        case .cannotListen(let listen, let reason):
            "cannot listen on \(listen): \(reason); \(reason == Self.inUse ? "set http.listen or stop the other process" : "choose another address")"
        }
    }
}

/// Serves HTTP until it is asked to shut down; then it answers what it has begun and returns.
///
/// It knows routes and nothing of what answers them: each comes as a ``Route`` with a closure. It measures every request in one place.
public struct HTTPServer: Service {
    private let configuration: ServerConfiguration
    private let routes: [Route]
    private let hosts: KnownHosts?
    private let metrics: MetricsRegistry
    private let logger: Logger
    private let boundPort: BoundPort
    /// How long a client may take.
    var deadlines = RequestDeadlines.Limits()
    /// How many connections there may be; nil is a share of the descriptors.
    var maxConnections: Int?
    /// How much memory bodies and answers may take together; nil is room for some of the largest, whatever the machine has.
    var maxHeldBytes: Int?
    /// How long the answer to a question may take.
    var timeLimit = TimeAmount.seconds(10)

    /// - Parameters:
    ///   - hosts: by which names it may be asked; nil for any.
    ///   - boundPort: is told the port when the server listens; with port 0 the system chooses one.
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

    public func run() async throws {
        defer { boundPort.end() }
        let (host, port) = try configuration.address()
        let router = Router(context: ServerContext.self)
        let terms = terms()
        router.add(middleware: RequestMeter(metrics, routes: routes))
        router.add(middleware: Doorkeeper(hosts: hosts, refusals: terms.refusals))
        for route in routes { route.register(on: router, terms) }
        // Hummingbird's own lines (each listen and stop) are detail here.
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

    /// What all requests share, and the metrics of it.
    private func terms() -> RequestTerms {
        let connections = Connections(limit: maxConnections ?? Connections.shareOfDescriptors())
        let held = HeldBytes(limit: maxHeldBytes ?? max(96 << 20, 2 * configuration.maxBodySize))
        metrics.gauge("obs_http_connections", help: "HTTP connections that are open.") { [([], Double(connections.count))] }
        metrics.gauge("obs_http_held_bytes", help: "Memory that bodies and answers of HTTP requests hold beyond 64 KiB each.") {
            [([], Double(held.count))]
        }
        return RequestTerms(
            maxBodySize: configuration.maxBodySize, userHeader: configuration.userHeader.flatMap { HTTPField.Name($0) },
            held: held, connections: connections,
            threads: QuestionThreads(count: max(2, System.coreCount), timeLimit: timeLimit), refusals: Refusals(metrics))
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as IOError where error.errnoCode == EADDRINUSE: ServerError.inUse
        case let error as IOError where error.errnoCode == EACCES: "permission is denied for this port"
        case let error as IOError where error.errnoCode == EADDRNOTAVAIL: "this machine has no such address"
        case let error as IOError: String(cString: strerror(error.errnoCode))
        case is SocketAddressError: "there is no host of this name"
        default: String(describing: error)
        }
    }
}

/// The port that a server listens on, once it does.
public final class BoundPort: Sendable {
    private struct State {
        var port: Int?
        var isOver = false
        var waiting: [CheckedContinuation<Int?, Never>] = []
    }

    private let state = Mutex(State())

    public init() {}

    /// Nil until the server listens.
    public var value: Int? { state.withLock { $0.port } }

    /// The port, as soon as the server listens; nil when it has ended without.
    public func wait() async -> Int? {
        await withCheckedContinuation { continuation in
            let isKnown = state.withLock { state in
                if state.port == nil, !state.isOver { state.waiting.append(continuation) }
                return state.port != nil || state.isOver
            }
            if isKnown { continuation.resume(returning: value) }
        }
    }

    func set(_ port: Int) {
        tell { $0.port = port }
    }

    /// The server has ended: nobody waits any longer.
    func end() {
        tell { $0.isOver = true }
    }

    private func tell(_ change: (inout State) -> Void) {
        let (port, waiting) = state.withLock { state in
            change(&state)
            defer { state.waiting = [] }
            return (state.port, state.waiting)
        }
        for continuation in waiting { continuation.resume(returning: port) }
    }
}
