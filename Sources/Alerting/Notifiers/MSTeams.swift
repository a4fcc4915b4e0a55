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
            throw AlertingError.missing("webhook_url in msteams_configs")
        }
        self.url = url
        title = try keys.template(.title, default: DefaultMessages.subject)
        summary = try keys.template(.summary, default: DefaultMessages.subject)
        text = try keys.template(.text, default: DefaultMessages.alertListMarkdown)
    }

    mutating func adopt(_ global: GlobalConfiguration) throws(AlertingError) { adoptHTTP(global) }

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

    /// Teams takes 28 KB in all; the rest is for the frame and for escapes.
    static let maxText = 20_000

    func requests(for content: NotificationContent) throws(AlertingError) -> [HTTPRequest] {
        let model = MessageModel(content) { OutsideText($0).markdown }
        // A title is one line of Markdown too.
        let heading = MessageModel(content, escapesSubject: false) { OutsideText($0).markdown }
        // What a summary says is shown in lists of notifications, as it stands.
        let plain = MessageModel(content) { OutsideText($0).inOneLine }
        let address = try url.reveal()
        let card = Card(
            title: heading.text(title).truncated(toBytes: 1000), summary: plain.text(summary).truncated(toBytes: 1000),
            text: model.text(text).truncated(toBytes: Self.maxText), themeColor: content.isFiring ? "8C1A1A" : "2DC72D")
        return [.json(card, to: address, secrets: [address])]
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
            throw AlertingError.missing("webhook_url in msteamsv2_configs")
        }
        self.url = url
        title = try keys.template(.title, default: DefaultMessages.subject)
        text = try keys.template(.text, default: DefaultMessages.alertListMarkdown)
    }

    mutating func adopt(_ global: GlobalConfiguration) throws(AlertingError) { adoptHTTP(global) }

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

    func requests(for content: NotificationContent) throws(AlertingError) -> [HTTPRequest] {
        let model = MessageModel(content) { OutsideText($0).markdown }
        // A title is one line of Markdown too.
        let heading = MessageModel(content, escapesSubject: false) { OutsideText($0).markdown }
        let address = try url.reveal()
        let card = Card(body: [
            Block(
                text: heading.text(title).truncated(toBytes: 1000), weight: "Bolder", size: "Medium",
                color: content.isFiring ? "Attention" : "Good"),
            Block(text: model.text(text).truncated(toBytes: MSTeams.maxText)),
        ])
        return [.json(Message(attachments: [Attachment(content: card)]), to: address, secrets: [address])]
    }
}
