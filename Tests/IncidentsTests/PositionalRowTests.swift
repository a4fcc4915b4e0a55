import Columns
import Detection
import Foundation
import GRDB
import Store
import TestSupport
import Testing

@testable import Incidents

/// Records are read by position: the list of columns and the initializer that reads them must not drift apart.
struct `A record that is read by position` {
    private let folder = TemporaryFolder()
    private let store: Store

    init() throws { store = try Store(path: folder.path + "/obs.db", migrations: IncidentStore.migrations) }

    /// Each record with the tables that its columns come from, and how many of them may hold anything.
    private static var records: [(type: any PositionalRow.Type, from: [String], lenient: Int)] {
        [
            (IncidentRow.self, ["incident"], 1), (LineRow.self, ["incident"], 2), (IncidentPlan.Compared.self, ["incident"], 0),
            (EvidenceRow.self, ["evidence"], 0), (TimelineRow.self, ["timeline"], 0), (NotificationLog.Entry.self, ["outbox"], 0),
            (PendingNotification.self, ["outbox"], 0), (GroupRow.self, ["alert_grouping"], 0),
            (GroupTime.self, ["alert_grouping"], 0), (ListedGroup.self, ["alert_grouping"], 0), (SilenceRow.self, ["silence"], 0),
            (Happening.self, ["timeline", "incident"], 0), (FiringAlert.self, ["alert", "incident"], 4),
            (MemberRow.self, ["alert", "alert_membership", "incident"], 6),
        ]
    }

    @Test func `selects columns that there are, each once`() throws {
        for record in Self.records {
            try store.database.read { database in
                let known = try Self.types(of: record.from, database).keys
                #expect(Set(record.type.columns).isSubset(of: known), "\(record.type)")
                guard record.from.count == 1 else { return }
                #expect(Set(record.type.columns).count == record.type.columns.count, "\(record.type)")
            }
        }
    }

    /// The declared types of the columns of several tables.
    private static func types(of tables: [String], _ database: Database) throws -> [String: String] {
        try tables.reduce(into: [:]) { types, table in
            for row in try Row.fetchAll(database, sql: "SELECT name, type FROM pragma_table_xinfo(?)", arguments: [table]) {
                // Of a column that two tables have, the first one's is meant.
                types[row[0]] = types[row[0]] ?? (row[1] as String)
            }
        }
    }

    /// A column that the initializer did not read could hold anything.
    @Test func `reads every column that it selects`() throws {
        try store.database.read { database in
            for record in Self.records {
                let types = try Self.types(of: record.from, database)
                let sound = record.type.columns.map { ["TEXT": "'1'", "BLOB": "x''"][types[$0] ?? ""] ?? "1" }
                func read(_ values: [String]) throws -> Bool {
                    let row = try Row.fetchOne(database, sql: "SELECT \(values.joined(separator: ", "))")!
                    return (try? record.type.init(row: row)) != nil
                }
                guard record.type != SilenceRow.self else { continue }
                #expect(try read(sound), "\(record.type)")
                let unread = try record.type.columns.indices.filter { index in
                    var values = sound
                    values[index] = "x'ff'"
                    return try read(values)
                }
                #expect(unread.count == record.lenient, "\(record.type) \(unread.map { record.type.columns[$0] })")
                // Columns of an incident that cannot be read are left empty where they only describe an alert.
                if record.from.count == 1 { #expect(try !read(Array(sound.dropLast())), "\(record.type)") }
            }
        }
    }

    @Test func `gives each property the column of its name`() throws {
        try store.database.write { database in
            try database.execute(
                sql: """
                    INSERT INTO incident (number, fingerprint, name, detector, severity, state, title, description, labels, starts_at, last_seen,
                        opened_at, updated_at, resolved_at, acknowledged_by, count, contributions, version, changed_by, assignee, acknowledged_at, resolution,
                        merged_into, merged_because, merged_count, reopened, quiet_for, ends_by_hand, ends_after, seen_by, found_in_past, total, within,
                        session_start, session_total, line_count, worst)
                    VALUES (1007, 'fingerprint', 'name', 'detector', 'critical', 'acknowledged', 'title', 'description', '{"a":"b"}', 1, 2, 3, 4, 5,
                        'acknowledged_by', 6, '[]', 7, 'changed_by', 'assignee', 8, 'expected', 1001, 'merged_because', 9, 10, 11, 1, 12, 'seen_by', 1, 13, 14,
                        15, 16, 17, 18)
                    """)
        }
        let incident = try #require(try store.database.read { try IncidentStore.fetch(1007, $0) })
        #expect(
            [
                incident.fingerprint, incident.name, incident.detector, incident.title, incident.description,
                incident.acknowledgedBy,
                incident.changedBy, incident.assignee, incident.mergedBecause, incident.seenBy,
            ] == [
                "fingerprint", "name", "detector", "title", "description", "acknowledged_by", "changed_by", "assignee",
                "merged_because", "seen_by",
            ])
        #expect(
            [incident.startsAt, incident.lastSeen, incident.openedAt, incident.resolvedAt, incident.acknowledgedAt].map {
                $0?.microseconds
            } == [1, 2, 3, 5, 8])
        #expect(incident.severity == .critical && incident.state == .acknowledged && incident.resolution == .expected)
        #expect(incident.version == 7 && incident.mergedInto == 1001 && incident.reopened == 10 && incident.mergedCount == 9)
        #expect(
            incident.isFlapping && incident.wasFoundInPast && incident.end == EndPolicy(isByHand: true, quiet: .microseconds(12)))
        #expect(
            incident.within == .microseconds(14) && incident.lineCount == 17 && incident.worst == 18 && incident.ownCount == 6)
        #expect(incident.lines == LineCount(total: 13, sessionStart: Timestamp(microseconds: 15), sessionTotal: 16))
        #expect(incident.labels == ["a": "b"])
    }
}
