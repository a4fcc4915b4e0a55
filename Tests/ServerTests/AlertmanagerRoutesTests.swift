import Alerting
import Columns
import Foundation
import Incidents
import HTTPTypes
import Logging
import Store
import Telemetry
import TestSupport
import Testing

@testable import Server

struct `Alertmanager's API` {
    private let folder = TemporaryFolder()
    private let alerts: AlertInbox
    private let routes: [Server.Route]
    private static let json: HTTPFields = [.contentType: "application/json"]

    init() throws {
        let incidents = IncidentStore(try Store(path: folder.path + "/obs.db", migrations: IncidentStore.migrations))
        alerts = AlertInbox(
            AlertingConfiguration(), incidents: incidents, metrics: MetricsRegistry(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        routes = AlertmanagerRoutes.all(alerts, version: "1.2")
    }

    private func ask(
        _ method: HTTPRequest.Method, _ path: String, id: String = "", query: [(String, String)] = [], body: String = "",
        headers: HTTPFields = json, requester: Requester = .unverified
    ) async throws -> (status: Int, text: String) {
        let route = try #require(routes.first { $0.method == method && $0.path == path } as Server.Route?)
        let request = RouteRequest(
            path: path, query: query.map { (name: $0.0, value: $0.1) }, parameters: ["id": id], headers: headers,
            body: Array(body.utf8), requester: requester)
        let response: RouteResponse
        do { response = try await route.respond(request) } catch let refusal as ShapedRefusal { response = refusal.response }
        return (response.status.code, String(decoding: response.body, as: UTF8.self))
    }

    private static func silence(
        _ matchers: String = #"{"name": "host", "value": "web-1", "isRegex": false}"#,
        from start: String = "2020-01-01T00:00:00Z",
        to end: String = "2099-01-01T00:00:00Z", comment: String = "c"
    ) -> String {
        """
        {"matchers": [\(matchers)], "startsAt": "\(start)", "endsAt": "\(end)", "createdBy": "ann", "comment": "\(comment)"}
        """
    }

    @Test func `says which version it speaks, and its receivers`() async throws {
        let status = try await ask(.get, "/api/v2/status")
        let object = try #require(try JSONSerialization.jsonObject(with: Data(status.text.utf8)) as? [String: Any])
        let version = try #require(object["versionInfo"] as? [String: String])
        #expect(version["version"] == "0.25.0" && version["revision"] == "obs 1.2")
        #expect(try await ask(.get, "/api/v2/receivers").text == "[]\n")
    }

    @Test(arguments: [
        (#"[]"#, "text/plain", 415, #""code":415"#), ("", "application/json", 422, #""code":602"#),
        ("{", "application/json", 400, #"{"code":400"#),
        (#"[{"labels": {}}]"#, "application/json", 400, #""at least one label"#),
        (#"[{"labels": {"alertname": "A"}}]"#, "Application/JSON; charset=utf-8", 200, ""),
    ])
    func `accepts posted alerts as JSON, or says in Alertmanager's shape why not`(
        body: String, type: String, status: Int, text: String
    ) async throws {
        let response = try await ask(.post, "/api/v2/alerts", body: body, headers: [.contentType: type])
        #expect(response.status == status, "\(response)")
        if status == 200 { #expect(response.text.isEmpty) }
        if text.hasPrefix("{") || text.contains("code") { #expect(response.text.contains(text), "\(response)") }
        // A refusal of single alerts is a JSON string.
        if body.contains("{}") { #expect(response.text.hasPrefix("\"") && response.text.hasSuffix("\"\n"), "\(response)") }
    }

    @Test func `lists active alerts, filtered by matchers, receiver and state`() async throws {
        let body = #"[{"labels": {"alertname": "A", "x": "1"}}, {"labels": {"alertname": "B", "x": "2"}}]"#
        #expect(try await ask(.post, "/api/v2/alerts", body: body).status == 200)
        func names(_ query: (String, String)...) async throws -> [String] {
            let text = try await ask(.get, "/api/v2/alerts", query: query).text
            let alerts = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]])
            return alerts.compactMap { ($0["labels"] as? [String: String])?["alertname"] }.sorted()
        }
        #expect(try await names() == ["A", "B"])
        #expect(try await names(("filter", #"x="1""#)) == ["A"])
        #expect(try await names(("filter", "x!=\"1\""), ("filter", "alertname=~\"B|C\"")) == ["B"])
        #expect(try await names(("active", "false")) == [])
        #expect(try await names(("active", "yes")) == ["A", "B"])
        #expect(try await ask(.get, "/api/v2/alerts", query: [("filter", "x")]).text.hasPrefix("\"bad matcher format: "))
        let receiver = try await ask(.get, "/api/v2/alerts", query: [("receiver", "(")])
        #expect(receiver.status == 400 && receiver.text.hasPrefix("\"failed to parse receiver param: "))
        #expect(try await ask(.get, "/api/v2/alerts/groups").text.hasPrefix("["))
    }

    @Test func `orders silences: active by end, pending by start, expired with the newest first`() async throws {
        for (comment, start, end) in [
            ("active-late", "2020-01-01", "2099-01-02"), ("pending-late", "2098-01-02", "2099-01-01"),
            ("active-soon", "2020-01-01", "2098-01-01"), ("pending-soon", "2098-01-01", "2099-01-01"),
        ] {
            let body = Self.silence(from: start + "T00:00:00Z", to: end + "T00:00:00Z", comment: comment)
            #expect(try await ask(.post, "/api/v2/silences", body: body).status == 200)
        }
        let text = try await ask(.get, "/api/v2/silences").text
        let silences = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]])
        #expect(
            silences.compactMap { $0["comment"] as? String } == ["active-soon", "active-late", "pending-soon", "pending-late"])
        let first = try #require(silences.first?["id"] as? String)
        #expect(try await ask(.delete, "/api/v2/silence/{id}", id: first.uppercased()).status == 200)
        #expect(try await ask(.get, "/api/v2/silence/{id}", id: first).text.contains(#""status":{"state":"expired"}"#))
        #expect(try await ask(.get, "/api/v2/silences", query: [("filter", "host=\"db\"")]).text == "[]\n")
    }

    @Test func `names a silence that it does not have, or whose id is not one`() async throws {
        let id = "00000000-0000-4000-8000-000000000000"
        #expect(try await ask(.get, "/api/v2/silence/{id}", id: id) == (404, ""))
        #expect(try await ask(.delete, "/api/v2/silence/{id}", id: id) == (404, "\"silence not found\"\n"))
        for method in [HTTPRequest.Method.get, .delete] {
            let refused = try await ask(method, "/api/v2/silence/{id}", id: "x\"y")
            #expect(refused.status == 422 && refused.text.contains("\"code\":601") && refused.text.contains(#"\"x\\\"y\""#))
        }
    }

    @Test func `records who the proxy names as the author of a silence`() async throws {
        #expect(try await ask(.post, "/api/v2/silences", body: Self.silence(), requester: .user("cid")).status == 200)
        #expect(try alerts.silences.silences().map(\.createdBy) == ["cid"])
        let refused = try await ask(.post, "/api/v2/silences", body: Self.silence(), requester: .user(nil))
        #expect(refused.status == 403 && refused.text.hasPrefix("\""))
    }

    @Test func `writes times with exactly three digits of a second`() {
        for (microseconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"), (1_999, "1970-01-01T00:00:00.001Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (1_795_000_000_120_000, "2026-11-18T11:06:40.120Z"),
        ] {
            #expect(AlertmanagerJSON.time(Timestamp(microseconds: Int64(microseconds))) == text)
        }
    }
}

struct `A posted silence` {
    private func status(_ body: String) -> (Int, String) {
        do {
            _ = try PostedSilence(Array(body.utf8))
            return (200, "")
        } catch {
            let response = (error as? ShapedRefusal)?.response
            return (response?.status.code ?? 0, String(decoding: response?.body ?? [], as: UTF8.self))
        }
    }

    @Test(arguments: [
        ("[", 400, "it is not JSON"), (#"{"comment": 1}"#, 400, "comment has a wrong type"),
        ("{}", 422, "comment in body is required"), (#"{"comment": "c"}"#, 422, "createdBy in body is required"),
        (#"{"comment": "c", "createdBy": "a", "endsAt": "soon"}"#, 400, "is not a time"),
        (#"{"comment": "c", "createdBy": "a", "endsAt": "2099-01-01T00:00:00Z"}"#, 422, "matchers in body is required"),
        (
            #"{"comment": "c", "createdBy": "a", "endsAt": "2099-01-01T00:00:00Z", "matchers": [], "startsAt": "2026-01-01T00:00:00Z"}"#,
            422, "should have at least 1 items"
        ),
        (
            #"{"comment": "c", "createdBy": "a", "endsAt": "2099-01-01T00:00:00Z", "startsAt": "2026-01-01T00:00:00Z","#
                + #""matchers": [{"name": "", "value": "x", "isRegex": false}]}"#, 400, "its name is empty"
        ),
        (
            #"{"comment": "c", "createdBy": "a", "endsAt": "2099-01-01T00:00:00Z", "startsAt": "2026-01-01T00:00:00Z","#
                + #""matchers": [{"name": "x", "value": "(", "isRegex": true}]}"#, 400, "invalid label matcher 0"
        ),
    ])
    func `is refused for the first thing that is wrong with it`(body: String, code: Int, text: String) {
        let refused = status(body)
        #expect(refused.0 == code && refused.1.contains(text), "\(refused)")
    }

    @Test(arguments: [
        ("true", "null", Matcher.Operator.matches), ("true", "false", .doesNotMatch), ("false", "true", .equal),
        ("false", "false", .notEqual),
    ])
    func `has the four kinds of matchers`(isRegex: String, isEqual: String, kind: Matcher.Operator) throws {
        let body = """
            {"comment": "c", "createdBy": "a", "endsAt": "2099-01-01T00:00:00Z", "startsAt": "2026-01-01T00:00:00Z",
             "matchers": [{"name": "x", "value": "y", "isRegex": \(isRegex), "isEqual": \(isEqual)}], "id": "ABC"}
            """
        let silence = try PostedSilence(Array(body.utf8))
        #expect(silence.matchers.map(\.operator) == [kind] && silence.id == "abc")
    }
}
