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

    /// Puts the database back to what a backup holds, while others go on reading and writing: they see the one or the other, never a mixture.
    ///
    /// - Returns: the file beside the database that what was there until now is kept in.
    /// - Throws: ``StoreError/badBackup(path:reason:)`` when the file is no whole backup of obs, and then nothing has changed.
    public func restore(from backup: String, now: Date) throws -> String {
        guard FileManager.default.fileExists(atPath: backup) else {
            throw StoreError.badBackup(path: backup, reason: "there is no such file")
        }
        var configuration = Configuration()
        configuration.readonly = true
        let source: DatabaseQueue
        do {
            source = try DatabaseQueue(path: backup, configuration: configuration)
            try source.read { database in
                let found = try String.fetchAll(database, sql: "PRAGMA integrity_check(1)")
                guard found == ["ok"] else {
                    throw StoreError.badBackup(path: backup, reason: found.first ?? "it cannot be checked")
                }
                guard try database.tableExists("grdb_migrations"), try database.tableExists("audit") else {
                    throw StoreError.badBackup(path: backup, reason: "it is a database of something else")
                }
                if try migrator.hasBeenSuperseded(database) { throw StoreError.newer(path: backup) }
            }
        } catch let error as DatabaseError {
            throw StoreError.badBackup(path: backup, reason: error.message ?? "\(error)")
        }
        let kept = "\(path).before-\(Int(now.timeIntervalSince1970))"
        try backUp(to: kept)
        try source.backup(to: database)
        try migrator.migrate(database)
        return kept
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

    /// Empties the write-ahead log into the file, so that a copy of the file alone is complete. For the end of the process.
    public func checkpoint() throws {
        try database.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
    }
}
