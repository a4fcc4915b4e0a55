import Columns
import Foundation
import TestSupport
import Testing

@testable import Notify

/// Any row of scalars in what alerts say: each service gets it as it is, and takes none of it for markup.
struct `Hostile text in a notice` {
    /// Labels that an alert may have: no name and no value is empty.
    private static func labels(_ random: inout SplitMix64) -> Labels {
        var labels: Labels = ["alertname": "Hostile"]
        for _ in 0..<3 { labels[HostileText.text(pieces: 1...6, using: &random)] = "x" + HostileText.text(using: &random) }
        return labels.filter { !$0.key.isEmpty }
    }

    /// One alert that says `text` wherever it can.
    private static func content(_ text: String, _ labels: Labels = [:]) -> Notice {
        let alert = Notice.Alert(
            status: "firing", labels: labels.merging(["alertname": "Hostile", "user": text]),
            annotations: ["summary": text, "description": text],
            startsAt: "2026-11-21T10:00:00Z", endsAt: "0001-01-01T00:00:00Z", generatorURL: "http://obs.example/incidents/INC-1",
            fingerprint: "0123456789abcdef")
        return Notice(
            payload: WebhookPayload(
                [alert], receiver: "oncall", groupKey: "{}:{}", groupLabels: ["alertname": "Hostile"],
                externalURL: "http://obs.example"),
            key: "obs-1-0", library: .builtin, sentAt: Timestamp(seconds: 1_700_000_000))
    }

    private static let all = "{{#alerts}}{{description}}{{/alerts}}"

    /// What an integration sends of one text, and what its reader makes of it; `kept` is what a reader must get.
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var json: String
        var global = "{}"
        var type: any HTTPIntegration.Type
        var find: @Sendable (JSON) -> String?
        var read: @Sendable (String) -> String? = { $0 }
        var kept: @Sendable (String) -> String = { $0 }
        var testDescription: String { name }
    }

    private static func inMarkdown(_ text: String) -> String {
        OutsideText(OutsideText(text).lines.joined(separator: " ")).replacingScalars {
            $0 == "\t" ? " " : $0.isControl ? "\u{FFFD}" : nil
        }
    }

    private static func inHTML(_ text: String) -> String {
        OutsideText(text).replacingScalars { $0.isControl && $0 != "\n" && $0 != "\t" ? "\u{FFFD}" : nil }
    }

    static let cases: [Case] = [
        .init(
            name: "webhook", json: #"{"url": "http://x"}"#, type: Webhook.self,
            find: { $0["alerts"]?.list?[0]["labels"]?["user"]?.text }),
        .init(
            name: "slack", json: #"{"api_url": "http://x", "text": "\#(all)"}"#, type: Slack.self,
            find: { $0["attachments"]?.list?[0]["text"]?.text },
            read: {
                $0.unicodeScalars.contains("<")
                    ? nil
                    : OutsideText(OutsideText(OutsideText($0).replacing("&lt;", with: "<")).replacing("&gt;", with: ">"))
                        .replacing("&amp;", with: "&")
            }),
        .init(
            name: "pagerduty", json: #"{"routing_key": "r", "details": {"d": "\#(all)"}}"#, type: PagerDuty.self,
            find: { $0["payload"]?["custom_details"]?["d"]?.text }),
        .init(
            name: "opsgenie", json: #"{"api_key": "k", "description": "\#(all)"}"#, type: Opsgenie.self,
            find: { $0["details"]?["user"]?.text }),
        .init(
            name: "msteams", json: #"{"webhook_url": "http://x", "text": "\#(all)"}"#, type: MSTeams.self,
            find: { $0["text"]?.text },
            read: { HostileText.readMarkdown($0) }, kept: inMarkdown),
        .init(
            name: "msteams, title", json: #"{"webhook_url": "http://x", "title": "\#(all)"}"#, type: MSTeams.self,
            find: { $0["title"]?.text },
            read: { HostileText.readMarkdown($0) }, kept: inMarkdown),
        .init(
            name: "msteamsv2", json: #"{"webhook_url": "http://x", "text": "\#(all)"}"#, type: MSTeamsV2.self,
            find: { $0["attachments"]?.list?[0]["content"]?["body"]?.list?[1]["text"]?.text },
            read: { HostileText.readMarkdown($0) }, kept: inMarkdown),
        .init(
            name: "discord", json: #"{"webhook_url": "http://x", "message": "\#(all)"}"#, type: Discord.self,
            find: { $0["embeds"]?.list?[0]["description"]?.text }, read: { HostileText.readMarkdown($0) }, kept: inMarkdown),
        .init(
            name: "telegram", json: #"{"bot_token": "t", "chat_id": 1, "message": "\#(all)"}"#, type: Telegram.self,
            find: { $0["text"]?.text },
            read: { HostileText.readHTML($0) }, kept: inHTML),
        .init(
            name: "telegram, MarkdownV2",
            json: #"{"bot_token": "t", "chat_id": 1, "parse_mode": "MarkdownV2", "message": "\#(all)"}"#, type: Telegram.self,
            find: { $0["text"]?.text }, read: { HostileText.readMarkdown($0, special: "\\_*[]()~`>#+-=|{}.!") }),
        .init(
            name: "victorops", json: #"{"api_key": "k", "routing_key": "r", "state_message": "\#(all)"}"#, type: VictorOps.self,
            find: { $0["state_message"]?.text }),
        .init(
            name: "webex",
            json: #"{"room_id": "r", "message": "\#(all)", "http_config": {"authorization": {"credentials": "c"}}}"#,
            type: Webex.self,
            find: { $0["markdown"]?.text }, read: { HostileText.readMarkdown($0) }, kept: inMarkdown),
    ]

    @Test(arguments: cases)
    func `reaches a service as it is, and means nothing there`(one: Case) throws {
        var random = SplitMix64(seed: 24)
        let integration = try one.type.decode(one.json, global: one.global)
        for _ in 0..<200 {
            let text = "x" + HostileText.text(using: &random)
            let body = try integration.requests(for: Self.content(text))[0].body
            let sent = try #require(one.find(try JSON(parsing: Array(body))))
            #expect(one.read(sent).map { OutsideText($0) } == OutsideText(one.kept(text)), "\(text.debugDescription)")
        }
    }

    @Test func `reaches a webhook in every label, also in two normal forms of a name`() throws {
        var random = SplitMix64(seed: 25)
        let webhook = try Webhook.decode(#"{"url": "http://x"}"#)
        for _ in 0..<100 {
            let labels = Self.labels(&random).merging(["B\u{FC}ro": "1", "Bu\u{308}ro": "2"])
            let content = Self.content("x", labels)
            let json = try JSON(parsing: Array(try webhook.requests(for: content)[0].body))
            #expect(json["alerts"]?.list?[0]["labels"]?.labels == content.payload.alerts[0].labels)
            #expect(json["commonLabels"]?.labels == content.payload.commonLabels)
            // A dead letter keeps all of it.
            let kept = WebhookPayload(json: String(decoding: HTTPRequest.encode(content.payload), as: UTF8.self))
            #expect(kept.map { HTTPRequest.encode($0) } == HTTPRequest.encode(content.payload))
        }
    }

    @Test func `has no markup in what the default texts say of it`() throws {
        let hidden =
            "\u{600}<!channel>\u{301} \u{600}<img src=//192.0.2.9/p.png>\u{301} [\u{301}click]\u{301}(http://192.0.2.9/) _\u{301}x *\u{301}y `\u{301}z"
        let plain = Self.content("plain", ["to": "all"]), hostile = Self.content(hidden, ["to": "all"])
        for one in Self.cases {
            let integration = try one.type.decode(
                one.json.replacingOccurrences(of: Self.all, with: "{{>alertListMarkdown}}"), global: one.global)
            let body = OutsideText(String(decoding: try integration.requests(for: hostile)[0].body, as: UTF8.self))
            let sent = try one.find(JSON(parsing: Array(body.string.utf8))).map { OutsideText($0) }
            #expect(try !integration.requests(for: plain).isEmpty)
            switch one.name {
            case "slack", "telegram": #expect(!body.contains("<!channel>") && !body.contains("<img"), "\(one.name)")
            case "msteams", "msteams, title", "msteamsv2", "discord", "webex":
                // Our own links stand after it; of its own each bracket has a backslash.
                let bare = OutsideText(sent?.replacing("\\[", with: "").description ?? "")
                #expect(!bare.contains("[\u{301}click") && sent?.contains("\\[\u{301}click\\]") == true, "\(one.name)")
                #expect(
                    sent?.contains("\\<img") == true && !OutsideText(sent!.replacing("\\<", with: "")).contains("<"),
                    "\(one.name)")
            default: break
            }
        }
    }

    @Test func `reaches a person by mail, in the subject, as text and as HTML`() throws {
        var random = SplitMix64(seed: 26)
        let email = try Email.decode(
            #"{"to": "ann@example.org", "from": "obs@example.org", "smarthost": "127.0.0.1:25", "headers": {"Subject": "{{#alerts}}{{title}}{{/alerts}}"}, "text": "\#(Self.all)", "html": "<p>\#(Self.all)</p>"}"#
        )
        for _ in 0..<200 {
            let text = "x" + HostileText.text(using: &random)
            let mail = try ReadMail(String(decoding: try email.mail(Self.content(text)).text, as: UTF8.self))
            #expect(
                OutsideText(mail.subject) == OutsideText(OutsideText(OutsideText(text).inOneLine).trimmed),
                "\(text.debugDescription)")
            let lines = OutsideText(text).replacing("\r\n", with: "\n")
            #expect(OutsideText(mail.parts["text/plain"] ?? "") == OutsideText(lines), "\(text.debugDescription)")
            let html = OutsideText(mail.parts["text/html"] ?? "")
            #expect(html.starts(with: "<p>") && html.ends(with: "</p>"))
            let inner = String(html.scalars.dropFirst(3).dropLast(4))
            #expect(
                HostileText.readHTML(inner).map { OutsideText($0) } == OutsideText(Self.inHTML(text)), "\(text.debugDescription)")
        }
    }
}

/// A mail as its reader's program takes it apart.
///
/// Source: RFC 5322 §2.2.3, RFC 2045 §6.7, RFC 2046 §5.1, RFC 2047 §6.2.
private struct ReadMail {
    var subject = ""
    var parts: [String: String] = [:]

    struct Broken: Error {}

    init(_ text: String) throws {
        let halves = text.components(separatedBy: "\r\n\r\n")
        let head = halves[0].replacingOccurrences(of: "\r\n ", with: " ").components(separatedBy: "\r\n")
        guard let line = head.first(where: { $0.hasPrefix("Subject: ") }), text.utf8.allSatisfy({ $0 < 0x80 && $0 != 0 }),
            let boundary = head.first(where: { $0.contains("boundary=") })?.components(separatedBy: "\"")[1]
        else { throw Broken() }
        subject = try Self.unescape(String(line.dropFirst("Subject: ".count)))
        for part in text.components(separatedBy: "--\(boundary)\r\n").dropFirst() {
            let halves = part.components(separatedBy: "\r\n\r\n")
            let type = halves[0].components(separatedBy: "Content-Type: ")[1].components(separatedBy: ";")[0]
            let body = halves.dropFirst().joined(separator: "\r\n\r\n").components(separatedBy: "\r\n--\(boundary)")[0]
            parts[type] = try Self.quotedPrintable(body.hasSuffix("\r\n") ? String(body.dropLast()) : body)
        }
    }

    private static func unescape(_ header: String) throws -> String {
        guard header.contains("=?") else { return header }
        var bytes = Data()
        for word in header.components(separatedBy: " ") {
            let pieces = word.components(separatedBy: "?")
            guard pieces.count == 5, pieces[1] == "UTF-8", pieces[2] == "B", let data = Data(base64Encoded: pieces[3]) else {
                throw Broken()
            }
            bytes += data
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func quotedPrintable(_ text: String) throws -> String {
        let bytes = Array(text.replacingOccurrences(of: "=\r\n", with: "").replacingOccurrences(of: "\r\n", with: "\n").utf8)
        var read: [UInt8] = [], at = 0
        while at < bytes.count {
            if bytes[at] == UInt8(ascii: "=") {
                guard at + 2 < bytes.count,
                    let byte = UInt8(String(decoding: bytes[(at + 1)...(at + 2)], as: UTF8.self), radix: 16)
                else { throw Broken() }
                read.append(byte)
                at += 3
            } else {
                read.append(bytes[at])
                at += 1
            }
        }
        return String(decoding: read, as: UTF8.self)
    }
}
