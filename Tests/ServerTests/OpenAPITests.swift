import Alerting
import Incidents
import Columns
import Detection
import Foundation
import HTTPTypes
import Ingest
import Lake
import Logging
import Query
import Store
import Telemetry
import TestSupport
import Testing

@testable import Server

struct `The OpenAPI document` {
    private let folder = TemporaryFolder()
    private let incidents: IncidentStore
    private let routes: [Server.Route]
    private let text: String
    private let document: [String: Any]

    init() throws {
        incidents = IncidentStore(try Store(path: folder.path + "/obs.db", migrations: IncidentStore.migrations))
        let metrics = MetricsRegistry()
        let inbox = AlertInbox(
            AlertingConfiguration(), incidents: incidents,
            links: try AcknowledgeLinks(besides: folder.path + "/obs.db"), metrics: metrics,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        var obs = ServedObs(
            version: "1", alerts: inbox, incidents: incidents, lake: Lake(root: folder.path + "/lake"),
            serving: try ServingStore(path: folder.path + "/serve.db"), runbooks: "runbooks", readiness: Readiness([]),
            metrics: metrics)
        obs.sources = {
            [
                SourceReport(
                    name: "auth", pipeline: "ssh", place: "/var/log/auth.log", state: .missing("/var/log/auth.log"),
                    lastLine: .now)
            ]
        }
        routes = Routes.all(obs)
        text = OpenAPI.document(of: routes)
        document = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    private func answer(_ method: HTTPRequest.Method, _ path: String, _ parameters: [String: String] = [:]) async throws -> Any {
        let route = try #require(routes.first { $0.method == method && $0.path == path } as Server.Route?)
        let answer = try await route.respond(RouteRequest(path: path, query: [], parameters: parameters, headers: [:], body: []))
        return try JSONSerialization.jsonObject(with: Data(answer.body))
    }

    private var operations: [String: [String: Any]] {
        let paths = document["paths"] as? [String: [String: [String: Any]]] ?? [:]
        return Dictionary(
            uniqueKeysWithValues: paths.flatMap { path, methods in methods.map { ("\($0.key.uppercased()) \(path)", $0.value) } })
    }

    @Test func `describes every route of the server, and no other`() {
        #expect(Set(operations.keys) == Set(routes.map { "\($0.method.rawValue) \($0.path)" }))
        #expect(operations.count == routes.count)
    }

    @Test func `names each operation once, each of its parameters, and only shapes that it has`() throws {
        let ids = operations.values.compactMap { $0["operationId"] as? String }
        #expect(Set(ids).count == routes.count)
        for (name, operation) in operations {
            let parameters = operation["parameters"] as? [[String: Any]] ?? []
            let inPath = parameters.filter { $0["in"] as? String == "path" }.compactMap { $0["name"] as? String }
            #expect(inPath == name.split(separator: "{").dropFirst().map { String($0.prefix { $0 != "}" }) })
        }
        let components = try #require(document["components"] as? [String: [String: Any]])
        for reference in text.split(separator: "\"").filter({ $0.hasPrefix("#/components/") }) {
            let parts = reference.split(separator: "/").map(String.init)
            #expect(components[parts[2]]?[parts[3]] != nil, "\(reference)")
        }
    }

    @Test func `has the fields that the API gives`() async throws {
        let now = Timestamp.now
        let finding = Finding(
            name: "SSHBruteForce", detector: "rule", severity: .warning, labels: ["source": "192.0.2.7"], title: "Brute force",
            description: "", startsAt: now, lastSeen: now, count: 1)
        try incidents.record([finding], routing: nil, now: now)
        try incidents.perform(.acknowledge, on: "1001", by: "ann", now: now)
        let schemas = try #require((document["components"] as? [String: Any])?["schemas"] as? [String: [String: Any]])
        for (name, value) in [
            ("Incident", try await answer(.get, "/api/v1/incidents")),
            ("Source", try await answer(.get, "/api/v1/sources")),
            ("Entry", try await answer(.get, "/api/v1/incidents/{id}/timeline", ["id": "1001"])),
        ] {
            let known = Set(try #require(schemas[name]?["properties"] as? [String: Any]).keys)
            let required = Set(try #require(schemas[name]?["required"] as? [String]))
            let objects = try #require(value as? [[String: Any]])
            #expect(!objects.isEmpty)
            for object in objects {
                #expect(required.isSubset(of: object.keys) && known.isSuperset(of: object.keys), "\(object.keys.sorted())")
            }
        }
    }
}

extension Timestamp {
    fileprivate static let now = Timestamp(year: 2026, month: 11, day: 21, hour: 1)
}
