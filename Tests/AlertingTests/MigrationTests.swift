import Foundation
import GRDB
import Store
import TestSupport
import Testing

@testable import Alerting

struct `A database of an earlier version` {
    /// The steps that were there, one more each time; from the first on it can hold incidents.
    @Test(arguments: 1..<IncidentStore.migrations.count)
    func `is brought up to date with what is in it`(steps: Int) throws {
        let hasGroups = steps > Self.step(of: "alerts-1") && steps <= Self.step(of: "incidents-5")
        let directory = TemporaryFolder(), folder = directory.path
        do {
            let old = try Store(path: folder + "/obs.db", migrations: Array(IncidentStore.migrations.prefix(steps)))
            try old.database.write { database in
                for (number, state) in [(1001, "open"), (1002, "acknowledged"), (1003, "resolved")] {
                    try database.execute(
                        sql: """
                            INSERT INTO incident (number, fingerprint, name, detector, severity, state, title, description, labels, starts_at, last_seen,
                                opened_at, updated_at, resolved_at, acknowledged_by, count, contributions)
                            VALUES (?, ?, 'SSHBruteForce', 'rule', 'warning', ?, 'Brute force', 'd', '{"source":"192.0.2.7"}', 1000000, 2000000,
                                3000000, 3000000, ?, ?, 12, '[]')
                            """,
                        arguments: [
                            number, "f\(number)", state, state == "resolved" ? 9_000_000 : nil,
                            state == "acknowledged" ? "ann" : nil,
                        ])
                    try database.execute(
                        sql:
                            "INSERT INTO timeline (incident, at, actor, kind, text) VALUES (?, 3000000, 'obs', 'opened', 'opened by the firewall')",
                        arguments: [number])
                    try database.execute(
                        sql:
                            "INSERT INTO evidence (incident, file, offset, line, time) VALUES (?, 'auth.log', 7, 'Failed password', 1000000)",
                        arguments: [number])
                }
            }
            try old.database.write { database in
                // What only later versions know: a part of another, and who was told.
                if steps > Self.step(of: "incidents-1") {
                    try database.execute(
                        sql: "UPDATE incident SET merged_into = 1001, labels = '{\"source\":\"192.0.2.8\"}' WHERE number = 1003")
                }
                if hasGroups {
                    try database.execute(
                        sql: """
                            INSERT INTO alert_grouping (id, receiver, group_key, group_labels, group_interval, repeat_interval) VALUES (7, 'oncall', 'k', '{}', 1, 1);
                            INSERT INTO incident_grouping VALUES (1002, 7);
                            """)
                }
            }
            try old.database.close()
        }
        let store = try Store(path: folder + "/obs.db", migrations: IncidentStore.migrations)
        let incidents = IncidentStore(store)
        let (incident, evidence, timeline, _) = try incidents.incident("INC-1002")
        #expect(incident.acknowledgedBy == "ann" && incident.count == 12 && incident.version == 1)
        #expect(evidence.count == 1 && timeline.count == 1)
        let hasPart = steps > Self.step(of: "incidents-1")
        #expect(try incidents.counts().filter { $0.count > 0 }.map(\.count) == (hasPart ? [1, 1] : [1, 1, 1]))
        // What was written above by hand is put into the text search by the next who writes.
        try incidents.perform(.note, on: "1001", by: "bob", note: "up to date", now: .start)
        let found = try store.database.read { database in
            try [
                "SELECT count(*) FROM incident_label WHERE value GLOB '192.0.2.[78]'",
                "SELECT count(*) FROM incident_search WHERE incident_search MATCH 'brute'",
                "SELECT count(*) FROM timeline_search WHERE timeline_search MATCH 'firewall'",
                "SELECT sum(count) FROM incident_statistic WHERE measure = 'opened' AND receiver = ''",
                "SELECT sum(count) FROM incident_statistic_block WHERE measure = 'opened' AND receiver = ''",
                "SELECT sum(count) FROM incident_statistic_day WHERE measure = 'opened'",
                "SELECT count(*) FROM escalation",
            ].map { try Int.fetchOne(database, sql: $0)! }
        }
        #expect(found == [3, 3, 3, 3, 3, 3, 1])
        #expect(try incidents.problems() == [])
        #expect(try store.problems() == [])
        let told = try store.database.read {
            try String.fetchAll($0, sql: "SELECT incident || receiver || group_key FROM incident_told")
        }
        #expect(told == (hasGroups ? ["1002oncallk"] : []))
        try incidents.perform(.acknowledge, on: "1001", by: "bob", now: .start)
    }

    /// How many steps were there before the one called `id`.
    private static func step(of id: String) -> Int { IncidentStore.migrations.firstIndex { $0.id == id }! }
}
