import Columns
import Foundation

/// Writes batches into new data files of a table. Nothing of it is part of the table before a commit.
///
/// In a table with partition columns each combination of their values has files of its own, in a folder that is named for it.
///
/// Used by one task at a time; it blocks on compression and on the file system.
public final class TableWriter {
    /// A file ends at this many rows, so that none is too large to be rewritten or skipped.
    private static let rowsPerFile = 1 << 23

    private struct OpenFile {
        let writer: ParquetWriter
        let path: String
        let values: [String: String?]?
    }

    private let table: String
    private let schema: Schema
    /// What is in the files: the schema without the partition columns.
    private let fileSchema: Schema
    private let partitionColumns: [String]
    private let storage: any Storage
    /// By folder.
    private var open: [OutsideText: OpenFile] = [:]
    private var finished: [DataFile] = []

    init(table: String, schema: Schema, partitionColumns: [String], storage: any Storage) {
        self.table = table
        self.schema = schema
        self.partitionColumns = partitionColumns
        self.storage = storage
        fileSchema = Schema(schema.fields.filter { !partitionColumns.contains($0.name) })
    }

    /// Takes the rows of a batch. Columns are known by name; one that the batch lacks and that may be null is null.
    ///
    /// - Throws: ``LakeError/schemaMismatch(table:reason:)`` when the batch has other columns than the table,
    ///   ``LakeError/notUTF8(table:column:)`` for a text that is none.
    public func append(_ batch: Batch) throws(LakeError) {
        guard !batch.isEmpty else { return }
        let batch = try checked(batch.schema == schema ? batch : try fitted(batch))
        guard !partitionColumns.isEmpty else {
            try append(batch, folder: "", values: nil)
            return
        }
        for (values, rows) in partitions(of: batch) {
            let part = rows.count == batch.count ? batch : batch.gather(rows)
            try append(
                part.selecting(fileSchema.fields.map(\.name)),
                folder: PartitionValues.folder(partitionColumns.map { ($0, values[$0] ?? nil) }), values: values)
        }
    }

    /// The files of all that was appended since the last call, durable on disk; none if there was nothing. The writer can go on
    /// after it.
    public func finish() throws(LakeError) -> [DataFile] {
        for folder in open.keys.sorted() { try endFile(in: folder) }
        defer { finished = [] }
        return finished
    }

    /// Removes what was written since the last ``finish()``.
    public func discard() {
        for file in open.values { file.writer.discard() }
        open = [:]
        // A file that stays behind is not part of the table: vacuum removes it.
        for file in finished { try? storage.delete(file.path) }
        finished = []
    }

    private func append(_ batch: Batch, folder: String, values: [String: String?]?) throws(LakeError) {
        let folder = OutsideText(folder)
        if open[folder] == nil {
            let path = "\(folder.string)part-\(RandomName.uuid()).zstd.parquet"
            open[folder] = OpenFile(
                writer: try ParquetWriter(fileSchema, to: try storage.create(path)), path: path, values: values)
        }
        let writer = open[folder]!.writer
        try writer.append(batch)
        if writer.rowCount >= Self.rowsPerFile { try endFile(in: folder) }
    }

    private func endFile(in folder: OutsideText) throws(LakeError) {
        guard let file = open.removeValue(forKey: folder) else { return }
        let (size, rowGroups) = try file.writer.finish()
        finished.append(
            DataFile(path: file.path, schema: fileSchema, size: size, rowGroups: rowGroups, partitionValues: file.values))
    }

    /// The rows of each combination of partition values, in the order in which they come.
    private func partitions(of batch: Batch) -> [(values: [String: String?], rows: [Int])] {
        var found: [[OutsideText?]: Int] = [:]
        var groups: [(values: [String: String?], rows: [Int])] = []
        let columns = partitionColumns.map { (batch[$0]!, batch.schema[$0]!.type) }
        for row in 0..<batch.count {
            let key = columns.map { PartitionValues.text($0.value(at: row, as: $1)).map { OutsideText($0) } }
            if let index = found[key] {
                groups[index].rows.append(row)
            } else {
                found[key] = groups.count
                groups.append((Dictionary(uniqueKeysWithValues: zip(partitionColumns, key.map { $0?.string })), [row]))
            }
        }
        return groups
    }

    private func checked(_ batch: Batch) throws(LakeError) -> Batch {
        for (field, column) in zip(batch.schema.fields, batch.columns) where field.type == .text && !column.isUTF8 {
            throw .notUTF8(table: table, column: field.name)
        }
        return batch
    }

    private func fitted(_ batch: Batch) throws(LakeError) -> Batch {
        for field in batch.schema.fields where schema[field.name] == nil {
            throw .schemaMismatch(table: table, reason: "it has no column '\(field.name)'")
        }
        var columns: [Column] = []
        for field in schema.fields {
            if let column = batch[field.name] {
                guard batch.schema[field.name]!.type == field.type, field.isNullable || column.nullCount == 0 else {
                    throw .schemaMismatch(
                        table: table, reason: "column '\(field.name)' is \(field.type)\(field.isNullable ? "" : ", never null")")
                }
                columns.append(column)
            } else if field.isNullable {
                columns.append(.nulls(field.type, count: batch.count))
            } else {
                throw .schemaMismatch(table: table, reason: "column '\(field.name)' must have a value")
            }
        }
        return Batch(schema: schema, columns: columns)
    }
}
