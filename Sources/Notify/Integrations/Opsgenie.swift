import Columns
import Foundation

/// An alert of Opsgenie's (or Jira Service Management's) Alert API, closed when all is resolved.
///
/// Source: Alertmanager 0.25, notify/opsgenie; Opsgenie, "Alert API".
struct Opsgenie: HTTPIntegration {
    static let key = "opsgenie_configs"
    static let name = "opsgenie"

    var sendsResolved = true
    var http: HTTPClientConfiguration?
    var apiKey: Secret?
    var url: Endpoint?
    var texts: [Text: MessageTemplate]
    var details: [String: MessageTemplate]
    var responders: [Responder]
    var updatesAlerts = false

    enum Text: String, CodingKey, CaseIterable { case message, description, source, entity, actions, tags, note, priority }

    private enum CodingKeys: String, CodingKey { case api_key, api_key_file, api_url, details, responders, update_alerts }

    struct Responder: Sendable, Decodable {
        var id: MessageTemplate?
        var name: MessageTemplate?
        var username: MessageTemplate?
        var type: MessageTemplate

        private enum CodingKeys: String, CodingKey { case id, name, username, type }

        init(from decoder: any Decoder) throws {
            let keys = try decoder.container(keyedBy: CodingKeys.self)
            id = try keys.decodeIfPresent(MessageTemplate.self, forKey: .id)
            name = try keys.decodeIfPresent(MessageTemplate.self, forKey: .name)
            username = try keys.decodeIfPresent(MessageTemplate.self, forKey: .username)
            guard [id, name, username].contains(where: { !($0?.source.isEmpty ?? true) }) else {
                throw NotifierError.missing("id, name or username of a responder in opsgenie_configs")
            }
            type = try keys.decodeIfPresent(MessageTemplate.self, forKey: .type) ?? ""
            let types = ["team", "teams", "user", "escalation", "schedule"]
            guard type.source.contains("{{") || types.contains(type.source.lowercased()) else {
                throw NotifierError.badValue(
                    """
                    the type of a responder in opsgenie_configs is '\(type.source)'; write one of \
                    \(types.joined(separator: ", "))
                    """
                )
            }
        }
    }

    init(from decoder: any Decoder) throws {
        sendsResolved = try Self.sendsResolved(decoder, default: true)
        http = try Self.http(decoder)
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        apiKey = try keys.secret(.api_key, orFile: .api_key_file)
        url = try keys.decodeIfPresent(Endpoint.self, forKey: .api_url)
        let words = try decoder.container(keyedBy: Text.self)
        let standard: [Text: MessageTemplate] = [
            .message: DefaultMessages.subject, .description: DefaultMessages.mailText, .source: DefaultMessages.link,
        ]
        texts = [:]
        for key in Text.allCases { texts[key] = try words.template(key, default: standard[key] ?? DefaultMessages.empty) }
        details = try keys.templates(.details)
        responders = try keys.decodeIfPresent([Responder].self, forKey: .responders) ?? []
        updatesAlerts = try keys.decodeIfPresent(Bool.self, forKey: .update_alerts) ?? false
    }

    struct Defaults: IntegrationDefaults {
        var url = Endpoint.known("https://api.opsgenie.com/")
        var key: Secret?

        private enum CodingKeys: String, CodingKey { case opsgenie_api_url, opsgenie_api_key, opsgenie_api_key_file }

        init() {}

        init(from decoder: any Decoder) throws {
            let keys = try decoder.container(keyedBy: CodingKeys.self)
            url = try keys.decodeIfPresent(Endpoint.self, forKey: .opsgenie_api_url) ?? url
            key = try keys.secret(.opsgenie_api_key, orFile: .opsgenie_api_key_file)
        }
    }

    mutating func adopt(_ global: NotifierSettings) throws(NotifierError) {
        adoptHTTP(global)
        url = url ?? global[Defaults.self].url
        apiKey = apiKey ?? global[Defaults.self].key
        guard apiKey != nil else { throw .missing("api_key in opsgenie_configs, or opsgenie_api_key in global") }
    }

    var templates: [MessageTemplate] {
        Array(texts.values) + Array(details.values)
            + responders.flatMap { [$0.id, $0.name, $0.username, $0.type].compactMap(\.self) }
    }

    private struct Alert: Encodable {
        var alias: String
        var message: String
        var description: String?
        var details: Labels
        var source: String
        var responders: [[String: String]]?
        var tags: [String]?
        var note: String?
        var priority: String?
        var entity: String?
        var actions: [String]?
    }

    /// It responds with 202 before it processes the alert; what it rejects at once has a code or errors.
    ///
    /// Source: Opsgenie, "Alert API", "API Rate Limiting".
    func objection(in answer: ServiceAnswer) -> ServiceObjection? {
        let code = answer.number("code") ?? 0
        guard code >= 400 || answer["errors"] != nil else { return nil }
        return ServiceObjection(isPassing: code == 429 || code == 42_901 || answer.saysLater)
    }

    static let maxMessage = 130
    static let maxDescription = 15_000
    static let maxDetails = 8000

    func requests(for notice: Notice) throws(NotifierError) -> [HTTPRequest] {
        let model = MessageModel(notice)
        func text(_ key: Text, limit: Int) -> String { (texts[key].map(model.text) ?? "").truncated(toScalars: limit) }
        let apiKey = try self.apiKey?.reveal() ?? ""
        let alias = notice.groupHash
        func request(_ path: String, _ body: some Encodable, _ method: String = "POST") throws(NotifierError) -> HTTPRequest {
            var request = HTTPRequest.json(body, to: try url?.appending(path) ?? "", secrets: [apiKey])
            request.method = method
            request.headers["Authorization"] = "GenieKey \(apiKey)"
            return request
        }
        let source = text(.source, limit: 100)
        guard notice.isFiring else { return [try request("v2/alerts/\(alias)/close?identifierType=alias", ["source": source])] }
        // An alert without a message would be refused.
        let message = text(.message, limit: Self.maxMessage).nilIfBlank ?? notice.subject.truncated(toScalars: Self.maxMessage)
        let description = text(.description, limit: Self.maxDescription)
        let alert = Alert(
            alias: alias, message: message, description: description.nilIfEmpty,
            details: Self.fitting(Labels(details.mapValues(model.text)), notice.payload.commonLabels), source: source,
            responders: responding(model), tags: Self.list(text(.tags, limit: 1000), 20).nilIfEmpty,
            note: text(.note, limit: 25_000).nilIfEmpty, priority: text(.priority, limit: 10).nilIfEmpty,
            entity: text(.entity, limit: 512).nilIfEmpty, actions: Self.list(text(.actions, limit: 500), 10).nilIfEmpty)
        var requests = [try request("v2/alerts", alert)]
        if updatesAlerts {
            requests.append(try request("v2/alerts/\(alias)/message?identifierType=alias", ["message": message], "PUT"))
            requests.append(
                try request("v2/alerts/\(alias)/description?identifierType=alias", ["description": description], "PUT"))
        }
        return requests
    }

    /// A responder of type `teams` names several teams, separated by commas.
    private func responding(_ model: MessageModel) -> [[String: String]]? {
        let all = responders.flatMap { responder -> [[String: String]] in
            var one: [String: String] = [:]
            for (key, template) in [("id", responder.id), ("name", responder.name), ("username", responder.username)] {
                one[key] = template.flatMap { model.text($0).nilIfEmpty }
            }
            let type = model.text(responder.type).lowercased()
            guard !one.isEmpty || !type.isEmpty else { return [] }
            if type == "teams" { return Self.list(one["name"] ?? "", 50).map { ["name": $0, "type": "team"] } }
            one["type"] = type
            return [one]
        }
        return all.isEmpty ? nil : all
    }

    /// Those of the configuration first, then labels by name, up to 8,000 characters in total: with more the alert would be
    /// refused.
    private static func fitting(_ own: Labels, _ labels: Labels) -> Labels {
        var left = maxDetails
        var fitting = Labels()
        for (key, value) in Array(own) + Array(labels) where fitting[key] == nil {
            let room = left - key.unicodeScalars.count
            guard room > 0 else { continue }
            let kept = value.truncated(toScalars: room)
            fitting[key] = kept
            left = room - kept.unicodeScalars.count
        }
        return fitting
    }

    private static func list(_ text: String, _ most: Int) -> [String] {
        OutsideText(text).split { $0 == "," }.map { OutsideText($0).trimmed }.filter { !$0.isEmpty }.prefix(most).map {
            $0.truncated(toScalars: 50)
        }
    }
}

extension Array {
    fileprivate var nilIfEmpty: Self? { isEmpty ? nil : self }
}
