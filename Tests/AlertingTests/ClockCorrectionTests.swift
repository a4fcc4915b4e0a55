import Store
import Columns
import Detection
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Alerting
@testable import Notify
@testable import Incidents

/// Guards against groups that are silent for a day because the clock was a day ahead for a minute.
struct `A clock that was ahead and is right again` {
    private let store: TemporaryStore
    private let outbox: Outbox
    private var configuration = AlertingConfiguration()
    private let now = Timestamp.start
    private let ahead = Timestamp.start + .seconds(86_400)

    init() throws {
        store = try TemporaryStore()
        outbox = Outbox(incidents: store.incidents)
        var route = Route(receiver: "oncall")
        route.groupBy = ["alertname"]
        route.groupWait = .seconds(10)
        route.groupInterval = .seconds(60)
        configuration.route = route.settled
        configuration.escalations = [EscalationPolicy(steps: [.init(after: .seconds(300), target: .receiver("boss"))])]
    }

    private func correct() throws -> Int {
        try store.store.database.write { try CorrectClock.correct(configuration, now: now, $0) }
    }

    private func due(_ time: Timestamp) async throws -> Outbox.Draft? {
        guard let first = try await outbox.due(now: time).first else { return nil }
        return try await outbox.draft(first.id, now: time, configuration)
    }

    @Test(arguments: ["first look", "told", "postponed", "resent"])
    func `keeps nobody from being told`(what: String) async throws {
        try store.incidents.record([.bruteForce(at: ahead)], routing: configuration.route, now: ahead)
        if what != "first look" {
            let look = try #require(try await due(ahead + .seconds(10)))
            switch what {
            case "postponed":
                try await outbox.postpone(
                    look, reason: "busy", delivered: [], until: ahead + .seconds(25), now: ahead + .seconds(10))
            case "resent":
                try await outbox.giveUp(look, reason: "no", delivered: [], now: ahead + .seconds(10))
                try NotificationLog(store.incidents).resend(look.id, by: "ann", now: ahead + .seconds(20))
            default:
                try await outbox.markSent(look, now: ahead + .seconds(10))
                try store.incidents.record(
                    [.bruteForce(from: "10.0.0.2", at: ahead + .seconds(20))], routing: configuration.route,
                    now: ahead + .seconds(20))
            }
        }
        #expect(try await outbox.due(now: now).isEmpty)
        #expect(try correct() > 0)
        for (id, _) in try await outbox.due(now: now) {
            let look = try #require(try await outbox.draft(id, now: now, configuration))
            #expect(look.reason == .firing)
            try await outbox.markSent(look, now: now)
        }
        // What comes next is told at the group's next interval.
        try store.incidents.record(
            [.bruteForce(from: "10.0.0.3", at: now)], routing: configuration.route, now: now + .seconds(1))
        #expect(try await due(now + .seconds(61))?.notice.payload.alerts.contains { $0.labels["source"] == "10.0.0.3" } == true)
        #expect(try correct() == 0)
    }

    @Test func `lets escalations go on, and incidents that go quiet end`() throws {
        try store.incidents.record([.bruteForce(at: ahead)], routing: nil, now: ahead)
        _ = try correct()
        let escalation = Escalation(configuration: configuration)
        for (seconds, owed) in [(0, 0), (299, 0), (301, 1)] {
            _ = try store.store.database.write { try escalation.advance(now: now + .seconds(seconds), $0) }
            let count = try store.incidents.read {
                try Int.fetchOne($0, sql: "SELECT count(*) FROM outbox WHERE receiver = 'boss'")
            }
            #expect(count == owed)
        }
        #expect(try store.incidents.resolveQuiet(after: .seconds(300), now: now + .seconds(301)) == 1)
        // What is seen from now on is news again.
        #expect(
            try store.incidents.record([.bruteForce(at: now + .seconds(400))], routing: nil, now: now + .seconds(400))
                == [.opened("INC-1002")])
    }

    @Test func `lets the end of a posted alert count, and one that nobody posts any more end`() throws {
        func put(_ alert: Alert, _ time: Timestamp) throws {
            _ = try store.store.database.write { try AlertStore.put([RoutedAlert(alert, configuration.route)], now: time, $0) }
        }
        func ends() throws -> [Int64] {
            try store.incidents.read { try Int64.fetchAll($0, sql: "SELECT ends_at FROM alert ORDER BY id") }
        }
        for name in ["a", "b"] {
            try put(
                Alert(
                    labels: ["alertname": name], startsAt: now - .seconds(60), endsAt: ahead + .seconds(300), updatedAt: ahead,
                    hasTimeout: true), ahead)
        }
        _ = try correct()
        #expect(try ends() == [now + .seconds(300), now + .seconds(300)].map(\.microseconds))
        let end = now + .seconds(10)
        try put(Alert(labels: ["alertname": "a"], startsAt: now - .seconds(60), endsAt: end, updatedAt: end), end)
        #expect(try ends().first == end.microseconds)
    }

    @Test func `holds neither a circuit open nor a dead man's switch content`() throws {
        var deliveries = Deliveries()
        let endpoint = Deliveries.Integration(receiver: "oncall", index: 0)
        deliveries.ended(endpoint, .retry(reason: "429", after: .seconds(60)), now: ahead)
        let before = deliveries.permitsTry(endpoint, now: now)
        deliveries.clockWentBack(to: now)
        let after = deliveries.permitsTry(endpoint, now: now)
        #expect(!before && after)

        let one = DeadMansSwitch(name: "prometheus", matchers: try [Matcher](parsing: "alertname=Watchdog"), within: .seconds(60))
        var switches = DeadMansSwitches()
        switches.hear(
            [Alert(labels: ["alertname": "Watchdog"], startsAt: ahead, endsAt: ahead + .seconds(60), updatedAt: ahead)], [one],
            now: ahead)
        switches.clockWentBack(to: now)
        let raised = [60, 61].map { switches.due([one], resolveTimeout: .seconds(300), now: now + .seconds($0)).count }
        #expect(raised == [0, 1])
    }

    @Test func `is noticed at the first look and whenever it goes back, and not when it is slewed`() {
        var watch = ObservedClock()
        let seen = [0, 10, 9, 86_400, 86_401, 15, 16].map { watch.wentBack(now: now + .seconds($0)) }
        #expect(seen == [true, false, false, false, false, true, false])
    }

    @Test func `never puts a tick further ahead than one interval`() {
        var random = SplitMix64(seed: 7)
        for _ in 0..<2000 {
            let time = now + .microseconds(Int64.random(in: -1_000_000_000...1_000_000_000, using: &random))
            let start = now + .microseconds(Int64.random(in: -1_000_000_000_000...1_000_000_000_000, using: &random))
            let step = Int64.random(in: 1...100_000_000, using: &random)
            let tick = GroupingBatch.tick(after: time, from: start, every: .microseconds(step))
            #expect(tick > time && tick <= time + .microseconds(step))
            #expect((tick.microseconds - start.microseconds) % step == 0)
        }
    }

    @Test func `is put right by a chore when obs starts`() async throws {
        let sink = try Sink()
        let wall = Timestamp.now
        let alerting = RunningAlerting.notifying(["oncall": sink.url], store: store)
        try store.incidents.record([.bruteForce()], routing: alerting.inbox.inForce.route, now: wall + .seconds(86_400))
        try await alerting.whileRunning { #expect(await eventually { sink.posts.count == 1 }) }
    }
}
