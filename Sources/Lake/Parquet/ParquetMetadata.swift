import Columns

/// The footer of a Parquet file, as far as flat columns go.
struct ParquetMetadata {
    /// The file is whole but uses what is not read here.
    struct Unsupported: Error {
        let reason: String
    }

    private(set) var schema = Schema([])
    private(set) var rowCount = 0
    private(set) var rowGroups: [ParquetFormat.RowGroup] = []

    private struct Element {
        var type: ParquetFormat.PhysicalType?
        var repetition: Int32 = 0
        var name = ""
        var children = 0
        var converted: Int32?
        var isText = false
        var isDate = false
        /// Units in a microsecond, or nil if it is no timestamp.
        var isTimestamp = false
        var isOtherTime = false
        var isDecimal = false
    }

    init(_ footer: [UInt8]) throws {
        var reader = ThriftReader(footer)
        var elements: [Element] = []
        var groups: [ParquetFormat.RowGroup] = []
        var rows: Int64 = 0
        try reader.structure { reader, field, _ in
            switch field {
            case 2: try reader.list { reader, _ in elements.append(try Self.element(&reader)) }
            case 3: rows = try reader.i64()
            case 4: try reader.list { reader, _ in groups.append(try Self.rowGroup(&reader)) }
            default: return false
            }
            return true
        }
        guard rows >= 0, let root = elements.first, root.children == elements.count - 1 else {
            throw Unsupported(reason: "it has nested columns, which are not read here")
        }
        schema = Schema(try Self.unique(elements.dropFirst().map(Self.field)))
        rowCount = Int(rows)
        rowGroups = groups
        for group in groups {
            guard group.rowCount >= 0, group.rowCount <= 1 << 31 else { throw ThriftReader.Malformed() }
        }
        guard groups.reduce(0, { $0 + $1.rowCount }) == rowCount else { throw ThriftReader.Malformed() }
    }

    private static func unique(_ fields: [Field]) throws -> [Field] {
        guard Set(fields.map(\.name)).count == fields.count else { throw Unsupported(reason: "two columns have one name") }
        return fields
    }

    private static func field(_ element: Element) throws -> Field {
        guard element.children == 0, element.repetition != 2, let physical = element.type else {
            throw Unsupported(reason: "column '\(element.name)' is nested, which is not read here")
        }
        if element.isDecimal || element.isOtherTime {
            throw Unsupported(reason: "column '\(element.name)' is a decimal or a time of another unit, which is not read here")
        }
        let type: ColumnType =
            switch physical {
            case .boolean: .bool
            case .int32: element.isDate ? .date : .int32
            case .int64: element.isTimestamp ? .timestamp : .int64
            case .int96: .timestamp
            case .float: .float
            case .double: .double
            case .byteArray: element.isText ? .text : .binary
            case .fixedLengthByteArray:
                throw Unsupported(reason: "column '\(element.name)' has values of fixed length, which are not read here")
            }
        return Field(element.name, type, isNullable: element.repetition == 1)
    }

    private static func element(_ reader: inout ThriftReader) throws -> Element {
        var element = Element()
        try reader.structure { reader, field, _ in
            switch field {
            case 1: element.type = ParquetFormat.PhysicalType(rawValue: try reader.i32())
            case 3: element.repetition = try reader.i32()
            case 4: element.name = try reader.string()
            case 5: element.children = Int(try reader.i32())
            case 6:
                switch try reader.i32() {
                case 0, 4, 19: element.isText = true
                case 5: element.isDecimal = true
                case 6: element.isDate = true
                case 10: element.isTimestamp = true
                case 7, 8, 9: element.isOtherTime = true
                default: break
                }
            case 10:
                try reader.structure { reader, field, _ in
                    switch field {
                    case 1, 4, 11: element.isText = true
                    case 5: element.isDecimal = true
                    case 6: element.isDate = true
                    case 8:
                        try reader.structure { reader, field, _ in
                            guard field == 2 else { return false }
                            try reader.structure { _, unit, _ in
                                if unit == 2 { element.isTimestamp = true } else { element.isOtherTime = true }
                                return false
                            }
                            return true
                        }
                        return true
                    default: break
                    }
                    return false
                }
            default: return false
            }
            return true
        }
        return element
    }

    private static func rowGroup(_ reader: inout ThriftReader) throws -> ParquetFormat.RowGroup {
        var group = ParquetFormat.RowGroup(columns: [], rowCount: 0, totalByteSize: 0)
        try reader.structure { reader, field, _ in
            switch field {
            case 1: try reader.list { reader, _ in group.columns.append(try chunk(&reader)) }
            case 2: group.totalByteSize = Int(try reader.i64())
            case 3: group.rowCount = Int(try reader.i64())
            default: return false
            }
            return true
        }
        return group
    }

    private static func chunk(_ reader: inout ThriftReader) throws -> ParquetFormat.ColumnChunk {
        var chunk = ParquetFormat.ColumnChunk(
            path: [], type: .boolean, encodings: [], codec: .uncompressed, valueCount: 0, uncompressedSize: 0, compressedSize: 0,
            dataPageOffset: 0,
            dictionaryPageOffset: nil, statistics: nil)
        try reader.structure { reader, field, _ in
            guard field == 3 else { return false }
            try reader.structure { reader, field, _ in
                switch field {
                case 1:
                    guard let type = ParquetFormat.PhysicalType(rawValue: try reader.i32()) else {
                        throw ThriftReader.Malformed()
                    }
                    chunk.type = type
                case 3: try reader.list { reader, _ in chunk.path.append(try reader.string()) }
                case 4:
                    let code = try reader.i32()
                    guard let codec = CompressionCodec(rawValue: code) else {
                        throw Unsupported(reason: "it is compressed by codec \(code), which is not read here")
                    }
                    chunk.codec = codec
                case 5: chunk.valueCount = Int(try reader.i64())
                case 6: chunk.uncompressedSize = Int(try reader.i64())
                case 7: chunk.compressedSize = Int(try reader.i64())
                case 9: chunk.dataPageOffset = Int(try reader.i64())
                case 11: chunk.dictionaryPageOffset = Int(try reader.i64())
                case 12:
                    var statistics = ParquetFormat.Statistics()
                    try reader.structure { reader, field, _ in
                        switch field {
                        case 3: statistics.nullCount = Int(try reader.i64())
                        case 5: statistics.maximum = try reader.binary()
                        case 6: statistics.minimum = try reader.binary()
                        default: return false
                        }
                        return true
                    }
                    chunk.statistics = statistics
                default: return false
                }
                return true
            }
            return true
        }
        return chunk
    }
}
