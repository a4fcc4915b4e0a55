import Columns
import Incidents
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import Alerting
@testable import Notify

/// Work beside the sending, and what its failures touch.
struct `A chore` {
    private let store: TemporaryStore

    init() throws { store = try TemporaryStore() }

    struct Failure: Error {}

    private struct Throwing: Chore {
        let name = "throwing"
        let interval = Duration.milliseconds(1)
        func run(_: AlertingConfiguration, now: Timestamp) async throws { throw Failure() }
    }

    private final class Hanging: Chore {
        let name = "hanging"
        let interval = Duration.milliseconds(1)
        let calls = Atomic(0)

        func run(_: AlertingConfiguration, now: Timestamp) async throws {
            calls.add(1, ordering: .relaxed)
            try await Task.sleep(for: .seconds(3600))
        }
    }

    @Test func `that throws every time, or never ends, stops no notification and no other chore`() async throws {
        let sink = try Sink(), health = HealthNotes(), hanging = Hanging()
        let alerting = RunningAlerting.notifying(
            ["oncall": sink.url], store: store, health: health, chores: [Throwing(), hanging]
        ) {
            $0.escalations = [EscalationPolicy(steps: [.init(after: .zero, target: .receiver("oncall"))])]
        }
        try await alerting.whileRunning {
            #expect(await eventually { hanging.calls.load(ordering: .relaxed) == 1 })
            #expect(await eventually { health.all.contains { $0.contains("throwing fails and is tried again") } })
            try await alerting.inbox.record([.bruteForce()])
            // By its route, and by the chore that escalates.
            #expect(await eventually { sink.posts.count >= 2 })
        }
        #expect(hanging.calls.load(ordering: .relaxed) == 1)
    }

    @Test func `that fails is tried again after pauses that grow, and its note goes when it succeeds`() async throws {
        let health = HealthNotes()
        let failing = FailingOnce()
        let alerting = RunningAlerting.notifying(
            ["oncall": "http://127.0.0.1:1/"], store: store, health: health, chores: [failing])
        try await alerting.whileRunning {
            #expect(await eventually { failing.calls.load(ordering: .relaxed) >= 2 })
            #expect(await eventually { !health.all.contains { $0.contains("failing once") } })
        }
    }

    private final class FailingOnce: Chore {
        let name = "failing once"
        let interval = Duration.milliseconds(1)
        let calls = Atomic(0)

        func run(_: AlertingConfiguration, now: Timestamp) async throws {
            if calls.add(1, ordering: .relaxed).oldValue == 0 { throw Failure() }
        }
    }

    /// Guards against notifications to receivers that a reload has removed.
    @Test func `puts alerts into the groups of a new configuration before the next notification`() async throws {
        let old = try Sink(), new = try Sink()
        let first = RunningAlerting.notifying(["old": old.url], store: store)
        try await first.inbox.record([.bruteForce()])
        let second = RunningAlerting.notifying(["new": new.url], store: store)
        try await second.whileRunning { #expect(await eventually { new.posts.count == 1 }) }
        #expect(old.posts.isEmpty)
        #expect(try store.incidents.incident("INC-1001").timeline.filter { $0.kind == .undelivered }.isEmpty)
    }
}
