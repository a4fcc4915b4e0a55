@preconcurrency import GRDB

/// The tables that belong to no other room, and which layouts are read.
extension Store {
    static let schema = Migration(
        id: "0.1 store",
        sql: """
            -- Who did what to what, from where. Kept as long as resolved incidents are. Each entry has the hash of the one
            -- before it in its own (docs/protection.md), so entries are added by obs alone, and never changed.
            CREATE TABLE audit (
                -- Without gaps.
                id INTEGER PRIMARY KEY,
                -- Microseconds since 1970.
                at INTEGER NOT NULL,
                -- The person, or the name of the token, that acted.
                actor TEXT NOT NULL,
                -- What was done, such as incident.acknowledge or silence.set.
                action TEXT NOT NULL,
                -- What it was done to, such as INC-1042.
                subject TEXT NOT NULL,
                -- The state before it.
                before TEXT,
                -- The state after it.
                after TEXT,
                -- The comment, or the reason.
                detail TEXT,
                -- From where it was done: the address of the client, or the user of the machine.
                origin TEXT NOT NULL,
                -- SHA-256 over the hash of the entry before it and the columns of this one.
                hash BLOB NOT NULL);
            CREATE INDEX audit_at ON audit (at);
            CREATE INDEX audit_actor ON audit (actor, at);
            CREATE INDEX audit_subject ON audit (subject, at);

            -- Where the chain of the audit begins and ends: one row.
            CREATE TABLE audit_chain (
                id INTEGER PRIMARY KEY CHECK (id = 1),
                -- The newest entry that was removed because of its age; 0 when none was.
                removed_id INTEGER NOT NULL,
                -- Its hash.
                removed_hash BLOB NOT NULL,
                -- The newest entry.
                head_id INTEGER NOT NULL,
                -- Its hash.
                head_hash BLOB NOT NULL);
            INSERT INTO audit_chain VALUES (1, 0, zeroblob(32), 0, zeroblob(32));

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
