import Columns

/// Reads a Parquet file: its footer at once, then each row group on its own, only the columns that are asked for.
///
/// Pages v1 and v2; every encoding of the format but the packed levels of its first version; zstd, gzip, snappy and none. A
/// nested column comes as the text of its JSON. Checksums are verified where the file has some (``FooterSeal``, and the
/// format's own of pages). What is not read is named. No bytes make it crash, and none make it take more than ``memoryLimit``
/// for a row group: every size is checked before it is used.
public struct ParquetReader: Sendable {
    /// No page is larger; a size beyond it is a lie or an attack.
    private static let maxPageSize = 1 << 28
    private static let maxFooterSize = 1 << 26

    /// What the values of one call of ``read(rowGroup:columns:)`` may take, in bytes.
    static let memoryLimit = 768 << 20

    /// The columns that can be read.
    public let schema: Schema
    /// Of all row groups.
    public let rowCount: Int
    let root: ParquetNode
    let rowGroups: [ParquetFormat.RowGroup]
    private let storage: any Storage
    private let key: String

    /// Reads the footer of the file `name` in a folder.
    ///
    /// - Throws: ``LakeError`` when it is damaged or says something that this reader does not know.
    public init(folder: String, _ name: String) throws(LakeError) {
        try self.init(LocalStorage(root: folder), name)
    }

    init(_ storage: any Storage, _ key: String) throws(LakeError) {
        self.storage = storage
        self.key = key
        let size = try storage.size(key)
        func bad(_ reason: String) -> LakeError { .badFile(path: storage.location(key), reason: reason) }
        guard size >= 12 else { throw bad("it is too short") }
        let tail = try storage.get(key, offset: size - 8, length: 8)
        if Array(tail.dropFirst(4)) == Array("PARE".utf8) { throw bad("its footer is encrypted, which is not read here") }
        guard tail.count == 8, Array(tail[4...]) == ParquetFormat.magic else {
            throw bad("it does not end in PAR1; it is of another kind or not whole")
        }
        let length = Int(tail[0]) | Int(tail[1]) << 8 | Int(tail[2]) << 16 | Int(tail[3]) << 24
        guard length > 0, length <= size - 12, length <= Self.maxFooterSize else {
            throw bad("its footer has an impossible length")
        }
        let footer = try storage.get(key, offset: size - 8 - length, length: length)
        let metadata: ParquetMetadata
        do {
            metadata = try ParquetMetadata(footer)
        } catch let error as ParquetMetadata.Unsupported {
            throw bad(error.reason)
        } catch {
            throw bad("its footer is damaged")
        }
        root = metadata.root
        schema = metadata.schema
        rowGroups = metadata.rowGroups
        rowCount = metadata.rowCount
    }

    /// How many row groups there are.
    public var rowGroupCount: Int { rowGroups.count }

    /// Whether the file begins as Parquet files do. Nothing here needs that; other readers refuse a file that does not.
    func beginsWithMagic() throws(LakeError) -> Bool {
        Array(try storage.get(key, offset: 0, length: 4)) == ParquetFormat.magic
    }

    /// The rows of one row group; the columns called `names`, in that order, or all.
    public func read(rowGroup index: Int, columns names: [String]? = nil) throws(LakeError) -> Batch {
        let wanted = names.map { schema.selecting($0) } ?? schema
        var budget = DecodingBudget(bytesLeft: Self.memoryLimit)
        var columns: [Column] = []
        for field in wanted.fields { columns.append(try read(field.name, rowGroup: index, &budget)) }
        // A file without columns has rows all the same, which no batch can say.
        return Batch(schema: wanted, columns: columns)
    }

    /// The values of one top column of a row group, nested as they are.
    func nested(_ name: String, rowGroup index: Int) throws(LakeError) -> [NestedValue] {
        guard let node = root.children.first(where: { $0.name == name }) else {
            throw .badFile(path: storage.location(key), reason: "it lacks column '\(name)'")
        }
        var budget = DecodingBudget(bytesLeft: Self.memoryLimit)
        return try nested(node, rowGroup: index, &budget)
    }

    private func read(_ name: String, rowGroup index: Int, _ budget: inout DecodingBudget) throws(LakeError) -> Column {
        let node = root.children.first { $0.name == name }!  // `name` is one of the schema's, which was made from these nodes.
        let rows = rowGroups[index].rowCount
        guard !node.isFlat else {
            var decoder = try decode(node, leaf: node.leaves.lowerBound, rowGroup: index, &budget)
            return try reporting(name) { () throws(DamagedPage) in
                let column = try Spreading.column(try decoder.values(), present: decoder.present)
                guard node.meaning == .nothing, node.repetition == .optional else { return column }
                return .nulls(node.columnType, count: rows)
            }
        }
        let values = try nested(node, rowGroup: index, &budget)
        var texts = TextBuilder()
        for value in values { if value == .null { texts.appendNull() } else { texts.append(utf8: value.json) } }
        return texts.finish()
    }

    private func nested(_ node: ParquetNode, rowGroup index: Int, _ budget: inout DecodingBudget) throws(LakeError)
        -> [NestedValue]
    {
        var leaves: [NestedAssembly.Leaf] = []
        for (leaf, (_, leafNode)) in zip(node.leaves, node.allLeaves()) {
            var decoder = try decode(leafNode, leaf: leaf, rowGroup: index, &budget)
            let values = try reporting(node.name) { () throws(DamagedPage) in Column(try decoder.values()) }
            let definitions =
                leafNode.isFlat
                ? (0..<decoder.present.count).map { decoder.present[$0] ? UInt32(leafNode.maxDefinition) : 0 }
                : decoder.definitions
            leaves.append(
                .init(definitions: definitions, repetitions: decoder.repetitions, values: values, type: leafNode.valueType))
        }
        return try reporting(node.name) { () throws(DamagedPage) in
            // A value of the tree takes about a hundred bytes.
            try budget.spend(leaves.reduce(0) { $0 + $1.definitions.count } * 100)
            guard !leaves.isEmpty else { return Array(repeating: .structure([]), count: rowGroups[index].rowCount) }
            var assembly = NestedAssembly(node, leaves: leaves)
            return try assembly.rows(rowGroups[index].rowCount)
        }
    }

    private func decode(_ node: ParquetNode, leaf: Int, rowGroup index: Int, _ budget: inout DecodingBudget) throws(LakeError)
        -> LeafDecoder
    {
        let group = rowGroups[index]
        let chunk = group.columns[leaf]
        func bad(_ reason: String) -> LakeError {
            .badFile(path: storage.location(key), reason: "column '\(node.name)': \(reason)")
        }
        if let obstacle = chunk.obstacle { throw bad(obstacle) }
        guard chunk.type == node.type else { throw bad("its pages have another type than the file's schema") }
        guard chunk.start >= 0, (0...Self.memoryLimit).contains(chunk.compressedSize), chunk.valueCount >= 0 else {
            throw bad("an impossible place in the file")
        }
        let bytes = try storage.get(key, offset: chunk.start, length: chunk.compressedSize)
        guard bytes.count == chunk.compressedSize else { throw bad("the file ends before its pages") }
        if let checksum = chunk.checksum, checksum != ColumnChunkWriter.checksum(bytes) {
            throw bad("its bytes are not those that its checksum is of")
        }
        var decoder = LeafDecoder(node, chunk, rowCount: group.rowCount)
        do {
            try budget.spend(bytes.count)
            try decoder.decode(
                bytes, areChecked: chunk.checksum != nil, budget: &budget, maxPageSize: Self.maxPageSize)
        } catch let error as DamagedPage {
            throw bad(error.reason)
        } catch let error as Decompression.Failed {
            throw bad(error.reason)
        } catch {
            throw bad("a page header is damaged")
        }
        // The page buffers are gone; only what came out of them stays.
        budget.bytesLeft += bytes.count
        return decoder
    }

    private func reporting<Result>(_ column: String, _ body: () throws(DamagedPage) -> Result) throws(LakeError) -> Result {
        do {
            return try body()
        } catch {
            throw .badFile(path: storage.location(key), reason: "column '\(column)': \(error.reason)")
        }
    }
}

/// Spreads values without gaps to their rows.
enum Spreading {
    static func column(_ values: Column.Values, present: Bitmap) throws(DamagedPage) -> Column {
        let valueCount = present.setCount(in: 0..<present.count)
        guard values.count == valueCount else { throw DamagedPage("\(values.count) values for \(valueCount) rows that have one") }
        guard valueCount < present.count else { return Column(values) }
        let spread: Column.Values =
            switch values {
            case .bool(let all): .bool(self.spread(all, present, false))
            case .int32(let all): .int32(self.spread(all, present, 0))
            case .int64(let all): .int64(self.spread(all, present, 0))
            case .float(let all): .float(self.spread(all, present, 0))
            case .double(let all): .double(self.spread(all, present, 0))
            case .dictionary(let all):
                .dictionary(DictionaryValues(codes: self.spread(all.codes, present, 0), dictionary: all.dictionary))
            case .text(let all): .text(self.spread(all, present))
            }
        return Column(spread, validity: present)
    }

    private static func spread<Value>(_ values: [Value], _ present: Bitmap, _ filler: Value) -> [Value] {
        var spread: [Value] = []
        spread.reserveCapacity(present.count)
        var next = 0
        for row in 0..<present.count {
            if present[row] {
                spread.append(values[next])
                next += 1
            } else {
                spread.append(filler)
            }
        }
        return spread
    }

    /// Texts stay where they are: a null is an offset that comes twice.
    private static func spread(_ texts: TextValues, _ present: Bitmap) -> TextValues {
        var offsets: [UInt32] = [0]
        offsets.reserveCapacity(present.count + 1)
        var next = 0
        for row in 0..<present.count {
            if present[row] { next += 1 }
            offsets.append(texts.offsets[next])
        }
        return TextValues(bytes: texts.bytes, offsets: offsets)
    }
}
