import Columns
import Foundation

/// An alert to Splunk On-Call, which was VictorOps.
///
/// Source: Alertmanager 0.25, notify/victorops; Splunk On-Call, "REST Endpoint Integration".
struct VictorOps: HTTPIntegration {
    static let key = "victorops_configs"
    static let name = "victorops"

    var sendsResolved = true
    var http: HTTPClientConfiguration?
    var apiKey: Secret?
    var url: Endpoint?
    var routingKey: MessageTemplate
    var texts: [Text: MessageTemplate]
    var customFields: [String: MessageTemplate]

    enum Text: String, CodingKey, CaseIterable { case message_type, state_message, entity_display_name, monitoring_tool }

    private enum CodingKeys: String, CodingKey { case api_key, api_key_file, api_url, routing_key, custom_fields }

    private static let reserved: Set<String> = [
        "routing_key", "message_type", "state_message", "entity_display_name", "monitoring_tool", "entity_id", "entity_state",
    ]

    init(from decoder: any Decoder) throws {
        sendsResolved = try Self.sendsResolved(decoder, default: true)
        http = try Self.http(decoder)
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        apiKey = try keys.secret(.api_key, orFile: .api_key_file)
        url = try keys.decodeIfPresent(Endpoint.self, forKey: .api_url)
        routingKey = try keys.required(.routing_key, "victorops_configs")
        let words = try decoder.container(keyedBy: Text.self)
        let standard: [Text: MessageTemplate] = [
            .message_type: "CRITICAL", .state_message: DefaultMessages.alertList, .entity_display_name: DefaultMessages.subject,
            .monitoring_tool: DefaultMessages.client,
        ]
        texts = [:]
        for key in Text.allCases { texts[key] = try words.template(key, default: standard[key] ?? DefaultMessages.empty) }
        customFields = try keys.templates(.custom_fields)
        if let taken = customFields.keys.sorted().first(where: Self.reserved.contains) {
            throw keys.refused(.custom_fields, "custom_fields has '\(taken)', which is a field of its own; give it another name")
        }
    }

    struct Defaults: IntegrationDefaults {
        var url = Endpoint.known("https://alert.victorops.com/integrations/generic/20131114/alert/")
        var key: Secret?

        private enum CodingKeys: String, CodingKey { case victorops_api_url, victorops_api_key, victorops_api_key_file }

        init() {}

        init(from decoder: any Decoder) throws {
            let keys = try decoder.container(keyedBy: CodingKeys.self)
            url = try keys.decodeIfPresent(Endpoint.self, forKey: .victorops_api_url) ?? url
            key = try keys.secret(.victorops_api_key, orFile: .victorops_api_key_file)
        }
    }

    mutating func adopt(_ global: NotifierSettings) throws(NotifierError) {
        adoptHTTP(global)
        url = url ?? global[Defaults.self].url
        apiKey = apiKey ?? global[Defaults.self].key
        guard apiKey != nil else { throw .missing("api_key in victorops_configs, or victorops_api_key in global") }
    }

    var templates: [MessageTemplate] { [routingKey] + Array(texts.values) + Array(customFields.values) }

    func objection(in answer: ServiceAnswer) -> ServiceObjection? {
        guard let result = answer.text("result"), result != "success" else { return nil }
        return ServiceObjection(isPassing: answer.saysLater)
    }

    static let maxMessage = 20_480

    func requests(for notice: Notice) throws(NotifierError) -> [HTTPRequest] {
        let model = MessageModel(notice)
        func text(_ key: Text, limit: Int = 1000) -> String { (texts[key].map(model.text) ?? "").truncated(toScalars: limit) }
        let type = text(.message_type)
        var fields = customFields.mapValues(model.text)
        fields["message_type"] =
            !notice.isFiring ? "RECOVERY" : ["INFO", "WARNING", "CRITICAL"].contains(type) ? type : "CRITICAL"
        fields["entity_id"] = notice.groupHash
        fields["entity_display_name"] = text(.entity_display_name)
        fields["state_message"] = text(.state_message, limit: Self.maxMessage)
        fields["monitoring_tool"] = text(.monitoring_tool)
        let apiKey = try self.apiKey?.reveal() ?? ""
        let path = "\(HTTPRequest.escape(apiKey))/\(HTTPRequest.escape(model.text(routingKey)))"
        return [.json(fields, to: try url?.appending(path) ?? "", secrets: [apiKey])]
    }
}
