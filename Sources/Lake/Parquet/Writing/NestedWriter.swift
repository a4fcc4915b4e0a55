import Columns

/// Writes rows of nested values to one Parquet file in memory: the log's checkpoints, which have some thousand rows.
struct NestedWriter {
    /// A row group has so many rows, and each of its columns one page.
    private static let rowsPerGroup = 16_384

    private let root: ParquetNode
    private let compressor = ZstdCompressor()

    /// What the rows are for one leaf: an entry for each value and for each place where the way to one ends early.
    private struct Leaf {
        var definitions: [UInt32] = []
        var repetitions: [UInt32] = []
        var values: [Value] = []
    }

    /// - Parameter root: leaves of texts, whole numbers and booleans.
    init(_ root: ParquetNode) {
        self.root = root
    }

    /// - Precondition: each row is a structure that has the root's children in their order.
    func file(_ rows: [NestedValue]) -> [UInt8] {
        var bytes = ParquetFormat.magic
        var groups: [ParquetFormat.RowGroup] = []
        let paths = root.allLeaves()
        for start in stride(from: 0, to: rows.count, by: Self.rowsPerGroup) {
            let part = rows[start..<min(start + Self.rowsPerGroup, rows.count)]
            var leaves = [Leaf](repeating: Leaf(), count: paths.count)
            for row in part { Self.shred(row, root, repetition: 0, into: &leaves) }
            var columns: [ParquetFormat.ColumnChunk] = []
            for (leaf, (path, node)) in zip(leaves, paths) {
                let page = Self.page(leaf, node)
                let compressed = compressor.compress(page)
                let header = ParquetFormat.dataPageHeader(
                    size: page.count, compressedSize: compressed.count, checksum: ColumnChunkWriter.checksum(compressed),
                    valueCount: leaf.definitions.count, encoding: .plain)
                var chunk = ParquetFormat.ColumnChunk(
                    path: Array(path.dropFirst()), type: node.type!, encodings: [.rle, .plain], codec: .zstd,
                    valueCount: leaf.definitions.count,
                    uncompressedSize: header.count + page.count, compressedSize: header.count + compressed.count,
                    dataPageOffset: bytes.count, dictionaryPageOffset: nil,
                    statistics: ParquetFormat.Statistics(nullCount: leaf.definitions.count - leaf.values.count))
                chunk.checksum = ColumnChunkWriter.checksum(header + compressed)
                columns.append(chunk)
                bytes += header
                bytes += compressed
            }
            groups.append(
                ParquetFormat.RowGroup(
                    columns: columns, rowCount: part.count, totalByteSize: columns.reduce(0) { $0 + $1.uncompressedSize }))
        }
        let footer = ParquetFormat.footer(root: root, rowGroups: groups, rowCount: rows.count)
        bytes += footer
        bytes.append(littleEndian: UInt32(footer.count))
        return bytes + ParquetFormat.magic
    }

    private static func shred(_ value: NestedValue, _ node: ParquetNode, repetition: Int, into leaves: inout [Leaf]) {
        func end(at definition: Int, below node: ParquetNode) {
            for leaf in node.leaves {
                leaves[leaf].definitions.append(UInt32(definition))
                leaves[leaf].repetitions.append(UInt32(repetition))
            }
        }
        switch value {
        case .null: end(at: node.maxDefinition - 1, below: node)
        case .single(let single):
            end(at: node.maxDefinition, below: node)
            leaves[node.leaves.lowerBound].values.append(single)
        case .structure(let members):
            for (child, member) in zip(node.children, members) {
                shred(member.value, child, repetition: repetition, into: &leaves)
            }
        case .list(let elements):
            let repeated = node.children[0]
            if elements.isEmpty { end(at: node.maxDefinition, below: node) }
            for (index, element) in elements.enumerated() {
                shred(
                    element, repeated.children[0], repetition: index == 0 ? repetition : repeated.maxRepetition, into: &leaves)
            }
        case .map(let pairs):
            let repeated = node.children[0]
            if pairs.isEmpty { end(at: node.maxDefinition, below: node) }
            for (index, pair) in pairs.enumerated() {
                let level = index == 0 ? repetition : repeated.maxRepetition
                shred(pair.key, repeated.children[0], repetition: level, into: &leaves)
                shred(pair.value, repeated.children[1], repetition: level, into: &leaves)
            }
        }
    }

    private static func page(_ leaf: Leaf, _ node: ParquetNode) -> [UInt8] {
        var page: [UInt8] = []
        for (levels, highest) in [(leaf.repetitions, node.maxRepetition), (leaf.definitions, node.maxDefinition)]
        where highest > 0 {
            var encoded: [UInt8] = []
            HybridEncoding.append(levels.span, bitWidth: HybridEncoding.bitWidth(upTo: highest), to: &encoded)
            page.append(littleEndian: UInt32(encoded.count))
            page += encoded
        }
        var bits = BitPacker()
        for value in leaf.values {
            switch value {
            case .text(let text):
                page.append(littleEndian: UInt32(text.utf8.count))
                page.append(contentsOf: text.utf8)
            case .int(let number) where node.type == .int32: page.append(littleEndian: Int32(truncatingIfNeeded: number))
            case .int(let number): page.append(littleEndian: number)
            case .bool(let flag): bits.append(flag ? 1 : 0, width: 1, to: &page)
            default: preconditionFailure("a nested file holds texts, whole numbers and booleans")
            }
        }
        bits.flush(to: &page)
        return page
    }
}
