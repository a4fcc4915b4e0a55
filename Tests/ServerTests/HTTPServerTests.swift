import Foundation
import FoundationNetworking
import HTTPTypes
import Logging
import ServiceLifecycle
import Telemetry
import Testing

@testable import Server

struct `The HTTP server` {
    /// Runs a server on a free port for the length of `body`.
    private func withServer(
        _ routes: [Route], maxBodySize: Int = 100, metrics: MetricsRegistry = MetricsRegistry(),
        _ body: @Sendable (String) async throws -> Void
    ) async throws {
        var configuration = ServerConfiguration()
        configuration.listen = "127.0.0.1:0"
        configuration.maxBodySize = maxBodySize
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let port = BoundPort()
        let group = ServiceGroup(
            services: [HTTPServer(configuration, routes: routes, metrics: metrics, logger: logger, boundPort: port)],
            logger: logger)
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
