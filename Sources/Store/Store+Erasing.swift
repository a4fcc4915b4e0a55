import Columns
@preconcurrency import GRDB

/// Takes a person out of the rows of the store.
extension Store {
    /// The audit cannot be changed, and says who did what; the other two are of SQLite's own.
    private static let keptTables: Set<String> = ["audit", "audit_chain", "grdb_migrations", "sqlite_sequence"]

    /// Puts ``NamedPerson/mark`` in the place of a person's name in each text of each table but the audit, in one transaction,
    /// and overwrites the old bytes: on its pages, in the text search, and in the log.
    ///
    /// - Parameter search: the full-text indexes of the rooms, each with its table and the condition on the rows that are in it.
    ///   Those whose triggers follow a change of the table are not among them.
    /// - Returns: by table, how many rows name the person.
    package func erase(_ person: NamedPerson, search: [TextSearch], isDryRun: Bool) throws -> [String: Int] {
        let counts =
            try isDryRun
            ? database.read { try Self.erase(person, search, true, $0) }
            : database.writeWithoutTransaction {
                database in
                // FAST, which is set otherwise, leaves what is on pages that are free.
                try database.execute(sql: "PRAGMA secure_delete = ON")
                defer { try? database.execute(sql: "PRAGMA secure_delete = FAST") }
                var counts: [String: Int] = [:]
                try database.inTransaction(.immediate) {
                    counts = try Self.erase(person, search, false, database)
                    return .commit
                }
                return counts
            }
        if !isDryRun, !counts.isEmpty { try checkpoint() }
        return counts
    }

    /// A full-text index beside a table.
    package struct TextSearch: Sendable {
        let name, table, column, condition: String

        /// - Parameters:
        ///   - column: the text that is indexed, by the number `id` of its row.
        ///   - condition: on the rows of `table` that are in the index.
        package init(_ name: String, table: String, column: String, where condition: String) {
            (self.name, self.table, self.column, self.condition) = (name, table, column, condition)
        }
    }

    private static func erase(
        _ person: NamedPerson, _ search: [TextSearch], _ isDryRun: Bool, _ database: Database
    ) throws -> [String: Int] {
        var counts: [String: Int] = [:]
        let virtual = try String.fetchAll(database, sql: "SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%'")
        let shadows = virtual.map { $0 + "_" }
        let all = try String.fetchAll(database, sql: "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid")
        let tables = all.map { OutsideText($0) }.filter { table in
            !keptTables.contains(table.string) && !virtual.contains(table.string) && !shadows.contains(where: table.starts)
        }.map(\.string)
        for table in tables {
            let columns = try database.columns(in: table).filter { $0.type.uppercased() == "TEXT" }.map(\.name)
            let key = try database.primaryKey(table).columns
            for column in columns {
                let keys = key.isEmpty ? ["rowid"] : key
                let named = try Row.fetchAll(
                    database, sql: "SELECT \(quoted(column)), \(keys.map(quoted).joined(separator: ", ")) FROM \(quoted(table))"
                ).filter { String.fromDatabaseValue($0[0]).map { person.isIn($0) } == true }
                guard !named.isEmpty else { continue }
                counts[table, default: 0] += named.count
                if isDryRun { continue }
                let index = search.first { $0.table == table && $0.column == column }
                let condition = keys.map { "\(quoted($0)) = ?" }.joined(separator: " AND ")
                for row in named {
                    guard let text = person.erased(from: row[0]) else { continue }
                    let place = StatementArguments((1...keys.count).map { row[$0] as DatabaseValue })
                    if let index { try forget(index, row[0], place, database) }
                    // Two rows whose keys differ in the name alone are one afterwards.
                    try database.execute(
                        sql: "UPDATE OR REPLACE \(quoted(table)) SET \(quoted(column)) = ? WHERE \(condition)",
                        arguments: [text] + place)
                    if let index {
                        try database.execute(
                            sql: """
                                INSERT INTO \(index.name) (rowid, \(index.column)) SELECT id, \(index.column) FROM \(index.table)
                                    WHERE id = ? AND \(index.condition)
                                """, arguments: place)
                    }
                }
            }
        }
        guard !isDryRun, !counts.isEmpty else { return counts }
        // Words of rows that are gone stay in an index until its pieces are merged.
        for name in virtual { try database.execute(sql: "INSERT INTO \(name) (\(name)) VALUES ('optimize')") }
        return counts
    }

    private static func forget(
        _ index: TextSearch, _ text: String, _ place: StatementArguments, _ database: Database
    ) throws {
        try database.execute(
            sql: """
                INSERT INTO \(index.name) (\(index.name), rowid, \(index.column)) SELECT 'delete', id, \(index.column)
                    FROM \(index.table) WHERE id = ? AND \(index.condition)
                """, arguments: place)
    }

    private static func quoted(_ name: String) -> String { "\"\(name)\"" }
}
