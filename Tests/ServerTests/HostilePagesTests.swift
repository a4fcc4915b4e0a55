import Alerting
import Incidents
import Columns
import Detection
import Foundation
import HTTPTypes
import Lake
import Logging
import Store
import Telemetry
import TestSupport
import Testing

@testable import Server

/// What a log says, on the pages and in the API: read as a browser reads it, and silenced from where it stands.
struct `Pages of hostile text` {
    private let folder = TemporaryFolder()
    private let incidents: IncidentStore
    private let alerts: AlertInbox
    private let routes: [Server.Route]

    init() throws {
        incidents = IncidentStore(try Store(path: folder.path + "/obs.db", migrations: IncidentStore.migrations))
        alerts = AlertInbox(
            AlertingConfiguration(), incidents: incidents,
            links: try AcknowledgeLinks(besides: folder.path + "/obs.db"), metrics: MetricsRegistry(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let lake = Lake(root: folder.path + "/lake")
        let site = Site(
            incidents: incidents, alerts: alerts, lake: lake, runbooks: folder.path + "/none", dashboards: nil,
            readiness: Readiness([]))
        routes =
            Pages.routes(site) + IncidentRoutes.all(incidents, runbooks: folder.path + "/none", lake: lake)
            + AlertmanagerRoutes.all(alerts, version: "0")
    }

    private func ask(
        _ method: HTTPRequest.Method, _ pattern: String, _ parameters: [String: String] = [:], query: [(String, String)] = [],
        form: [(String, String)] = []
    ) async throws -> (status: Int, text: String) {
        let route = try #require(routes.first { $0.method == method && $0.path == pattern } as Server.Route?)
        var fields: HTTPFields = [.accept: "text/html"]
        if method == .post { fields[.contentType] = "application/x-www-form-urlencoded" }
        let question = RouteRequest(
            path: pattern, query: query.map { (name: $0.0, value: $0.1) }, parameters: parameters, headers: fields,
            body: Array(form.map { "\($0.0)=\($0.1.percentEncoded)" }.joined(separator: "&").utf8), host: "obs:9464")
        let answer: RouteResponse
        do { answer = try await route.respond(question) } catch let failure as HTTPFailure { answer = failure.response }
        return (answer.status.code, String(decoding: answer.body, as: UTF8.self))
    }

    /// The elements of a page, what it says, and the values of its attributes.
    private func read(_ page: String) throws -> (elements: Set<String>, text: String, attributes: [String]) {
        var elements: Set<String> = [], text = "", attributes: [String] = []
        var rest = page.unicodeScalars[...]
        while let start = rest.firstIndex(of: "<") {
            text += try #require(HostileText.readHTML(OutsideText(String(rest[..<start])).replacing("\"", with: "'")))
            rest = rest[rest.index(after: start)...]
            var tag = String.UnicodeScalarView(), value: String.UnicodeScalarView?
            while let scalar = rest.popFirst() {
                if scalar == "\"" {
                    if let whole = value { attributes.append(try #require(HostileText.readHTML(String(whole)))) }
                    value = value == nil ? String.UnicodeScalarView() : nil
                } else if value != nil {
                    value!.append(scalar)
                } else if scalar == ">" {
                    break
                } else {
                    tag.append(scalar)
                }
            }
            let name = String(tag.prefix { $0 != " " && $0 != "\n" })
            elements.insert(name)
            // What stands in a style sheet is no text.
            if name == "style", let end = OutsideText(String(rest)).ranges(of: "</style>").first {
                rest = String(rest).unicodeScalars[end.lowerBound...]
            }
        }
        return (elements, text, attributes)
    }

    private static func shown(_ text: String) -> String {
        OutsideText(text).replacingScalars { $0.isControl && $0 != "\n" && $0 != "\t" ? "\u{FFFD}" : nil }
    }

    @Test func `say it as it is, and let it be silenced from its incident`() async throws {
        var random = SplitMix64(seed: 41)
        let now = Timestamp.now
        func record(_ user: String, _ line: String) throws -> String {
            let finding = Finding(
                name: "SSHBruteForce", detector: "rule", severity: .warning, labels: ["user": user, "user\(user)": "x"],
                title: "Log-ins of \(user)",
                description: "", startsAt: now, lastSeen: now, count: 1,
                evidence: [Evidence(file: "auth.log", offset: 1, line: line, time: now)])
            guard case .opened(let id) = try incidents.record([finding], routing: nil, now: now)[0] else {
                throw CancellationError()
            }
            return id
        }
        let plain = try read(try await ask(.get, "/incidents/{id}", ["id": try record("plain", "plain")]).text).elements
        for _ in 0..<25 {
            let user = "u" + HostileText.text(using: &random), line = "l" + HostileText.text(using: &random)
            let id = try record(user, line)
            let page = try read(try await ask(.get, "/incidents/{id}", ["id": id]).text)
            #expect(page.elements.subtracting(["mark", "/mark"]).isSubset(of: plain))
            let kept = OutsideText(Self.shown("Log-ins of \(user)")).replacing("\0", with: "\u{FFFD}")
            #expect(
                OutsideText(page.text).contains(OutsideText(kept).replacing("\"", with: "'"))
                    || OutsideText(page.text).contains(kept))
            // The API says the same, without a replacement.
            let json = try JSON(parsing: Array(try await ask(.get, "/api/v1/incidents/{id}", ["id": id]).text.utf8))
            #expect(json["labels"]?.labels == (try incidents.incident(id).incident.labels))
            #expect(json["labels"]?["user"] == .text(OutsideText(user)))

            // From the link to the form, from the form to the silence.
            let link = try #require(page.attributes.first { OutsideText($0).starts(with: "../silences?filter=") })
            // Within the filter a `&` is encoded: the first one ends it.
            let encoded = link.unicodeScalars.dropFirst("../silences?filter=".utf8.count).prefix { $0 != "&" }
            let filter = try #require(String(encoded).removingPercentEncoding)
            let form = try read(try await ask(.get, "/silences", query: [("filter", filter)]).text)
            let field = try #require(form.attributes.first { OutsideText($0) == OutsideText(filter) })
            let made = try await ask(
                .post, "/silences", form: [("filter", field), ("by", "ann"), ("comment", line), ("for", "1h")])
            #expect(made.status == 303, "\(user.debugDescription): \(made.text)")
            let silence = try #require(try alerts.silences.silences().last)
            #expect(silence.matchers.match(try incidents.incident(id).incident.labels))
            #expect(!silence.matchers.match(["alertname": "SSHBruteForce", "user": user + "\u{301}", "user\(user)": "x"]))
            let shown = try await ask(.get, "/api/v2/silences").text
            #expect(try JSON(parsing: Array(shown.utf8)).list?.count == (try alerts.silences.silences().count))
            try alerts.silences.expire(silence.id, by: "ann", now: .now)
        }
        let listed = try read(try await ask(.get, "/silences").text)
        #expect(listed.elements.isDisjoint(with: ["script", "img", "b"]))
        #expect(try read(try await ask(.get, "/").text).elements.isDisjoint(with: ["script", "img"]))
    }

    @Test func `give a command that is one word for a shell whatever a user is called`() async throws {
        let now = Timestamp.now
        for user in ["'; touch x; '", "\u{600}'\u{301}; touch x; \u{600}'\u{301}"] {
            try incidents.record(
                [
                    Finding(
                        name: "SSHBruteForce", detector: "rule", severity: .warning, labels: ["user": user], title: "t",
                        description: "", startsAt: now,
                        lastSeen: now, count: 1)
                ], routing: nil, now: now)
        }
        for id in ["INC-1001", "INC-1002"] {
            let page = try read(try await ask(.get, "/incidents/{id}", ["id": id]).text).text
            let commands = OutsideText(page).lines.filter {
                OutsideText($0).starts(with: "obs query events ") && OutsideText($0).contains("touch x")
            }
            #expect(!commands.isEmpty, "\(page)")
            for command in commands {
                // Between apostrophes nothing ends the word but an apostrophe, and each within is taken out of it.
                let rest = OutsideText(OutsideText(command).replacing("'\\''", with: "")).split { $0 == "'" }
                #expect(rest.count == 3, "\(command)")
            }
        }
    }
}
