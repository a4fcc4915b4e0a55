import Columns

/// A data file of a table, as its log has it.
public struct ListedFile: Sendable {
    /// From the folder of the table.
    public let path: String
    public let sizeInBytes: Int
    /// Nil where the log does not say.
    public let rowCount: Int?
    /// When it was written.
    public let writtenAt: Timestamp
    /// The columns that the table is partitioned by, and the values of them that the file has.
    public let partition: [(column: String, value: Value)]
    /// The oldest and the newest time in the table's first column of times, where the log says it.
    public let times: ClosedRange<Timestamp>?
}

extension DeltaTable {
    /// The files of the loaded version, oldest first; reads none of them.
    public var listedFiles: [ListedFile] {
        let snapshot = snapshot
        let column = snapshot.schema.fields.first { $0.type == .timestamp }?.name
        return snapshot.files.map { file in
            let bounds = file.stats.flatMap(FileBounds.init)
            return ListedFile(
                path: file.path, sizeInBytes: file.size, rowCount: bounds?.rowCount,
                writtenAt: Timestamp(microseconds: file.modificationTime * 1000),
                partition: snapshot.partitionColumns.map { column in
                    let type = snapshot.schema[column]?.type ?? .text
                    return (column, PartitionValues.value(file.partitionValues[column] ?? nil, type) ?? .null)
                }, times: column.flatMap { column in bounds?.times(of: column) })
        }
    }
}
