import Foundation
import TestSupport
import Testing

@testable import Alerting
@testable import Notify
@testable import Incidents

struct `An http_config` {
    private let store: TemporaryStore

    init() throws { store = try TemporaryStore() }

    private func http(_ json: String) throws -> HTTPClientConfiguration {
        try JSONDecoder().decode(HTTPClientConfiguration.self, from: Data(json.utf8))
    }

    private func headers(_ json: String) async throws -> [String: String] {
        let sink = try Sink()
        let settings = try http(json)
        let alerting = RunningAlerting.notifying(["oncall": sink.url], store: store) {
            $0.receivers[0].notifiers = [.webhook(to: sink.url) { $0.http = settings }]
        }
        try await alerting.whileRunning {
            try await alerting.inbox.record([.bruteForce()])
            #expect(await eventually { sink.posts.count == 1 })
        }
        return try #require(sink.posts.first).headers
    }

    @Test func `sends a user and password as basic authentication`() async throws {
        let headers = try await headers(#"{"basic_auth": {"username": "obs", "password": "s3cret"}}"#)
        #expect(headers["authorization"] == "Basic " + Data("obs:s3cret".utf8).base64EncodedString())
    }

    @Test func `sends a token from a file, without the line's end, and further headers`() async throws {
        let file = store.folder + "/token"
        try Data("t0ken\n".utf8).write(to: URL(filePath: file))
        let headers = try await headers(
            #"{"authorization": {"type": "Token", "credentials_file": "\#(file)"}, "headers": {"X-Team": "data"}}"#)
        #expect(headers["authorization"] == "Token t0ken")
        #expect(headers["x-team"] == "data")
    }

    @Test func `keeps a notification until the file of its secret can be read`() async throws {
        let file = store.folder + "/late"
        let sink = try Sink()
        let settings = try http(#"{"bearer_token_file": "\#(file)"}"#)
        let alerting = RunningAlerting.notifying(["oncall": sink.url], store: store) {
            $0.receivers[0].notifiers = [.webhook(to: sink.url) { $0.http = settings }]
        }
        try await alerting.whileRunning {
            try await alerting.inbox.record([.bruteForce()])
            #expect(try await eventually { try (store.incidents.incident("INC-1001").notifications.first?.attempts ?? 0) > 0 })
            try Data("here".utf8).write(to: URL(filePath: file))
            #expect(await eventually { sink.posts.first?.headers["authorization"] == "Bearer here" })
        }
    }

    @Test(arguments: [
        #"{"basic_auth": {"username": "a", "password": "b"}, "bearer_token": "c"}"#,
        #"{"bearer_token": "a", "bearer_token_file": "/b"}"#,
        #"{"authorization": {"type": "Basic", "credentials": "a"}}"#, #"{"tls_config": {"cert_file": "/a"}}"#,
        #"{"headers": {"X-A": "1\r\nX-B: 2"}}"#,
        #"{"headers": {"X A": "1"}}"#, #"{"bearer_token": "a\nb"}"#,
    ])
    func `is refused where it contradicts itself or would smuggle a header in`(json: String) {
        #expect(throws: (any Error).self) { try http(json) }
    }

    @Test func `never prints a secret`() throws {
        let settings = try http(#"{"basic_auth": {"username": "obs", "password": "s3cret"}}"#)
        var dumped = ""
        dump(settings, to: &dumped)
        #expect(!"\(settings) \(String(reflecting: settings)) \(dumped)".contains("s3cret"))
    }
}
