import Columns
import Detection
import Foundation
import GRDB
import Store
import Telemetry
import TestSupport
import Testing

@testable import Alerting
@testable import Incidents

/// Guards against one notification being sent 300 times a second while the disk is full.
struct `A notification that went out and cannot be stored` {
    private let store: TemporaryStore
    private let metrics = MetricsRegistry()

    init() throws { store = try TemporaryStore() }

    private func fail(_ isFailing: Bool) throws {
        try store.store.database.write { database in
            for (name, change) in [("failing_update", "UPDATE"), ("failing_delete", "DELETE")] {
                try database.execute(
                    sql: isFailing
                        ? "CREATE TRIGGER \(name) BEFORE \(change) ON outbox BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
                        : "DROP TRIGGER \(name)")
            }
        }
    }

    private func errors() -> Int {
        metrics.exposition().split(separator: "\n").first { $0.hasPrefix("obs_store_errors_total ") }
            .flatMap { $0.split(separator: " ").last.flatMap { Double($0) } }.map { Int($0) } ?? 0
    }

    @Test(arguments: [([], OutboxState.sent, 1), (["400 No"], .dead, 1), (["503 Busy"], .sent, 2)])
    func `is not sent again meanwhile, and is stored as it went when that is possible`(
        answers: [String], state: OutboxState, posts: Int
    )
        async throws
    {
        let sink = try Sink(answers: answers)
        let alerting = RunningAlerting.notifying(["oncall": sink.url], store: store, metrics: metrics)
        try fail(true)
        try await alerting.whileRunning {
            try await alerting.inbox.record([.bruteForce()])
            // Twice it could not be stored, with a pause between.
            #expect(await eventually { errors() >= 2 })
            #expect(sink.posts.count == 1)
            #expect(metrics.exposition().contains("obs_notifications_unstored 1"))
            try fail(false)
            #expect(try await eventually { try store.incidents.incident("INC-1001").notifications.first?.state == state })
        }
        #expect(sink.posts.count == posts)
        #expect(metrics.exposition().contains("obs_notifications_unstored 0"))
        #expect(Set(sink.posts.map { $0.headers["idempotency-key"] }).count == 1)
    }

    @Test func `is stored when the process ends in order`() async throws {
        let sink = try Sink()
        let alerting = RunningAlerting.notifying(["oncall": sink.url], store: store, metrics: metrics)
        try fail(true)
        try await alerting.whileRunning {
            try await alerting.inbox.record([.bruteForce()])
            #expect(await eventually { errors() >= 1 })
            try fail(false)
        }
        #expect(try store.incidents.incident("INC-1001").notifications.first?.state == .sent)
        #expect(sink.posts.count == 1)
    }

    @Test func `is tried to be stored after pauses that grow to a bound, and others after the first success`() {
        var unstored = Unstored()
        let start = ContinuousClock.now
        var pauses: [Duration] = []
        for _ in 0..<12 {
            _ = unstored.failed(7, nil, now: start)
            var pause = Duration.zero
            while !unstored.permits(7, now: start + pause) { pause += .milliseconds(250) }
            pauses.append(pause)
        }
        #expect(zip(pauses, pauses.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(pauses.first! >= .milliseconds(250) && pauses.last! == Unstored.longestPause)
        _ = unstored.failed(8, nil, now: start)
        unstored.stored(8, now: start)
        #expect(unstored.permits(7, now: start))
    }

    @Test func `keeps others from being sent once there are so many that memory would grow`() async throws {
        var unstored = Unstored()
        try store.incidents.record([.bruteForce()], routing: Route(receiver: "oncall"), now: .start)
        let outbox = Outbox(incidents: store.incidents)
        let draft = try #require(try await outbox.draft(1, now: .start, AlertingConfiguration()))
        let entry = Unstored.Entry(draft: draft, settlement: .nothingToSay, at: .start)
        for id in 0..<Int64(Unstored.limit) { _ = unstored.failed(id, entry, now: .now) }
        #expect(!unstored.permits(Int64(Unstored.limit), now: .now + .seconds(3600)))
        unstored.stored(0, now: .now)
        #expect(unstored.permits(Int64(Unstored.limit), now: .now))
    }

    @Test func `whose group is gone is taken out of the way instead of being looked at without a pause`() async throws {
        let outbox = Outbox(incidents: store.incidents)
        try await store.store.database.write {
            try Outbox.schedule("oncall", "{}:{gone}", at: .start, pendingSince: .start, $0)
        }
        try await RunningAlerting.notifying(["oncall": "http://127.0.0.1:1/"], store: store).whileRunning {
            let isGone = try await eventually { try await outbox.due(now: .start).isEmpty }
            #expect(isGone)
        }
    }
}
