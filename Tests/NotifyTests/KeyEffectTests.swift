import Transfer
import Alerting
import Columns
import Foundation
import TestSupport
import Testing

@testable import Configuration
@testable import Notify
@testable import Incidents

/// Guards against keys that are accepted and then ignored, such as `server_name` of a mail: every key that the configuration
/// takes changes what is sent.
struct `A key that is accepted` {
    private let folder = TemporaryFolder()

    /// The keys that are known at a place: what is said of one that is not.
    private func known(_ text: String) throws -> [String] {
        do {
            _ = try YAMLDocument(text, file: "am.yml").decode(AlertmanagerFile.self, environment: [:])
        } catch {
            let said = "\(error)"
            guard let start = said.range(of: "known are ") else { throw error }
            let list = said[start.upperBound...].prefix { $0 != "\n" && $0 != ";" }
            return list.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { $0 != "zzzzqqqq" }
        }
        Issue.record("a key that there is not is taken in \(text)")
        return []
    }

    private func receiver(_ key: String, _ json: String) -> String {
        "route: {receiver: r}\nreceivers:\n- name: r\n  \(key): [\(json)]\n"
    }

    private static func text(_ object: [String: Any]) throws -> String {
        String(
            decoding: try JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes]),
            as: UTF8.self)
    }

    private static func object(_ json: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    }

    /// All that shows outside: what is sent, where to, how.
    private func effect(_ integration: any Integration, _ content: Notice = .sample()) throws -> String {
        var parts = ["\(integration.sendsResolved)"]
        func add(_ request: HTTPRequest, _ http: HTTPClientConfiguration?) throws {
            var secrets = request.secrets
            let http = http ?? HTTPClientConfiguration()
            parts += [try Courier.options(request, http, &secrets).description, String(decoding: request.body, as: UTF8.self)]
            parts += [secrets.joined(separator: " "), "\(http.followsRedirects)"]
            guard case .oauth2(let settings) = http.authorization else { return }
            for inForm in [false, true] {
                let (request, http) = try Courier.tokenRequest(settings, inForm: inForm)
                try add(request, http)
            }
        }
        switch integration {
        case let mail as Email:
            let mail = try mail.mail(content)
            parts += [Courier.options(mail).description, String(decoding: mail.text, as: UTF8.self)]
        case let weChat as WeChat:
            parts += [String(decoding: weChat.message(content), as: UTF8.self), weChat.corporation]
            parts += [try weChat.secret?.reveal() ?? "", try weChat.url?.reveal() ?? ""]
            try add(HTTPRequest(url: "http://x"), weChat.http)
        case let other as any HTTPIntegration: for request in try other.requests(for: content) { try add(request, other.http) }
        default: Issue.record("\(type(of: integration)) is not known here")
        }
        return parts.joined(separator: "\n")
    }

    private func effect(_ kind: String, _ object: [String: Any], global: [String: Any] = [:]) -> String {
        do {
            let integration = try Samples.type(kind).decode(Self.text(object), global: Self.text(global))
            return try effect(integration) + effect(integration, .sample(firing: false))
        } catch { return "it throws \(error)" }
    }

    /// What stands under a key in its case, and what must stand beside it; `nil` beside it takes a key out.
    private func sample(_ kind: String, _ key: String) throws -> (value: Any, beside: [String: Any?]) {
        if key.hasSuffix("_file"), !["ca_file", "cert_file", "key_file"].contains(key) {
            let path = folder.path + "/" + key
            try Data("http://from.a.file.example/x".utf8).write(to: URL(filePath: path))
            let beside: [String: Any?] = key == "auth_password_file" ? ["auth_username": "u"] : [:]
            return (path, beside.merging([String(key.dropLast(5)): nil]) { old, _ in old })
        }
        let link = "http://elsewhere.example/x"
        return switch (kind, key) {
        case (_, "send_resolved"): (!["email", "slack", "wechat"].contains(kind) ? false : true, [:])
        case ("webex", "http_config"): (["authorization": ["credentials": "0ther"]], [:])
        case (_, "http_config"): (["headers": ["X-A": "b"]], [:])
        case (_, "url"), (_, "api_url"), (_, "webhook_url"): (link, [:])
        case (_, "max_alerts"): (1, [:])
        case (_, "timeout"): ("3s", [:])
        case ("email", "headers"): (["X-A": "b"], [:])
        case ("email", "require_tls"): (false, [:])
        case ("email", "tls_config"): (["server_name": "mail.example"], [:])
        case ("email", "auth_username"): ("u", ["auth_password": "p"])
        case ("email", "auth_password"), ("email", "auth_secret"): ("p", ["auth_username": "u"])
        case ("email", "auth_identity"): ("i", ["auth_username": "u", "auth_password": "p"])
        case ("email", "from"), ("email", "to"): ("c@example.org", [:])
        case ("email", "smarthost"): ("mail.example:587", [:])
        case ("slack", "fields"): ([["title": "a", "value": "b"]], [:])
        case ("slack", "short_fields"): (true, ["fields": [["title": "a", "value": "b"]]])
        case ("slack", "actions"): ([["type": "button", "text": "a", "url": link]], [:])
        case ("slack", "link_names"), ("opsgenie", "update_alerts"), ("telegram", "disable_notifications"), ("pushover", "html"):
            (true, [:])
        case ("slack", "mrkdwn_in"): (["title"], [:])
        case ("pagerduty", "images"): ([["src": link]], [:])
        case ("pagerduty", "links"): ([["href": link]], [:])
        case (_, "details"), (_, "custom_fields"), (_, "attributes"): (["a": "b"], [:])
        case ("opsgenie", "responders"): ([["type": "team", "name": "x"]], [:])
        case ("telegram", "chat_id"): (2, [:])
        case ("telegram", "parse_mode"): ("MarkdownV2", [:])
        case ("pushover", "retry"), ("pushover", "expire"): ("9m", [:])
        case ("victorops", "message_type"): ("WARNING", [:])
        case ("wechat", "message_type"): ("markdown", [:])
        case ("sns", "phone_number"), ("sns", "target_arn"): ("x", ["topic_arn": nil])
        case ("sns", "sigv4"): (["region": "us-east-1", "access_key": "B", "secret_key": "c"], [:])
        default: ("another", [:])
        }
    }

    private func with(_ base: [String: Any], _ key: String, _ sample: (value: Any, beside: [String: Any?])) -> (
        without: [String: Any], with: [String: Any]
    ) {
        var without = base
        for (name, value) in sample.beside { without[name] = value }
        var with = without
        with[key] = sample.value
        return (without, with)
    }

    @Test(arguments: Integrations.all.map { $0.name })
    func `of an integration changes what is sent`(kind: String) throws {
        let base = try Self.object(Samples.json(kind, url: "http://hook.example/hook"))
        var unknown = base
        unknown["zzzzqqqq"] = 1
        let keys = try known(receiver(Samples.type(kind).key, Self.text(unknown)))
        #expect(keys.count >= 3 && keys.contains("send_resolved"), "\(keys)")
        for key in keys {
            let (without, with) = with(base, key, try sample(kind, key))
            let effect = effect(kind, with)
            #expect(effect != self.effect(kind, without), "\(kind) \(key)")
            #expect(!effect.hasPrefix("it throws"), "\(kind) \(key): \(effect)")
        }
    }

    @Test func `of sigv4 changes what is sent, or is refused by name`() throws {
        let base = try Self.object(Samples.json("sns", url: "http://hook.example/hook"))
        var unknown = base
        unknown["sigv4"] = ["region": "a", "access_key": "b", "secret_key": "c", "zzzzqqqq": 1]
        for key in try known(receiver("sns_configs", Self.text(unknown))) {
            var changed = base
            changed["sigv4"] = ["region": "eu-central-1", "access_key": "AKID", "secret_key": "s3cret"].merging([key: "another"])
            { $1 }
            let effect = effect("sns", changed)
            if ["profile", "role_arn"].contains(key) {
                #expect(effect.contains("obs does not know \(key)"), "\(effect)")
            } else {
                #expect(effect != self.effect("sns", base) && !effect.hasPrefix("it throws"), "\(key)")
            }
        }
    }

    /// Keys of `http_config`, `tls_config` and `oauth2`, and what a receiver that has them is compared with.
    @Test(arguments: ["http_config", "tls_config", "oauth2", "oauth2.tls_config", "email.tls_config"])
    func `of a connection changes how a receiver is spoken to`(place: String) throws {
        let oauth: [String: Any] = ["client_id": "c", "client_secret": "s", "token_url": "http://t.example/"]
        let kind = place.hasPrefix("email") ? "email" : "webhook"
        func receiver(_ keys: [String: Any]) throws -> [String: Any] {
            var object = try Self.object(Samples.json(kind, url: "https://hook.example/hook"))
            switch place {
            case "http_config": object["http_config"] = keys
            case "tls_config": object["http_config"] = ["tls_config": keys]
            case "oauth2": object["http_config"] = ["oauth2": oauth.merging(keys) { $1 }]
            case "oauth2.tls_config": object["http_config"] = ["oauth2": oauth.merging(["tls_config": keys]) { $1 }]
            default: object["tls_config"] = keys
            }
            return object
        }
        let values: [String: Any] = [
            "basic_auth": ["username": "u", "password": "p"], "authorization": ["credentials": "c"], "oauth2": oauth,
            "tls_config": ["insecure_skip_verify": true], "follow_redirects": false, "enable_http2": false,
            "headers": ["X-A": "b"],
            "proxy_url": "http://proxy.example:1", "server_name": "other.example", "insecure_skip_verify": true,
            "min_version": "TLS13",
            "max_version": "TLS12", "scopes": ["a"], "endpoint_params": ["a": "b"], "token_url": "http://other.example/",
        ]
        let keys = try known(self.receiver(Samples.type(kind).key, Self.text(try receiver(["zzzzqqqq": 1]))))
        #expect(keys.count >= 7, "\(keys)")
        for key in keys {
            var given: [String: Any] = [key: values[key] ?? "another"]
            if key == "cert_file" { given["key_file"] = "k.pem" }
            if key == "key_file" { given["cert_file"] = "c.pem" }
            if key == "bearer_token_file" || key == "client_secret_file" { given = [key: try sample("", key).value] }
            var object = try receiver(given)
            if key == "client_secret_file" {
                let inner = oauth.merging(given) { $1 }.filter { $0.key != "client_secret" }
                object["http_config"] = ["oauth2": inner]
            }
            let effect = effect(kind, object)
            #expect(
                effect != self.effect(kind, try receiver([:])) && !effect.hasPrefix("it throws"), "\(place) \(key): \(effect)")
        }
    }

    @Test func `of global changes what is sent by those who do not say it themselves`() throws {
        let least: [(String, [String: Any])] = [
            ("webhook", ["url": "http://x"]), ("email", ["to": "a@example.org"]), ("pagerduty", ["routing_key": "r"]),
            ("slack", [:]),
            ("opsgenie", [:]), ("telegram", ["bot_token": "t", "chat_id": 1]), ("victorops", ["routing_key": "r"]),
            ("wechat", [:]),
            ("webex", ["room_id": "r", "http_config": ["authorization": ["credentials": "c"]]]),
        ]
        let base: [String: Any] = [
            "smtp_smarthost": "mail:25", "smtp_from": "b@example.org", "smtp_auth_username": "u", "smtp_auth_password": "p",
            "slack_api_url": "http://s", "opsgenie_api_key": "o", "wechat_api_secret": "w", "wechat_api_corp_id": "c",
            "victorops_api_key": "v",
        ]
        func effect(_ global: [String: Any]) throws -> String {
            let file = "global: \(try Self.text(global))\nroute: {receiver: r}\nreceivers: [{name: r}]\n"
            let read = try YAMLDocument(file, file: "am.yml").decode(AlertmanagerFile.self, environment: [:])
            return "\(read.configuration.resolveTimeout)\n"
                + least.map { self.effect($0.0, $0.1, global: global) }.joined(separator: "\n")
        }
        let expected = try effect(base)
        #expect(!expected.contains("it throws"), "\(expected)")
        let keys = try known("global: {zzzzqqqq: 1}\nroute: {receiver: r}\nreceivers: [{name: r}]\n")
        #expect(keys.count >= 20, "\(keys)")
        for key in keys {
            var given = base
            switch key {
            case "resolve_timeout": given[key] = "9m"
            case "http_config": given[key] = ["headers": ["X-A": "b"]]
            case "smtp_require_tls": given[key] = false
            case "smtp_smarthost": given[key] = "other:587"
            case "smtp_from": given[key] = "c@example.org"
            case "smtp_auth_secret": given.merge(["smtp_auth_password": "", key: "other"]) { $1 }
            case _ where key.hasSuffix("_url"): given[key] = "http://other.example/"
            case _ where key.hasSuffix("_file"):
                given[key] = try sample("", key).value
                given[String(key.dropLast(5))] = nil
            default: given[key] = "other"
            }
            let got = try effect(given)
            #expect(got != expected && !got.contains("it throws"), "\(key)")
        }
    }
}
