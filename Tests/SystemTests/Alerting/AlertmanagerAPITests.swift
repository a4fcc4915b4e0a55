import Foundation
import FoundationNetworking
import TestSupport
import Testing

/// A running obs with a configuration of its own, and questions to it.
final class RunningObs: Sendable {
    let folder = TemporaryFolder()
    let port = freePort()
    private let process: ProcessBox

    var url: String { "http://127.0.0.1:\(port)" }
    var config: String { folder.path + "/obs.yaml" }

    /// - Parameter alerting: what stands under `alerting:`, indented by two.
    init(alerting: String) async throws {
        process = ProcessBox()
        let text = "data_dir: \(folder.path)/data\nhttp: { listen: \"127.0.0.1:\(port)\" }\nalerting:\n\(alerting)\n"
        try text.write(toFile: folder.path + "/obs.yaml", atomically: true, encoding: .utf8)
        try await start()
    }

    deinit { process.end(SIGKILL) }

    func start() async throws {
        process.set(try Program.start(["run", "-c", config]))
        try #require(await eventually { await self.ask("/-/ready").status == 200 })
    }

    func kill() { process.end(SIGKILL) }

    func ask(_ path: String, method: String = "GET", body: String? = nil, type: String = "application/json") async -> (
        status: Int, text: String, json: Any?
    ) {
        await HTTPTry.ask(url + path, method: method, body: body.map { Data($0.utf8) }, type: type)
    }

    final class ProcessBox: @unchecked Sendable {
        // Safe because one test uses it, from one task at a time.
        private var process: Process?
        func set(_ new: Process) { process = new }
        func end(_ signal: Int32) {
            if let process, process.isRunning { Program.kill(process, signal) }
            process = nil
        }
    }
}

/// One request; a status of 0 when there is no answer.
enum HTTPTry {
    static func ask(_ url: String, method: String = "GET", body: Data? = nil, type: String = "application/json") async -> (
        status: Int, text: String, json: Any?
    ) {
        var request = URLRequest(url: URL(string: url)!)
        request.httpMethod = method
        request.httpBody = body
        if body != nil { request.setValue(type, forHTTPHeaderField: "Content-Type") }
        guard let (data, response) = try? await URLSession.shared.data(for: request), let http = response as? HTTPURLResponse
        else {
            return (0, "", nil)
        }
        return (
            http.statusCode, String(decoding: data, as: UTF8.self),
            try? JSONSerialization.jsonObject(with: data, options: .fragmentsAllowed)
        )
    }
}

/// Alertmanager's API, asked of the real binary. What is expected was answered by Alertmanager 0.25, save where it says otherwise.
@Suite(.timeLimit(.minutes(10)))
struct `The Alertmanager API` {
    private static let alerting = """
          route: { receiver: sink, group_by: [alertname], group_wait: 30s, routes: [{ matchers: ['team="a"'], receiver: other }] }
          receivers: [{ name: sink }, { name: other }]
          inhibit_rules: [{ source_matchers: ['alertname="Down"'], target_matchers: ['severity="warning"'], equal: [host] }]
        """

    private func names(_ json: Any?) -> [String] {
        ((json as? [[String: Any]]) ?? []).compactMap { ($0["labels"] as? [String: String])?["alertname"] }.sorted()
    }

    private func query(_ pairs: [String: String]) -> String {
        pairs.map { "\($0.key)=\($0.value.addingPercentEncoding(withAllowedCharacters: .alphanumerics)!)" }.joined(separator: "&")
    }

    @Test func `shows posted alerts and groups, key by key, and filters them`() async throws {
        let obs = try await RunningObs(alerting: Self.alerting)
        let posted = """
            [{"labels":{"alertname":"A","team":"a","empty":""},"annotations":{"summary":"s"},"generatorURL":"http://x/y"},
             {"labels":{"alertname":"B","severity":"warning","host":"h1"}}, {"labels":{"alertname":"Down","host":"h1"}}]
            """
        let answer = await obs.ask("/api/v2/alerts", method: "POST", body: posted)
        #expect(answer.status == 200)
        #expect(answer.text.isEmpty)
        let alert = try #require(
            (await obs.ask("/api/v2/alerts?" + query(["filter": "alertname=\"A\""])).json as? [[String: Any]])?.first)
        #expect(
            alert.keys.sorted() == [
                "annotations", "endsAt", "fingerprint", "generatorURL", "labels", "receivers", "startsAt", "status", "updatedAt",
            ])
        #expect(alert["labels"] as? [String: String] == ["alertname": "A", "team": "a"])
        #expect(alert["annotations"] as? [String: String] == ["summary": "s"])
        #expect(alert["fingerprint"] as? String == "a0c07763372b5353")
        #expect((alert["receivers"] as? [[String: String]]) == [["name": "other"]])
        #expect((alert["startsAt"] as? String)?.count == "2026-11-21T08:01:19.170Z".count)
        #expect((alert["status"] as? [String: Any])?["state"] as? String == "active")
        let groups = try #require(await obs.ask("/api/v2/alerts/groups").json as? [[String: Any]])
        #expect(groups.map { ($0["labels"] as? [String: String])?["alertname"] } == ["A", "B", "Down"])
        #expect(groups.map { ($0["receiver"] as? [String: String])?["name"] } == ["other", "sink", "sink"])
        #expect(groups.allSatisfy { ($0["alerts"] as? [Any])?.count == 1 })

        for (filters, expected) in [
            (["filter": "team=\"a\""], ["A"]), (["filter": "alertname=~\"A|B\""], ["A", "B"]),
            (["filter": "alertname!=\"A\""], ["B", "Down"]),
            (["active": "false"], ["B"]), (["inhibited": "false"], ["A", "Down"]), (["receiver": "oth.*"], ["A"]),
            (["receiver": "oth"], []),
            (["silenced": "false", "unprocessed": "false"], ["A", "B", "Down"]), (["active": "maybe"], ["B"]),
        ] as [([String: String], [String])] {
            #expect(names(await obs.ask("/api/v2/alerts?" + query(filters)).json) == expected, "\(filters)")
        }
        let inhibited =
            (await obs.ask("/api/v2/alerts?" + query(["filter": "alertname=B"])).json as? [[String: Any]])?.first?["status"]
            as? [String: Any]
        #expect(inhibited?["state"] as? String == "suppressed")
        #expect((inhibited?["inhibitedBy"] as? [String])?.count == 1)
        #expect((await obs.ask("/api/v2/receivers").json as? [[String: String]]) == [["name": "sink"], ["name": "other"]])
        let status = try #require(await obs.ask("/api/v2/status").json as? [String: Any])
        #expect(status.keys.sorted() == ["cluster", "config", "uptime", "versionInfo"])
        #expect(await obs.ask("/-/healthy").status == 200)
        #expect(await eventually { await obs.ask("/metrics").text.contains("obs_alerts{state=\"suppressed\"} 1\n") })
        #expect(await obs.ask("/metrics").text.contains("obs_alerts_received_total{outcome=\"firing\"} 3\n"))
        // A kill forgets nothing.
        obs.kill()
        try await obs.start()
        #expect(names(await obs.ask("/api/v2/alerts").json) == ["A", "B", "Down"])
    }

    @Test func `refuses as Alertmanager refuses`() async throws {
        let obs = try await RunningObs(alerting: Self.alerting)
        for (method, path, body, status, text) in [
            ("POST", "/api/v2/alerts", "[]", 200, ""), ("POST", "/api/v2/alerts", "null", 200, ""),
            ("POST", "/api/v2/alerts", "", 422, #"{"code":602,"message":"alerts in body is required"}"#),
            (
                "POST", "/api/v2/alerts", #"{"labels":{"a":"b"}}"#, 400,
                #"{"code":400,"message":"the body is an object; write a list of alerts"}"#
            ),
            (
                "POST", "/api/v2/alerts", #"[{"labels":{}},{"labels":{"alertname":"B"}}]"#, 400,
                #""alert 0: at least one label pair required""#
            ),
            (
                "POST", "/api/v2/alerts", #"[{"labels":{"":"x"}},{"labels":{"alertname":"D"}},{"labels":{"":"x"}}]"#, 400,
                #""alert 0: invalid label set: invalid name \"\"; alert 2: invalid label set: invalid name \"\"""#
            ),
            ("GET", "/api/v2/alerts?filter=foo", nil, 400, "bad matcher format"),
            ("GET", "/api/v2/alerts/groups?filter=foo", nil, 400, "bad matcher format"),
            ("GET", "/api/v2/alerts?receiver=(", nil, 400, "failed to parse receiver param"),
            (
                "GET", "/api/v2/silence/abc", nil, 422,
                #"{"code":601,"message":"silenceID in path must be of type uuid: \"abc\""}"#
            ),
            ("GET", "/api/v2/silence/00000000-0000-0000-0000-000000000000", nil, 404, ""),
            // Alertmanager 0.25 answers 500 here, later ones this.
            ("DELETE", "/api/v2/silence/00000000-0000-0000-0000-000000000000", nil, 404, #""silence not found""#),
            ("POST", "/api/v2/silences", #"{"matchers":"#, 400, #""code":400"#),
            ("POST", "/api/v2/silences", #"{"matchers":[{"name":"a"}],"createdBy":"me"}"#, 422, "comment in body is required"),
            (
                "POST", "/api/v2/silences", Self.silence(matchers: "[]"), 422,
                #"{"code":612,"message":"matchers in body should have at least 1 items"}"#
            ),
            (
                "POST", "/api/v2/silences", Self.silence(startsAt: "2020-01-01T00:00:00Z", endsAt: "2021-01-01T00:00:00Z"), 400,
                "past"
            ),
            (
                "POST", "/api/v2/silences", Self.silence(startsAt: "2098-01-01T00:00:00Z", endsAt: "2097-01-01T00:00:00Z"), 400,
                "not after its start"
            ),
            (
                "POST", "/api/v2/silences", Self.silence(matchers: #"[{"name":"a","value":"","isRegex":false}]"#), 400,
                "does not match the empty text"
            ),
            (
                "POST", "/api/v2/silences", Self.silence(matchers: #"[{"name":"a","value":"(","isRegex":true}]"#), 400,
                "invalid label matcher 0"
            ),
            (
                "POST", "/api/v2/silences", Self.silence(matchers: #"[{"name":"","value":"x","isRegex":false}]"#), 400,
                "its name is empty"
            ),
            ("POST", "/api/v2/silences", Self.silence(id: "00000000-0000-0000-0000-000000000000"), 404, #""silence not found""#),
            ("GET", "/api/v2/nothing", nil, 404, ""),
            (
                "PUT", "/api/v2/alerts", "[]", 405,
                #"{"code":405,"message":"method PUT is not allowed, but [GET,POST] are"}"#
            ),
            (
                "POST", "/api/v2/silence/00000000-0000-0000-0000-000000000000", "", 405,
                #"{"code":405,"message":"method POST is not allowed, but [DELETE,GET] are"}"#
            ),
        ] as [(String, String, String?, Int, String)] {
            let answer = await obs.ask(path, method: method, body: body)
            #expect(answer.status == status, "\(method) \(path) \(body ?? ""): \(answer.text)")
            #expect(text.isEmpty || answer.text.contains(text), "\(method) \(path) \(body ?? ""): \(answer.text)")
        }
        #expect(await obs.ask("/api/v2/alerts", method: "POST", body: "[]", type: "text/plain").status == 415)
        #expect(names(await obs.ask("/api/v2/alerts").json) == ["B", "D"])
    }

    private static func silence(
        id: String? = nil, matchers: String = #"[{"name":"alertname","value":"A","isRegex":false}]"#,
        startsAt: String = "2026-01-01T00:00:00Z",
        endsAt: String = "2099-01-01T00:00:00Z"
    ) -> String {
        #"{\#(id.map { #""id":"\#($0)","# } ?? "")"matchers":\#(matchers),"startsAt":"\#(startsAt)","endsAt":"\#(endsAt)","createdBy":"me","comment":"c"}"#
    }

    @Test func `makes, shows, changes and ends silences, and shows what they hide`() async throws {
        let obs = try await RunningObs(alerting: Self.alerting)
        _ = await obs.ask("/api/v2/alerts", method: "POST", body: #"[{"labels":{"alertname":"A"}},{"labels":{"alertname":"B"}}]"#)
        let made = await obs.ask("/api/v2/silences", method: "POST", body: Self.silence())
        let id = try #require((made.json as? [String: String])?["silenceID"])
        #expect(names(await obs.ask("/api/v2/alerts?silenced=false").json) == ["B"])
        let shown = try #require(await obs.ask("/api/v2/silence/\(id)").json as? [String: Any])
        #expect(shown.keys.sorted() == ["comment", "createdBy", "endsAt", "id", "matchers", "startsAt", "status", "updatedAt"])
        #expect((shown["status"] as? [String: String]) == ["state": "active"])
        let matcher = try #require((shown["matchers"] as? [[String: Any]])?.first)
        #expect(
            matcher["isEqual"] as? Bool == true && matcher["isRegex"] as? Bool == false
                && matcher["name"] as? String == "alertname")
        // The same matchers and start: it is the same silence with another end.
        let changed = await obs.ask(
            "/api/v2/silences", method: "POST",
            body: Self.silence(id: id, startsAt: try #require(shown["startsAt"] as? String), endsAt: "2098-01-01T00:00:00Z"))
        #expect((changed.json as? [String: String])?["silenceID"] == id)
        let other = await obs.ask(
            "/api/v2/silences", method: "POST",
            body: Self.silence(id: id, matchers: #"[{"name":"alertname","value":"A|B","isRegex":true,"isEqual":true}]"#))
        let newID = try #require((other.json as? [String: String])?["silenceID"])
        #expect(newID != id)
        #expect(names(await obs.ask("/api/v2/alerts?silenced=false").json) == [])
        #expect(await obs.ask("/api/v2/silence/\(newID)", method: "DELETE").status == 200)
        #expect(await obs.ask("/api/v2/silence/\(newID)", method: "DELETE").status == 200)
        #expect(names(await obs.ask("/api/v2/alerts?silenced=false").json) == ["A", "B"])
        let all = try #require(await obs.ask("/api/v2/silences").json as? [[String: Any]])
        #expect(all.map { ($0["status"] as? [String: String])?["state"] } == ["expired", "expired"])
        #expect((await obs.ask("/api/v2/silences?filter=alertname%3D%22A%22").json as? [Any])?.count == 1)
    }

    @Test func `takes in the webhook of another Alertmanager, with ends as it says them`() async throws {
        let obs = try await RunningObs(alerting: Self.alerting)
        func payload(_ status: String, _ endsAt: String, version: String = "4") -> String {
            """
            {"receiver":"obs","status":"\(status)","alerts":[{"status":"\(status)","labels":{"alertname":"Far"},"annotations":{"summary":"s"},
            "startsAt":"2026-01-01T10:00:00Z","endsAt":"\(endsAt)","generatorURL":"http://x/","fingerprint":"0"}],"groupLabels":{},"commonLabels":{},
            "commonAnnotations":{},"externalURL":"http://am","version":"\(version)","groupKey":"{}:{}","truncatedAlerts":0}
            """
        }
        let path = "/api/v1/ingest/alertmanager"
        #expect(await obs.ask(path, method: "POST", body: payload("firing", "0001-01-01T00:00:00Z")).status == 200)
        #expect(names(await obs.ask("/api/v2/alerts").json) == ["Far"])
        #expect(await obs.ask(path, method: "POST", body: payload("firing", "0001-01-01T00:00:00Z", version: "3")).status == 400)
        #expect(await obs.ask(path, method: "POST", body: "[]").status == 400)
        #expect(await obs.ask(path, method: "POST", body: payload("resolved", "2026-01-01T11:00:00Z")).status == 200)
        #expect(names(await obs.ask("/api/v2/alerts").json) == [])
    }
}
