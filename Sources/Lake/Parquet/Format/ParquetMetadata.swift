import Columns

/// The footer of a Parquet file: its columns, and where each row group keeps them.
struct ParquetMetadata {
    /// The file is whole but uses what is not read here.
    struct Unsupported: Error {
        let reason: String
    }

    /// No file has more columns, or more chunks of columns: a footer that says so would fill the memory with nothing.
    private static let maxElements = 1 << 16, maxChunks = 1 << 19, maxDepth = 24

    private(set) var root: ParquetNode
    /// The top columns as a batch has them.
    private(set) var schema: Schema
    private(set) var rowCount = 0
    private(set) var rowGroups: [ParquetFormat.RowGroup] = []

    /// - Throws: ``Unsupported``, or ``ThriftReader/Malformed`` when the bytes are not a footer, or not the one that was written.
    init(_ footer: [UInt8]) throws {
        // Before anything is read: one bit in the number of a field renames those behind it, the seal among them.
        guard !FooterSeal.isBroken(footer) else { throw ThriftReader.Malformed() }
        var reader = ThriftReader(footer)
        var seal: [UInt8]?
        var creator = ""
        var elements: [(node: ParquetNode, children: Int)] = []
        var groups: [ParquetFormat.RowGroup] = []
        var chunks = 0
        try reader.structure { reader, field, _ in
            switch field {
            case 2:
                try reader.list { reader, _ in
                    guard elements.count < Self.maxElements else { throw ThriftReader.Malformed() }
                    elements.append(try Self.element(&reader))
                }
            case 4:
                try reader.list { reader, _ in
                    groups.append(try Self.rowGroup(&reader))
                    chunks += groups[groups.count - 1].columns.count + 1
                    guard chunks <= Self.maxChunks else { throw ThriftReader.Malformed() }
                }
            case 5: try reader.list { reader, _ in seal = try Self.seal(&reader) ?? seal }
            case 6: creator = try reader.string()
            default: return false
            }
            return true
        }
        guard !elements.isEmpty else { throw ThriftReader.Malformed() }
        var next = 0
        let tree = try Self.tree(elements, at: &next, depth: 0)
        guard next == elements.count, tree.type == nil else { throw ThriftReader.Malformed() }
        var leaf = 0
        var top = tree
        top.repetition = .required
        top.name = ""
        root = top.placed(leaf: &leaf)
        guard Set(root.children.map(\.name)).count == root.children.count else {
            throw Unsupported(reason: "two columns have one name")
        }
        schema = Schema(
            root.children.map { Field($0.name, $0.columnType, isNullable: !$0.isFlat || $0.repetition == .optional) })
        for group in groups {
            guard (0...1 << 31).contains(group.rowCount) else { throw ThriftReader.Malformed() }
            guard group.columns.count == leaf else { throw ThriftReader.Malformed() }
        }
        if let seal, creator == ParquetFormat.creator {
            guard let checksums = FooterSeal.open(seal, in: footer, chunks: groups.count * leaf) else {
                throw ThriftReader.Malformed()
            }
            for chunk in checksums.indices { groups[chunk / leaf].columns[chunk % leaf].checksum = checksums[chunk] }
        }
        rowGroups = groups
        // Not what the footer says as a whole: some writers leave that at 0.
        rowCount = groups.reduce(0) { $0 + $1.rowCount }
    }

    private static func tree(_ elements: [(node: ParquetNode, children: Int)], at next: inout Int, depth: Int) throws
        -> ParquetNode
    {
        guard next < elements.count, depth < maxDepth else { throw ThriftReader.Malformed() }
        var (node, count) = elements[next]
        next += 1
        guard count >= 0, count <= elements.count - next else { throw ThriftReader.Malformed() }
        guard node.type == nil || count == 0 else { throw ThriftReader.Malformed() }
        for _ in 0..<count { node.children.append(try tree(elements, at: &next, depth: depth + 1)) }
        return node
    }

    // MARK: Schema elements

    private static func element(_ reader: inout ThriftReader) throws -> (node: ParquetNode, children: Int) {
        var node = ParquetNode(name: "", repetition: .required)
        var children = 0
        var converted: Int32?
        var scale = 0
        try reader.structure { reader, field, _ in
            switch field {
            case 1:
                guard let type = ParquetFormat.PhysicalType(rawValue: try reader.i32()) else { throw ThriftReader.Malformed() }
                node.type = type
            case 2: node.length = Int(try reader.i32())
            case 3:
                guard let repetition = ParquetNode.Repetition(rawValue: try reader.i32()) else { throw ThriftReader.Malformed() }
                node.repetition = repetition
            case 4: node.name = try reader.string()
            case 5: children = Int(try reader.i32())
            case 6: converted = try reader.i32()
            case 7: scale = Int(try reader.i32())
            case 10: try logical(&reader, &node)
            default: return false
            }
            return true
        }
        if let converted, node.meaning == .asStored, node.annotation == .none { old(converted, scale, &node) }
        if node.type == .fixedLengthByteArray {
            guard (0...1 << 20).contains(node.length) else { throw ThriftReader.Malformed() }
        }
        if case .decimal(let scale) = node.meaning { guard (0...1000).contains(scale) else { throw ThriftReader.Malformed() } }
        if !fits(node) { node.meaning = .asStored }
        return (node, children)
    }

    /// Whether the meaning is one that the stored type can have; a wrong one is as good as none.
    private static func fits(_ node: ParquetNode) -> Bool {
        switch node.meaning {
        case .asStored, .nothing: true
        case .text: node.type == .byteArray || node.type == .fixedLengthByteArray
        case .date: node.type == .int32
        case .timestamp: node.type == .int64
        case .timeOfDay, .unsigned: node.type == .int32 || node.type == .int64
        case .decimal: node.type == .int32 || node.type == .int64 || node.type == .byteArray || node.type == .fixedLengthByteArray
        case .float16: node.type == .fixedLengthByteArray && node.length == 2
        case .uuid: node.type == .fixedLengthByteArray && node.length == 16
        }
    }

    /// The converted types, which writers of before 2018 used alone.
    private static func old(_ converted: Int32, _ scale: Int, _ node: inout ParquetNode) {
        switch converted {
        case 0, 4, 19: node.meaning = .text
        case 1, 2: node.annotation = .map
        case 3: node.annotation = .list
        case 5: node.meaning = .decimal(scale: scale)
        case 6: node.meaning = .date
        case 7: node.meaning = .timeOfDay(.milliseconds)
        case 8: node.meaning = .timeOfDay(.microseconds)
        case 9: node.meaning = .timestamp(.milliseconds)
        case 10: node.meaning = .timestamp(.microseconds)
        case 11...14: node.meaning = .unsigned
        default: break
        }
    }

    private static func logical(_ reader: inout ThriftReader, _ node: inout ParquetNode) throws {
        try reader.structure { reader, kind, _ in
            switch kind {
            case 1, 4, 12: node.meaning = .text  // UTF-8, enumeration, JSON
            case 2: node.annotation = .map
            case 3: node.annotation = .list
            case 5:
                var scale = 0
                try reader.structure { reader, field, _ in
                    if field == 1 { scale = Int(try reader.i32()) }
                    return field == 1
                }
                node.meaning = .decimal(scale: scale)
                return true
            case 6: node.meaning = .date
            case 7, 8:
                var unit = ParquetNode.Unit.milliseconds
                try reader.structure { reader, field, _ in
                    guard field == 2 else { return false }
                    try reader.structure { _, number, _ in
                        unit = number == 2 ? .microseconds : number == 3 ? .nanoseconds : .milliseconds
                        return false
                    }
                    return true
                }
                node.meaning = kind == 7 ? .timeOfDay(unit) : .timestamp(unit)
                return true
            case 10:
                try reader.structure { _, field, type in
                    if field == 2, type == 2 { node.meaning = .unsigned }
                    return false
                }
                return true
            case 11: node.meaning = .nothing
            case 14: node.meaning = .uuid
            case 15: node.meaning = .float16
            default: break
            }
            return false
        }
    }

    /// The value of the pair at hand when it is ``FooterSeal``'s.
    private static func seal(_ reader: inout ThriftReader) throws -> [UInt8]? {
        var isSeal = false
        var value: [UInt8]?
        try reader.structure { reader, field, _ in
            switch field {
            case 1: isSeal = try reader.string() == FooterSeal.key
            case 2: value = try reader.binary()
            default: return false
            }
            return true
        }
        return isSeal ? value : nil
    }

    // MARK: Row groups

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
            dataPageOffset: 0, dictionaryPageOffset: nil, statistics: nil)
        var hasMetadata = false
        try reader.structure { reader, field, _ in
            switch field {
            case 1:
                if !(try reader.binary()).isEmpty { chunk.obstacle = "its pages are in another file, which is not read here" }
            case 3:
                hasMetadata = true
                try metadata(&reader, &chunk)
            case 8:
                chunk.obstacle = "it is encrypted, which is not read here"
                return false
            default: return false
            }
            return true
        }
        if !hasMetadata, chunk.obstacle == nil { throw ThriftReader.Malformed() }
        return chunk
    }

    private static func metadata(_ reader: inout ThriftReader, _ chunk: inout ParquetFormat.ColumnChunk) throws {
        try reader.structure { reader, field, _ in
            switch field {
            case 1:
                guard let type = ParquetFormat.PhysicalType(rawValue: try reader.i32()) else { throw ThriftReader.Malformed() }
                chunk.type = type
            case 3: try reader.list { reader, _ in chunk.path.append(try reader.string()) }
            case 4:
                let code = try reader.i32()
                if let codec = CompressionCodec(rawValue: code) {
                    chunk.codec = codec
                } else {
                    chunk.obstacle = "it is compressed by \(CompressionCodec.name(code)), which is not read here"
                }
            case 5: chunk.valueCount = Int(try reader.i64())
            case 6: chunk.uncompressedSize = Int(try reader.i64())
            case 7: chunk.compressedSize = Int(try reader.i64())
            case 9: chunk.dataPageOffset = Int(try reader.i64())
            case 11:
                // 0 is what some writers put for none: the file's first bytes are its magic.
                let offset = Int(try reader.i64())
                if offset != 0 { chunk.dictionaryPageOffset = offset }
            case 12: chunk.statistics = try statistics(&reader)
            default: return false
            }
            return true
        }
    }

    private static func statistics(_ reader: inout ThriftReader) throws -> ParquetFormat.Statistics {
        var statistics = ParquetFormat.Statistics(nullCount: nil)
        try reader.structure { reader, field, _ in
            switch field {
            case 3: statistics.nullCount = Int(try reader.i64())
            case 5: statistics.maximum = try reader.binary()
            case 6: statistics.minimum = try reader.binary()
            default: return false
            }
            return true
        }
        return statistics
    }
}
