import Columns
import Foundation
import Synchronization

/// A Delta Lake table: Parquet files and a log that says which of them are the table, version by version.
///
///     silver/ssh/
///       _delta_log/00000000000000000000.json     version 0: protocol and schema
///       _delta_log/00000000000000000001.json     version 1: add part-…, txn(ssh, 1)
///       part-….parquet
///
/// A commit is one file that is put under the next number if nobody has; so several processes can write one table. What is
/// written is readable by every engine that reads reader version 1.
///
/// Any thread may use it. Methods block on the file system.
///
/// Source: Delta Transaction Log Protocol.
public final class DeltaTable: Sendable {
    /// Each failed attempt means that somebody else's commit succeeded; so many in a row are a fault, not chance.
    private static let commitAttempts = 1000
    /// Commits between two checkpoints of the log, unless the table says otherwise.
    private static let checkpointInterval: Int64 = 10
    /// Of the protocol: how long the log and removed files are kept, unless the table says otherwise.
    static let defaultLogRetention = Duration.seconds(30 * 86_400)
    /// A week: readers that are slower than that may miss a file.
    public static let defaultFileRetention = Duration.seconds(7 * 86_400)

    /// As people name it: `silver.ssh`.
    public let name: String
    let storage: any Storage
    let log: DeltaLog
    /// The version that was asked for, of a table that is open for reading in the past.
    private let pinned: Int64?
    private let state: Mutex<Snapshot>

    /// Opens the table in `storage`, or makes it with `schema`; nil opens only. A table that lacks some of the columns gets
    /// them, if they may be null.
    ///
    /// - Throws: ``LakeError/noTable(_:)``, ``LakeError/schemaMismatch(table:reason:)`` when it is there with other columns.
    init(
        name: String, storage: any Storage, creating schema: Schema?, partitionedBy partitions: [String] = [],
        configuration: [String: String] = [:]
    ) throws(LakeError) {
        self.name = name
        self.storage = storage
        pinned = nil
        log = DeltaLog(storage: storage, table: name)
        state = Mutex(try log.load())
        if version < 0 {
            guard let schema else { throw .noTable(name) }
            try create(schema, partitionedBy: partitions, configuration: configuration)
        }
        if let schema {
            guard partitionColumns == partitions else {
                throw .schemaMismatch(
                    table: name,
                    reason: "it is partitioned otherwise (by \(partitionColumns)); move the table away or name another")
            }
            try addMissingColumns(of: schema)
        }
    }

    /// Opens the table as it was at `version`, for reading.
    init(name: String, storage: any Storage, version: Int64) throws(LakeError) {
        self.name = name
        self.storage = storage
        pinned = version
        log = DeltaLog(storage: storage, table: name)
        state = Mutex(try log.load(upTo: version))
        if self.version < 0 { throw .noTable(name) }
    }

    /// Of the snapshot at hand; -1 for a table without commits.
    public var version: Int64 { snapshot.version }
    /// Of the snapshot at hand.
    public var schema: Schema { snapshot.schema }
    /// The columns whose values are in the names of folders, in order.
    public var partitionColumns: [String] { snapshot.partitionColumns }
    /// Data files of the snapshot at hand.
    public var fileCount: Int { state.withLock { $0.fileCount } }
    /// Of all data files of the snapshot at hand.
    public var sizeInBytes: Int { state.withLock { $0.sizeInBytes } }

    var snapshot: Snapshot { state.withLock { $0 } }

    /// The files of the loaded version, oldest first.
    var files: [LiveFile] { snapshot.files }

    /// The rows of the loaded version, from the log alone where it says.
    public func rowCount() throws(LakeError) -> Int {
        var count = 0
        for file in files {
            if let stats = file.stats, let known = FileBounds(stats)?.rowCount {
                count += known
            } else {
                count += try ParquetReader(storage, file.path).rowCount
            }
        }
        return count
    }

    /// The highest version that `application` has committed, or nil.
    public func lastTransaction(of application: String) -> Int64? {
        state.withLock { $0.transactions[application]?.version }
    }

    /// Reads the commits that came since the loaded version.
    public func refresh() throws(LakeError) {
        guard pinned == nil else { return }
        var next = snapshot
        let before = next.version
        do throws(LakeError) {
            try log.follow(&next)
            // The next commit may be missing because the log was cleaned up while this process slept: then a checkpoint is
            // further on.
            if next.version == before, let hinted = log.hintedVersion(), hinted > next.version { next = try log.load() }
        } catch {
            guard case .missingCommit = error else { throw error }
            next = try log.load()
        }
        keep(next)
    }

    private func keep(_ next: Snapshot) {
        // Another thread may have been faster.
        state.withLock { if next.version > $0.version { $0 = next } }
    }

    // MARK: Writing

    /// A writer of data files for this table. The files are part of it once ``commit(adding:transaction:operation:)`` names them.
    public func writer() -> TableWriter {
        TableWriter(table: name, schema: schema, partitionColumns: partitionColumns, storage: storage)
    }

    /// Adds `files` in one new version, unless the transaction is one that the table has seen.
    ///
    /// It is durable when this returns. Other processes that commit at the same moment come before or after; appends never
    /// conflict.
    ///
    /// - Parameter transaction: an application and its rising number: committing the same again does nothing.
    /// - Returns: the version, or nil when the transaction was there already.
    @discardableResult
    public func commit(
        adding files: [DataFile], transaction: (application: String, version: Int64)? = nil,
        operation: String = "STREAMING UPDATE"
    ) throws(LakeError) -> Int64? {
        try commit(operation, isBlindAppend: true, transaction: transaction) { $0.adding(files) }
    }

    /// Commits what `body` makes of the newest version, again and again until no other process was faster.
    ///
    /// - Parameters:
    ///   - transaction: an application and its rising number, which the commit records; where it is recorded already, there is
    ///     nothing to do.
    ///   - body: gives the actions, or nil when nothing is to be done any more.
    /// - Returns: the new version, or nil when there was nothing to do.
    func commit(
        _ operation: String, parameters: [String: String] = [:], isBlindAppend: Bool,
        transaction: (application: String, version: Int64)? = nil,
        _ body: (Snapshot) throws(LakeError) -> [DeltaAction]?
    ) throws(LakeError) -> Int64? {
        if let pinned { throw .readOnly(table: name, version: pinned) }
        for _ in 0..<Self.commitAttempts {
            try refresh()
            var next = snapshot
            if let transaction, let seen = next.transactions[transaction.application], seen.version >= transaction.version {
                return nil
            }
            guard let actions = try body(next) else { return nil }
            try next.checkWritable(table: name)
            let version = next.version + 1
            let now = commitTime()
            let info = DeltaAction.CommitInfo(
                timestamp: now, operation: operation, parameters: parameters,
                readVersion: next.version < 0 ? nil : next.version, isBlindAppend: isBlindAppend)
            let recorded = transaction.map {
                DeltaAction(txn: .init(appId: $0.application, version: $0.version, lastUpdated: now))
            }
            let all = [DeltaAction(commitInfo: info)] + [recorded].compactMap(\.self) + actions
            var previous = next.checksum
            if previous == nil { previous = try log.checksum(of: next.version) }
            guard let checksum = try log.put(all, version: version, on: previous) else { continue }
            try next.apply(all, version: version, checksum: checksum, table: name)
            keep(next)
            checkpointIfDue(next)
            return version
        }
        throw .conflict(table: name, attempts: Self.commitAttempts)
    }

    private func create(_ schema: Schema, partitionedBy partitions: [String], configuration: [String: String]) throws(LakeError) {
        for column in partitions where schema[column] == nil || schema.count == partitions.count {
            throw .schemaMismatch(table: name, reason: "it cannot be partitioned by '\(column)'")
        }
        // Another process may have made it in the meantime: then it is opened.
        _ = try commit("CREATE TABLE", isBlindAppend: true) { snapshot in
            guard snapshot.version < 0 else { return nil }
            return [
                DeltaAction(protocol: .init(minReaderVersion: 1, minWriterVersion: 2)),
                DeltaAction(
                    metaData: .init(
                        id: RandomName.uuid(), schemaString: DeltaSchema.text(of: schema),
                        partitionColumns: partitions, configuration: configuration, createdTime: commitTime())),
            ]
        }
    }

    /// Brings the columns of `schema` that the table does not have, in one commit; nothing when it has all.
    ///
    /// - Throws: ``LakeError/schemaMismatch(table:reason:)`` when a column is there with another type, or is new and may not be
    ///   null.
    private func addMissingColumns(of schema: Schema) throws(LakeError) {
        _ = try commit("ADD COLUMNS", isBlindAppend: false) { (snapshot) throws(LakeError) in
            var missing: [Field] = []
            for field in schema.fields {
                if let known = snapshot.schema[field.name] {
                    guard known.type == field.type, known.isNullable || !field.isNullable else {
                        throw LakeError.schemaMismatch(
                            table: name,
                            reason:
                                "its column '\(field.name)' is \(known.type)\(known.isNullable ? "" : ", never null,") and not "
                                + "\(field.type)\(field.isNullable ? " or null" : ""); move the table away or name another")
                    }
                } else if field.isNullable {
                    missing.append(field)
                } else {
                    throw LakeError.schemaMismatch(
                        table: name,
                        reason: "it lacks column '\(field.name)', which must have a value; move the table away or name another")
                }
            }
            for field in snapshot.schema.fields where schema[field.name] == nil && !field.isNullable {
                throw LakeError.schemaMismatch(
                    table: name,
                    reason:
                        "its column '\(field.name)' must have a value, and what is to be written has none; move the table away "
                        + "or "
                        + "name another")
            }
            guard !missing.isEmpty, var metadata = snapshot.metadata else { return nil }
            metadata.schemaString = try DeltaSchema.text(metadata.schemaString, adding: missing, table: name)
            return [DeltaAction(metaData: metadata)]
        }
    }

    // MARK: The log

    private func checkpointIfDue(_ snapshot: Snapshot) {
        let interval =
            snapshot.metadata?.configuration?["delta.checkpointInterval"].flatMap(Int64.init) ?? Self.checkpointInterval
        guard interval > 0, snapshot.version > 0, snapshot.version % interval == 0 else { return }
        // The commit is made, whatever becomes of this: a log without the checkpoint is read commit by commit, and a full disk
        // fails the next commit, which says so.
        try? checkpoint(snapshot)
    }

    /// Writes a checkpoint of the log at the loaded version, and deletes what of the log is older than the table keeps.
    public func checkpoint() throws(LakeError) {
        try refresh()
        try checkpoint(snapshot)
    }

    private func checkpoint(_ snapshot: Snapshot) throws(LakeError) {
        let retention = snapshot.interval("delta.deletedFileRetentionDuration") ?? Self.defaultFileRetention
        // Twice as long as the files stay, so that whoever deletes those still finds which they are.
        let oldest = commitTime() - 2 * retention.inMicroseconds / 1000
        // Of a file that is deleted nobody has to find out any more. Without this a stream, whose files are merged and deleted
        // within hours, has a week of them in each of its checkpoints.
        let gone = snapshot.tombstones.keys.filter { path in
            LogPath.key(path).map { (try? storage.exists($0)) == false } ?? false
        }
        var snapshot = snapshot
        snapshot.forgetTombstones(of: gone)
        try log.writeCheckpoint(snapshot, tombstonesSince: oldest)
        state.withLock {
            $0.forgetTombstones(of: gone)
            $0.forgetTombstones(before: oldest)
        }
        guard snapshot.metadata?.configuration?["delta.enableExpiredLogCleanup"] != "false" else { return }
        let kept = snapshot.interval("delta.logRetentionDuration") ?? Self.defaultLogRetention
        try log.cleanUp(before: commitTime() - kept.inMicroseconds / 1000)
    }

    /// Deletes what of the log is older than the table keeps, and of the rest all but the newest `versions`, as far as a
    /// checkpoint stands for them.
    ///
    /// - Returns: how many files of the log are gone.
    @discardableResult
    public func trimLog(toVersions versions: Int) throws(LakeError) -> Int {
        try refresh()
        let kept = snapshot.interval("delta.logRetentionDuration") ?? Self.defaultLogRetention
        return try log.cleanUp(before: commitTime() - kept.inMicroseconds / 1000, atMost: versions)
    }
}

extension DataFile {
    func added(at now: Int64, dataChange: Bool = true) -> DeltaAction.Add {
        .init(
            path: LogPath.encoded(path), partitionValues: partitionValues ?? [:], size: sizeInBytes, modificationTime: now,
            dataChange: dataChange, stats: stats)
    }
}
