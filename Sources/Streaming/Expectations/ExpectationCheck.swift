import Columns

/// Looks at rows for one expectation, with what it must remember between batches.
struct ExpectationCheck {
    let expectation: Expectation
    /// What the values of ``Expectation/Check/matches(column:pattern:)`` are compared with.
    private let matcher: Matcher?
    private let timeColumn: String
    /// By key the newest event time, of ``Expectation/Check/uniqueInWindow(columns:within:)``.
    private var seen = KeyTimes()
    private var rowsInEpoch = 0

    init(_ expectation: Expectation, timeColumn: String) {
        self.expectation = expectation
        self.timeColumn = timeColumn
        // The definition's check has compiled it before.
        matcher = if case .matches(let name, let text) = expectation.check { try? Matcher(name, .matches, text) } else { nil }
    }

    var stateRows: Int { seen.count }

    /// Which rows it does not hold for.
    ///
    /// - Parameter arrivals: for each row when its line arrived, where that is known.
    mutating func failing(_ batch: Batch, arrivals: [Int64]?) -> [Bool] {
        rowsInEpoch += batch.count
        switch expectation.check {
        case .notNull(let name):
            let column = batch[name]!
            return (0..<batch.count).map { column.isNull(at: $0) }
        case .range(let name, let from, let to):
            let column = batch[name]!
            return (0..<batch.count).map { row in
                guard let number = column.number(at: row) else { return false }
                return !(number >= from ?? -.infinity && number <= to ?? .infinity)
            }
        case .inSet(let name, let values):
            let known = values.distinctTexts
            return Self.ask(batch, name) { !known.contains(OutsideText($0)) }
        case .matches(let name, _):
            guard let matcher, let column = batch[name] else { return Array(repeating: false, count: batch.count) }
            let holds = [matcher].rows(in: batch)
            return (0..<batch.count).map { !holds[$0] && !column.isNull(at: $0) }
        case .uniqueInWindow(let columns, let within): return repeated(batch, columns, within.inMicroseconds)
        case .freshWithin(let age):
            guard let arrivals, let times = batch[timeColumn] else { return Array(repeating: false, count: batch.count) }
            return (0..<batch.count).map { arrivals[$0] &- (times.integer(at: $0) ?? 0) > age.inMicroseconds }
        case .rowCount, .usual: return Array(repeating: false, count: batch.count)
        }
    }

    /// The answer of `fails` for the text of each value; each text of a dictionary is asked once. False for nulls.
    private static func ask(_ batch: Batch, _ name: String, _ fails: (String) -> Bool) -> [Bool] {
        let column = batch[name]!, type = batch.schema[name]!.type
        if case .dictionary(let values) = column.values {
            let answers = (0..<values.dictionary.count).map { fails(values.dictionary.string(at: $0)) }
            return (0..<batch.count).map { !column.isNull(at: $0) && answers[Int(values.codes[column.range.lowerBound + $0])] }
        }
        return (0..<batch.count).map { !column.isNull(at: $0) && fails(column.value(at: $0, as: type).description) }
    }

    private mutating func repeated(_ batch: Batch, _ columns: [String], _ within: Int64) -> [Bool] {
        guard let times = batch[timeColumn] else { return Array(repeating: false, count: batch.count) }
        let groups = GroupCodes(batch, by: columns)
        return (0..<batch.count).map { row in
            guard groups.codes[row] >= 0, let time = times.integer(at: row) else { return false }
            let key = groups.key(groups.codes[row])
            let last = seen[key]
            seen.remember(key, max(last ?? time, time))
            guard let last else { return false }
            return (last > time ? last &- time : time &- last) < within
        }
    }

    /// Forgets keys that nothing on time can be near to any more.
    mutating func forget(upTo watermark: Int64) {
        guard case .uniqueInWindow(_, let within) = expectation.check, watermark > .min else { return }
        seen.forget(upTo: watermark &- within.inMicroseconds &- 1)
    }

    /// What is claimed of an epoch as a whole; nil when nothing is. The next epoch begins.
    mutating func endEpoch() -> (holds: Bool, rows: Int)? {
        defer { rowsInEpoch = 0 }
        guard case .rowCount(let from, let to) = expectation.check else { return nil }
        return (rowsInEpoch >= from ?? 0 && rowsInEpoch <= to ?? .max, rowsInEpoch)
    }

    func encode(to writer: inout StateWriter) { seen.encode(to: &writer) }

    mutating func decode(from reader: inout StateReader) throws { seen = try KeyTimes(from: &reader) }
}
