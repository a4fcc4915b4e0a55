import Columns
import Foundation

/// A finished data file of a table, before or after a commit names it. It goes into checkpoints, so that an epoch can be
/// committed after a crash.
public struct DataFile: Codable, Sendable, Equatable {
    /// Relative to the table.
    public let path: String
    /// The rows in the file.
    public let rowCount: Int
    /// The size of the file.
    public let sizeInBytes: Int
    /// The JSON of the log: row count, and bounds and nulls of each column.
    let stats: String
    /// By column; nil in a table without partition columns.
    let partitionValues: [String: String?]?

    /// - Parameter schema: of the file: the table's without its partition columns.
    init(
        path: String, schema: Schema, size: Int, rowGroups: [ParquetFormat.RowGroup], partitionValues: [String: String?]? = nil
    ) {
        self.path = path
        self.partitionValues = partitionValues
        sizeInBytes = size
        rowCount = rowGroups.reduce(0) { $0 + $1.rowCount }
        stats = Self.stats(schema, rowGroups)
    }

    /// Source: Delta Transaction Log Protocol, "Per-file Statistics".
    private static func stats(_ schema: Schema, _ rowGroups: [ParquetFormat.RowGroup]) -> String {
        var smallest: [String: JSONValue] = [:], largest: [String: JSONValue] = [:], nulls: [String: JSONValue] = [:]
        for (index, field) in schema.fields.enumerated() {
            let all = rowGroups.compactMap { $0.columns[index].statistics }
            nulls[field.name] = .integer(Int64(all.reduce(0) { $0 + ($1.nullCount ?? 0) }))
            // A row group without bounds leaves the file without: except where it has no values at all.
            let withValues = zip(rowGroups, all).filter { $0.rowCount > $1.nullCount ?? 0 }.map(\.1)
            let lows = withValues.compactMap { JSONValue($0.minimum, field.type, isUpper: false) }
            let highs = withValues.compactMap { JSONValue($0.maximum, field.type, isUpper: true) }
            if lows.count == withValues.count { smallest[field.name] = lows.min() }
            if highs.count == withValues.count { largest[field.name] = highs.max() }
        }
        let whole: [String: JSONValue] = [
            "numRecords": .integer(Int64(rowGroups.reduce(0) { $0 + $1.rowCount })), "minValues": .object(smallest),
            "maxValues": .object(largest),
            "nullCount": .object(nulls),
        ]
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Numbers are finite and texts are texts: this always encodes.
        return String(decoding: try! encoder.encode(whole), as: UTF8.self)
    }

    /// A bound, comparable within its type.
    private enum JSONValue: Encodable, Comparable {
        case integer(Int64)
        case number(Double)
        case text(String)
        case object([String: JSONValue])

        init?(_ bytes: [UInt8]?, _ type: ColumnType, isUpper: Bool) {
            guard let bytes else { return nil }
            func whole() -> Int64 { bytes.reversed().reduce(bytes.last! >= 0x80 ? -1 : 0) { $0 << 8 | Int64($1) } }
            switch type {
            case .int32, .int64: self = .integer(whole())
            case .date: self = .text(Value.date(Int32(whole())).description)
            case .timestamp:
                // The log has milliseconds: the upper bound is rounded up, so that no row is above it.
                let time = whole(), rest = ((time % 1000) + 1000) % 1000
                let rounded = Timestamp(microseconds: time - rest + (isUpper && rest > 0 ? 1000 : 0)).description
                self = .text(rounded.contains(".") ? rounded : rounded.dropLast() + ".000Z")
            case .double:
                let value = Double(bitPattern: UInt64(bitPattern: whole()))
                guard value.isFinite else { return nil }
                self = .number(value)
            case .float:
                let value = Float(bitPattern: UInt32(truncatingIfNeeded: whole()))
                guard value.isFinite else { return nil }
                self = .number(Double(value))
            case .text:
                guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
                self = .text(text)
            case .bool, .binary: return nil
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .integer(let value): try container.encode(value)
            case .number(let value): try container.encode(value)
            case .text(let value): try container.encode(value)
            case .object(let value): try container.encode(value)
            }
        }

        static func < (left: JSONValue, right: JSONValue) -> Bool {
            switch (left, right) {
            case (.integer(let a), .integer(let b)): a < b
            case (.number(let a), .number(let b)): a < b
            // By bytes, as Parquet orders texts.
            case (.text(let a), .text(let b)): a.utf8.lexicographicallyPrecedes(b.utf8)
            default: false
            }
        }
    }
}
