import Foundation
import HTTPTypes
import NIOCore
import Telemetry
import Testing

@testable import Server

struct `The HTTP server` {
    @Test func `serves metrics in the format that is asked for, with the exact content type`() async throws {
        let metrics = MetricsRegistry()
        metrics.counter("obs_a_total", help: "A.")[].increment()
        let routes = OperationsRoutes.all(metrics: metrics, readiness: Readiness([])) { _ in nil }
        try await ServerFixture.withServer(routes, metrics: metrics) { url in
            let (code, text, headers) = try await ServerFixture.get(url + "/metrics", headers: ["Accept": "text/plain"])
            #expect(code == 200)
            #expect(text.contains("obs_a_total 1\n"))
            #expect(headers["Content-Type"] as? String == "text/plain; version=0.0.4; charset=utf-8")
            let open = try await ServerFixture.get(url + "/metrics", headers: ["Accept": "application/openmetrics-text"])
            #expect(open.1.hasSuffix("# EOF\n"))
            #expect(
                open.1.contains("obs_http_request_duration_seconds_count{route=\"/metrics\",method=\"GET\",code=\"200\"} 1\n"))
        }
    }

    @Test func `knows the user whom the proxy names, and nobody where none is expected`() async throws {
        let route = Route(.get, "/who") { .text("\($0.requester)") }
        try await ServerFixture.withServer([route], userHeader: "X-Forwarded-User") { url in
            for (headers, expected) in [
                (["X-Forwarded-User": "ann"], #"user(Optional("ann"))"#),
                (["x-forwarded-user": " ann "], #"user(Optional("ann"))"#),
                ([:], "user(nil)"), (["X-Forwarded-User": ""], "user(nil)"), (["X-Remote-User": "ann"], "user(nil)"),
                (["X-Forwarded-User": String(repeating: "a", count: 201)], "user(nil)"),
            ] as [([String: String], String)] {
                let (_, text, _) = try await ServerFixture.get(url + "/who", headers: headers)
                #expect(text == expected, "\(headers)")
            }
        }
        try await ServerFixture.withServer([route]) { url in
            let (_, text, _) = try await ServerFixture.get(url + "/who", headers: ["X-Forwarded-User": "ann"])
            #expect(text == "unverified")
        }
    }

    @Test func `says what is not well, ready or not`() async throws {
        let notes = HealthNotes()
        let readiness = Readiness(["pipeline ssh"], notes: notes)
        notes.note(.damagedFile, "serve.db", "data/serve.db: it was damaged")
        try await ServerFixture.withServer(OperationsRoutes.all(metrics: MetricsRegistry(), readiness: readiness) { _ in nil }) {
            url in
            let early = try await ServerFixture.get(url + "/-/ready")
            #expect(early.0 == 503 && early.1.contains("waiting for pipeline ssh; data/serve.db: it was damaged"))
            readiness.isMet("pipeline ssh")
            let ready = try await ServerFixture.get(url + "/-/ready")
            #expect(ready.0 == 200 && ready.1 == "obs is ready.\ndegraded: data/serve.db: it was damaged\n")
        }
    }

    @Test func `is ready when all that it waits for has happened`() async throws {
        let readiness = Readiness(["store", "sources"])
        try await ServerFixture.withServer(
            OperationsRoutes.all(metrics: MetricsRegistry(), readiness: readiness) { _ in "obs.yaml:3: no" }
        ) { url in
            #expect(try await ServerFixture.get(url + "/-/healthy").0 == 200)
            let early = try await ServerFixture.get(url + "/-/ready")
            #expect(early.0 == 503)
            #expect(early.1.contains("waiting for store, sources"))
            readiness.isMet("store")
            readiness.isMet("sources")
            #expect(try await ServerFixture.get(url + "/-/ready").0 == 200)
            let reload = try await ServerFixture.get(url + "/-/reload", method: "POST")
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
        try await ServerFixture.withServer(routes, metrics: metrics) { url in
            #expect(try await ServerFixture.get(url + "/echo/a%20b", method: "POST", body: "!").1 == "a b!")
            // As large as is allowed.
            #expect(
                try await ServerFixture.get(url + "/echo/1", method: "POST", body: String(repeating: "x", count: 100)).0 == 200)
            for (path, method, body, code) in [
                ("/nothing", "GET", nil, 404), ("/echo/1", "GET", nil, 405), ("/broken", "GET", nil, 500),
                ("/echo/1", "POST", String(repeating: "x", count: 101), 413),
            ] as [(String, String, String?, Int)] {
                let answer = try await ServerFixture.get(url + path, method: method, body: body)
                #expect(answer.0 == code, "\(method) \(path)")
                let object = try JSONSerialization.jsonObject(with: Data(answer.1.utf8)) as? [String: String]
                #expect(object?["error"] != nil && object?["code"] != nil)
            }
            for number in 0..<20 { _ = try await ServerFixture.get(url + "/scan/\(number)") }
            let series = metrics.exposition().split(separator: "\n").filter { $0.contains("_seconds_count") }
            #expect(series.count <= 6)
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
        try await ServerFixture.withServer([Route(.post, "/") { _ in .text("done") }], deadlines: limits) { url in
            let said = await ServerFixture.conversation(Int(url.split(separator: ":").last!)!, text)
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
