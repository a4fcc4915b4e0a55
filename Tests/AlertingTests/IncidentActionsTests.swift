import Store
import Columns
import Detection
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Alerting
@testable import Incidents

struct `What people decide about incidents` {
    private let store: TemporaryStore
    private let now = Timestamp.start

    init() throws {
        store = try TemporaryStore()
        try store.incidents.record([.bruteForce(from: "10.0.0.1"), .bruteForce(from: "10.0.0.2")], routing: route, now: now)
    }

    private var route: Route {
        var route = Route(receiver: "oncall")
        route.groupBy = ["alertname"]
        route.groupWait = .zero
        return route
    }

    private func incident(_ id: String = "INC-1001") throws -> Incident { try store.incidents.incident(id).incident }

    private func perform(
        _ action: IncidentStore.Action, _ id: String = "INC-1001", by actor: String = "ann", note: String? = nil,
        version: Int? = nil
    )
        throws -> Incident
    {
        try store.incidents.perform(action, on: id, by: actor, note: note, ifVersion: version, now: now + .seconds(60))
    }

    @Test func `goes from open over acknowledged to resolved and back to open, each with who did it`() throws {
        #expect(try perform(.acknowledge).acknowledgedBy == "ann")
        let ended = try perform(.end(as: .falsePositive), by: "bob", note: "the backup job")
        #expect(ended.state == .resolved && ended.resolution == .falsePositive && ended.changedBy == "bob")
        let again = try perform(.reopen, by: "cid")
        #expect(again.state == .open && again.resolution == nil && again.acknowledgedBy == nil && again.reopened == 1)
        let timeline = try store.incidents.incident("INC-1001").timeline
        #expect(timeline.map(\.kind) == [.opened, .acknowledged, .resolved, .reopened])
        #expect(timeline.map(\.actor) == ["obs", "ann", "bob", "cid"])
        #expect(timeline[2].text == "resolved as false positive: the backup job")
    }

    @Test func `grows the version by each decision, and by no event`() throws {
        #expect(try incident().version == 1)
        #expect(try perform(.acknowledge).version == 2)
        #expect(try perform(.assign(to: "bob")).version == 3)
        #expect(try perform(.note, note: "looking").version == 3)
        try store.incidents.record(
            [.bruteForce(from: "10.0.0.1", count: 20, at: now + .seconds(5))], routing: route, now: now + .seconds(5))
        #expect(try incident().version == 3)
    }

    @Test func `is refused when somebody else was faster, and says who`() throws {
        let read = try incident().version
        _ = try perform(.assign(to: "bob"), by: "bob", version: read)
        let refusal = #expect(throws: IncidentError.self) { try perform(.end(as: .fixed), version: read) }
        #expect(refusal?.description == "bob was faster: INC-1001 is at version 2 now, not 1; look at it again and decide anew")
        #expect(try incident().state == .open)
    }

    @Test func `is refused where it makes no sense, with what is so instead`() throws {
        for (action, part) in [
            (IncidentStore.Action.reopen, "INC-1001 is open and cannot be reopened"), (.split, "no part of another"),
            (.assign(to: nil), "assigned to nobody"), (.note, "the note is empty"), (.merge([]), "from 1 to 1000"),
            (.merge(["INC-1001"]), "into itself"), (.merge(["INC-9"]), "no incident INC-9"),
        ] as [(IncidentStore.Action, String)] {
            let refusal = #expect(throws: IncidentError.self) { try perform(action) }
            #expect(refusal?.description.contains(part) == true, "\(action): \(refusal?.description ?? "")")
        }
        #expect(throws: IncidentError.self) { try perform(.note, by: "", note: "x") }
        #expect(throws: IncidentError.self) { try perform(.note, by: "an\u{1B}n", note: "x") }
        #expect(throws: IncidentError.self) { try perform(.note, note: String(repeating: "x", count: 16_385)) }
        #expect(try store.incidents.incident("INC-1001").timeline.count == 1)
    }

    @Test func `merges incidents into one that is acknowledged, counted and resolved as a whole, and splits them again`() throws {
        _ = try perform(.acknowledge)
        let whole = try perform(.merge(["INC-1002"]), note: "the same botnet")
        #expect(whole.count == 20)
        #expect(try incident("INC-1002").mergedInto == 1001)
        #expect(try incident("INC-1002").state == .acknowledged)
        #expect(try store.incidents.incident("INC-1001").timeline.last?.text.contains("the same botnet") == true)
        let refusal = #expect(throws: IncidentError.self) { try perform(.end(as: .fixed), "INC-1002") }
        #expect(refusal?.description.contains("is a part of INC-1001; do it there") == true)
        // What its part sees, the whole has seen.
        try store.incidents.record(
            [.bruteForce(from: "10.0.0.2", count: 15, at: now + .seconds(90))], routing: route, now: now + .seconds(90))
        #expect(try incident().count == 25)
        #expect(try incident().lastSeen == now + .seconds(90))
        _ = try perform(.split, "INC-1002")
        #expect(try incident().count == 10)
        #expect(try incident("INC-1002").mergedInto == nil)
        _ = try perform(.merge(["INC-1002"]))
        _ = try perform(.end(as: .fixed))
        #expect(try incident("INC-1002").state == .resolved)
    }

    @Test func `joins what has the same labels or stands on the same lines, where the policy says so, and says why`() throws {
        var policy = IncidentPolicy()
        policy.joinLabels = ["source"]
        func login(_ source: String, lines: [Int64]) -> Finding {
            Finding(
                name: "SSHSuccessAfterFailures", detector: "rule", severity: .critical,
                labels: ["source": source, "user": "root"],
                title: "\(source) logged in", description: "", startsAt: now, lastSeen: now + .seconds(30), count: 1,
                evidence: lines.map { Evidence(file: "auth.log", offset: $0, line: "Accepted password", time: now) })
        }
        try store.incidents.record([login("10.0.0.1", lines: [500])], routing: route, policy: policy, now: now + .seconds(31))
        let part = try incident("INC-1003")
        #expect(part.mergedInto == 1001)
        #expect(part.mergedBecause == #"it has the same source="10.0.0.1" as INC-1001"#)
        #expect(try incident().severity == .critical)
        policy = IncidentPolicy()
        policy.joinsEvidence = true
        try store.incidents.record([login("10.0.0.9", lines: [80])], routing: route, policy: policy, now: now + .seconds(31))
        #expect(try incident("INC-1004").mergedBecause?.contains("same line (auth.log:80)") == true)
        try store.incidents.record([login("10.0.0.8", lines: [7])], routing: route, policy: policy, now: now + .seconds(31))
        #expect(try incident("INC-1005").mergedInto == nil)
    }

    @Test func `tells of a new kind of alert in an acknowledged incident, and does not repeat the old`() async throws {
        var policy = IncidentPolicy()
        policy.joinLabels = ["source"]
        policy.notifyMaxAge = .seconds(100 * 365 * 86_400)
        let sink = try Sink()
        let alerting = RunningAlerting.notifying(["oncall": sink.url], store: store) { $0.incidents = policy }
        try await alerting.whileRunning {
            try await alerting.inbox.record([.bruteForce(from: "10.0.0.7")])
            #expect(await eventually { sink.posts.contains { $0.body.contains("10.0.0.7") } })
            _ = try perform(.acknowledge, "INC-1003")
            let before = sink.posts.count
            try await alerting.inbox.record([
                Finding(
                    name: "SSHSuccessAfterFailures", detector: "rule", severity: .critical, labels: ["source": "10.0.0.7"],
                    title: "in",
                    description: "", startsAt: now, lastSeen: now, count: 1)
            ])
            #expect(try incident("INC-1004").mergedInto == 1003)
            #expect(await eventually { sink.posts.dropFirst(before).contains { $0.body.contains("SSHSuccessAfterFailures") } })
        }
        #expect(try incident("INC-1003").state == .acknowledged)
    }

    @Test func `keeps what comes and goes open until it has been quiet for long`() throws {
        var time = now
        for round in 1...5 {
            try store.incidents.perform(.resolve, on: "INC-\(try newest())", by: "ann", now: time)
            time = time + .seconds(60)
            try store.incidents.record([.bruteForce(from: "10.0.0.2", count: 10 + round, at: time)], routing: route, now: time)
        }
        let flapping = try incident("INC-\(try newest())")
        #expect(flapping.isFlapping && flapping.reopened == 1)
        #expect(flapping.number == 1006)
        #expect(try store.incidents.resolveQuiet(after: .seconds(300), now: time + .seconds(3500)) == 1)
        #expect(try incident(flapping.id).state == .open)
        #expect(try store.incidents.resolveQuiet(after: .seconds(300), now: time + .seconds(3601)) == 1)
        #expect(try incident(flapping.id).state == .resolved)
    }

    private func newest() throws -> Int64 {
        try store.store.database.read {
            try Int64.fetchOne($0, sql: "SELECT max(number) FROM incident WHERE labels LIKE '%10.0.0.2%'") ?? 0
        }
    }

    @Test func `is counted by day and rule, and taken back where it did not hold`() throws {
        _ = try perform(.acknowledge)
        _ = try perform(.end(as: .falsePositive))
        func count(_ measure: String) throws -> Int {
            try store.store.database.read {
                try Int.fetchOne(
                    $0, sql: "SELECT coalesce(sum(count), 0) FROM incident_statistic WHERE measure = ? AND receiver = ''",
                    arguments: [measure])!
            }
        }
        #expect(try ["opened", "detect", "acknowledge", "resolve", "false_positive"].map(count) == [2, 2, 1, 1, 1])
        _ = try perform(.reopen)
        #expect(try ["resolve", "false_positive"].map(count) == [0, 0])
        let counts = try store.incidents.counts().filter { $0.count > 0 }
        #expect(counts.map { "\($0.state) \($0.severity) \($0.count)" } == ["open warning 2"])
        #expect(try store.incidents.problems().isEmpty)
    }

    @Test func `forgets what ended long ago, and keeps what was counted`() throws {
        _ = try perform(.end(as: .fixed))
        #expect(try store.incidents.forget(endedBefore: now + .seconds(30)) == 0)
        #expect(try store.incidents.forget(endedBefore: now + .seconds(3600)) == 1)
        #expect(throws: IncidentError.self) { try incident() }
        #expect(try incident("INC-1002").state == .open)
        #expect(try store.incidents.problems().isEmpty)
        let left = try store.store.database.read { database in
            try ["timeline", "evidence", "incident_label"].map {
                try Int.fetchOne(database, sql: "SELECT count(*) FROM \($0) WHERE incident = 1001")!
            }
        }
        #expect(left == [0, 0, 0])
        #expect(
            try store.store.database.read {
                try Int.fetchOne($0, sql: "SELECT sum(count) FROM incident_statistic WHERE measure = 'opened' AND receiver = ''")
            } == 2)
    }
}
