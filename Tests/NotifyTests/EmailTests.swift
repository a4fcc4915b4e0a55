import Transfer
import Columns
import Foundation
import Testing

@testable import Notify
@testable import Alerting
@testable import Incidents

struct `A mail` {
    private func email(
        _ sink: MailSink, _ more: String = #""require_tls": false"#,
        to: String = #"\"Ann, B.\" <ann@example.org>, bob@example.org"#,
        global: String = "{}"
    ) throws -> Email {
        try Email.decode(
            #"{"to": "\#(to)", "from": "obs <obs@example.org>", "hello": "obs.example.org", "smarthost": "127.0.0.1:\#(sink.port)", \#(more)}"#,
            global: global)
    }

    @Test func `is handed to a server as text and as HTML`() async throws {
        let sink = try MailSink(offers: ["8BITMIME"])
        #expect(await (try email(sink)).deliver(.sample(), by: Courier()) == .delivered)
        let delivery = try #require(sink.deliveries.first)
        #expect(delivery.commands.first == "EHLO obs.example.org")
        #expect(
            delivery.commands.filter { $0.hasPrefix("MAIL") || $0.hasPrefix("RCPT") }.map { $0.split(separator: ">")[0] + ">" }
                == [
                    "MAIL FROM:<obs@example.org>", "RCPT TO:<ann@example.org>", "RCPT TO:<bob@example.org>",
                ])
        let got = delivery.message.replacing("\r\n", with: "\n") + "\n"
        #expect(got == (try Golden.text("email.txt", got: got)))
        #expect(
            delivery.message.components(separatedBy: "\r\n").allSatisfy {
                $0.utf8.count <= 998 && $0.utf8.allSatisfy { $0 < 0x80 }
            })
    }

    @Test func `keeps what an attacker wrote out of its headers`() async throws {
        let sink = try MailSink()
        let mail = try email(
            sink,
            #""require_tls": false, "headers": {"subject": "{{#firing}}{{description}}{{/firing}}", "X-Team": "data"}, "html": """#
        )
        #expect(await mail.deliver(.sample(), by: Courier()) == .delivered)
        let head = try #require(sink.deliveries.first?.message.components(separatedBy: "\r\n\r\n").first)
        #expect(!head.contains("\r\nSubject: injected"))
        #expect(head.components(separatedBy: "\r\nSubject:").count == 2)
        #expect(head.contains("\r\nX-Team: data"))
        #expect(sink.deliveries.first?.message.contains("text/html") == false)
    }

    @Test func `is never sent in the clear when encryption is required`() async throws {
        let silent = try MailSink(offers: ["AUTH PLAIN"])
        let outcome = await (try email(silent, #""auth_username": "me", "auth_password": "s3cret""#)).deliver(
            .sample(), by: Courier())
        #expect("\(outcome)".hasPrefix("retry(reason: \"smtp://127.0.0.1"))
        #expect(
            silent.deliveries.allSatisfy {
                $0.message.isEmpty && !$0.commands.contains { $0.hasPrefix("AUTH") || $0.hasPrefix("MAIL") }
            })

        let offering = try MailSink(offers: ["STARTTLS", "AUTH PLAIN"])
        let other = await (try email(offering, #""auth_username": "me", "auth_password": "s3cret""#)).deliver(
            .sample(), by: Courier())
        #expect(other != .delivered)
        // The first byte of a TLS handshake (RFC 8446 §5.1).
        #expect(offering.deliveries.first?.afterStartTLS.first == 0x16)
        #expect(offering.deliveries.first?.commands == ["EHLO obs.example.org", "STARTTLS"])
    }

    @Test func `does not ask for encryption where it is not wanted, as Alertmanager`() async throws {
        let sink = try MailSink(offers: ["STARTTLS"])
        #expect(await (try email(sink)).deliver(.sample(), by: Courier()) == .delivered)
        #expect(sink.deliveries.first?.commands.contains("STARTTLS") == false)
    }

    @Test(arguments: [
        ("AUTH PLAIN", #""auth_username": "me", "auth_password": "s3cret", "auth_identity": "you""#, "you\u{0}me\u{0}s3cret"),
        ("AUTH LOGIN", #""auth_username": "me", "auth_password": "s3cret""#, "s3cret"),
        ("AUTH CRAM-MD5", #""auth_username": "me", "auth_secret": "s3cret""#, "me "),
    ])
    func `logs in the way that the server offers`(offer: String, settings: String, expected: String) async throws {
        let sink = try MailSink(offers: [offer])
        #expect(await (try email(sink, #""require_tls": false, "# + settings)).deliver(.sample(), by: Courier()) == .delivered)
        let commands = try #require(sink.deliveries.first?.commands)
        #expect(commands.contains { $0.hasPrefix(offer) })
        let said = commands.flatMap { $0.split(separator: " ") }.compactMap { Data(base64Encoded: String($0)) }.map {
            String(decoding: $0, as: UTF8.self)
        }
        #expect(said.contains { $0.hasPrefix(expected) }, "\(commands)")
    }

    @Test(arguments: [
        (["RCPT": "550 no such user"], true), (["RCPT": "451 later"], false), (["MAIL": "421 busy"], false),
        ([".": "554 spam"], true),
        ([".": "452 full"], false), (["EHLO": "500 what"], true),
    ])
    func `is given up when the server says never, and tried again when it says later`(refusals: [String: String], isFinal: Bool)
        async throws
    {
        let sink = try MailSink(refusals: refusals)
        let outcome = await (try email(sink, to: "ann@example.org")).deliver(.sample(), by: Courier())
        switch outcome {
        case .delivered: #expect(refusals.keys.first == "EHLO")  // HELO comes after it
        case .partly, .nothingToSay: Issue.record("\(outcome)")
        case .refused: #expect(isFinal, "\(outcome)")
        case .retry: #expect(!isFinal, "\(outcome)")
        }
    }

    @Test func `goes to those whom the server takes, and names whom it refuses`() async throws {
        let sink = try MailSink(refusals: ["RCPT TO:<bob@": "550 5.1.1 no such user"])
        let outcome = await (try email(sink, to: "ann@example.org, bob@example.org, cid@example.org")).deliver(
            .sample(), by: Courier())
        #expect(
            outcome
                == .partly(
                    taken: ["ann@example.org", "cid@example.org"],
                    reason: "smtp://127.0.0.1:\(sink.port): bob@example.org was refused: 550 5.1.1 no such user",
                    isWorthAnotherTry: false))
        #expect(sink.deliveries.first?.message.contains("[FIRING:1]") == true)
    }

    @Test func `is tried again only for those whom the server could not take yet`() async throws {
        let sink = try MailSink(refusals: ["RCPT TO:<bob@": "451 4.7.1 greylisted"])
        let mail = try email(sink, to: "ann@example.org, bob@example.org")
        guard case .partly(let taken, _, isWorthAnotherTry: true) = await mail.deliver(.sample(), by: Courier()) else {
            Issue.record("ann took it, bob may later")
            return
        }
        var again = Notice.sample()
        again.alreadyTaken = taken
        #expect(await mail.deliver(again, by: Courier()) == .delivered)
        #expect(sink.deliveries.last?.commands.filter { $0.hasPrefix("RCPT") } == ["RCPT TO:<bob@example.org>"])
    }

    @Test(arguments: [
        (["550 no", "550 no"], true), (["550 no", "451 later"], false), (["451 later", "452 full"], false),
    ])
    func `is given up when all are refused for good, and tried again when one may be taken later`(
        answers: [String], isFinal: Bool
    )
        async throws
    {
        let sink = try MailSink(refusals: ["RCPT TO:<ann@": answers[0], "RCPT TO:<bob@": answers[1]])
        switch await (try email(sink)).deliver(.sample(), by: Courier()) {
        case .refused(let reason): #expect(isFinal && reason.contains("ann@example.org was refused: 550 no"), "\(reason)")
        case .retry(let reason, _): #expect(!isFinal && reason.contains("bob@example.org was refused"), "\(reason)")
        case let other: Issue.record("\(other)")
        }
    }

    @Test(
        arguments: [
            (#""Müller, Jörg" <j@example.org>"#, "=?UTF-8?B?TcO8bGxlciwgSsO2cmc=?= <j@example.org>"),
            (
                #"Jörg <j@example.org>, "A \"B\" C" <a@example.org>"#,
                #"=?UTF-8?B?SsO2cmc=?= <j@example.org>, "A \"B\" C" <a@example.org>"#
            ),
            ("Ann B <a@example.org>", "Ann B <a@example.org>"), ("a@example.org", "a@example.org"),
            (#""=?UTF-8?B?SsO2cmc=?=" <a@example.org>"#, "=?UTF-8?B?PT9VVEYtOD9CP1NzTzJjbWM9Pz0=?= <a@example.org>"),
            ("Ann <a@example.org>\r\nBcc: x@example.org", "=?"), ("J. Doe <j@example.org>", #""J. Doe" <j@example.org>"#),
        ], ["From", "To", "Reply-To", "Cc"])
    func `has names in its headers that any program reads, and no header that its text begins`(
        one: (text: String, header: String), name: String
    ) {
        let header = MailText.header(name, one.text)
        #expect(header.utf8.allSatisfy { $0 < 0x7F })
        #expect(!header.contains("\r\nBcc"))
        if one.header != "=?" { #expect(header.replacing("\r\n ", with: " ") == "\(name): \(one.header)") }
    }

    @Test func `has no line in its head that a text began, whatever ends the line`() throws {
        for end in ["\r\n", "\n", "\r", "\u{301}\r\n\u{301}", "\u{85}", "\u{2028}", "\u{B}"] {
            for name in ["Subject", "From", "X-Note", "Message-Id"] {
                let header = MailText.header(name, "a\(end)Bcc: x@example.org")
                let lines = header.utf8.split(whereSeparator: { $0 == 10 || $0 == 13 })
                #expect(lines.dropFirst().allSatisfy { $0.first == UInt8(ascii: " ") }, "\(header)")
            }
        }
    }

    @Test func `goes to a server that is named by its address under the name of its certificate`() throws {
        let sink = try MailSink()
        let mail = try email(sink, #""tls_config": {"server_name": "mail.example.org"}"#).mail(.sample())
        let options = Courier.options(mail).description
        #expect(options.contains("smtp://mail.example.org:\(sink.port)/obs.example.org"))
        #expect(options.contains(#"["mail.example.org:\#(sink.port):127.0.0.1:\#(sink.port)"]"#))
        #expect(mail.place == "smtp://127.0.0.1:\(sink.port)")
    }

    @Test func `takes what it does not say from global`() throws {
        let email = try Email.decode(
            #"{"to": "a@example.org"}"#,
            global:
                #"{"smtp_smarthost": "mail:submission", "smtp_from": "obs@example.org", "smtp_auth_username": "u", "smtp_auth_password": "p", "smtp_require_tls": false}"#
        )
        let mail = try email.mail(.sample())
        #expect(mail.url == "smtp://mail:587/localhost")
        #expect(mail.from == "obs@example.org")
        #expect(!mail.requiresTLS)
        // Alertmanager: PLAIN only over a line that is encrypted, LOGIN as it is asked for.
        #expect(mail.login?.mechanisms == "AUTH=LOGIN")
        #expect(throws: NotifierError.self) { try Email.decode(#"{"to": "a@example.org"}"#) }
    }

    @Test(arguments: [
        "a@b, \"x, y\" <c@d>": ["a@b", "c@d"], "": [], " <a@b> ,": ["a@b"],
    ])
    func `has addresses as mail programs write them`(text: String, addresses: [String]) throws {
        #expect(try MailAddress.list(text).map(\.address) == addresses)
    }

    @Test(arguments: ["a", "a@b@c", "@b", "a@", "a b@c", "a@b\r\nRCPT TO:<x@y>", "<a@b", "a@b>"])
    func `refuses an address that could not be handed over`(text: String) {
        #expect(throws: NotifierError.self) { try MailAddress.list(text) }
    }

    @Test func `encodes any text so that it comes back`() throws {
        var random = SplitMix64(seed: 42)
        for _ in 0..<200 {
            let text = String(
                String.UnicodeScalarView(
                    (0..<Int.random(in: 0...200, using: &random)).map { _ in
                        ["a", "=", " ", "\t", "\n", "ä", "🙂", ".", "\u{1}"].randomElement(using: &random)!
                    }))
            let encoded = MailText.quotedPrintable(text)
            #expect(encoded.components(separatedBy: "\r\n").allSatisfy { $0.utf8.count <= 76 })
            #expect(Self.decode(encoded) == text, "\(text)")
        }
    }

    private static func decode(_ text: String) -> String {
        var bytes: [UInt8] = []
        let input = Array(text.replacing("=\r\n", with: "").replacing("\r\n", with: "\n").utf8)
        var index = 0
        while index < input.count {
            if input[index] == UInt8(ascii: "="), index + 2 < input.count + 0 {
                bytes.append(UInt8(String(decoding: input[(index + 1)...(index + 2)], as: UTF8.self), radix: 16) ?? 0)
                index += 3
            } else {
                bytes.append(input[index])
                index += 1
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
