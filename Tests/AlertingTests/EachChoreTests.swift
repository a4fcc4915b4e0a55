import Columns
import GRDB
import Incidents
import Store
import Telemetry
import TestSupport
import Testing

@testable import Alerting
@testable import Notify

/// Each chore by itself, as the loop calls it.
struct `Each chore` {
    private let store: TemporaryStore
    private let metrics = MetricsRegistry()
    private let alerting: RunningAlerting
    private var configuration: AlertingConfiguration { alerting.inbox.inForce }

    init() throws {
        store = try TemporaryStore()
        let dead = DeadMansSwitch(name: "w", matchers: try [Matcher](parsing: "alertname=Watchdog"))
        alerting = RunningAlerting.notifying(["r": "http://127.0.0.1:9/"], store: store, metrics: metrics) {
            $0.deadMansSwitches = [dead]
        }
    }

    static let names = [
        "correcting times that a clock that was ahead has stored", "putting alerts into the groups of the configuration",
        "looking over the rows of the store", "forgetting what ended long ago", "watching dead man's switches",
        "escalating incidents", "summing up what was found in the past", "counting how long incidents took",
        "resolving incidents without new events", "reading the numbers of the store",
    ]

    private func chore(_ name: String) throws -> any Chore {
        try #require(alerting.chores.all.first { $0.name == name })
    }

    @Test func `is named for what it does, and is in the list once`() {
        #expect(alerting.chores.all.map(\.name).sorted() == Self.names.sorted())
        #expect(alerting.chores.all.allSatisfy { $0.interval >= .seconds(1) })
    }

    @Test(arguments: names) func `has nothing to do in an empty store, and does it`(name: String) async throws {
        let chore = try chore(name)
        for _ in 0..<2 { try await chore.run(configuration, now: .now) }
        #expect(try await Outbox(incidents: store.incidents).due(now: .now + .seconds(86_400)).isEmpty)
    }

    /// What is swallowed here is neither named nor tried again.
    @Test(arguments: names) func `throws when the store fails`(name: String) async throws {
        let chore = try chore(name)
        try store.store.database.close()
        await #expect(throws: (any Error).self) { try await chore.run(configuration, now: .now) }
    }

    @Test func `that resolves ends what has seen nothing new for the time-out`() async throws {
        let now = Timestamp.now
        try store.incidents.record([.bruteForce(at: now)], routing: nil, now: now)
        let chore = try chore("resolving incidents without new events")
        try await chore.run(configuration, now: now + .seconds(299))
        #expect(try store.incidents.incident("INC-1001").incident.state == .open)
        try await chore.run(configuration, now: now + .seconds(301))
        #expect(try store.incidents.incident("INC-1001").incident.state == .resolved)
    }

    @Test func `that forgets deletes what ended before the time that is kept`() async throws {
        let now = Timestamp.now
        try store.incidents.record([.bruteForce(at: now)], routing: nil, now: now)
        try store.incidents.perform(.end(as: .fixed), on: "1001", by: "ann", now: now)
        let keep = configuration.incidents.keep
        let chore = try chore("forgetting what ended long ago")
        try await chore.run(configuration, now: now)
        #expect(try store.incidents.incident("INC-1001").incident.state == .resolved)
        // The clock goes there day by day: one that jumps is not believed.
        var time = now
        while time < now + keep + .seconds(2 * 86_400) {
            time = time + .seconds(86_400)
            _ = try await store.incidents.write { [time] in try IncidentStore.believedTime(time, $0) }
        }
        try await chore.run(configuration, now: time)
        #expect(throws: IncidentError.self) { try store.incidents.incident("INC-1001") }
    }

    @Test func `that counts and the one that reads show what others have done`() async throws {
        let now = Timestamp.now
        try store.incidents.record([.bruteForce(at: now)], routing: nil, now: now)
        try store.incidents.perform(.acknowledge, on: "1001", by: "ann", now: now + .seconds(7))
        try await chore("counting how long incidents took").run(configuration, now: now + .seconds(8))
        try await chore("reading the numbers of the store").run(configuration, now: now + .seconds(8))
        let exposition = metrics.exposition()
        #expect(exposition.contains("obs_incident_time_to_acknowledge_seconds_sum{severity=\"warning\"} 7\n"))
        #expect(exposition.contains("obs_incidents{state=\"acknowledged\",severity=\"warning\"} 1\n"))
    }
}
