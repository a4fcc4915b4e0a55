@preconcurrency import GRDB

/// The tables that belong to no other room, and which layouts are read.
extension Store {
    static let schema = Migration(
        id: "0.1 store",
        sql: """
            -- Who did what to what. Kept as long as resolved incidents are.
            CREATE TABLE audit (
                id INTEGER PRIMARY KEY,
                -- Microseconds since 1970.
                at INTEGER NOT NULL,
                -- The person, or the name of the token, that acted.
                actor TEXT NOT NULL,
                -- What was done, such as incident.acknowledge or silence.set.
                action TEXT NOT NULL,
                -- What it was done to, such as INC-1042.
                subject TEXT NOT NULL,
                -- The state before and after, and the comment.
                detail TEXT);
            CREATE INDEX audit_at ON audit (at);
            CREATE INDEX audit_actor ON audit (actor, at);
            CREATE INDEX audit_subject ON audit (subject, at);

            -- Rows that could not be read and were taken out of their tables.
            CREATE TABLE set_aside (
                id INTEGER PRIMARY KEY,
                -- When it was taken out, in microseconds since 1970.
                at INTEGER NOT NULL,
                -- The table that it was in.
                "table" TEXT NOT NULL,
                -- Its key there.
                row TEXT NOT NULL,
                -- What is wrong with it.
                reason TEXT NOT NULL,
                -- The statement that inserts it again.
                statement TEXT NOT NULL);
            """)

    /// The first migration of every database that was made before the first release.
    private static let unreleasedMark = "store-1"

    /// Refuses a database whose layout this version does not know.
    ///
    /// - Throws: ``StoreError/newer(path:)``; ``StoreError/unreleased(path:)``.
    static func refuseUnknown(_ path: String, _ migrator: DatabaseMigrator, _ database: Database) throws {
        guard try migrator.hasBeenSuperseded(database) else { return }
        let applied = try migrator.appliedIdentifiers(database)
        throw applied.contains(unreleasedMark) ? StoreError.unreleased(path: path) : StoreError.newer(path: path)
    }
}
