import Columns
import Foundation
import Parsing

/// Who is told what, when and how, in the words of an Alertmanager configuration.
public struct AlertingConfiguration: Sendable, Decodable {
    /// The root of the tree; nil tells nobody, and incidents are kept all the same.
    public var route: Route?
    public var receivers: [Receiver] = []
    /// An incident without activity for this long is resolved.
    public var resolveTimeout = Duration.seconds(300)
    /// What links in notifications begin with.
    public var externalURL = "http://127.0.0.1:9464"

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case route, receivers
        case resolveTimeout = "resolve_timeout"
        case externalURL = "external_url"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        route = try container.decodeIfPresent(Route.self, forKey: .route)
        receivers = try container.decodeIfPresent([Receiver].self, forKey: .receivers) ?? []
        resolveTimeout = try container.duration(.resolveTimeout) ?? resolveTimeout
        externalURL = try container.decodeIfPresent(String.self, forKey: .externalURL) ?? externalURL
        let names = Set(receivers.map(\.name))
        guard names.count == receivers.count else { throw AlertingError.twoReceivers }
        for name in route?.allReceivers ?? [] where !names.contains(name) {
            throw AlertingError.unknownReceiver(name, known: names.sorted())
        }
        if let route, route.receiver == nil { throw AlertingError.rootWithoutReceiver }
    }
}

/// A node of the routing tree.
public struct Route: Sendable, Decodable {
    /// Nil takes the parent's, as do the other optional ones.
    public var receiver: String?
    public var matchers: [Matcher] = []
    public var groupBy: [String]?
    public var groupWait: Duration?
    public var groupInterval: Duration?
    public var repeatInterval: Duration?
    /// Whether the siblings after this one are asked too when it takes an alert.
    public var continues = false
    public var routes: [Route] = []

    private enum CodingKeys: String, CodingKey {
        case receiver, matchers, routes
        case continues = "continue"
        case groupBy = "group_by"
        case groupWait = "group_wait"
        case groupInterval = "group_interval"
        case repeatInterval = "repeat_interval"
    }

    public init(receiver: String) {
        self.receiver = receiver
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        receiver = try container.decodeIfPresent(String.self, forKey: .receiver)
        matchers = try (container.decodeIfPresent([String].self, forKey: .matchers) ?? []).flatMap { try [Matcher](parsing: $0) }
        groupBy = try container.decodeIfPresent([String].self, forKey: .groupBy)
        groupWait = try container.duration(.groupWait)
        groupInterval = try container.duration(.groupInterval)
        repeatInterval = try container.duration(.repeatInterval)
        continues = try container.decodeIfPresent(Bool.self, forKey: .continues) ?? false
        routes = try container.decodeIfPresent([Route].self, forKey: .routes) ?? []
    }

    public static let defaultGroupWait = Duration.seconds(30)
    public static let defaultGroupInterval = Duration.seconds(300)
    public static let defaultRepeatInterval = Duration.seconds(4 * 3600)

    /// The matchers on the way here from the root, as the first part of each ``groupKey(_:)``.
    private(set) var path = "{}"

    /// The labels by which this route tells groups apart; `...` stands for all.
    func groupLabels(of labels: [String: String]) -> [String: String] {
        let names = Set(groupBy ?? [])
        return names.contains("...") ? labels : labels.filter { names.contains($0.key) }
    }

    /// Names a group for ever, as Alertmanager does: `{}/{severity="critical"}:{alertname="SSHBruteForce"}`.
    func groupKey(_ groupLabels: [String: String]) -> String {
        let pairs = groupLabels.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map {
            "\($0.key)=\(JSONText.quote($0.value))"
        }
        return "\(path):{\(pairs.joined(separator: ", "))}"
    }

    var allReceivers: [String] { (receiver.map { [$0] } ?? []) + routes.flatMap(\.allReceivers) }

    /// The nodes that take an alert with these labels, each with what it inherits: the deepest ones, as Alertmanager walks the tree.
    public func destinations(for labels: [String: String]) -> [Route] {
        guard matchers.match(labels) else { return [] }
        var found: [Route] = []
        for child in routes {
            var whole = child
            whole.receiver = child.receiver ?? receiver
            whole.groupBy = child.groupBy ?? groupBy
            whole.groupWait = child.groupWait ?? groupWait
            whole.groupInterval = child.groupInterval ?? groupInterval
            whole.repeatInterval = child.repeatInterval ?? repeatInterval
            whole.path = path + "/{" + child.matchers.map(\.description).sorted().joined(separator: ",") + "}"
            let deeper = whole.destinations(for: labels)
            found += deeper
            if !deeper.isEmpty, !child.continues { break }
        }
        return found.isEmpty ? [self] : found
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
    /// For the whole request.
    public var timeout = Duration.seconds(10)

    private enum CodingKeys: String, CodingKey {
        case url, timeout
        case sendsResolved = "send_resolved"
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
    }
}

extension KeyedDecodingContainer {
    /// A duration in Prometheus' notation.
    fileprivate func duration(_ key: Key) throws -> Duration? {
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
    case noIncident(String)
    case wrongState(String, state: String, action: String)

    public var description: String {
        switch self {
        case .unknownReceiver(let name, let known):
            "the route names the receiver '\(name)', which there is not; receivers are \(known.joined(separator: ", "))"
        case .twoReceivers: "two receivers have the same name"
        case .rootWithoutReceiver: "the root route has no receiver; it takes what no other route takes"
        case .badURL(let url): "the webhook url '\(url)' is neither http:// nor https://"
        case .noIncident(let id): "there is no incident \(id); 'obs query incidents' lists those that there are"
        case .wrongState(let id, let state, let action): "\(id) is \(state) and cannot be \(action)"
        }
    }
}
