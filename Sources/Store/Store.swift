import Columns
import Foundation
@preconcurrency import GRDB

/// The one SQLite file: incidents, pending notifications, models, who did what. Several processes may have it open: one writes at
/// a time, readers never wait.
public final class Store: Sendable {
    /// Of the database file.
    public let path: String
    /// One writer, and readers that see what was committed when they began.
    public let database: DatabasePool
    /// The name that SQLite opens it by; of a question it may say that nobody writes.
    public let name: String
    /// It was opened for questions.
    public let isReading: Bool
    let migrator: DatabaseMigrator
    let use: SharedUse?

    /// Opens the file, or makes it, and brings its tables up to date.
    ///
    /// - Parameters:
    ///   - migrations: of all rooms, in the order in which they are to be applied. What was released is never changed, only added
    ///     to.
    ///   - patience: how long others may still have the file open when it is of an earlier version.
    ///   - upgrading: called with the size of the file in bytes when it is of an earlier version.
    /// - Throws: ``StoreError``.
    public init(
        path: String, migrations: [Migration], patience: Duration = .seconds(10), upgrading: (Int) -> Void = { _ in }
    ) throws {
        self.path = path
        (name, isReading) = (path, false)
        try Self.makeFolder(of: path)
        // SQLite would open it for reading, and say so at the first change.
        if access(path, F_OK) == 0, faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) != 0 {
            throw StoreError.cannotOpen(path: path, reason: String(cString: strerror(errno)))
        }
        use = SharedUse(of: path)
        try Self.makeFile(path)
        let changed = Self.changedPages(path, use)
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        configuration.foreignKeysEnabled = true
        // Whoever waits for a reader holds up a thread of the shared pool, of which there are as many as cores; when those who
        // have the readers need these threads to go on, nobody does. So there are more readers than can be asked for at once;
        // each is opened when it is first needed.
        configuration.maximumReaderCount = 64
        do {
            database = try DatabasePool(path: path, configuration: configuration)
            // What is acknowledged must survive a power cut, not only a crash: the log is synced at each commit. Said here
            // because GRDB sets NORMAL on the one connection that writes, after the configuration's own preparation.
            // A storm of alerts touches the same pages again and again: the log goes into the file every 64 MB, and the writer
            // keeps as many pages in memory where so many are in use. Debian's SQLite overwrites what is deleted, also on pages
            // that are free; that is a second write for each piece of the text search that was merged.
            try database.writeWithoutTransaction {
                try $0.execute(
                    sql: """
                        PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 16384; PRAGMA cache_size = -65536;
                        PRAGMA secure_delete = FAST
                        """)
            }
        } catch let error as DatabaseError {
            throw Self.failure(path, error)
        }
        migrator = Self.migrator(migrations)
        do {
            try database.read { [migrator] in try Self.refuseUnknown(path, migrator, $0) }
            // On pages that have changed by themselves an upgrade would make bad worse.
            if let problem = changed.first, try !database.read(migrator.hasCompletedMigrations) {
                throw StoreError.damaged(path: path, reason: problem)
            }
            try upgrade(patience, upgrading)
            try keep(changedPages: changed)
            // Whoever opened it together with another had it never alone, and nobody has looked: from here on the file changes
            // all the same.
            PageSums(of: path).void()
        } catch let error as DatabaseError {
            if error.isOfTheStore { throw Self.failure(path, error) }
            // A table that a migration does not find, or finds already: nobody but a failing disk has done that.
            throw StoreError.damaged(path: path, reason: error.message ?? "\(error.resultCode)")
        }
    }

    static func migrator(_ migrations: [Migration]) -> DatabaseMigrator {
        var migrator = DatabaseMigrator()
        for migration in [Self.schema] + migrations {
            migrator.registerMigration(migration.id) { try $0.execute(sql: migration.sql) }
        }
        return migrator
    }

    static func failure(_ path: String, _ error: DatabaseError) -> StoreError {
        let reason = error.message ?? "\(error.resultCode)"
        if [.SQLITE_NOTADB, .SQLITE_CORRUPT].contains(error.resultCode) { return .damaged(path: path, reason: reason) }
        return .cannotOpen(
            path: path, reason: access(path, R_OK) != 0 && errno == EACCES ? String(cString: strerror(errno)) : reason)
    }

    /// Takes what ``init(reading:migrations:)`` has opened.
    init(path: String, name: String, database: DatabasePool, migrator: DatabaseMigrator, use: SharedUse?) {
        (self.path, self.name, isReading) = (path, name, true)
        (self.database, self.migrator, self.use) = (database, migrator, use)
    }

    /// Brings the tables up to date. With a million incidents that takes half a minute, and whoever opens the file meanwhile
    /// waits for it.
    private func upgrade(_ patience: Duration, _ upgrading: (Int) -> Void) throws {
        guard try !database.read(migrator.hasCompletedMigrations) else { return }
        func migrate() throws {
            // Another may have done it by now.
            guard try !database.read(migrator.hasCompletedMigrations) else { return }
            if try !database.read(migrator.appliedIdentifiers).isEmpty {
                upgrading((try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0)
            }
            try migrator.migrate(database)
        }
        guard let use else { return try migrate() }
        guard try use.alone(within: patience, migrate) != nil else { throw StoreError.inUse(path: path) }
    }

    /// Makes the file where there is none, whole and under its name at once; so one without a byte is what a failing disk or a
    /// full one has left, and is not taken for a new one.
    ///
    /// - Throws: ``StoreError/empty(path:)``.
    private static func makeFile(_ path: String) throws {
        var status = stat()
        if stat(path, &status) == 0 {
            guard status.st_size > 0 else { throw StoreError.empty(path: path) }
            return
        }
        // Only one that is surely not there is made: SQLite would make an empty one.
        guard errno == ENOENT else { throw StoreError.cannotOpen(path: path, reason: String(cString: strerror(errno))) }
        let unfinished = "\(path).\(RandomName.uuid()).part"
        defer { for suffix in ["", "-wal", "-shm", "-journal"] { unlink(unfinished + suffix) } }
        do {
            let made = try DatabaseQueue(path: unfinished)
            try made.writeWithoutTransaction {
                try $0.execute(sql: "PRAGMA journal_mode = WAL; CREATE TABLE first (page); DROP TABLE first")
            }
            try made.close()
        } catch let error as DatabaseError {
            throw StoreError.cannotOpen(path: path, reason: error.message ?? "\(error.resultCode)")
        }
        // Where SQLite could not look at its log at the end, it leaves it beside the file, which is not whole without.
        guard access(unfinished + "-wal", F_OK) != 0, errno == ENOENT, stat(unfinished, &status) == 0, status.st_size > 0 else {
            throw StoreError.cannotOpen(path: path, reason: "it could not be written whole")
        }
        // Of several processes that make it one wins, and all open that.
        guard link(unfinished, path) == 0 || errno == EEXIST else {
            throw StoreError.cannotOpen(path: path, reason: String(cString: strerror(errno)))
        }
    }

    /// Makes the folder that `path` is to lie in.
    static func makeFolder(of path: String) throws {
        let folder = (path as NSString).deletingLastPathComponent
        guard !folder.isEmpty else { return }
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            let reason = ((error as? CocoaError)?.underlying as? POSIXError).map { String(cString: strerror($0.code.rawValue)) }
            throw StoreError.cannotMake(folder: folder, reason: reason ?? "it is a file, or below one")
        }
    }
}

/// One step of the layout: the tables that a room begins with, or what a later release adds to them.
public struct Migration: Sendable {
    /// The release that brings it and the room that it belongs to, such as `0.1 incidents`; it identifies the step for ever.
    public let id: String
    /// The statements, each with its comments, from which `docs/schema.md` is made.
    public let sql: String

    /// A step that runs `sql` once in the life of a database; `id` must not change after a release.
    public init(id: String, sql: String) {
        self.id = id
        self.sql = sql
    }
}

/// Why a database, or a copy of one, cannot be used.
public enum StoreError: Error, CustomStringConvertible {
    case cannotMake(folder: String, reason: String)
    case cannotOpen(path: String, reason: String)
    /// The file exists and is not a database, or is one with broken pages.
    case damaged(path: String, reason: String)
    /// The file is there and has not a byte.
    case empty(path: String)
    case newer(path: String)
    /// It has the layout of an obs from before the first release.
    case unreleased(path: String)
    /// A question was asked of one of an earlier version, and does not change it.
    case older(path: String)
    /// Its log holds what is not in the file, and to read that something must be written beside it.
    case needsWriting(path: String)
    /// It is of an earlier version, and cannot be brought up to date while that has it open.
    case inUse(path: String)
    case backupExists(path: String)
    case badBackup(path: String, reason: String)
    /// A file cannot be encrypted or decrypted.
    case cannotSeal(path: String, reason: String)

    /// The file that is there and no database any more; nil when something else is wrong.
    public var damagedPath: String? {
        switch self {
        case .damaged(let path, _), .empty(let path): path
        default: nil
        }
    }

    /// What is wrong with a file that is damaged, without its name.
    var reason: String? { if case .damaged(_, let reason) = self { reason } else { nil } }

    /// The sentence for an error that SQLite gave, when it says that the database itself is damaged.
    public init?(_ error: any Error, path: String) {
        guard let error = error as? DatabaseError, [.SQLITE_NOTADB, .SQLITE_CORRUPT].contains(error.resultCode) else {
            return nil
        }
        self = .damaged(path: path, reason: error.message ?? "\(error.resultCode)")
    }

    /// One sentence with the file and the way out.
    public var description: String {
        switch self {
        case .cannotMake(let folder, let reason): "\(folder): the folder cannot be made: \(reason)"
        case .cannotOpen(let path, let reason):
            "\(path): cannot be opened as a database: \(reason); run obs as the user who owns the folder, and look whether its "
                + "disk is full"
        case .damaged(let path, let reason):
            "\(path): cannot be opened as a database: \(reason); \(KnownBackups.advice(for: path))"
        case .empty(let path):
            "\(path): is empty, and was a database once; \(KnownBackups.advice(for: path)), or remove it to "
                + "begin with a new one"
        case .inUse(let path):
            "\(path): is of an earlier version, which still has it open; stop that (its 'obs run'), then do this again"
        case .older(let path):
            "\(path): was written by an earlier obs, and a question does not change it; start 'obs run' of this version, which "
                + "brings it up to date"
        case .needsWriting(let path):
            "\(path): its log, \((path as NSString).lastPathComponent)-wal, was left by a process that was killed, and this "
                + "user may not write beside it; ask as the user who owns it"
        case .newer(let path): "\(path): was written by a newer obs; use that one, or restore a backup from before"
        case .unreleased(let path):
            "\(path): was written before the first release of obs, in a layout that is no longer read; move it away, and obs "
                + "makes a new one"
        case .badBackup(let path, let reason): "\(path): is not a backup that can be restored: \(reason); nothing was changed"
        case .cannotSeal(let path, let reason): "\(path): cannot be encrypted or decrypted: \(reason)"
        case .backupExists(let path): "\(path): is there already; name a new file for the backup, or remove the old one"
        }
    }
}
