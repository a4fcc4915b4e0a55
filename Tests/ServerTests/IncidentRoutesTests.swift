import Alerting
import Incidents
import Columns
import Detection
import Foundation
import HTTPTypes
import Lake
import Store
import TestSupport
import Testing

@testable import Server

struct `The routes of incidents` {
    private let folder = TemporaryFolder()
    private let incidents: IncidentStore
    private let routes: [Server.Route]

    init() throws {
        let store = try Store(path: folder.path + "/obs.db", migrations: IncidentStore.migrations)
        incidents = IncidentStore(store)
        routes = IncidentRoutes.all(incidents, runbooks: "runbooks", lake: Lake(root: folder.path + "/lake"))
        let now = Timestamp(year: 2026, month: 11, day: 21)
        for source in 1...5 {
            let finding = Finding(
                name: "SSHBruteForce", detector: "rule", severity: .warning, labels: ["source": "192.0.2.\(source)"],
                title: "<b>Brute</b> force",
                description: "", startsAt: now + .seconds(source), lastSeen: now + .seconds(source), count: 1)
            try incidents.record([finding], routing: nil, now: now + .seconds(source))
        }
    }

    /// Asks the route of this pattern; a refusal is an answer too.
    private func ask(
        _ method: HTTPRequest.Method, _ pattern: String, _ parameters: [String: String] = [:], query: [(String, String)] = [],
        body: String = "",
        headers: HTTPFields = [:], requester: Requester = .unverified
    ) async throws -> (status: Int, text: String, headers: HTTPFields) {
        let route = try #require(routes.first { $0.method == method && $0.path == pattern } as Server.Route?)
        var fields = headers
        if method == .post, fields[.contentType] == nil { fields[.contentType] = "application/json" }
        let question = RouteRequest(
            path: pattern, query: query.map { (name: $0.0, value: $0.1) }, parameters: parameters, headers: fields,
            body: Array(body.utf8), requester: requester)
        let answer: RouteResponse
        do { answer = try await route.respond(question) } catch let failure as HTTPFailure { answer = failure.response }
        return (answer.status.code, String(decoding: answer.body, as: UTF8.self), answer.headers)
    }

    private let one = "/api/v1/incidents/{id}", act = "/api/v1/incidents/{id}/{action}"

    @Test func `list page by page, each with the address of the next`() async throws {
        var seen: [String] = []
        var query = [("limit", "2"), ("filter", "source=~\"192.*\"")]
        for _ in 0..<3 {
            let answer = try await ask(.get, "/api/v1/incidents", query: query)
            let page = try #require(try JSONSerialization.jsonObject(with: Data(answer.text.utf8)) as? [[String: Any]])
            seen += page.compactMap { $0["id"] as? String }
            guard let link = answer.headers[.init("Link")!] else { break }
            let url = try #require(URLComponents(string: String(link.dropFirst().prefix { $0 != ">" })))
            #expect(link.hasSuffix("; rel=\"next\""))
            query = (url.queryItems ?? []).map { ($0.name, $0.value ?? "") }
        }
        #expect(seen == ["INC-1005", "INC-1004", "INC-1003", "INC-1002", "INC-1001"])
    }

    /// What the proxy says stands, and what the body says must be the same or left out.
    @Test(
        arguments: [
            (.unverified, "{\"by\":\"bob\"}", 200, "bob"), (.unverified, "{}", 400, "'by' is missing"),
            (.user("ann"), "{}", 200, "ann"), (.user("ann"), "{\"by\":\"ann\"}", 200, "ann"),
            (.user("ann"), "{\"by\":\"bob\"}", 400, "obs knows you as 'ann'"),
            (.user(nil), "{\"by\":\"bob\"}", 403, "names no user"),
        ] as [(Requester, String, Int, String)])
    func `act under the name that the proxy gives`(requester: Requester, body: String, status: Int, text: String) async throws {
        let answer = try await ask(.post, act, ["id": "INC-1001", "action": "acknowledge"], body: body, requester: requester)
        #expect(answer.status == status && answer.text.contains(text), "\(answer.text)")
        #expect(try incidents.incident("1001").incident.acknowledgedBy == (status == 200 ? text : nil))
    }

    @Test func `give the lines around evidence where they are asked for, and refuse what is no number of lines`() async throws {
        for text in ["0", "101", "x"] {
            let answer = try await ask(.get, one, ["id": "INC-1001"], query: [("context", text)])
            #expect(answer.status == 400 && answer.text.contains("write a number from 1 to 100"))
        }
        #expect(try await ask(.get, one, ["id": "INC-1001"], query: [("context", "5")]).status == 200)
    }

    @Test func `change an incident only at the version that was read, and name who was faster`() async throws {
        let read = try await ask(.get, one, ["id": "INC-1001"])
        #expect(read.headers[.eTag] == "\"1\"")
        let mine: HTTPFields = [.ifMatch: "\"1\""]
        let first = try await ask(.post, act, ["id": "INC-1001", "action": "acknowledge"], body: #"{"by":"ann"}"#, headers: mine)
        #expect(first.status == 200)
        #expect(first.headers[.eTag] == "\"2\"")
        #expect(first.text.contains(#""acknowledged_by" : "ann""#))
        let second = try await ask(
            .post, act, ["id": "INC-1001", "action": "assign"], body: #"{"by":"bob","to":"bob"}"#, headers: mine)
        #expect(second.status == 412)
        #expect(second.text.contains("ann was faster") && second.text.contains("changed_meanwhile"))
        let third = try await ask(.post, act, ["id": "INC-1001", "action": "acknowledge"], body: #"{"by":"bob"}"#)
        #expect(third.status == 409)
        #expect(third.text.contains("acknowledged by ann already"))
        #expect(try await ask(.get, one + "/timeline", ["id": "1001"]).text.contains("acknowledged"))
    }

    @Test func `do everything that the command line does`() async throws {
        for (action, body, state) in [
            ("assign", #"{"by":"ann","to":"bob"}"#, "open"), ("note", #"{"by":"ann","note":"hm"}"#, "open"),
            ("merge", #"{"by":"ann","incidents":["INC-1002"]}"#, "open"),
            ("resolve", #"{"by":"ann","as":"false_positive"}"#, "resolved"),
            ("reopen", #"{"by":"ann"}"#, "open"), ("acknowledge", #"{"by":"ann"}"#, "acknowledged"),
            ("hand-back", #"{"by":"ann","note":"not mine"}"#, "open"),
        ] {
            let answer = try await ask(.post, act, ["id": "INC-1001", "action": action], body: body)
            #expect(answer.status == 200, "\(action): \(answer.text)")
            #expect(answer.text.contains("\"state\" : \"\(state)\""), "\(action)")
        }
        #expect(try await ask(.post, act, ["id": "INC-1002", "action": "split"], body: #"{"by":"ann"}"#).status == 200)
    }

    @Test func `refuse with a status, a code and a sentence`() async throws {
        for (parameters, body, headers, status, code) in [
            (["id": "INC-7", "action": "note"], #"{"by":"a","note":"x"}"#, [:], 404, "no_incident"),
            (["id": "1001", "action": "explode"], #"{"by":"a"}"#, [:], 404, "no_action"),
            (["id": "1001", "action": "note"], "{", [:], 400, "bad_body"),
            (["id": "1001", "action": "note"], "{}", [:], 400, "bad_body"),
            (["id": "1001", "action": "note"], #"{"by":"a"}"#, [:], 400, "bad_action"),
            (["id": "1001", "action": "resolve"], #"{"by":"a","as":"quiet"}"#, [:], 400, "bad_action"),
            (["id": "1001", "action": "note"], #"{"by":"a"}"#, [.ifMatch: "3"], 400, "bad_version"),
            (["id": "1001", "action": "note"], "by=a", [.contentType: "application/x-www-form-urlencoded"], 415, "bad_body"),
        ] as [([String: String], String, HTTPFields, Int, String)] {
            let answer = try await ask(.post, act, parameters, body: body, headers: headers)
            #expect(answer.status == status && answer.text.contains("\"code\":\"\(code)\""), "\(answer)")
        }
        for query in [
            [("state", "x")], [("limit", "0")], [("since", "soon")], [("filter", "a=~\"(\"")], [("cursor", "1")],
            [("search", "?")], [("unseen", "yes")], [("found_in_past", "1")],
        ] {
            #expect(try await ask(.get, "/api/v1/incidents", query: query).status == 400, "\(query)")
        }
    }
}
