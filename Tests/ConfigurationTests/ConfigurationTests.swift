import Alerting
import Ingest
import Detection
import Foundation
import Streaming
import TestSupport
import Testing

@testable import Configuration

struct `The configuration` {
    private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    private func load(_ text: String) throws -> Configuration {
        let folder = TemporaryFolder(), path = folder.path + "/obs.yaml"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return try Configuration.load(file: path, dataDirectory: nil)
    }

    private func mistakes(_ text: String) -> [String] {
        do {
            _ = try load(text)
            return []
        } catch let error as ConfigurationError {
            return error.mistakes.map { "\($0.line ?? 0): \($0.message)" }
        } catch {
            return ["\(error)"]
        }
    }

    @Test func `starts with nothing at all`() throws {
        let configuration = try Configuration.load(file: nil, dataDirectory: "/tmp/x")
        #expect(configuration.dataDirectory == "/tmp/x")
        #expect(configuration.pipelines.map(\.name) == ["ssh", "rail", "shop", "events", "self"])
    }

    @Test func `reads the example`() throws {
        let configuration = try Configuration.load(file: root + "/obs.example.yaml", dataDirectory: nil)
        #expect(configuration.sources.map(\.settings.followedPath) == ["/var/log/auth.log"])
        #expect(configuration.alerting.receivers.map(\.name) == ["nobody", "oncall"])
        #expect(configuration.alerting.route?.groupWait == .seconds(10))
    }

    @Test func `has in its files what is built in`() throws {
        let configuration = try load("pipelines: [\(root)/pipelines/*.yaml]\ndetections: [\(root)/alerts/detections/*.yml]")
        #expect(Set(configuration.detections) == Set(Builtin.detections))
        #expect(configuration.detections.count == Builtin.detections.count)
        #expect(configuration.rulesLeftOut.isEmpty)
        for pipeline in Builtin.pipelines {
            // Look-ups of a file are beside it; those of what is built in, where the program runs.
            let inFile = pipeline.resolvingFiles(beside: "\(root)/pipelines/\(pipeline.name).yaml")
            #expect(configuration.pipelines.contains(inFile), "\(pipeline.name): run 'make builtin'")
        }
        #expect(configuration.pipelines.count == 5)
    }

    @Test(arguments: [
        (
            "alerting:\n  route: {receiver: x, reciever: y}\n  receivers: [{name: x}]",
            "2: unknown key 'reciever' in alerting.route; did you mean 'receiver'?"
        ),
        (
            "alerting:\n  route: {receiver: x, group_wait: 30 sec}\n  receivers: [{name: x}]",
            "2: group_wait is '30 sec'; write a duration such as 30s or 2m"
        ),
        ("log: {level: loud}", "1: log.level is 'loud'; write trace, debug, info, notice, warning, error or critical"),
        (
            "http:\n  oidc:\n    issuer: http://login.example.org\n    client_id: obs\n    default_role: viewer",
            "3: issuer 'http://login.example.org' does not begin with https://; write the address that the provider's tokens have in 'iss'"
        ),
        (
            "http:\n  oidc:\n    issuer: https://login.example.org\n    client_id: obs",
            "3: oidc has neither roles nor a default_role, so that nobody could log in; write such as roles: { obs-admins: admin, staff: viewer }"
        ),
        (
            "http:\n  oidc:\n    issuer: https://login.example.org\n    client_id: obs\n    default_role: viewer\n    nmae: SSO",
            "6: unknown key 'nmae' in http.oidc; did you mean 'name'?"
        ),
        ("http: {listen: nowhere}", "1: http.listen is 'nowhere'; write host:port such as 127.0.0.1:9464"),
        (
            "sources: [{name: a, file: b, pipeline: c}]",
            "1: source 'a' names the pipeline 'c', which there is not; known are ssh, rail, shop, events, self"
        ),
        ("alerting: {route: {receiver: x}}", "1: the route names the receiver 'x', which there is not; receivers are "),
        ("pipelines: [nothing/*.yaml]", "1: pipelines names 'nothing/*.yaml', and there is no such file"),
        (
            "sources:\n- {name: a, file: b}\n- name: a\n  file: c",
            "3: two sources are called 'a'; name one otherwise"
        ),
        (
            "sources:\n- name: files\n  file: b",
            "2: a source is called 'files', as what 'obs process' reads is; name it otherwise"
        ),
        (
            "sources:\n- name: v\n  http: true\n  pipeline: shop\n  input: vews",
            "5: source 'v': pipeline 'shop' has no input 'vews'; known are views, stars, orders, items, users, products"
        ),
        ("sources:\n- name: v\n  flie: x", "3: unknown key 'flie' in sources[0]; did you mean 'file'?"),
        (
            "alerting:\n  global: { smtp_form: a@b }\n  route: { receiver: x }\n  receivers:\n  - name: x\n    telegram_configs: [ { bot_token: t, chat_id: 123 } ]",
            "2: unknown key 'smtp_form' in alerting.global; did you mean 'smtp_from'?"
        ),
        (
            "alerting:\n  route: { receiver: x }\n  receivers:\n  - name: x\n    telegram_configs: [ { chat_id: 123, parse_mode: HTML } ]",
            "5: bot_token in telegram_configs must be given"
        ),
        (
            "alerting:\n  route: { receiver: x }\n  receivers:\n  - name: x\n    telegram_configs: [ { bot_token:abc, chat_id: 1 } ]",
            "5: unknown key 'bot_token' in alerting.receivers[0].telegram_configs[0]; write a space after the colon of 'bot_token:'"
        ),
        (
            "alerting:\n  route:\n    receiver: x\n    routes:\n    - receiver: x\n    - receiver: y\n  receivers:\n  - name: x",
            "6: the route names the receiver 'y', which there is not; receivers are x"
        ),
        (
            "alerting:\n  route:\n    receiver: x\n  receivers:\n  - name: x\n  - name: x",
            "6: two receivers have the same name"
        ),
        (
            "sources:\n- { name: a, pipe: /run/p }\n- name: b\n  pipe: /run/p",
            "3: the sources 'a' and 'b' are both to read /run/p; take it out of one"
        ),
        (
            "builtin: false\nsources:\n- name: a\n  file: b",
            "3: source 'a' names the pipeline 'ssh', which there is not; none is defined: 'builtin' is false and 'pipelines' names none"
        ),
    ])
    func `says what is wrong, on which line, and the way out`(text: String, message: String) {
        #expect(mistakes(text) == [message])
    }

    @Test(arguments: ["syslog: { udp: '0.0.0.0:514' }", "pipe: '-'"])
    func `refuses what nobody would read between two runs of a pipeline`(kind: String) throws {
        let folder = TemporaryFolder()
        try "name: nightly\nformat: logfmt\ncolumns: [{ name: a }]\nevery: 1h\n".write(
            toFile: folder.path + "/p.yaml", atomically: true, encoding: .utf8)
        let text = "pipelines: [\(folder.path)/p.yaml]\nsources:\n- name: net\n  \(kind)\n  pipeline: nightly"
        let place = kind.hasPrefix("pipe") ? "standard input" : "udp 0.0.0.0:514"
        #expect(
            mistakes(text) == [
                "5: source 'net' reads \(place), and nobody would between two runs of the pipeline 'nightly'; take 'every' or "
                    + "'cron' out of the pipeline, or name another one"
            ])
    }
}

struct `Pipelines and rules of one's own` {
    private let folder = TemporaryFolder()

    private func load(_ files: [String: String], _ text: String) throws -> Configuration {
        for (name, content) in files { try content.write(toFile: folder.path + "/" + name, atomically: true, encoding: .utf8) }
        try text.write(toFile: folder.path + "/obs.yaml", atomically: true, encoding: .utf8)
        return try Configuration.load(file: folder.path + "/obs.yaml", dataDirectory: nil)
    }

    private func mistakes(_ files: [String: String], _ text: String) -> [String] {
        do {
            _ = try load(files, text)
            return []
        } catch let error as ConfigurationError {
            return error.mistakes.map { "\($0.line ?? 0): \($0.message)" }
        } catch {
            return ["\(error)"]
        }
    }

    private static let web = """
        name: web
        format: json
        columns:
          - { name: event_time, type: timestamp, path: ts }
          - { name: method }
          - { name: status }
        windows:
          - { table: web_by_status, by: status, aggregates: [{ name: n, function: count }] }
        """

    private func rule(_ name: String, _ more: String = "", match: String = "status=~\"5..\"", by: String = "method") -> String {
        """
        - name: \(name)
          severity: warning
          title: "{\(by)} fails"
          description: "{count} times"
          match: '\(match)'
          group_by: [\(by)]
          count: 3
          \(more)

        """
    }

    @Test func `stand beside those that are built in`() throws {
        let configuration = try load(
            ["web.yaml": Self.web, "rules.yml": rule("WebErrors")], "pipelines: [web.yaml]\ndetections: [rules.yml]")
        #expect(Set(configuration.pipelines.map(\.name)) == Set(Builtin.pipelines.map(\.name)).union(["web"]))
        #expect(Set(configuration.detections.map(\.name)) == Set(Builtin.detections.map(\.name)).union(["WebErrors"]))
    }

    @Test func `are found in a file with brackets in its name, which is itself before it is a pattern`() throws {
        let configuration = try load(["web[1].yaml": Self.web], "pipelines: ['web[1].yaml']")
        #expect(configuration.pipelines.contains { $0.name == "web" })
    }

    @Test func `take the place of those of the same name`() throws {
        let configuration = try load(
            [
                "ssh.yaml": Self.web.replacing("name: web", with: "name: ssh", maxReplacements: 1),
                "rules.yml": rule("ShopScraper", "pipeline: ssh"),
            ],
            "pipelines: [ssh.yaml]\ndetections: [rules.yml]")
        #expect(configuration.pipelines.filter { $0.name == "ssh" }.map { $0.inputs[0].format } == ["json"])
        #expect(configuration.detections.filter { $0.name == "ShopScraper" }.map(\.settings.pipeline) == ["ssh"])
        #expect(
            Set(configuration.rulesLeftOut.map(\.rule))
                == Set(
                    Builtin.detections.filter { $0.settings.pipeline == "ssh" && $0.settings.rows != .findings }.map(\.name)),
            "the built-in rules of sshd have nothing to look at")
        for (rule, reason) in configuration.rulesLeftOut {
            #expect(reason.contains("names the column") || reason.contains("looks at the gold table"), "\(rule): \(reason)")
        }
        let bound = try configuration.detections(of: "ssh")
        #expect(bound.filter { $0.settings.rows != .findings }.map(\.name) == ["ShopScraper"])
    }

    @Test func `are all there is when the built-in ones are taken out`() throws {
        let configuration = try load(["web.yaml": Self.web], "builtin: false\npipelines: [web.yaml]")
        #expect(configuration.pipelines.map(\.name) == ["web"])
        #expect(configuration.detections.isEmpty)
    }

    /// A pipeline with columns of the same names was judged by the shop's rules, with the shop's runbook.
    @Test func `are not looked at by built-in rules of other pipelines`() throws {
        let configuration = try load(
            ["web.yaml": Self.web], "pipelines: [web.yaml]\nsources: [{ name: w, file: x, pipeline: web }]")
        #expect(try configuration.detections(of: "web").isEmpty)
        for pipeline in Builtin.pipelines {
            let rules = try configuration.detections(of: pipeline.name)
            #expect(!rules.isEmpty && rules.allSatisfy { $0.settings.pipeline == pipeline.name })
        }
    }

    @Test func `that name no pipeline look at each that has their table and columns`() throws {
        let configuration = try load(
            [
                "web.yaml": Self.web,
                "rules.yml": rule("Errors") + rule("Table", "table: web_by_status", match: "n!=\"0\"", by: "status"),
            ],
            "pipelines: [web.yaml]\ndetections: [rules.yml]")
        func bound(_ name: String) throws -> [String] {
            try configuration.pipelines.map(\.name).filter { try configuration.detections(of: $0).contains { $0.name == name } }
        }
        #expect(try bound("Errors") == ["shop", "web"])
        #expect(try bound("Table") == ["web"])
    }

    @Test(arguments: [
        (
            "pipeline: wep", "status",
            "8: the rule 'R' is for the pipeline 'wep', which is not defined; defined: ssh, rail, shop, events, self, web"
        ),
        (
            "table: web_by_statu", "status",
            "8: the rule 'R' looks at the gold table 'web_by_statu', which no pipeline has; did you mean 'web_by_status'?"
        ),
        (
            "pipeline: ssh, table: web_by_status", "status",
            "9: the rule 'R' looks at the gold table 'web_by_status', which the pipeline 'ssh' does not have; its gold tables: ssh_by_host, ssh_by_source, ssh_by_user, ssh_templates, ssh_templates_counts"
        ),
        (
            "pipeline: web", "statuss",
            "5: 'match' of the rule 'R' names the column 'statuss', which the silver table of the pipeline 'web' does not have; did you mean 'status'?"
        ),
        (
            "table: web_by_status, pipeline: web", "p95",
            "5: 'match' of the rule 'R' names the column 'p95', which the gold table 'web_by_status' of the pipeline 'web' does not have; columns: event_time, n, status, window_end, window_start"
        ),
    ])
    func `with a table or column that is not there are refused with what there is`(more: String, column: String, message: String)
    {
        let lines = more.replacing(", ", with: "\n  ")
        let by = more.contains("table") ? "status" : "method"
        #expect(
            mistakes(
                ["web.yaml": Self.web, "rules.yml": rule("R", lines, match: "\(column)!=\"\"", by: by)],
                "pipelines: [web.yaml]\ndetections: [rules.yml]") == [message])
    }

    @Test(arguments: [
        (
            "title: \"{p95} of {method}\"",
            "3: 'title' has {p95}, which the rule 'R' cannot fill; it knows {count}, {method}, and each column that 'group_by' names"
        ),
        (
            "title: \"{distinct} of {method}\"",
            "3: 'title' has {distinct}, which the rule 'R' cannot fill; it knows {count}, {method}, and each column that 'group_by' names"
        ),
        ("severity: high", "2: severity is 'high'; write info, warning or critical"),
        ("match: 'p95>500'", "5: "), ("within: 0s", "8: 'within' is 0; write a duration such as 5m"),
        ("count: -1", "7: count is '-1'; write a whole number from 0 to"),
        ("then: 'nothing=\"x\"'", "8: 'then' of the rule 'R' names the column 'nothing'"),
    ])
    func `say in one sentence what is wrong with a rule, and call nothing beside it unknown`(line: String, message: String) {
        let key = line.prefix { $0 != ":" }
        var lines = rule("R").split(separator: "\n").map(String.init)
        if let index = lines.firstIndex(where: { $0.hasPrefix("  \(key):") }) {
            lines[index] = "  " + line
        } else {
            lines.append("  " + line)
        }
        let found = mistakes(
            ["rules.yml": lines.filter { !$0.allSatisfy { $0 == " " } }.joined(separator: "\n")], "detections: [rules.yml]")
        #expect(found.count == 1 && found[0].hasPrefix(message), "\(found)")
    }
}
