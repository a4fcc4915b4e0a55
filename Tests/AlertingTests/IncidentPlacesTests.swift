import Columns
import Detection
import GRDB
import Store
import TestSupport
import Testing

@testable import Alerting
@testable import Incidents

/// Where an incident stands in lists, under which labels it is found, and who was told of it.
struct `The place of an incident` {
    private let store: TemporaryStore
    private let now = Timestamp.start

    init() throws { store = try TemporaryStore() }

    private func texts(_ sql: String) throws -> [String] { try store.incidents.read { try String.fetchAll($0, sql: sql) } }

    @Test(arguments: [
        // How long before it was opened it began, and how long before that it stands.
        (0, 0), (1, 0), (3599, 0), (3600, 0), (3601, 3601), (86_400, 86_400),
        // Clocks of others go ahead.
        (-5, -5),
    ])
    func `is when it was opened, and when it began if that is long past`(age: Int, place: Int) throws {
        let finding = Finding(
            name: "SSHBruteForce", detector: "rule", severity: .warning, labels: ["source": "10.0.0.1"], title: "t",
            description: "d",
            startsAt: now - .seconds(age), lastSeen: now - .seconds(age), count: 1)
        try store.incidents.record([finding], routing: nil, now: now)
        let listed = try store.incidents.read { try Int64.fetchOne($0, sql: "SELECT listed_at FROM incident")! }
        #expect(Timestamp(microseconds: listed) == now - .seconds(place))
    }

    /// Whatever people and findings do with incidents, each stands under its labels and those of its parts, and nothing stands
    /// anywhere else.
    @Test(arguments: 1...12)
    func `under labels follows all that becomes of it`(seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        var policy = IncidentPolicy()
        policy.joinLabels = seed % 3 == 0 ? ["source", "host"] : ["source"]
        policy.joinWithin = .seconds(300)
        for step in 0..<120 {
            let time = now + .seconds(step * 60)
            func some() -> String { "INC-\(1001 + Int.random(in: 0..<max(1, step / 2), using: &random))" }
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                let names = ["SSHBruteForce", "SSHPasswordSpray", "SSHAnomalousSource"]
                let finding = Finding(
                    name: names.randomElement(using: &random)!, detector: "rule",
                    severity: [.info, .warning, .critical].randomElement(using: &random)!,
                    labels: [
                        "source": "10.0.0.\(Int.random(in: 1...4, using: &random))",
                        "host": "web-\(Int.random(in: 1...2, using: &random))",
                    ],
                    title: "t\(step)", description: "d", startsAt: time - .seconds(Int.random(in: 0...7200, using: &random)),
                    lastSeen: time,
                    count: step + 1)
                try store.incidents.record([finding], routing: nil, policy: policy, now: time)
            case 5, 6: _ = try? store.incidents.perform(.merge([some(), some()]), on: some(), by: "ann", now: time)
            case 7: _ = try? store.incidents.perform(.split, on: some(), by: "ann", now: time)
            case 8:
                _ = try? store.incidents.perform(
                    [.resolve, .reopen].randomElement(using: &random)!, on: some(), by: "ann", now: time)
            default:
                let number = Int.random(in: 1001...1040, using: &random)
                try store.incidents.write { database in
                    // As a posted alert does that began earlier and has fewer labels.
                    try database.execute(
                        sql:
                            "UPDATE incident SET labels = '{\"source\":\"10.0.0.9\"}', starts_at = starts_at - 5000000000 WHERE number = ?",
                        arguments: [number])
                }
            }
            #expect(try store.incidents.problems() == [], "step \(step)")
        }
        let known = try texts("SELECT number FROM incident").count
        let forgotten = try store.incidents.forget(endedBefore: now + .seconds(100 * 60))
        #expect(try texts("SELECT number FROM incident").count == known - forgotten)
        #expect(try store.incidents.problems() == [])
        let wholes = try texts("SELECT count(*) FROM incident WHERE merged_into IS NULL")
        #expect(try texts("SELECT count(DISTINCT incident) FROM incident_label") == wholes)
    }

    /// Parts may be thousands in a storm; what several labels must have together, one of them must have.
    @Test func `of a finding is with those that have all of its labels together`() throws {
        var policy = IncidentPolicy()
        policy.joinLabels = ["source", "host"]
        func finding(_ name: String, _ source: String, _ host: String) -> Finding {
            Finding(
                name: name, detector: "rule", severity: .warning, labels: ["source": source, "host": host], title: "t",
                description: "d",
                startsAt: now, lastSeen: now, count: 1)
        }
        try store.incidents.record([finding("A", "1", "a"), finding("A", "2", "b")], routing: nil, policy: policy, now: now)
        try store.incidents.perform(.merge(["INC-1002"]), on: "INC-1001", by: "ann", now: now)
        let found = [finding("B", "2", "b"), finding("B", "1", "b"), finding("B", "1", "a")]
        try store.incidents.record(found, routing: nil, policy: policy, now: now)
        #expect(
            try texts("SELECT coalesce(merged_into, 'alone') FROM incident ORDER BY number") == [
                "alone", "1001", "1001", "alone", "1001",
            ])
    }

    /// An incident is read again when the review is written, and then the groups of its receivers are long forgotten.
    @Test func `in the memory of who was told outlives the groups`() throws {
        var route = Route(receiver: "oncall")
        route.groupBy = ["host"]
        try store.incidents.record([.bruteForce(), .bruteForce(from: "10.0.0.2")], routing: route.settled, now: now)
        try store.incidents.perform(.end(as: .fixed), on: "INC-1001", by: "ann", now: now)
        try store.incidents.perform(.end(as: .fixed), on: "INC-1002", by: "ann", now: now)
        try store.incidents.write { database in
            try database.execute(sql: "DELETE FROM alert_membership; UPDATE alert_grouping SET last_flush = 1")
            try AlertStore.forget(endedBefore: now + .seconds(1), database)
        }
        #expect(try texts("SELECT receiver FROM alert_grouping") == [])
        #expect(try store.incidents.incident("INC-1001").notifications.map(\.receiver) == ["oncall"])
        #expect(
            try texts("SELECT measure || ' ' || count FROM incident_statistic WHERE receiver = 'oncall' ORDER BY 1") == [
                "opened 2", "resolve 2",
            ])
        // Who opens it again tells nobody anew, and nothing breaks.
        #expect(try store.incidents.perform(.reopen, on: "INC-1001", by: "ann", now: now).state == .open)
        #expect(try store.store.problems() == [])
    }
}
