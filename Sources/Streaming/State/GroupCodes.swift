import Columns

/// The groups of a batch's rows by number, with a key of each that is the same in every batch and in a checkpoint.
///
/// A key is bytes whose order is that of the tuples of values: texts byte by byte with an end mark, numbers with the highest
/// byte first and the sign turned. No key has the length one.
struct GroupCodes {
    private let groups: RowGroups
    private let columns: [Column]

    init(_ batch: Batch, by names: [String]) {
        columns = names.map { batch[$0]! }
        groups = RowGroups(columns, count: batch.count)
    }

    /// For each row the number of its group, or -1 when a value is null or an empty text.
    var codes: [Int32] { groups.numbers }

    /// How many numbers there are.
    var count: Int { groups.count }

    func key(_ code: Int32) -> [UInt8] {
        var key: [UInt8] = []
        for column in columns { Self.append(column, Int(groups.representatives[Int(code)]), to: &key) }
        return key
    }

    private static func append(_ text: Span<UInt8>, to key: inout [UInt8]) {
        for index in text.indices {
            key.append(text[index])
            if text[index] == 0 { key.append(0xFF) }
        }
        key.append(0)
        key.append(0)
    }

    private static func append(_ column: Column, _ row: Int, to key: inout [UInt8]) {
        switch column.values {
        case .text, .dictionary: column.withBytes(at: row) { append($0, to: &key) }
        case .int32, .int64, .bool, .float, .double:
            let number: UInt64
            if let whole = column.integer(at: row) {
                number = UInt64(bitPattern: whole) ^ (1 << 63)
            } else {
                let value = column.number(at: row) ?? 0
                let bits = (value == 0 ? 0 : value).bitPattern  // -0 and 0 are one group
                number = bits >> 63 == 0 ? bits ^ (1 << 63) : ~bits
            }
            for shift in stride(from: 56, through: 0, by: -8) { key.append(UInt8(truncatingIfNeeded: number >> UInt64(shift))) }
        }
    }

    /// The values of a key, in the types of `fields`. The group of all others (``WindowGroups/other``) is called so in texts,
    /// and has the least value of other types.
    static func values(of key: [UInt8], _ fields: ArraySlice<Field>) -> [Value] {
        if key == WindowGroups.other {
            return fields.map { field in
                switch field.type {
                case .text: .text(WindowGroups.otherName)
                case .bool: .bool(false)
                case .int32: .int(Int64(Int32.min))
                case .date: .date(.min)
                case .timestamp: .timestamp(Timestamp(microseconds: .min))
                default: .int(.min)
                }
            }
        }
        var at = 0
        return fields.map { field in
            if field.type == .text {
                var text: [UInt8] = []
                while at + 1 < key.count {
                    if key[at] == 0 {
                        if key[at + 1] == 0 { break }
                        at += 1
                        text.append(0)
                    } else {
                        text.append(key[at])
                    }
                    at += 1
                }
                at += 2
                return .text(String(decoding: text, as: UTF8.self))
            }
            var number: UInt64 = 0
            for _ in 0..<8 where at < key.count {
                number = number << 8 | UInt64(key[at])
                at += 1
            }
            let whole = Int64(bitPattern: number ^ (1 << 63))
            switch field.type {
            case .date: return .date(Int32(truncatingIfNeeded: whole))
            case .timestamp: return .timestamp(Timestamp(microseconds: whole))
            case .bool: return .bool(Double(bitPattern: number ^ (1 << 63)) != 0)
            default: return .int(whole)
            }
        }
    }
}
