import Columns
import Foundation

/// Windows of event time in append mode: a window's row is given once, when the watermark reaches its end, or before where the
/// pipeline has too many (``OpenWindows``).
///
/// It knows no clock and no source. What the watermark is, the caller says; a row whose window ended at or before it is late,
/// and the caller gets it back.
///
/// Source: the terms and the rule of closing are those of Spark Structured Streaming, "Handling Late Data and Watermarking".
struct WindowedAggregation {
    let definition: WindowDefinition
    private var windows: any WindowKeeper

    /// - Parameters:
    ///   - input: the schema of the rows, which the definition has been checked against.
    ///   - timeColumn: the column of the event time.
    init(_ definition: WindowDefinition, input: Schema, timeColumn: String = "event_time") throws(DefinitionError) {
        self.definition = definition
        let schema = try definition.schema(of: input)
        switch definition.kind {
        case .tumbling(let length):
            windows = FixedWindows(
                definition, length: length, slide: length, input: input, schema: schema, timeColumn: timeColumn)
        case .hopping(let length, let slide):
            windows = FixedWindows(definition, length: length, slide: slide, input: input, schema: schema, timeColumn: timeColumn)
        case .session(let gap):
            windows = SessionWindows(definition, gap: gap, input: input, schema: schema, timeColumn: timeColumn)
        }
    }

    /// Groups in open windows: what memory is bounded by.
    var stateRows: Int { windows.stateRows }
    /// Rows so far that were counted in the group of all others, because there were too many groups.
    var otherRows: Int { windows.otherRows }

    /// Takes in the rows of `batch`; gives those that are late, in order. A row of a hopping window is late when all its
    /// windows have closed; in those that are open it counts.
    mutating func observe(_ batch: Batch, _ watermarks: RowWatermarks) -> [Int] {
        guard !batch.isEmpty else { return [] }
        return windows.observe(batch, kept: definition.filter.isEmpty ? nil : definition.filter.rows(in: batch), watermarks)
    }

    /// The rows of the windows that end at or before `watermark`, by window, then by group. They are given once.
    mutating func close(upTo watermark: Int64) -> Batch { windows.close(upTo: watermark) }

    /// The open windows by start, with how many groups each has; in no order.
    var openWindows: [(start: Int64, groups: Int)] { windows.open }

    /// The rows of the open windows that start at `start` or later, but for the one that ends first, whose turn is next. What
    /// comes for those windows later makes rows of its own.
    mutating func giveEarly(from start: Int64) -> Batch { windows.giveEarly(from: start) }

    /// How far a stage behind can rely on: no window that comes later has an event time at or before this.
    func watermark(behind watermark: Int64) -> Int64 {
        switch definition.kind {
        case .tumbling(let length), .hopping(let length, _):
            watermark == .min || watermark == .max ? watermark : watermark &- length.inMicroseconds
        case .session: watermark
        }
    }

    /// The open windows, for a checkpoint.
    func snapshot() -> Data {
        var writer = StateWriter()
        windows.encode(to: &writer)
        return writer.data
    }

    mutating func restore(_ snapshot: Data) throws {
        var reader = StateReader(snapshot)
        try windows.decode(from: &reader)
        guard reader.isAtEnd else { throw StateReader.Damaged() }
    }
}

/// The open windows of one kind.
protocol WindowKeeper {
    var stateRows: Int { get }
    var otherRows: Int { get }
    mutating func observe(_ batch: Batch, kept: [Bool]?, _ watermarks: RowWatermarks) -> [Int]
    mutating func close(upTo watermark: Int64) -> Batch
    /// By start, with the number of their groups.
    var open: [(start: Int64, groups: Int)] { get }
    mutating func giveEarly(from start: Int64) -> Batch
    func encode(to writer: inout StateWriter)
    /// - Precondition: nothing was observed before.
    mutating func decode(from reader: inout StateReader) throws
}

/// Windows whose bounds the clock gives: tumbling ones, where `slide` is the length, and hopping ones.
///
/// The rows of a batch are put into buckets by window; then each bucket is worked on aggregate by aggregate. So a row costs a
/// division it mostly does not need (times come in runs), an array access for its group, and one addition for each aggregate.
struct FixedWindows: WindowKeeper {
    private let definition: WindowDefinition
    private let schema: Schema
    private let timeColumn: String
    private let length: Int64
    private let slide: Int64
    private var slots: GroupSlots
    /// By start.
    private var windows: [Int64: WindowGroups] = [:]
    private(set) var otherRows = 0

    init(_ definition: WindowDefinition, length: Duration, slide: Duration, input: Schema, schema: Schema, timeColumn: String) {
        self.definition = definition
        self.schema = schema
        self.timeColumn = timeColumn
        self.length = length.inMicroseconds
        self.slide = slide.inMicroseconds
        slots = GroupSlots(definition.aggregates, input: input)
    }

    /// Each group of a window has a slot.
    var stateRows: Int { slots.inUse }

    mutating func observe(_ batch: Batch, kept: [Bool]?, _ watermarks: RowWatermarks) -> [Int] {
        let times = batch[timeColumn]!
        guard case .int64(let allTimes) = times.values else { return [] }
        let groups = GroupCodes(batch, by: definition.by)
        var late: [Int] = []
        var buckets: [Int64: [Int32]] = [:]
        var lastStart = Int64.min, bucket: [Int32] = []
        for row in 0..<batch.count {
            let time = allTimes[times.range.lowerBound + row]
            // The newest window that holds the time; the others begin a slide earlier each.
            // Times come in runs: most rows are in the window of the row before. Unsigned, a time before its start is far above.
            var start =
                UInt64(bitPattern: time &- lastStart) < UInt64(slide) ? lastStart : time.flooredMultiple(of: slide)
            if watermarks.hasClosed(start &+ length, at: row) {
                if kept?[row] ?? true { late.append(row) }
                continue
            }
            guard groups.codes[row] >= 0, kept?[row] ?? true else { continue }
            if start != lastStart {
                if !bucket.isEmpty { buckets[lastStart] = bucket }
                bucket = buckets.removeValue(forKey: start) ?? []
                lastStart = start
            }
            bucket.append(Int32(row))
            // Only hopping windows have more than one.
            while slide < length {
                start -= slide
                guard time &- start < length, !watermarks.hasClosed(start &+ length, at: row) else { break }
                buckets[start, default: []].append(Int32(row))
            }
        }
        if !bucket.isEmpty { buckets[lastStart] = bucket }
        let inputs = slots.inputs(batch, times: times)
        for (start, rows) in buckets.sorted(by: { $0.key < $1.key }) { add(rows, to: start, groups, inputs) }
        return late
    }

    private mutating func add(_ rows: [Int32], to start: Int64, _ groups: GroupCodes, _ inputs: [AggregateInput]) {
        var window = windows.removeValue(forKey: start) ?? WindowGroups()
        var isMoved = false
        var slotOfRow: [Int32] = []
        slotOfRow.reserveCapacity(rows.count)
        func slot(_ code: Int32) -> Int32 {
            window.slot(of: groups.key(code), limit: definition.maxGroups, &slots, isMoved: &isMoved)
        }
        if groups.count <= rows.count * 16 {
            var slotOfCode = [Int32](repeating: -1, count: groups.count)
            for row in rows {
                let code = groups.codes[Int(row)]
                if slotOfCode[Int(code)] < 0 { slotOfCode[Int(code)] = slot(code) }
                slotOfRow.append(slotOfCode[Int(code)])
            }
        } else {
            // Few rows of many groups: an array over all groups would cost more than the rows.
            for row in rows { slotOfRow.append(slot(groups.codes[Int(row)])) }
        }
        // Slow path: a group that gave way has rows here; they go where it went.
        if isMoved {
            for (index, row) in rows.enumerated() { slotOfRow[index] = window.current(groups.key(groups.codes[Int(row)])) }
        }
        if let other = window.otherSlot { otherRows += slotOfRow.count { $0 == other } }
        slots.update(rows, slots: slotOfRow, inputs)
        windows[start] = window
    }

    var open: [(start: Int64, groups: Int)] { windows.map { ($0.key, $0.value.count) } }

    mutating func close(upTo watermark: Int64) -> Batch {
        // Compared by start, because an end may lie beyond what 64 bits hold.
        give(windows.keys.filter { watermark == .max || $0 &+ length <= watermark })
    }

    mutating func giveEarly(from start: Int64) -> Batch {
        let next = windows.keys.min()
        return give(windows.keys.filter { $0 >= start && $0 != next })
    }

    private mutating func give(_ starts: [Int64]) -> Batch {
        var closed = ClosedWindows(definition, schema: schema)
        for start in starts.sorted() {
            for (key, slot) in windows.removeValue(forKey: start)!.slots.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) })
            {
                closed.append(start: start, end: start &+ length, key: key, slots, slot)
                slots.give(back: slot)
            }
        }
        return closed.finish()
    }

    func encode(to writer: inout StateWriter) {
        writer.write(windows.count)
        for (start, groups) in windows {
            writer.write(start)
            writer.write(groups.count)
            for (key, slot) in groups.slots {
                writer.write(key)
                slots.encode(slot, to: &writer)
            }
        }
    }

    mutating func decode(from reader: inout StateReader) throws {
        for _ in 0..<(try reader.count()) {
            let start = try reader.int64()
            var groups = WindowGroups()
            for _ in 0..<(try reader.count()) {
                let key = try reader.array()
                groups.restore(key, try slots.decode(from: &reader))
            }
            windows[start] = groups
        }
    }
}
