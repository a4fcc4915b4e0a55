import Foundation
@preconcurrency import GRDB

/// Questions by somebody who may only read: another user of the group, a copy on a mount that cannot be written.
///
/// SQLite readers of a database with a log (WAL) meet in shared memory, the file `-shm`, which the first of them makes. Who may
/// not make it reads one that is there. Where there is none, nobody has the database open, and a database without a log can be
/// read as a file that does not change:
///
/// | `-shm` | `-wal` | folder | opened |
/// |---|---|---|---|
/// | there | there | any | as a reader beside others |
/// | missing | any | can be written | as a reader, who makes `-shm`; SQLite gives it to the owner of the database |
/// | missing | missing or empty | cannot be written | as a file that does not change |
/// | missing | holds something | cannot be written | not: what is in the log would be missing |
extension Store {
    /// Opens a database that is there for questions. Nothing is written, nor brought up to date.
    ///
    /// - Throws: ``StoreError``.
    public convenience init(reading path: String, migrations: [Migration]) throws {
        var file = stat()
        if stat(path, &file) == 0, file.st_size == 0 { throw StoreError.empty(path: path) }
        let use = SharedUse(of: path, isReading: true)
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(10)
        let name = try Self.readingName(path)
        let database: DatabasePool
        let migrator = Self.migrator(migrations)
        do {
            database = try DatabasePool(path: name, configuration: configuration)
            try database.read { database in
                try Self.refuseUnknown(path, migrator, database)
                guard try migrator.hasCompletedMigrations(database) else { throw StoreError.older(path: path) }
            }
        } catch let error as DatabaseError {
            throw Self.failure(path, error)
        }
        self.init(path: path, name: name, database: database, migrator: migrator, use: use)
    }

    /// The name by which SQLite opens a database for reading only, whoever asks.
    ///
    /// - Throws: ``StoreError/needsWriting(path:)``.
    static func readingName(_ path: String) throws -> String {
        let folder = (path as NSString).deletingLastPathComponent
        let isWritable = faccessat(AT_FDCWD, folder.isEmpty ? "." : folder, W_OK | X_OK, AT_EACCESS) == 0
        guard !isWritable, access(path + "-shm", F_OK) != 0 else { return path }
        var log = stat()
        guard stat(path + "-wal", &log) != 0 || log.st_size == 0 else { throw StoreError.needsWriting(path: path) }
        // Source: SQLite, "Uniform Resource Identifiers", immutable. A path may hold what has a meaning in a URI.
        let encoded = path.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed.subtracting([";"])) ?? path
        return "file:\(encoded)?immutable=1"
    }
}
