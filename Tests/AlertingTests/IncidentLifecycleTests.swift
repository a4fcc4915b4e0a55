import Columns
import Detection
import Testing

@testable import Alerting
@testable import Incidents

struct `Incidents` {
    private let store: TemporaryStore
    private let now = Timestamp.start

    init() throws { store = try TemporaryStore() }

    @Test func `are numbered from 1001 on`() throws {
        #expect(try store.incidents.record([.bruteForce()], routing: nil, now: now) == [.opened("INC-1001")])
    }

    @Test func `take in a later finding about the same thing, also after a restart, and open no second one`() throws {
        try store.incidents.record([.bruteForce(count: 10)], routing: nil, now: now)
        let reopened = IncidentStore(store.store)
        let later = Finding.bruteForce(count: 20, at: now + .seconds(60), lines: [80, 160])
        #expect(try reopened.record([later], routing: nil, now: now + .seconds(60)) == [.joined("INC-1001")])
        let (incident, evidence, _, _) = try reopened.incident("INC-1001")
        #expect(incident.count == 20)
        #expect(evidence.map(\.offset) == [0, 80, 160])
    }

    @Test func `do not change when the same events are read again after a crash`() throws {
        try store.incidents.record(
            [.bruteForce(count: 10), .bruteForce(count: 20, at: now + .seconds(9))], routing: nil, now: now)
        let again = try store.incidents.record(
            [.bruteForce(count: 10), .bruteForce(count: 20, at: now + .seconds(9))], routing: nil, now: now + .seconds(30))
        #expect(again == [.known, .known])
        #expect(try store.incidents.incident("INC-1001").incident.count == 20)
        #expect(try store.incidents.incident("1001").timeline.count == 1)
    }

    @Test func `that ended are not opened again by old events, but by new ones`() throws {
        try store.incidents.record([.bruteForce()], routing: nil, now: now)
        try store.incidents.perform(.resolve, on: "INC-1001", by: "ann", note: nil, now: now + .seconds(5))
        #expect(try store.incidents.record([.bruteForce(count: 11)], routing: nil, now: now + .seconds(6)) == [.known])
        #expect(
            try store.incidents.record([.bruteForce(at: now + .seconds(10))], routing: nil, now: now + .seconds(10)) == [
                .opened("INC-1002")
            ])
    }

    @Test func `are acknowledged once, and whoever comes second is told who was first`() throws {
        try store.incidents.record([.bruteForce()], routing: nil, now: now)
        try store.incidents.perform(.acknowledge, on: "INC-1001", by: "ann", note: nil, now: now)
        let refusal = #expect(throws: IncidentError.self) {
            try store.incidents.perform(.acknowledge, on: "INC-1001", by: "bob", note: nil, now: now)
        }
        #expect(refusal?.description == "INC-1001 is acknowledged by ann already and cannot be acknowledged")
        #expect(try store.incidents.incident("INC-1001").timeline.map(\.actor) == ["obs", "ann"])
    }

    @Test func `that there are not are named in the refusal`() {
        #expect(throws: IncidentError.self) { try store.incidents.perform(.note, on: "INC-7", by: "ann", note: "x", now: now) }
        #expect(throws: IncidentError.self) { try store.incidents.perform(.note, on: "seven", by: "ann", note: "x", now: now) }
    }

    @Test func `end by themselves when nothing new was seen for the time-out, not before`() throws {
        try store.incidents.record([.bruteForce()], routing: nil, now: now)
        #expect(try store.incidents.resolveQuiet(after: .seconds(300), now: now + .seconds(300)) == 0)
        #expect(try store.incidents.resolveQuiet(after: .seconds(300), now: now + .seconds(301)) == 1)
        #expect(try store.incidents.incident("INC-1001").incident.state == .resolved)
    }

    @Test func `keep a bounded number of lines as evidence, however long an attack goes on`() throws {
        for round in 0..<20 {
            let lines = (0..<12).map { Int64(round * 12 + $0) }
            try store.incidents.record(
                [.bruteForce(count: 10 + round, at: now + .seconds(round), lines: lines)], routing: nil,
                now: now + .seconds(round))
        }
        #expect(try store.incidents.incident("INC-1001").evidence.count == 50)
        #expect(try store.incidents.incident("INC-1001").incident.count == 29)
    }
}
