import Columns

/// Writes batches of one schema to one Parquet file, row group by row group, in memory that the size of a row group bounds.
///
/// Used by one task at a time. A file that is not finished is of no use, and ``discard()`` removes it.
final class ParquetWriter {
    /// A row group ends at this many rows or bytes in memory: large enough to scan fast, small enough to skip by its statistics.
    static let rowGroupRows = 1 << 17
    static let rowGroupBytes = 64 << 20

    let schema: Schema
    private let sink: any ObjectWriter
    private var chunks: [ColumnChunkWriter]
    private var rowsInGroup = 0
    private var groups: [ParquetFormat.RowGroup] = []
    private(set) var rowCount = 0

    init(_ schema: Schema, to sink: any ObjectWriter) throws(LakeError) {
        self.schema = schema
        self.sink = sink
        let compressor = ZstdCompressor()
        chunks = schema.fields.map { ColumnChunkWriter($0, compressor: compressor) }
        let magic = ParquetFormat.magic
        try sink.write(magic.span)
    }

    /// - Precondition: the batch has this file's schema.
    func append(_ batch: Batch) throws(LakeError) {
        precondition(batch.schema == schema, "a file has one schema")
        for (index, column) in batch.columns.enumerated() { chunks[index].append(column) }
        rowsInGroup += batch.count
        rowCount += batch.count
        if rowsInGroup >= Self.rowGroupRows || chunks.reduce(0, { $0 + $1.sizeInMemory }) >= Self.rowGroupBytes {
            try endRowGroup()
        }
    }

    /// Writes what is left and the footer; the file is durable when this returns.
    ///
    /// - Returns: the size of the file and the metadata of its row groups.
    func finish() throws(LakeError) -> (size: Int, rowGroups: [ParquetFormat.RowGroup]) {
        try endRowGroup()
        var footer = ParquetFormat.footer(root: .root(schema), rowGroups: groups, rowCount: rowCount)
        footer.append(littleEndian: UInt32(footer.count))
        footer.append(contentsOf: ParquetFormat.magic)
        try sink.write(footer.span)
        try sink.finish()
        return (sink.offset, groups)
    }

    func discard() {
        sink.discard()
    }

    private func endRowGroup() throws(LakeError) {
        guard rowsInGroup > 0 else { return }
        var columns: [ParquetFormat.ColumnChunk] = []
        for index in chunks.indices {
            let (bytes, chunk) = chunks[index].finish(at: sink.offset)
            try sink.write(bytes.span)
            columns.append(chunk)
        }
        groups.append(
            ParquetFormat.RowGroup(
                columns: columns, rowCount: rowsInGroup, totalByteSize: columns.reduce(0) { $0 + $1.uncompressedSize }))
        rowsInGroup = 0
    }
}
