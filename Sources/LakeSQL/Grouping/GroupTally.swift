import CSQLite
import Columns

/// Counts, sums, minima and maxima of the rows of batches, by group.
///
/// Of each batch the values of a key become codes, those of several keys one number per row; what is counted is counted by that
/// number. So texts are looked at once per batch and distinct value, and a row costs an addition.
struct GroupTally {
    /// A value of a group.
    enum Cell: Hashable {
        case null
        case integer(Int64)
        /// By its bits.
        case number(UInt64)
        case bytes([UInt8])
    }

    /// Groups, as columns of their own.
    struct Groups {
        fileprivate(set) var counts: [Int64] = []
        /// By group, then by key.
        fileprivate var keys: [[Cell]] = []
        /// By group and measure.
        fileprivate var measures: [Cell] = []
        fileprivate var measureCount = 0

        var count: Int { counts.count }

        init() {}

        /// One group of all rows; none where there are no rows.
        init(countOnly rows: Int, _ shape: GroupShape) {
            guard rows > 0 else { return }
            counts = [Int64(rows)]
            keys = [[]]
        }

        func give(key: Int, _ group: Int, as type: ColumnType, to context: OpaquePointer?) {
            SQLType.give(keys[group][key], as: type, to: context)
        }

        func give(measure: Int, _ group: Int, as type: ColumnType, to context: OpaquePointer?) {
            SQLType.give(measures[group * measureCount + measure], as: type, to: context)
        }
    }

    private let shape: GroupShape
    private let schema: Schema
    private var groups = Groups()
    private var known: [[Cell]: Int] = [:]
    /// Of all values that were added up, their magnitudes.
    private var magnitude = 0.0

    init(_ shape: GroupShape, _ schema: Schema) {
        self.shape = shape
        self.schema = schema
        groups.measureCount = shape.measures.count
    }

    var groupCount: Int { groups.count }
    /// What the texts of the groups take, and those that were the least or the greatest before.
    private(set) var bytes = 0

    /// The groups so far; the next rows begin new ones.
    mutating func take() -> Groups {
        defer {
            groups = Groups()
            groups.measureCount = shape.measures.count
            known.removeAll(keepingCapacity: true)
            bytes = 0
        }
        return groups
    }

    /// - Throws: ``LakeSQLError/inexact`` when the order of rows, or SQLite's arithmetic, would show in the result.
    mutating func add(_ batch: Batch) throws(LakeSQLError) {
        func column(_ index: Int) -> Column { batch[schema.fields[index].name]! }
        var codes: [KeyCodes] = []
        for key in shape.keys { codes.append(try KeyCodes(column(key.column), key)) }
        let numbers = RowNumbers(codes, rowCount: batch.count)
        let counts = numbers.counts()
        var measures: [[Cell]] = []
        for measure in shape.measures {
            measures.append(try measured(measure, column(measure.column), numbers))
        }
        for number in counts.indices where counts[number] > 0 {
            let group = group(zip(codes, numbers.codes(of: number)).map { $0.value($1) })
            groups.counts[group] += counts[number]
            for (index, measure) in shape.measures.enumerated() {
                bytes += measure.merge(measures[index][number], into: &groups.measures[group * groups.measureCount + index])
            }
        }
    }

    private mutating func group(_ key: [Cell]) -> Int {
        if let group = known[key] { return group }
        known[key] = groups.count
        groups.counts.append(0)
        bytes += key.reduce(0) { $0 + $1.size }
        groups.keys.append(key)
        groups.measures += Array(repeating: .null, count: groups.measureCount)
        return groups.count - 1
    }

    // MARK: Measures

    /// By number of a row, what a measure is over the batch.
    private mutating func measured(_ measure: GroupShape.Measure, _ column: Column, _ numbers: RowNumbers) throws(LakeSQLError)
        -> [Cell]
    {
        switch measure {
        case .present:
            var counts = [Int64](repeating: 0, count: numbers.count)
            for row in 0..<column.count where !column.isNull(at: row) && column.number(at: row)?.isNaN != true {
                counts[numbers[row]] += 1
            }
            return counts.map { .integer($0) }
        case .sum: return try sums(column, numbers)
        case .least: return try extremes(column, numbers, isLeast: true)
        case .greatest: return try extremes(column, numbers, isLeast: false)
        }
    }

    private mutating func sums(_ column: Column, _ numbers: RowNumbers) throws(LakeSQLError) -> [Cell] {
        var sums = [Int64](repeating: 0, count: numbers.count), isPresent = [Bool](repeating: false, count: numbers.count)
        for row in 0..<column.count {
            guard let value = column.wholeNumber(at: row) else { continue }
            sums[numbers[row]] &+= value
            isPresent[numbers[row]] = true
            magnitude += Double(value.magnitude)
        }
        // Up to there no order of additions overflows, and a double has all digits.
        guard magnitude <= 0x1p53 else { throw .inexact }
        return sums.indices.map { isPresent[$0] ? .integer(sums[$0]) : .null }
    }

    private func extremes(_ column: Column, _ numbers: RowNumbers, isLeast: Bool) throws(LakeSQLError) -> [Cell] {
        // By number the row with the extreme value.
        var rows = [Int](repeating: -1, count: numbers.count)
        func keep(_ precedes: (Int, Int) -> Bool, _ isValue: (Int) -> Bool = { _ in true }) {
            for row in 0..<column.count where !column.isNull(at: row) && isValue(row) {
                let number = numbers[row], best = rows[number]
                if best < 0 || (isLeast ? precedes(row, best) : precedes(best, row)) { rows[number] = row }
            }
        }
        let base = column.range.lowerBound
        switch column.values {
        case .bool(let all): keep { !all[base + $0] && all[base + $1] }
        case .int32(let all): keep { all[base + $0] < all[base + $1] }
        case .int64(let all): keep { all[base + $0] < all[base + $1] }
        case .float(let all): keep({ all[base + $0] < all[base + $1] }) { !all[base + $0].isNaN }
        case .double(let all): keep({ all[base + $0] < all[base + $1] }) { !all[base + $0].isNaN }
        case .text(let all): keep { SQLType.precedes(all[base + $0], all[base + $1]) }
        case .dictionary(let all):
            keep {
                let left = all.codes[base + $0], right = all.codes[base + $1]
                return left != right && SQLType.precedes(all.dictionary[Int(left)], all.dictionary[Int(right)])
            }
        }
        var cells: [Cell] = []
        for row in rows { cells.append(row < 0 ? .null : try Cell(column, row)) }
        return cells
    }
}

extension GroupShape.Measure {
    /// Puts the rows of a batch to those before them.
    ///
    /// - Returns: the bytes of a text that is kept from now on.
    fileprivate func merge(_ cell: GroupTally.Cell, into all: inout GroupTally.Cell) -> Int {
        guard cell != .null else { return 0 }
        switch (self, all) {
        case (_, .null): break
        case (.present, .integer(let old)), (.sum, .integer(let old)):
            guard case .integer(let new) = cell else { return 0 }
            all = .integer(old &+ new)
            return 0
        case (.least, _) where cell.precedes(all), (.greatest, _) where all.precedes(cell): break
        default: return 0
        }
        all = cell
        return cell.size
    }
}

extension GroupTally.Cell {
    /// Of a row.
    ///
    /// - Throws: ``LakeSQLError/inexact`` for the zero below zero, which SQLite takes for equal to zero and shows otherwise.
    init(_ column: Column, _ row: Int) throws(LakeSQLError) {
        guard !column.isNull(at: row) else {
            self = .null
            return
        }
        switch column.values {
        case .text, .dictionary: self = .bytes(column.withBytes(at: row) { $0.withUnsafeBufferPointer(Array.init) })
        case .float, .double:
            let number = column.number(at: row) ?? .nan
            guard number != 0 || number.sign == .plus else { throw .inexact }
            self = number.isNaN ? .null : .number(number.bitPattern)
        default: self = column.wholeNumber(at: row).map { .integer($0) } ?? .null
        }
    }

    fileprivate var size: Int { if case .bytes(let bytes) = self { bytes.count } else { 0 } }

    fileprivate func precedes(_ other: Self) -> Bool {
        switch (self, other) {
        case (.integer(let left), .integer(let right)): left < right
        case (.number(let left), .number(let right)): Double(bitPattern: left) < Double(bitPattern: right)
        case (.bytes(let left), .bytes(let right)): SQLType.precedes(left.span, right.span)
        default: false
        }
    }
}

extension Column {
    /// A whole number, a day, a time in microseconds, or 1 for true; nil for null and for another type.
    func wholeNumber(at row: Int) -> Int64? {
        if case .bool(let all) = values { return isNull(at: row) ? nil : all[range.lowerBound + row] ? 1 : 0 }
        return integer(at: row)
    }
}

extension SQLType {
    /// Gives a value of a group as a column of a type gives it.
    static func give(_ cell: GroupTally.Cell, as type: ColumnType, to context: OpaquePointer?) {
        switch (cell, type) {
        case (.null, _): sqlite3_result_null(context)
        case (.integer(let days), .date): give(.date(Int32(truncatingIfNeeded: days)), to: context)
        case (.integer(let time), .timestamp): give(.timestamp(Timestamp(microseconds: time)), to: context)
        case (.integer(let number), _): sqlite3_result_int64(context, number)
        case (.number(let bits), _): sqlite3_result_double(context, Double(bitPattern: bits))
        case (.bytes(let bytes), .binary): give(.binary(bytes), to: context)
        case (.bytes(let bytes), _): give(text: bytes.span, to: context)
        }
    }
}
