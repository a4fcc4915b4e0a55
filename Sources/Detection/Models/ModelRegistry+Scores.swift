import Columns
@preconcurrency import GRDB
import Store

/// How the versions in use have scored the rows that they saw.
extension ModelRegistry {
    /// Days that are kept of each version.
    private static let keptDays: Int64 = 400

    /// Adds what a version made of rows to what is known of their days. After a kill, the rows that are read again are counted
    /// again.
    func add(_ tally: ScoreTally, name: String, version: Int) throws {
        guard let newest = tally.days.keys.max() else { return }
        try store.database.write { database in
            for (day, new) in tally.days {
                let known = try Row.fetchOne(
                    database, sql: "SELECT bins FROM model_score WHERE name = ? AND version = ? AND day = ?",
                    arguments: [name, version, day])
                let before = known.flatMap { String.fromDatabaseValue($0[0]) }.flatMap { Self.counts($0) } ?? []
                let bins = before.count == new.bins.count ? zip(before, new.bins).map { $0 + $1 } : new.bins
                try database.execute(
                    sql: """
                        INSERT INTO model_score (name, version, day, scored, found, bins) VALUES (?, ?, ?, ?, ?, ?)
                        ON CONFLICT DO UPDATE SET scored = scored + excluded.scored, found = found + excluded.found,
                            bins = excluded.bins
                        """, arguments: [name, version, day, new.scored, new.found, Self.text(bins)])
            }
            try database.execute(
                sql: "DELETE FROM model_score WHERE name = ? AND version = ? AND day < ?",
                arguments: [name, version, newest - Self.keptDays * 86_400_000_000])
        }
    }

    /// How many rows a version has scored live, and how many of them it found.
    public func scored(_ entry: Entry) throws -> (rows: Int, found: Int) {
        try store.database.read { database in
            let row = try Row.fetchOne(
                database,
                sql: "SELECT coalesce(sum(scored), 0), coalesce(sum(found), 0) FROM model_score WHERE name = ? AND version = ?",
                arguments: [entry.name, entry.version])
            return (row?[0] ?? 0, row?[1] ?? 0)
        }
    }

    private static func text(_ bins: [Int]) -> String {
        String(decoding: JSON.list(bins.map { .integer(Int64($0)) }).bytes(), as: UTF8.self)
    }

    private static func counts(_ text: String) -> [Int]? {
        (try? JSON(parsing: Array(text.utf8)))?.list?.compactMap { $0.integer.map { Int(clamping: $0) } }
    }
}
