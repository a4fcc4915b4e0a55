/// The groups that the rows of a batch fall into: rows with the same values in some columns have the same number.
///
/// The values of a group are read once per batch, not once per row: find what is kept per group by its representative row
/// (``representatives``), then index it by the group's number.
public struct RowGroups: Sendable {
    /// For each row its group, or -1 where one of the columns is null or an empty text.
    public let numbers: [Int32]
    /// For each group its first row.
    public let representatives: [Int32]

    /// The number of groups.
    public var count: Int { representatives.count }

    /// - Parameters:
    ///   - columns: all as long as the batch; none of them puts all rows in one group.
    ///   - count: rows of the batch.
    public init(_ columns: [Column], count: Int) {
        var numbers = [Int32](repeating: 0, count: count)
        var representatives: [Int32] = count > 0 ? [0] : []
        for column in columns {
            representatives = Self.split(&numbers, into: representatives.count, by: Codes(column))
        }
        self.numbers = numbers
        self.representatives = representatives
    }

    /// Splits each group by the codes of one more column and gives the first rows of the new ones.
    private static func split(_ numbers: inout [Int32], into groups: Int, by codes: Codes) -> [Int32] {
        var representatives: [Int32] = []
        // A table of all pairs is quicker than hashing as long as it is not much larger than the batch.
        if groups * codes.distinct <= max(4096, numbers.count * 8) {
            var known = [Int32](repeating: -1, count: groups * codes.distinct)
            for row in numbers.indices where numbers[row] >= 0 {
                guard let code = codes[row] else {
                    numbers[row] = -1
                    continue
                }
                let pair = Int(numbers[row]) * codes.distinct + code
                if known[pair] < 0 {
                    known[pair] = Int32(representatives.count)
                    representatives.append(Int32(row))
                }
                numbers[row] = known[pair]
            }
        } else {
            var known: [UInt64: Int32] = [:]
            for row in numbers.indices where numbers[row] >= 0 {
                guard let code = codes[row] else {
                    numbers[row] = -1
                    continue
                }
                let pair = UInt64(numbers[row]) << 32 | UInt64(code)
                let new = Int32(representatives.count)
                let number = known[pair, default: new]
                if number == new {
                    known[pair] = new
                    representatives.append(Int32(row))
                }
                numbers[row] = number
            }
        }
        return representatives
    }

    /// A column's values by number.
    private struct Codes {
        private let column: Column
        private let values: DictionaryValues
        /// Whether the text of a code says nothing.
        private let isEmpty: [Bool]

        var distinct: Int { values.dictionary.count }

        init(_ column: Column) {
            if case .dictionary(let values) = column.values {
                (self.column, self.values) = (column, values)
            } else {
                (self.column, self.values) = Self.encode(column)
            }
            let texts = values.dictionary
            isEmpty = (0..<texts.count).map { texts[$0].isEmpty }
        }

        subscript(_ row: Int) -> Int? {
            let code = Int(values.codes[column.range.lowerBound + row])
            return isEmpty[code] || column.isNull(at: row) ? nil : code
        }

        private static func encode(_ column: Column) -> (Column, DictionaryValues) {
            var builder = DictionaryBuilder()
            for row in 0..<column.count {
                if column.isNull(at: row) {
                    builder.appendNull()
                } else if case .text = column.values {
                    column.withBytes(at: row) { _ = builder.append($0) }
                } else {
                    builder.append(
                        utf8: column.integer(at: row).map(String.init) ?? column.number(at: row).map(String.init(describing:))
                            ?? "")
                }
            }
            let encoded = builder.finish()
            guard case .dictionary(let values) = encoded.values else {
                preconditionFailure("a dictionary builder builds a dictionary")
            }
            return (encoded, values)
        }
    }
}

extension Column {
    /// The value at `row` as a person writes it: a text itself, a number in decimal; nil for a null.
    public func label(at row: Int) -> String? {
        string(at: row) ?? integer(at: row).map(String.init) ?? number(at: row).map(String.init(describing:))
    }

    /// A ``StableHash`` of each value, 0 for a null. A dictionary's texts are hashed once.
    public func stableHashes() -> [UInt64] {
        if case .dictionary(let values) = self.values {
            let hashes = (0..<values.dictionary.count).map { StableHash.of(values.dictionary[$0]) }
            return (0..<count).map { isNull(at: $0) ? 0 : hashes[Int(values.codes[range.lowerBound + $0])] }
        }
        return (0..<count).map { row in
            if isNull(at: row) { return 0 }
            if case .text = values { return withBytes(at: row) { StableHash.of($0) } }
            return integer(at: row).map { UInt64(bitPattern: $0) } ?? number(at: row)?.bitPattern ?? 0
        }
    }
}
