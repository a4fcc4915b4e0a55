import Columns
import Foundation
import HTTPTypes
import Ingest
import NIOCore
import Telemetry
import TestSupport
import Testing

@testable import Server

/// Over sockets; clients have different addresses of the network 127.0.0.0/8, which all lead to this machine.
@Suite(.timeLimit(.minutes(10)))
struct `Connections of one address` {
    private static let request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    private let metrics = MetricsRegistry(), gate = Gate()

    /// A server that other machines could reach. 127.0.0.9 is a proxy.
    private func withServer(
        all: Int, perAddress: Int, deadlines: RequestDeadlines.Limits = .init(), _ body: @Sendable (String) async throws -> Void
    ) async throws {
        let routes = [
            Route(.get, "/") { _ in .text("yes") },
            Route(.post, "/") { [gate] _ in
                await gate.pass()
                return .text("done")
            },
            Route(.get, "/large") { _ in RouteResponse(contentType: "text/plain", body: Array(repeating: 120, count: 16 << 20)) },
        ]
        try await ServerFixture.withServer(
            routes, metrics: metrics, deadlines: deadlines, maxConnections: all,
            configure: {
                $0.listen = "0.0.0.0:0"
                $0.maxConnectionsPerAddress = perAddress
                $0.trustedProxies = [IPNetwork("127.0.0.9")!]
            }, body)
    }

    private func count(_ reason: String) -> String? {
        metrics.exposition().firstMatch(of: try! Regex("obs_http_refused_total\\{reason=\"\(reason)\"\\} (\\d+)"))
            .map { String($0.output[1].substring!) }
    }

    /// Clients whose requests are being answered.
    private func busy(_ url: String, _ count: Int, from host: UInt32) async -> [RawClient] {
        let before = gate.count
        let clients = (0..<count).map { _ in RawClient(url, from: host) }
        for client in clients {
            client.send("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx")
        }
        while gate.count < before + count { try? await Task.sleep(for: .milliseconds(2)) }
        return clients
    }

    @Test func `are bounded, one more is told so, and other addresses have room`() async throws {
        try await withServer(all: 20, perAddress: 4) { url in
            var clients = await busy(url, 4, from: 2)
            let refused = await ServerFixture.exchange(url, Self.request, from: 2)
            #expect(refused.code == 429 && refused.text.contains("\r\nRetry-After: 5\r\n"), "\(refused.text)")
            #expect(refused.text.contains("127.0.0.2 has 4 connections"))
            #expect(refused.text.contains("\"code\":\"too_many_connections\""))
            #expect(count("address") == "1")
            #expect(await ServerFixture.exchange(url, Self.request, from: 3).code == 200)
            #expect(metrics.exposition().contains("\nobs_http_connections_of_address_max 4\n"))
            #expect(metrics.exposition().contains("\nobs_http_connections_limit{scope=\"address\"} 4\n"))
            gate.open()
            for client in clients { #expect(await client.rest()?.hasSuffix("done") == true) }
            clients = []
            try await ServerFixture.wait(for: "obs_http_connections 0", in: metrics)
            #expect(await ServerFixture.exchange(url, Self.request, from: 2).code == 200)
        }
    }

    @Test func `are not bounded for a trusted proxy, which brings those of many people`() async throws {
        try await withServer(all: 20, perAddress: 4) { url in
            let clients = await busy(url, 12, from: 9)
            #expect(await ServerFixture.exchange(url, Self.request, from: 9).code == 200)
            gate.open()
            for client in clients { #expect(await client.rest()?.hasSuffix("done") == true) }
            #expect(count("address") == "0" && count("evicted") == "0")
        }
    }

    @Test func `give way to one more of that address when they send slowly, and none of another does`() async throws {
        try await withServer(all: 20, perAddress: 4) { url in
            let other = RawClient(url, from: 3)
            try await ServerFixture.wait(for: "obs_http_connections 1", in: metrics)
            let slow = (0..<4).map { _ in RawClient(url, from: 2) }
            // A head that does not end, and bodies that do not.
            for client in slow { client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\nx") }
            try await ServerFixture.wait(for: "obs_http_connections 5", in: metrics)
            #expect(await ServerFixture.exchange(url, Self.request, from: 2).code == 200)
            #expect(count("evicted") == "1" && count("address") == "0")
            other.send(Self.request)
            #expect(await other.rest()?.hasSuffix("yes") == true)
            #expect(slow.count == 4)
        }
    }

    @Test func `hold nobody up when they do not read, and end`() async throws {
        var deadlines = RequestDeadlines.Limits()
        // Long enough for the other requests to be made on a machine that is busy.
        deadlines.pace.time = .seconds(10)
        try await withServer(all: 20, perAddress: 3, deadlines: deadlines) { url in
            let readers = (0..<3).map { _ in RawClient(url, from: 2) }
            for reader in readers { reader.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n") }
            try await ServerFixture.wait(for: "obs_http_held_bytes \(3 * ((16 << 20) - HeldBytes.free))", in: metrics)
            #expect(await ServerFixture.exchange(url, Self.request, from: 2).code == 429)
            #expect(await ServerFixture.exchange(url, Self.request, from: 3).code == 200)
            try await ServerFixture.wait(for: "obs_http_refused_total{reason=\"slow\"} 3", in: metrics)
            try await ServerFixture.wait(for: "obs_http_connections 0", in: metrics)
            #expect(await ServerFixture.exchange(url, Self.request, from: 2).code == 200)
            #expect(readers.count == 3)
        }
    }

    @Test func `are the first to give way when there are no more in all`() async throws {
        try await withServer(all: 6, perAddress: 4) { url in
            let first = RawClient(url, from: 3)
            try await ServerFixture.wait(for: "obs_http_connections 1", in: metrics)
            let many = (0..<4).map { _ in RawClient(url, from: 2) }
            try await ServerFixture.wait(for: "obs_http_connections 5", in: metrics)
            let last = RawClient(url, from: 4)
            try await ServerFixture.wait(for: "obs_http_connections 6", in: metrics)
            #expect(await ServerFixture.exchange(url, Self.request, from: 5).code == 200)
            #expect(count("evicted") == "1")
            for client in [first, last] {
                client.send(Self.request)
                #expect(await client.rest()?.hasSuffix("yes") == true)
            }
            #expect(many.count == 4)
        }
    }

    @Test(.enabled(if: Certificates.canBeMade, "needs 'openssl'"))
    func `are told so inside TLS, and one that never ends its handshake gives way`() async throws {
        let folder = TemporaryFolder(), certificates = Certificates(in: folder.path)
        try certificates.makeAuthority("ours")
        try certificates.make("obs", by: "ours")
        let path = folder.path, gate = gate
        let routes = [
            Route(.get, "/") { _ in .text("yes") },
            Route(.get, "/wait") { _ in
                await gate.pass()
                return .text("done")
            },
        ]
        @Sendable func ask(_ url: String, _ path: String) async -> String {
            let port = url.split(separator: ":").last!
            return await withCheckedContinuation { continuation in
                Thread.detachNewThread {
                    let said = try? output(
                        of: "openssl",
                        ["s_client", "-ign_eof", "-CAfile", "ours.pem", "-connect", "127.0.0.1:\(port)"],
                        input: "GET \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", in: folder.path)
                    continuation.resume(returning: said?.text ?? "")
                }
            }
        }
        try await ServerFixture.withServer(
            routes, metrics: metrics, maxConnections: 20, timeLimit: .minutes(10),
            configure: {
                $0.listen = "0.0.0.0:0"
                $0.maxConnectionsPerAddress = 2
                $0.trustedProxies = []
                $0.tls = .init(certificate: path + "/obs.pem", key: path + "/obs.key")
            }
        ) { url in
            let silent = [RawClient(url), RawClient(url)]
            try await ServerFixture.wait(for: "obs_http_connections 2", in: metrics)
            #expect(await ask(url, "/").contains("yes"))
            #expect(count("evicted") == "1")
            async let first = ask(url, "/wait")
            async let second = ask(url, "/wait")
            while gate.count < 2 { try await Task.sleep(for: .milliseconds(2)) }
            let refused = await ask(url, "/")
            #expect(refused.contains("HTTP/1.1 429") && refused.contains("too_many_connections"), "\(refused)")
            gate.open()
            #expect(await first.contains("done"))
            #expect(await second.contains("done"))
            #expect(silent.count == 2)
        }
    }

    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1/32"), ("::ffff:192.0.2.1", "192.0.2.1/32"), ("2001:db8::1:2:3:4", "2001:db8::/64"),
        ("10.0.0.7", nil), ("127.0.0.1", "127.0.0.1/32"),
    ])
    func `are those of a network where whoever has one address has many`(address: String, network: String?) {
        var limits = Connections.Limits(all: 10, perAddress: 3)
        limits.proxies = TrustedProxies(networks: [IPNetwork("10.0.0.0/8")!])
        #expect(limits.network(of: IPAddress(address)!)?.description == network)
        limits.perAddress = nil
        #expect(limits.network(of: IPAddress(address)!) == nil)
    }

    @Test func `are told why they are refused while few are`() {
        let connections = Connections(.init(all: 1, refused: 2))
        #expect(connections.mayExplain() && connections.mayExplain() && !connections.mayExplain())
        connections.hasExplained()
        #expect(connections.mayExplain() && !connections.mayExplain())
    }

    @Test(arguments: [
        ("127.0.0.1:1", 100, nil, nil), ("0.0.0.0:1", 100, nil, 25), ("[::]:1", 100, 7, 7), ("0.0.0.0:1", 12, nil, 8),
        ("0.0.0.0:1", 5, 9, 5),
    ])
    func `are a quarter of all by default, and without a limit of their own on loopback`(
        listen: String, all: Int, perAddress: Int?, expected: Int?
    ) {
        var configuration = ServerConfiguration()
        configuration.listen = listen
        configuration.maxConnections = all
        configuration.maxConnectionsPerAddress = perAddress
        #expect(configuration.connectionLimits.all == all)
        #expect(configuration.connectionLimits.perAddress == expected)
    }
}
