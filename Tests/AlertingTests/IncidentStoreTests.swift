import Columns
import Detection
import Foundation
import Store
import TestSupport
import Testing

@testable import Alerting
@testable import Notify
@testable import Incidents

struct `The incident store` {
    private let folder = TemporaryFolder()
    private var path: String { folder.path + "/obs.db" }
    private let now = Timestamp(year: 2026, month: 11, day: 21, hour: 10)

    private func open() throws -> IncidentStore { IncidentStore(try Store(path: path, migrations: IncidentStore.migrations)) }

    private var route: Route {
        var route = Route(receiver: "oncall")
        route.groupBy = ["alertname"]
        route.groupWait = .zero
        return route
    }

    private func finding(_ source: String, count: Int = 10, at seconds: Int = 0, offset: Int64 = 0) -> Finding {
        Finding(
            name: "SSHBruteForce", detector: "rule", severity: .warning, labels: ["source": source],
            title: "Brute force from \(source)", description: "d",
            startsAt: now, lastSeen: now + .seconds(seconds), count: count,
            evidence: [Evidence(file: "auth.log", offset: offset, line: "Failed password", time: now)])
    }

    @Test func `opens an incident with evidence, timeline and what it owes in one step`() throws {
        let store = try open()
        #expect(try store.record([finding("192.0.2.7")], routing: route, now: now) == [.opened("INC-1001")])
        let (incident, evidence, timeline, notifications) = try store.incident("INC-1001")
        #expect(incident.state == .open)
        #expect(incident.labels == ["alertname": "SSHBruteForce", "source": "192.0.2.7", "severity": "warning"])
        #expect(evidence.map(\.line) == ["Failed password"])
        #expect(timeline.map(\.kind) == [.opened])
        #expect(notifications.map(\.state) == [.pending])
    }

    @Test func `knows a finding that it reads again, also after a restart`() throws {
        _ = try open().record([finding("192.0.2.7")], routing: route, now: now)
        let again = try open()
        #expect(try again.record([finding("192.0.2.7")], routing: route, now: now + .seconds(9)) == [.known])
        #expect(try again.incidents().count == 1)
        #expect(try again.incident("1001").notifications.count == 1)
    }

    @Test func `joins what comes later, and keeps each evidence line once`() throws {
        let store = try open()
        _ = try store.record([finding("192.0.2.7")], routing: route, now: now)
        #expect(
            try store.record(
                [finding("192.0.2.7", count: 20, at: 30), finding("192.0.2.7", count: 40, at: 60, offset: 99)], routing: route,
                now: now) == [.joined("INC-1001"), .joined("INC-1001")])
        let (incident, evidence, _, notifications) = try store.incident("INC-1001")
        #expect(incident.count == 40)
        #expect(evidence.count == 2)
        #expect(notifications.count == 1)
    }

    @Test func `opens another incident when the first has ended and new events come`() throws {
        let store = try open()
        _ = try store.record([finding("192.0.2.7")], routing: route, now: now)
        try store.perform(.resolve, on: "INC-1001", by: "alice", note: nil, now: now)
        #expect(try store.record([finding("192.0.2.7")], routing: route, now: now) == [.known])
        #expect(try store.record([finding("192.0.2.7", at: 3600)], routing: route, now: now) == [.opened("INC-1002")])
    }

    @Test(
        arguments: [
            (nil, [false, true, true, true, false]), (.fixed, [false, true, true, false, false]),
            (.falsePositive, [false, true, true, false, false]), (.expected, [false, false, false, false, false]),
        ] as [(Incident.Resolution?, [Bool])])
    func `knows which times lie within an incident, for detectors that learn`(resolution: Incident.Resolution?, known: [Bool])
        throws
    {
        let store = try open()
        _ = try store.record([finding("192.0.2.7", at: 600)], routing: route, now: now)
        if let resolution { try store.perform(.end(as: resolution), on: "INC-1001", by: "alice", now: now) }
        func isKnown(_ seconds: Int, _ source: String = "192.0.2.7", isSimulated: Bool = false) throws -> Bool {
            try store.isKnown(
                ("SSHBruteForce", ["source": source], isSimulated), at: now + .seconds(seconds), longest: .seconds(86_400))
        }
        #expect(try [-1, 0, 600, 601, 86_401].map { try isKnown($0) } == known)
        #expect(try !isKnown(0, "192.0.2.8") && !isKnown(0, isSimulated: true))
    }

    @Test func `refuses what cannot be done, and says who did it first`() throws {
        let store = try open()
        _ = try store.record([finding("192.0.2.7")], routing: route, now: now)
        try store.perform(.acknowledge, on: "inc-1001", by: "alice", note: "mine", now: now)
        #expect(
            "\(#expect(throws: IncidentError.self) { try store.perform(.acknowledge, on: "1001", by: "bob", note: nil, now: now) }!)"
                == "INC-1001 is acknowledged by alice already and cannot be acknowledged")
        #expect(throws: IncidentError.self) { try store.perform(.note, on: "INC-9", by: "bob", note: "x", now: now) }
        #expect(try store.incident("1001").timeline.map(\.text).last == "mine")
    }

    @Test func `takes notes and names as long as they may be, and no longer`() throws {
        let store = try open()
        _ = try store.record([finding("192.0.2.7")], routing: route, now: now)
        let note = String(repeating: "x", count: IncidentStore.maxNote),
            name = String(repeating: "a", count: IncidentStore.maxName)
        try store.perform(.note, on: "1001", by: name, note: note, now: now)
        let written = try store.incident("1001").timeline
        #expect(written.last?.text == note)
        for (actor, text) in [(name, note + "x"), (name + "a", "n"), ("", "n")] {
            #expect(throws: IncidentError.self) { try store.perform(.note, on: "1001", by: actor, note: text, now: now) }
        }
        #expect(throws: IncidentError.self) {
            try store.perform(.assign(to: name + "a"), on: "1001", by: "ann", note: nil, now: now)
        }
        #expect(try store.incident("1001").timeline.count == written.count)
    }

    @Test func `resolves what has been quiet, and owes that only to those who were told of it`() throws {
        let store = try open()
        _ = try store.record([finding("192.0.2.7")], routing: route, now: now)
        #expect(try store.resolveQuiet(after: .seconds(300), now: now + .seconds(299)) == 0)
        #expect(try store.resolveQuiet(after: .seconds(300), now: now + .seconds(301)) == 1)
        #expect(try store.incident("1001").incident.state == .resolved)
        #expect(try store.incident("1001").notifications.count == 1)
    }

    @Test func `tells the whole group in one payload of version 4`() async throws {
        let store = try open()
        _ = try store.record([finding("192.0.2.7"), finding("192.0.2.8")], routing: route, now: now)
        let outbox = Outbox(incidents: store)
        let due = try await outbox.due(now: now)
        #expect(due.count == 1)
        let notification = try #require(try await outbox.draft(due[0].id, now: now, AlertingConfiguration()))
        let object = try #require(
            try JSONSerialization.jsonObject(with: JSONEncoder().encode(notification.notice.payload)) as? [String: Any])
        #expect(
            Set(object.keys) == [
                "receiver", "status", "alerts", "groupLabels", "commonLabels", "commonAnnotations", "externalURL", "version",
                "groupKey", "truncatedAlerts",
            ])
        #expect(object["version"] as? String == "4")
        #expect(object["status"] as? String == "firing")
        #expect(object["groupLabels"] as? [String: String] == ["alertname": "SSHBruteForce"])
        #expect((object["alerts"] as? [Any])?.count == 2)
        #expect((object["commonLabels"] as? [String: String])?["source"] == nil)
    }
}

struct `A fingerprint` {
    // Worked out apart from this code, by FNV-1a over the bytes that Prometheus' model.LabelSet hashes.
    @Test(
        arguments: [
            ([:], "cbf29ce484222325"), (["a": "b"], "d2b371819297f98a"),
            (["alertname": "HighCPU", "instance": "é"], "e11e148986e94661"),
        ] as [(Labels, String)])
    func `is that of Prometheus for the same labels`(labels: Labels, fingerprint: String) {
        #expect(Fingerprint.of(labels) == fingerprint)
    }

    @Test func `does not depend on the order, and tells names from values`() {
        #expect(Fingerprint.of(["a": "1", "b": "2"]) == Fingerprint.of(["b": "2", "a": "1"]))
        #expect(Fingerprint.of(["a": "bc"]) != Fingerprint.of(["ab": "c"]))
    }
}

struct `A route` {
    private func receivers(_ labels: Labels) throws -> [String] {
        var pager = Route(receiver: "pager")
        pager.matchers = try [Matcher](parsing: "severity=critical")
        var web = Route(receiver: "web")
        web.matchers = try [Matcher](parsing: "host=~\"web.*\"")
        web.continues = true
        var night = Route(receiver: "night")
        night.matchers = try [Matcher](parsing: "severity=critical")
        web.routes = [night]
        var root = Route(receiver: "default")
        root.routes = [web, pager]
        return root.destinations(for: labels).compactMap(\.receiver)
    }

    @Test(
        arguments: [
            ([:], ["default"]), (["severity": "critical"], ["pager"]), (["host": "web-1"], ["web"]),
            (["host": "web-1", "severity": "critical"], ["night", "pager"]),
        ] as [(Labels, [String])])
    func `takes an alert to the deepest nodes that match, and on where it says continue`(
        labels: Labels, expected: [String]
    ) throws {
        #expect(try receivers(labels) == expected)
    }
}
