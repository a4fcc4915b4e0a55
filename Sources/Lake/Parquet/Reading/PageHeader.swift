internal import CZlib
import Columns

/// What precedes each page of a column chunk.
struct PageHeader {
    var type = ParquetFormat.PageType.data
    var size = 0
    var compressedSize = 0
    var checksum: UInt32?
    var valueCount = 0
    var encoding = ParquetFormat.Encoding.plain
    /// Levels packed highest bit first, as in the first version of the format. Writers also say so of levels that a column does
    /// not have.
    var hasOldDefinitions = false, hasOldRepetitions = false
    var definitionLength = 0
    var repetitionLength = 0
    var isCompressed = true

    init(_ thrift: inout ThriftReader) throws {
        var header = PageHeader()
        var hasType = false
        func encoding(_ value: Int32) throws -> ParquetFormat.Encoding {
            guard let encoding = ParquetFormat.Encoding(rawValue: value) else {
                throw DamagedPage("the encoding \(value), which is not read here")
            }
            return encoding
        }
        try thrift.structure { reader, field, _ in
            switch field {
            case 1:
                guard let type = ParquetFormat.PageType(rawValue: try reader.i32()) else {
                    throw DamagedPage("a page of an unknown kind")
                }
                header.type = type
                hasType = true
            case 2: header.size = Int(try reader.i32())
            case 3: header.compressedSize = Int(try reader.i32())
            case 4: header.checksum = UInt32(bitPattern: try reader.i32())
            case 5, 7:
                let isDictionary = field == 7
                try reader.structure { reader, field, _ in
                    switch field {
                    case 1: header.valueCount = Int(try reader.i32())
                    case 2: header.encoding = try encoding(try reader.i32())
                    case 3, 4:
                        guard !isDictionary else { return false }
                        let isOld = try reader.i32() == ParquetFormat.Encoding.bitPacked.rawValue
                        if field == 3 { header.hasOldDefinitions = isOld } else { header.hasOldRepetitions = isOld }
                    default: return false
                    }
                    return true
                }
            case 8:
                try reader.structure { reader, field, type in
                    switch field {
                    case 1: header.valueCount = Int(try reader.i32())
                    case 4: header.encoding = try encoding(try reader.i32())
                    case 5: header.definitionLength = Int(try reader.i32())
                    case 6: header.repetitionLength = Int(try reader.i32())
                    case 7: header.isCompressed = type == 1
                    default: return false
                    }
                    return true
                }
            default: return false
            }
            return true
        }
        guard hasType else { throw ThriftReader.Malformed() }
        self = header
    }

    /// The page's bytes, checked against their checksum and decompressed; the levels of a v2 page stand in front, as in the file.
    func body(_ compressed: ArraySlice<UInt8>, codec: CompressionCodec) throws -> [UInt8] {
        if let checksum {
            let actual = compressed.withUnsafeBufferPointer { crc32(0, $0.baseAddress, UInt32($0.count)) }
            guard UInt32(actual) == checksum else { throw DamagedPage("a page's checksum is not that of its bytes") }
        }
        guard type == .dataV2 else { return try Decompression.decompress(compressed, codec: codec, size: size) }
        guard repetitionLength >= 0, definitionLength >= 0, repetitionLength <= compressed.count,
            definitionLength <= compressed.count - repetitionLength, repetitionLength + definitionLength <= size
        else {
            throw DamagedPage("its levels are longer than the page")
        }
        let levels = repetitionLength + definitionLength
        let values = compressed.dropFirst(levels)
        return Array(compressed.prefix(levels))
            + (isCompressed ? try Decompression.decompress(values, codec: codec, size: size - levels) : Array(values))
    }
}

extension PageHeader {
    fileprivate init() {}
}
