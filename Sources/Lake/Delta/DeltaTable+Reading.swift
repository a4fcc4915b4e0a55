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
    ///   - times: rows outside of this range of a timestamp column may be left out. Rows inside are never left out; others may
    ///     come too.
    ///   - matchers: the same for rows that do not match.
    ///   - progress: bytes of the files that are done, of all; called after each file.
    public func scan(
        columns: [String]? = nil, times: (column: String, range: ClosedRange<Timestamp>)? = nil,
        matching matchers: [Matcher] = [], progress: (_ done: Int64, _ total: Int64) -> Void = { _, _ in },
        _ body: (Batch) throws -> Bool
    ) throws {
        let snapshot = snapshot
        let wanted = columns.map { snapshot.schema.selecting($0) } ?? snapshot.schema
        let total = Int64(snapshot.sizeInBytes)
        var done: Int64 = 0
        for file in snapshot.files {
            defer {
                done += Int64(file.size)
                progress(done, total)
            }
            if let times, let stats = file.stats, let bounds = FileBounds(stats), !bounds.mayHold(times.range, in: times.column) {
                continue
            }
            guard mayMatch(matchers, file, snapshot) else { continue }
            let scan = try FileScan(file, wanted: wanted, snapshot: snapshot, table: self)
            for group in 0..<scan.reader.rowGroupCount {
                if let times, !scan.reader.mayHold(times.range, in: times.column, rowGroup: group) { continue }
                guard let batch = try scan.batch(rowGroup: group, times: times) else { continue }
                guard try body(batch) else { return }
            }
        }
    }

    /// Whether the values that the file is partitioned by leave a row to match.
    private func mayMatch(_ matchers: [Matcher], _ file: LiveFile, _ snapshot: Snapshot) -> Bool {
        guard !matchers.isEmpty else { return true }
        for column in snapshot.partitionColumns {
            guard let field = snapshot.schema[column], let text = file.partitionValues[column],
                let value = PartitionValues.value(text, field.type)
            else { continue }
            for matcher in matchers where matcher.name == column && !matcher.matches(value.description) { return false }
        }
        return true
    }
}

/// Reads one data file as rows of its table: partition columns from the log, columns that came later as nulls.
struct FileScan {
    let reader: ParquetReader
    private let file: LiveFile
    private let wanted: Schema
    private let snapshot: Snapshot
    private let table: String

    /// - Throws: ``LakeError/missingFile(table:version:path:)``.
    init(_ file: LiveFile, wanted: Schema, snapshot: Snapshot, table: DeltaTable) throws(LakeError) {
        do {
            reader = try ParquetReader(table.storage, file.path)
        } catch {
            guard (try? table.storage.exists(file.path)) == false else { throw error }
            throw .missingFile(table: table.name, version: snapshot.version, path: file.path)
        }
        self.file = file
        self.wanted = wanted
        self.snapshot = snapshot
        self.table = table.name
    }

    /// The rows of a row group, or nil when none of their times is in the range.
    func batch(rowGroup: Int, times: (column: String, range: ClosedRange<Timestamp>)? = nil) throws(LakeError) -> Batch? {
        let count = reader.rowGroups[rowGroup].rowCount
        let partitions = Set(snapshot.partitionColumns)
        let inFile = wanted.fields.filter { !partitions.contains($0.name) && reader.schema[$0.name] != nil }.map(\.name)
        var read: [String: Column] = [:]
        // The times first: where none is wanted, nothing else is read.
        if let times, reader.schema[times.column]?.type == .timestamp, !partitions.contains(times.column) {
            let column = try reader.read(rowGroup: rowGroup, columns: [times.column]).columns[0]
            guard column.hasTime(in: times.range) else { return nil }
            read[times.column] = column
        }
        let rest = inFile.filter { read[$0] == nil }
        if !rest.isEmpty {
            for (name, column) in zip(rest, try reader.read(rowGroup: rowGroup, columns: rest).columns) { read[name] = column }
        }
        var columns: [Column] = []
        for field in wanted.fields {
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
        // Whether others kept to "never null" is theirs to see to: what they wrote is read.
        let schema = Schema(
            zip(wanted.fields, columns).map { Field($0.name, $0.type, isNullable: $0.isNullable || $1.nullCount > 0) })
        return Batch(schema: schema, columns: columns)
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

extension Column {
    /// Whether a timestamp of the column is in `range`.
    fileprivate func hasTime(in range: ClosedRange<Timestamp>) -> Bool {
        guard case .int64(let all) = values else { return true }
        let low = range.lowerBound.microseconds, high = range.upperBound.microseconds
        if validity == nil { return all[self.range].contains { $0 >= low && $0 <= high } }
        return self.range.contains { index in
            all[index] >= low && all[index] <= high && !isNull(at: index - self.range.lowerBound)
        }
    }
}

extension ParquetReader {
    /// Whether a row of the row group may have a time in `range`: true unless its statistics say that none has.
    func mayHold(_ range: ClosedRange<Timestamp>, in column: String, rowGroup: Int) -> Bool {
        guard let node = root.children.first(where: { $0.name == column }), node.isFlat, node.type == .int64,
            case .timestamp(let unit) = node.meaning,
            let statistics = rowGroups[rowGroup].columns[node.leaves.lowerBound].statistics,
            let low = statistics.minimum.flatMap(Self.int64), let high = statistics.maximum.flatMap(Self.int64)
        else { return true }
        func microseconds(_ value: Int64) -> Int64 {
            switch unit {
            case .milliseconds: value.multipliedReportingOverflow(by: 1000).overflow ? (value < 0 ? .min : .max) : value * 1000
            case .microseconds: value
            case .nanoseconds: value >= 0 ? value / 1000 : (value + 1) / 1000 - 1
            }
        }
        return microseconds(low) <= range.upperBound.microseconds && microseconds(high) >= range.lowerBound.microseconds
    }

    private static func int64(_ bytes: [UInt8]) -> Int64? {
        guard bytes.count == 8 else { return nil }
        return Int64(bitPattern: bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) })
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
