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
            let plan = try temporary.incidents.read { database in
                try Row.fetchAll(
                    database, sql: "EXPLAIN QUERY PLAN SELECT * FROM \(table)\(conditions.sql)",
                    arguments: conditions.arguments + [10]
                ).map { $0["detail"] as String }
            }
            #expect(plan.count == 1 && plan[0].contains(index), "\(plan)")
        }
    }
}
