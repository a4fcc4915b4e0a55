import Access
import Alerting
import Incidents
import Detection
import Foundation
import Lake
import Store
import Streaming

/// A data directory, opened: `lake` (tables), `obs.db` (incidents, models), `serve.db` (newest gold rows by key), `spool` (pushed
/// lines), `checkpoints`, `models`, `export`.
public struct Workspace: Sendable {
    /// The folder, as it was given.
    public let path: String
    /// The tables of lines, events and windows, in `lake`.
    public let lake: Lake
    /// `obs.db`, open.
    public let store: Store
    /// The incidents in it.
    public let incidents: IncidentStore
    /// Its tokens, accounts and sessions.
    public let access: AccessStore
    /// The models, in `models`.
    public let models: ModelRegistry

    static let migrations =
        IncidentStore.migrations + ModelRegistry.migrations + RunStore.migrations + SourceActivities.migrations
        + AccessStore.migrations

    /// Makes the directory if it is not there.
    public init(_ path: String) throws {
        let databases = ["obs.db", "serve.db"].flatMap { file in ["", "-wal", "-shm"].map { "\(path)/\(file)\($0)" } }
        DataDirectory.close(databases, in: path)
        try self.init(
            path,
            store: Store(path: path + "/obs.db", migrations: Self.migrations) { size in
                // A small one is done before anybody has read this.
                guard size > 100_000_000, isatty(STDERR_FILENO) == 1 else { return }
                let line =
                    "obs: \(path)/obs.db (\(size / 1_000_000) MB) is of an earlier version and is brought up to date; this "
                    + "takes a moment\n"
                try? FileHandle.standardError.write(contentsOf: Data(line.utf8))
            })
    }

    /// For questions: nothing is written, so that who may only read can ask, and no question changes what a running obs works on.
    public init(reading path: String) throws {
        try self.init(path, store: Store(reading: path + "/obs.db", migrations: Self.migrations))
    }

    private init(_ path: String, store: Store) throws {
        self.path = path
        self.store = store
        lake = Lake(root: path + "/lake")
        incidents = IncidentStore(store)
        access = AccessStore(store)
        models = ModelRegistry(store: store, folder: path + "/models")
    }

    /// Puts the database of the directory back to what a backup holds, also when the one that is there cannot be opened any more.
    ///
    /// - Returns: the path of the copy of the previous database.
    /// - Throws: `StoreError` when the file is not a backup, and then nothing has changed.
    public static func restore(_ path: String, from backup: String, now: Date) throws -> String {
        let kept: String
        do {
            kept = try Workspace(path).store.restore(from: backup, now: now)
        } catch let error as StoreError {
            guard let damaged = error.damagedPath else { throw error }
            kept = try Store.setAside(damaged, now: now)
            do {
                let before = try Workspace(path).store.restore(from: backup, now: now.addingTimeInterval(1))
                // It was made a moment ago, and is empty.
                try FileManager.default.removeItem(atPath: before)
            } catch {
                try Store.putBack(kept, to: damaged)
                throw error
            }
        }
        // Opened again, so that a backup of an earlier version has all tables at once.
        _ = try Workspace(path)
        return kept
    }

    /// The folder that holds a folder of checkpoints per pipeline.
    public var checkpoints: String { path + "/checkpoints" }
    /// The folder of text exports.
    public var exports: String { path + "/export" }
    /// The database of the newest gold rows by key.
    public var servingPath: String { path + "/serve.db" }
}
