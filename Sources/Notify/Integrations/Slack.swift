import Columns
import Foundation

/// A message with one attachment to Slack's incoming webhooks or `chat.postMessage`, or to a compatible service (Mattermost,
/// Rocket.Chat).
///
/// Source: Alertmanager 0.25, notify/slack; Slack, "Secondary message attachments".
struct Slack: HTTPIntegration {
    static let key = "slack_configs"
    static let name = "slack"

    var sendsResolved = false
    var http: HTTPClientConfiguration?
    var url: Endpoint?
    var texts: [Text: MessageTemplate]
    var fields: [Field]
    var actions: [Action]
    var linksNames = false
    var markdownIn: [String]

    /// The keys that are templates.
    enum Text: String, CodingKey, CaseIterable {
        case channel, username, color, title, title_link, pretext, text, footer, fallback, callback_id, icon_emoji, icon_url,
            image_url
        case thumb_url
    }

    private enum CodingKeys: String, CodingKey {
        case api_url, api_url_file, fields, short_fields, link_names, mrkdwn_in, actions
    }

    struct Field: Sendable, Decodable {
        var title: MessageTemplate
        var value: MessageTemplate
        var isShort: Bool?

        private enum CodingKeys: String, CodingKey { case title, value, short }

        init(from decoder: any Decoder) throws {
            let keys = try decoder.container(keyedBy: CodingKeys.self)
            title = try keys.required(.title, "a field of slack_configs")
            value = try keys.required(.value, "a field of slack_configs")
            isShort = try keys.decodeIfPresent(Bool.self, forKey: .short)
        }
    }

    struct Action: Sendable, Decodable {
        var texts: [String: MessageTemplate] = [:]
        var confirm: [String: MessageTemplate]?

        private enum CodingKeys: String, CodingKey, CaseIterable { case type, text, url, style, name, value, confirm }
        private enum ConfirmKeys: String, CodingKey, CaseIterable { case title, text, ok_text, dismiss_text }

        init(from decoder: any Decoder) throws {
            let keys = try decoder.container(keyedBy: CodingKeys.self)
            texts["type"] = try keys.required(.type, "an action of slack_configs")
            texts["text"] = try keys.required(.text, "an action of slack_configs")
            for key in [CodingKeys.url, .style, .name, .value] {
                texts[key.rawValue] = try keys.decodeIfPresent(MessageTemplate.self, forKey: key)
            }
            if keys.contains(.confirm), try !keys.decodeNil(forKey: .confirm) {
                let inner = try keys.nestedContainer(keyedBy: ConfirmKeys.self, forKey: .confirm)
                var confirm = ["text": try inner.required(.text, "confirm of slack_configs")]
                for key in [ConfirmKeys.title, .ok_text, .dismiss_text] {
                    confirm[key.rawValue] = try inner.decodeIfPresent(MessageTemplate.self, forKey: key)
                }
                self.confirm = confirm
            }
            if let url = texts["url"], !url.source.isEmpty {
                (texts["name"], texts["value"], confirm) = (nil, nil, nil)
            } else if texts["name"]?.source.isEmpty ?? true {
                throw NotifierError.missing("name or url in an action of slack_configs")
            } else {
                texts["url"] = nil
            }
        }
    }

    init(from decoder: any Decoder) throws {
        sendsResolved = try Self.sendsResolved(decoder, default: false)
        http = try Self.http(decoder)
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        url = try keys.endpoint(.api_url, orFile: .api_url_file)
        let words = try decoder.container(keyedBy: Text.self)
        let standard: [Text: MessageTemplate] = [
            .color: "{{#isFiring}}danger{{/isFiring}}{{#isResolved}}good{{/isResolved}}", .username: DefaultMessages.client,
            .title: DefaultMessages.subject, .title_link: DefaultMessages.link, .text: DefaultMessages.slack,
            .fallback: "{{subject}} | {{link}}",
        ]
        texts = [:]
        for key in Text.allCases { texts[key] = try words.template(key, default: standard[key] ?? DefaultMessages.empty) }
        let areShort = try keys.decodeIfPresent(Bool.self, forKey: .short_fields) ?? false
        fields = try (keys.decodeIfPresent([Field].self, forKey: .fields) ?? []).map {
            var field = $0
            field.isShort = field.isShort ?? areShort
            return field
        }
        actions = try keys.decodeIfPresent([Action].self, forKey: .actions) ?? []
        linksNames = try keys.decodeIfPresent(Bool.self, forKey: .link_names) ?? false
        markdownIn = try keys.decodeIfPresent([String].self, forKey: .mrkdwn_in) ?? []
        if markdownIn.isEmpty { markdownIn = ["fallback", "pretext", "text"] }
    }

    struct Defaults: IntegrationDefaults {
        var url: Endpoint?

        private enum CodingKeys: String, CodingKey { case slack_api_url, slack_api_url_file }

        init() {}

        init(from decoder: any Decoder) throws {
            let keys = try decoder.container(keyedBy: CodingKeys.self)
            url = try keys.endpoint(.slack_api_url, orFile: .slack_api_url_file)
        }
    }

    mutating func adopt(_ global: NotifierSettings) throws(NotifierError) {
        adoptHTTP(global)
        url = url ?? global[Defaults.self].url
        guard url != nil else { throw .missing("api_url in slack_configs, or slack_api_url in global") }
    }

    var templates: [MessageTemplate] {
        Array(texts.values) + fields.flatMap { [$0.title, $0.value] }
            + actions.flatMap { Array($0.texts.values) + Array(($0.confirm ?? [:]).values) }
    }

    private struct Message: Encodable {
        var channel: String?
        var username: String?
        var icon_emoji: String?
        var icon_url: String?
        var link_names: Bool?
        var attachments: [Attachment]
    }

    private struct Attachment: Encodable {
        struct Field: Encodable {
            var title: String
            var value: String
            var short: Bool
        }
        struct Action: Encodable {
            var type: String
            var text: String
            var url: String?
            var style: String?
            var name: String?
            var value: String?
            var confirm: [String: String]?
        }
        var title: String?
        var title_link: String?
        var pretext: String?
        var text: String
        var fallback: String
        var callback_id: String
        var fields: [Field]?
        var actions: [Action]?
        var image_url: String?
        var thumb_url: String?
        var footer: String
        var color: String?
        var mrkdwn_in: [String]
    }

    /// `chat.postMessage` responds with 200 and `{"ok":false,"error":…}`, a webhook with `ok` or a word for the error; compatible
    /// services differ.
    ///
    /// Source: Slack, "chat.postMessage", "Errors"; "Sending messages using incoming webhooks", "Handling errors".
    func objection(in answer: ServiceAnswer) -> ServiceObjection? {
        if answer.isObject {
            guard answer.truth("ok") == false || answer.truth("success") == false else { return nil }
            return ServiceObjection(isPassing: answer.saysLater || answer.says("fatal_error"))
        }
        let word = OutsideText(answer.text).trimmed
        if word.isEmpty || word.utf8.elementsEqual("ok".utf8) || word.utf8.elementsEqual("OK".utf8) { return nil }
        return ServiceObjection(isPassing: answer.saysLater || answer.says("rollup_error"))
    }

    static let maxTitle = 1024
    /// Slack folds texts at 700 characters; blocks, into which compatible services convert them, hold 3,000.
    static let maxText = 3000

    func requests(for notice: Notice) throws(NotifierError) -> [HTTPRequest] {
        // Slack reads <!channel> and <http://…> out of texts: what comes from a log must not call everybody.
        let model = MessageModel(notice) { OutsideText($0).slack }
        func text(_ key: Text) -> String { texts[key].map(model.text) ?? "" }
        func cut(_ text: String, _ limit: Int = Self.maxText) -> String { text.cut(to: limit, .scalars, as: .slack) }
        func given(_ key: Text, limit: Int = 2000) -> String? { cut(text(key), limit).nilIfEmpty }
        let isEmpty = [.title, .pretext, .text, .image_url, .thumb_url].allSatisfy { text($0).isBlank }
        guard !isEmpty || !fields.isEmpty || !actions.isEmpty else { return [] }
        let attachment = Attachment(
            title: given(.title, limit: Self.maxTitle), title_link: given(.title_link),
            pretext: given(.pretext, limit: Self.maxText),
            text: cut(text(.text)), fallback: cut(text(.fallback)), callback_id: cut(text(.callback_id), 255),
            fields: fields.isEmpty
                ? nil
                : fields.map {
                    .init(
                        title: cut(model.text($0.title), 300), value: cut(model.text($0.value), 2000), short: $0.isShort ?? false)
                },
            actions: actions.isEmpty
                ? nil
                : actions.map { action in
                    func part(_ key: String) -> String? { action.texts[key].flatMap { model.text($0).nilIfEmpty } }
                    return .init(
                        type: part("type") ?? "", text: part("text") ?? "", url: part("url"), style: part("style"),
                        name: part("name"),
                        value: part("value"), confirm: action.confirm?.mapValues(model.text))
                }, image_url: given(.image_url), thumb_url: given(.thumb_url), footer: cut(text(.footer), 300),
            color: given(.color),
            mrkdwn_in: markdownIn)
        let message = Message(
            channel: given(.channel), username: given(.username), icon_emoji: given(.icon_emoji), icon_url: given(.icon_url),
            link_names: linksNames ? true : nil, attachments: [attachment])
        let address = try url?.reveal() ?? ""
        return [.json(message, to: address, secrets: [address])]
    }
}

extension KeyedDecodingContainer {
    /// A template that must be there and not empty.
    func required(_ key: Key, _ place: String) throws -> MessageTemplate {
        guard let template = try decodeIfPresent(MessageTemplate.self, forKey: key), !template.source.isEmpty else {
            throw NotifierError.missing("\(key.stringValue) in \(place)")
        }
        return template
    }
}

extension String {
    var nilIfEmpty: String? { isEmpty ? nil : self }
}
