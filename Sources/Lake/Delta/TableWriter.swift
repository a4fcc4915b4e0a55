import Columns
import Foundation

/// Writes batches into new data files of a table. Nothing of it is part of the table before a commit.
///
/// Used by one task at a time; it blocks on compression and on the file system.
public final class TableWriter {
    /// A file ends at this many rows, so that none is too large to be rewritten or skipped.
    private static let rowsPerFile = 1 << 23

    private let schema: Schema
    private let storage: LocalStorage
    private var current: (writer: ParquetWriter, path: String)?
    private var finished: [DataFile] = []

    init(schema: Schema, storage: LocalStorage) {
        self.schema = schema
        self.storage = storage
    }

    /// - Precondition: the batch has the table's schema.
    public func append(_ batch: Batch) throws(LakeError) {
        guard !batch.isEmpty else { return }
        if current == nil {
            let path = "part-\(UUID().uuidString.lowercased()).zstd.parquet"
            current = (try ParquetWriter(schema, to: try storage.create(path)), path)
        }
        try current!.writer.append(batch)
        if current!.writer.rowCount >= Self.rowsPerFile { try endFile() }
    }

    /// The files of all that was appended since the last call, durable on disk; none if there was nothing. The writer can go on after it.
    public func finish() throws(LakeError) -> [DataFile] {
        try endFile()
        defer { finished = [] }
        return finished
    }

    /// Removes what was written since the last ``finish()``.
    public func discard() {
        current?.writer.discard()
        current = nil
        for file in finished { unlink(storage.path(file.path)) }
        finished = []
    }

    private func endFile() throws(LakeError) {
        guard let (writer, path) = current else { return }
        let (size, rowGroups) = try writer.finish()
        current = nil
        finished.append(DataFile(path: path, schema: schema, size: size, rowGroups: rowGroups))
    }
}
