@preconcurrency import GRDB
import Store

/// The words of titles, names, labels and timelines, for `obs query incidents --search`.
///
/// Rows are put in at the end of the transaction that writes them, all with one statement a table: at every statement that it may have to take back, FTS5 writes what it holds to the
/// file as one more piece of the index, and all pieces are merged time and again. A hundred findings with a trigger each made hundreds of pieces.
///
/// `text_index` says up to which row all is in it. A writer that does not know of it (an older obs, a statement by hand) leaves a rest, which the next one takes along. What
/// changes or goes after it was put in is followed by triggers, because only they know what the words were.
enum TextIndex {
    static let migration = Migration(
        id: "incidents-3",
        sql: """
            DROP TRIGGER incident_search_insert;
            DROP TRIGGER incident_search_update;
            DROP TRIGGER incident_search_delete;
            DROP TRIGGER timeline_search_insert;
            DROP TRIGGER timeline_search_delete;
            CREATE TABLE text_index (incidents INTEGER NOT NULL, entries INTEGER NOT NULL);
            INSERT INTO text_index VALUES ((SELECT coalesce(max(number), 0) FROM incident), (SELECT coalesce(max(id), 0) FROM timeline));
            CREATE TRIGGER incident_search_update AFTER UPDATE OF title, name, labels ON incident
                WHEN (old.title IS NOT new.title OR old.name IS NOT new.name OR old.labels IS NOT new.labels)
                    AND old.number <= (SELECT incidents FROM text_index)
            BEGIN
                INSERT INTO incident_search (incident_search, rowid, title, name, labels) VALUES ('delete', old.number, old.title, old.name, old.labels);
                INSERT INTO incident_search (rowid, title, name, labels) VALUES (new.number, new.title, new.name, new.labels);
            END;
            CREATE TRIGGER incident_search_delete AFTER DELETE ON incident WHEN old.number <= (SELECT incidents FROM text_index) BEGIN
                INSERT INTO incident_search (incident_search, rowid, title, name, labels) VALUES ('delete', old.number, old.title, old.name, old.labels);
            END;
            CREATE TRIGGER timeline_search_delete AFTER DELETE ON timeline WHEN old.id <= (SELECT entries FROM text_index) BEGIN
                INSERT INTO timeline_search (timeline_search, rowid, text) SELECT 'delete', old.id, old.text WHERE old.kind <> 'notified';
                -- The ids of the newest entries are given again when they go.
                UPDATE text_index SET entries = (SELECT coalesce(max(id), 0) FROM timeline) WHERE entries = old.id;
            END;
            """)

    static func catchingUp<Value>(_ database: Database, _ body: (Database) throws -> Value) throws -> Value {
        let value = try body(database)
        try catchUp(database)
        return value
    }

    /// Puts in what was written since it was last asked to.
    static func catchUp(_ database: Database) throws {
        let mark = try Row.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT incidents, (SELECT max(number) FROM incident), entries, (SELECT max(id) FROM timeline) FROM text_index
                    """))
        guard let mark else { return }
        if let newest = mark[1] as Int64?, newest > mark[0] {
            try database.executeCached(
                sql:
                    "INSERT INTO incident_search (rowid, title, name, labels) SELECT number, title, name, labels FROM incident WHERE number > ?",
                arguments: [mark[0] as Int64])
            try database.executeCached(sql: "UPDATE text_index SET incidents = ?", arguments: [newest])
        }
        if let newest = mark[3] as Int64?, newest > mark[2] {
            try database.executeCached(
                sql:
                    "INSERT INTO timeline_search (rowid, text) SELECT id, text FROM timeline WHERE id > ? AND kind <> 'notified'",
                arguments: [mark[2] as Int64])
            try database.executeCached(sql: "UPDATE text_index SET entries = ?", arguments: [newest])
        }
    }
}

extension IncidentStore {
    /// Changes incidents or their timelines in one transaction, on disk when it returns, and lets them be found by their words.
    func write<Value>(_ body: (Database) throws -> Value) throws -> Value {
        try store.database.write { try TextIndex.catchingUp($0, body) }
    }

    /// The same for those who must not hold up their thread.
    func write<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        try await store.database.write { try TextIndex.catchingUp($0, body) }
    }
}
