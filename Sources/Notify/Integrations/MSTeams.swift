import Columns
import Foundation

/// A card to Microsoft Teams, by the older connectors, which read message cards.
///
/// Source: Alertmanager 0.26, notify/msteams; Microsoft, "Legacy actionable message card reference".
struct MSTeams: HTTPIntegration {
    static let key = "msteams_configs"
    static let name = "msteams"

    var sendsResolved = true
    var http: HTTPClientConfiguration?
    var url: Endpoint
    var title: MessageTemplate
    var summary: MessageTemplate
    var text: MessageTemplate

    private enum CodingKeys: String, CodingKey { case webhook_url, webhook_url_file, title, summary, text }

    init(from decoder: any Decoder) throws {
        sendsResolved = try Self.sendsResolved(decoder, default: true)
        http = try Self.http(decoder)
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        guard let url = try keys.endpoint(.webhook_url, orFile: .webhook_url_file) else {
            throw NotifierError.missing("webhook_url in msteams_configs")
        }
        self.url = url
        title = try keys.template(.title, default: DefaultMessages.subject)
        summary = try keys.template(.summary, default: DefaultMessages.subject)
        text = try keys.template(.text, default: DefaultMessages.alertListMarkdown)
    }

    mutating func adopt(_ global: NotifierSettings) throws(NotifierError) { adoptHTTP(global) }

    var templates: [MessageTemplate] { [title, summary, text] }

    private struct Card: Encodable {
        var context = "http://schema.org/extensions"
        var type = "MessageCard"
        var title: String
        var summary: String
        var text: String
        var themeColor: String

        private enum CodingKeys: String, CodingKey {
            case context = "@context"
            case type = "type"
            case title, summary, text, themeColor
        }
    }

    /// Teams accepts 28 KB in total, including the frame and JSON escapes.
    static let maxBody = 28_000

    /// A connector responds with 200 and `1`, or with 200 and the response of Teams itself.
    ///
    /// Source: Microsoft, "Create and send messages", "Rate limiting for connectors".
    func objection(in answer: ServiceAnswer) -> ServiceObjection? { TeamsAnswer.objection(in: answer) }

    func requests(for notice: Notice) throws(NotifierError) -> [HTTPRequest] {
        let model = MessageModel(notice) { OutsideText($0).markdown }
        // A title is one line of Markdown too.
        let heading = MessageModel(notice, escapesSubject: false) { OutsideText($0).markdown }
        // A summary is shown in lists of notifications, without markup.
        let plain = MessageModel(notice) { OutsideText($0).inOneLine }
        let address = try url.reveal()
        let (title, text) = (heading.text(title), model.text(text))
        guard !title.isBlank || !text.isBlank else { return [] }
        func card(_ text: String) -> Card {
            Card(
                title: title.cut(to: 1000, .bytes, as: .markdown), summary: plain.text(summary).truncated(toBytes: 1000),
                text: text,
                themeColor: notice.isFiring ? "8C1A1A" : "2DC72D")
        }
        return [.json(card, text, .markdown, within: Self.maxBody, to: address, secrets: [address])]
    }
}

/// A card to Microsoft Teams by a workflow ("When a Teams webhook request is received"), which reads adaptive cards.
///
/// Source: Microsoft, "Adaptive Cards", schema 1.4.
struct MSTeamsV2: HTTPIntegration {
    static let key = "msteamsv2_configs"
    static let name = "msteamsv2"

    var sendsResolved = true
    var http: HTTPClientConfiguration?
    var url: Endpoint
    var title: MessageTemplate
    var text: MessageTemplate

    private enum CodingKeys: String, CodingKey { case webhook_url, webhook_url_file, title, text }

    init(from decoder: any Decoder) throws {
        sendsResolved = try Self.sendsResolved(decoder, default: true)
        http = try Self.http(decoder)
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        guard let url = try keys.endpoint(.webhook_url, orFile: .webhook_url_file) else {
            throw NotifierError.missing("webhook_url in msteamsv2_configs")
        }
        self.url = url
        title = try keys.template(.title, default: DefaultMessages.subject)
        text = try keys.template(.text, default: DefaultMessages.alertListMarkdown)
    }

    mutating func adopt(_ global: NotifierSettings) throws(NotifierError) { adoptHTTP(global) }

    var templates: [MessageTemplate] { [title, text] }

    private struct Message: Encodable {
        var type = "message"
        var attachments: [Attachment]
    }

    private struct Attachment: Encodable {
        var contentType = "application/vnd.microsoft.card.adaptive"
        var content: Card
    }

    private struct Card: Encodable {
        var schema = "http://adaptivecards.io/schemas/adaptive-card.json"
        var type = "AdaptiveCard"
        var version = "1.4"
        var body: [Block]
        var msteams = ["width": "Full"]

        private enum CodingKeys: String, CodingKey {
            case schema = "$schema"
            case type, version, body, msteams
        }
    }

    private struct Block: Encodable {
        var type = "TextBlock"
        var text: String
        var weight: String?
        var size: String?
        var color: String?
        var wrap = true
    }

    /// A workflow responds with 202 and no body, or with an `error`.
    func objection(in answer: ServiceAnswer) -> ServiceObjection? { TeamsAnswer.objection(in: answer) }

    func requests(for notice: Notice) throws(NotifierError) -> [HTTPRequest] {
        let model = MessageModel(notice) { OutsideText($0).markdown }
        // A title is one line of Markdown too.
        let heading = MessageModel(notice, escapesSubject: false) { OutsideText($0).markdown }
        let address = try url.reveal()
        let (title, text) = (heading.text(title), model.text(text))
        guard !title.isBlank || !text.isBlank else { return [] }
        func message(_ text: String) -> Message {
            let top = Block(
                text: title.cut(to: 1000, .bytes, as: .markdown), weight: "Bolder", size: "Medium",
                color: notice.isFiring ? "Attention" : "Good")
            return Message(attachments: [Attachment(content: Card(body: [top, Block(text: text)]))])
        }
        return [.json(message, text, .markdown, within: MSTeams.maxBody, to: address, secrets: [address])]
    }
}

/// The bodies of responses of Teams' connectors and workflows.
enum TeamsAnswer {
    static func objection(in answer: ServiceAnswer) -> ServiceObjection? {
        let isObjecting =
            answer.isObject ? answer["error"] != nil : answer.says("error", "failed", "bad payload", "is required", "invalid")
        guard isObjecting else { return nil }
        // "Microsoft Teams endpoint returned HTTP error 429 with ContextId …"
        let isPassing = answer.saysLater || answer.says("http error 429", "http error 5", "http error 408", "\"429\"")
        return ServiceObjection(isPassing: isPassing)
    }
}
