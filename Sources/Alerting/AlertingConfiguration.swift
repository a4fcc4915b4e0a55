import Columns
import Foundation
import Parsing

/// Who is told what, when and how, in the words of an Alertmanager configuration.
public struct AlertingConfiguration: Sendable, Decodable {
    /// The root of the tree; nil tells nobody, and incidents are kept all the same.
    public var route: Route?
    public var receivers: [Receiver] = []
    public var inhibitRules: [InhibitRule] = []
    public var timeIntervals: [NamedInterval] = []
    /// An incident without activity for this long is resolved.
    public var resolveTimeout = Duration.seconds(300)
    /// What links in notifications begin with.
    public var externalURL = "http://127.0.0.1:9464"

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case route, receivers, global
        case inhibitRules = "inhibit_rules"
        case timeIntervals = "time_intervals"
        case muteTimeIntervals = "mute_time_intervals"
        case resolveTimeout = "resolve_timeout"
        case externalURL = "external_url"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        route = try container.decodeIfPresent(Route.self, forKey: .route)
        receivers = try container.decodeIfPresent([Receiver].self, forKey: .receivers) ?? []
        inhibitRules = try container.decodeIfPresent([InhibitRule].self, forKey: .inhibitRules) ?? []
        timeIntervals = try [CodingKeys.timeIntervals, .muteTimeIntervals].flatMap {
            try container.decodeIfPresent([NamedInterval].self, forKey: $0) ?? []
        }
        let global = try container.decodeIfPresent(Global.self, forKey: .global)
        resolveTimeout = try container.duration(.resolveTimeout) ?? global?.resolveTimeout ?? resolveTimeout
        externalURL = try container.decodeIfPresent(String.self, forKey: .externalURL) ?? externalURL
        let names = Set(receivers.map(\.name))
        guard names.count == receivers.count else { throw AlertingError.twoReceivers }
        for name in route?.allReceivers ?? [] where !names.contains(name) {
            throw AlertingError.unknownReceiver(name, known: names.sorted())
        }
        if let route {
            if route.receiver == nil { throw AlertingError.rootWithoutReceiver }
            if !route.matchers.isEmpty { throw AlertingError.rootHas("matchers") }
            if !route.mutedDuring.isEmpty { throw AlertingError.rootHas("mute_time_intervals") }
            if !route.activeDuring.isEmpty { throw AlertingError.rootHas("active_time_intervals") }
        }
        let known = timeIntervals.map(\.name)
        if Set(known).count < known.count { throw AlertingError.badInterval("two have the same name") }
        for name in route?.allIntervals ?? [] where !known.contains(name) {
            throw AlertingError.unknownInterval(name, known: known.sorted())
        }
    }

    /// The same with its routes ready to be walked.
    var settled: AlertingConfiguration {
        var whole = self
        whole.route = route?.settled
        return whole
    }

    /// The part of Alertmanager's `global` that webhooks need.
    private struct Global: Decodable {
        var resolveTimeout: Duration?

        private enum CodingKeys: String, CodingKey { case resolveTimeout = "resolve_timeout" }

        init(from decoder: any Decoder) throws {
            resolveTimeout = try decoder.container(keyedBy: CodingKeys.self).duration(.resolveTimeout)
        }
    }
}

/// Somebody who is told, and how.
public struct Receiver: Sendable, Decodable {
    public var name: String
    public var webhooks: [WebhookConfiguration]

    private enum CodingKeys: String, CodingKey {
        case name
        case webhooks = "webhook_configs"
    }

    public init(name: String, webhooks: [WebhookConfiguration]) {
        self.name = name
        self.webhooks = webhooks
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        webhooks = try container.decodeIfPresent([WebhookConfiguration].self, forKey: .webhooks) ?? []
    }
}

public struct WebhookConfiguration: Sendable, Decodable {
    public var url: String
    public var sendsResolved = true
    public var http = HTTPClientConfiguration()
    /// For the whole request.
    public var timeout = Duration.seconds(10)

    private enum CodingKeys: String, CodingKey {
        case url, timeout
        case sendsResolved = "send_resolved"
        case http = "http_config"
    }

    public init(url: String) {
        self.url = url
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        url = try container.decode(String.self, forKey: .url)
        guard url.hasPrefix("http://") || url.hasPrefix("https://") else { throw AlertingError.badURL(url) }
        sendsResolved = try container.decodeIfPresent(Bool.self, forKey: .sendsResolved) ?? true
        timeout = try container.duration(.timeout) ?? timeout
        http = try container.decodeIfPresent(HTTPClientConfiguration.self, forKey: .http) ?? http
    }
}

extension KeyedDecodingContainer {
    /// A duration in Prometheus' notation.
    func duration(_ key: Key) throws -> Duration? {
        guard let text = try decodeIfPresent(String.self, forKey: key) else { return nil }
        guard let duration = Duration(parsing: text) else {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: self, debugDescription: "\(key.stringValue) is '\(text)'; write a duration such as 30s or 2m")
        }
        return duration
    }
}

public enum AlertingError: Error, CustomStringConvertible {
    case unknownReceiver(String, known: [String])
    case twoReceivers
    case rootWithoutReceiver
    case badURL(String)
    case rootHas(String)
    case badGrouping(String)
    case zeroInterval(String)
    case badLabel(String)
    case badInterval(String)
    case unknownInterval(String, known: [String])
    case badHTTP(String)
    case unreadableSecret(path: String)
    case noSilence(String)
    case badSilence(String)
    case noIncident(String)
    case wrongState(String, state: String, action: String)

    public var description: String {
        switch self {
        case .unknownReceiver(let name, let known):
            "the route names the receiver '\(name)', which there is not; receivers are \(known.joined(separator: ", "))"
        case .twoReceivers: "two receivers have the same name"
        case .rootWithoutReceiver: "the root route has no receiver; it takes what no other route takes"
        case .badURL(let url): "the webhook url '\(url)' is neither http:// nor https://"
        case .rootHas(let key): "the root route has \(key); it takes every alert at every time, so write them in a route below it"
        case .badGrouping(let what): "group_by \(what)"
        case .zeroInterval(let key): "\(key) is 0; write a duration such as 5m"
        case .badLabel(let name): "'\(name)' is no name of a label; write letters, digits and _, and no digit first"
        case .badInterval(let what): "time_intervals: \(what)"
        case .unknownInterval(let name, let known):
            "a route names the time interval '\(name)', which there is not; \(known.isEmpty ? "add it to time_intervals" : "known are \(known.joined(separator: ", "))")"
        case .badHTTP(let what): "http_config \(what)"
        case .unreadableSecret(let path):
            "the secret file \(path) cannot be read as one line of text; check its path, its permissions and what is in it"
        case .noSilence(let id): "there is no silence \(id)"
        case .badSilence(let what): "the silence is refused: \(what)"
        case .noIncident(let id): "there is no incident \(id); 'obs query incidents' lists those that there are"
        case .wrongState(let id, let state, let action): "\(id) is \(state) and cannot be \(action)"
        }
    }
}
