import Columns
import Foundation

extension DeltaTable {
    /// Calls `body` with the rows of the table, batch by batch, until it returns false. The rows are those of the version that
    /// is loaded now.
    ///
    /// Files, and row groups within them, are passed over where their bounds, or the values that they are partitioned by, say
    /// that nothing in them is wanted.
    ///
    /// - Parameters:
    ///   - columns: the columns to read, in that order; nil for all.
    ///   - times: only rows in this range of a timestamp column.
    ///   - matchers: rows that do not match may be left out. Rows that match are never left out; others may come too.
    ///   - progress: bytes of the files that are done, of all; called with each batch and at the end.
    public func scan(
        columns: [String]? = nil, times: (column: String, range: ClosedRange<Timestamp>)? = nil,
        matching matchers: [Matcher] = [], progress: (_ done: Int64, _ total: Int64) -> Void = { _, _ in },
        _ body: (Batch) throws -> Bool
    ) throws {
        var conditions: [ColumnCondition] = []
        if let times, schema[times.column]?.type == .timestamp {
            conditions = [
                ColumnCondition(
                    times.column, .isBetween(.init(.timestamp(times.range.lowerBound)), .init(.timestamp(times.range.upperBound)))
                )
            ]
        }
        var scan = TableScan(self, columns: columns, conditions, matching: matchers)
        while let batch = try scan.next() {
            progress(scan.done, scan.total)
            guard try body(batch) else { return }
        }
        progress(scan.done, scan.total)
    }

    /// The rows of the version that is loaded now which fulfil all conditions, as somebody asks for them.
    ///
    /// - Parameter columns: the columns to read, in that order; nil for all.
    public func rows(of columns: [String]? = nil, where conditions: [ColumnCondition] = []) -> TableScan {
        TableScan(self, columns: columns, conditions, matching: [])
    }
}

/// Reads one data file as rows of its table: partition columns from the log, columns that came later as nulls.
struct FileScan {
    let reader: ParquetReader
    private let file: LiveFile
    private let snapshot: Snapshot
    private let table: String

    /// - Throws: ``LakeError/missingFile(table:version:path:)``.
    init(_ file: LiveFile, snapshot: Snapshot, table: DeltaTable) throws(LakeError) {
        do {
            reader = try ParquetReader(table.storage, file.path)
        } catch {
            guard (try? table.storage.exists(file.path)) == false else { throw error }
            throw .missingFile(table: table.name, version: snapshot.version, path: file.path)
        }
        self.file = file
        self.snapshot = snapshot
        self.table = table.name
    }

    /// All rows of a row group.
    func batch(rowGroup: Int) throws(LakeError) -> Batch {
        let fields = snapshot.schema.fields, columns = try columns(fields, rowGroup: rowGroup)
        // Whether others kept to "never null" is theirs to see to: what they wrote is read.
        let schema = Schema(zip(fields, columns).map { Field($0.name, $0.type, isNullable: $0.isNullable || $1.nullCount > 0) })
        return Batch(schema: schema, columns: columns)
    }

    /// These columns of a row group.
    func columns(_ fields: [Field], rowGroup: Int) throws(LakeError) -> [Column] {
        let count = reader.rowGroups[rowGroup].rowCount
        let partitions = Set(snapshot.partitionColumns)
        let inFile = fields.map(\.name).filter { !partitions.contains($0) && reader.schema[$0] != nil }
        var read: [String: Column] = [:]
        if !inFile.isEmpty {
            for (name, column) in zip(inFile, try reader.read(rowGroup: rowGroup, columns: inFile).columns) {
                read[name] = column
            }
        }
        var columns: [Column] = []
        for field in fields {
            if partitions.contains(field.name) {
                guard let value = PartitionValues.value(file.partitionValues[field.name] ?? nil, field.type) else {
                    throw .schemaMismatch(
                        table: table, reason: "\(file.path) has a partition value of '\(field.name)' that is not a \(field.type)")
                }
                columns.append(PartitionValues.column(value, field.type, count: count))
            } else if let column = read[field.name] {
                columns.append(try fitted(column, to: field))
            } else {
                columns.append(.nulls(field.type, count: count))
            }
        }
        return columns
    }

    /// Whether a row of the row group may fulfil the test, as far as the file's statistics say.
    func mayHold(_ test: TypedTest, _ column: String, rowGroup: Int) -> Bool {
        guard !snapshot.partitionColumns.contains(column), let node = reader.root.children.first(where: { $0.name == column }),
            node.isFlat
        else { return true }
        let group = reader.rowGroups[rowGroup]
        return test.mayHold(group.columns[node.leaves.lowerBound].statistics, of: node, rowCount: group.rowCount)
    }

    /// A column as the table's schema has it: writers may store a number narrower than the table says.
    private func fitted(_ column: Column, to field: Field) throws(LakeError) -> Column {
        if column.values.fits(field.type) { return column }
        switch (column.values, field.type) {
        case (.int32(let all), .int64): return Column(.int64(all.map(Int64.init)), validity: column.validity)
        case (.int32(let all), .double): return Column(.double(all.map(Double.init)), validity: column.validity)
        case (.float(let all), .double): return Column(.double(all.map(Double.init)), validity: column.validity)
        default:
            throw .schemaMismatch(
                table: table, reason: "\(file.path) has column '\(field.name)' of another type than the table's \(field.type)")
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

    /// Of flat columns; that of a nested one is a structure and left out.
    private let nulls: [String: Count]?

    private struct Count: Decodable {
        let number: Int?
        init(from decoder: any Decoder) throws { number = try? decoder.singleValueContainer().decode(Int.self) }
    }

    var nullCounts: [String: Int] { (nulls ?? [:]).compactMapValues(\.number) }

    private enum CodingKeys: String, CodingKey {
        case rowCount = "numRecords"
        case minimum = "minValues"
        case maximum = "maxValues"
        case nulls = "nullCount"
    }

    init?(_ stats: String) {
        guard let bounds = try? JSONDecoder().decode(FileBounds.self, from: Data(stats.utf8)) else { return nil }
        self = bounds
    }

    /// The oldest and the newest time in a column, where the file says both.
    func times(of column: String) -> ClosedRange<Timestamp>? {
        guard let low = minimum?[column]?.text.flatMap(Timestamp.init(log:)),
            let high = maximum?[column]?.text.flatMap(Timestamp.init(log:)), low <= high
        else { return nil }
        return low...high
    }

    /// Whether a row of the file may have a time in `range`: true unless the bounds say that none has.
    func mayHold(_ range: ClosedRange<Timestamp>, in column: String) -> Bool {
        guard let low = minimum?[column]?.text.flatMap(Timestamp.init(log:)),
            let high = maximum?[column]?.text.flatMap(Timestamp.init(log:))
        else { return true }
        // Other writers cut the upper bound to the millisecond below.
        return low <= range.upperBound && high + .milliseconds(1) >= range.lowerBound
    }
}
