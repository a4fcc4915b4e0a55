import Columns

/// The rows of two streams that wait for partners.
///
/// Each row meets each row of the other stream that has its key and a time within the bound, whichever comes first, so no pair
/// is given twice. A row is forgotten when the watermark says that no partner can come any more; a left row of a left join that
/// never found one is given then, with nulls.
///
///     left.time − before  ≤  right.time  ≤  left.time + within
///
/// Source: "Stream-stream Joins" of Spark Structured Streaming.
struct StreamJoining {
    /// Rows of one stream: batches, and by key which rows of which batch. A batch is let go when its last row is forgotten.
    private struct Side {
        struct Row {
            var segment: Int
            var row: Int32
            var time: Int64
            var isMatched = false
        }

        let schema: Schema
        let timeColumn: String
        var segments: [Int: (batch: Batch, left: Int)] = [:]
        var nextSegment = 0
        var rows: [[UInt8]: [Row]] = [:]
        var oldest = Int64.max
        private(set) var count = 0

        mutating func append(_ batch: Batch, _ kept: [(row: Int, key: [UInt8], time: Int64, isMatched: Bool)]) {
            guard !kept.isEmpty else { return }
            segments[nextSegment] = (batch.gather(kept.map(\.row)), kept.count)
            count += kept.count
            for (index, row) in kept.enumerated() {
                rows[row.key, default: []].append(
                    Row(segment: nextSegment, row: Int32(index), time: row.time, isMatched: row.isMatched))
                oldest = min(oldest, row.time)
            }
            nextSegment += 1
        }

        /// Takes out the rows whose time is below `time`.
        mutating func forget(before time: Int64) -> [Row] {
            guard oldest < time else { return [] }
            var gone: [Row] = []
            oldest = .max
            for (key, all) in rows {
                let kept = all.filter { $0.time >= time }
                if kept.count < all.count {
                    gone += all.filter { $0.time < time }
                    rows[key] = kept.isEmpty ? nil : kept
                }
                for row in kept { oldest = min(oldest, row.time) }
            }
            count -= gone.count
            return gone
        }

        mutating func release(_ gone: [Row]) {
            for row in gone {
                segments[row.segment]!.left -= 1
                if segments[row.segment]!.left == 0 { segments[row.segment] = nil }
            }
            if segments.count > 64 { compact() }
        }

        /// Puts the rows of all segments into one: a stream of small batches would leave thousands.
        private mutating func compact() {
            var new: [Batch] = [], count = 0
            var place: [Int: [Int32: Int32]] = [:]
            for (number, segment) in segments.sorted(by: { $0.key < $1.key }) {
                let live = rows.values.joined().filter { $0.segment == number }.map(\.row).sorted()
                new.append(segment.batch.gather(live.map(Int.init)))
                for row in live {
                    place[number, default: [:]][row] = Int32(count)
                    count += 1
                }
            }
            for key in Array(rows.keys) {
                for index in rows[key]!.indices {
                    let row = rows[key]![index]
                    rows[key]![index].row = place[row.segment]![row.row]!
                    rows[key]![index].segment = nextSegment
                }
            }
            segments = [nextSegment: (Batch.concatenating(new, schema: schema), count)]
            nextSegment += 1
        }

        func encode(to writer: inout StateWriter) {
            // In the order of segments, so that batches come back as few pieces.
            let all = rows.flatMap { key, rows in rows.map { (key: key, row: $0) } }
                .sorted { ($0.row.segment, $0.row.row) < ($1.row.segment, $1.row.row) }
            let batches = all.map { segments[$0.row.segment]!.batch.slice(Int($0.row.row)..<(Int($0.row.row) + 1)) }
            writer.write(Batch.concatenating(batches, schema: schema))
            for (key, row) in all {
                writer.write(key)
                writer.write(row.time)
                writer.write(row.isMatched)
            }
        }

        mutating func decode(from reader: inout StateReader) throws {
            let batch = try reader.batch(schema)
            var kept: [(row: Int, key: [UInt8], time: Int64, isMatched: Bool)] = []
            for row in 0..<batch.count {
                kept.append((row, try reader.array(), try reader.int64(), try reader.bool()))
            }
            append(batch, kept)
        }
    }

    /// Rows of one stream that wait. One that comes when there are so many meets those that wait for it, and is not kept for
    /// later ones.
    static let maxRows = 1_000_000

    let join: StreamJoin
    private let schema: Schema
    private let within: Int64
    private let before: Int64
    private var left: Side
    private var right: Side
    private let rightColumns: [Int]

    /// - Parameters:
    ///   - left, right: the schemas of both streams and their columns of event time.
    ///   - schema: of the rows that it gives.
    init(_ join: StreamJoin, left: PipelineSchemas.Node, right: PipelineSchemas.Node, schema: Schema) {
        self.join = join
        self.schema = schema
        within = join.within.inMicroseconds
        before = join.before.inMicroseconds
        self.left = Side(schema: left.schema, timeColumn: left.timeColumn)
        self.right = Side(schema: right.schema, timeColumn: right.timeColumn)
        rightColumns = right.schema.fields.indices.filter { !join.on.contains(right.schema.fields[$0].name) }
    }

    var stateRows: Int { left.count + right.count }

    /// The pairs that these rows of the left stream complete, and the rows that are late.
    mutating func observe(left batch: Batch, _ watermarks: RowWatermarks) -> (pairs: [Batch], late: [Int]) {
        var pairs: [Int: (left: [Int], right: [Int])] = [:]
        let reach = (before, within)
        // Rows that nobody keeps and that have found no partner: a left join gives them at once.
        var alone: [Int] = []
        let late = Self.take(
            batch, watermarks, join.on, keepsAll: join.kind == .left, into: &left, from: &right, reach, alone: &alone
        ) {
            pairs[$1.segment, default: ([], [])].left.append($0)
            pairs[$1.segment]!.right.append(Int($1.row))
        }
        var built = pairs.sorted { $0.key < $1.key }.map { number, rows in
            combine(batch.gather(rows.left), right.segments[number]!.batch.gather(rows.right))
        }
        if !alone.isEmpty { built.append(combine(batch.gather(alone), nil)) }
        return (built, late)
    }

    mutating func observe(right batch: Batch, _ watermarks: RowWatermarks) -> (pairs: [Batch], late: [Int]) {
        var pairs: [Int: (left: [Int], right: [Int])] = [:]
        let reach = (within, before)
        var alone: [Int] = []
        let late = Self.take(
            batch, watermarks, join.on, keepsAll: false, into: &right, from: &left, reach, alone: &alone
        ) {
            pairs[$1.segment, default: ([], [])].right.append($0)
            pairs[$1.segment]!.left.append(Int($1.row))
        }
        let built = pairs.sorted { $0.key < $1.key }.map { number, rows in
            combine(left.segments[number]!.batch.gather(rows.left), batch.gather(rows.right))
        }
        return (built, late)
    }

    /// Enters the rows of `batch` on one side and calls `pair` for each partner on the other.
    ///
    /// - Parameters:
    ///   - keepsAll: also rows without a key, which find nobody: a left join gives them in the end all the same.
    ///   - reach: how far before and after a row its partners may be.
    private static func take(
        _ batch: Batch, _ watermarks: RowWatermarks, _ on: [String], keepsAll: Bool, into side: inout Side,
        from other: inout Side,
        _ reach: (before: Int64, after: Int64), alone: inout [Int], pair: (Int, Side.Row) -> Void
    ) -> [Int] {
        let times = batch[side.timeColumn]!
        let groups = GroupCodes(batch, by: on)
        var late: [Int] = []
        var kept: [(row: Int, key: [UInt8], time: Int64, isMatched: Bool)] = []
        for row in 0..<batch.count {
            let time = times.integer(at: row)!
            if watermarks.isLate(time, at: row) {
                late.append(row)
                continue
            }
            let code = groups.codes[row]
            guard code >= 0 else {
                guard keepsAll else { continue }
                // No key of values is one byte long.
                if side.count + kept.count < maxRows { kept.append((row, [0xFF], time, false)) } else { alone.append(row) }
                continue
            }
            let key = groups.key(code)
            let range = (time &- reach.before)...(time &+ reach.after)
            var isMatched = false
            if let partners = other.rows[key] {
                for index in partners.indices where range.contains(partners[index].time) {
                    isMatched = true
                    if !partners[index].isMatched { other.rows[key]![index].isMatched = true }
                    pair(row, partners[index])
                }
            }
            if side.count + kept.count < maxRows {
                kept.append((row, key, time, isMatched))
            } else if keepsAll, !isMatched {
                alone.append(row)
            }
        }
        side.append(batch, kept)
        return late
    }

    /// Forgets the rows that can have no partner any more; of a left join gives the left ones among them that never had one.
    mutating func advance(to watermark: Int64) -> [Batch] {
        guard watermark > .min else { return [] }
        let goneRight = right.forget(before: watermark == .max ? .max : watermark &- before)
        right.release(goneRight)
        let gone = left.forget(before: watermark == .max ? .max : watermark &- within)
        var unmatched: [Batch] = []
        if join.kind == .left {
            let alone = gone.filter { !$0.isMatched }.sorted { ($0.segment, $0.row) < ($1.segment, $1.row) }
            for (segment, rows) in Dictionary(grouping: alone, by: \.segment).sorted(by: { $0.key < $1.key }) {
                unmatched.append(combine(left.segments[segment]!.batch.gather(rows.map { Int($0.row) }), nil))
            }
        }
        left.release(gone)
        return unmatched
    }

    /// How far a stage behind can rely on: a left row may be given as late as when its last partner could come.
    func watermark(behind watermark: Int64) -> Int64 {
        watermark == .min || watermark == .max ? watermark : watermark &- max(within, before)
    }

    private func combine(_ left: Batch, _ right: Batch?) -> Batch {
        let others = rightColumns.map { index in
            right?.columns[index] ?? Column.nulls(self.right.schema.fields[index].type, count: left.count)
        }
        return Batch(schema: schema, columns: left.columns + others)
    }

    func encode(to writer: inout StateWriter) {
        left.encode(to: &writer)
        right.encode(to: &writer)
    }

    mutating func decode(from reader: inout StateReader) throws {
        try left.decode(from: &reader)
        try right.decode(from: &reader)
    }
}
