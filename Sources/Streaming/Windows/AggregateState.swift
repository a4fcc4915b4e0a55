import Columns

/// The state of one aggregate for every group of every open window: one slot per group.
///
/// A batch is processed aggregate by aggregate, each in one loop over a column, so that the kind of aggregate is looked at once
/// per
/// batch and not once per row.
///
/// Used by one task. Windows hand out slots and take them back; a slot that was taken back is as good as new.
protocol AggregateState: AnyObject {
    /// Makes slots up to `count`.
    func grow(to count: Int)
    /// Takes in `rows` of the batch that `input` is bound to; `slots` has the slot of each.
    func update(_ rows: [Int32], slots: [Int32], _ input: AggregateInput)
    /// Adds what `slot` holds to `target`.
    func merge(_ slot: Int, into target: Int)
    func reset(_ slot: Int)
    /// - Parameter seconds: the length of the window.
    func value(_ slot: Int, seconds: Double) -> Value
    func encode(_ slot: Int, to writer: inout StateWriter)
    func decode(_ slot: Int, from reader: inout StateReader) throws
}

/// What an aggregate reads of one batch: its column, which rows its filter keeps, and when each row happened.
struct AggregateInput {
    let column: Column?
    let type: ColumnType
    /// Nil keeps all.
    let isKept: [Bool]?
    let times: Column
    /// For those who tell values apart: a hash of each row's.
    let hashes: [UInt64]?

    init(_ aggregate: Aggregate, _ batch: Batch, times: Column) {
        column = aggregate.column.flatMap { batch[$0] }
        type = aggregate.column.flatMap { batch.schema[$0]?.type } ?? .int64
        isKept = aggregate.filter.isEmpty ? nil : aggregate.filter.rows(in: batch)
        self.times = times
        hashes = aggregate.function == .distinct ? column?.stableHashes() : nil
    }

    /// Calls `body` with the position in `rows` and the row of each that is kept and has a value.
    @inline(__always) func forEach(_ rows: [Int32], _ body: (_ position: Int, _ row: Int) -> Void) {
        for position in rows.indices {
            let row = Int(rows[position])
            if let isKept, !isKept[row] { continue }
            if let column, column.isNull(at: row) { continue }
            body(position, row)
        }
    }
}

extension Aggregate {
    /// An empty state. `type` is the column's.
    func makeState(_ type: ColumnType?) -> any AggregateState {
        switch function {
        case .count: CountState(isRate: false)
        case .rate: CountState(isRate: true)
        case .sum: type == .int32 || type == .int64 ? WholeSumState() : MomentsState(.sum)
        case .min, .max:
            type == .float || type == .double
                ? NumberExtremeState(isLeast: function == .min, isFloat: type == .float)
                : WholeExtremeState(isLeast: function == .min, type: type ?? .int64)
        case .mean: MomentsState(.mean)
        case .variance: MomentsState(.variance)
        case .distinct: DistinctState()
        case .quantile: QuantileState(share: parameter)
        case .topK: FrequentState(k: Int(parameter))
        case .first: EdgeState(isFirst: true)
        case .last: EdgeState(isFirst: false)
        }
    }
}

private final class CountState: AggregateState {
    private var counts: [Int64] = []
    private let isRate: Bool

    init(isRate: Bool) { self.isRate = isRate }

    func grow(to count: Int) { counts += Array(repeating: 0, count: count - counts.count) }

    func update(_ rows: [Int32], slots: [Int32], _ input: AggregateInput) {
        input.forEach(rows) { position, _ in counts[Int(slots[position])] += 1 }
    }

    func merge(_ slot: Int, into target: Int) { counts[target] += counts[slot] }
    func reset(_ slot: Int) { counts[slot] = 0 }
    func value(_ slot: Int, seconds: Double) -> Value {
        isRate ? .double(seconds > 0 ? Double(counts[slot]) / seconds : 0) : .int(counts[slot])
    }
    func encode(_ slot: Int, to writer: inout StateWriter) { writer.write(counts[slot]) }
    func decode(_ slot: Int, from reader: inout StateReader) throws { counts[slot] = try reader.int64() }
}

private final class WholeSumState: AggregateState {
    private var sums: [Int64] = []

    func grow(to count: Int) { sums += Array(repeating: 0, count: count - sums.count) }

    func update(_ rows: [Int32], slots: [Int32], _ input: AggregateInput) {
        guard let column = input.column else { return }
        let base = column.range.lowerBound
        // A sum that leaves 64 bits wraps, as Spark's does.
        switch column.values {
        case .int32(let all): input.forEach(rows) { position, row in sums[Int(slots[position])] &+= Int64(all[base + row]) }
        case .int64(let all): input.forEach(rows) { position, row in sums[Int(slots[position])] &+= all[base + row] }
        default: break
        }
    }

    func merge(_ slot: Int, into target: Int) { sums[target] &+= sums[slot] }
    func reset(_ slot: Int) { sums[slot] = 0 }
    func value(_ slot: Int, seconds: Double) -> Value { .int(sums[slot]) }
    func encode(_ slot: Int, to writer: inout StateWriter) { writer.write(sums[slot]) }
    func decode(_ slot: Int, from reader: inout StateReader) throws { sums[slot] = try reader.int64() }
}

/// Count, sum and sum of squares. Sums have twice the bits of a double, so that the order in which rows come does not show in
/// the result: stream and batch give the same.
///
/// Source: the error-free sum and product of Ogita, Rump, Oishi: Accurate Sum and Dot Product, SIAM J. Sci. Comput. 26(6), 2005.
private final class MomentsState: AggregateState {
    enum Result { case sum, mean, variance }

    private struct Total {
        var high = 0.0
        var low = 0.0
        var value: Double { high + low }

        mutating func add(_ number: Double) {
            let sum = high + number
            let part = sum - high
            low += (high - (sum - part)) + (number - part)
            high = sum
        }

        mutating func add(_ other: Total) {
            add(other.high)
            low += other.low
        }
    }

    private struct Moments {
        var count: Int64 = 0
        var sum = Total()
        var squares = Total()
    }

    private var moments: [Moments] = []
    private let result: Result

    init(_ result: Result) { self.result = result }

    func grow(to count: Int) { moments += Array(repeating: Moments(), count: count - moments.count) }

    func update(_ rows: [Int32], slots: [Int32], _ input: AggregateInput) {
        guard let column = input.column else { return }
        let needsSquares = result == .variance
        input.forEach(rows) { position, row in
            guard let number = column.number(at: row), number.isFinite else { return }
            let slot = Int(slots[position])
            moments[slot].count += 1
            moments[slot].sum.add(number)
            if needsSquares {
                let square = number * number
                moments[slot].squares.add(square)
                moments[slot].squares.low += (-square).addingProduct(number, number)
            }
        }
    }

    func merge(_ slot: Int, into target: Int) {
        moments[target].count += moments[slot].count
        moments[target].sum.add(moments[slot].sum)
        moments[target].squares.add(moments[slot].squares)
    }

    func reset(_ slot: Int) { moments[slot] = Moments() }

    func value(_ slot: Int, seconds: Double) -> Value {
        let moment = moments[slot]
        if result == .sum { return .double(moment.sum.value) }
        guard moment.count > 0 else { return .null }
        let count = Double(moment.count)
        if result == .mean { return .double(moment.sum.value / count) }
        // (Σx² − (Σx)²/n) / n, each product and quotient with what its rounding leaves out.
        let sum = moment.sum
        let square = sum.high * sum.high
        let squareRest = (-square).addingProduct(sum.high, sum.high) + 2 * sum.high * sum.low
        let part = square / count
        let partRest = (square.addingProduct(-part, count) + squareRest) / count
        return .double(max(0, ((moment.squares.high - part) + (moment.squares.low - partRest)) / count))
    }

    func encode(_ slot: Int, to writer: inout StateWriter) {
        writer.write(moments[slot].count)
        for total in [moments[slot].sum, moments[slot].squares] {
            writer.write(total.high)
            writer.write(total.low)
        }
    }

    func decode(_ slot: Int, from reader: inout StateReader) throws {
        moments[slot].count = try reader.int64()
        moments[slot].sum = Total(high: try reader.double(), low: try reader.double())
        moments[slot].squares = Total(high: try reader.double(), low: try reader.double())
    }
}

private final class WholeExtremeState: AggregateState {
    private var values: [Int64] = []
    private var isThere: [Bool] = []
    private let isLeast: Bool
    private let type: ColumnType

    init(isLeast: Bool, type: ColumnType) {
        self.isLeast = isLeast
        self.type = type
    }

    func grow(to count: Int) {
        values += Array(repeating: 0, count: count - values.count)
        isThere += Array(repeating: false, count: count - isThere.count)
    }

    private func take(_ value: Int64, _ slot: Int) {
        if !isThere[slot] || (isLeast ? value < values[slot] : value > values[slot]) { values[slot] = value }
        isThere[slot] = true
    }

    func update(_ rows: [Int32], slots: [Int32], _ input: AggregateInput) {
        guard let column = input.column else { return }
        input.forEach(rows) { position, row in if let value = column.integer(at: row) { take(value, Int(slots[position])) } }
    }

    func merge(_ slot: Int, into target: Int) { if isThere[slot] { take(values[slot], target) } }
    func reset(_ slot: Int) { isThere[slot] = false }

    func value(_ slot: Int, seconds: Double) -> Value {
        guard isThere[slot] else { return .null }
        switch type {
        case .timestamp: return .timestamp(Timestamp(microseconds: values[slot]))
        case .date: return .date(Int32(truncatingIfNeeded: values[slot]))
        default: return .int(values[slot])
        }
    }

    func encode(_ slot: Int, to writer: inout StateWriter) {
        writer.write(isThere[slot])
        writer.write(values[slot])
    }

    func decode(_ slot: Int, from reader: inout StateReader) throws {
        isThere[slot] = try reader.bool()
        values[slot] = try reader.int64()
    }
}

private final class NumberExtremeState: AggregateState {
    private var values: [Double] = []
    private let isLeast: Bool
    private let isFloat: Bool

    init(isLeast: Bool, isFloat: Bool) {
        self.isLeast = isLeast
        self.isFloat = isFloat
    }

    func grow(to count: Int) { values += Array(repeating: .nan, count: count - values.count) }

    private func take(_ value: Double, _ slot: Int) {
        guard !value.isNaN else { return }
        if values[slot].isNaN || (isLeast ? value < values[slot] : value > values[slot]) { values[slot] = value }
    }

    func update(_ rows: [Int32], slots: [Int32], _ input: AggregateInput) {
        guard let column = input.column else { return }
        input.forEach(rows) { position, row in if let value = column.number(at: row) { take(value, Int(slots[position])) } }
    }

    func merge(_ slot: Int, into target: Int) { take(values[slot], target) }
    func reset(_ slot: Int) { values[slot] = .nan }
    func value(_ slot: Int, seconds: Double) -> Value { values[slot].isNaN ? .null : .double(values[slot]) }
    func encode(_ slot: Int, to writer: inout StateWriter) { writer.write(values[slot]) }
    func decode(_ slot: Int, from reader: inout StateReader) throws { values[slot] = try reader.double() }
}

private final class DistinctState: AggregateState {
    private var counts: [DistinctCount] = []

    func grow(to count: Int) { counts += Array(repeating: DistinctCount(), count: count - counts.count) }

    func update(_ rows: [Int32], slots: [Int32], _ input: AggregateInput) {
        guard let hashes = input.hashes else { return }
        input.forEach(rows) { position, row in counts[Int(slots[position])].insert(hashes[row]) }
    }

    func merge(_ slot: Int, into target: Int) { counts[target].merge(counts[slot]) }
    func reset(_ slot: Int) { counts[slot] = DistinctCount() }
    func value(_ slot: Int, seconds: Double) -> Value { .int(counts[slot].count) }
    func encode(_ slot: Int, to writer: inout StateWriter) { counts[slot].encode(to: &writer) }
    func decode(_ slot: Int, from reader: inout StateReader) throws { counts[slot] = try DistinctCount(from: &reader) }
}

private final class QuantileState: AggregateState {
    private var sketches: [QuantileSketch] = []
    private let share: Double

    init(share: Double) { self.share = share }

    func grow(to count: Int) { sketches += Array(repeating: QuantileSketch(), count: count - sketches.count) }

    func update(_ rows: [Int32], slots: [Int32], _ input: AggregateInput) {
        guard let column = input.column else { return }
        input.forEach(rows) { position, row in
            if let number = column.number(at: row) { sketches[Int(slots[position])].insert(number) }
        }
    }

    func merge(_ slot: Int, into target: Int) { sketches[target].merge(sketches[slot]) }
    func reset(_ slot: Int) { sketches[slot] = QuantileSketch() }
    func value(_ slot: Int, seconds: Double) -> Value { sketches[slot].quantile(share).map(Value.double) ?? .null }
    func encode(_ slot: Int, to writer: inout StateWriter) { sketches[slot].encode(to: &writer) }
    func decode(_ slot: Int, from reader: inout StateReader) throws { sketches[slot] = try QuantileSketch(from: &reader) }
}

private final class FrequentState: AggregateState {
    private var values: [FrequentValues] = []
    private let k: Int
    private var capacity: Int { k * 10 }

    init(k: Int) { self.k = k }

    func grow(to count: Int) { values += Array(repeating: FrequentValues(capacity: capacity), count: count - values.count) }

    func update(_ rows: [Int32], slots: [Int32], _ input: AggregateInput) {
        guard let column = input.column else { return }
        input.forEach(rows) { position, row in if let text = column.string(at: row) { values[Int(slots[position])].insert(text) }
        }
    }

    func merge(_ slot: Int, into target: Int) { values[target].merge(values[slot]) }
    func reset(_ slot: Int) { values[slot] = FrequentValues(capacity: capacity) }
    func value(_ slot: Int, seconds: Double) -> Value { .text(values[slot].json(k)) }
    func encode(_ slot: Int, to writer: inout StateWriter) { values[slot].encode(to: &writer) }
    func decode(_ slot: Int, from reader: inout StateReader) throws {
        values[slot] = try FrequentValues(from: &reader, capacity: capacity)
    }
}

/// The value of the first or last row by event time. Of equal times the least and the greatest value count, not the order of
/// arrival, which another run may not have.
private final class EdgeState: AggregateState {
    private var edges: [(time: Int64, value: Value)?] = []
    private let isFirst: Bool

    init(isFirst: Bool) { self.isFirst = isFirst }

    func grow(to count: Int) { edges += Array(repeating: nil, count: count - edges.count) }

    private func take(_ time: Int64, _ value: @autoclosure () -> Value, _ slot: Int) {
        if let edge = edges[slot] {
            if isFirst ? time > edge.time : time < edge.time { return }
            if time == edge.time {
                let new = value()
                let isSmaller = new.precedes(edge.value)
                if isFirst ? isSmaller : edge.value.precedes(new) { edges[slot] = (time, new) }
                return
            }
        }
        edges[slot] = (time, value())
    }

    func update(_ rows: [Int32], slots: [Int32], _ input: AggregateInput) {
        guard let column = input.column else { return }
        input.forEach(rows) { position, row in
            take(input.times.integer(at: row) ?? 0, column.value(at: row, as: input.type), Int(slots[position]))
        }
    }

    func merge(_ slot: Int, into target: Int) { if let edge = edges[slot] { take(edge.time, edge.value, target) } }
    func reset(_ slot: Int) { edges[slot] = nil }
    func value(_ slot: Int, seconds: Double) -> Value { edges[slot]?.value ?? .null }

    func encode(_ slot: Int, to writer: inout StateWriter) {
        writer.write(edges[slot]?.time ?? .min)
        writer.write(edges[slot]?.value ?? .null)
    }

    func decode(_ slot: Int, from reader: inout StateReader) throws {
        let time = try reader.int64()
        let value = try reader.value()
        edges[slot] = value == .null ? nil : (time, value)
    }
}

extension Value {
    /// An order within one type.
    fileprivate func precedes(_ other: Value) -> Bool {
        switch (self, other) {
        case (.int(let a), .int(let b)): a < b
        case (.double(let a), .double(let b)): a < b
        case (.text(let a), .text(let b)): a.utf8.lexicographicallyPrecedes(b.utf8)
        case (.timestamp(let a), .timestamp(let b)): a < b
        case (.date(let a), .date(let b)): a < b
        case (.bool(let a), .bool(let b)): !a && b
        default: false
        }
    }
}
