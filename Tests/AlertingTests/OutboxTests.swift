import Columns
import Detection
import Testing

@testable import Alerting
@testable import Notify
@testable import Incidents

struct `The outbox` {
    private let store: TemporaryStore
    private let outbox: Outbox
    private var route = Route(receiver: "oncall")
    private var configuration = AlertingConfiguration()
    private let now = Timestamp.start

    init() throws {
        store = try TemporaryStore()
        outbox = Outbox(incidents: store.incidents)
        route.groupBy = ["alertname"]
        route.groupWait = .seconds(10)
        route.groupInterval = .seconds(60)
        route.repeatInterval = .seconds(3600)
    }

    private func due(_ now: Timestamp) async throws -> Outbox.Draft? {
        guard let first = try await outbox.due(now: now).first else { return nil }
        var whole = configuration
        whole.route = route
        return try await outbox.draft(first.id, now: now, whole)
    }

    @Test func `waits group_wait for a new group, and tells of all that came meanwhile at once`() async throws {
        try store.incidents.record([.bruteForce(from: "10.0.0.1")], routing: route, now: now)
        try store.incidents.record([.bruteForce(from: "10.0.0.2")], routing: route, now: now + .seconds(9))
        #expect(try await due(now + .seconds(9)) == nil)
        let notification = try #require(try await due(now + .seconds(10)))
        #expect(notification.notice.payload.alerts.map { $0.labels["source"] } == ["10.0.0.1", "10.0.0.2"])
        #expect(notification.notice.payload.groupKey == #"{}:{alertname="SSHBruteForce"}"#)
        #expect(notification.notice.payload.status == "firing")
    }

    @Test func `owes again what joined while a notification was under way`() async throws {
        try store.incidents.record([.bruteForce(from: "10.0.0.1")], routing: route, now: now)
        let first = try #require(try await due(now + .seconds(10)))
        try store.incidents.record([.bruteForce(from: "10.0.0.2")], routing: route, now: now + .seconds(11))
        try await outbox.markSent(first, now: now + .seconds(12))
        #expect(try await due(now + .seconds(69)) == nil)
        let second = try #require(try await due(now + .seconds(70)))
        #expect(second.alerts.map(\.incident) == [1001, 1002])
    }

    @Test func `owes the end of what was resolved while a notification was under way`() async throws {
        try store.incidents.record([.bruteForce()], routing: route, now: now)
        let first = try #require(try await due(now + .seconds(10)))
        try store.incidents.perform(.resolve, on: "INC-1001", by: "ann", note: nil, now: now + .seconds(11))
        try await outbox.markSent(first, now: now + .seconds(12))
        // As Alertmanager: at the group's next interval, with what else has changed by then.
        #expect(try await due(now + .seconds(69)) == nil)
        let second = try #require(try await due(now + .seconds(70)))
        #expect(second.notice.payload.status == "resolved")
        try await outbox.markSent(second, now: now + .seconds(71))
        #expect(try await outbox.nextDue(after: now) == nil)
    }

    @Test(arguments: [true, false])
    func `notifies of one alert's end while another fires only a receiver that wants to know`(sendsResolved: Bool) async throws {
        var configuration = AlertingConfiguration()
        configuration.route = route
        configuration.receivers = [("other", !sendsResolved), ("oncall", sendsResolved)].map { name, sends in
            Receiver(name: name, notifiers: [.webhook(to: "http://127.0.0.1:1/") { $0.sendsResolved = sends }])
        }
        try store.incidents.record([.bruteForce(from: "10.0.0.1"), .bruteForce(from: "10.0.0.2")], routing: route, now: now)
        try await outbox.markSent(try #require(try await due(now + .seconds(10))), now: now + .seconds(10))
        try store.incidents.perform(.resolve, on: "INC-1001", by: "ann", note: nil, now: now + .seconds(20))
        let next = try #require(try await outbox.due(now: now + .seconds(70)).first)
        let draft = try #require(try await outbox.draft(next.id, now: now + .seconds(70), configuration))
        #expect(draft.alerts.isEmpty == !sendsResolved)
    }

    @Test func `tells nobody of what began and ended within group_wait`() async throws {
        try store.incidents.record([.bruteForce()], routing: route, now: now)
        try store.incidents.perform(.resolve, on: "INC-1001", by: "ann", note: nil, now: now + .seconds(1))
        let notification = try #require(try await due(now + .seconds(10)))
        #expect(notification.alerts.isEmpty)
        try await outbox.skip(notification, now: now + .seconds(10))
        #expect(try outbox.depth(now: now + .seconds(10)).count == 0)
    }

    @Test func `repeats what is open after repeat_interval, and not what is acknowledged`() async throws {
        try store.incidents.record([.bruteForce()], routing: route, now: now)
        try await outbox.markSent(try #require(try await due(now + .seconds(10))), now: now + .seconds(10))
        #expect(try outbox.depth(now: now + .seconds(11)).count == 0)
        #expect(try await due(now + .seconds(3609)) == nil)
        let repetition = try #require(try await due(now + .seconds(3610)))
        #expect(repetition.alerts.count == 1)
        try await outbox.markSent(repetition, now: now + .seconds(3610))
        try store.incidents.perform(.acknowledge, on: "INC-1001", by: "ann", note: nil, now: now + .seconds(3700))
        #expect(try #require(try await due(now + .seconds(7210))).alerts.isEmpty)
    }

    @Test func `brings a waiting repetition forward when something new joins the group`() async throws {
        try store.incidents.record([.bruteForce(from: "10.0.0.1")], routing: route, now: now)
        try await outbox.markSent(try #require(try await due(now + .seconds(10))), now: now + .seconds(10))
        try store.incidents.record([.bruteForce(from: "10.0.0.2")], routing: route, now: now + .seconds(20))
        #expect(try await due(now + .seconds(69)) == nil)
        #expect(try await due(now + .seconds(70))?.alerts.count == 2)
    }

    @Test func `keeps what failed until its time, and what is dead for ever`() async throws {
        try store.incidents.record([.bruteForce()], routing: route, now: now)
        let first = try #require(try await due(now + .seconds(10)))
        try await outbox.postpone(
            first, reason: "no answer", delivered: ["0:ab"], until: now + .seconds(20), now: now + .seconds(10))
        #expect(try await due(now + .seconds(19)) == nil)
        let second = try #require(try await due(now + .seconds(20)))
        #expect(second.attempts == 1)
        #expect(second.delivered == ["0:ab"])
        try await outbox.giveUp(second, reason: "refused", delivered: [], now: now + .seconds(20))
        #expect(try await due(now + .seconds(99)) == nil)
        #expect(try store.incidents.incident("INC-1001").notifications.map(\.state) == [.dead, .pending])
        #expect(try await due(now + .seconds(20 + 3599)) == nil)
    }

    @Test func `holds back what a silence matches, and tells it when the silence has ended`() async throws {
        let silences = SilenceStore(store.store)
        let id = try silences.set(
            matchers: [Matcher](parsing: #"source="10.0.0.1""#), startsAt: now, endsAt: now + .seconds(3600), createdBy: "ann",
            comment: "known test", now: now)
        try store.incidents.record([.bruteForce(from: "10.0.0.1"), .bruteForce(from: "10.0.0.2")], routing: route, now: now)
        let audible = try #require(try await due(now + .seconds(10)))
        #expect(audible.alerts.map(\.incident) == [1002])
        try await outbox.markSent(audible, now: now + .seconds(10))
        let held = try #require(try await due(now + .seconds(70)))
        #expect(held.alerts.isEmpty && held.state.mutedNews > 0)
        try await outbox.skip(held, now: now + .seconds(70))
        #expect(try outbox.depth(now: now + .seconds(71)).count == 0)
        try silences.expire(id, by: "ann", now: now + .seconds(80))
        #expect(try await due(now + .seconds(130))?.alerts.map(\.incident) == [1001, 1002])
    }

    @Test func `holds back what another alert inhibits while that fires`() async throws {
        var inhibiting = self
        inhibiting.configuration.inhibitRules = [
            InhibitRule(
                sources: try [Matcher](parsing: "alertname=HostDown"), targets: try [Matcher](parsing: "alertname=SSHBruteForce"),
                equal: ["host"])
        ]
        var down = Finding.bruteForce()
        down.name = "HostDown"
        down.labels = ["host": "LabSZ"]
        try store.incidents.record([down], routing: nil, now: now)
        try store.incidents.record([.bruteForce()], routing: route, now: now)
        #expect(try #require(try await inhibiting.due(now + .seconds(10))).state.mutedNews > 0)
        try store.incidents.perform(.resolve, on: "INC-1001", by: "ann", note: nil, now: now + .seconds(20))
        #expect(try await inhibiting.due(now + .seconds(70))?.alerts.map(\.incident) == [1002])
    }
}
