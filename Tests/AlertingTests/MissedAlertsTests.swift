import Columns
import Detection
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Alerting
@testable import Notify
@testable import Incidents

/// Guards against an alert that fires and ends while its receiver is down being told to nobody.
struct `An alert that ends before its receiver could be told` {
    private let store: TemporaryStore
    private let outbox: Outbox
    private var configuration = AlertingConfiguration()
    private let now = Timestamp.start

    init() throws {
        store = try TemporaryStore()
        outbox = Outbox(incidents: store.incidents)
        var route = Route(receiver: "oncall")
        route.groupBy = ["alertname"]
        route.groupWait = .seconds(10)
        route.groupInterval = .seconds(60)
        configuration.route = route
        configuration.receivers = [Receiver(name: "oncall", notifiers: [.webhook(to: "http://127.0.0.1:1/")])]
    }

    private func due(_ seconds: Int) async throws -> Outbox.Draft? {
        guard let first = try await outbox.due(now: now + .seconds(seconds)).first else { return nil }
        return try await outbox.draft(first.id, now: now + .seconds(seconds), configuration)
    }

    private func open() throws { try store.incidents.record([.bruteForce()], routing: configuration.route, now: now) }

    private func resolve(_ seconds: Int) throws {
        try store.incidents.perform(.resolve, on: "INC-1001", by: "ann", note: nil, now: now + .seconds(seconds))
    }

    private func timeline() throws -> [String] {
        try store.incidents.incident("INC-1001").timeline.filter {
            [TimelineKind.notified, .undelivered, .unheard].contains($0.kind)
        }.map(
            \.text)
    }

    private func key(_ due: Outbox.Draft) -> String? {
        due.notice(for: configuration.receivers[0].notifiers[0], .firing, now: now)?.key
    }

    @Test func `is told as begun, and at once as ended, when the receiver is back`() async throws {
        try open()
        // Nobody could be asked from the tenth second on.
        try resolve(50)
        let begun = try #require(try await due(100))
        #expect(begun.notice.payload.status == "firing")
        #expect(begun.notice.payload.alerts.map(\.status) == ["firing"])
        try await outbox.markSent(begun, now: now + .seconds(100))
        let ended = try #require(try await due(100))
        #expect(ended.notice.payload.alerts.map(\.status) == ["resolved"])
        try await outbox.markSent(ended, now: now + .seconds(101))
        #expect(try await outbox.nextDue(after: now) == nil)
        #expect(try timeline() == ["oncall was notified that it is firing", "oncall was notified that it is resolved"])
    }

    @Test func `is told with the text and the key of the first try, so that who took it then is not told twice`() async throws {
        try open()
        let first = try #require(try await due(10))
        try await outbox.postpone(
            first, reason: "webhook: no answer", delivered: ["0:x"], until: now + .seconds(15), now: now + .seconds(10))
        try resolve(12)
        let again = try #require(try await due(15))
        #expect(key(first) != nil && key(again) == key(first))
        try await outbox.markSent(again, now: now + .seconds(15))
        #expect(try await due(15)?.notice.payload.status == "resolved")
        #expect(
            try timeline() == [
                "oncall could not be notified yet and is tried again: webhook: no answer",
                "oncall was notified that it is firing",
            ])
    }

    @Test func `is in a dead letter when nobody takes it, and on its timeline, and is not told again`() async throws {
        try open()
        try resolve(50)
        let late = try #require(try await due(100))
        try await outbox.giveUp(late, reason: "webhook: refused", delivered: [], now: now + .seconds(100))
        #expect(try await outbox.nextDue(after: now) == nil)
        #expect(
            try timeline() == ["oncall could not be notified (notification \(late.id) is a dead letter): webhook: refused"])
        let dead = try #require(try NotificationLog(store.incidents).entries().first)
        #expect(dead.payload?.contains(#""status":"firing""#) == true)
    }

    @Test func `within group_wait is told to nobody, as ever, and its timeline says so`() async throws {
        try open()
        try resolve(5)
        let look = try #require(try await due(10))
        #expect(look.alerts.isEmpty)
        try await outbox.skip(look, now: now + .seconds(10))
        #expect(try timeline() == ["oncall was not notified: it had ended when it was to be notified"])
    }

    @Test func `reaches a receiver that was down all the while, as begun and as ended`() async throws {
        let sink = try Sink.away()
        let alerting = RunningAlerting.notifying(["oncall": sink.url], store: store)
        try await alerting.whileRunning {
            let start = Timestamp.now
            func alert(until end: Timestamp) -> Alert {
                Alert(labels: ["alertname": "Short"], startsAt: start, endsAt: end, updatedAt: Timestamp.now)
            }
            try await alerting.inbox.store([alert(until: start + .seconds(600))])
            #expect(try await eventually { try (store.incidents.incident("INC-1001").notifications.first?.attempts ?? 0) > 0 })
            try await alerting.inbox.store([alert(until: Timestamp.now)])
            sink.start()
            #expect(await eventually { sink.posts.count == 2 })
            #expect(sink.posts.map { $0.payload["status"] as? String } == ["firing", "resolved"])
        }
    }
}
