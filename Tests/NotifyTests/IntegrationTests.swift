import Columns
import Foundation
import TestSupport
import Testing

@testable import Notify
@testable import Alerting
@testable import Incidents

/// What each service gets, byte by byte, over a socket.
struct `An integration` {
    struct Case: Sendable, CustomTestStringConvertible {
        var type: any Integration.Type
        var json: @Sendable (Sink) -> String
        var global: @Sendable (Sink) -> String = { _ in "{}" }
        var path: String
        var testDescription: String { type.name }
    }

    static let cases: [Case] = [
        .init(type: Webhook.self, json: { #"{"url": "\#($0.url)"}"# }, path: "POST /hook HTTP/1.1"),
        .init(
            type: Slack.self,
            json: { _ in
                #"{"channel": "alerts", "send_resolved": true, "fields": [{"title": "Group", "value": "{{groupLabels.alertname}}", "short": true}], "actions": [{"type": "button", "text": "Open", "url": "{{link}}"}]}"#
            }, global: { #"{"slack_api_url": "\#($0.url)"}"# }, path: "POST /hook HTTP/1.1"),
        .init(
            type: PagerDuty.self,
            json: { _ in
                #"{"routing_key": "R0UT1NG", "severity": "{{commonLabels.severity}}critical", "links": [{"href": "{{link}}", "text": "obs"}]}"#
            },
            global: { #"{"pagerduty_url": "\#($0.url)"}"# }, path: "POST /hook HTTP/1.1"),
        .init(
            type: Opsgenie.self,
            json: {
                #"{"api_url": "\#($0.url)", "api_key": "g3nie", "tags": "ssh, {{commonLabels.host}}", "priority": "P1", "details": {"from": "obs"}, "responders": [{"type": "teams", "name": "a,b"}, {"type": "user", "username": "ann@example.org"}]}"#
            }, path: "POST /hook/v2/alerts HTTP/1.1"),
        .init(type: MSTeams.self, json: { #"{"webhook_url": "\#($0.url)"}"# }, path: "POST /hook HTTP/1.1"),
        .init(type: MSTeamsV2.self, json: { #"{"webhook_url": "\#($0.url)"}"# }, path: "POST /hook HTTP/1.1"),
        .init(type: Discord.self, json: { #"{"webhook_url": "\#($0.url)"}"# }, path: "POST /hook HTTP/1.1"),
        .init(
            type: Telegram.self, json: { #"{"api_url": "\#($0.url)", "bot_token": "123:t0ken", "chat_id": -100123}"# },
            path: "POST /hook/bot123:t0ken/sendMessage HTTP/1.1"),
        .init(
            type: VictorOps.self,
            json: {
                #"{"api_url": "\#($0.url)", "api_key": "k3y", "routing_key": "team {{status}}", "custom_fields": {"host": "{{commonLabels.host}}"}}"#
            },
            path: "POST /hook/k3y/team%20firing HTTP/1.1"),
        .init(
            type: Webex.self,
            json: {
                #"{"api_url": "\#($0.url)", "room_id": "r00m", "http_config": {"authorization": {"credentials": "w3bex"}}}"#
            },
            path: "POST /hook HTTP/1.1"),
    ]

    @Test(arguments: cases)
    func `tells a service in the service's own words`(one: Case) async throws {
        let sink = try Sink()
        let outcome = try await deliver(one, sink, .sample())
        #expect(outcome == .delivered)
        let post = try #require(sink.posts.first)
        #expect(post.path == one.path)
        #expect(post.headers["content-type"] == "application/json")
        let got = try Golden.pretty(post.body)
        #expect(got == (try Golden.text("\(one.type.name).json", got: got)))
    }

    @Test(arguments: cases)
    func `tries again what a service cannot take now, and not what it does not want`(one: Case) async throws {
        let sink = try Sink(answers: ["503 Busy", "429 Slow\r\nRetry-After: 7", "400 Bad\n\nno such channel", "200 OK"])
        let outcomes = [
            try await deliver(one, sink, .sample()), try await deliver(one, sink, .sample()),
            try await deliver(one, sink, .sample()),
        ]
        #expect(outcomes[0] == .retry(reason: "the receiver answered 503", after: nil))
        #expect(outcomes[1] == .retry(reason: "the receiver answered 429", after: .seconds(7)))
        #expect(outcomes[2] == .refused(reason: "the receiver answered 400: no such channel"))
    }

    private func deliver(_ one: Case, _ sink: Sink, _ content: Notice) async throws -> NoticeOutcome {
        try await one.type.decode(one.json(sink), global: one.global(sink)).deliver(content, by: Courier())
    }

    @Test func `hears of an answer without end only its beginning`() async throws {
        let sink = try Sink(answers: ["400 Bad\n\n" + String(repeating: "x", count: Courier.maxAnswer * 40)])
        let answer = await Courier().send(
            HTTPRequest(url: sink.url, headers: [:], body: Data()), HTTPClientConfiguration())
        guard case .answered(let status, let body, let shown, _) = answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(status == 400 && body.count <= Courier.maxAnswer && !body.isEmpty && shown.utf8.count < 1000)
    }

    @Test func `of the kind pushover sends a form`() async throws {
        let sink = try Sink()
        var pushover = try Pushover.decode(#"{"user_key": "us3r", "token": "t0ken", "retry": "1m30s"}"#)
        pushover.url = sink.url
        #expect(await pushover.deliver(.sample(), by: Courier()) == .delivered)
        let post = try #require(sink.posts.first)
        #expect(post.headers["content-type"] == "application/x-www-form-urlencoded")
        let got = post.body.replacing("&", with: "\n") + "\n"
        #expect(got == (try Golden.text("pushover.txt", got: got)))
    }

    @Test func `of the kind sns signs its form for Amazon`() async throws {
        let sink = try Sink()
        let sns = try SNS.decode(
            #"{"api_url": "\#(sink.url)", "topic_arn": "arn:aws:sns:eu-central-1:1:obs.fifo", "sigv4": {"region": "eu-central-1", "access_key": "AKID", "secret_key": "s3cret"}, "attributes": {"team": "data"}}"#
        )
        #expect(await sns.deliver(.sample(), by: Courier()) == .delivered)
        let post = try #require(sink.posts.first)
        let got = post.body.replacing("&", with: "\n") + "\n"
        #expect(got == (try Golden.text("sns.txt", got: got)))
        let authorization = try #require(post.headers["authorization"])
        #expect(authorization.hasPrefix("AWS4-HMAC-SHA256 Credential=AKID/"))
        #expect(authorization.contains("/eu-central-1/sns/aws4_request"))
    }

    @Test func `of the kind wechat fetches a token, keeps it, and another one when it has run out`() async throws {
        let ok = #"200 OK\#n\#n{"errcode": 0}"#
        let sink = try Sink(answers: [
            "200 OK\n\n{\"access_token\": \"first\", \"expires_in\": 7200}", ok, ok,
            "200 OK\n\n{\"errcode\": 42001, \"errmsg\": \"expired\"}",
            "200 OK\n\n{\"access_token\": \"second\"}", ok,
        ])
        let weChat = try WeChat.decode(
            #"{"api_url": "\#(sink.url)", "api_secret": "s3cret", "corp_id": "corp", "to_user": "@all", "agent_id": "7"}"#)
        let courier = Courier()
        var outcomes: [NoticeOutcome] = []
        for _ in 0..<4 { outcomes.append(await weChat.deliver(.sample(), by: courier)) }
        #expect(outcomes[0] == .delivered && outcomes[1] == .delivered && outcomes[3] == .delivered)
        #expect(outcomes[2] == .retry(reason: #"the receiver answered: {"errcode": 42001, "errmsg": "expired"}"#))
        #expect(
            sink.posts.map(\.path) == [
                "GET /hook/gettoken?corpid=corp&corpsecret=s3cret HTTP/1.1",
                "POST /hook/message/send?access_token=first HTTP/1.1",
                "POST /hook/message/send?access_token=first HTTP/1.1", "POST /hook/message/send?access_token=first HTTP/1.1",
                "GET /hook/gettoken?corpid=corp&corpsecret=s3cret HTTP/1.1",
                "POST /hook/message/send?access_token=second HTTP/1.1",
            ])
        let got = try Golden.pretty(#require(sink.posts.dropFirst().first).body)
        #expect(got == (try Golden.text("wechat.json", got: got)))
    }

    @Test func `of the kind opsgenie closes what has ended, and updates what goes on`() async throws {
        let sink = try Sink()
        let opsgenie = try Opsgenie.decode(#"{"api_url": "\#(sink.url)/", "api_key": "g3nie", "update_alerts": true}"#)
        let hash = Notice.sample().groupHash
        #expect(await opsgenie.deliver(.sample(), by: Courier()) == .delivered)
        #expect(await opsgenie.deliver(.sample(firing: false), by: Courier()) == .delivered)
        #expect(
            sink.posts.map(\.path) == [
                "POST /hook/v2/alerts HTTP/1.1", "PUT /hook/v2/alerts/\(hash)/message?identifierType=alias HTTP/1.1",
                "PUT /hook/v2/alerts/\(hash)/description?identifierType=alias HTTP/1.1",
                "POST /hook/v2/alerts/\(hash)/close?identifierType=alias HTTP/1.1",
            ])
        #expect(sink.posts.allSatisfy { $0.headers["authorization"] == "GenieKey g3nie" })
    }

    @Test func `of the kind pagerduty leaves details out that would make the event too large`() throws {
        let pagerDuty = try PagerDuty.decode(#"{"routing_key": "r"}"#)
        let request = try #require(
            try pagerDuty.requests(for: .sample(description: String(repeating: "x", count: 600_000))).first)
        #expect(request.body.count < 4000)
        #expect(String(decoding: request.body, as: UTF8.self).contains("The details are left out"))
    }

    @Test func `cuts what it says to what the service takes`() throws {
        let long = Notice.sample(description: String(repeating: "ä<&>", count: 20_000))
        func body(_ integration: some HTTPIntegration) throws -> [String: Any] {
            try #require(JSONSerialization.jsonObject(with: try integration.requests(for: long)[0].body) as? [String: Any])
        }
        let discord = try body(
            try Discord.decode(#"{"webhook_url": "http://x", "title": "{{#firing}}{{description}}{{/firing}}"}"#))
        let embed = try #require((discord["embeds"] as? [[String: Any]])?.first)
        // Or one less, where an escape would be cut in two.
        #expect([Discord.maxDescription - 1, Discord.maxDescription].contains((embed["description"] as? String)?.utf16.count))
        #expect((embed["title"] as? String)?.unicodeScalars.count == Discord.maxTitle)
        #expect((embed["title"] as? String)?.hasSuffix("…") == true)
        let telegram = try body(try Telegram.decode(#"{"bot_token": "t", "chat_id": 1}"#))
        let text = try #require(telegram["text"] as? String)
        #expect(text.unicodeScalars.count <= Telegram.maxText)
        #expect(text.hasSuffix("…"))
        let opsgenie = try body(try Opsgenie.decode(#"{"api_key": "k", "message": "{{#firing}}{{description}}{{/firing}}"}"#))
        #expect((opsgenie["message"] as? String)?.unicodeScalars.count == Opsgenie.maxMessage)
        #expect((opsgenie["description"] as? String)?.unicodeScalars.count == Opsgenie.maxDescription)
        let webex = try body(
            try Webex.decode(#"{"room_id": "r", "http_config": {"authorization": {"credentials": "c"}}}"#))
        #expect(((webex["markdown"] as? String)?.utf8.count ?? 0) <= Webex.maxMessage)
        let slack = try body(
            try Slack.decode(#"{"api_url": "http://x", "title": "{{#firing}}{{description}}{{/firing}}"}"#))
        let attachment = try #require((slack["attachments"] as? [[String: Any]])?.first)
        #expect((attachment["title"] as? String)?.unicodeScalars.count == Slack.maxTitle)
    }

    @Test(arguments: ["http", "oauth2", "file", "environment"])
    func `never says a secret when something goes wrong`(how: String) async throws {
        // The receiver repeats what it was sent.
        let sink = try Sink(answers: Array(repeating: "403 No\n\nbad token s3cr3t%2Fx in /s3cr3t/x and s3cr3t/x", count: 3))
        let json =
            switch how {
            case "http": #"{"url": "http://user:s3cr3t@127.0.0.1:1/?key=s3cr3t"}"#
            case "oauth2":
                #"{"url": "\#(sink.url)", "http_config": {"oauth2": {"client_id": "c", "client_secret": "s3cr3t/x", "token_url": "\#(sink.url)?s3cr3t"}}}"#
            case "file": #"{"url": "\#(sink.url)", "http_config": {"bearer_token_file": "/nowhere"}}"#
            default: #"{"url": "\#(sink.url)?k=s3cr3t", "http_config": {"bearer_token": "${TOKEN}"}}"#
            }
        let webhook = try Webhook.decode(json, environment: ["TOKEN": "s3cr3t/x"])
        let outcome = await webhook.deliver(.sample(), by: Courier())
        #expect(outcome != .delivered)
        var dumped = ""
        dump(webhook, to: &dumped)
        #expect(!"\(outcome) \(webhook) \(dumped)".contains("s3cr3t"), "\(outcome)")
    }

    @Test func `fetches a token by OAuth 2, keeps it, and another when it is not taken any more`() async throws {
        let sink = try Sink(answers: [
            "200 OK\n\n{\"access_token\": \"one\", \"expires_in\": 3600}", "200 OK", "200 OK", "401 No", "400 No",
            "200 OK\n\n{\"access_token\": \"two\"}", "200 OK",
        ])
        let webhook = try Webhook.decode(
            #"{"url": "\#(sink.url)", "http_config": {"oauth2": {"client_id": "me", "client_secret": "s3cret", "token_url": "\#(sink.url)/token", "scopes": ["a", "b"], "endpoint_params": {"audience": "obs"}}}}"#
        )
        let courier = Courier()
        var outcomes: [NoticeOutcome] = []
        for _ in 0..<4 { outcomes.append(await webhook.deliver(.sample(), by: courier)) }
        #expect(outcomes == [.delivered, .delivered, .retry(reason: "the receiver did not take the token"), .delivered])
        let tokens = sink.posts.filter { $0.path.contains("/token") }
        try #require(tokens.count == 3)
        #expect(tokens[0].body == "grant_type=client_credentials&scope=a%20b&audience=obs")
        #expect(tokens[0].headers["authorization"] == "Basic " + Data("me:s3cret".utf8).base64EncodedString())
        #expect(tokens[2].body.hasSuffix("&client_id=me&client_secret=s3cret"))
        #expect(
            sink.posts.filter { !$0.path.contains("/token") }.map { $0.headers["authorization"] } == [
                "Bearer one", "Bearer one", "Bearer one", "Bearer two",
            ])
    }

    @Test func `goes by a proxy, follows a redirect with its text, or does not, as it is told`() async throws {
        let proxy = try Sink()
        let direct = try Webhook.decode(
            #"{"url": "http://receiver.example/x", "http_config": {"proxy_url": "http://127.0.0.1:\#(proxy.port)"}}"#)
        #expect(await direct.deliver(.sample(), by: Courier()) == .delivered)
        #expect(proxy.posts.first?.path == "POST http://receiver.example/x HTTP/1.1")

        let target = try Sink()
        let moved = "302 Moved\r\nLocation: \(target.url)"
        let sink = try Sink(answers: [moved, moved])
        #expect(await (try Webhook.decode(#"{"url": "\#(sink.url)"}"#)).deliver(.sample(), by: Courier()) == .delivered)
        #expect(target.posts.first?.path == "POST /hook HTTP/1.1")
        #expect(target.posts.first?.body == sink.posts.first?.body)
        let staying = try Webhook.decode(#"{"url": "\#(sink.url)", "http_config": {"follow_redirects": false}}"#)
        #expect(await staying.deliver(.sample(), by: Courier()) == .refused(reason: "the receiver answered 302"))
    }

    @Test func `leaves out alerts above max_alerts and counts them`() throws {
        let webhook = try Webhook.decode(#"{"url": "http://x", "max_alerts": 1}"#)
        let body = try webhook.requests(for: .sample())[0].body
        let payload = try #require(JSONSerialization.jsonObject(with: body) as? [String: Any])
        #expect((payload["alerts"] as? [Any])?.count == 1)
        #expect(payload["truncatedAlerts"] as? Int == 1)
    }

    @Test func `signs a webhook so that another program can check it`() throws {
        // By Python's hmac.new(secret, b"1700000000." + body, sha256).
        let signature = Webhook.signature(
            of: Data(#"{"status":"firing"}"#.utf8), at: .init(seconds: 1_700_000_000), "whsec_5WbX5kEWLlfzsGNj")
        #expect(signature == "t=1700000000,v1=661717cacc7aa10fd52992dfcf189ae41cba6f59b425ee5de3338c8c9dc0db64")
        let webhook = try Webhook.decode(#"{"url": "http://x", "signing_secret": "abc"}"#)
        let request = try webhook.requests(for: .sample())[0]
        #expect(
            request.headers["Obs-Signature"] == Webhook.signature(of: request.body, at: Notice.sample().sentAt, "abc"))
        #expect(request.headers["Idempotency-Key"] == "obs-7-00000000deadbeef")
    }
}
