internal import CZlib
import Columns

/// Collects the values of one column of one row group, page by page: a full page is encoded and compressed at once, so that
/// what waits in memory is small.
///
/// | values | encoding |
/// |---|---|
/// | whole numbers, times, dates | DELTA_BINARY_PACKED: they come in order or near it |
/// | text with few distinct values | RLE_DICTIONARY, until the dictionary is large |
/// | other text | DELTA_LENGTH_BYTE_ARRAY: all lengths, then all bytes |
/// | float, double, bool | PLAIN |
struct ColumnChunkWriter {
    /// A page is full at this many values or bytes of text.
    private static let pageValues = 65_536
    private static let pageBytes = 1 << 20
    /// A larger dictionary saves nothing any more: the chunk goes on with the texts themselves.
    private static let dictionaryBytes = 1 << 20
    /// Statistics hold no more of a text than this.
    private static let boundLength = 64

    private let field: Field
    private let compressor: ZstdCompressor

    // What the page at hand holds: the values that are not null, and for each row whether there is one.
    private var integers: [Int64] = []
    private var doubles: [Double] = []
    private var floats: [Float] = []
    private var bools: [Bool] = []
    private var texts = TextValues()
    private var codes: [UInt32] = []
    private var levels: [UInt32] = []
    private var rowsInPage = 0

    private var dictionary = DictionaryBuilder()
    private var dictionaryByteCount = 0
    private var usesDictionary: Bool

    private var pages: [UInt8] = []
    private var rowCount = 0
    private var nullCount = 0
    private var uncompressedSize = 0
    private var encodings: [ParquetFormat.Encoding] = [.rle]
    private var bounds: Bounds

    init(_ field: Field, compressor: ZstdCompressor) {
        self.field = field
        self.compressor = compressor
        usesDictionary = field.type == .text || field.type == .binary
        bounds = Bounds(type: field.type)
    }

    /// The bytes that the chunk holds in memory, roughly.
    var sizeInMemory: Int {
        pages.count + integers.count * 8 + doubles.count * 8 + texts.bytes.count + codes.count * 4 + dictionaryByteCount
    }

    mutating func append(_ column: Column) {
        // Texts are taken in smaller steps, because it is their bytes that fill a page.
        let step = field.type == .text || field.type == .binary ? 4096 : Self.pageValues
        var row = 0
        while row < column.count {
            let taken = min(column.count - row, min(step, Self.pageValues - rowsInPage))
            append(rows: column.slice(row..<(row + taken)))
            row += taken
            if rowsInPage >= Self.pageValues || texts.bytes.count >= Self.pageBytes { endPage() }
        }
    }

    private mutating func append(rows column: Column) {
        let nulls = column.nullCount
        rowsInPage += column.count
        rowCount += column.count
        nullCount += nulls
        let validity = nulls > 0 ? column.validity : nil
        if field.isNullable {
            if let validity {
                for index in column.range { levels.append(validity[index] ? 1 : 0) }
            } else {
                levels.append(contentsOf: repeatElement(1, count: column.count))
            }
        }
        if nulls == column.count { return }
        let range = column.range
        switch column.values {
        case .int64(let all):
            if let validity {
                for index in range where validity[index] { integers.append(all[index]) }
            } else {
                integers.append(contentsOf: all[range])
            }
        case .int32(let all):
            for index in range where validity?[index] ?? true { integers.append(Int64(all[index])) }
        case .double(let all):
            for index in range where validity?[index] ?? true { doubles.append(all[index]) }
        case .float(let all):
            for index in range where validity?[index] ?? true { floats.append(all[index]) }
        case .bool(let all):
            for index in range where validity?[index] ?? true { bools.append(all[index]) }
        case .text(let all):
            append(texts: all, range, validity)
        case .dictionary(let all):
            append(dictionary: all, range, validity)
        }
    }

    private mutating func append(texts all: TextValues, _ range: Range<Int>, _ validity: Bitmap?) {
        if usesDictionary {
            for index in range where validity?[index] ?? true { appendCode(all[index]) }
            leaveDictionaryIfLarge()
        } else if let validity {
            for index in range where validity[index] { texts.append(all[index]) }
        } else {
            texts.append(contentsOf: all, in: range)
        }
    }

    private mutating func append(dictionary all: DictionaryValues, _ range: Range<Int>, _ validity: Bitmap?) {
        guard usesDictionary else {
            for index in range where validity?[index] ?? true { texts.append(all[index]) }
            return
        }
        // The batch's codes become the chunk's: each text is looked up once, when a row first has it.
        let unknown = UInt32.max
        var mapped = [UInt32](repeating: unknown, count: all.dictionary.count)
        for index in range where validity?[index] ?? true {
            let code = Int(all.codes[index])
            if mapped[code] == unknown {
                appendCode(all.dictionary[code])
                mapped[code] = codes[codes.count - 1]
            } else {
                codes.append(mapped[code])
            }
        }
        leaveDictionaryIfLarge()
    }

    private mutating func appendCode(_ text: Span<UInt8>) {
        let known = dictionary.distinctCount
        let code = dictionary.code(of: text)
        if dictionary.distinctCount > known { dictionaryByteCount += text.count + 4 }
        codes.append(code)
    }

    /// Ends the use of the dictionary when it no longer pays: it is large, or hardly any text comes twice.
    private mutating func leaveDictionaryIfLarge() {
        guard
            dictionaryByteCount > Self.dictionaryBytes
                || (rowCount >= 2048 && dictionary.distinctCount * 2 > rowCount - nullCount)
        else { return }
        endPage()
        usesDictionary = false
    }

    // MARK: Pages

    private mutating func endPage() {
        guard rowsInPage > 0 else { return }
        var body: [UInt8] = []
        if field.isNullable {
            var encoded: [UInt8] = []
            HybridEncoding.append(levels.span, bitWidth: 1, to: &encoded)
            body.append(littleEndian: UInt32(encoded.count))
            body.append(contentsOf: encoded)
        }
        let encoding = encodeValues(to: &body)
        if !encodings.contains(encoding) { encodings.append(encoding) }
        let rows = rowsInPage
        appendPage(body) {
            ParquetFormat.dataPageHeader(size: $0, compressedSize: $1, checksum: $2, valueCount: rows, encoding: encoding)
        }
        levels.removeAll(keepingCapacity: true)
        rowsInPage = 0
    }

    private mutating func encodeValues(to body: inout [UInt8]) -> ParquetFormat.Encoding {
        switch field.type {
        case .int32, .date, .int64, .timestamp:
            bounds.observe(integers)
            DeltaEncoding.append(integers.span, is32Bit: field.type == .int32 || field.type == .date, to: &body)
            integers.removeAll(keepingCapacity: true)
            return .deltaBinaryPacked
        case .double:
            bounds.observe(doubles)
            for value in doubles { body.append(littleEndian: value.bitPattern) }
            doubles.removeAll(keepingCapacity: true)
            return .plain
        case .float:
            bounds.observe(floats.map(Double.init))
            for value in floats { body.append(littleEndian: value.bitPattern) }
            floats.removeAll(keepingCapacity: true)
            return .plain
        case .bool:
            var packer = BitPacker()
            for value in bools { packer.append(value ? 1 : 0, width: 1, to: &body) }
            packer.flush(to: &body)
            bools.removeAll(keepingCapacity: true)
            return .plain
        case .text, .binary:
            // A page of nulls alone holds no code; called one of codes, it would ask for a dictionary that there may never be.
            if usesDictionary, codes.isEmpty { return .plain }
            if usesDictionary {
                let width = HybridEncoding.bitWidth(upTo: max(0, dictionary.distinctCount - 1))
                body.append(UInt8(width))
                HybridEncoding.append(codes.span, bitWidth: width, to: &body)
                codes.removeAll(keepingCapacity: true)
                return .rleDictionary
            }
            bounds.observe(texts)
            var lengths: [Int64] = []
            lengths.reserveCapacity(texts.count)
            for index in 0..<texts.count { lengths.append(Int64(texts.offsets[index + 1] - texts.offsets[index])) }
            DeltaEncoding.append(lengths.span, is32Bit: true, to: &body)
            body.append(contentsOf: texts.bytes)
            texts.removeAll(keepingCapacity: true)
            return .deltaLengthByteArray
        }
    }

    private mutating func appendPage(_ body: [UInt8], header: (_ size: Int, _ compressedSize: Int, _ checksum: UInt32) -> [UInt8])
    {
        let compressed = compressor.compress(body)
        let head = header(body.count, compressed.count, Self.checksum(compressed))
        pages.append(contentsOf: head)
        pages.append(contentsOf: compressed)
        uncompressedSize += head.count + body.count
    }

    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        UInt32(bytes.withUnsafeBufferPointer { crc32(0, $0.baseAddress, UInt32($0.count)) })
    }

    private static func plain(_ texts: TextValues) -> [UInt8] {
        var body: [UInt8] = []
        body.reserveCapacity(texts.bytes.count + 4 * texts.count)
        for index in 0..<texts.count {
            let text = texts.offsets[index]..<texts.offsets[index + 1]
            body.append(littleEndian: UInt32(text.count))
            body.append(contentsOf: texts.bytes[Int(text.lowerBound)..<Int(text.upperBound)])
        }
        return body
    }

    // MARK: The whole chunk

    /// Ends the chunk: its bytes as they go to the file at `offset`, and its metadata. The writer is empty after it.
    mutating func finish(at offset: Int) -> (bytes: [UInt8], chunk: ParquetFormat.ColumnChunk) {
        endPage()
        var dictionaryPage: [UInt8] = []
        if dictionary.distinctCount > 0 {
            let dataPages = pages
            pages = []
            let texts = dictionary.takeTexts()
            bounds.observe(texts)
            appendPage(Self.plain(texts)) {
                ParquetFormat.dictionaryPageHeader(size: $0, compressedSize: $1, checksum: $2, valueCount: texts.count)
            }
            dictionaryPage = pages
            pages = dataPages
            encodings.append(.plain)
        }
        var chunk = ParquetFormat.ColumnChunk(
            path: [field.name], type: ParquetFormat.physicalType(field.type), encodings: encodings, codec: .zstd,
            valueCount: rowCount,
            uncompressedSize: uncompressedSize, compressedSize: dictionaryPage.count + pages.count,
            dataPageOffset: offset + dictionaryPage.count,
            dictionaryPageOffset: dictionaryPage.isEmpty ? nil : offset, statistics: bounds.statistics(nullCount: nullCount))
        let bytes = dictionaryPage + pages
        chunk.checksum = Self.checksum(bytes)
        defer { self = ColumnChunkWriter(field, compressor: compressor) }
        return (bytes, chunk)
    }
}

extension [UInt8] {
    mutating func append<Number: FixedWidthInteger>(littleEndian number: Number) {
        Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
    }
}
