import Columns

/// Windows that a group's rows make themselves: rows that follow each other within the gap are one, and it ends a gap after its
/// last row.
///
///     rows        x   x  x            x        gap ──▶
///     sessions   [x   x  x ──▶)      [x ──▶)
///     a row between two sessions that is near to both makes them one
///
/// A session that the watermark had passed before a row came takes no more rows, also where it was not given yet: so the
/// sessions are the same however rows were cut into batches.
struct SessionWindows: WindowKeeper {
    private struct Session {
        var start: Int64
        var end: Int64
        var slot: Int32
    }

    private let definition: WindowDefinition
    private let schema: Schema
    private let timeColumn: String
    private let gap: Int64
    private var slots: GroupSlots
    /// By the group's key, in order of start; they do not overlap, save for those that are closed.
    private var sessions: [[UInt8]: [Session]] = [:]
    private(set) var otherRows = 0

    init(_ definition: WindowDefinition, gap: Duration, input: Schema, schema: Schema, timeColumn: String) {
        self.definition = definition
        self.schema = schema
        self.timeColumn = timeColumn
        self.gap = gap.inMicroseconds
        slots = GroupSlots(definition.aggregates, input: input)
    }

    /// Each session has a slot.
    var stateRows: Int { slots.inUse }

    mutating func observe(_ batch: Batch, kept: [Bool]?, _ watermarks: RowWatermarks) -> [Int] {
        let times = batch[timeColumn]!
        let groups = GroupCodes(batch, by: definition.by)
        let inputs = slots.inputs(batch, times: times)
        var late: [Int] = []
        var keys: [Int32: [UInt8]] = [:]
        for row in 0..<batch.count where kept?[row] ?? true {
            let time = times.integer(at: row)!
            let watermark = watermarks.watermark(row)
            if time &+ gap <= watermark {
                late.append(row)
                continue
            }
            let code = groups.codes[row]
            guard code >= 0 else { continue }
            var key = keys[code] ?? groups.key(code)
            keys[code] = key
            // Groups that come when there are too many share one.
            if sessions[key] == nil, sessions.count >= definition.maxGroups || key.count > WindowGroups.maxKeyLength {
                key = WindowGroups.other
                otherRows += 1
            }
            // Taken out while it is changed, so that it is not copied.
            var all = sessions.removeValue(forKey: key) ?? []
            let slot = place(time, in: &all, after: watermark)
            sessions[key] = all
            slots.update([Int32(row)], slots: [slot], inputs)
        }
        return late
    }

    /// The slot of the session that a row at `time` belongs to, after what it joins has become one.
    private mutating func place(_ time: Int64, in all: inout [Session], after watermark: Int64) -> Int32 {
        var new = Session(start: time, end: time &+ gap, slot: -1)
        var index = all.count - 1
        var kept: [Int] = []
        // From the newest back: most rows come nearly in order.
        while index >= 0 {
            let session = all[index]
            if session.end > watermark, session.start <= new.end, new.start <= session.end {
                new.start = min(new.start, session.start)
                new.end = max(new.end, session.end)
                kept.append(index)
            } else if session.end < new.start, !kept.isEmpty || session.end < time {
                break
            }
            index -= 1
        }
        guard let target = kept.last else {
            new.slot = slots.take()
            all.insert(new, at: all.firstIndex { $0.start > new.start } ?? all.count)
            return new.slot
        }
        new.slot = all[target].slot
        for other in kept.dropLast() {
            slots.merge(all[other].slot, into: new.slot)
            slots.give(back: all[other].slot)
        }
        all[target] = new
        for other in kept.dropLast() { all.remove(at: other) }
        return new.slot
    }

    var open: [(start: Int64, groups: Int)] { sessions.values.flatMap { $0.map { ($0.start, 1) } } }

    mutating func close(upTo watermark: Int64) -> Batch { give { $0.end <= watermark } }

    mutating func giveEarly(from start: Int64) -> Batch {
        let next = sessions.values.flatMap { $0.map(\.end) }.min()
        return give { $0.start >= start && $0.end != next }
    }

    private mutating func give(_ isGiven: (Session) -> Bool) -> Batch {
        var closing: [(key: [UInt8], session: Session)] = []
        for (key, all) in sessions where all.contains(where: isGiven) {
            for session in all where isGiven(session) { closing.append((key, session)) }
            let open = all.filter { !isGiven($0) }
            sessions[key] = open.isEmpty ? nil : open
        }
        closing.sort { left, right in
            left.session.start != right.session.start
                ? left.session.start < right.session.start : left.key.lexicographicallyPrecedes(right.key)
        }
        var closed = ClosedWindows(definition, schema: schema)
        for (key, session) in closing {
            closed.append(start: session.start, end: session.end, key: key, slots, session.slot)
            slots.give(back: session.slot)
        }
        return closed.finish()
    }

    func encode(to writer: inout StateWriter) {
        writer.write(sessions.count)
        for (key, all) in sessions {
            writer.write(key)
            writer.write(all.count)
            for session in all {
                writer.write(session.start)
                writer.write(session.end)
                slots.encode(session.slot, to: &writer)
            }
        }
    }

    mutating func decode(from reader: inout StateReader) throws {
        for _ in 0..<(try reader.count()) {
            let key = try reader.array()
            var all: [Session] = []
            for _ in 0..<(try reader.count()) {
                let start = try reader.int64(), end = try reader.int64()
                all.append(Session(start: start, end: end, slot: try slots.decode(from: &reader)))
            }
            sessions[key] = all
        }
    }
}
