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
/// A commit is one file that is put under the next number if nobody has; so several processes can write one table. What is written is readable
/// by every engine that reads reader version 1.
///
/// Any thread may use it. Methods block on the file system.
///
/// Source: Delta Transaction Log Protocol.
public final class DeltaTable: Sendable {
    /// A file of the table as it stands at the loaded version.
    struct LiveFile: Sendable {
        var path: String
        var size: Int
        var stats: String?
    }

    private struct State {
        var version: Int64 = -1
        var schema: Schema?
        /// In the order in which they were added.
        var files: [LiveFile] = []
        var transactions: [String: Int64] = [:]
        var partitionColumns: [String] = []
    }

    private static let commitAttempts = 50

    /// As people name it: `silver.ssh`.
    public let name: String
    let storage: LocalStorage
    private let state: Mutex<State>

    /// Opens the table in the folder of `storage`, or makes it with `schema`; nil opens only.
    ///
    /// - Throws: ``LakeError/noTable(_:)``, ``LakeError/schemaMismatch(table:reason:)`` when it is there with other columns.
    init(name: String, storage: LocalStorage, creating schema: Schema?) throws(LakeError) {
        self.name = name
        self.storage = storage
        state = Mutex(State())
        try refresh()
        if version < 0 {
            guard let schema else { throw .noTable(name) }
            try create(schema)
        }
        if let schema, self.schema != schema {
            throw .schemaMismatch(
                table: name, reason: "its columns are not those that are to be written; move the table away or name another")
        }
    }

    public var version: Int64 { state.withLock { $0.version } }
    public var schema: Schema { state.withLock { $0.schema! } }
    public var fileCount: Int { state.withLock { $0.files.count } }
    public var sizeInBytes: Int { state.withLock { $0.files.reduce(0) { $0 + $1.size } } }

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
        state.withLock { $0.transactions[application] }
    }

    /// Reads the commits that came since the loaded version.
    public func refresh() throws(LakeError) {
        var next = version + 1
        if next == 0 {
            // The first version may have been cleaned up behind a checkpoint of the log.
            guard let first = try storage.list("_delta_log").first(where: { $0.hasSuffix(".json") }) else { return }
            let number = Int64(first.dropFirst("_delta_log/".count).dropLast(".json".count)) ?? 0
            guard number == 0 else { throw .unsupported(table: name, feature: "a log that begins with a checkpoint") }
        }
        while FileManager.default.fileExists(atPath: storage.path(Self.logKey(next))) {
            try apply(try actions(of: next), version: next)
            next += 1
        }
    }

    // MARK: Writing

    /// A writer of data files for this table. The files are part of it once ``commit(adding:transaction:operation:)`` names them.
    public func writer() -> TableWriter {
        TableWriter(schema: schema, storage: storage)
    }

    /// Adds `files` in one new version, unless the transaction is one that the table has seen.
    ///
    /// It is durable when this returns. Other processes that commit at the same moment come before or after; appends never conflict.
    ///
    /// - Parameter transaction: an application and its rising number: committing the same again does nothing.
    /// - Returns: the version, or nil when the transaction was there already.
    @discardableResult
    public func commit(
        adding files: [DataFile], transaction: (application: String, version: Int64)? = nil,
        operation: String = "STREAMING UPDATE"
    ) throws(LakeError) -> Int64? {
        for _ in 0..<Self.commitAttempts {
            try refresh()
            if let transaction, let seen = lastTransaction(of: transaction.application), seen >= transaction.version {
                return nil
            }
            let now = Int64(Date().timeIntervalSince1970 * 1000)
            var actions = [
                DeltaAction(commitInfo: .init(timestamp: now, operation: operation, engineInfo: "obs", isBlindAppend: true))
            ]
            if let transaction {
                actions.append(
                    DeltaAction(txn: .init(appId: transaction.application, version: transaction.version, lastUpdated: now)))
            }
            for file in files {
                actions.append(
                    DeltaAction(add: .init(path: file.path, size: file.sizeInBytes, modificationTime: now, stats: file.stats)))
            }
            if let version = try put(actions) { return version }
        }
        throw .conflict(table: name, attempts: Self.commitAttempts)
    }

    private func create(_ schema: Schema) throws(LakeError) {
        let now = Int64(Date().timeIntervalSince1970 * 1000)
        let actions = [
            DeltaAction(commitInfo: .init(timestamp: now, operation: "CREATE TABLE", engineInfo: "obs", isBlindAppend: true)),
            DeltaAction(protocol: .init(minReaderVersion: 1, minWriterVersion: 2)),
            DeltaAction(
                metaData: .init(id: UUID().uuidString.lowercased(), schemaString: DeltaSchema.text(of: schema), createdTime: now)),
        ]
        // Another process may have made it in the meantime: then it is opened.
        if try put(actions) == nil { try refresh() }
    }

    /// Writes the next version, or returns nil when another process was first.
    private func put(_ actions: [DeltaAction]) throws(LakeError) -> Int64? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        var bytes: [UInt8] = []
        for action in actions {
            // Actions are plain texts and numbers: they always encode.
            bytes.append(contentsOf: try! encoder.encode(action))
            bytes.append(UInt8(ascii: "\n"))
        }
        let version = self.version + 1
        guard try storage.putIfAbsent(Self.logKey(version), bytes) else { return nil }
        try apply(actions, version: version)
        return version
    }

    // MARK: Reading

    /// Calls `body` with the rows of the table, batch by batch, until it returns false. The rows are those of the version that is loaded now.
    ///
    /// - Parameters:
    ///   - columns: the columns to read, in that order; nil for all.
    ///   - times: rows outside of this range of a timestamp column may be left out, because their file's bounds say that it has none in it. Rows inside are
    ///     never left out; others may come too.
    public func scan(
        columns: [String]? = nil, times: (column: String, range: ClosedRange<Timestamp>)? = nil, _ body: (Batch) throws -> Bool
    ) throws {
        for file in files {
            if let times, let stats = file.stats, let bounds = FileBounds(stats), !bounds.mayHold(times.range, in: times.column) {
                continue
            }
            let reader = try ParquetReader(storage, file.path)
            for group in 0..<reader.rowGroupCount {
                guard try body(try reader.read(rowGroup: group, columns: columns)) else { return }
            }
        }
    }

    /// The versions of the log, newest first.
    public func history(limit: Int = 100) throws(LakeError) -> [(
        version: Int64, time: Timestamp?, operation: String, addedFiles: Int, addedRows: Int
    )] {
        var entries: [(Int64, Timestamp?, String, Int, Int)] = []
        var number = version
        while number >= 0, entries.count < limit {
            let actions = try actions(of: number)
            let info = actions.compactMap(\.commitInfo).first
            let added = actions.compactMap(\.add)
            let rows = added.reduce(0) { $0 + ($1.stats.flatMap { FileBounds($0)?.rowCount } ?? 0) }
            entries.append(
                (number, info?.timestamp.map { Timestamp(microseconds: $0 * 1000) }, info?.operation ?? "", added.count, rows))
            number -= 1
        }
        return entries
    }

    /// The files of the loaded version, oldest first.
    var files: [LiveFile] { state.withLock { $0.files } }

    // MARK: The log

    private static func logKey(_ version: Int64) -> String {
        let digits = String(version)
        return "_delta_log/" + String(repeating: "0", count: 20 - digits.count) + digits + ".json"
    }

    private func actions(of version: Int64) throws(LakeError) -> [DeltaAction] {
        let bytes = try storage.get(Self.logKey(version))
        var actions: [DeltaAction] = []
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            do {
                actions.append(try JSONDecoder().decode(DeltaAction.self, from: Data(line)))
            } catch {
                throw .badLog(table: name, version: version, reason: "a line is no action of the protocol")
            }
        }
        return actions
    }

    private func apply(_ actions: [DeltaAction], version: Int64) throws(LakeError) {
        for action in actions {
            if let demand = action.protocol { try check(demand) }
            if let file = action.add, file.deletionVector != nil { throw .unsupported(table: name, feature: "deletion vectors") }
        }
        let schema = try actions.compactMap(\.metaData).last.map { metadata throws(LakeError) in
            if let mode = metadata.configuration?["delta.columnMapping.mode"], mode != "none" {
                throw LakeError.unsupported(table: name, feature: "column mapping")
            }
            guard metadata.partitionColumns.isEmpty else {
                throw LakeError.unsupported(table: name, feature: "partition columns")
            }
            return try DeltaSchema.schema(of: metadata.schemaString, table: name)
        }
        let removed = Set(actions.compactMap(\.remove?.path))
        state.withLock { state in
            guard state.version == version - 1 else { return }  // another thread was faster
            if let schema { state.schema = schema }
            if !removed.isEmpty { state.files.removeAll { removed.contains($0.path) } }
            for action in actions {
                if let file = action.add {
                    state.files.append(
                        LiveFile(path: file.path.removingPercentEncoding ?? file.path, size: file.size, stats: file.stats))
                }
                if let transaction = action.txn { state.transactions[transaction.appId] = transaction.version }
            }
            state.version = version
        }
    }

    private func check(_ demand: DeltaAction.ProtocolVersions) throws(LakeError) {
        if demand.minReaderVersion > 1 {
            let feature = demand.readerFeatures?.first ?? "reader version \(demand.minReaderVersion)"
            throw .unsupported(table: name, feature: "the table feature '\(feature)'")
        }
        if demand.minWriterVersion > 2 {
            let feature = demand.writerFeatures?.first ?? "writer version \(demand.minWriterVersion)"
            throw .unsupported(table: name, feature: "the table feature '\(feature)'")
        }
    }
}

/// What the statistics of a file say, as far as scans use them.
struct FileBounds: Decodable {
    /// Bounds are texts, numbers or missing; only texts (times) are kept.
    private struct Bound: Decodable {
        let text: String?
        init(from decoder: any Decoder) throws { text = try? decoder.singleValueContainer().decode(String.self) }
    }

    let rowCount: Int?
    private let minimum: [String: Bound]?
    private let maximum: [String: Bound]?

    private enum CodingKeys: String, CodingKey {
        case rowCount = "numRecords"
        case minimum = "minValues"
        case maximum = "maxValues"
    }

    init?(_ stats: String) {
        guard let bounds = try? JSONDecoder().decode(FileBounds.self, from: Data(stats.utf8)) else { return nil }
        self = bounds
    }

    /// Whether a row of the file may have a time in `range`: true unless the bounds say that none has.
    func mayHold(_ range: ClosedRange<Timestamp>, in column: String) -> Bool {
        guard let low = Self.time(minimum?[column]), let high = Self.time(maximum?[column]) else { return true }
        // Other writers cut the upper bound to the millisecond below.
        return low <= range.upperBound && high + .milliseconds(1) >= range.lowerBound
    }

    private static func time(_ bound: Bound?) -> Timestamp? {
        guard let text = bound?.text,
            let date = try? Date(
                text, strategy: .iso8601.year().month().day().time(includingFractionalSeconds: true).timeZone(separator: .omitted)
            )
        else { return nil }
        return Timestamp(microseconds: Int64((date.timeIntervalSince1970 * 1e6).rounded()))
    }
}
