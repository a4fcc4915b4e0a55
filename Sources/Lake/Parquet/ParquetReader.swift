internal import CZlib
import Columns

/// Reads a Parquet file of flat columns: its footer at once, then each row group on its own, only the columns that are asked for.
///
/// Pages v1 and v2; PLAIN, dictionary, DELTA_BINARY_PACKED, DELTA_LENGTH_BYTE_ARRAY and DELTA_BYTE_ARRAY; zstd, gzip, snappy and none. What it
/// does not read it names. No bytes make it crash: every size is checked before it is used.
public struct ParquetReader: Sendable {
    /// No page and no footer is larger; a size beyond it is a lie or an attack.
    private static let maxSize = 1 << 28

    public let schema: Schema
    public let rowCount: Int
    let rowGroups: [ParquetFormat.RowGroup]
    private let storage: any Storage
    private let key: String

    public init(_ storage: any Storage, _ key: String) throws(LakeError) {
        self.storage = storage
        self.key = key
        let size = try storage.size(key)
        func bad(_ reason: String) -> LakeError { .badFile(path: key, reason: reason) }
        guard size >= 12 else { throw bad("it is too short") }
        let tail = try storage.get(key, offset: size - 8, length: 8)
        guard tail.count == 8, Array(tail[4...]) == ParquetFormat.magic else {
            throw bad("it does not end in PAR1; it is of another kind or not whole")
        }
        let length = Int(tail[0]) | Int(tail[1]) << 8 | Int(tail[2]) << 16 | Int(tail[3]) << 24
        guard length > 0, length <= size - 12, length <= Self.maxSize else { throw bad("its footer has an impossible length") }
        let footer = try storage.get(key, offset: size - 8 - length, length: length)
        let metadata: ParquetMetadata
        do {
            metadata = try ParquetMetadata(footer)
        } catch let error as ParquetMetadata.Unsupported {
            throw bad(error.reason)
        } catch {
            throw bad("its footer is damaged")
        }
        schema = metadata.schema
        rowGroups = metadata.rowGroups
        rowCount = metadata.rowCount
    }

    public var rowGroupCount: Int { rowGroups.count }

    /// The rows of one row group; the columns called `names`, in that order, or all.
    public func read(rowGroup index: Int, columns names: [String]? = nil) throws(LakeError) -> Batch {
        let group = rowGroups[index]
        let wanted = names.map { schema.selecting($0) } ?? schema
        var columns: [Column] = []
        for field in wanted.fields {
            guard let chunk = group.columns.first(where: { $0.path == [field.name] }) else {
                throw .badFile(path: key, reason: "row group \(index) lacks column '\(field.name)'")
            }
            columns.append(try read(chunk, field, rowCount: group.rowCount))
        }
        return Batch(schema: wanted, columns: columns)
    }

    private func read(_ chunk: ParquetFormat.ColumnChunk, _ field: Field, rowCount: Int) throws(LakeError) -> Column {
        func bad(_ reason: String) -> LakeError { .badFile(path: key, reason: "column '\(field.name)': \(reason)") }
        guard chunk.start >= 0, chunk.compressedSize >= 0, chunk.compressedSize <= 1 << 31 else {
            throw bad("an impossible place in the file")
        }
        let bytes = try storage.get(key, offset: chunk.start, length: chunk.compressedSize)
        guard bytes.count == chunk.compressedSize else { throw bad("the file ends before its pages") }
        do {
            var decoder = ColumnChunkDecoder(
                field: field, type: chunk.type, codec: chunk.codec, rowCount: rowCount, maxPageSize: Self.maxSize)
            try decoder.decode(bytes)
            return try decoder.finish()
        } catch let error as DamagedPage {
            throw bad(error.reason)
        } catch let error as Decompression.Failed {
            throw bad(error.reason)
        } catch {
            throw bad("a page header is damaged")
        }
    }
}

/// Decodes the pages of one column chunk into a column.
private struct ColumnChunkDecoder {
    let field: Field
    let type: ParquetFormat.PhysicalType
    let codec: CompressionCodec
    let rowCount: Int
    let maxPageSize: Int

    private var integers: [Int64] = []
    private var doubles: [Double] = []
    private var bools: [Bool] = []
    private var texts = TextValues()
    private var dictionaryTexts: TextValues?
    private var dictionaryIntegers: [Int64] = []
    private var dictionaryDoubles: [Double] = []
    private var codes: [UInt32] = []
    /// Whether all data pages so far are of dictionary codes: then the column stays one of codes.
    private var isAllCodes = true
    private var present: [Bool] = []

    init(field: Field, type: ParquetFormat.PhysicalType, codec: CompressionCodec, rowCount: Int, maxPageSize: Int) {
        self.field = field
        self.type = type
        self.codec = codec
        self.rowCount = rowCount
        self.maxPageSize = maxPageSize
    }

    private struct Header {
        var type = ParquetFormat.PageType.data
        var size = 0
        var compressedSize = 0
        var checksum: UInt32?
        var valueCount = 0
        var encoding = ParquetFormat.Encoding.plain
        var nullCount = 0
        var definitionLength = 0
        var repetitionLength = 0
        var isCompressed = true
    }

    mutating func decode(_ bytes: [UInt8]) throws {
        var position = 0
        while position < bytes.count, present.count < rowCount {
            var thrift = ThriftReader(bytes, from: position)
            let header = try Self.header(&thrift)
            let start = thrift.position
            guard header.compressedSize >= 0, header.compressedSize <= bytes.count - start, header.size >= 0,
                header.size <= maxPageSize,
                header.valueCount >= 0, header.valueCount <= max(rowCount, 1 << 24)
            else { throw DamagedPage("a page has an impossible size") }
            let body = bytes[start..<(start + header.compressedSize)]
            if let checksum = header.checksum {
                let actual = body.withUnsafeBufferPointer { crc32(0, $0.baseAddress, UInt32($0.count)) }
                guard UInt32(actual) == checksum else { throw DamagedPage("a page's checksum is not that of its bytes") }
            }
            switch header.type {
            case .dictionary:
                let page = try Decompression.decompress(body, codec: codec, size: header.size)
                try readDictionary(page, count: header.valueCount)
            case .data:
                let page = try Decompression.decompress(body, codec: codec, size: header.size)
                try readPage(page, header)
            case .dataV2:
                let levels = header.repetitionLength + header.definitionLength
                guard levels >= 0, levels <= body.count, levels <= header.size else {
                    throw DamagedPage("its levels are longer than the page")
                }
                let values = body.dropFirst(levels)
                var page = Array(body.prefix(levels))
                page +=
                    header.isCompressed
                    ? try Decompression.decompress(values, codec: codec, size: header.size - levels) : Array(values)
                try readPage(page, header)
            case .index: break
            }
            position = start + header.compressedSize
        }
        guard present.count == rowCount else { throw DamagedPage("\(present.count) rows instead of \(rowCount)") }
    }

    private static func header(_ thrift: inout ThriftReader) throws -> Header {
        var header = Header()
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
            case 2: header.size = Int(try reader.i32())
            case 3: header.compressedSize = Int(try reader.i32())
            case 4: header.checksum = UInt32(bitPattern: try reader.i32())
            case 5, 7:
                try reader.structure { reader, field, _ in
                    switch field {
                    case 1: header.valueCount = Int(try reader.i32())
                    case 2: header.encoding = try encoding(try reader.i32())
                    default: return false
                    }
                    return true
                }
            case 8:
                try reader.structure { reader, field, type in
                    switch field {
                    case 1: header.valueCount = Int(try reader.i32())
                    case 2: header.nullCount = Int(try reader.i32())
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
        return header
    }

    private mutating func readDictionary(_ page: [UInt8], count: Int) throws {
        var bytes = PageBytes(page)
        switch type {
        case .byteArray, .fixedLengthByteArray:
            var texts = TextValues()
            for _ in 0..<count { try Self.appendPlainText(&bytes, to: &texts) }
            dictionaryTexts = texts
        case .double, .float: dictionaryDoubles = try plainDoubles(&bytes, count)
        case .int32, .int64, .int96: dictionaryIntegers = try plainIntegers(&bytes, count)
        case .boolean: throw DamagedPage("a dictionary of booleans")
        }
    }

    private mutating func readPage(_ page: [UInt8], _ header: Header) throws {
        guard present.count + header.valueCount <= rowCount else { throw DamagedPage("more rows than the file says") }
        var bytes = PageBytes(page)
        var valueCount = header.valueCount
        if field.isNullable {
            var levelBytes: PageBytes
            if header.type == .dataV2 {
                let range = try bytes.take(header.definitionLength)
                levelBytes = PageBytes(page, from: range.lowerBound, to: range.upperBound)
            } else {
                let length = Int(try bytes.number(UInt32.self))
                let range = try bytes.take(length)
                levelBytes = PageBytes(page, from: range.lowerBound, to: range.upperBound)
            }
            let levels = try HybridEncoding.decode(&levelBytes, bitWidth: 1, count: header.valueCount)
            valueCount = 0
            for level in levels {
                present.append(level == 1)
                if level == 1 { valueCount += 1 }
            }
        } else {
            present.append(contentsOf: repeatElement(true, count: header.valueCount))
        }
        try readValues(&bytes, header.encoding, valueCount)
    }

    private mutating func readValues(_ bytes: inout PageBytes, _ encoding: ParquetFormat.Encoding, _ count: Int) throws {
        switch encoding {
        case .rleDictionary, .plainDictionary:
            let width = count == 0 && bytes.left == 0 ? 0 : Int(try bytes.byte())
            let page = try HybridEncoding.decode(&bytes, bitWidth: width, count: count)
            try appendCodes(page)
        case .rle where type == .boolean:
            _ = try bytes.number(UInt32.self)
            bools.append(contentsOf: try HybridEncoding.decode(&bytes, bitWidth: 1, count: count).map { $0 == 1 })
        case .plain:
            leaveCodes()
            switch type {
            case .byteArray:
                for _ in 0..<count { try Self.appendPlainText(&bytes, to: &texts) }
            case .boolean:
                let range = try bytes.take((count + 7) / 8)
                var bits = BitReader(bytes.bytes, range)
                for _ in 0..<count { bools.append(bits.next(1) == 1) }
            case .float, .double: doubles.append(contentsOf: try plainDoubles(&bytes, count))
            case .int32, .int64, .int96: integers.append(contentsOf: try plainIntegers(&bytes, count))
            case .fixedLengthByteArray: throw DamagedPage("values of fixed length, which are not read here")
            }
        case .deltaBinaryPacked:
            leaveCodes()
            let values = try DeltaEncoding.decode(&bytes, limit: count)
            guard values.count == count else { throw DamagedPage("fewer values than its header says") }
            integers.append(contentsOf: type == .int32 ? values.map { Int64(Int32(truncatingIfNeeded: $0)) } : values)
        case .deltaLengthByteArray:
            leaveCodes()
            let lengths = try DeltaEncoding.decode(&bytes, limit: count)
            guard lengths.count == count else { throw DamagedPage("fewer values than its header says") }
            for length in lengths {
                let range = try bytes.take(Int(Int32(truncatingIfNeeded: length)))
                texts.append(bytes.bytes.span.extracting(range))
            }
        case .deltaByteArray:
            leaveCodes()
            let prefixes = try DeltaEncoding.decode(&bytes, limit: count)
            let lengths = try DeltaEncoding.decode(&bytes, limit: count)
            guard prefixes.count == count, lengths.count == count else { throw DamagedPage("fewer values than its header says") }
            var last: [UInt8] = []
            for (prefix, length) in zip(prefixes, lengths) {
                guard prefix >= 0, prefix <= last.count else { throw DamagedPage("a prefix longer than the text before it") }
                let range = try bytes.take(Int(Int32(truncatingIfNeeded: length)))
                last.removeLast(last.count - Int(prefix))
                last.append(contentsOf: bytes.bytes[range])
                texts.append(last.span)
            }
        default: throw DamagedPage("the encoding \(encoding), which is not read here")
        }
    }

    private mutating func appendCodes(_ page: [UInt32]) throws {
        switch type {
        case .byteArray, .fixedLengthByteArray:
            guard let dictionaryTexts else { throw DamagedPage("codes without a dictionary") }
            guard page.allSatisfy({ $0 < dictionaryTexts.count }) else { throw DamagedPage("a code beyond the dictionary") }
            if isAllCodes {
                codes.append(contentsOf: page)
            } else {
                for code in page { texts.append(dictionaryTexts[Int(code)]) }
            }
        case .float, .double:
            guard page.allSatisfy({ $0 < dictionaryDoubles.count }) else { throw DamagedPage("a code beyond the dictionary") }
            for code in page { doubles.append(dictionaryDoubles[Int(code)]) }
        default:
            guard page.allSatisfy({ $0 < dictionaryIntegers.count }) else { throw DamagedPage("a code beyond the dictionary") }
            for code in page { integers.append(dictionaryIntegers[Int(code)]) }
        }
    }

    /// From here on the texts themselves are kept: those that were codes are looked up.
    private mutating func leaveCodes() {
        guard isAllCodes else { return }
        isAllCodes = false
        if let dictionaryTexts { for code in codes { texts.append(dictionaryTexts[Int(code)]) } }
        codes = []
    }

    private static func appendPlainText(_ bytes: inout PageBytes, to texts: inout TextValues) throws {
        let length = Int(try bytes.number(UInt32.self))
        let range = try bytes.take(length)
        texts.append(bytes.bytes.span.extracting(range))
    }

    private func plainIntegers(_ bytes: inout PageBytes, _ count: Int) throws -> [Int64] {
        var values: [Int64] = []
        values.reserveCapacity(min(count, bytes.left))
        for _ in 0..<count {
            switch type {
            case .int32: values.append(Int64(try bytes.number(Int32.self)))
            case .int64: values.append(try bytes.number(Int64.self))
            default:
                // INT96: nanoseconds of the day, then the Julian day; how Impala and old Spark wrote times.
                let nanoseconds = try bytes.number(Int64.self), day = Int64(try bytes.number(Int32.self))
                values.append((day - 2_440_588) &* 86_400_000_000 &+ nanoseconds / 1000)
            }
        }
        return values
    }

    private func plainDoubles(_ bytes: inout PageBytes, _ count: Int) throws -> [Double] {
        var values: [Double] = []
        values.reserveCapacity(min(count, bytes.left))
        for _ in 0..<count {
            values.append(
                type == .float
                    ? Double(Float(bitPattern: try bytes.number(UInt32.self))) : Double(bitPattern: try bytes.number(UInt64.self))
            )
        }
        return values
    }

    /// The column, with nulls at their rows.
    mutating func finish() throws -> Column {
        let hasNulls = present.contains(false)
        var validity: Bitmap?
        if hasNulls {
            var bitmap = Bitmap()
            for isThere in present { bitmap.append(isThere) }
            validity = bitmap
        }
        /// For each row the index of its value, or the place of a null's filler.
        func spread<Value>(_ values: [Value], _ filler: Value) throws -> [Value] {
            guard hasNulls else {
                guard values.count == rowCount else { throw DamagedPage("\(values.count) values for \(rowCount) rows") }
                return values
            }
            var spread: [Value] = []
            spread.reserveCapacity(rowCount)
            var next = 0
            for isThere in present {
                guard !isThere || next < values.count else { throw DamagedPage("fewer values than rows") }
                spread.append(isThere ? values[next] : filler)
                if isThere { next += 1 }
            }
            return spread
        }
        let values: Column.Values
        switch field.type {
        case .bool: values = .bool(try spread(bools, false))
        case .int32, .date: values = .int32(try spread(integers, 0).map { Int32(truncatingIfNeeded: $0) })
        case .int64, .timestamp: values = .int64(try spread(integers, 0))
        case .float: values = .float(try spread(doubles, 0).map { Float($0) })
        case .double: values = .double(try spread(doubles, 0))
        case .text, .binary:
            if isAllCodes, let dictionaryTexts, dictionaryTexts.count > 0 {
                values = .dictionary(DictionaryValues(codes: try spread(codes, 0), dictionary: dictionaryTexts))
            } else {
                leaveCodes()
                var all = TextValues()
                let none: [UInt8] = []
                var next = 0
                for isThere in present {
                    guard !isThere || next < texts.count else { throw DamagedPage("fewer values than rows") }
                    if isThere {
                        all.append(texts[next])
                        next += 1
                    } else {
                        all.append(none.span)
                    }
                }
                values = .text(all)
            }
        }
        return Column(values, validity: validity)
    }
}
