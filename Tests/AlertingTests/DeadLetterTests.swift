import GRDB
import Columns
import Detection
import Foundation
import Store
import Telemetry
import TestSupport
import Testing

@testable import Alerting
@testable import Notify
@testable import Incidents

struct `A dead letter` {
    private let store: TemporaryStore
    private let metrics = MetricsRegistry()

    init() throws { store = try TemporaryStore() }

    private var log: NotificationLog { NotificationLog(store.incidents) }
    private var now: Timestamp { Timestamp.now }

    @Test func `keeps what it was to say, and says it with the same key when it is sent once more`() async throws {
        let sink = try Sink(answers: ["404 Gone\n\nno such hook"])
        let alerting = RunningAlerting.notifying(["oncall": sink.url], store: store, metrics: metrics)
        try await alerting.whileRunning {
            try await alerting.inbox.record([.bruteForce()])
            #expect(try await eventually { try log.entries().count == 1 })
            let dead = try #require(try log.entries().first)
            #expect(dead.state == .dead)
            #expect(dead.lastError == "webhook: the receiver answered 404: no such hook")
            #expect(dead.payload == sink.posts.first?.body)
            #expect(await eventually { metrics.exposition().contains(#"obs_outbox_dead_letters{receiver="oncall"} 1"#) })
            #expect(
                metrics.exposition().contains(
                    #"obs_notifications_total{receiver="oncall",integration="webhook",outcome="refused"} 1"#))

            try log.resend(dead.id, by: "ann", now: now)
            #expect(await eventually { sink.posts.count == 2 })
            #expect(try await eventually { try log.entry(dead.id).state == .sent })
            #expect(await eventually { metrics.exposition().contains(#"obs_outbox_dead_letters{receiver="oncall"} 0"#) })
        }
        let posts = sink.posts
        try #require(posts.count == 2)
        #expect(posts[0].body == posts[1].body)
        #expect(posts[0].headers["idempotency-key"] == posts[1].headers["idempotency-key"])
        let audited = try await store.store.database.read {
            try String.fetchAll($0, sql: "SELECT action FROM audit WHERE actor = 'ann'")
        }
        #expect(audited == ["notification.resend"])
    }

    @Test func `dies again when it is refused again, and is not sent by itself`() async throws {
        let sink = try Sink(answers: ["400 No", "400 No"])
        let alerting = RunningAlerting.notifying(["oncall": sink.url], store: store)
        try await alerting.whileRunning {
            try await alerting.inbox.record([.bruteForce()])
            #expect(try await eventually { try log.entries(states: [.dead]).count == 1 })
            let id = try #require(try log.entries().first?.id)
            try log.resend(id, by: "ann", now: now)
            #expect(try await eventually { try log.entry(id).state == .dead && sink.posts.count == 2 })
            #expect(throws: IncidentError.self) { try log.resend(id + 1000, by: "ann", now: now) }
        }
    }

    @Test func `is made after the time to give up, and not before`() async throws {
        let sink = try Sink(answers: Array(repeating: "500 No", count: 1000))
        let alerting = RunningAlerting.notifying(["oncall": sink.url], store: store) { $0.giveUpAfter = .milliseconds(1) }
        try await alerting.whileRunning {
            try await alerting.inbox.record([.bruteForce()])
            #expect(try await eventually { try log.entries(states: [.dead]).count == 1 })
        }
        #expect(try log.entries().first?.lastError == "webhook: the receiver answered 500")
    }

    @Test func `of one integration does not keep others of the receiver from being told`() async throws {
        let refusing = try Sink(answers: ["400 No"]), good = try Sink()
        let alerting = RunningAlerting.notifying(["oncall": refusing.url], store: store) {
            $0.receivers[0].notifiers.append(.webhook(to: good.url))
        }
        try await alerting.whileRunning {
            try await alerting.inbox.record([.bruteForce()])
            #expect(try await eventually { try log.entries(states: [.dead]).count == 1 })
            let id = try #require(try log.entries().first?.id)
            try log.resend(id, by: "ann", now: now)
            #expect(try await eventually { try log.entry(id).state == .sent })
        }
        #expect(good.posts.count == 1)
        #expect(refusing.posts.count == 2)
    }

    @Test func `is not made while one integration hangs: the others are told at once`() async throws {
        let hanging = try Sink(), good = try Sink()
        hanging.hold(true)
        let alerting = RunningAlerting.notifying(["oncall": hanging.url], store: store) {
            $0.receivers[0].notifiers.append(.webhook(to: good.url))
        }
        try await alerting.whileRunning {
            try await alerting.inbox.record([.bruteForce()])
            #expect(await eventually { good.posts.count == 1 && hanging.posts.count == 1 })
            hanging.hold(false)
        }
    }

    @Test func `says nothing of the secrets that its receiver is reached with`() async throws {
        let sink = try Sink(answers: ["401 No\n\nwrong token t0ps3cret"])
        let alerting = RunningAlerting.notifying(["oncall": sink.url], store: store) {
            var http = HTTPClientConfiguration()
            http.authorization = .other(type: "Bearer", credentials: .text("t0ps3cret"))
            $0.receivers[0].notifiers = [.webhook(to: sink.url + "?key=t0ps3cret") { $0.http = http }]
        }
        try await alerting.whileRunning {
            try await alerting.inbox.record([.bruteForce()])
            #expect(try await eventually { try log.entries().count == 1 })
        }
        #expect(sink.posts.first?.headers["authorization"] == "Bearer t0ps3cret")
        #expect(try log.entries().first?.lastError == "webhook: the receiver answered 401: wrong token <secret>")
        try await store.store.database.writeWithoutTransaction { try $0.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
        let file = try Data(contentsOf: URL(filePath: store.folder + "/obs.db"))
        #expect(file.firstRange(of: Data("t0ps3cret".utf8)) == nil)
        #expect(!metrics.exposition().contains("t0ps3cret"))
    }
}

struct `A finding that is more severe than its incident` {
    @Test func `raises the incident's severity, and whoever knows the incident is told`() throws {
        let store = try TemporaryStore()
        var route = Route(receiver: "oncall")
        route.groupWait = .zero
        var finding = Finding.bruteForce()
        try store.incidents.record([finding], routing: route, now: .start)
        finding.severity = .critical
        finding.lastSeen = .start + .seconds(1)
        finding.count += 1
        try store.incidents.record([finding], routing: route, now: .start + .seconds(1))
        let incident = try store.incidents.incident("INC-1001")
        #expect(incident.incident.severity == .critical)
        #expect(incident.incident.labels["severity"] == "critical")
        #expect(incident.timeline.contains { $0.text == "raised from warning to critical" })
        let holding = try store.store.database.read {
            try String.fetchAll($0, sql: "SELECT labels FROM alert WHERE ends_at IS NULL")
        }
        #expect(holding.count == 1 && holding.allSatisfy { $0.contains("critical") })
        // A lesser one changes nothing.
        finding.severity = .info
        finding.lastSeen = .start + .seconds(2)
        finding.count += 1
        try store.incidents.record([finding], routing: route, now: .start + .seconds(2))
        #expect(try store.incidents.incident("INC-1001").incident.severity == .critical)
    }
}
