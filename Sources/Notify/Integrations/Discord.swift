import Columns
import Foundation

/// An embed to a Discord webhook.
///
/// Source: Alertmanager 0.25, notify/discord; Discord, "Execute Webhook", "Embed Limits".
struct Discord: HTTPIntegration {
    static let key = "discord_configs"
    static let name = "discord"

    var sendsResolved = true
    var http: HTTPClientConfiguration?
    var url: Endpoint
    var title: MessageTemplate
    var message: MessageTemplate

    private enum CodingKeys: String, CodingKey { case webhook_url, webhook_url_file, title, message }

    init(from decoder: any Decoder) throws {
        sendsResolved = try Self.sendsResolved(decoder, default: true)
        http = try Self.http(decoder)
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        guard let url = try keys.endpoint(.webhook_url, orFile: .webhook_url_file) else {
            throw NotifierError.missing("webhook_url in discord_configs")
        }
        self.url = url
        title = try keys.template(.title, default: DefaultMessages.subject)
        message = try keys.template(.message, default: DefaultMessages.alertListMarkdown)
    }

    mutating func adopt(_ global: NotifierSettings) throws(NotifierError) { adoptHTTP(global) }

    var templates: [MessageTemplate] { [title, message] }

    private struct Message: Encodable {
        struct Embed: Encodable {
            var title: String
            var description: String
            var color: Int
        }
        var content = ""
        var embeds: [Embed]
        // No text from a log may mention everybody.
        var allowed_mentions = ["parse": [String]()]
    }

    /// Errors are `{"message":…,"code":…}`; an accepted message, with `wait=true`, has an id.
    ///
    /// Source: Discord, "Rate Limits", "JSON Error Codes".
    func objection(in answer: ServiceAnswer) -> ServiceObjection? {
        guard answer["id"] == nil, answer["message"] != nil || answer["errors"] != nil else { return nil }
        return ServiceObjection(isPassing: answer["retry_after"] != nil || answer.saysLater, pause: answer.number("retry_after"))
    }

    static let maxTitle = 256
    static let maxDescription = 4096

    func requests(for notice: Notice) throws(NotifierError) -> [HTTPRequest] {
        let model = MessageModel(notice) { OutsideText($0).markdown }
        // A title is one line of Markdown too.
        let heading = MessageModel(notice, escapesSubject: false) { OutsideText($0).markdown }
        let address = try url.reveal()
        let embed = Message.Embed(
            title: heading.text(title).cut(to: Self.maxTitle, .utf16, as: .markdown),
            description: model.text(message).cut(to: Self.maxDescription, .utf16, as: .markdown),
            color: notice.isFiring ? 0x8C1A1A : 0x2DC72D)
        guard !embed.title.isBlank || !embed.description.isBlank else { return [] }
        return [.json(Message(embeds: [embed]), to: address, secrets: [address])]
    }
}
