import Columns

/// The values of a key in a batch: a code per row, and what each code stands for.
struct KeyCodes {
    let codes: [UInt32]
    /// Codes are below it; not every one is that of a row.
    let count: Int
    private let values: Values

    private enum Values {
        /// Of a dictionary's column; the code behind its last is null.
        case texts(TextValues)
        case cells([GroupTally.Cell])
        case numbers([Int64])
    }

    /// - Throws: ``LakeSQLError/inexact`` for a value that SQLite takes for equal to another one.
    init(_ column: Column, _ key: GroupShape.Key) throws(LakeSQLError) {
        let rows = column.count, base = column.range.lowerBound
        switch column.values {
        case .dictionary(let all):
            // Fast path: texts that repeat, as our writer and most others have them.
            let null = UInt32(all.dictionary.count)
            if column.validity == nil {
                codes = base == 0 && all.codes.count == rows ? all.codes : Array(all.codes[base..<(base + rows)])
            } else {
                codes = (0..<rows).map { column.isNull(at: $0) ? null : all.codes[base + $0] }
            }
            count = all.dictionary.count + 1
            values = .texts(all.dictionary)
        case .text, .float, .double:
            var table: [GroupTally.Cell: UInt32] = [:], cells: [GroupTally.Cell] = [], codes: [UInt32] = []
            codes.reserveCapacity(rows)
            for row in 0..<rows {
                let cell = try GroupTally.Cell(column, row), new = UInt32(cells.count)
                let code = table[cell] ?? new
                if code == new {
                    table[cell] = new
                    cells.append(cell)
                }
                codes.append(code)
            }
            (self.codes, count, values) = (codes, cells.count, .cells(cells))
        default:
            var table = NumberCodes(), codes: [UInt32] = []
            codes.reserveCapacity(rows)
            for row in 0..<rows {
                guard let number = column.wholeNumber(at: row) else {
                    codes.append(0)
                    continue
                }
                codes.append(table.code(key.value(number)))
            }
            (self.codes, count, values) = (codes, table.numbers.count + 1, .numbers(table.numbers))
        }
    }

    /// What a code stands for.
    func value(_ code: UInt32) -> GroupTally.Cell {
        switch values {
        case .texts(let all): code == all.count ? .null : .bytes(all[Int(code)].withUnsafeBufferPointer(Array.init))
        case .cells(let all): all[Int(code)]
        case .numbers(let all): code == 0 ? .null : .integer(all[Int(code) - 1])
        }
    }
}

extension GroupShape.Key {
    /// What rows with this value are alike in.
    @inline(__always) fileprivate func value(_ number: Int64) -> Int64 {
        guard case .span(_, let span, let edge) = self else { return number }
        let begin = span.begin(of: number)
        let last = begin &+ (span.length - 1)
        return edge == .isApart && number > last - 500 ? last : begin
    }
}

/// Codes of whole numbers, from 1 on in the order in which they come.
private struct NumberCodes {
    private(set) var numbers: [Int64] = []
    /// By hash an index of ``numbers``, or -1: linear probing, at most half full.
    private var slots = [Int32](repeating: -1, count: 1 << 10)
    private var last: (number: Int64, code: UInt32) = (0, 0)
    /// So that nobody can choose numbers whose hashes collide.
    private static let seed = UInt64.random(in: .min ... .max)

    @inline(__always) mutating func code(_ number: Int64) -> UInt32 {
        // Fast path: times of one span come one behind the other.
        if last.code > 0, last.number == number { return last.code }
        let code = lookUp(number)
        last = (number, code)
        return code
    }

    private mutating func lookUp(_ number: Int64) -> UInt32 {
        var slot = home(number)
        while slots[slot] >= 0 {
            if numbers[Int(slots[slot])] == number { return UInt32(slots[slot]) + 1 }
            slot = (slot + 1) & (slots.count - 1)
        }
        slots[slot] = Int32(numbers.count)
        numbers.append(number)
        if numbers.count * 2 > slots.count { grow() }
        return UInt32(numbers.count)
    }

    private func home(_ number: Int64) -> Int {
        Int(truncatingIfNeeded: FastHash.mix(Self.seed, UInt64(bitPattern: number))) & (slots.count - 1)
    }

    private mutating func grow() {
        slots = Array(repeating: -1, count: slots.count * 4)
        for (index, number) in numbers.enumerated() {
            var slot = home(number)
            while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = Int32(index)
        }
    }
}

/// A number per row of a batch: equal where the codes of all keys are.
struct RowNumbers {
    private let numbers: [UInt32]
    /// Numbers are below it; not every one is that of a row.
    let count: Int
    /// By key and number the code; nil where the number is the code of the one key, or there is none.
    private let codesOfNumber: [[UInt32]]?
    private let keyCount: Int

    /// Up to so many pairs of codes their numbers are looked up in a table, beyond it in a dictionary.
    private static let mostPairs = 1 << 20

    init(_ keys: [KeyCodes], rowCount: Int) {
        keyCount = keys.count
        guard let first = keys.first else {
            (numbers, count, codesOfNumber) = (Array(repeating: 0, count: rowCount), 1, nil)
            return
        }
        guard keys.count > 1 else {
            (numbers, count, codesOfNumber) = (first.codes, first.count, nil)
            return
        }
        var numbers = first.codes, count = first.count
        var codes = [Array(0..<UInt32(first.count))]
        for key in keys.dropFirst() {
            (numbers, codes) = Self.paired(numbers, count, codes, key)
            count = codes[0].count
        }
        (self.numbers, self.count, codesOfNumber) = (numbers, count, codes)
    }

    private static func paired(_ numbers: [UInt32], _ count: Int, _ codes: [[UInt32]], _ key: KeyCodes)
        -> ([UInt32], [[UInt32]])
    {
        var paired: [UInt32] = [], found = Array(repeating: [UInt32](), count: codes.count + 1)
        paired.reserveCapacity(numbers.count)
        func add(_ number: UInt32, _ code: UInt32) -> UInt32 {
            for index in codes.indices { found[index].append(codes[index][Int(number)]) }
            found[codes.count].append(code)
            return UInt32(found[codes.count].count - 1)
        }
        if count * key.count <= mostPairs {
            var table = [UInt32](repeating: .max, count: count * key.count)
            for (number, code) in zip(numbers, key.codes) {
                let pair = Int(number) * key.count + Int(code)
                if table[pair] == .max { table[pair] = add(number, code) }
                paired.append(table[pair])
            }
        } else {
            var table: [UInt64: UInt32] = [:]
            for (number, code) in zip(numbers, key.codes) {
                let pair = UInt64(number) << 32 | UInt64(code)
                let known = table[pair] ?? add(number, code)
                table[pair] = known
                paired.append(known)
            }
        }
        return (paired, found)
    }

    @inline(__always) subscript(_ row: Int) -> Int { Int(numbers[row]) }

    /// How many rows have each number.
    func counts() -> [Int64] {
        var counts = [Int64](repeating: 0, count: count)
        for number in numbers { counts[Int(number)] += 1 }
        return counts
    }

    /// The code of each key.
    func codes(of number: Int) -> [UInt32] {
        codesOfNumber.map { $0.map { $0[number] } } ?? (keyCount == 0 ? [] : [UInt32(number)])
    }
}
