import Columns
@preconcurrency import GRDB
import Store

/// Aliases: which versions are in use.
extension ModelRegistry {
    /// Gives a version an alias, which no other version of the model has then. A challenger that becomes champion is no
    /// challenger any more.
    ///
    /// - Parameter actor: who does it, for the audit.
    /// - Throws: ``ModelError/unknownVersion(name:version:)``, ``ModelError/badAlias(_:)``.
    public func setAlias(_ alias: String, of name: String, to version: Int, actor: String, now: Timestamp) throws {
        guard Self.isAlias(alias) else { throw ModelError.badAlias(alias) }
        try store.database.write { database in
            let count = try Int.fetchOne(
                database, sql: "SELECT count(*) FROM model WHERE name = ? AND version = ?", arguments: [name, version])
            guard count == 1 else { throw ModelError.unknownVersion(name: name, version: version) }
            try Self.set(alias, of: name, to: version, at: now, database)
            try Store.audit(
                database, at: now.microseconds, actor: actor, action: "model alias", subject: name,
                detail: "\(alias) is version \(version)")
        }
    }

    /// Takes an alias from the version that has it.
    ///
    /// - Throws: ``ModelError/unknownAlias(name:alias:)``.
    public func removeAlias(_ alias: String, of name: String, actor: String, now: Timestamp) throws {
        try store.database.write { database in
            try database.execute(sql: "DELETE FROM model_alias WHERE name = ? AND alias = ?", arguments: [name, alias])
            guard database.changesCount > 0 else { throw ModelError.unknownAlias(name: name, alias: alias) }
            try Store.audit(
                database, at: now.microseconds, actor: actor, action: "model alias", subject: name, detail: "\(alias) is none")
        }
    }

    /// Makes the champion before the present one the champion again; gives its version. Done twice it goes back by two.
    ///
    /// - Throws: ``ModelError/nothingBefore(name:)``.
    public func rollback(_ name: String, actor: String, now: Timestamp) throws -> Int {
        try store.database.write { database in
            let last = try Row.fetchAll(
                database, sql: "SELECT id, version FROM model_champion WHERE name = ? ORDER BY id DESC LIMIT 2",
                arguments: [name])
            guard last.count == 2 else { throw ModelError.nothingBefore(name: name) }
            let present: Int64 = last[0][0], version: Int = last[1][1]
            try database.execute(sql: "DELETE FROM model_champion WHERE id = ?", arguments: [present])
            try database.execute(
                sql: "INSERT OR REPLACE INTO model_alias (name, alias, version) VALUES (?, ?, ?)",
                arguments: [name, Self.champion, version])
            try Store.audit(
                database, at: now.microseconds, actor: actor, action: "model rollback", subject: name,
                detail: "champion is version \(version)")
            return version
        }
    }

    /// The versions of a model that have an alias, by alias: one cheap read, for those who ask with every batch.
    func aliases(of name: String) throws -> [String: Int] {
        try store.database.read { database in
            let rows = try Row.fetchAll(
                database, sql: "SELECT alias, version FROM model_alias WHERE name = ?", arguments: [name])
            return Dictionary(rows.map { ($0[0], $0[1]) }) { first, _ in first }
        }
    }

    /// Notes something of a version, in the place of what the tag said before.
    public func setTag(_ tag: String, of entry: Entry, to value: String) throws {
        try store.database.write { database in
            let condition = "WHERE name = ? AND version = ?"
            guard let newest = try Self.entries(database, condition, [entry.name, entry.version]).first else { return }
            var tags = newest.tags
            tags[tag] = value
            try database.execute(
                sql: "UPDATE model SET tags = ? \(condition)",
                arguments: [Self.text(tags), entry.name, entry.version])
        }
    }

    static func set(_ alias: String, of name: String, to version: Int, at now: Timestamp, _ database: Database) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO model_alias (name, alias, version) VALUES (?, ?, ?)", arguments: [name, alias, version])
        guard alias == champion else { return }
        try database.execute(
            sql: "DELETE FROM model_alias WHERE name = ? AND alias = ? AND version = ?", arguments: [name, challenger, version])
        let present = try Int.fetchOne(
            database, sql: "SELECT version FROM model_champion WHERE name = ? ORDER BY id DESC LIMIT 1", arguments: [name])
        guard present != version else { return }
        try database.execute(
            sql: "INSERT INTO model_champion (name, version, since) VALUES (?, ?, ?)",
            arguments: [name, version, now.microseconds])
    }

    /// Whether MLflow takes it too: it reserves `latest` and `v` with a number.
    private static func isAlias(_ text: String) -> Bool {
        let digits = text.utf8.first == UInt8(ascii: "v") ? text.utf8.dropFirst() : text.utf8[...]
        let isNumber = !digits.isEmpty && digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return isModelName(text) && text != "latest" && !isNumber
    }

    /// Whether a text can name a model, which becomes the name of a folder: 1 to 64 letters, digits, `-` and `_`.
    public static func isModelName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}
