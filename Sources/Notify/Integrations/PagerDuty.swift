import Columns
import Foundation

/// An event to PagerDuty, by its Events API v2 (`routing_key`) or v1 (`service_key`).
///
/// Source: Alertmanager 0.25, notify/pagerduty; PagerDuty, "Send an Alert Event".
struct PagerDuty: HTTPIntegration {
    static let key = "pagerduty_configs"
    static let name = "pagerduty"

    var sendsResolved = true
    var http: HTTPClientConfiguration?
    var routingKey: Secret?
    var serviceKey: Secret?
    var url: Endpoint?
    var texts: [Text: MessageTemplate]
    var details: [String: MessageTemplate]
    var images: [[String: MessageTemplate]]
    var links: [[String: MessageTemplate]]

    enum Text: String, CodingKey, CaseIterable {
        case client, client_url, description, source, severity
        case eventClass = "class"
        case component, group
    }

    private enum CodingKeys: String, CodingKey {
        case service_key, service_key_file, routing_key, routing_key_file, url, details, images, links
    }

    private struct Image: Decodable {
        var src: MessageTemplate?
        var alt: MessageTemplate?
        var href: MessageTemplate?
    }

    private struct Link: Decodable {
        var href: MessageTemplate?
        var text: MessageTemplate?
    }

    init(from decoder: any Decoder) throws {
        sendsResolved = try Self.sendsResolved(decoder, default: true)
        http = try Self.http(decoder)
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        routingKey = try keys.secret(.routing_key, orFile: .routing_key_file)
        serviceKey = try keys.secret(.service_key, orFile: .service_key_file)
        guard routingKey != nil || serviceKey != nil else {
            throw NotifierError.missing("routing_key or service_key in pagerduty_configs")
        }
        url = try keys.decodeIfPresent(Endpoint.self, forKey: .url)
        let words = try decoder.container(keyedBy: Text.self)
        let standard: [Text: MessageTemplate] = [
            .client: DefaultMessages.client, .client_url: DefaultMessages.link, .description: DefaultMessages.subject,
            .severity: "error",
        ]
        texts = [:]
        for key in Text.allCases { texts[key] = try words.template(key, default: standard[key] ?? DefaultMessages.empty) }
        if texts[.source]?.source.isEmpty ?? true { texts[.source] = texts[.client] }
        if texts[.severity]?.source.isEmpty ?? true { texts[.severity] = "error" }
        details = try keys.templates(.details).merging([
            "firing": DefaultMessages.firingDetails, "resolved": DefaultMessages.resolvedDetails, "num_firing": "{{numFiring}}",
            "num_resolved": "{{numResolved}}",
        ]) { given, _ in given }
        images = try (keys.decodeIfPresent([Image].self, forKey: .images) ?? []).map {
            [
                "src": $0.src ?? DefaultMessages.empty, "alt": $0.alt ?? DefaultMessages.empty,
                "href": $0.href ?? DefaultMessages.empty,
            ]
        }
        links = try (keys.decodeIfPresent([Link].self, forKey: .links) ?? []).map {
            ["href": $0.href ?? DefaultMessages.empty, "text": $0.text ?? DefaultMessages.empty]
        }
    }

    struct Defaults: IntegrationDefaults {
        var url = Endpoint.known("https://events.pagerduty.com/v2/enqueue")

        private enum CodingKeys: String, CodingKey { case pagerduty_url }

        init() {}

        init(from decoder: any Decoder) throws {
            let keys = try decoder.container(keyedBy: CodingKeys.self)
            url = try keys.decodeIfPresent(Endpoint.self, forKey: .pagerduty_url) ?? url
        }
    }

    mutating func adopt(_ global: NotifierSettings) throws(NotifierError) {
        adoptHTTP(global)
        url = url ?? global[Defaults.self].url
    }

    var templates: [MessageTemplate] { Array(texts.values) + Array(details.values) + (images + links).flatMap(\.values) }

    /// Version 1 responds with 403 when it is rate limited.
    var retriedStatuses: Set<Int> { serviceKey != nil ? [403] : [] }

    private struct Event: Encodable {
        struct Payload: Encodable {
            var summary: String
            var source: String
            var severity: String
            var `class`: String?
            var component: String?
            var group: String?
            var custom_details: [String: String]
        }
        var routing_key: String?
        var service_key: String?
        var dedup_key: String?
        var incident_key: String?
        var event_type: String?
        var description: String?
        var event_action: String?
        var payload: Payload?
        var client: String?
        var client_url: String?
        var details: [String: String]?
        var images: [[String: String]]?
        var links: [[String: String]]?
    }

    /// Source: PagerDuty, "Send an Alert Event", "Responses": `status` is `success`, `invalid event` or `throttle exceeded`.
    func objection(in answer: ServiceAnswer) -> ServiceObjection? {
        guard let status = answer.text("status"), status != "success" else { return nil }
        return ServiceObjection(isPassing: answer.saysLater)
    }

    static let maxSummary = 1024
    static let maxEvent = 512_000

    func requests(for notice: Notice) throws(NotifierError) -> [HTTPRequest] {
        let model = MessageModel(notice)
        func text(_ key: Text) -> String { (texts[key].map(model.text) ?? "").truncated(toScalars: Self.maxSummary) }
        let action = notice.isFiring ? "trigger" : "resolve"
        // An event without a summary would be refused.
        let summary = text(.description).nilIfBlank ?? notice.subject.truncated(toScalars: Self.maxSummary)
        let told = details.mapValues(model.text)
        var event: Event
        let address: String
        let secret: String
        if let serviceKey {
            secret = try serviceKey.reveal()
            address = Self.versionOne
            event = Event(
                service_key: secret, incident_key: notice.groupHash, event_type: action, description: summary,
                client: notice.isFiring ? text(.client).nilIfEmpty : nil,
                client_url: notice.isFiring ? text(.client_url).nilIfEmpty : nil,
                details: told)
        } else {
            secret = try routingKey?.reveal() ?? ""
            address = try url?.reveal() ?? ""
            func rendered(_ items: [[String: MessageTemplate]], needing key: String) -> [[String: String]]? {
                let all = items.map { $0.mapValues(model.text) }.filter { !($0[key] ?? "").isEmpty }
                return all.isEmpty ? nil : all
            }
            event = Event(
                routing_key: secret, dedup_key: notice.groupHash, event_action: action,
                payload: .init(
                    summary: summary, source: text(.source), severity: text(.severity), class: text(.eventClass).nilIfEmpty,
                    component: text(.component).nilIfEmpty, group: text(.group).nilIfEmpty, custom_details: told),
                client: text(.client).nilIfEmpty, client_url: text(.client_url).nilIfEmpty,
                images: rendered(images, needing: "src"),
                links: rendered(links, needing: "href"))
        }
        var request = HTTPRequest.json(event, to: address, secrets: [secret])
        if request.body.count > Self.maxEvent {
            let note = ["error": "The details are left out: with them the event has more than \(Self.maxEvent) bytes."]
            event.payload?.custom_details = note
            if event.details != nil { event.details = note }
            request.body = HTTPRequest.encode(event)
        }
        if request.body.count > Self.maxEvent {
            (event.images, event.links) = (nil, nil)
            request.body = HTTPRequest.encode(event)
        }
        return [request]
    }

    private static let versionOne = "https://events.pagerduty.com/generic/2010-04-15/create_event.json"
}
