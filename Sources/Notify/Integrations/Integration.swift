import Columns
import Foundation

/// One way of telling a receiver: its settings as the configuration has them, and how they become requests.
///
/// A new one is a file in this folder and a line in ``Integrations/all``. It is called from any task, several at once, and keeps nothing: what must
/// not be sent twice is told apart by ``Notice/key``.
protocol Integration: Sendable, Decodable {
    /// The key under a receiver, such as `slack_configs`.
    static var key: String { get }
    /// `slack`: in metrics, logs and lists.
    static var name: String { get }
    /// Whether the end of an alert is told too.
    var sendsResolved: Bool { get set }

    /// The keys of `global` that only this integration reads.
    associatedtype Defaults: IntegrationDefaults = NoDefaults

    /// Takes from `global` what it does not set itself.
    ///
    /// - Throws: ``NotifierError/missing(_:)`` when something that it needs is in neither.
    mutating func adopt(_ global: NotifierSettings) throws(NotifierError)

    /// The partials that its templates name.
    var templates: [MessageTemplate] { get }

    /// Tells the receiver. Does not throw: how it ended is the outcome.
    func deliver(_ notice: Notice, by courier: Courier) async -> NoticeOutcome
}

/// The integrations that obs has, in the order in which Alertmanager's files list them.
enum Integrations {
    static let all: [any Integration.Type] = [
        Webhook.self, Email.self, PagerDuty.self, Slack.self, Opsgenie.self, MSTeams.self, MSTeamsV2.self, Discord.self,
        Telegram.self,
        Pushover.self, VictorOps.self, WeChat.self, SNS.self, Webex.self,
    ]
}

/// Keys of `global` that give an integration what it does not set itself. Without any key all have their default values.
protocol IntegrationDefaults: Sendable, Decodable {
    init()
}

/// The defaults of an integration that reads no key of `global` but `http_config`.
struct NoDefaults: IntegrationDefaults {}

/// An integration that speaks HTTP: it only says what to send.
protocol HTTPIntegration: Integration {
    var http: HTTPClientConfiguration? { get set }

    /// The requests of one notification, sent one after the other until one fails; none when there is nothing to say.
    func requests(for notice: Notice) throws(NotifierError) -> [HTTPRequest]

    /// Statuses beside 408, 429 and 5xx that are worth another try.
    var retriedStatuses: Set<Int> { get }

    /// What the service says in its answer that the status does not; nil when it has nothing to object.
    func objection(in answer: ServiceAnswer) -> ServiceObjection?
}

extension HTTPIntegration {
    var retriedStatuses: Set<Int> { [] }

    func objection(in answer: ServiceAnswer) -> ServiceObjection? { nil }

    func deliver(_ notice: Notice, by courier: Courier) async -> NoticeOutcome {
        let requests: [HTTPRequest]
        do {
            requests = try self.requests(for: notice)
        } catch {
            // A secret's file may be on its way: the notification is not given up for it.
            return .retry(reason: "\(error)")
        }
        guard !requests.isEmpty else { return .nothingToSay }
        for request in requests {
            let answer = await courier.send(request, http ?? HTTPClientConfiguration())
            let outcome = answer.outcome(alsoRetrying: retriedStatuses, objection: objection)
            guard outcome == .delivered else { return outcome }
        }
        return .delivered
    }
}

extension HTTPIntegration {
    /// What all of them take from `global`.
    mutating func adoptHTTP(_ global: NotifierSettings) { http = http ?? global.http }
}

/// The keys that every integration knows.
enum CommonKeys: String, CodingKey {
    case sendResolved = "send_resolved"
    case http = "http_config"
}

extension Integration {
    /// - Parameter standard: whether ends are told when `send_resolved` is not given.
    static func sendsResolved(_ decoder: any Decoder, default standard: Bool) throws -> Bool {
        try decoder.container(keyedBy: CommonKeys.self).decodeIfPresent(Bool.self, forKey: .sendResolved) ?? standard
    }

    static func http(_ decoder: any Decoder) throws -> HTTPClientConfiguration? {
        try decoder.container(keyedBy: CommonKeys.self).decodeIfPresent(HTTPClientConfiguration.self, forKey: .http)
    }
}
