import Columns
import Foundation
import TestSupport
import Testing

@testable import Notify
@testable import Alerting
@testable import Incidents

/// Texts that are cut to what a service takes.
struct `A text that is cut` {
    private static let pieces = [
        "a", " ", "\n", "ä", "🙂", "👩‍🚀", "\u{301}", "\u{600}", "\"", "\\", "&", "<", ">", "*", "_", "`", "[", "]", "(", ")",
        "\u{1}", "\u{2028}",
        "**x**", "[l](http://x)", "&amp;", "<b>", "</b>", "<a href=\"x\">", "</a>", "<http://x|y>", "\\_", "```", "||",
    ]

    @Test(
        arguments: [Markup.none, .html, .slack, .markdown, .telegramMarkdown, .telegramMarkdownV2],
        [TextUnit.scalars, .utf16, .bytes, .jsonBytes])
    func `is never longer than its limit in its unit, and begins as it did`(markup: Markup, unit: TextUnit) {
        var random = SplitMix64(seed: 11)
        for _ in 0..<150 {
            let text = (0..<Int.random(in: 0...60, using: &random)).map { _ in Self.pieces.randomElement(using: &random)! }
                .joined()
            let size = unit.size(of: text.unicodeScalars)
            let limit = Int.random(in: 0...(size + 2), using: &random)
            let cut = text.cut(to: limit, unit, as: markup)
            #expect(unit.size(of: cut.unicodeScalars) <= limit)
            if size <= limit {
                #expect(Array(cut.unicodeScalars) == Array(text.unicodeScalars))
            } else if let end = cut.unicodeScalars.lastIndex(of: "…") {
                #expect(text.unicodeScalars.starts(with: cut.unicodeScalars[..<end]))
            } else {
                #expect(cut.isEmpty)
            }
        }
    }

    @Test func `counts in JSON what the encoder writes`() {
        for value in UInt32(0)...0x300 {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let size = HTTPRequest.encode([String(scalar)]).count - 4
            #expect(TextUnit.jsonBytes.size(of: scalar) == size, "U+\(String(value, radix: 16))")
        }
    }

    @Test(arguments: [
        (Markup.telegramMarkdownV2, #"*bold \* and long* rest"#, 12, #"*bold \* a…*"#),
        (.telegramMarkdownV2, #"ab\.cd"#, 4, "ab…"),
        (.telegramMarkdownV2, "see [the page](http://x/y) now", 12, "see …"),
        (.telegramMarkdownV2, "||secret text||", 8, "||sec…||"),
        (.telegramMarkdownV2, "```\ncode *x* more\n```", 12, "```\ncode…```"),
        (.markdown, "- **long title** text", 10, "- **lon…**"),
        (.markdown, #"a \[b"#, 4, "a …"), (.markdown, "a [b](http://c) d", 9, "a …"), (.slack, "a <http://x|y> b", 8, "a …"),
        (.slack, "ab&amp;cd", 5, "ab…"), (.html, "<b>title</b> text", 13, "<b>title</b>…"),
        (.html, "<b>title</b> text", 10, "<b>ti…</b>"),
        (.html, "a<br>b c d e", 9, "a<br>b c…"), (.none, "abcdef", 4, "abc…"), (.none, "abc", 0, ""),
    ])
    func `is cut within no entity, and with what is open closed`(markup: Markup, text: String, limit: Int, expected: String) {
        #expect(text.cut(to: limit, .utf16, as: markup) == expected)
    }

    @Test func `is at most what Telegram takes, in units of UTF-16 and with its entities whole`() throws {
        for mode in ["HTML", "Markdown", "MarkdownV2", ""] {
            for text in ["🙂", "a.b-c!", "<&>", "_*[`"] {
                let long = Notice.sample(description: String(repeating: text, count: 5000))
                let telegram = try Telegram.decode(#"{"bot_token": "t", "chat_id": 1, "parse_mode": "\#(mode)"}"#)
                let got = try Body(telegram, long).text("text")
                #expect(got.utf16.count <= 4096 && got.utf16.count > 4000, "\(mode) \(got.utf16.count)")
                if mode == "MarkdownV2" { #expect(Self.isWholeMarkdownV2(got), "\(got.suffix(40))") }
            }
        }
    }

    @Test(arguments: [true, false])
    func `of Telegram's second Markdown has nothing unescaped, whatever is told`(isFiring: Bool) throws {
        let content = Notice.sample(firing: isFiring, resolved: true)
        for message in [
            nil, "{{#alerts}}{{startsAt}} {{endsAt}} {{title}} {{fingerprint}}\n{{/alerts}}", "{{subject}} {{link}} {{status}}",
        ] {
            let more = message.map { #", "message": "\#($0.replacing("\n", with: "\\n"))""# } ?? ""
            let telegram = try Telegram.decode(#"{"bot_token": "t", "chat_id": 1, "parse_mode": "MarkdownV2"\#(more)}"#)
            let text = try Body(telegram, content).text("text")
            #expect(Self.isWholeMarkdownV2(text), "\(text)")
        }
    }

    /// Whether every character that means something is escaped: our default texts mark nothing up.
    private static func isWholeMarkdownV2(_ text: String) -> Bool {
        var scalars = text.unicodeScalars[...]
        while let scalar = scalars.popFirst() {
            if scalar == "\\" {
                guard scalars.popFirst() != nil else { return false }
            } else if "_*[]()~`>#+-=|{}.!".unicodeScalars.contains(scalar) {
                return false
            }
        }
        return true
    }

    @Test(arguments: ["\"", "\\", "\u{1}", "<&>", "[x](y)", "🙂", "a\n"])
    func `is with its frame at most 28 KB for Teams, however much of it JSON escapes`(text: String) throws {
        let long = Notice.sample(description: String(repeating: text, count: 30_000))
        for kind in ["msteams", "msteamsv2"] {
            for more in ["", #", "title": "{{#firing}}{{description}}{{/firing}}""#] {
                let integration = try #require(try Samples.integration(kind, url: "http://x", more) as? any HTTPIntegration)
                let body = try integration.requests(for: long)[0].body
                #expect(body.count <= 28_000 && body.count > 26_000, "\(kind) \(body.count)")
            }
        }
    }

    @Test func `is within each service's limit, in what the service counts`() throws {
        for text in ["ä", "🙂", "\"", "a b\n"] {
            let long = Notice.sample(description: String(repeating: text, count: 80_000))
            let all = "{{#firing}}{{description}}{{/firing}}"
            func body(_ kind: String, _ keys: String...) throws -> Body {
                let more = keys.map { #", "\#($0)": "\#(all)""# }.joined()
                return try Body(try Samples.integration(kind, url: "http://x", more), long)
            }
            let discord = try body("discord", "title", "message").first("embeds")
            #expect(discord.text("title").utf16.count <= 256 && discord.text("description").utf16.count <= 4096)
            let slack = try body("slack", "title", "text", "pretext", "footer").first("attachments")
            #expect(slack.text("title").unicodeScalars.count <= 1024 && slack.text("text").unicodeScalars.count <= 3000)
            let pagerDuty = try body("pagerduty", "description", "class", "component", "group", "source")
            #expect(pagerDuty.size <= 512_000)
            #expect(pagerDuty.object("payload").text("summary").unicodeScalars.count <= 1024)
            let opsgenie = try body("opsgenie", "message", "description", "tags", "note", "entity")
            #expect(
                opsgenie.text("message").unicodeScalars.count <= 130
                    && opsgenie.text("description").unicodeScalars.count <= 15_000)
            #expect(try body("webex", "message").text("markdown").utf8.count <= 7439)
            #expect(try body("victorops", "state_message").text("state_message").unicodeScalars.count <= 20_480)
            let weChat = try WeChat.decode(Samples.json("wechat", url: "http://x", #", "message": "\#(all)""#))
            #expect(try Body(weChat.message(long)).object("text").text("content").utf8.count <= 2048)
            let fields = try form("pushover", [("title", all), ("message", all), ("url", all), ("url_title", all)], long)
            for (name, limit) in [("title", 250), ("message", 1024), ("url", 512), ("url_title", 100)] {
                #expect((fields[name] ?? "").unicodeScalars.count <= limit, "\(name)")
            }
            let published = try form("sns", [("message", all), ("subject", all)], long)
            #expect((published["Message"] ?? "").utf8.count <= 262_144 && (published["Subject"] ?? "").utf8.count <= 100)
        }
    }

    @Test func `keeps the details of an Opsgenie alert within what all may have together`() throws {
        var content = Notice.sample()
        content.payload.commonLabels = Labels((0..<40).map { ("label\($0)", String(repeating: "x", count: 500)) })
        let details = try Body(try Samples.integration("opsgenie", url: "http://x", #", "details": {"team": "data"}"#), content)
            .object("details")
        #expect(details.value.reduce(0) { $0 + $1.key.count + "\($1.value)".count } <= 8000)
        #expect(details.text("team") == "data")
    }

    @Test(arguments: ["slack", "msteams", "msteamsv2", "discord", "telegram", "webex", "wechat"])
    func `is not sent where its template makes nothing of it`(kind: String) async throws {
        let sink = try Sink()
        let nothing = #""{{#firing}}{{title}}{{/firing}}\n ""#
        let keys = [
            "slack": ["title", "text"], "msteams": ["title", "text"], "msteamsv2": ["title", "text"],
            "discord": ["title", "message"],
        ]
        let more = (keys[kind] ?? ["message"]).map { #", "\#($0)": \#(nothing)"# }.joined() + #", "send_resolved": true"#
        let integration = try Samples.integration(kind, url: sink.url, more)
        #expect(await integration.deliver(.sample(firing: false), by: Courier()) == .nothingToSay)
        #expect(sink.posts.isEmpty)
    }

    @Test(arguments: ["", " \n", "\u{200B}"])
    func `has the alert's name for a title where its summary is empty, and no empty links`(summary: String) throws {
        var content = Notice.sample(resolved: false)
        content.payload.alerts[0].annotations["summary"] = summary
        content.payload.alerts[0].annotations["runbook_url"] = summary
        content.payload.alerts[0].generatorURL = ""
        let body = try Body(try Samples.integration("slack", url: "http://x"), content).first("attachments")
        #expect(body.text("text").contains("*SSHBruteForce*") && !body.text("text").contains("<|"))
        #expect(body.text("title_link") == "http://obs.example/incidents")
        let markdown = try Body(try Samples.integration("discord", url: "http://x"), content).first("embeds").text("description")
        #expect(markdown.contains("**SSHBruteForce**") && !markdown.contains("]()"))
    }

    private func form(_ kind: String, _ keys: [(String, String)], _ content: Notice) throws -> [String: String] {
        let more = keys.map { #", "\#($0.0)": "\#($0.1)""# }.joined()
        let integration = try #require(try Samples.integration(kind, url: "http://x", more) as? any HTTPIntegration)
        let text = String(decoding: try integration.requests(for: content)[0].body, as: UTF8.self)
        return Dictionary(
            text.split(separator: "&").map { pair in
                let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                return (parts[0], parts.count > 1 ? parts[1].removingPercentEncoding ?? "" : "")
            }
        ) { first, _ in first }
    }
}

/// The JSON that an integration sends.
private struct Body {
    let value: [String: Any]
    var size = 0

    init(_ integration: any Integration, _ content: Notice) throws {
        let http = try #require(integration as? any HTTPIntegration)
        let body = try http.requests(for: content)[0].body
        try self.init(body)
    }

    init(_ body: Data) throws {
        value = try #require(try JSONSerialization.jsonObject(with: body) as? [String: Any])
        size = body.count
    }

    private init(value: [String: Any]) { self.value = value }

    func text(_ key: String) -> String { value[key] as? String ?? "" }
    func object(_ key: String) -> Body { Body(value: value[key] as? [String: Any] ?? [:]) }
    func first(_ key: String) -> Body { Body(value: (value[key] as? [[String: Any]])?.first ?? [:]) }
}
