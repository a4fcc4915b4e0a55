import Columns

/// The state as bytes: the counters, the merged numbers, the templates by number. The cache is not in it, because no template
/// depends on it.
extension TemplateMiner {
    /// Writes the state. Changes that were not taken are not part of it.
    public func encode(to writer: inout StateWriter) {
        writer.write(lines)
        writer.write(UInt64(nextNumber))
        let merged = aliases.inOrder
        writer.write(merged.count)
        for (number, into) in merged {
            writer.write(compact: Int64(number))
            writer.write(compact: Int64(into))
        }
        let live = slots.indices.filter { slots[$0].isLive }.sorted { slots[$0].number < slots[$1].number }
        writer.write(live.count)
        for slot in live { encode(slot: slot, to: &writer) }
    }

    private func encode(slot: Int, to writer: inout StateWriter) {
        let numbers = slots[slot]
        writer.write(UInt64(numbers.number))
        writer.write(numbers.id)
        writer.write(numbers.lines)
        writer.write(numbers.lastLine)
        writer.write(patterns[slot].text)
    }

    /// The miner that ``encode(to:)`` was called on.
    ///
    /// - Throws: ``StateReader/Damaged`` for bytes that no miner with the same bounds wrote.
    public init(from reader: inout StateReader) throws { try self.init(from: &reader, limits: TemplateLimits()) }

    init(from reader: inout StateReader, limits: TemplateLimits) throws {
        self.init(limits: limits)
        lines = try reader.uint64()
        nextNumber = try Self.number(try reader.uint64())
        for _ in 0..<(try reader.count()) {
            let merged = try Self.number(UInt64(bitPattern: try reader.compactInt64()))
            let into = try Self.number(UInt64(bitPattern: try reader.compactInt64()))
            guard merged != into else { throw StateReader.Damaged() }
            aliases.add(merged, into: into)
        }
        let count = try reader.count()
        guard count <= self.limits.templates else { throw StateReader.Damaged() }
        for _ in 0..<count { try decodeTemplate(&reader) }
    }

    private mutating func decodeTemplate(_ reader: inout StateReader) throws {
        let number = try Self.number(try reader.uint64()), id = try reader.uint64()
        guard number > slots.last?.number ?? 0, (1..<1 << 48).contains(id) else { throw StateReader.Damaged() }
        let count = try reader.uint64(), last = try reader.uint64()
        let text = try reader.array()
        guard text.count <= 2 * limits.lineLength + 1024 else { throw StateReader.Damaged() }
        let pattern = TemplatePattern(text: text), bucket = min(pattern.tokens.count, buckets.count - 1)
        place(Slot(number: number, id: id, lines: count, lastLine: last, bucket: bucket, isLive: true), pattern)
    }

    private static func number(_ value: UInt64) throws -> UInt32 {
        guard let number = UInt32(exactly: value) else { throw StateReader.Damaged() }
        return number
    }
}
