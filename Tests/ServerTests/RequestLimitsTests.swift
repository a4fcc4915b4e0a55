import Foundation
import Columns
import HTTPTypes
import NIOCore
import Synchronization
import Telemetry
import Testing

@testable import Server

struct `The limits of the HTTP server` {
    private static let head = "Host: x\r\nConnection: close\r\n"

    @Test func `close the connection that has waited longest when one more comes`() async throws {
        let metrics = MetricsRegistry()
        try await ServerFixture.withServer([Route(.get, "/") { _ in .text("yes") }], metrics: metrics, maxConnections: 4) { url in
            let idle = (0..<4).map { _ in RawClient(url) }
            try await ServerFixture.wait(for: "obs_http_connections 4", in: metrics)
            idle[0].send("GET / HTTP/1.1\r\n")
            #expect(await ServerFixture.exchange(url, "GET / HTTP/1.1\r\n\(Self.head)\r\n").code == 200)
            #expect(metrics.exposition().contains("obs_http_refused_total{reason=\"evicted\"} 1\n"))
            #expect(idle.count == 4)
        }
    }

    @Test func `refuse a connection when all are being answered, and say when to come again`() async throws {
        let gate = Gate(), metrics = MetricsRegistry()
        let routes = [
            Route(.post, "/") { _ in
                await gate.pass()
                return .text("done")
            }
        ]
        try await ServerFixture.withServer(routes, metrics: metrics, maxConnections: 3) { url in
            let busy = (0..<3).map { _ in
                let client = RawClient(url)
                client.send("POST / HTTP/1.1\r\n\(Self.head)Content-Length: 1\r\n\r\nx")
                return client
            }
            try await ServerFixture.wait(for: "obs_http_connections 3", in: metrics)
            var refused = ""
            // A connection counts as busy once its request has been read.
            for _ in 0..<500 where !refused.hasPrefix("HTTP/1.1 503") {
                refused = await ServerFixture.conversation(Int(url.split(separator: ":").last!)!, "") ?? ""
            }
            #expect(refused.hasPrefix("HTTP/1.1 503") && refused.contains("\r\nRetry-After: 5\r\n"))
            gate.open()
            #expect(busy.contains { $0.readToEnd()?.hasSuffix("done") == true })
        }
    }

    @Test func `bound the bodies that are left open, and let small requests pass`() async throws {
        let metrics = MetricsRegistry(), large = String(repeating: "x", count: 300_000)
        try await ServerFixture.withServer(
            [Route(.post, "/") { .text("\($0.body.count)") }], maxBodySize: 400_000, metrics: metrics, maxHeldBytes: 500_000
        ) { url in
            func post(_ body: String) async -> (code: Int, text: String) {
                await ServerFixture.exchange(
                    url, "POST / HTTP/1.1\r\n\(Self.head)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
            }
            #expect(await post(large).text.hasSuffix("300000"))
            var open = (0..<2).map { _ in
                let client = RawClient(url)
                client.send("POST / HTTP/1.1\r\n\(Self.head)Content-Length: 399999\r\n\r\n\(large)")
                return client
            }
            try await ServerFixture.wait(for: "obs_http_held_bytes \(2 * (300_000 - HeldBytes.free))", in: metrics)
            let refused = await post(large)
            #expect(refused.code == 503 && refused.text.contains("\r\nRetry-After: 5\r\n"))
            #expect(await post(String(repeating: "x", count: 1000)).code == 200)
            open = []
            #expect(open.isEmpty)
            try await ServerFixture.wait(for: "obs_http_held_bytes 0", in: metrics)
            #expect(await post(large).code == 200)
        }
    }

    @Test func `bound the answers that nobody reads, and end those who do not read`() async throws {
        let metrics = MetricsRegistry()
        // More than the buffers of the system take.
        let routes = [
            Route(.get, "/large") { _ in RouteResponse(contentType: "text/plain", body: Array(repeating: 120, count: 16 << 20)) },
            Route(.get, "/larger") { _ in RouteResponse(contentType: "text/plain", body: Array(repeating: 120, count: 32 << 20))
            },
        ]
        var deadlines = RequestDeadlines.Limits()
        // Long enough for the second request to be made on a machine that is busy.
        deadlines.pace.time = .seconds(5)
        try await ServerFixture.withServer(routes, metrics: metrics, deadlines: deadlines, maxHeldBytes: 30 << 20) { url in
            let reader = RawClient(url)
            reader.send("GET /large HTTP/1.1\r\n\(Self.head)\r\n")
            try await ServerFixture.wait(for: "obs_http_held_bytes \((16 << 20) - HeldBytes.free)", in: metrics)
            let second = await ServerFixture.exchange(url, "GET /large HTTP/1.1\r\n\(Self.head)\r\n")
            #expect(second.code == 503 && second.text.contains("Retry-After"), "\(second.code) \(second.text.utf8.count)")
            let never = await ServerFixture.exchange(url, "GET /larger HTTP/1.1\r\n\(Self.head)\r\n")
            #expect(never.code == 400 && never.text.contains("answer_too_large"))
            try await ServerFixture.wait(for: "obs_http_held_bytes 0", in: metrics)
            #expect(metrics.exposition().contains("obs_http_refused_total{reason=\"slow\"} 1\n"))
            let third = await ServerFixture.exchange(url, "GET /large HTTP/1.1\r\n\(Self.head)\r\n")
            #expect(third.code == 200 && third.text.utf8.count > 16 << 20)
        }
    }

    /// Looks at whether it was cancelled, as the loops of all questions do, and counts who goes on.
    private func endless(_ running: Count) -> Route {
        Route(.get, "/endless") { _ in
            running.value.add(1, ordering: .relaxed)
            running.begun.add(1, ordering: .relaxed)
            defer { running.value.subtract(1, ordering: .relaxed) }
            while true { try Task.checkCancellation() }
        }
    }

    @Test func `end a question with its time, and let scrapes pass meanwhile`() async throws {
        let running = Count()
        let routes = [endless(running), Route(.get, "/metrics", nil, isInstant: true) { _ in .text("m") }]
        try await ServerFixture.withServer(routes, timeLimit: .seconds(1)) { url in
            async let late = (0..<12).asyncMap { _ in
                await ServerFixture.exchange(url, "GET /endless HTTP/1.1\r\n\(Self.head)\r\n")
            }
            await running.begins()
            #expect(await ServerFixture.exchange(url, "GET /metrics HTTP/1.1\r\n\(Self.head)\r\n").code == 200)
            for answer in await late {
                #expect(answer.code == 503 && answer.text.contains("\"code\":\"too_long\""))
            }
            #expect(running.value.load(ordering: .relaxed) == 0)
        }
    }

    @Test func `end a question with its client`() async throws {
        let running = Count()
        try await ServerFixture.withServer([endless(running)], timeLimit: .minutes(10)) { url in
            var client: RawClient? = RawClient(url)
            client?.send("GET /endless HTTP/1.1\r\n\(Self.head)\r\n")
            await running.begins()
            client = nil
            #expect(client == nil)
            while running.value.load(ordering: .relaxed) > 0 { await Task.yield() }
        }
    }

    @Test func `let the server end though a question goes on and an answer is not read`() async throws {
        let running = Count()
        var deadlines = RequestDeadlines.Limits()
        deadlines.shutdown = .milliseconds(100)
        let large = Route(.get, "/large") { _ in
            RouteResponse(contentType: "text/plain", body: Array(repeating: 120, count: 16 << 20))
        }
        let clients = Mutex<[RawClient]>([])
        try await ServerFixture.withServer([endless(running), large], deadlines: deadlines, timeLimit: .minutes(10)) { url in
            for path in ["/endless", "/large"] {
                let client = RawClient(url)
                client.send("GET \(path) HTTP/1.1\r\n\(Self.head)\r\n")
                clients.withLock { $0.append(client) }
            }
            await running.begins()
        }
        #expect(running.value.load(ordering: .relaxed) == 0)
        #expect(clients.withLock { $0.count } == 2)
    }
}

struct `What requests hold in memory` {
    @Test func `never passes its limit, and is given back`() async {
        let held = HeldBytes(limit: 10_000_000)
        await withTaskGroup(of: Void.self) { group in
            for seed in 0..<8 {
                group.addTask {
                    var random = SplitMix64(seed: UInt64(seed))
                    for _ in 0..<300 {
                        let leases = (0..<4).map { _ in HeldBytes.Lease(held) }
                        for _ in 0..<20 {
                            _ = leases.randomElement(using: &random)!.grow(by: Int.random(in: 0...200_000, using: &random))
                        }
                    }
                }
            }
        }
        #expect(held.count == 0)
        let lease = HeldBytes.Lease(held)
        #expect(lease.grow(by: HeldBytes.free) && held.count == 0)
        #expect(lease.grow(by: held.limit) && held.count == held.limit)
        #expect(!lease.grow(by: 1) && held.count == held.limit)
        #expect(HeldBytes.Lease(held).grow(by: HeldBytes.free))
    }
}

private final class Count: Sendable {
    let value = Atomic<Int>(0)
    /// How many there have been in all: a short one may begin and end unseen.
    let begun = Atomic<Int>(0)

    /// Waits for the first to begin.
    func begins() async { while begun.load(ordering: .relaxed) == 0 { await Task.yield() } }
}

extension Sequence where Element: Sendable {
    /// All at once, in their order.
    fileprivate func asyncMap<Result: Sendable>(_ transform: @escaping @Sendable (Element) async -> Result) async -> [Result] {
        await withTaskGroup(of: (Int, Result).self) { group in
            for (place, element) in enumerated() { group.addTask { (place, await transform(element)) } }
            return await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }
}
