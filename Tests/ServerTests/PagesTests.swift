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

struct `The pages` {
    private let folder = TemporaryFolder()
    private let incidents: IncidentStore
    private let alerts: AlertInbox
    private let routes: [Server.Route]
    private let now = Timestamp.now

    init() throws {
        let store = try Store(path: folder.path + "/obs.db", migrations: IncidentStore.migrations)
        incidents = IncidentStore(store)
        alerts = AlertInbox(
            AlertingConfiguration(), incidents: incidents,
            links: try AcknowledgeLinks(besides: folder.path + "/obs.db"), metrics: MetricsRegistry(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let site = Site(
            incidents: incidents, alerts: alerts, lake: Lake(root: folder.path + "/lake"), runbooks: folder.path + "/none",
            dashboards: "http://grafana:3000", readiness: Readiness([]))
        routes = Pages.routes(site)
        for (number, severity) in [Severity.info, .critical, .warning, .warning, .warning].enumerated() {
            try incidents.record(
                [
                    Finding(
                        name: severity == .warning ? "SSHBruteForce" : "SSHPasswordSpray", detector: "rule", severity: severity,
                        labels: ["source": "192.0.2.\(number)"], title: "<b>\(severity.rawValue)</b> \"\(number)\"",
                        description: "",
                        startsAt: now + .seconds(number), lastSeen: now + .seconds(number), count: 1)
                ], routing: nil, now: now + .seconds(number))
        }
    }

    private func ask(
        _ method: HTTPRequest.Method, _ pattern: String, _ parameters: [String: String] = [:], query: [(String, String)] = [],
        form: [(String, String)] = [], headers: HTTPFields = [:], requester: Requester = .unverified
    ) async throws -> (status: Int, text: String, headers: HTTPFields) {
        let route = try #require(routes.first { $0.method == method && $0.path == pattern } as Server.Route?)
        var fields: HTTPFields = [.accept: "text/html"]
        if method == .post { fields[.contentType] = "application/x-www-form-urlencoded" }
        for field in headers { fields[field.name] = field.value }
        let body = form.map { "\($0.0)=\($0.1.percentEncoded)" }.joined(separator: "&")
        let question = RouteRequest(
            path: pattern, query: query.map { (name: $0.0, value: $0.1) }, parameters: parameters, headers: fields,
            body: Array(body.utf8), host: "obs:9464", requester: requester)
        let answer: RouteResponse
        do { answer = try await route.respond(question) } catch let failure as HTTPFailure { answer = failure.response }
        return (answer.status.code, String(decoding: answer.body, as: UTF8.self), answer.headers)
    }

    @Test func `show what is open, worst first, and fold a kind that there are many of`() async throws {
        let page = try await ask(.get, "/").text
        #expect(page.contains("<h1>1 critical, 3 warning, 1 info</h1>"))
        let places = ["INC-1002", "SSHBruteForce: 3 incidents", "INC-1001"].map { page.firstRange(of: $0)?.lowerBound }
        #expect(!places.contains(nil) && zip(places, places.dropFirst()).allSatisfy { $0! < $1! })
        try incidents.perform(.end(as: .fixed), on: "1002", by: "ann", now: now)
        #expect(try await ask(.get, "/").text.contains("INC-1002") == false)
        #expect(try await ask(.get, "/", query: [("state", "all"), ("severity", ""), ("search", "")]).text.contains("INC-1002"))
        let quiet = try await ask(.get, "/", query: [("filter", "source=\"none\"")])
        #expect(quiet.status == 200 && quiet.text.contains("No incidents match."))
    }

    @Test func `let people act as whom the proxy has let in, and others look only`() async throws {
        let one = "/incidents/{id}", id = ["id": "INC-1002"]
        let page = try await ask(.get, one, id, requester: .user("ann <b>"))
        #expect(page.text.contains("as ann &lt;b&gt;") && !page.text.contains("name=\"by\""))
        #expect(try await ask(.get, one, id, requester: .user(nil)).text.contains("you can only look"))
        let refused = try await ask(.post, one, id, form: [("action", "acknowledge"), ("by", "bob")], requester: .user(nil))
        #expect(refused.status == 403)
        #expect(try await ask(.post, one, id, form: [("action", "acknowledge")], requester: .user("ann")).status == 303)
        #expect(try incidents.incident("1002").incident.acknowledgedBy == "ann")
        let silence = [("filter", "a=\"b\""), ("comment", "why"), ("for", "1h")]
        #expect(try await ask(.post, "/silences", form: silence, requester: .user("cid")).status == 303)
        #expect(try alerts.silences.silences().map(\.createdBy) == ["cid"])
        #expect(try await ask(.post, "/incidents/acknowledge", form: [("id", "INC-1003")], requester: .user(nil)).status == 403)
    }

    @Test func `show what came from a log as text, never as markup`() async throws {
        for (pattern, parameters) in [("/", [:]), ("/incidents/{id}", ["id": "INC-1002"])] {
            let page = try await ask(.get, pattern, parameters)
            #expect(
                page.text.contains("&lt;b&gt;critical&lt;/b&gt; &quot;1&quot;") && !page.text.contains("<b>critical</b> \"1\""))
            #expect(page.headers[.init("Content-Security-Policy")!]?.hasPrefix("default-src 'none'") == true)
            #expect(!page.text.contains("<script"))
        }
        let refused = try await ask(.get, "/", query: [("filter", "<script>")])
        #expect(refused.status == 400 && refused.text.contains("&lt;script&gt;") && !refused.text.contains("<script>"))
    }

    @Test func `are text for programs at the addresses that notifications lead to`() async throws {
        let plain: HTTPFields = [.accept: "*/*"]
        #expect(try await ask(.get, "/", headers: plain).text.hasPrefix("ID "))
        #expect(try await ask(.get, "/incidents/{id}", ["id": "1001"], headers: plain).text.hasPrefix("INC-1001  info  open"))
        let runbook = try await ask(.get, "/runbooks/{name}", ["name": "SSHBruteForce"], headers: plain)
        #expect(runbook.text.hasPrefix("# SSHBruteForce") && runbook.headers[.contentType] == "text/markdown; charset=utf-8")
        let missing = try await ask(.get, "/incidents/{id}", ["id": "7"], headers: plain)
        #expect(missing.status == 404 && missing.text.contains("\"code\":\"no_incident\""))
    }

    @Test func `lead to what else there is to see of an incident`() async throws {
        let page = try await ask(.get, "/incidents/{id}", ["id": "INC-1003"]).text
        let from = (now + .seconds(2) - .seconds(1800)).microseconds / 1000
        #expect(page.contains("<a href=\"http://grafana:3000/d/obs-log-processing?from=\(from)&amp;to="))
        #expect(
            page.contains(
                "href=\"../silences?filter=alertname%3D%22SSHBruteForce%22%2C%20source%3D%22192.0.2.2%22&amp;incident=INC-1003\"")
        )
        #expect(page.contains("src=\"INC-1003/figures.svg\""))
        #expect(page.contains("<h3>First five minutes</h3>"))
        let picture = try await ask(.get, "/incidents/{id}/figures.svg", ["id": "INC-1003"])
        #expect(picture.status == 200 && picture.headers[.contentType] == "image/svg+xml" && picture.text.hasPrefix("<svg "))
        for name in ["/history", "/runbooks", "/silences"] { #expect(try await ask(.get, name).status == 200, "\(name)") }
    }

    @Test func `do what their buttons say, once, in the name of who pressed them`() async throws {
        let one = "/incidents/{id}", id = ["id": "INC-1003"]
        let taken = try await ask(
            .post, one, id, form: [("by", "Ann Bé"), ("action", "acknowledge"), ("note", "a&b"), ("version", "1")])
        #expect(taken.status == 303 && taken.headers[.location] == "INC-1003?done=acknowledge")
        #expect(try incidents.incident("1003").incident.acknowledgedBy == "Ann Bé")
        let cookie = try #require(taken.headers[.setCookie]).prefix { $0 != ";" }
        let again = try await ask(.get, one, id, headers: [.cookie: "a=b; \(cookie)"])
        #expect(again.text.contains("value=\"Ann Bé\""))
        let late = try await ask(.post, one, id, form: [("by", "bob"), ("action", "fixed"), ("version", "1")])
        #expect(late.status == 409 && late.text.contains("Ann Bé was faster"))
        #expect(try await ask(.post, one, id, form: [("action", "fixed")]).status == 400, "nobody's name")
        for (action, state) in [("false_positive", Incident.State.resolved), ("reopen", .open), ("expected", .resolved)] {
            #expect(try await ask(.post, one, id, form: [("by", "bob"), ("action", action)]).status == 303)
            #expect(try incidents.incident("1003").incident.state == state)
        }
        let many = try await ask(
            .post, "/incidents/acknowledge", form: [("id", "INC-1004"), ("id", "INC-1003"), ("id", "INC-1005"), ("by", "ann")])
        #expect(many.status == 303)
        #expect(try ["1004", "1005"].allSatisfy { try incidents.incident($0).incident.state == .acknowledged })
    }

    @Test func `take forms in the one shape that pages post`() async throws {
        let form = [("by", "eve"), ("action", "acknowledge")]
        let answer = try await ask(.post, "/incidents/{id}", ["id": "1003"], form: form, headers: [.contentType: "text/plain"])
        #expect(answer.status == 415)
        #expect(try incidents.incident("1003").incident.state == .open)
    }

    @Test func `show what a silence would mute, and make, lengthen and end it`() async throws {
        try await alerts.store([
            Alert(PostedAlert(labels: ["alertname": "DiskFull", "host": "db-1"]), now: now, resolveTimeout: .seconds(300))
        ])
        let filter = "alertname=\"DiskFull\""
        #expect(
            try await ask(.get, "/silences", query: [("filter", filter)]).text.contains("It would mute 1 active alert:"))
        #expect(try await ask(.get, "/silences", query: [("filter", "x")]).text.contains("is not a matcher"))
        let form = [("filter", filter), ("by", "ann"), ("comment", "disks"), ("for", "1h")]
        for missing in ["by", "comment", "for"] {
            #expect(try await ask(.post, "/silences", form: form.filter { $0.0 != missing }).status == 400, "\(missing)")
        }
        #expect(try await ask(.post, "/silences", form: [("filter", "a=~\".*\"")] + form.dropFirst()).status == 400, "all")
        #expect(try await ask(.post, "/silences", form: form).status == 303)
        let made = try #require(try alerts.silences.silences().first)
        #expect(made.createdBy == "ann" && made.comment == "disks" && made.endsAt - made.startsAt == .seconds(3600))
        #expect(try await ask(.get, "/silences").text.contains("ann: disks"))
        #expect(
            try await ask(.post, "/silences/{id}", ["id": made.id], form: [("by", "bob"), ("action", "extend")]).status == 303)
        #expect(try alerts.silences.silence(made.id).endsAt - made.endsAt == .seconds(3600))
        #expect(try await ask(.post, "/silences/{id}", ["id": made.id], form: [("by", "bob"), ("action", "end")]).status == 303)
        #expect(try alerts.silences.silence(made.id).state(at: .now) == .expired)
        #expect(try await ask(.post, "/silences/{id}", ["id": "none"], form: [("by", "bob"), ("action", "end")]).status == 404)
    }

    @Test func `let a signed link acknowledge by its button, not by being opened`() async throws {
        let path = AcknowledgePage.path
        let url = try #require(alerts.inForce.acknowledgeLinks).url("INC-1003", "http://x", now: now)
        let query = try #require(URLComponents(string: url)?.queryItems).map { ($0.name, $0.value ?? "") }
        let opened = try await ask(.get, path, ["id": "INC-1003"], query: query)
        #expect(opened.status == 200 && opened.text.contains("value=\"acknowledge\">Acknowledge</button>"))
        #expect(opened.text.contains("&lt;b&gt;warning&lt;/b&gt;") && !opened.text.contains("<b>warning"))
        #expect(opened.text.contains("href=\"../../silences\"") && opened.text.contains("href=\"../INC-1003\""))
        #expect(try incidents.incident("1003").incident.state == .open)
        let foreign = try await ask(.get, path, ["id": "INC-1004"], query: query)
        #expect(foreign.status == 403 && foreign.text.contains("<html"))
        #expect(try await ask(.post, path, ["id": "INC-1004"], query: query, form: [("by", "eve")]).status == 403)
        #expect(try await ask(.post, path, ["id": "INC-1003"], query: query, form: [("by", "Ann Bé")]).status == 200)
        #expect(try incidents.incident("1003").incident.acknowledgedBy == "Ann Bé")
        let back = [("by", "Ann Bé"), ("action", "hand-back")]
        #expect(try await ask(.get, path, ["id": "INC-1003"], query: query).text.contains("value=\"hand-back\">Hand back"))
        #expect(try await ask(.post, path, ["id": "INC-1003"], query: query, form: back).text.contains("Handed back"))
        #expect(try incidents.incident("1003").incident.state == .open)
        #expect(try await ask(.post, path, ["id": "INC-1003"], query: query, form: [("by", "Ann Bé")]).status == 200)
        let late = try await ask(.post, path, ["id": "INC-1003"], query: query, form: [("by", "bob")])
        #expect(late.status == 409 && late.text.contains("Ann Bé already"))
    }

    @Test func `offer to take back what was just done, for as long as it is so`() async throws {
        let one = "/incidents/{id}", id = ["id": "INC-1003"]
        func act(_ action: String, to: String = "") async throws -> [(String, String)] {
            let answer = try await ask(.post, one, id, form: [("by", "ann"), ("action", action), ("to", to)])
            #expect(answer.status == 303, "\(action)")
            let address = try #require(URLComponents(string: answer.headers[.location] ?? ""))
            return (address.queryItems ?? []).map { ($0.name, $0.value ?? "") }
        }
        for (action, sentence, undo) in [
            ("acknowledge", "Acknowledged by ann.", "hand-back"), ("hand-back", "Handed back", "acknowledge"),
            ("mine", "Assigned to ann.", "assign"), ("false_positive", "Resolved.", "reopen"),
            ("reopen", "Reopened.", "false_positive"), ("note", "Noted.", nil),
        ] as [(String, String, String?)] {
            if action == "note" { continue }
            let page = try await ask(.get, one, id, query: try await act(action))
            #expect(page.text.contains(sentence), "\(action)")
            if let undo { #expect(page.text.contains("value=\"\(undo)\">Undo</button>"), "\(action)") }
        }
        _ = try await act("assign")
        #expect(try incidents.incident("1003").incident.assignee == nil)
        // An address says nothing that is not so.
        let forged = try await ask(.get, one, id, query: [("done", "acknowledge"), ("was", "<b>")])
        #expect(!forged.text.contains(">Undo<") && !forged.text.contains("Acknowledged by"))
        let many = try await ask(
            .post, "/incidents/acknowledge", form: [("id", "INC-1004"), ("id", "INC-1005"), ("by", "ann")])
        let address = try #require(URLComponents(string: many.headers[.location] ?? ""))
        let list = try await ask(.get, "/", query: (address.queryItems ?? []).map { ($0.name, $0.value ?? "") })
        #expect(list.text.contains("Acknowledged 2 incidents.") && list.text.contains("value=\"hand-back\">Undo"))
        _ = try await ask(
            .post, "/incidents/acknowledge",
            form: [("id", "INC-1004"), ("id", "INC-1005"), ("by", "ann"), ("action", "hand-back")])
        #expect(try ["1004", "1005"].allSatisfy { try incidents.incident($0).incident.state == .open })
    }

    @Test func `show what ended by itself and was seen by nobody, until somebody does something about it`() async throws {
        #expect(try incidents.resolveQuiet(after: .seconds(0), now: now + .seconds(60)) == 4)
        try incidents.perform(.end(as: .fixed), on: "1002", by: "ann", now: now + .seconds(60))
        let page = try await ask(.get, "/").text
        #expect(page.contains("<h1>Nothing is open</h1>") && page.contains("Ended by itself, seen by nobody (24 h): 4"))
        #expect(try await ask(.get, "/", query: [("state", "all"), ("unseen", "true")]).text.contains("INC-1003"))
        for id in ["1001", "1003", "1004", "1005"] {
            try incidents.perform(.note, on: id, by: "ann", note: "a scan", now: now + .seconds(90))
        }
        let quiet = try await ask(.get, "/").text
        #expect(quiet.contains("<h1>All is quiet</h1>") && !quiet.contains("seen by nobody"))
    }

    @Test func `show a silence on the page of the incident that it was made from, with the way back`() async throws {
        let asked = try await ask(.get, "/silences", query: [("filter", "source=\"192.0.2.2\""), ("incident", "INC-1003")])
        #expect(asked.text.contains("For <a href=\"incidents/INC-1003\">"))
        let form = [
            ("filter", "source=\"192.0.2.2\""), ("by", "ann"), ("comment", "a test"), ("for", "1h"), ("incident", "INC-1003"),
        ]
        #expect(
            try await ask(.post, "/silences", form: form).headers[.location] == "incidents/INC-1003?done=silence")
        let silence = try #require(try alerts.silences.silences().first)
        let page = try await ask(.get, "/incidents/{id}", ["id": "INC-1003"]).text
        #expect(page.contains("action=\"../silences/\(silence.id)\"") && page.contains("by ann: a test"))
        #expect(page.contains("alerts like it are silenced until"))
        #expect(try await ask(.get, "/silences").text.contains("for <a href=\"incidents/INC-1003\">INC-1003</a>"))
        let ended = try await ask(
            .post, "/silences/{id}", ["id": silence.id], form: [("by", "bob"), ("action", "end"), ("incident", "INC-1003")])
        #expect(ended.headers[.location] == "../incidents/INC-1003")
        #expect(try await ask(.get, "/incidents/{id}", ["id": "INC-1003"]).text.contains("the silence was ended"))
    }

    @Test func `show the worst though two hundred lesser ones are newer`() async throws {
        let newer = (0..<220).map { number in
            Finding(
                name: "Noise\(number)", detector: "rule", severity: .info, labels: ["source": "198.51.100.\(number)"],
                title: "noise", description: "", startsAt: now + .seconds(100 + number), lastSeen: now + .seconds(100 + number),
                count: 1)
        }
        try incidents.record(newer, routing: nil, now: now + .seconds(400))
        let page = try await ask(.get, "/").text
        #expect(page.contains("INC-1002") && page.contains("1 critical, 3 warning") && page.contains("and more"))
    }
}
