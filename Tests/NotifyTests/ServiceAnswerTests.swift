import Columns
import Foundation
import TestSupport
import Testing

@testable import Notify
@testable import Alerting
@testable import Incidents

/// Guards against "sent" for what a service answered with 200 and an error in the body.
struct `What a service answers` {
    enum Expected: String, Sendable { case delivered, refused, retried }

    struct Case: Sendable, CustomTestStringConvertible {
        var kind: String
        var status: Int
        var body: String
        var expected: Expected
        var testDescription: String { "\(kind) \(status) \(body.prefix(60))" }

        init(_ kind: String, _ status: Int, _ body: String, _ expected: Expected) {
            (self.kind, self.status, self.body, self.expected) = (kind, status, body, expected)
        }
    }

    static let cases: [Case] = [
        .init("slack", 200, "ok", .delivered), .init("slack", 200, "", .delivered),
        .init("slack", 200, #"{"ok":true}"#, .delivered),
        .init("slack", 200, #"{"success":true}"#, .delivered),
        .init("slack", 200, #"{"ok":false,"error":"channel_not_found"}"#, .refused),
        .init("slack", 200, #"{"ok": false, "error": "ratelimited"}"#, .retried),
        .init("slack", 200, #"{"ok":false,"error":"rate_limited"}"#, .retried),
        .init("slack", 200, #"{"ok":false,"error":"internal_error"}"#, .retried),
        .init("slack", 200, "no_text", .refused), .init("slack", 200, "<html>log in</html>", .refused),
        .init("msteams", 200, "1", .delivered), .init("msteams", 200, "ok", .delivered),
        .init(
            "msteams", 200,
            "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId tcid=1",
            .retried),
        .init(
            "msteams", 200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 503",
            .retried),
        .init(
            "msteams", 200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 403",
            .refused),
        .init("msteams", 200, "Summary or Text is required.", .refused),
        .init("msteamsv2", 202, "", .delivered),
        .init("msteamsv2", 200, #"{"error":{"code":"WorkflowTriggerIsNotEnabled","message":"x"}}"#, .refused),
        .init("msteamsv2", 200, #"{"error":{"code":"TooManyRequests","message":"x"}}"#, .retried),
        .init("discord", 204, "", .delivered), .init("discord", 200, #"{"id":"1","content":"","message":"x"}"#, .delivered),
        .init("discord", 200, #"{"message":"Invalid Form Body","code":50035}"#, .refused),
        .init("discord", 200, #"{"message":"You are being rate limited.","retry_after":0.5,"global":false}"#, .retried),
        .init("telegram", 200, #"{"ok":true,"result":{}}"#, .delivered),
        .init("telegram", 200, #"{"ok":false,"error_code":400,"description":"Bad Request: can't parse entities"}"#, .refused),
        .init(
            "telegram", 200,
            #"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 5","parameters":{"retry_after":5}}"#,
            .retried),
        .init("telegram", 200, #"{"ok":false,"error_code":502,"description":"Bad Gateway"}"#, .retried),
        .init("pushover", 200, #"{"status":1,"request":"x"}"#, .delivered),
        .init("pushover", 200, #"{"user":"invalid","errors":["user identifier is invalid"],"status":0}"#, .refused),
        .init("webex", 200, #"{"id":"x"}"#, .delivered),
        .init("webex", 200, #"{"message":"no room","errors":[{"description":"x"}],"trackingId":"y"}"#, .refused),
        .init("opsgenie", 202, #"{"result":"Request will be processed","took":0.1,"requestId":"x"}"#, .delivered),
        .init("opsgenie", 202, #"{"message":"not processable","errors":{"message":"may not be empty"},"took":0}"#, .refused),
        .init("opsgenie", 202, #"{"message":"You are making too many requests!","code":42901}"#, .retried),
        .init("pagerduty", 202, #"{"status":"success","message":"Event processed","dedup_key":"x"}"#, .delivered),
        .init("pagerduty", 200, #"{"status":"invalid event","errors":["'routing_key' is missing"]}"#, .refused),
        .init("pagerduty", 200, #"{"status":"throttle exceeded","message":"arriving too quickly"}"#, .retried),
        .init("victorops", 200, #"{"result":"success","entity_id":"x"}"#, .delivered),
        .init("victorops", 200, #"{"result":"failure","message":"no such key"}"#, .refused),
        .init("sns", 200, "<PublishResponse><MessageId>1</MessageId></PublishResponse>", .delivered),
        .init("sns", 200, "<ErrorResponse><Error><Code>InvalidParameter</Code></Error></ErrorResponse>", .refused),
        .init("sns", 400, "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>", .retried),
        .init("sns", 200, "<ErrorResponse><Error><Code>InternalError</Code></Error></ErrorResponse>", .retried),
        .init("wechat", 200, #"{"errcode":0,"errmsg":"ok"}"#, .delivered),
        .init("wechat", 200, #"{"errcode":45009,"errmsg":"reach max api daily quota limit"}"#, .retried),
        .init("wechat", 200, #"{"errcode":60011,"errmsg":"no privilege"}"#, .refused),
        .init("webhook", 200, #"{"ok":false}"#, .delivered), .init("webhook", 425, "", .retried),
        .init("webhook", 404, "", .refused),
    ]

    @Test(arguments: cases)
    func `is taken for what it says, whatever its status`(one: Case) async throws {
        var answers = ["\(one.status) X\n\n\(one.body)"]
        if one.kind == "wechat" { answers.insert("200 OK\n\n{\"access_token\": \"t\"}", at: 0) }
        let sink = try Sink(answers: answers)
        let outcome = await (try Samples.integration(one.kind, url: sink.url)).deliver(.sample(), by: Courier())
        switch outcome {
        case .delivered: #expect(one.expected == .delivered)
        case .refused(let reason): #expect(one.expected == .refused && reason.contains("answered"), "\(reason)")
        case .retry(let reason, _): #expect(one.expected == .retried && reason.contains("answered"), "\(reason)")
        case .partly, .nothingToSay: Issue.record("\(outcome)")
        }
    }

    @Test func `may name in its body how long to wait`() async throws {
        for (kind, body, seconds) in [
            ("telegram", #"{"ok":false,"error_code":429,"parameters":{"retry_after":35}}"#, 35.0),
            ("discord", #"{"message":"You are being rate limited.","retry_after":1.5}"#, 1.5),
            ("telegram", #"{"ok":false,"error_code":429,"parameters":{"retry_after":1e300}}"#, 3600.0),
        ] {
            let sink = try Sink(answers: ["429 Slow\n\n\(body)"])
            let outcome = await (try Samples.integration(kind, url: sink.url)).deliver(.sample(), by: Courier())
            guard case .retry(_, let after?) = outcome else {
                Issue.record("\(outcome)")
                continue
            }
            #expect(after == .milliseconds(Int(seconds * 1000)))
        }
    }

    @Test func `may be a time until which to wait`() async throws {
        let until = MailText.date(Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1e6)) + Duration.seconds(3000))
            .replacing("+0000", with: "GMT")
        let sink = try Sink(answers: ["429 Slow\r\nRetry-After: \(until)"])
        let outcome = await (try Samples.integration("webhook", url: sink.url)).deliver(.sample(), by: Courier())
        guard case .retry(_, let after?) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(after > .seconds(600) && after <= .seconds(3001))
    }
}

/// One of each integration, as small as it may be.
enum Samples {
    /// - Parameter more: further keys, as JSON with a comma in front.
    static func json(_ kind: String, url: String, _ more: String = "") -> String {
        switch kind {
        case "webhook": #"{"url": "\#(url)"\#(more)}"#
        case "slack": #"{"api_url": "\#(url)"\#(more)}"#
        case "pagerduty": #"{"routing_key": "r0uting", "url": "\#(url)"\#(more)}"#
        case "opsgenie": #"{"api_key": "k3y", "api_url": "\#(url)"\#(more)}"#
        case "msteams", "msteamsv2", "discord": #"{"webhook_url": "\#(url)"\#(more)}"#
        case "telegram": #"{"bot_token": "t0ken", "chat_id": 1, "api_url": "\#(url)"\#(more)}"#
        case "pushover": #"{"user_key": "us3r", "token": "t0ken"\#(more)}"#
        case "victorops": #"{"api_key": "k3y", "routing_key": "r", "api_url": "\#(url)"\#(more)}"#
        case "wechat": #"{"api_secret": "s3cret", "corp_id": "c", "api_url": "\#(url)"\#(more)}"#
        case "sns":
            #"{"topic_arn": "arn", "api_url": "\#(url)", "sigv4": {"region": "eu-central-1", "access_key": "AKID", "secret_key": "s3cret"}\#(more)}"#
        case "webex":
            #"{"room_id": "r", "api_url": "\#(url)"\#(more.contains("http_config") ? "" : #", "http_config": {"authorization": {"credentials": "w3bex"}}"#)\#(more)}"#
        case "email": #"{"to": "a@example.org", "from": "b@example.org", "smarthost": "127.0.0.1:25"\#(more)}"#
        default: preconditionFailure("there is no integration '\(kind)'")
        }
    }

    static func type(_ kind: String) -> any Integration.Type { Integrations.all.first { $0.name == kind }! }

    static func integration(_ kind: String, url: String, _ more: String = "", global: String = "{}") throws -> any Integration {
        let integration = try type(kind).decode(json(kind, url: url, more), global: global)
        guard var pushover = integration as? Pushover else { return integration }
        pushover.url = url
        return pushover
    }
}
