import Columns
import Foundation

/// One way to notify: its settings as the configuration has them, and how they become requests.
///
/// A new one is a file in this folder and a line in ``Integrations/all``. It is called from any task, several at a time, and
/// keeps no state: what must not be sent twice is identified by ``Notice/key``.
protocol Integration: Sendable, Decodable {
    /// The key under a receiver, such as `slack_configs`.
    static var key: String { get }
    /// `slack`: in metrics, logs and lists.
    static var name: String { get }
    /// Whether it also notifies that alerts have been resolved.
    var sendsResolved: Bool { get set }

    /// The keys of `global` that only this integration reads.
    associatedtype Defaults: IntegrationDefaults = NoDefaults

    /// Takes from `global` what it does not set itself.
    ///
    /// - Throws: ``NotifierError/missing(_:)`` when a setting that it needs is in neither.
    mutating func adopt(_ global: NotifierSettings) throws(NotifierError)

    /// Its templates, so that the partials that they include can be checked.
    var templates: [MessageTemplate] { get }

    /// Sends a notice. It does not throw: how it ended is the outcome.
    func deliver(_ notice: Notice, by courier: Courier) async -> NoticeOutcome
}

/// All integrations, in the order in which Alertmanager's files list them.
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

/// An integration over HTTP: it only makes the requests.
protocol HTTPIntegration: Integration {
    var http: HTTPClientConfiguration? { get set }

    /// The requests of one notification, sent one after the other until one fails; none when there is nothing to say.
    func requests(for notice: Notice) throws(NotifierError) -> [HTTPRequest]

    /// Statuses beside 408, 429 and 5xx that are worth another try.
    var retriedStatuses: Set<Int> { get }

    /// What the service objects to in the body of its response; nil when it accepts the request.
    func objection(in answer: ServiceAnswer) -> ServiceObjection?
}

extension HTTPIntegration {
    var retriedStatuses: Set<Int> { [] }

    func objection(in answer: ServiceAnswer) -> ServiceObjection? { nil }

    func deliver(_ notice: Notice, by courier: Courier) async -> NoticeOutcome {
        let requests: [HTTPRequest]
        do {
            requests = try await courier.blocking { () throws(NotifierError) in try self.requests(for: notice) }
        } catch {
            // The file of a secret may be about to come: the notification is not given up for it.
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
    /// Takes from `global` what all integrations over HTTP have.
    mutating func adoptHTTP(_ global: NotifierSettings) { http = http ?? global.http }
}

/// The keys that every integration has.
enum CommonKeys: String, CodingKey {
    case sendResolved = "send_resolved"
    case http = "http_config"
}

extension Integration {
    /// - Parameter standard: the value when `send_resolved` is not given.
    static func sendsResolved(_ decoder: any Decoder, default standard: Bool) throws -> Bool {
        try decoder.container(keyedBy: CommonKeys.self).decodeIfPresent(Bool.self, forKey: .sendResolved) ?? standard
    }

    static func http(_ decoder: any Decoder) throws -> HTTPClientConfiguration? {
        try decoder.container(keyedBy: CommonKeys.self).decodeIfPresent(HTTPClientConfiguration.self, forKey: .http)
    }
}
