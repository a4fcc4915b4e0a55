import Columns

/// The rows of one span of event time, as far as they are counted.
struct MeasuredSpan: Sendable {
    var rows = 0
    /// By watched column: rows without a value.
    var nulls: [Int]
    /// By watched column.
    var distinct: [DistinctCount]

    init(nulls: Int, distinct: Int) {
        self.nulls = Array(repeating: 0, count: nulls)
        self.distinct = Array(repeating: DistinctCount(), count: distinct)
    }
}

/// The spans of event time that are not over yet, and which one is the next to end.
///
/// What a span holds depends on the rows of each partition and on nothing else: a row is left out when the watermark that it is
/// measured against had passed the end of its span before it came. The span of the very first row is not given: nobody knows
/// how much of it there was before.
struct MeasuredSpans: Sendable {
    /// A clock that is wrong must not open a span for each hour of a century.
    private static let maxOpen = 64
    /// So many empty spans are given one after another; after a longer silence the series goes on where rows do.
    private static let maxEmpty = 1000

    private let length: Int64
    private let nulls: [String]
    private let distinct: [String]
    /// By the start of the span.
    private var open: [Int64: MeasuredSpan] = [:]
    /// The start of the span that ends next; nil until the first has ended.
    private var next: Int64?

    init(length: Duration, nulls: [String], distinct: [String]) {
        self.length = length.inMicroseconds
        self.nulls = nulls
        self.distinct = distinct
    }

    var count: Int { open.count }

    /// Takes in the rows of a batch that are not late for their span.
    mutating func observe(_ batch: Batch, times: Column, _ watermarks: RowWatermarks) {
        var rows: [Int64: [Int]] = [:]
        for row in 0..<batch.count {
            guard let time = times.integer(at: row), time.magnitude < 1 << 60 else { continue }
            let start = start(of: time)
            guard !watermarks.hasClosed(start + length, at: row), start >= next ?? .min else { continue }
            rows[start, default: []].append(row)
        }
        let columns = nulls.map { batch[$0] }, hashes = rows.isEmpty ? [] : distinct.map { batch[$0]?.stableHashes() ?? [] }
        let values = distinct.map { batch[$0] }
        for (start, rows) in rows.sorted(by: { $0.key < $1.key }) {
            guard open[start] != nil || open.count < Self.maxOpen || start < open.keys.max()! else { continue }
            var span = open.removeValue(forKey: start) ?? MeasuredSpan(nulls: nulls.count, distinct: distinct.count)
            span.rows += rows.count
            for (i, column) in columns.enumerated() { if let column { span.nulls[i] += rows.count { column.isNull(at: $0) } } }
            for (i, column) in values.enumerated() {
                guard let column else { continue }
                for row in rows where !column.isNull(at: row) { span.distinct[i].insert(hashes[i][row]) }
            }
            open[start] = span
        }
    }

    private func start(of time: Int64) -> Int64 {
        let rest = time % length
        return time - (rest < 0 ? rest + length : rest)
    }

    /// Gives each span that ends up to `watermark`, empty ones too, in their order. At `.max` the last span stays open: it may
    /// be half of one.
    mutating func close(upTo watermark: Int64, _ body: (_ start: Int64, _ span: MeasuredSpan) -> Void) {
        guard watermark > .min, let limit = watermark == .max ? open.keys.max() : watermark else { return }
        if next == nil {
            guard let first = open.keys.min(), first + length <= limit else { return }
            open[first] = nil
            next = first + length
        }
        var start = next!, empty = 0
        while start + length <= limit {
            if let span = open.removeValue(forKey: start) {
                body(start, span)
            } else if empty < Self.maxEmpty {
                empty += 1
                body(start, MeasuredSpan(nulls: nulls.count, distinct: distinct.count))
            } else {
                start = min(open.keys.min() ?? .max, self.start(of: limit))
                empty = 0
                continue
            }
            start += length
        }
        next = start
    }

    func encode(to writer: inout StateWriter) {
        writer.write(next ?? .min)
        writer.write(open.count)
        for (start, span) in open.sorted(by: { $0.key < $1.key }) {
            writer.write(start)
            writer.write(span.rows)
            for count in span.nulls { writer.write(count) }
            for count in span.distinct { count.encode(to: &writer) }
        }
    }

    mutating func decode(from reader: inout StateReader) throws {
        let next = try reader.int64()
        self.next = next == .min ? nil : next
        open = [:]
        for _ in 0..<(try reader.count()) {
            let start = try reader.int64()
            var span = MeasuredSpan(nulls: nulls.count, distinct: distinct.count)
            span.rows = try reader.int()
            for i in span.nulls.indices { span.nulls[i] = try reader.int() }
            for i in span.distinct.indices { span.distinct[i] = try DistinctCount(from: &reader) }
            open[start] = span
        }
    }
}
