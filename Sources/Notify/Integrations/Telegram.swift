import Columns
import Foundation

/// A message of a Telegram bot.
///
/// Source: Alertmanager 0.25, notify/telegram; Telegram Bot API, "sendMessage", "Formatting options".
struct Telegram: HTTPIntegration {
    static let key = "telegram_configs"
    static let name = "telegram"

    /// The markup of the text, which decides how values in it are escaped.
    enum ParseMode: String, Sendable, Decodable {
        case html = "HTML"
        case markdown = "Markdown"
        case markdownV2 = "MarkdownV2"
        case plain = ""
    }

    var sendsResolved = true
    var http: HTTPClientConfiguration?
    var url: Endpoint?
    var token: Secret
    var chat: Int64
    var message: MessageTemplate
    var isSilent = false
    var parseMode = ParseMode.html

    private enum CodingKeys: String, CodingKey {
        case api_url, bot_token, bot_token_file, chat_id, message, disable_notifications, parse_mode
    }

    init(from decoder: any Decoder) throws {
        sendsResolved = try Self.sendsResolved(decoder, default: true)
        http = try Self.http(decoder)
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        url = try keys.decodeIfPresent(Endpoint.self, forKey: .api_url)
        guard let token = try keys.secret(.bot_token, orFile: .bot_token_file) else {
            throw NotifierError.missing("bot_token in telegram_configs")
        }
        self.token = token
        chat = try keys.decodeIfPresent(Int64.self, forKey: .chat_id) ?? 0
        guard chat != 0 else { throw NotifierError.missing("chat_id in telegram_configs") }
        let mode = try keys.decodeIfPresent(String.self, forKey: .parse_mode) ?? parseMode.rawValue
        guard let parseMode = ParseMode(rawValue: mode) else {
            throw keys.refused(.parse_mode, "parse_mode is '\(mode)'; write HTML, Markdown, MarkdownV2 or nothing")
        }
        self.parseMode = parseMode
        message = try keys.template(
            .message, default: parseMode == .html ? DefaultMessages.telegram : DefaultMessages.telegramPlain)
        isSilent = try keys.decodeIfPresent(Bool.self, forKey: .disable_notifications) ?? false
    }

    struct Defaults: IntegrationDefaults {
        var url = Endpoint.known("https://api.telegram.org")

        private enum CodingKeys: String, CodingKey { case telegram_api_url }

        init() {}

        init(from decoder: any Decoder) throws {
            let keys = try decoder.container(keyedBy: CodingKeys.self)
            url = try keys.decodeIfPresent(Endpoint.self, forKey: .telegram_api_url) ?? url
        }
    }

    mutating func adopt(_ global: NotifierSettings) throws(NotifierError) {
        adoptHTTP(global)
        url = url ?? global[Defaults.self].url
    }

    var templates: [MessageTemplate] { [message] }

    private struct Message: Encodable {
        var chat_id: String
        var text: String
        var parse_mode: String?
        var disable_notification: Bool
        var disable_web_page_preview = true
    }

    /// Source: Telegram Bot API, "Making requests", "ResponseParameters".
    func objection(in answer: ServiceAnswer) -> ServiceObjection? {
        guard answer.truth("ok") == false else { return nil }
        let code = Int(answer.number("error_code") ?? 0)
        let pause = answer["parameters"]?["retry_after"]?.asNumber
        return ServiceObjection(isPassing: pause != nil || code == 429 || code >= 500, pause: pause)
    }

    static let maxText = 4096

    func requests(for notice: Notice) throws(NotifierError) -> [HTTPRequest] {
        let token = try self.token.reveal()
        let text = self.text(notice)
        guard !text.isBlank else { return [] }
        let body = Message(
            chat_id: String(chat), text: text, parse_mode: parseMode == .plain ? nil : parseMode.rawValue,
            disable_notification: isSilent)
        return [.json(body, to: try url?.appending("bot\(token)/sendMessage") ?? "", secrets: [token])]
    }

    /// As Telegram counts, in units of UTF-16, and without breaking its markup: it refuses a message with an unclosed entity.
    private func text(_ notice: Notice) -> String {
        switch parseMode {
        case .html: MessageModel(notice) { OutsideText($0).html }.text(message).cut(to: Self.maxText, .utf16, as: .html)
        case .plain: MessageModel(notice).text(message).cut(to: Self.maxText, .utf16)
        case .markdown:
            MessageModel(notice) { OutsideText($0).telegramMarkdown }.text(message)
                .cut(to: Self.maxText, .utf16, as: .telegramMarkdown)
        case .markdownV2:
            MessageModel(notice) { OutsideText($0).telegramMarkdownV2 }.text(message)
                .cut(to: Self.maxText, .utf16, as: .telegramMarkdownV2)
        }
    }
}
