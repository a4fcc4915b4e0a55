@preconcurrency import GRDB
import Store

/// The words of titles, names, labels and timelines, for `obs query incidents --search`.
///
/// Rows are put in at the end of the transaction that writes them, all with one statement a table: at every statement that it
/// may have to take back, FTS5 writes what it holds to the file as one more piece of the index, and all pieces are merged time
/// and again. A hundred findings with a trigger each made hundreds of pieces.
///
/// `text_index` says up to which row all is in it. A writer that does not know of it (an older obs, a statement by hand) leaves
/// a rest, which the next one takes along. What changes or goes after it was put in is followed by triggers, because only they
/// know what the words were.
enum TextIndex {
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
        if let newest = Int64.fromDatabaseValue(mark[1]), let known = Int64.fromDatabaseValue(mark[0]), newest > known {
            try database.executeCached(
                sql:
                    """
                    INSERT INTO incident_search (rowid, title, name, labels) SELECT number, title, name, labels FROM \
                    incident WHERE number > ?
                    """,
                arguments: [known])
            try database.executeCached(sql: "UPDATE text_index SET incidents = ?", arguments: [newest])
        }
        if let newest = Int64.fromDatabaseValue(mark[3]), let known = Int64.fromDatabaseValue(mark[2]), newest > known {
            try database.executeCached(
                sql:
                    "INSERT INTO timeline_search (rowid, text) SELECT id, text FROM timeline WHERE id > ? AND kind <> 'notified'",
                arguments: [known])
            try database.executeCached(sql: "UPDATE text_index SET entries = ?", arguments: [newest])
        }
    }
}
