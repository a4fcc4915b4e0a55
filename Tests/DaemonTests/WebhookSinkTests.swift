import Foundation
import FoundationNetworking
import Server
import Synchronization
import TestSupport
import Testing

@testable import Daemon

struct `A sink of webhooks` {
    private static func post(_ port: Int, _ body: String) async throws -> Int {
        var request = URLRequest(url: URL(string: "http://127.0.0.1:\(port)/hook")!)
        request.httpMethod = "POST"
        request.httpBody = Data(body.utf8)
        let (_, answer) = try await URLSession.shared.data(for: request)
        return try #require(answer as? HTTPURLResponse).statusCode
    }

    @Test func `shows what is delivered, where it was asked to listen, and refuses what is no payload`() async throws {
        let shown = Mutex<[WebhookSink.Delivery]>([])
        let port = freePort()
        let sink = WebhookSink(listen: "127.0.0.1:\(port)") { delivery in shown.withLock { $0.append(delivery) } }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sink.run() }
            #expect(await sink.boundPort.wait() == port)
            let status = try await Self.post(
                port,
                #"{"status":"firing","alerts":[{"annotations":{"summary":"Disk is full"}},{"labels":{"alertname":"A"}}]}"#)
            #expect(status == 200)
            for body in ["", "{}", "[]", #"{"status":"firing"}"#] { #expect(try await Self.post(port, body) == 400) }
            group.cancelAll()
        }
        #expect(shown.withLock { $0.map(\.status) } == ["firing"])
        #expect(shown.withLock { $0.first?.summaries } == ["Disk is full", ""])
    }

    @Test(arguments: [
        ("127.0.0.1:9000", true), ("0.0.0.0:1", true), ("[::1]:9000", true), ("9000", false), ("", false), ("127.0.0.1:", false),
        ("127.0.0.1:70000", false),
    ]) func `listens on a host and a port`(listen: String, can: Bool) {
        #expect(WebhookSink.canListen(on: listen) == can)
    }
}
