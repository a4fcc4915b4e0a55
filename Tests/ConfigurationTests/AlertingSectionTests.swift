import Columns
import Foundation
import TestSupport
import Testing

@testable import Alerting
@testable import Configuration
@testable import Notify
@testable import Incidents

struct `The section on alerting` {
    private let directory = TemporaryFolder()
    private var folder: String { directory.path }

    private func read(_ text: String, environment: [String: String] = [:], plain: Bool = true) throws -> AlertingConfiguration {
        let document = try YAMLDocument(text, file: folder + "/am.yml")
        return plain
            ? try document.decode(AlertmanagerFile.self, environment: environment).configuration
            : try document.decode(AlertingConfiguration.self, environment: environment)
    }

    private func complaint(_ text: String, plain: Bool = true) -> String {
        do {
            _ = try read(text, plain: plain)
            return ""
        } catch { return "\(error)".replacing(folder + "/", with: "") }
    }

    private static func receiver(_ integration: String) -> String {
        "route: {receiver: r}\nreceivers:\n- name: r\n  \(integration)\n"
    }

    @Test(arguments: [
        ("", "am.yml: there is no route"),
        (
            "route: {receiver: r, group_wait: 200000000y200000000y}\nreceivers: [{name: r}]",
            "group_wait is '200000000y200000000y'; write a duration"
        ),
        ("route: {receiver: r, repeat_interval: 293y}\nreceivers: [{name: r}]", "repeat_interval is '293y'; write a duration"),
        ("route: {receiver: r, group_interval: 5m1h}\nreceivers: [{name: r}]", "group_interval is '5m1h'; write a duration"),
        ("route: {receiver: r, continue: true}\nreceivers: [{name: r}]", "the root route has continue"),
        ("route: {receiver: ''}\nreceivers: [{name: r}]", "the root route has no receiver"),
        (
            receiver("slack_configs: [{channel: a}]"),
            "am.yml:4: api_url in slack_configs, or slack_api_url in global must be given"
        ),
        (
            receiver("slack_configs:\n  - api_url: http://s\n    title: '{{ .Status }}'"),
            "am.yml:6: title holds a Go template ('{{ .Status }}'); obs renders Mustache"
        ),
        (
            receiver("slack_configs:\n  - api_url: http://s\n    titel: x"),
            "am.yml:6: unknown key 'titel' in receivers[0].slack_configs[0]; did you mean 'title'?"
        ),
        (receiver("slack_configs:\n  - {api_url: http://s, text: '{{>nothing}}'}"), "includes 'nothing', which there is not"),
        (receiver("irc_configs: [{}]"), "am.yml:4: unknown key 'irc_configs' in receivers[0]"),
        (receiver("webhook_configs: [{}]"), "am.yml:4: url in webhook_configs must be given"),
        (
            receiver("webhook_configs: [{url: 'ftp://s3cret@host/x?s3cret'}]"),
            "am.yml:4: 'ftp://host' is not an http:// or https:// address"
        ),
        (
            receiver("webhook_configs: [{url: 'http://x', http_config: {basic_auth: {password: a, password_file: b}}}]"),
            "password and password_file are both given"
        ),
        (
            receiver("webhook_configs: [{url: 'http://x', http_config: {tls_config: {min_version: SSL3}}}]"),
            "min_version is 'SSL3'; write TLS10"
        ),
        (
            receiver("webhook_configs: [{url: 'http://x', http_config: {authorization: {credentials: '${NOT_SET}'}}}]"),
            "${NOT_SET} is not set in the environment"
        ),
        (
            receiver("email_configs: [{to: a@b}]"),
            "am.yml:4: smarthost in email_configs, or smtp_smarthost in global must be given"
        ),
        (receiver("email_configs: [{to: a@b, smarthost: mail}]"), "smarthost is 'mail'; write HOST:PORT"),
        (
            receiver("email_configs: [{to: a@b, smarthost: 'm:25', from: a@b, headers: {subject: a, Subject: b}}]"),
            "the header Subject is given twice"
        ),
        (receiver("telegram_configs: [{bot_token: a, chat_id: 1, parse_mode: BBCode}]"), "parse_mode is 'BBCode'"),
        (receiver("pagerduty_configs: [{}]"), "routing_key or service_key in pagerduty_configs must be given"),
        (receiver("opsgenie_configs: [{api_key: a, responders: [{name: x, type: cat}]}]"), "is 'cat'; write one of team"),
        (
            receiver("victorops_configs: [{api_key: a, routing_key: b, custom_fields: {entity_id: x}}]"),
            "custom_fields has 'entity_id'"
        ),
        (receiver("wechat_configs: [{api_secret: a, corp_id: b, message_type: song}]"), "message_type is 'song'"),
        (receiver("webex_configs: [{room_id: a}]"), "http_config.authorization in webex_configs must be given"),
        (
            receiver("sns_configs: [{topic_arn: a, sigv4: {region: b, access_key: c, secret_key: d, role_arn: e}}]"),
            "obs does not know role_arn in sigv4"
        ),
        (receiver("pushover_configs: [{user_key: a, token: b, retry: soon}]"), "retry is 'soon'"),
        (receiver("discord_configs: [{}]"), "webhook_url in discord_configs must be given"),
        (
            "global: {smtp_auth_password: a, smtp_auth_password_file: b}\n" + receiver("webhook_configs: []"),
            "smtp_auth_password and smtp_auth_password_file are both given"
        ),
        ("external_url: http://x\n" + receiver("webhook_configs: []"), "am.yml:1: unknown key 'external_url'"),
        ("route: {receiver: r, group_by: [\"\"]}\nreceivers: [{name: r}]", "the name of a label is empty"),
        ("route: {receiver: r}\nreceivers: [{name: ''}]", "name of a receiver must be given"),
        (
            "route: {receiver: r}\nreceivers: [{name: r}]\ninhibit_rules: [{source_match: {a: b}, target_match: {c: d}, equal: ['']}]",
            "the name of a label is empty"
        ),
    ])
    func `refuses what it cannot do with file, line and a sentence`(text: String, expected: String) {
        let complaint = complaint(text)
        #expect(complaint.contains(expected), "\(complaint)")
        #expect(!complaint.contains("s3cret"))
    }

    @Test func `knows an Alertmanager file by its keys, and takes one beside its own`() throws {
        try Data(
            "global: {resolve_timeout: 3m}\ntemplates: ['parts/*.mustache', 'none/*.tmpl']\nroute: {receiver: r}\nreceivers:\n- name: r\n  webhook_configs: [{url: 'http://x', http_config: {bearer_token_file: token}}]\n  slack_configs: [{api_url: 'http://x', text: '{{>mine}}'}]\n"
                .utf8
        ).write(to: URL(filePath: folder + "/am.yml"))
        try FileManager.default.createDirectory(atPath: folder + "/parts", withIntermediateDirectories: true)
        try Data("{{#alerts}}{{title}}{{/alerts}}".utf8).write(to: URL(filePath: folder + "/parts/mine.mustache"))
        try Data("alerting: {file: am.yml, external_url: 'https://obs.example/', give_up_after: 1h}".utf8).write(
            to: URL(filePath: folder + "/obs.yaml"))
        #expect(AlertmanagerConfiguration.isOne(folder + "/am.yml"))
        #expect(!AlertmanagerConfiguration.isOne(folder + "/obs.yaml"))
        let alerting = try Configuration.load(file: folder + "/obs.yaml", dataDirectory: nil).alerting
        #expect(alerting.externalURL == "https://obs.example")
        #expect(alerting.giveUpAfter == .seconds(3600))
        #expect(alerting.resolveTimeout == .seconds(180))
        let webhook = try #require(alerting.receivers.first?.notifiers.first?.integration as? Webhook)
        #expect(webhook.http?.authorization == .other(type: "Bearer", credentials: .file(folder + "/token")))
        try Data("{{ define \"slack.text\" }}x{{ end }}".utf8).write(to: URL(filePath: folder + "/parts/go.mustache"))
        #expect(throws: ConfigurationError.self) { try Configuration.load(file: folder + "/obs.yaml", dataDirectory: nil) }
    }

    @Test func `takes secrets from the environment and shows none`() throws {
        let alerting = try read(
            Self.receiver("slack_configs: [{api_url: '${SLACK}'}]"), environment: ["SLACK": "https://hooks.example/T0/s3cret"])
        let slack = try #require(alerting.receivers.first?.notifiers.first?.integration as? Slack)
        #expect(try slack.url?.reveal() == "https://hooks.example/T0/s3cret")
        var dumped = ""
        dump(alerting, to: &dumped)
        #expect(!"\(alerting) \(dumped)".contains("s3cret"))
    }

    @Test func `is shown without its secrets, and reads again as it is shown`() throws {
        let text = """
            global: {slack_api_url: 'https://hooks/s3cret', smtp_auth_password: s3cret, smtp_from: a@b}
            route: {receiver: r}
            receivers:
            - name: r
              slack_configs: [{channel: '#c'}]
              webhook_configs: [{url: 'http://u:s3cret@x', http_config: {basic_auth: {username: u, password: s3cret}, headers: {X-Key: s3cret}}}]
            """
        let shown = try YAMLDocument(text, file: folder + "/am.yml").shown(as: AlertmanagerFile.self)
        #expect(!shown.contains("s3cret"))
        #expect(shown.contains("smtp_from: a@b") && shown.contains("channel:"))
        #expect(shown.components(separatedBy: "<secret>").count == 6)
        #expect(try read(shown).receivers.map(\.name) == ["r"])
    }

    @Test func `takes a route without a receiver's name as one that inherits it`() throws {
        let alerting = try read("route:\n  receiver: a\n  routes: [{matchers: [x=y], receiver: ''}]\nreceivers: [{name: a}]")
        #expect(alerting.route?.destinations(for: ["x": "y"]).map(\.receiver) == ["a"])
    }

    @Test func `puts aliases and merged keys in their places`() throws {
        let alerting = try read(
            "route:\n  receiver: a\n  routes: [&base {receiver: b, group_wait: 5s}, {<<: *base, receiver: c}]\nreceivers: [{name: a}, {name: b}, {name: c}]"
        )
        #expect(alerting.route?.routes.map(\.groupWait) == [.seconds(5), .seconds(5)])
        #expect(alerting.route?.routes.map(\.receiver) == ["b", "c"])
    }

    @Test func `refuses a file that unfolds without end, or is nested without end`() {
        var bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            bomb += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", "))]\n"
        }
        #expect(complaint(bomb).contains("values"))
        #expect(complaint(String(repeating: "[", count: 100_000)).contains("nested"))
        #expect(complaint(String(repeating: "- ", count: 100_000)).contains("nested"))
        #expect(complaint(String(repeating: "{a: ", count: 50_000)).contains("nested"))
    }

    @Test func `refuses a file that is longer than it may be`() {
        let comment = "# " + String(repeating: "x", count: YAMLDocument.maxLength)
        #expect(complaint(comment).contains("bytes"), "\(complaint(comment))")
    }

    @Test func `never ends the process, whatever the file holds`() {
        let seed = """
            global: {smtp_smarthost: 'mail:25', smtp_from: a@b, slack_api_url: 'http://s', opsgenie_api_key: k, http_config: {proxy_url: p}}
            templates: ['*.none']
            route:
              receiver: r
              group_by: [a, '...']
              routes:
              - {matchers: ['a="b"', 'c=~"d.*"'], receiver: r, group_wait: 1s, mute_time_intervals: [t]}
            receivers:
            - name: r
              webhook_configs: [{url: 'http://x', max_alerts: 3, http_config: {basic_auth: {username: u, password: p}}}]
              slack_configs: [{channel: '#x', fields: [{title: a, value: '{{subject}}'}]}]
              email_configs: [{to: a@b, headers: {Subject: x}}]
              telegram_configs: [{bot_token: t, chat_id: 5}]
              pagerduty_configs: [{routing_key: r, details: {a: b}}]
              pushover_configs: [{user_key: u, token: t, retry: 1m, expire: 1h}]
            inhibit_rules: [{source_matchers: [a=b], target_matchers: [c=d], equal: [e]}]
            time_intervals: [{name: t, time_intervals: [{times: [{start_time: '09:00', end_time: '17:00'}], weekdays: ['monday:friday'], days_of_month: ['-3:-1'], months: ['1:3'], years: ['2026'], location: Europe/Berlin}]}]
            """
        #expect(complaint(seed.replacing(", '...'", with: "")) == "")
        let bytes = Array(seed.utf8)
        let pieces = [
            "{", "}", "[", "]", ":", "-", "\n", " ", "'", "\"", "&a ", "*a", "<<: ", "null", "~", "9999999999999999999999", "-1",
            "1e400", "!!binary ", "\u{0}", "🙂", "{{", "=~\"(\"", "%", "|\n", "? ",
        ]
        var random = SplitMix64(seed: 7)
        let rounds = Int(ProcessInfo.processInfo.environment["OBS_FUZZ_ROUNDS"] ?? "") ?? 300
        var refused = 0
        for _ in 0..<rounds {
            var text = bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let at = Int.random(in: 0..<text.count, using: &random)
                let to = min(text.count, at + Int.random(in: 0...12, using: &random))
                text.replaceSubrange(at..<to, with: Array((pieces.randomElement(using: &random) ?? "").utf8))
            }
            if !complaint(String(decoding: text, as: UTF8.self)).isEmpty { refused += 1 }
        }
        #expect(refused > rounds / 10)
    }
}
