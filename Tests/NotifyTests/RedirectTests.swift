import Foundation
import TestSupport
import Testing

@testable import Notify
@testable import Alerting
@testable import Incidents

/// Guards against secrets that follow a redirect to another's server.
struct `A redirect` {
    @Test(arguments: [301, 302, 303, 307, 308])
    func `to another origin gets nothing of a receiver with secrets`(status: Int) async throws {
        let target = try Sink()
        let moved = "\(status) Moved\r\nLocation: \(target.url)"
        func settings(_ http: String) -> String { #", "http_config": {\#(http)}"# }
        let cases: [(kind: String, more: String)] = [
            ("webhook", settings(#""headers": {"X-Api-Key": "s3cret"}"#)),
            ("webhook", settings(#""basic_auth": {"username": "a", "password": "s3cret"}"#)),
            ("webhook", settings(#""authorization": {"credentials": "s3cret"}"#)), ("webhook", #", "signing_secret": "s3cret""#),
            ("pagerduty", ""), ("pushover", ""), ("opsgenie", ""), ("webex", ""), ("sns", ""),
        ]
        for one in cases {
            let sink = try Sink(answers: [moved])
            let outcome = await (try Samples.integration(one.kind, url: sink.url, one.more)).deliver(.sample(), by: Courier())
            guard case .refused(let reason) = outcome else {
                Issue.record("\(one) \(outcome)")
                continue
            }
            #expect(reason.contains("http://127.0.0.1:\(target.port)") && !reason.contains("s3cret"), "\(reason)")
        }
        #expect(target.posts.isEmpty)
    }

    @Test(arguments: [301, 302, 303, 307, 308])
    func `within an origin is followed with all that the request has, and stays a POST`(status: Int) async throws {
        let sink = try Sink(answers: ["\(status) Moved\r\nLocation: /elsewhere"])
        let webhook = try Samples.integration("webhook", url: sink.url, #", "http_config": {"headers": {"X-Api-Key": "s3cret"}}"#)
        #expect(await webhook.deliver(.sample(), by: Courier()) == .delivered)
        #expect(sink.posts.map(\.path) == ["POST /hook HTTP/1.1", "POST /elsewhere HTTP/1.1"])
        #expect(sink.posts.last?.headers["x-api-key"] == "s3cret")
        #expect(sink.posts.first?.body == sink.posts.last?.body)
    }

    @Test func `that never ends is given up for now`() async throws {
        let sink = try Sink(answers: Array(repeating: "302 Moved\r\nLocation: /hook", count: 50))
        let outcome = await (try Samples.integration("webhook", url: sink.url)).deliver(.sample(), by: Courier())
        #expect("\(outcome)".contains("points elsewhere more than 10 times"))
        #expect(sink.posts.count == 11)
    }

    @Test(arguments: [
        ("https://a.example/x", "https://a.example/y", true), ("https://a.example/x", "https://A.example:443/y", true),
        ("https://a.example/x", "https://b.example/y", false), ("https://a.example/x", "http://a.example/y", false),
        ("https://a.example/x", "https://a.example:8443/y", false), ("http://a.example/x", "https://a.example/y", false),
        ("https://a.example/x", "https://a.example.evil.example/", false),
        ("https://a.example/x", "https://evil.example/?https://a.example/", false),
        ("https://a.example/x", "https://a.example@evil.example/", false), ("https://a.example/x", "nonsense", false),
    ])
    func `leads to the same place only where scheme, host and port are the same`(from: String, to: String, isSame: Bool) {
        var http = HTTPClientConfiguration()
        http.headers = ["X-Api-Key": "s3cret"]
        let decision = Redirect.next(after: HTTPRequest(url: from), http, to: to)
        if case .follow = decision { #expect(isSame, "\(decision)") } else { #expect(!isSame, "\(decision)") }
    }

    @Test func `never takes what was encrypted to where it is not, also without secrets`() {
        let decision = Redirect.next(
            after: HTTPRequest(url: "https://a.example/x"), HTTPClientConfiguration(), to: "http://a.example/x")
        if case .follow = decision { Issue.record("\(decision)") }
    }

    @Test func `of a server that is known by another name leads back to its address`() {
        var http = HTTPClientConfiguration()
        http.tls.serverName = "hooks.example"
        http.headers = ["X-Api-Key": "s3cret"]
        guard
            case .follow(let next, _) = Redirect.next(
                after: HTTPRequest(url: "https://127.0.0.1:8443/x"), http, to: "https://hooks.example:8443/y")
        else {
            Issue.record("it is the same server")
            return
        }
        #expect(next.url == "https://127.0.0.1:8443/y")
    }
}
