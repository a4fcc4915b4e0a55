import Columns
import Foundation

/// A message to a room of Webex.
///
/// Source: Alertmanager 0.25, notify/webex.
struct Webex: HTTPIntegration {
    static let key = "webex_configs"
    static let name = "webex"

    var sendsResolved = true
    var http: HTTPClientConfiguration?
    var url: Endpoint?
    var message: MessageTemplate
    var room: String

    private enum CodingKeys: String, CodingKey { case api_url, message, room_id }

    init(from decoder: any Decoder) throws {
        sendsResolved = try Self.sendsResolved(decoder, default: true)
        http = try Self.http(decoder)
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        url = try keys.decodeIfPresent(Endpoint.self, forKey: .api_url)
        message = try keys.template(.message, default: Self.standard)
        room = try keys.decodeIfPresent(String.self, forKey: .room_id) ?? ""
        guard !room.isEmpty else { throw NotifierError.missing("room_id in webex_configs") }
        guard case .other = http?.authorization else { throw NotifierError.missing("http_config.authorization in webex_configs") }
    }

    struct Defaults: IntegrationDefaults {
        var url = Endpoint.known("https://webexapis.com/v1/messages")

        private enum CodingKeys: String, CodingKey { case webex_api_url }

        init() {}

        init(from decoder: any Decoder) throws {
            let keys = try decoder.container(keyedBy: CodingKeys.self)
            url = try keys.decodeIfPresent(Endpoint.self, forKey: .webex_api_url) ?? url
        }
    }

    mutating func adopt(_ global: NotifierSettings) throws(NotifierError) {
        adoptHTTP(global)
        url = url ?? global[Defaults.self].url
    }

    var templates: [MessageTemplate] { [message] }

    private static let standard: MessageTemplate = """
        **{{subject}}**

        {{>alertListMarkdown}}
        """

    /// Errors are `{"message":…,"errors":[…],"trackingId":…}`; an accepted message has an id.
    func objection(in answer: ServiceAnswer) -> ServiceObjection? {
        guard answer["id"] == nil, answer["errors"] != nil || answer["trackingId"] != nil else { return nil }
        return ServiceObjection(isPassing: answer.saysLater)
    }

    static let maxMessage = 7439

    func requests(for notice: Notice) throws(NotifierError) -> [HTTPRequest] {
        let model = MessageModel(notice) { OutsideText($0).markdown }
        let text = model.text(message)
        guard !text.isBlank else { return [] }
        return [
            .json(
                ["markdown": text.cut(to: Self.maxMessage, .bytes, as: .markdown), "roomId": room], to: try url?.reveal() ?? "")
        ]
    }
}
