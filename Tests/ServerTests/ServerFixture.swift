import Columns
import Foundation
import FoundationNetworking
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization
import Telemetry
import Testing

@testable import Server

/// A server on a free port, and clients that say exactly what a test wants.
enum ServerFixture {
    /// Runs a server on a free port for the length of `body`.
    static func withServer(
        _ routes: [Route], hosts: KnownHosts? = nil, maxBodySize: Int = 100, metrics: MetricsRegistry = MetricsRegistry(),
        deadlines: RequestDeadlines.Limits = .init(), maxConnections: Int? = nil, maxHeldBytes: Int? = nil,
        timeLimit: TimeAmount = .seconds(10),
        userHeader: String? = nil, access: AccessControl? = nil, configure: (inout ServerConfiguration) -> Void = { _ in },
        _ body: @Sendable (String) async throws -> Void
    ) async throws {
        var configuration = ServerConfiguration()
        configuration.listen = "127.0.0.1:0"
        configuration.maxBodySize = maxBodySize
        configuration.maxConnections = maxConnections
        configuration.userHeader = userHeader
        configuration.trustedProxies = [IPNetwork("127.0.0.1")!]
        configure(&configuration)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let port = BoundPort()
        var server = HTTPServer(
            configuration, routes: routes, hosts: hosts, access: access, metrics: metrics, logger: logger, boundPort: port)
        server.deadlines = deadlines
        server.maxHeldBytes = maxHeldBytes
        server.timeLimit = timeLimit
        let group = ServiceGroup(services: [server], logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            try await body("http://127.0.0.1:\(await port.wait() ?? 0)")
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    static func get(_ url: String, method: String = "GET", body: String? = nil, headers: [String: String] = [:]) async throws
        -> (Int, String, [AnyHashable: Any])
    {
        var request = URLRequest(url: URL(string: url)!)
        request.httpMethod = method
        request.httpBody = body.map { Data($0.utf8) }
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        let (data, response) = try await URLSession.shared.data(for: request)
        let http = response as! HTTPURLResponse
        return (http.statusCode, String(decoding: data, as: UTF8.self), http.allHeaderFields)
    }

    /// Waits until a metric has a value, a minute at most.
    static func wait(for sample: String, in metrics: MetricsRegistry) async throws {
        for _ in 0..<6000 {
            if metrics.exposition().contains("\n\(sample)\n") { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("there was never \(sample)")
    }

    /// What the server says to a client that sends this and then nothing, until the server ends the connection; nil if it does not within five minutes.
    static func conversation(_ port: Int, _ text: String, from host: UInt32 = 1) async -> String? {
        // On a thread of its own: the server answers on those that the tests share.
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: blockingConversation(port, text, from: host)) }
        }
    }

    private static func blockingConversation(_ port: Int, _ text: String, from host: UInt32) -> String? {
        let client = RawClient(port, from: host)
        guard client.send(text) else { return nil }
        return client.readToEnd()
    }

    /// A whole answer to a head and a body that are sent as they stand.
    static func exchange(_ url: String, _ text: String, from host: UInt32 = 1) async -> (code: Int, text: String) {
        let said = await conversation(Int(url.split(separator: ":").last!)!, text, from: host) ?? ""
        return (Int(said.split(separator: " ").dropFirst().first ?? "") ?? 0, said)
    }
}

/// A connection that sends what it is told to, and reads only when it is asked to. It ends with its last reference.
final class RawClient: Sendable {
    private let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    private let isConnected: Bool

    /// - Parameter host: the last byte of the address of 127.0.0.0/8 that the client has: each of them is this machine's.
    convenience init(_ url: String, from host: UInt32 = 1) { self.init(Int(url.split(separator: ":").last!)!, from: host) }

    init(_ port: Int, from host: UInt32 = 1) {
        var limit = timeval(tv_sec: 300, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let descriptor = descriptor, size = socklen_t(MemoryLayout<sockaddr_in>.size)
        isConnected =
            Self.withAddress(host: host, port: 0) { bind(descriptor, $0, size) == 0 }
            && Self.withAddress(host: 1, port: port) { connect(descriptor, $0, size) == 0 }
    }

    private static func withAddress(host: UInt32, port: Int, _ body: (UnsafePointer<sockaddr>) -> Bool) -> Bool {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = (UInt32(0x7F00_0000) + host).bigEndian
        address.sin_port = UInt16(port).bigEndian
        return withUnsafePointer(to: &address) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body) }
    }

    deinit { close(descriptor) }

    @discardableResult
    func send(_ text: String) -> Bool {
        isConnected && Foundation.send(descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL)) >= 0
    }

    /// The same on a thread of its own: the server answers on those that the tests share.
    func rest() async -> String? {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: self.readToEnd()) }
        }
    }

    /// What the server says until it ends the connection; nil if it does not within five minutes.
    func readToEnd() -> String? {
        var said: [UInt8] = [], buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            // A reset ends it too: the server need not read what was still on its way.
            if count == 0 || count < 0 && errno == ECONNRESET { return String(decoding: said, as: UTF8.self) }
            guard count > 0 else { return nil }
            said += buffer.prefix(count)
        }
    }
}

/// What a handler waits at until a test lets it answer.
final class Gate: Sendable {
    private let state = Mutex<(isOpen: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))

    /// How many wait.
    var count: Int { state.withLock { $0.waiting.count } }

    func pass() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
