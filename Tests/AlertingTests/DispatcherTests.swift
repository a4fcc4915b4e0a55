import Synchronization
import Columns
import Detection
import Foundation
import GRDB
import Store
import Telemetry
import TestSupport
import Testing

@testable import Alerting
@testable import Notify
@testable import Incidents

struct `The dispatcher` {
    private let store: TemporaryStore
    private let metrics = MetricsRegistry()

    init() throws { store = try TemporaryStore() }

    private func count(_ table: String) throws -> Int {
        try store.incidents.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM \(table)") ?? 0 }
    }

    @Test func `forgets what ended long ago while it runs, with all that hangs on it, and keeps what was counted`() async throws {
        let sink = try Sink()
        let now = Timestamp.now, old = now - .seconds(500 * 86_400)
        try store.incidents.record([.bruteForce(at: old)], routing: nil, now: old)
        try store.incidents.perform(.end(as: .fixed), on: "1001", by: "ann", now: old + .seconds(60))
        _ = try SilenceStore(store.store).set(
            matchers: [Matcher](parsing: "a=\"b\""), startsAt: old, endsAt: old + .seconds(60), createdBy: "ann", comment: "",
            now: old)
        try store.incidents.record([.bruteForce(from: "192.0.2.99", at: now)], routing: nil, now: now)
        try await RunningAlerting.notifying(["oncall": sink.url], store: store).whileRunning {
            let isForgotten = try await eventually { try count("incident") == 1 }
            #expect(isForgotten)
        }
        #expect(try store.incidents.incident("1002").incident.state == .open)
        for table in ["timeline", "evidence", "incident_label"] { #expect(try count("\(table) WHERE incident = 1001") == 0) }
        // The audit says that its own old entries were removed.
        for table in ["silence", "audit WHERE action <> 'audit.remove'"] { #expect(try count(table) == 0) }
        let counted = try store.incidents.read {
            try Int.fetchOne(
                $0, sql: "SELECT sum(count) FROM incident_statistic_block WHERE measure = 'opened' AND receiver = ''")
        }
        #expect(counted == 2)
        #expect(try store.incidents.problems() == [])
        #expect(try store.store.problems() == [])
    }

    @Test func `delivers a finding as version 4 of Alertmanager's webhook, once`() async throws {
        let sink = try Sink()
        let alerting = RunningAlerting.notifying(["oncall": sink.url], store: store)
        try await alerting.whileRunning {
            try await alerting.inbox.record([.bruteForce()])
            try await alerting.inbox.record([.bruteForce()])
            #expect(await eventually { sink.posts.count == 1 })
            #expect(try await eventually { try store.incidents.incident("INC-1001").notifications.first?.state == .sent })
        }
        let post = try #require(sink.posts.first)
        #expect(sink.posts.count == 1)
        #expect(post.path == "POST /hook HTTP/1.1")
        #expect(post.headers["content-type"] == "application/json")
        #expect(post.headers["idempotency-key"]?.hasPrefix("obs-1-") == true)
        let keys = [
            "alerts", "commonAnnotations", "commonLabels", "externalURL", "groupKey", "groupLabels", "receiver", "status",
            "truncatedAlerts", "version",
        ]
        #expect(post.payload.keys.sorted() == keys)
        #expect(post.payload["version"] as? String == "4")
        #expect(post.payload["groupLabels"] as? [String: String] == ["alertname": "SSHBruteForce"])
        let alert = try #require((post.payload["alerts"] as? [[String: Any]])?.first)
        #expect(alert.keys.sorted() == ["annotations", "endsAt", "fingerprint", "generatorURL", "labels", "startsAt", "status"])
        #expect(alert["fingerprint"] as? String == Fingerprint.of(Labels(alert["labels"] as? [String: String] ?? [:])))
        #expect(alert["endsAt"] as? String == "0001-01-01T00:00:00Z")
    }

    @Test func `tries again with the same key and the same text until the receiver takes it`() async throws {
        let sink = try Sink(answers: ["503 Busy", "500 No"])
        let alerting = RunningAlerting.notifying(["oncall": sink.url], store: store, metrics: metrics)
        try await alerting.whileRunning {
            try await alerting.inbox.record([.bruteForce()])
            #expect(await eventually { sink.posts.count == 3 })
            #expect(try await eventually { try store.incidents.incident("INC-1001").notifications.first?.state == .sent })
        }
        #expect(Set(sink.posts.map(\.body)).count == 1)
        #expect(Set(sink.posts.map { $0.headers["idempotency-key"] }).count == 1)
        #expect(
            metrics.exposition().contains(#"obs_notifications_total{receiver="oncall",integration="webhook",outcome="failed"} 2"#)
        )
        #expect(
            metrics.exposition().contains(#"obs_notifications_total{receiver="oncall",integration="webhook",outcome="sent"} 1"#))
    }

    @Test func `gives up at once on what the receiver does not want, and keeps it as dead`() async throws {
        let sink = try Sink(answers: ["400 Bad"])
        let alerting = RunningAlerting.notifying(["oncall": sink.url], store: store)
        try await alerting.whileRunning {
            try await alerting.inbox.record([.bruteForce()])
            #expect(try await eventually { try store.incidents.incident("INC-1001").notifications.first?.state == .dead })
        }
        #expect(sink.posts.count == 1)
    }

    @Test func `delivers what an earlier run owed, when the receiver is back`() async throws {
        let sink = try Sink.away()
        let first = RunningAlerting.notifying(["oncall": sink.url], store: store)
        try await first.whileRunning {
            try await first.inbox.record([.bruteForce()])
            #expect(try await eventually { try (store.incidents.incident("INC-1001").notifications.first?.attempts ?? 0) > 0 })
        }
        sink.start()
        let second = RunningAlerting.notifying(["oncall": sink.url], store: store)
        try await second.whileRunning { #expect(await eventually { sink.posts.count == 1 }) }
    }

    @Test func `measures how long a notification waited`() async throws {
        let sink = try Sink()
        let alerting = RunningAlerting.notifying(["oncall": sink.url], store: store, metrics: metrics)
        let before = Timestamp.now - .seconds(1000)
        try store.incidents.record([.bruteForce(at: before)], routing: alerting.inbox.inForce.route, now: before)
        try await alerting.whileRunning {
            let isSent = try await eventually { try store.incidents.incident("INC-1001").notifications.first?.state == .sent }
            #expect(isSent)
        }
        let name = "obs_notification_latency_seconds_sum "
        let line = try #require(metrics.exposition().split(separator: "\n").first { $0.hasPrefix(name) })
        let waited = try #require(Double(line.dropFirst(name.count)))
        #expect(waited >= 1000)
    }

    @Test func `does not let a receiver that hangs hold up another`() async throws {
        let hanging = try Sink(), quick = try Sink()
        hanging.hold(true)
        let alerting = RunningAlerting.notifying(["a-hanging": hanging.url, "quick": quick.url], store: store) { configuration in
            var child = Route(receiver: "quick")
            child.matchers = (try? [Matcher](parsing: #"source="10.0.0.2""#)) ?? []
            configuration.route?.routes = [child]
        }
        try await alerting.whileRunning {
            try await alerting.inbox.record([.bruteForce(from: "10.0.0.1")])
            #expect(await eventually { hanging.posts.count == 1 })
            try await alerting.inbox.record([.bruteForce(from: "10.0.0.2")])
            #expect(await eventually { quick.posts.count == 1 })
            hanging.hold(false)
        }
    }

    /// The name is one that no name server knows (RFC 6761 §6.4).
    @Test func `tries a receiver again whose name has no address, says so, and holds up no other`() async throws {
        let quick = try Sink()
        let lost = "http://receiver.invalid/hook"
        let alerting = RunningAlerting.notifying(["a-lost": lost, "quick": quick.url], store: store) { configuration in
            var child = Route(receiver: "quick")
            child.matchers = (try? [Matcher](parsing: #"source="10.0.0.2""#)) ?? []
            configuration.route?.routes = [child]
        }
        func pending() throws -> (attempts: Int, state: String, error: String)? {
            try store.incidents.read { database -> (attempts: Int, state: String, error: String)? in
                let found = try Row.fetchOne(
                    database, sql: "SELECT attempts, state, last_error FROM outbox WHERE receiver = 'a-lost'")
                guard let found else { return nil }
                let attempts: Int = found[0], state: String = found[1], error: String? = found[2]
                return (attempts, state, error ?? "")
            }
        }
        try await alerting.whileRunning {
            try await alerting.inbox.record([.bruteForce(from: "10.0.0.1")])
            #expect(try await eventually { try pending()?.attempts ?? 0 >= 2 })
            try await alerting.inbox.record([.bruteForce(from: "10.0.0.2")])
            #expect(await eventually { quick.posts.count == 1 })
        }
        let row = try #require(try pending())
        #expect(row.state == "pending" && row.error.lowercased().contains("resolve"), "\(row)")
        #expect(row.error.contains("receiver.invalid"), "\(row)")
    }

    @Test func `notices what another process resolved, and tells it`() async throws {
        let sink = try Sink()
        let alerting = RunningAlerting.notifying(["oncall": sink.url], store: store)
        try await alerting.whileRunning {
            try await alerting.inbox.record([.bruteForce()])
            #expect(try await eventually { try store.incidents.incident("INC-1001").notifications.first?.state == .sent })
            let other = IncidentStore(try Store.reopened(store))
            try other.perform(
                .resolve, on: "INC-1001", by: "ann", note: "false alarm", now: .now)
            #expect(await eventually { sink.posts.count == 2 })
        }
        #expect(sink.posts.last?.payload["status"] as? String == "resolved")
    }

    @Test func `sends to a second endpoint of a receiver again, not to the first that took it`() async throws {
        let good = try Sink(), flaky = try Sink(answers: ["502 Gateway"])
        let alerting = RunningAlerting.notifying(["oncall": good.url], store: store) {
            $0.receivers[0].notifiers.append(.webhook(to: flaky.url))
        }
        try await alerting.whileRunning {
            try await alerting.inbox.record([.bruteForce()])
            #expect(await eventually { flaky.posts.count == 2 })
            #expect(try await eventually { try store.incidents.incident("INC-1001").notifications.first?.state == .sent })
        }
        #expect(good.posts.count == 1)
    }

    @Test func `asks a receiver that wants a pause for nothing meanwhile, whatever else is owed to it, and others as ever`()
        async throws
    {
        let slow = try Sink(answers: ["429 Slow\r\nRetry-After: 3600"]), quick = try Sink()
        let alerting = RunningAlerting.notifying(["a-slow": slow.url, "quick": quick.url], store: store) { configuration in
            var child = Route(receiver: "quick")
            child.matchers = (try? [Matcher](parsing: #"source="10.0.0.9""#)) ?? []
            configuration.route?.groupBy = ["source"]
            configuration.route?.routes = [child]
        }
        try await alerting.whileRunning {
            try await alerting.inbox.record([.bruteForce(from: "10.0.0.1")])
            #expect(try await eventually { try store.incidents.incident("INC-1001").notifications.first?.attempts == 1 })
            try await alerting.inbox.record((2...9).map { .bruteForce(from: "10.0.0.\($0)") })
            #expect(await eventually { quick.posts.count == 1 })
            // Another look at all that is owed has gone by.
            try await alerting.inbox.record([.bruteForce(from: "10.0.0.20")])
            #expect(
                alerting.dispatcher.deliveries.withLock { $0.circuit(of: .init(receiver: "a-slow", index: 0)).state == .open })
        }
        #expect(slow.posts.count == 1)
    }

    @Test func `waits at least as long as a receiver asks`() async throws {
        let sink = try Sink(answers: ["429 Slow\r\nRetry-After: 3600"])
        let alerting = RunningAlerting.notifying(["oncall": sink.url], store: store)
        try await alerting.whileRunning {
            try await alerting.inbox.record([.bruteForce()])
            #expect(try await eventually { try store.incidents.incident("INC-1001").notifications.first?.attempts == 1 })
        }
        let due = try #require(try store.incidents.incident("INC-1001").notifications.first?.dueAt)
        #expect(due > Timestamp.now + .seconds(3000))
    }
}

struct `A receiver's circuit` {
    private let now = Timestamp.start

    @Test func `opens after failures in a row, lets one try through after its pause, and closes with its success`() {
        var circuit = IntegrationCircuit()
        var permitted: [Bool] = []
        for _ in 0..<IntegrationCircuit.failuresUntilOpen {
            permitted.append(circuit.permitsTry(now: now))
            circuit.failed(now: now)
        }
        permitted.append(circuit.permitsTry(now: now))
        permitted.append(circuit.permitsTry(now: now + .seconds(1)))
        permitted.append(circuit.permitsTry(now: now + .seconds(1)))
        #expect(permitted == Array(repeating: true, count: IntegrationCircuit.failuresUntilOpen) + [false, true, false])
        circuit.succeeded()
        #expect(circuit.state == .closed)
    }

    @Test func `never pauses longer than its bound, however long the receiver is away`() {
        var circuit = IntegrationCircuit()
        var time = now
        var permitted: [Bool] = []
        for _ in 0..<100 {
            circuit.failed(now: time)
            time = time + IntegrationCircuit.longestPause
            permitted.append(circuit.permitsTry(now: time))
        }
        #expect(permitted == Array(repeating: true, count: 100))
    }
}
