import Foundation
@preconcurrency import GRDB

/// What keeps the file well over the years: copies, checks, and room given back.
extension Store {
    /// Copies the database as it is at one moment to a new file, while others go on reading and writing. The copy is whole or not there.
    ///
    /// - Throws: ``StoreError/backupExists(path:)`` when a file is there already; SQLite's or the file system's error.
    public func backUp(to path: String) throws {
        let files = FileManager.default
        guard !files.fileExists(atPath: path) else { throw StoreError.backupExists(path: path) }
        try files.createDirectory(atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        // Written beside and renamed: a backup that was cut off must not pass for one.
        let unfinished = "\(path).\(UUID().uuidString).part"
        defer { try? files.removeItem(atPath: unfinished) }
        let copy = try DatabaseQueue(path: unfinished)
        // In steps: a single step would hold a read transaction, and so the write-ahead log, for as long as it takes; SQLite starts again by itself
        // when another process writes meanwhile.
        try database.backup(to: copy, pagesPerStep: 1024)
        try copy.close()
        try files.moveItem(atPath: unfinished, toPath: path)
    }

    /// What SQLite finds wrong with the file and with the references in it; empty when all is well. Reads the whole file.
    public func problems() throws -> [String] {
        try database.read { database in
            var problems = try String.fetchAll(database, sql: "PRAGMA integrity_check(100)").filter { $0 != "ok" }
            for row in try Row.fetchAll(database, sql: "PRAGMA foreign_key_check") {
                problems.append("a row of \(row[0] as String) names a row of \(row[2] as String) that is not there")
            }
            return problems
        }
    }

    /// Forgets the audit entries before `microseconds` since 1970, and gives how many they were.
    public func trimAudit(before microseconds: Int64) throws -> Int {
        try database.write { database in
            try database.execute(sql: "DELETE FROM audit WHERE at < ?", arguments: [microseconds])
            return database.changesCount
        }
    }

    /// Empties the write-ahead log into the file, so that a copy of the file alone is complete. For the end of the process.
    public func checkpoint() throws {
        try database.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
    }
}
