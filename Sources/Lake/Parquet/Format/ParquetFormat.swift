import Columns

/// The parts of Parquet's metadata that are written and read, and their numbers in the format.
///
/// Source: Apache Parquet, parquet.thrift.
enum ParquetFormat {
    static let magic: [UInt8] = Array("PAR1".utf8)

    enum PhysicalType: Int32 {
        case boolean = 0, int32 = 1, int64 = 2, int96 = 3, float = 4, double = 5, byteArray = 6, fixedLengthByteArray = 7
    }

    enum Encoding: Int32 {
        case plain = 0, plainDictionary = 2, rle = 3, bitPacked = 4, deltaBinaryPacked = 5, deltaLengthByteArray = 6,
            deltaByteArray = 7,
            rleDictionary = 8, byteStreamSplit = 9
    }

    enum PageType: Int32 {
        case data = 0, index = 1, dictionary = 2, dataV2 = 3
    }

    /// Statistics of a column chunk; texts are cut, so they bound the values and need not be among them.
    struct Statistics: Sendable {
        /// Nil when the writer does not say.
        var nullCount: Int?
        var minimum: [UInt8]?
        var maximum: [UInt8]?
    }

    struct ColumnChunk: Sendable {
        var path: [String]
        /// Why it cannot be read: a key, another file or a codec that is not there; nil when it can.
        var obstacle: String?
        var type: PhysicalType
        var encodings: [Encoding]
        var codec: CompressionCodec
        var valueCount: Int
        var uncompressedSize: Int
        var compressedSize: Int
        var dataPageOffset: Int
        var dictionaryPageOffset: Int?
        var statistics: Statistics?
        /// Of its bytes in the file, page headers too; nil where the writer does not say.
        var checksum: UInt32?

        /// Where the chunk begins in the file: at its dictionary, if it has one.
        var start: Int { dictionaryPageOffset.map { min($0, dataPageOffset) } ?? dataPageOffset }
    }

    struct RowGroup: Sendable {
        var columns: [ColumnChunk]
        var rowCount: Int
        var totalByteSize: Int
    }

    static func physicalType(_ type: ColumnType) -> PhysicalType {
        switch type {
        case .bool: .boolean
        case .int32, .date: .int32
        case .int64, .timestamp: .int64
        case .float: .float
        case .double: .double
        case .text, .binary: .byteArray
        }
    }

    /// Who wrote the file, as its footer says.
    static let creator = "obs"

    /// The footer of a file, with the checksums of its chunks and of itself (``FooterSeal``).
    static func footer(root: ParquetNode, rowGroups: [RowGroup], rowCount: Int) -> [UInt8] {
        var writer = ThriftWriter()
        writer.element { file in
            file.i32(1, 1)
            file.list(2, [root] + root.descendants) { write($1, isRoot: $1.name.isEmpty, to: &$0) }
            file.i64(3, Int64(rowCount))
            file.list(4, rowGroups) { group, rowGroup in
                group.list(1, rowGroup.columns) { write($1, to: &$0) }
                group.i64(2, Int64(rowGroup.totalByteSize))
                group.i64(3, Int64(rowGroup.rowCount))
            }
            file.list(5, [FooterSeal.unclosed(rowGroups)]) { pair, value in
                pair.string(1, FooterSeal.key)
                pair.string(2, value)
            }
            file.string(6, creator)
            // Without an order of its own for each column, readers do not trust the statistics of texts.
            file.list(7, root.allLeaves()) { order, _ in order.structure(1) { _ in } }
        }
        return FooterSeal.closed(writer.bytes)
    }

    private static func write(_ node: ParquetNode, isRoot: Bool, to element: inout ThriftWriter) {
        if let type = node.type { element.i32(1, type.rawValue) }
        if !isRoot { element.i32(3, node.repetition.rawValue) }
        element.string(4, isRoot ? "schema" : node.name)
        if node.type == nil { element.i32(5, Int32(node.children.count)) }
        // The converted type is what old readers know, the logical type what new ones ask for.
        switch (node.meaning, node.annotation) {
        case (.text, _):
            element.i32(6, 0)
            element.structure(10) { $0.structure(1) { _ in } }
        case (.date, _):
            element.i32(6, 6)
            element.structure(10) { $0.structure(6) { _ in } }
        case (.timestamp, _):
            element.i32(6, 10)
            element.structure(10) { logical in
                logical.structure(8) { timestamp in
                    timestamp.bool(1, true)
                    timestamp.structure(2) { unit in unit.structure(2) { _ in } }
                }
            }
        case (_, .map):
            element.i32(6, 1)
            element.structure(10) { $0.structure(2) { _ in } }
        case (_, .list):
            element.i32(6, 3)
            element.structure(10) { $0.structure(3) { _ in } }
        default: break
        }
    }

    private static func write(_ chunk: ColumnChunk, to writer: inout ThriftWriter) {
        writer.i64(2, Int64(chunk.start))
        writer.structure(3) { data in
            data.i32(1, chunk.type.rawValue)
            data.list(2, i32s: chunk.encodings.map(\.rawValue))
            data.list(3, strings: chunk.path)
            data.i32(4, chunk.codec.rawValue)
            data.i64(5, Int64(chunk.valueCount))
            data.i64(6, Int64(chunk.uncompressedSize))
            data.i64(7, Int64(chunk.compressedSize))
            data.i64(9, Int64(chunk.dataPageOffset))
            if let offset = chunk.dictionaryPageOffset { data.i64(11, Int64(offset)) }
            if let statistics = chunk.statistics {
                data.structure(12) { fields in
                    if let nulls = statistics.nullCount { fields.i64(3, Int64(nulls)) }
                    if let maximum = statistics.maximum { fields.binary(5, maximum) }
                    if let minimum = statistics.minimum { fields.binary(6, minimum) }
                }
            }
        }
    }

    static func dataPageHeader(size: Int, compressedSize: Int, checksum: UInt32, valueCount: Int, encoding: Encoding) -> [UInt8] {
        pageHeader(.data, size: size, compressedSize: compressedSize, checksum: checksum) { page in
            page.structure(5) { header in
                header.i32(1, Int32(valueCount))
                header.i32(2, encoding.rawValue)
                header.i32(3, Encoding.rle.rawValue)
                header.i32(4, Encoding.rle.rawValue)
            }
        }
    }

    static func dictionaryPageHeader(size: Int, compressedSize: Int, checksum: UInt32, valueCount: Int) -> [UInt8] {
        pageHeader(.dictionary, size: size, compressedSize: compressedSize, checksum: checksum) { page in
            page.structure(7) { header in
                header.i32(1, Int32(valueCount))
                header.i32(2, Encoding.plain.rawValue)
            }
        }
    }

    private static func pageHeader(
        _ type: PageType, size: Int, compressedSize: Int, checksum: UInt32, _ body: (inout ThriftWriter) -> Void
    ) -> [UInt8] {
        var writer = ThriftWriter()
        writer.element { page in
            page.i32(1, type.rawValue)
            page.i32(2, Int32(size))
            page.i32(3, Int32(compressedSize))
            page.i32(4, Int32(bitPattern: checksum))
            body(&page)
        }
        return writer.bytes
    }
}
