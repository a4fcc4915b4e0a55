import Foundation
import Parsing

/// What integrations take when they do not say it themselves: Alertmanager's `global`.
///
/// Source: Alertmanager 0.25, config.GlobalConfig.
public struct GlobalConfiguration: Sendable, Decodable {
    public var resolveTimeout: Duration?
    var http = HTTPClientConfiguration()
    var smtp = SMTP()
    var slackURL: Endpoint?
    var pagerDutyURL = Self.known("https://events.pagerduty.com/v2/enqueue")
    var opsgenieURL = Self.known("https://api.opsgenie.com/")
    var opsgenieKey: Secret?
    var weChatURL = Self.known("https://qyapi.weixin.qq.com/cgi-bin/")
    var weChatSecret: Secret?
    var weChatCorporation = ""
    var victorOpsURL = Self.known("https://alert.victorops.com/integrations/generic/20131114/alert/")
    var victorOpsKey: Secret?
    var telegramURL = Self.known("https://api.telegram.org")
    var webexURL = Self.known("https://webexapis.com/v1/messages")

    struct SMTP: Sendable {
        var from = ""
        var hello = "localhost"
        var smarthost: Smarthost?
        var username = ""
        var password: Secret?
        var secret: Secret?
        var identity = ""
        var requiresTLS = true
    }

    private enum CodingKeys: String, CodingKey {
        case resolve_timeout, http_config
        case smtp_from, smtp_hello, smtp_smarthost, smtp_auth_username, smtp_auth_password, smtp_auth_password_file,
            smtp_auth_secret
        case smtp_auth_identity, smtp_require_tls
        case slack_api_url, slack_api_url_file, pagerduty_url, opsgenie_api_url, opsgenie_api_key, opsgenie_api_key_file
        case wechat_api_url, wechat_api_secret, wechat_api_corp_id, victorops_api_url, victorops_api_key, victorops_api_key_file
        case telegram_api_url, webex_api_url
    }

    public init() {}

    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        func text(_ key: CodingKeys) throws -> String? { try keys.decodeIfPresent(String.self, forKey: key) }
        func endpoint(_ key: CodingKeys) throws -> Endpoint? { try keys.decodeIfPresent(Endpoint.self, forKey: key) }
        func secret(_ key: CodingKeys) throws -> Secret? {
            try keys.decodeIfPresent(Secret.self, forKey: key).flatMap { $0.isEmpty ? nil : $0 }
        }
        resolveTimeout = try keys.duration(.resolve_timeout)
        http = try keys.decodeIfPresent(HTTPClientConfiguration.self, forKey: .http_config) ?? http
        smtp.from = try text(.smtp_from) ?? ""
        smtp.hello = try text(.smtp_hello) ?? smtp.hello
        smtp.smarthost = try keys.decodeIfPresent(Smarthost.Optional.self, forKey: .smtp_smarthost)?.value
        smtp.username = try text(.smtp_auth_username) ?? ""
        smtp.password = try keys.secret(.smtp_auth_password, orFile: .smtp_auth_password_file)
        smtp.secret = try secret(.smtp_auth_secret)
        smtp.identity = try text(.smtp_auth_identity) ?? ""
        smtp.requiresTLS = try keys.decodeIfPresent(Bool.self, forKey: .smtp_require_tls) ?? true
        slackURL = try keys.endpoint(.slack_api_url, orFile: .slack_api_url_file)
        pagerDutyURL = try endpoint(.pagerduty_url) ?? pagerDutyURL
        opsgenieURL = try endpoint(.opsgenie_api_url) ?? opsgenieURL
        opsgenieKey = try keys.secret(.opsgenie_api_key, orFile: .opsgenie_api_key_file)
        weChatURL = try endpoint(.wechat_api_url) ?? weChatURL
        weChatSecret = try secret(.wechat_api_secret)
        weChatCorporation = try text(.wechat_api_corp_id) ?? ""
        victorOpsURL = try endpoint(.victorops_api_url) ?? victorOpsURL
        victorOpsKey = try keys.secret(.victorops_api_key, orFile: .victorops_api_key_file)
        telegramURL = try endpoint(.telegram_api_url) ?? telegramURL
        webexURL = try endpoint(.webex_api_url) ?? webexURL
    }

    private static func known(_ url: String) -> Endpoint {
        do { return try Endpoint(url) } catch { preconditionFailure("\(error)") }
    }
}

/// The host and port that mail is handed to.
struct Smarthost: Sendable, Hashable {
    var host: String
    var port: Int

    /// As a configuration file gives it: an empty text is none.
    struct Optional: Decodable {
        let value: Smarthost?

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            let text = try container.decode(String.self)
            guard !text.isEmpty else {
                value = nil
                return
            }
            guard let smarthost = Smarthost(text) else {
                throw DecodingError.dataCorruptedError(
                    in: container,
                    debugDescription:
                        "\(decoder.codingPath.last?.stringValue ?? "smarthost") is '\(text)'; write HOST:PORT, such as mail.example.org:587"
                )
            }
            value = smarthost
        }
    }

    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        // Go looks up names of ports too; the two that mail has are enough.
        let names = ["smtp": 25, "submission": 587, "smtps": 465, "submissions": 465]
        let portText = String(text[text.index(after: colon)...])
        guard let port = names[portText] ?? Int(portText), (1...65_535).contains(port),
            host.allSatisfy({ $0.isLetter || $0.isNumber || ".-_:%".contains($0) })
        else { return nil }
        self.host = host.isEmpty ? "localhost" : String(host)
        self.port = port
    }
}
