import Alerting
import Detection
import Foundation
import TestSupport
import Testing

@testable import Configuration

struct `The reference of the configuration` {
    /// An `obs.yaml` in which every mapping that has declared keys is there.
    private static let obs = """
        data_dir: obs-data
        http: { listen: "127.0.0.1:9464", max_body_size: 1000, tls: { cert_file: a, key_file: b },
          oidc: { issuer: "https://a", client_id: b, default_role: viewer } }
        log: { level: info }
        deadlines: [{ table: gold.t, by: "07:00" }]
        redaction: { key: 0123456789abcdef, rules: [{ pattern: a, hash: true, pipelines: [ssh], sources: [a] }] }
        mlflow: { tracking_uri: "http://127.0.0.1:5000", experiment: e, token_file: t }
        retention: { tables: [{ table: bronze, max_age: 30d }] }
        blocklist: { expire: 24h }
        sources:
        - { name: a, file: a.log, also: [b.log], time_zone: UTC, silent_after: 1h }
        - { name: b, http: true, match: 'job="a"', lines: json, pipeline: shop, input: views }
        - { name: c, sqlite: shop.db, table: orders, key: order_id, pipeline: shop, input: orders }
        - { name: d, folder: products, pipeline: shop, input: products }
        - name: f
          syslog:
            udp: "127.0.0.1:514"
            tcp: "127.0.0.1:601"
            tls: { listen: "127.0.0.1:6514", cert_file: a.pem, key_file: a.key, client_ca_file: b.pem }
        - { name: g, pipe: "-" }
        - { name: e, journald: { units: [ssh], identifiers: [sshd], facilities: [auth], directory: /j, lines: json } }
        alerting:
          destinations: { allow: [b.org] }
          global: { smtp_smarthost: 'b.org:25', http_config: { proxy_url: 'http://127.0.0.1/' } }
          route: { receiver: ada, routes: [{ receiver: ada, matchers: ['severity=critical'] }] }
          receivers:
          - name: ada
            webhook_configs:
            - url: http://127.0.0.1/
              http_config: { basic_auth: { username: a, password: b }, tls_config: { ca_file: a } }
            - { url: 'http://127.0.0.1/', http_config: { authorization: { credentials: a } } }
            - url: http://127.0.0.1/
              http_config: { oauth2: { client_id: a, client_secret: b, token_url: 'http://127.0.0.1/', tls_config: { ca_file: a } } }
            email_configs: [{ to: a@b.org, from: b@b.org, smarthost: 'b.org:25', tls_config: { ca_file: a } }]
            slack_configs:
            - api_url: http://127.0.0.1/
              fields: [{ title: a, value: b }]
              actions: [{ type: button, text: a, url: b }]
            pagerduty_configs: [{ routing_key: a, images: [{ src: a }], links: [{ href: a }] }]
            opsgenie_configs: [{ api_key: a, responders: [{ name: a, type: team }] }]
            msteams_configs: [{ webhook_url: 'http://127.0.0.1/' }]
            msteamsv2_configs: [{ webhook_url: 'http://127.0.0.1/' }]
            discord_configs: [{ webhook_url: 'http://127.0.0.1/' }]
            telegram_configs: [{ bot_token: a, chat_id: 1 }]
            pushover_configs: [{ user_key: a, token: b }]
            victorops_configs: [{ api_key: a, routing_key: b }]
            wechat_configs: [{ api_secret: a, corp_id: b }]
            sns_configs: [{ topic_arn: a, sigv4: { region: a, access_key: b, secret_key: c } }]
            webex_configs: [{ room_id: a, http_config: { authorization: { credentials: a } } }]
          inhibit_rules: [{ source_matchers: ['severity=critical'], target_matchers: ['severity=warning'] }]
          time_intervals:
          - { name: n, time_intervals: [{ times: [{ start_time: '09:00', end_time: '17:00' }] }] }
          mute_time_intervals:
          - { name: m, time_intervals: [{ times: [{ start_time: '09:00', end_time: '17:00' }] }] }
          incidents: { keep: 90d }
          oncall:
          - name: weeks
            people: [ada]
            starts: 2026-01-05
            overrides: [{ person: ada, from: '2026-12-24T09:00:00Z', until: '2026-12-25T09:00:00Z' }]
          escalations: [{ steps: [{ after: 15m, schedule: weeks }] }]
          maintenance: [{ matchers: ['host=a'], from: '2026-12-24T09:00:00Z', until: '2026-12-25T09:00:00Z' }]
          dead_mans_switches: [{ name: p, matchers: ['alertname=Watchdog'] }]
        """

    /// Two pipelines: one input with all steps, and several inputs.
    private static let pipelines = [
        """
        name: one
        format: json
        columns: [{ name: user }, { name: n, type: int64 }]
        silver: { formats: [delta] }
        gold: { formats: [delta] }
        steps:
        - { where: user!="" }
        - { compute: m = n * 2 }
        - { deduplicate: [user] }
        - { lookup: { file: vip.json, on: user, columns: [] } }
        - { expect: { name: a, range: { column: n, from: 0, to: 5 } } }
        - { expect: { name: b, in_set: { column: user, values: [a] } } }
        - { expect: { name: c, matches: { column: user, pattern: a } } }
        - { expect: { name: d, unique_in_window: { columns: user, within: 1h } } }
        - { expect: { name: e, row_count: { from: 1, to: 2 } } }
        - { expect: { name: f, fresh_within: 1h } }
        - { expect: { name: g, not_null: user } }
        - { expect: { name: h, usual: { every: 15m } } }
        - { expect: usual }
        - { score: { model: m, column: s } }
        - { templates: { column: user, table: t } }
        - { usual: { column: n, by: [user] } }
        - { select: [event_time, user, n] }
        windows: [{ table: w, by: user, aggregates: [{ name: c, function: count }] }]
        """,
        """
        name: two
        inputs:
        - { name: a, format: json, columns: [{ name: user }] }
        - { name: b, format: json, columns: [{ name: user }] }
        streams:
        - { name: s, from: a, steps: [{ join: { with: b, on: user, within: 1h } }] }
        """,
    ]

    /// A rule of each kind, and each kind of model.
    private static let detections = """
        - { name: A, severity: info, title: t, description: d, match: 'a="b"', group_by: [user], distinct: { column: user, count: 2 } }
        - name: B
          severity: info
          title: t
          description: d
          group_by: [user]
          sequence: [{ match: 'a="b"', distinct: { column: c, count: 2 } }, { match: 'a="c"' }]
          except:
          - { column: user, file: a.txt }
          - { column: user, values: [a] }
          - { seen: 'a="b"', by: [user], unless: { match: 'a="c"', by: [user] } }
        - { name: C, severity: info, title: t, description: d, match: 'a="b"', group_by: [user], new: { column: c } }
        - { name: D, severity: info, title: t, description: d, match: 'a="b"', group_by: [user], rate: { times: 2 } }
        - { name: E, severity: info, title: t, description: d, match: 'a="b"', group_by: [user], absent: { match: 'a="c"', within: 1h } }
        - { name: E2, kind: ensemble, table: t, by: user, model: m, severity: info, title: t, description: d }
        - name: F
          kind: forest
          table: t
          by: user
          model: m
          severity: info
          title: t
          description: d
          retrain: { every: 1d, window: 2d, hold_back: 1h, promote: by hand }
        - { name: G, kind: series, column: n, group_by: [user], severity: info, title: t, description: d }
        - { name: H, kind: sequence, event: e, session: m, keys: [task_], severity: info, title: t, description: d }
        """

    private func asked(in file: KeySection.File) throws -> [String: Set<String>] {
        switch file {
        case .obs: try YAMLDocument(Self.obs, file: "obs.yaml").keysAsked(by: ConfigurationReader.File.self)
        case .alertmanager:
            try YAMLDocument("route: { receiver: a }\nreceivers: [{ name: a }]", file: "am.yml").keysAsked(
                by: AlertmanagerFile.self)
        case .pipeline:
            try Self.pipelines.map { try YAMLDocument($0, file: "p.yaml").keysAsked(by: PipelineFile.self) }.reduce(into: [:]) {
                $0.merge($1) { $0.union($1) }
            }
        case .detections: try YAMLDocument(Self.detections, file: "d.yml").keysAsked(by: [DetectionEntry].self)
        }
    }

    @Test(arguments: KeySection.File.allCases) func `has the keys that reading asks for, no more and no fewer`(
        file: KeySection.File
    ) throws {
        let asked = try asked(in: file)
        for section in KeySections.all where section.file == file {
            // Of a mapping that stands in several places all keys are read wherever it stands; in these files it stands in one.
            let found = section.places.compactMap { asked[$0] }
            #expect(!found.isEmpty, "no file of this test has \(section.places)")
            for keys in found { #expect(keys.sorted() == section.keys.map(\.name).sorted(), "\(section.places)") }
        }
        for (place, keys) in asked where KeySections.section(of: file, at: place) == nil {
            // Questions before an action of Slack have any of four keys.
            let isElsewhere = place.hasSuffix(".confirm")
            #expect(isElsewhere, "\(place) is read and not declared: \(keys.sorted())")
        }
    }

    @Test func `has examples and defaults that are YAML`() throws {
        for section in KeySections.all {
            #expect(Set(section.keys.map(\.name)).count == section.keys.count, "\(section.places)")
            for key in section.keys {
                for value in [key.example, key.fallback].compactMap(\.self) {
                    #expect(throws: Never.self, "\(key.name): \(value)") { try YAMLDocument("\(key.name): \(value)", file: "x") }
                }
                #expect(key.meaning.hasSuffix("."), "\(key.name)")
            }
        }
    }

    @Test(arguments: [
        ("http: { max_body_size: -1 }", "http.max_body_size is '-1'; write a whole number from 1 to 1073741824"),
        ("http: { max_body_size: 0 }", "http.max_body_size is '0'; write a whole number from 1 to 1073741824"),
        (
            "alerting:\n  incidents: { flap_count: -1 }",
            "alerting.incidents.flap_count is '-1'; write a whole number from 0 to 1000000"
        ),
        ("alerting:\n  incidents: { keep: 1h }", "alerting.incidents.keep is '1h'; write a duration from 1d to 292y"),
    ])
    func `has bounds, and what is outside them is refused`(text: String, sentence: String) {
        #expect {
            try ConfigurationReader.read(text, path: "obs.yaml")
        } throws: { "\($0)".contains(sentence) }
    }

    @Test func `prints defaults that read as no file at all`() throws {
        let read = try ConfigurationReader.read(ConfigurationReference.defaults, path: "obs.yaml")
        let none = Configuration()
        #expect(read.http == none.http)
        #expect(read.dataDirectory == none.dataDirectory)
        #expect(read.sources == none.sources)
        #expect(read.pipelines == none.pipelines)
        #expect(read.runbooks == none.runbooks)
        #expect(read.logLevel == none.logLevel)
        #expect(read.alerting.alertmanagerYAML == none.alerting.alertmanagerYAML)
        #expect(read.alerting.externalURL == none.alerting.externalURL)
        #expect(read.alerting.giveUpAfter == none.alerting.giveUpAfter)
        #expect("\(read.alerting.incidents)" == "\(none.alerting.incidents)")
    }

    @Test func `is docs/configuration.md`() throws {
        #expect(try Reference.difference("docs/configuration.md", ConfigurationReference.markdown) == nil)
    }
}
