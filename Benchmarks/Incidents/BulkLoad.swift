import Alerting
import Incidents
import GRDB

/// Leaves out, while a year is written, what can be made of the tables afterwards: indexes that nobody who writes asks, the labels and the text search. What comes out is the
/// same rows; to put a million of them one by one into trees that do not fit the processor's caches takes four times as long.
struct BulkLoad {
    private static let isLeftOut = """
        (type = 'index' AND sql IS NOT NULL AND tbl_name IN ('incident', 'evidence', 'audit') AND name NOT IN ('incident_fingerprint', 'incident_merged'))
        OR (type = 'trigger' AND (name GLOB 'incident_label_*' OR name GLOB '*_search_*'))
        """

    private let statements: [String]

    init(_ database: Database) throws {
        let rows = try Row.fetchAll(database, sql: "SELECT type, name, sql FROM sqlite_master WHERE \(Self.isLeftOut)")
        for row in rows { try database.execute(sql: "DROP \(row[0] as String) \(row[1] as String)") }
        statements = rows.map { $0[2] }
        // Nothing is new to the text search until then.
        try database.execute(sql: "UPDATE text_index SET incidents = \(Int64.max), entries = \(Int64.max)")
    }

    /// Makes what was left out.
    func finish(_ database: Database) throws {
        try database.execute(
            sql: """
                DELETE FROM incident_label;
                \(IncidentStore.allLabels)
                INSERT INTO incident_search (incident_search) VALUES ('rebuild');
                INSERT INTO timeline_search (rowid, text) SELECT id, text FROM timeline WHERE kind <> 'notified';
                UPDATE text_index SET incidents = (SELECT max(number) FROM incident), entries = (SELECT max(id) FROM timeline);
                """)
        for statement in statements { try database.execute(sql: statement) }
    }
}
