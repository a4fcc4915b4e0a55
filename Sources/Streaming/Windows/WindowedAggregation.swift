import Columns
import Foundation

/// Tumbling windows of event time in append mode: a window's row is given once, when the watermark reaches its end.
///
/// It knows no clock and no source. The watermark is the newest event time minus the allowed lateness and never falls; a row whose window ended
/// at or before it is late, and the caller gets it back.
///
/// Source: the terms and the rule of closing are those of Spark Structured Streaming, "Handling Late Data and Watermarking".
public struct WindowedAggregation: Sendable {
    public let definition: WindowDefinition
    private var state = State()

    private struct State: Codable {
        var newest: Int64?
        /// Microseconds; nothing at or before it is open.
        var watermark = Int64.min
        /// By the start of the window, then by group.
        var windows: [Int64: [String: Group]] = [:]
    }

    private struct Group: Codable {
        var sums: [Int64]
        /// For each distinct aggregate the values seen, as hashes: 64 bits make two different ones equal once in billions.
        var seen: [Set<UInt64>]
    }

    private let length: Int64
    private let lateness: Int64
    private let by: String
    private let schema: Schema

    public init(_ definition: WindowDefinition, schema: Schema, allowedLateness: Duration) {
        self.definition = definition
        self.schema = schema
        if case .tumbling(let duration) = definition.kind { length = duration.inMicroseconds } else { length = 300_000_000 }
        lateness = allowedLateness.inMicroseconds
        by = definition.by[0]
    }

    public var watermark: Timestamp? { state.watermark == .min ? nil : Timestamp(microseconds: state.watermark) }

    /// Groups in open windows: what memory is bounded by.
    public var stateRows: Int { state.windows.values.reduce(0) { $0 + $1.count } }

    /// Takes in the rows of `batch`, which has an `event_time` column; gives the rows that are late.
    public mutating func observe(_ batch: Batch) -> [Int] {
        guard let times = batch["event_time"], let keys = batch[by] else { return [] }
        let plans = definition.aggregates.map { Plan($0, batch) }
        let keyTexts = KeyTexts(keys)
        var late: [Int] = []
        // Rows come in runs of one window; the groups of the window at hand are taken out of the table while they are worked on, by the key's number.
        var openStart: Int64?
        var open: [String: Group] = [:]
        var byCode: [Int: Group] = [:]
        func close(_ windows: inout [Int64: [String: Group]]) {
            guard let start = openStart else { return }
            for (code, group) in byCode { open[keyTexts.text(code)] = group }
            windows[start] = open
            byCode.removeAll(keepingCapacity: true)
            open = [:]
            openStart = nil
        }
        for row in 0..<batch.count {
            let time = times.integer(at: row) ?? 0
            let start = time.flooredMultiple(of: length)
            state.newest = max(state.newest ?? time, time)
            if start + length <= state.watermark {
                late.append(row)
                continue
            }
            guard let code = keyTexts.code(row) else { continue }
            if openStart != start {
                close(&state.windows)
                open = state.windows.removeValue(forKey: start) ?? [:]
                openStart = start
            }
            if byCode[code] == nil { byCode[code] = open.removeValue(forKey: keyTexts.text(code)) ?? newGroup }
            Plan.add(row, plans, to: &byCode[code]!)
        }
        close(&state.windows)
        return late
    }

    /// Moves the watermark to the newest event time minus the allowed lateness and gives the rows of the windows that it has closed, by window, then by group.
    public mutating func advance() -> Batch {
        guard let newest = state.newest else { return Batch(empty: schema) }
        state.watermark = max(state.watermark, newest - lateness)
        return take(state.windows.keys.filter { $0 + length <= state.watermark })
    }

    /// Closes every window: the input has an end and this is it. A new run begins with no watermark.
    public mutating func finish() -> Batch {
        let rows = take(Array(state.windows.keys))
        state = State()
        return rows
    }

    private var newGroup: Group {
        let distinct = definition.aggregates.filter { $0.function == .distinct }.count
        return Group(
            sums: Array(repeating: 0, count: definition.aggregates.count - distinct), seen: Array(repeating: [], count: distinct))
    }

    private mutating func take(_ starts: [Int64]) -> Batch {
        var startTimes = NumberBuilder<Int64>(), endTimes = NumberBuilder<Int64>()
        var keys = TextBuilder()
        var numbers = [NumberBuilder<Int64>](repeating: NumberBuilder(), count: definition.aggregates.count)
        for start in starts.sorted() {
            for (key, group) in state.windows.removeValue(forKey: start)!.sorted(by: { $0.key < $1.key }) {
                startTimes.append(start)
                endTimes.append(start + length)
                keys.append(utf8: key)
                var sum = 0, distinct = 0
                for (index, aggregate) in definition.aggregates.enumerated() {
                    if aggregate.function == .distinct {
                        numbers[index].append(Int64(group.seen[distinct].count))
                        distinct += 1
                    } else {
                        numbers[index].append(group.sums[sum])
                        sum += 1
                    }
                }
            }
        }
        let values = numbers.indices.map { numbers[$0].finish() }
        return Batch(schema: schema, columns: [startTimes.finish(), endTimes.finish(), keys.finish()] + values)
    }

    /// The open windows and the watermark, for a checkpoint.
    public func snapshot() throws -> Data { try JSONEncoder().encode(state) }

    public mutating func restore(_ snapshot: Data) throws { state = try JSONDecoder().decode(State.self, from: snapshot) }

    /// One aggregate bound to the columns of one batch.
    private struct Plan {
        let function: Aggregate.Function
        let isMatched: [Bool]?
        let column: Column?
        /// Hashes of a dictionary's texts: a row costs a look-up.
        let hashes: [UInt64]

        init(_ aggregate: Aggregate, _ batch: Batch) {
            function = aggregate.function
            isMatched = aggregate.filter.isEmpty ? nil : aggregate.filter.rows(in: batch)
            column = aggregate.column.flatMap { batch[$0] }
            if function == .distinct, case .dictionary(let values)? = column?.values {
                hashes = (0..<values.dictionary.count).map { Self.hash(values.dictionary[$0]) }
            } else {
                hashes = []
            }
        }

        static func add(_ row: Int, _ plans: [Plan], to group: inout Group) {
            var sum = 0, distinct = 0
            for plan in plans {
                let isIn = plan.isMatched?[row] ?? true
                switch plan.function {
                case .count:
                    if isIn { group.sums[sum] += 1 }
                    sum += 1
                case .sum:
                    if isIn { group.sums[sum] &+= plan.column?.integer(at: row) ?? 0 }
                    sum += 1
                default:
                    if isIn, let hash = plan.hash(row) { group.seen[distinct].insert(hash) }
                    distinct += 1
                }
            }
        }

        private func hash(_ row: Int) -> UInt64? {
            guard let column, !column.isNull(at: row) else { return nil }
            switch column.values {
            case .dictionary(let values): return hashes[Int(values.codes[column.range.lowerBound + row])]
            case .text: return column.withBytes(at: row, Self.hash)
            default: return column.integer(at: row).map { UInt64(bitPattern: $0) }
            }
        }

        /// FNV-1a: stable from run to run, as state in a checkpoint must be.
        private static func hash(_ bytes: Span<UInt8>) -> UInt64 {
            var hash: UInt64 = 0xCBF2_9CE4_8422_2325
            for index in bytes.indices { hash = (hash ^ UInt64(bytes[index])) &* 0x0000_0100_0000_01B3 }
            return hash
        }
    }

    /// The groups of a batch by number: the codes of a dictionary column, which other columns are made into.
    private struct KeyTexts {
        private let column: Column
        private let values: DictionaryValues?

        init(_ column: Column) {
            switch column.values {
            case .dictionary(let values):
                self.column = column
                self.values = values
            case .text:
                var builder = DictionaryBuilder()
                for row in 0..<column.count {
                    if column.isNull(at: row) {
                        builder.appendNull()
                    } else {
                        column.withBytes(at: row) { _ = builder.append($0) }
                    }
                }
                self.column = builder.finish()
                if case .dictionary(let values) = self.column.values { self.values = values } else { values = nil }
            default:
                self.column = column
                values = nil
            }
        }

        func code(_ row: Int) -> Int? {
            guard let values, !column.isNull(at: row) else { return nil }
            return Int(values.codes[column.range.lowerBound + row])
        }

        func text(_ code: Int) -> String { values?.dictionary.string(at: code) ?? "" }
    }
}
