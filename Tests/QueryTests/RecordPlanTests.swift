import Columns
import GRDB
import Testing

@testable import Query

struct `Notifications and audit` {
    private let temporary: TemporaryIncidents

    init() throws { temporary = try TemporaryIncidents() }

    /// With a million rows a scan or a sort of all would be seen at once.
    @Test(
        arguments: [
            ("outbox", "created_at", [], "outbox_created"), ("outbox", "created_at", [("receiver", "a")], "outbox_receiver"),
            ("outbox", "created_at", [("state", "dead"), ("receiver", "a")], "outbox_state"), ("audit", "at", [], "audit_at"),
            ("audit", "at", [("actor", "a")], "audit_actor"),
            ("audit", "at", [("subject", "a"), ("actor", "a")], "audit_subject"),
        ] as [(String, String, [(String, String)], String)])
    func `are read from an index in the order of the answer`(
        table: String, time: String, equal: [(String, String)], index: String
    ) throws {
        for (since, until) in [(nil, nil), (Timestamp.night, nil), (Timestamp.night, Timestamp.night)]
            as [(Timestamp?, Timestamp?)]
        {
            let conditions = RecordQuestions.Conditions(time: time, since, until, equal.map { ($0.0, $0.1) })
            let plan = try temporary.plan(of: "SELECT * FROM \(table)\(conditions.sql)", conditions.arguments + [10])
            #expect(plan.count == 1 && plan[0].contains(index), "\(plan)")
        }
    }

    /// Alerts that hold are few, so all are looked at; what is sorted are their numbers, and no more of them than are asked for.
    @Test func `of alerts are sorted by number, and read by it`() throws {
        let plan = try temporary.plan(
            of: RecordQuestions.alertsInOrder, [Int64.min, Int64.max, nil, Timestamp.night.microseconds, 100])
        #expect(plan.filter { $0.hasPrefix("SCAN") } == ["SCAN alert", "SCAN s"], "\(plan)")
        #expect(plan.contains("SEARCH a USING INTEGER PRIMARY KEY (rowid=?)"), "\(plan)")
        // One sort, and that within the question that is limited.
        #expect(plan.filter { $0.contains("TEMP B-TREE") }.count == 1, "\(plan)")
        #expect(plan.firstIndex { $0.contains("TEMP B-TREE") }! < plan.firstIndex(of: "SCAN s")!, "\(plan)")
    }
}
