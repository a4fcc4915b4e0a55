import Columns

/// How much memory the rows of one call may take, so that no file, however it lies, fills the machine.
struct DecodingBudget {
    var bytesLeft: Int

    mutating func spend(_ bytes: Int) throws(DamagedPage) {
        guard bytes >= 0, bytes <= bytesLeft else {
            throw DamagedPage("its row group takes too much memory; read fewer columns at once")
        }
        bytesLeft -= bytes
    }
}

/// Decodes the pages of one column chunk: first the values that are there, one after the other, then where the nulls are.
struct LeafDecoder {
    private let node: ParquetNode
    private let chunk: ParquetFormat.ColumnChunk
    private let rowCount: Int

    /// A flat column keeps a bit a row; a nested one its levels.
    private(set) var present = Bitmap()
    private(set) var definitions: [UInt32] = []
    private(set) var repetitions: [UInt32] = []

    // One of these is used, by the stored type.
    private var int32s: [Int32] = []
    private var int64s: [Int64] = []
    private var floats: [Float] = []
    private var doubles: [Double] = []
    private var bools = Bitmap()
    private var texts = TextValues()
    private var codes: [UInt32] = []
    private var dictionary: Dictionary?

    private indirect enum Dictionary {
        case int32s([Int32]), int64s([Int64]), floats([Float]), doubles([Double]), texts(TextValues)

        var count: Int {
            switch self {
            case .int32s(let all): all.count
            case .int64s(let all): all.count
            case .floats(let all): all.count
            case .doubles(let all): all.count
            case .texts(let all): all.count
            }
        }
    }

    /// Whether all pages of text so far were codes: then the column stays one of codes.
    private var isAllCodes = true

    init(_ node: ParquetNode, _ chunk: ParquetFormat.ColumnChunk, rowCount: Int) {
        self.node = node
        self.chunk = chunk
        self.rowCount = rowCount
    }

    /// Values and nulls so far.
    private var levelCount: Int { node.isFlat ? present.count : definitions.count }

    // MARK: Pages

    /// - Parameter areChecked: the bytes are known to be right as a whole: their pages need not be checked one by one.
    mutating func decode(_ bytes: [UInt8], areChecked: Bool = false, budget: inout DecodingBudget, maxPageSize: Int) throws {
        let expected = node.isFlat ? rowCount : chunk.valueCount
        reserve(min(expected, 1 << 20))
        var position = 0
        while position < bytes.count, levelCount < expected {
            var thrift = ThriftReader(bytes, from: position)
            var header = try PageHeader(&thrift)
            if areChecked { header.checksum = nil }
            let start = thrift.position
            guard (0...(bytes.count - start)).contains(header.compressedSize), (0...maxPageSize).contains(header.size),
                header.valueCount >= 0
            else { throw DamagedPage("a page has an impossible size") }
            if header.type != .index {
                // A value takes eight bytes or its text; a level one of four, or a bit.
                try budget.spend(header.size + header.valueCount * (node.isFlat ? 12 : 20))
                let page = try header.body(bytes[start..<(start + header.compressedSize)], codec: chunk.codec)
                var reader = PageBytes(page)
                if header.type == .dictionary {
                    try readDictionary(&reader, count: header.valueCount, limit: maxPageSize)
                } else {
                    guard levelCount + header.valueCount <= expected else { throw DamagedPage("more values than the file says") }
                    try readPage(&reader, header, &budget, maxPageSize)
                }
            }
            position = start + header.compressedSize
        }
        guard levelCount == expected else { throw DamagedPage("\(levelCount) values instead of \(expected)") }
    }

    private mutating func readDictionary(_ page: inout PageBytes, count: Int, limit: Int) throws {
        guard dictionary == nil else { throw DamagedPage("two dictionaries") }
        var values = LeafDecoder(node, chunk, rowCount: 0)
        guard chunk.type != .boolean else { throw DamagedPage("a dictionary of booleans") }
        try values.readPlain(&page, count)
        dictionary =
            switch chunk.type {
            case .int32: .int32s(values.int32s)
            case .int64, .int96: .int64s(values.int64s)
            case .float: .floats(values.floats)
            case .double: .doubles(values.doubles)
            default: .texts(values.texts)
            }
    }

    private mutating func readPage(
        _ page: inout PageBytes, _ header: PageHeader, _ budget: inout DecodingBudget, _ maxPageSize: Int
    )
        throws
    {
        let count = header.valueCount
        var valueCount = count
        func levels(_ max: Int, _ lengthV2: Int) throws -> PageBytes {
            let length = header.type == .dataV2 ? lengthV2 : Int(try page.number(UInt32.self))
            let range = try page.take(length)
            return PageBytes(page.bytes, from: range.lowerBound, to: range.upperBound)
        }
        if header.hasOldDefinitions && node.maxDefinition > 0 || header.hasOldRepetitions && node.maxRepetition > 0 {
            throw DamagedPage("its levels are packed as in the first version of the format, which is not read here")
        }
        if node.maxRepetition > 0 {
            var bytes = try levels(node.maxRepetition, header.repetitionLength)
            try HybridEncoding.decode(
                &bytes, bitWidth: HybridEncoding.bitWidth(upTo: node.maxRepetition), count: count, into: &repetitions)
        } else if header.type == .dataV2 {
            _ = try page.take(header.repetitionLength)
        }
        if node.maxDefinition > 0 {
            var bytes = try levels(node.maxDefinition, header.definitionLength)
            if node.isFlat {
                let before = present.count
                try HybridEncoding.decodeBits(&bytes, count: count, into: &present)
                valueCount = present.setCount(in: before..<present.count)
            } else {
                let before = definitions.count
                try HybridEncoding.decode(
                    &bytes, bitWidth: HybridEncoding.bitWidth(upTo: node.maxDefinition), count: count, into: &definitions)
                valueCount = definitions[before...].reduce(0) { $0 + ($1 == UInt32(node.maxDefinition) ? 1 : 0) }
            }
        } else {
            if header.type == .dataV2 { _ = try page.take(header.definitionLength) }
            if node.isFlat {
                present.append(repeating: true, count: count)
            } else {
                definitions.append(contentsOf: repeatElement(0, count: count))
            }
        }
        try readValues(&page, header.encoding, valueCount, &budget, maxPageSize)
    }

    /// Room for the values of a usual row group at once: growing page by page would copy them again and again. A count that
    /// lies takes no more.
    private mutating func reserve(_ count: Int) {
        switch chunk.type {
        case .int32: int32s.reserveCapacity(count)
        case .int64, .int96: int64s.reserveCapacity(count)
        case .float: floats.reserveCapacity(count)
        case .double: doubles.reserveCapacity(count)
        case .byteArray, .fixedLengthByteArray: codes.reserveCapacity(count)
        case .boolean: break
        }
    }

    // MARK: Values

    private mutating func readValues(
        _ page: inout PageBytes, _ encoding: ParquetFormat.Encoding, _ count: Int, _ budget: inout DecodingBudget,
        _ maxPageSize: Int
    ) throws {
        if count == 0 { return }
        let isText = chunk.type == .byteArray || chunk.type == .fixedLengthByteArray
        if isText, encoding != .rleDictionary, encoding != .plainDictionary { try leaveCodes(&budget) }
        switch encoding {
        case .rleDictionary, .plainDictionary: try readCodes(&page, count, &budget)
        case .plain: try readPlain(&page, count)
        case .rle where chunk.type == .boolean:
            let length = Int(try page.number(UInt32.self))
            let range = try page.take(length)
            var bits = PageBytes(page.bytes, from: range.lowerBound, to: range.upperBound)
            try HybridEncoding.decodeBits(&bits, count: count, into: &bools)
        case .deltaBinaryPacked where chunk.type == .int32:
            try expect(try DeltaEncoding.decode(&page, limit: count, into: &int32s), count)
        case .deltaBinaryPacked where chunk.type == .int64:
            try expect(try DeltaEncoding.decode(&page, limit: count, into: &int64s), count)
        case .deltaLengthByteArray where chunk.type == .byteArray: try TextDecoding.deltaLength(&page, count: count, into: &texts)
        case .deltaByteArray where isText:
            let before = texts.bytes.count
            try TextDecoding.delta(&page, count: count, limit: maxPageSize, into: &texts)
            try budget.spend(texts.bytes.count - before)
            if chunk.type == .fixedLengthByteArray {
                for index in (texts.count - count)..<texts.count {
                    try expect(Int(texts.offsets[index + 1] - texts.offsets[index]), node.length)
                }
            }
        case .byteStreamSplit where chunk.type != .boolean && chunk.type != .byteArray && chunk.type != .int96:
            let width =
                switch chunk.type {
                case .int32, .float: 4
                case .int64, .double: 8
                default: node.length
                }
            guard width > 0 || chunk.type == .fixedLengthByteArray else { throw DamagedPage("values of no length") }
            var joined = PageBytes(width == 0 ? [] : try SplitDecoding.joined(&page, width: width, count: count))
            try readPlain(&joined, count)
        default: throw DamagedPage("the encoding \(encoding) for values of type \(chunk.type), which is not read here")
        }
    }

    private func expect(_ found: Int, _ count: Int) throws(DamagedPage) {
        guard found == count else { throw DamagedPage("\(found) values instead of \(count)") }
    }

    private mutating func readPlain(_ page: inout PageBytes, _ count: Int) throws(DamagedPage) {
        switch chunk.type {
        case .boolean:
            let range = try page.take((count + 7) / 8)
            for index in 0..<range.count {
                bools.append(bits: UInt64(page.bytes[range.lowerBound + index]), count: min(8, count - index * 8))
            }
        case .int32: try page.take(count, as: Int32.self, appendingTo: &int32s)
        case .int64: try page.take(count, as: Int64.self, appendingTo: &int64s)
        case .float: try page.take(count, as: Float.self, appendingTo: &floats)
        case .double: try page.take(count, as: Double.self, appendingTo: &doubles)
        case .int96:
            guard count <= page.left / 12 else { throw DamagedPage("a page ends too early") }
            for _ in 0..<count {
                // Nanoseconds of the day, then the Julian day: how Impala and Spark before 3 wrote times.
                let nanoseconds = try page.number(Int64.self), day = Int64(try page.number(Int32.self))
                int64s.append((day - 2_440_588) &* 86_400_000_000 &+ nanoseconds / 1000)
            }
        case .byteArray: try TextDecoding.plain(&page, count: count, into: &texts)
        case .fixedLengthByteArray: try TextDecoding.fixed(&page, length: node.length, count: count, into: &texts)
        }
    }

    private mutating func readCodes(_ page: inout PageBytes, _ count: Int, _ budget: inout DecodingBudget) throws {
        guard let dictionary else { throw DamagedPage("codes without a dictionary") }
        let width = Int(try page.byte())
        if case .texts(let all) = dictionary, isAllCodes {
            // Fast path: a text column that is all codes stays one; its codes go where they belong at once.
            let before = codes.count
            try HybridEncoding.decode(&page, bitWidth: width, count: count, into: &codes)
            guard codes[before...].allSatisfy({ $0 < all.count }) else { throw DamagedPage("a code beyond the dictionary") }
            return
        }
        var found: [UInt32] = []
        try HybridEncoding.decode(&page, bitWidth: width, count: count, into: &found)
        guard found.allSatisfy({ $0 < dictionary.count }) else { throw DamagedPage("a code beyond the dictionary") }
        switch dictionary {
        case .int32s(let all): int32s.append(contentsOf: found.lazy.map { all[Int($0)] })
        case .int64s(let all): int64s.append(contentsOf: found.lazy.map { all[Int($0)] })
        case .floats(let all): floats.append(contentsOf: found.lazy.map { all[Int($0)] })
        case .doubles(let all): doubles.append(contentsOf: found.lazy.map { all[Int($0)] })
        case .texts(let all):
            try Self.look(up: found, in: all, into: &texts, &budget)
        }
    }

    /// From here on the texts themselves are kept: those that were codes are looked up.
    private mutating func leaveCodes(_ budget: inout DecodingBudget) throws(DamagedPage) {
        guard isAllCodes else { return }
        isAllCodes = false
        if case .texts(let all) = dictionary { try Self.look(up: codes, in: all, into: &texts, &budget) }
        codes = []
    }

    private static func look(
        up codes: [UInt32], in all: TextValues, into texts: inout TextValues, _ budget: inout DecodingBudget
    ) throws(DamagedPage) {
        var size = 0
        for code in codes { size += Int(all.offsets[Int(code) + 1] - all.offsets[Int(code)]) }
        try budget.spend(size)
        for code in codes { texts.append(all[Int(code)]) }
    }

    // MARK: The whole chunk

    /// The values that are there, without the nulls between them, as values of the leaf's ``ParquetNode/valueType``.
    mutating func values() throws(DamagedPage) -> Column.Values {
        let meaning = node.meaning
        switch chunk.type {
        case .boolean: return .bool((0..<bools.count).map { bools[$0] })
        case .float: return .float(floats)
        case .double: return .double(doubles)
        case .int32:
            switch meaning {
            case .unsigned: return .int64(int32s.map { Int64(UInt32(bitPattern: $0)) })
            case .decimal(let scale): return .text(TextValues(int32s.lazy.map { Rendering.decimal(Int64($0), scale: scale) }))
            case .timeOfDay(let unit): return .text(TextValues(int32s.lazy.map { Rendering.timeOfDay(Int64($0), unit) }))
            default: return .int32(int32s)
            }
        case .int64, .int96:
            switch meaning {
            case .unsigned:
                guard int64s.allSatisfy({ $0 >= 0 }) else {
                    throw DamagedPage("an unsigned number above 2^63 - 1, which is not read here")
                }
                return .int64(int64s)
            case .decimal(let scale): return .text(TextValues(int64s.lazy.map { Rendering.decimal($0, scale: scale) }))
            case .timeOfDay(let unit): return .text(TextValues(int64s.lazy.map { Rendering.timeOfDay($0, unit) }))
            case .timestamp(.nanoseconds):
                // Down, also before 1970; what is finer is cut off.
                return .int64(int64s.map { $0 >= 0 ? $0 / 1000 : ($0 + 1) / 1000 - 1 })
            case .timestamp(.milliseconds):
                var scaled: [Int64] = []
                scaled.reserveCapacity(int64s.count)
                for value in int64s {
                    let (microseconds, isTooLarge) = value.multipliedReportingOverflow(by: 1000)
                    guard !isTooLarge else { throw DamagedPage("a time beyond the year 294246") }
                    scaled.append(microseconds)
                }
                return .int64(scaled)
            default: return .int64(int64s)
            }
        case .byteArray, .fixedLengthByteArray:
            var codes: [UInt32]?
            var all = texts
            if isAllCodes, case .texts(let dictionary) = dictionary {
                codes = self.codes
                all = dictionary
            }
            switch meaning {
            case .decimal(let scale):
                all = TextValues((0..<all.count).lazy.map { Rendering.decimal(bigEndian: all[$0], scale: scale) })
            case .uuid: all = TextValues((0..<all.count).lazy.map { Rendering.uuid(all[$0]) })
            case .float16:
                let known = (0..<all.count).map { Rendering.float16(all[$0]) }
                return .float(codes.map { $0.map { known[Int($0)] } } ?? known)
            case .text:
                guard all.isValidUTF8 else { throw DamagedPage("a text that is not UTF-8") }
            default: break
            }
            if let codes, all.count > 0 { return .dictionary(DictionaryValues(codes: codes, dictionary: all)) }
            return .text(all)
        }
    }
}

extension TextValues {
    /// Whether each text is well-formed UTF-8: the buffer is, and no text begins inside a character.
    fileprivate var isValidUTF8: Bool {
        guard bytes.span.isValidUTF8 else { return false }
        for offset in offsets where Int(offset) < bytes.count && bytes[Int(offset)] & 0xC0 == 0x80 { return false }
        return true
    }
}
