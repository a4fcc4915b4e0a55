import Columns
import Foundation

/// A file of a table at one version.
struct LiveFile: Sendable, Equatable {
    /// Its key in the table's storage.
    var path: String
    var size: Int
    var modificationTime: Int64
    var partitionValues: [String: String?]
    var stats: String?

    /// The file's path as its add action wrote it.
    var logPath: String
}

/// What a log says up to one version: which files are the table, with which columns. Knows no storage; the log's actions go in.
struct Snapshot: Sendable {
    private(set) var version: Int64 = -1
    /// Of the file of the last commit; nil when a checkpoint stands for it.
    private(set) var checksum: UInt32?
    private(set) var demand = DeltaAction.ProtocolVersions(minReaderVersion: 1, minWriterVersion: 2)
    private(set) var metadata: DeltaAction.Metadata?
    private(set) var columns: DeltaSchema?
    private(set) var transactions: [String: DeltaAction.Transaction] = [:]
    /// Files that were removed, until vacuum and checkpoints forget them; by the path that the log wrote.
    private(set) var tombstones: [String: DeltaAction.Remove] = [:]
    private var filesByPath: [String: (order: Int, file: LiveFile)] = [:]
    private var nextOrder = 0
    /// Of all files that were ever added.
    private var newestTime: Int64 = 0

    /// Reader features that change nothing for obs.
    private static let knownReaderFeatures: Set = ["timestampNtz", "vacuumProtocolCheck"]
    private static let knownWriterFeatures: Set = ["appendOnly", "invariants"]

    /// In the order in which their rows came: by the time of their newest row's commit, then as the log has them. Files of obs
    /// have no time in common (``adding(_:)``), so that a merged file takes the place of those that it was merged from, and not
    /// behind what was committed in the same millisecond.
    var files: [LiveFile] {
        filesByPath.values.sorted {
            ($0.file.modificationTime, $0.order) < ($1.file.modificationTime, $1.order)
        }.map(\.file)
    }

    var fileCount: Int { filesByPath.count }
    var sizeInBytes: Int { filesByPath.values.reduce(0) { $0 + $1.file.size } }
    var schema: Schema { columns?.schema ?? Schema([]) }
    var partitionColumns: [String] { metadata?.partitionColumns ?? [] }

    /// The actions that add files, each at a time of its own after all that are there.
    func adding(_ files: [DataFile]) -> [DeltaAction] {
        let first = max(commitTime(), newestTime + 1)
        return files.enumerated().map { DeltaAction(add: $1.added(at: first + Int64($0))) }
    }

    /// Whether both say the same of the table: its files, its columns, the transactions that it has seen.
    ///
    /// Of a file only path and size are compared: a checkpoint of another engine may have its statistics in another form.
    func agrees(with other: Snapshot) -> Bool {
        filesByPath.mapValues(\.file.size) == other.filesByPath.mapValues(\.file.size)
            && transactions.mapValues(\.version) == other.transactions.mapValues(\.version)
            && metadata?.schemaString == other.metadata?.schemaString && partitionColumns == other.partitionColumns
    }

    func holds(_ logPath: String) -> Bool { filesByPath[logPath] != nil }

    /// Takes the actions of the next version, or of a checkpoint; all or nothing.
    ///
    /// - Parameter checksum: of the commit's file.
    mutating func apply(_ actions: [DeltaAction], version: Int64, checksum: UInt32? = nil, table: String) throws(LakeError) {
        var next = self
        for action in actions { try next.apply(action, table: table) }
        next.version = version
        next.checksum = checksum
        self = next
    }

    private mutating func apply(_ action: DeltaAction, table: String) throws(LakeError) {
        if let demand = action.protocol {
            try Self.checkReadable(demand, table: table)
            self.demand = demand
        }
        if let metadata = action.metaData {
            if let mode = metadata.configuration?["delta.columnMapping.mode"], mode != "none" {
                throw .unsupported(table: table, feature: "column mapping")
            }
            guard metadata.format.provider == "parquet" else {
                throw .unsupported(table: table, feature: "data files of the format '\(metadata.format.provider)'")
            }
            columns = try DeltaSchema(metadata.schemaString, table: table)
            for name in metadata.partitionColumns where columns!.schema[name] == nil {
                throw .schemaMismatch(table: table, reason: "it is partitioned by '\(name)', which is none of its columns")
            }
            self.metadata = metadata
        }
        if let add = action.add {
            if add.deletionVector != nil { throw .unsupported(table: table, feature: "deletion vectors") }
            guard let key = LogPath.key(add.path) else {
                throw .unsupported(table: table, feature: "data files outside of its folder (\(add.path))")
            }
            tombstones[add.path] = nil
            filesByPath[add.path] = (
                nextOrder,
                LiveFile(
                    path: key, size: add.size, modificationTime: add.modificationTime, partitionValues: add.partitionValues,
                    stats: add.stats, logPath: add.path)
            )
            nextOrder += 1
            // A log may say anything: what comes after it must still be a number.
            newestTime = max(newestTime, min(add.modificationTime, .max / 2))
        }
        if let remove = action.remove {
            filesByPath[remove.path] = nil
            tombstones[remove.path] = remove
        }
        if let transaction = action.txn { transactions[transaction.appId] = transaction }
    }

    /// Source: Delta Transaction Log Protocol, "Protocol Evolution".
    private static func checkReadable(_ demand: DeltaAction.ProtocolVersions, table: String) throws(LakeError) {
        if demand.minReaderVersion <= 1 { return }
        guard demand.minReaderVersion == 3 else {
            throw .unsupported(
                table: table,
                feature: demand.minReaderVersion == 2
                    ? "column mapping (reader version 2)" : "reader version \(demand.minReaderVersion)")
        }
        if let feature = (demand.readerFeatures ?? []).first(where: { !knownReaderFeatures.contains($0) }) {
            throw .unsupported(table: table, feature: "the table feature '\(feature)'")
        }
    }

    /// - Throws: ``LakeError/unsupported(table:feature:)`` when the table is one that obs reads but does not write.
    func checkWritable(table: String) throws(LakeError) {
        if demand.minWriterVersion == 7 {
            if let feature = (demand.writerFeatures ?? []).first(where: { !Self.knownWriterFeatures.contains($0) }) {
                throw .unsupported(table: table, feature: "the table feature '\(feature)' of its writers")
            }
        } else if demand.minWriterVersion > 2 {
            throw .unsupported(table: table, feature: "writer version \(demand.minWriterVersion)")
        }
        if let (_, reason) = columns?.onlyReadable.min(by: { $0.key < $1.key }) {
            throw .unsupported(table: table, feature: "\(reason) in what writes to it")
        }
    }

    /// A setting of the table such as `interval 7 days`, or nil when it has none that can be read.
    func interval(_ key: String) -> Duration? {
        guard let text = metadata?.configuration?[key] else { return nil }
        let parts = text.lowercased().split(separator: " ").map(String.init)
        guard let index = parts.firstIndex(where: { Int64($0) != nil }), let number = Int64(parts[index]), number >= 0,
            index + 1 < parts.count
        else { return nil }
        let seconds: [String: Int64] = [
            "millisecond": 0, "second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800, "month": 2_592_000,
        ]
        let unit = parts[index + 1].hasSuffix("s") ? String(parts[index + 1].dropLast()) : parts[index + 1]
        return seconds[unit].map { $0 == 0 ? .milliseconds(number) : .seconds(number * $0) }
    }

    /// The actions that stand for everything so far, as a checkpoint holds them; tombstones from before `oldest` (milliseconds
    /// since 1970) are left out.
    func actions(tombstonesSince oldest: Int64) -> [DeltaAction] {
        var actions = [DeltaAction(protocol: demand)]
        if let metadata { actions.append(DeltaAction(metaData: metadata)) }
        for transaction in transactions.values.sorted(by: { $0.appId < $1.appId }) {
            actions.append(DeltaAction(txn: transaction))
        }
        for file in files {
            actions.append(
                DeltaAction(
                    add: .init(
                        path: file.logPath, partitionValues: file.partitionValues, size: file.size,
                        modificationTime: file.modificationTime,
                        dataChange: false, stats: file.stats)))
        }
        for (_, tombstone) in tombstones.sorted(by: { $0.key < $1.key }) where tombstone.deletionTimestamp ?? 0 >= oldest {
            var tombstone = tombstone
            tombstone.dataChange = false
            actions.append(DeltaAction(remove: tombstone))
        }
        return actions
    }

    /// Forgets the tombstones of files, by the paths that the log wrote.
    mutating func forgetTombstones(of paths: [String]) {
        for path in paths { tombstones[path] = nil }
    }

    /// Forgets tombstones from before `oldest`, so that a table that is open for months does not grow.
    mutating func forgetTombstones(before oldest: Int64) {
        tombstones = tombstones.filter { $0.value.deletionTimestamp ?? 0 >= oldest }
    }
}
