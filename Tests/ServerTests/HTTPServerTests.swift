import Foundation
import FoundationNetworking
import HTTPTypes
import Logging
import NIOCore
import ServiceLifecycle
import Telemetry
import Testing

@testable import Server

struct `The HTTP server` {
    /// Runs a server on a free port for the length of `body`.
    private func withServer(
        _ routes: [Route], maxBodySize: Int = 100, metrics: MetricsRegistry = MetricsRegistry(),
        deadlines: RequestDeadlines.Limits = .init(), userHeader: String? = nil,
        _ body: @Sendable (String) async throws -> Void
    ) async throws {
        var configuration = ServerConfiguration()
        configuration.listen = "127.0.0.1:0"
        configuration.maxBodySize = maxBodySize
        configuration.userHeader = userHeader
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let port = BoundPort()
        var server = HTTPServer(configuration, routes: routes, metrics: metrics, logger: logger, boundPort: port)
        server.deadlines = deadlines
        let group = ServiceGroup(services: [server], logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            try await body("http://127.0.0.1:\(await port.wait() ?? 0)")
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    private func get(_ url: String, method: String = "GET", body: String? = nil, headers: [String: String] = [:]) async throws
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

    @Test func `serves metrics in the format that is asked for, with the exact content type`() async throws {
        let metrics = MetricsRegistry()
        metrics.counter("obs_a_total", help: "A.")[].increment()
        let routes = OperationsRoutes.all(metrics: metrics, readiness: Readiness([])) { nil }
        try await withServer(routes, metrics: metrics) { url in
            let (code, text, headers) = try await get(url + "/metrics", headers: ["Accept": "text/plain"])
            #expect(code == 200)
            #expect(text.contains("obs_a_total 1\n"))
            #expect(headers["Content-Type"] as? String == "text/plain; version=0.0.4; charset=utf-8")
            let open = try await get(url + "/metrics", headers: ["Accept": "application/openmetrics-text"])
            #expect(open.1.hasSuffix("# EOF\n"))
            #expect(
                open.1.contains("obs_http_request_duration_seconds_count{route=\"/metrics\",method=\"GET\",code=\"200\"} 1\n"))
        }
    }

    @Test func `knows the user whom the proxy names, and nobody where none is expected`() async throws {
        let route = Route(.get, "/who") { .text("\($0.requester)") }
        try await withServer([route], userHeader: "X-Forwarded-User") { url in
            for (headers, expected) in [
                (["X-Forwarded-User": "ann"], #"user(Optional("ann"))"#),
                (["x-forwarded-user": " ann "], #"user(Optional("ann"))"#),
                ([:], "user(nil)"), (["X-Forwarded-User": ""], "user(nil)"), (["X-Remote-User": "ann"], "user(nil)"),
                (["X-Forwarded-User": String(repeating: "a", count: 201)], "user(nil)"),
            ] as [([String: String], String)] {
                let (_, text, _) = try await get(url + "/who", headers: headers)
                #expect(text == expected, "\(headers)")
            }
        }
        try await withServer([route]) { url in
            let (_, text, _) = try await get(url + "/who", headers: ["X-Forwarded-User": "ann"])
            #expect(text == "unverified")
        }
    }

    @Test func `is ready when all that it waits for has happened`() async throws {
        let readiness = Readiness(["store", "sources"])
        try await withServer(OperationsRoutes.all(metrics: MetricsRegistry(), readiness: readiness) { "obs.yaml:3: no" }) { url in
            #expect(try await get(url + "/-/healthy").0 == 200)
            let early = try await get(url + "/-/ready")
            #expect(early.0 == 503)
            #expect(early.1.contains("waiting for store, sources"))
            readiness.isMet("store")
            readiness.isMet("sources")
            #expect(try await get(url + "/-/ready").0 == 200)
            let reload = try await get(url + "/-/reload", method: "POST")
            #expect(reload.0 == 500)
            #expect(reload.1 == "{\"error\":\"obs.yaml:3: no\",\"code\":\"reload_failed\"}\n")
        }
    }

    @Test func `answers with a JSON error whatever is wrong, and makes no series of what a client sends`() async throws {
        struct Broken: Error {}
        let metrics = MetricsRegistry()
        let routes = [
            Route(.post, "/echo/{id}") { .text($0.parameters["id"]! + String(decoding: $0.body, as: UTF8.self)) },
            Route(.get, "/broken") { _ in throw Broken() },
        ]
        try await withServer(routes, metrics: metrics) { url in
            #expect(try await get(url + "/echo/a%20b", method: "POST", body: "!").1 == "a b!")
            for (path, method, body, code) in [
                ("/nothing", "GET", nil, 404), ("/echo/1", "GET", nil, 405), ("/broken", "GET", nil, 500),
                ("/echo/1", "POST", String(repeating: "x", count: 101), 413),
            ] as [(String, String, String?, Int)] {
                let answer = try await get(url + path, method: method, body: body)
                #expect(answer.0 == code, "\(method) \(path)")
                let object = try JSONSerialization.jsonObject(with: Data(answer.1.utf8)) as? [String: String]
                #expect(object?["error"] != nil && object?["code"] != nil)
            }
            for number in 0..<20 { _ = try await get(url + "/scan/\(number)") }
            let series = metrics.exposition().split(separator: "\n").filter { $0.contains("_seconds_count") }
            #expect(series.count <= 6)
        }
    }

    /// What the server says to a client that sends this and then nothing, until the server ends the connection; nil if it does not within a minute.
    private func conversation(_ port: Int, _ text: String) async -> String? {
        // On a thread of its own: the server answers on those that the tests share.
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: Self.conversation(port, text)) }
        }
    }

    private static func conversation(_ port: Int, _ text: String) -> String? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in(), limit = timeval(tv_sec: 60, tv_usec: 0)
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = UInt16(port).bigEndian
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected, send(descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL)) >= 0 else { return nil }
        var said: [UInt8] = [], buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            // A reset ends it too: the server need not read what was still on its way.
            if count == 0 || count < 0 && errno == ECONNRESET { return String(decoding: said, as: UTF8.self) }
            guard count > 0 else { return nil }
            said += buffer.prefix(count)
        }
    }

    private static let slowOnes:
        [(text: String, limit: WritableKeyPath<RequestDeadlines.Limits, TimeAmount> & Sendable, answer: String)] = [
            ("", \.firstHead, ""), ("POST / HTTP/1.1\r\nHost: x\r\nX: ", \.firstHead, ""),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nsome", \.body, ""),
            (
                "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n80\r\n\(String(repeating: "x", count: 128))\r\n",
                \.refused,
                "HTTP/1.1 413 "
            ),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nsome", \.nextHead, "HTTP/1.1 200 OK"),
        ]

    @Test(arguments: slowOnes.indices) func `ends a connection whose client is too slow or never done`(number: Int) async throws {
        let (text, limit, answer) = Self.slowOnes[number]
        // Only what this client is slow in is short.
        var limits = RequestDeadlines.Limits(
            firstHead: .minutes(10), nextHead: .minutes(10), body: .minutes(10), refused: .minutes(10))
        limits[keyPath: limit] = .milliseconds(200)
        try await withServer([Route(.post, "/") { _ in .text("done") }], deadlines: limits) { url in
            let said = await conversation(Int(url.split(separator: ":").last!)!, text)
            #expect(said?.hasPrefix(answer) == true && (said?.isEmpty == true) == answer.isEmpty, "\(said ?? "not ended")")
        }
    }

    @Test(arguments: [("127.0.0.1:9464", "127.0.0.1", 9464), ("[::1]:80", "::1", 80), (":8080", "0.0.0.0", 8080)])
    func `listens where host and port say`(listen: String, host: String, port: Int) throws {
        var configuration = ServerConfiguration()
        configuration.listen = listen
        let address = try configuration.address()
        #expect(address == (host, port))
    }

    @Test(arguments: ["", "127.0.0.1", "host:port", "::1:80", "a:70000"])
    func `refuses an address without a port`(listen: String) {
        var configuration = ServerConfiguration()
        configuration.listen = listen
        #expect(throws: ServerError.self) { try configuration.address() }
    }
}
