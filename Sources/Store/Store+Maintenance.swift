import Columns
import Foundation
@preconcurrency import GRDB

/// What keeps the file well over the years: copies, checks, and room given back.
extension Store {
    /// Copies the database as it is at one moment to a new file, while others go on reading and writing. The copy is whole or
    /// not there.
    ///
    /// - Throws: ``StoreError/backupExists(path:)`` when a file is there already; SQLite's or the file system's error.
    public func backUp(to path: String) throws { try backUp(to: path, isNoted: true) }

    /// - Parameter isNoted: whether it is one that people keep.
    private func backUp(to path: String, isNoted: Bool) throws {
        let files = FileManager.default
        guard !files.fileExists(atPath: path) else { throw StoreError.backupExists(path: path) }
        try Self.makeFolder(of: path)
        // Written beside and renamed: a backup that was cut off must not pass for one.
        let unfinished = "\(path).\(RandomName.uuid()).part"
        defer { try? files.removeItem(atPath: unfinished) }
        let copy = try DatabaseQueue(path: unfinished)
        // In steps: a single step would hold a read transaction, and so the write-ahead log, for as long as it takes; SQLite
        // starts again by itself when another process writes meanwhile.
        try database.backup(to: copy, pagesPerStep: 1024)
        try copy.close()
        try files.moveItem(atPath: unfinished, toPath: path)
        if isNoted { KnownBackups.note(path, of: self.path) }
    }

    /// The same as an encrypted file. What is not encrypted lies beside the database until it is, for its owner alone.
    package func backUp(to path: String, sealedWith secret: SealedFile.Secret) throws {
        let files = FileManager.default
        guard !files.fileExists(atPath: path) else { throw StoreError.backupExists(path: path) }
        try Self.makeFolder(of: path)
        let plain = "\(self.path).\(RandomName.uuid()).part", unfinished = "\(path).\(RandomName.uuid()).part"
        defer { for file in [plain, unfinished] { try? files.removeItem(atPath: file) } }
        try backUp(to: plain, isNoted: false)
        try SealedFile.seal(plain, as: unfinished, with: secret)
        try files.moveItem(atPath: unfinished, toPath: path)
        KnownBackups.note(path, of: self.path)
    }

    /// Replaces the contents of the database by those of a backup, while others go on reading and writing: they see the one or
    /// the other, never a
    /// mixture.
    ///
    /// - Returns: the path of the copy of the previous database.
    /// - Throws: ``StoreError/badBackup(path:reason:)`` when the file is not a complete backup of obs; nothing has changed then.
    public func restore(from backup: String, now: Date) throws -> String {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: backup, isDirectory: &isFolder), !isFolder.boolValue else {
            throw StoreError.badBackup(path: backup, reason: isFolder.boolValue ? "it is a folder" : "there is no such file")
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
                try Self.refuseUnknown(backup, migrator, database)
            }
        } catch let error as DatabaseError {
            throw StoreError.badBackup(path: backup, reason: error.message ?? "\(error)")
        }
        let kept = Self.keptName(path, now)
        try backUp(to: kept, isNoted: false)
        let before = try auditVerification().head
        try source.backup(to: database)
        try migrator.migrate(database)
        // The chain goes back with the rest: whoever has kept the head from before finds here what became of it.
        try database.write { database in
            try Self.audit(
                database, at: Int64(now.timeIntervalSince1970 * 1e6), actor: NSUserName(), action: "store.restore",
                subject: (backup as NSString).lastPathComponent, before: before,
                detail: "the previous database is kept as \(kept)")
        }
        return kept
    }

    /// Puts a database that cannot be opened any more aside, with its log, so that another can take its place.
    ///
    /// - Returns: the file that it is kept in from now on.
    public static func setAside(_ path: String, now: Date) throws -> String {
        let kept = keptName(path, now)
        for suffix in ["", "-wal", "-shm", ".sums"] where FileManager.default.fileExists(atPath: path + suffix) {
            try FileManager.default.moveItem(atPath: path + suffix, toPath: kept + suffix)
        }
        return kept
    }

    /// Moves a copy that ``setAside(_:now:)`` made back over the database.
    public static func putBack(_ kept: String, to path: String) throws {
        for suffix in ["", "-wal", "-shm", ".sums"] {
            try? FileManager.default.removeItem(atPath: path + suffix)
            guard FileManager.default.fileExists(atPath: kept + suffix) else { continue }
            try FileManager.default.moveItem(atPath: kept + suffix, toPath: path + suffix)
        }
    }

    private static func keptName(_ path: String, _ now: Date) -> String { "\(path).before-\(Int(now.timeIntervalSince1970))" }

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

    /// What a quick look over the pages of the file finds, of as many as it can read within `budget`; empty when nothing is
    /// wrong with them.
    ///
    /// - Returns: the problems, each once, and whether the whole file was looked at.
    public func quickCheck(within budget: Duration) throws -> (problems: [String], isWhole: Bool) {
        // A connection of its own: what it reads stands in nobody's way, and it is interrupted when its time is over.
        var configuration = Configuration()
        configuration.readonly = true
        let end = ContinuousClock.now + budget
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA cache_size = -8192")
        }
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        defer { try? queue.close() }
        let watch = DispatchWorkItem { queue.interrupt() }
        DispatchQueue.global(qos: .utility).asyncAfter(
            deadline: .now() + .milliseconds(Int(budget / .milliseconds(1))), execute: watch)
        defer { watch.cancel() }
        do {
            return (try queue.read { try String.fetchAll($0, sql: "PRAGMA quick_check(20)") }.filter { $0 != "ok" }, true)
        } catch let error as DatabaseError {
            if error.resultCode == .SQLITE_INTERRUPT, ContinuousClock.now >= end { return ([], false) }
            return (["\(error.message ?? "\(error.resultCode)")"], true)
        }
    }

    /// Runs statements that change nothing and that SQLite yet lets only a writer run; not at all for a reader who may not write.
    public func withWriter(_ body: (Database) throws -> Void) throws {
        guard isReading else { return try database.writeWithoutTransaction(body) }
        guard name == path, access(path, W_OK) == 0 else { return }
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        try DatabaseQueue(path: path, configuration: configuration).writeWithoutTransaction(body)
    }

    /// Empties the write-ahead log into the file, so that a copy of the file alone is complete. For the end of the process.
    public func checkpoint() throws {
        try database.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
    }
}
