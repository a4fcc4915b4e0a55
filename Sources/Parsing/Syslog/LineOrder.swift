import Columns

/// Puts the lines of a file that is read whole into the order in which they were written.
///
/// What a line of sshd means depends on the lines before it of the same connection. A log is usually in order, and then nothing
/// waits but its first ``lookedAt`` lines. Where one of them is older than a line before it the file is out of order (it was
/// merged, or shippers sent it by several ways): then up to ``limit`` lines wait, and the oldest go first. What is given does not
/// depend on where batches are cut.
struct LineOrder: Sendable {
    /// Where a line belongs: lines of one time in the order of a connection, and then in one that is the same each time.
    struct Key: Sendable, Comparable {
        var time: Int64
        var rank: UInt8
        var text: UInt64

        static func < (left: Key, right: Key) -> Bool {
            (left.time, left.rank, left.text) < (right.time, right.rank, right.text)
        }
    }

    /// Lines at the beginning of a file that say whether it is in order.
    static let lookedAt = 1024
    /// Lines and bytes that may wait.
    static let limit = 65_536
    static let maxBytes = 16 << 20

    private enum Phase: UInt8 {
        /// All lines wait until enough of them have come.
        case looking
        case inOrder
        case sorting
    }

    private var phase = Phase.looking
    private var isDisordered = false
    /// The time of the newest line.
    private(set) var newest = Int64.min
    /// Where the last line belongs that came: a line without a place of its own goes behind it.
    private(set) var last: Key?
    /// The lines that wait, in the order in which they came, and where each belongs.
    private var parts: [Batch] = []
    private var keys: [Key] = []
    private var bytes = 0

    /// Whether lines may be read as they come, until one of them is older than ``newest``.
    var isInOrder: Bool { phase == .inOrder }

    /// Notes lines that were read as they came; gives the row of the first that is older than a line before it.
    mutating func pass(_ parsed: ParsedBatch) -> Int? {
        guard let column = parsed.events["event_time"], case .int64(let times) = column.values else { return nil }
        for (event, time) in times[column.range].enumerated() {
            if time < newest { return Int(parsed.lineRows[event]) }
            newest = time
            last = Key(time: time, rank: .max, text: .max)
        }
        return nil
    }

    /// The file turned out not to be in order: lines wait from here on.
    mutating func beginSorting() { phase = .sorting }

    /// Takes in lines; gives those whose turn it is. Not of a file that is in order.
    ///
    /// - Parameter keys: by line, where it belongs.
    mutating func take(_ lines: Batch, _ keys: [Key]) -> [Batch] {
        var due: [Batch] = [], start = 0
        for row in 0..<lines.count {
            isDisordered = isDisordered || phase == .looking && keys[row].time < newest
            newest = max(newest, keys[row].time)
            last = keys[row]
            self.keys.append(keys[row])
            bytes += Self.size(lines, row)
            if phase == .looking, self.keys.count == Self.lookedAt {
                phase = isDisordered ? .sorting : .inOrder
                // What comes behind these lines goes with them, so that all stay in order.
                if phase == .inOrder { return [whole(with: lines.slice(start..<lines.count))] }
            }
            if self.keys.count == Self.limit || bytes >= Self.maxBytes {
                parts.append(lines.slice(start..<(row + 1)))
                start = row + 1
                due.append(sorted(keeping: self.keys.count / 2))
            }
        }
        if start < lines.count { parts.append(lines.slice(start..<lines.count)) }
        return due
    }

    /// All lines that wait; nil when none does.
    mutating func flush() -> Batch? {
        guard !keys.isEmpty else { return nil }
        return phase == .looking && !isDisordered ? whole(with: nil) : sorted(keeping: 0)
    }

    private static func size(_ lines: Batch, _ row: Int) -> Int { lines.columns[4].withBytes(at: row) { $0.count } + 64 }

    private mutating func whole(with rest: Batch?) -> Batch {
        let all = Batch.concatenating(parts + (rest.map { [$0] } ?? []), schema: RawLines.schema)
        (parts, keys, bytes) = ([], [], 0)
        return all
    }

    /// The oldest lines in their order, without the `kept` newest.
    private mutating func sorted(keeping kept: Int) -> Batch {
        let all = Batch.concatenating(parts, schema: RawLines.schema)
        let order = keys.indices.sorted { (keys[$0], $0) < (keys[$1], $1) }
        let rest = order.suffix(kept).sorted()
        parts = rest.isEmpty ? [] : [all.gather(rest)]
        keys = rest.map { keys[$0] }
        bytes = rest.reduce(0) { $0 + Self.size(all, $1) }
        return all.gather(order.dropLast(kept))
    }

    // MARK: Checkpoints

    init() {}

    func encode(to writer: inout StateWriter) {
        writer.write(byte: phase.rawValue)
        writer.write(isDisordered)
        writer.write(newest)
        writer.write(last != nil)
        (last ?? Key(time: 0, rank: 0, text: 0)).encode(to: &writer)
        writer.write(keys.count)
        for key in keys { key.encode(to: &writer) }
        writer.write(Batch.concatenating(parts, schema: RawLines.schema))
    }

    init(from reader: inout StateReader) throws(StateReader.Damaged) {
        guard let known = Phase(rawValue: try reader.byte()) else { throw StateReader.Damaged() }
        phase = known
        isDisordered = try reader.bool()
        newest = try reader.int64()
        let hasLast = try reader.bool(), key = try Key(from: &reader)
        last = hasLast ? key : nil
        for _ in 0..<(try reader.count()) { keys.append(try Key(from: &reader)) }
        let lines = try reader.batch(RawLines.schema)
        guard lines.count == keys.count, keys.count < Self.limit, phase != .inOrder || keys.isEmpty else {
            throw StateReader.Damaged()
        }
        parts = lines.isEmpty ? [] : [lines]
        for row in 0..<lines.count { bytes += Self.size(lines, row) }
    }
}

extension LineOrder.Key {
    fileprivate func encode(to writer: inout StateWriter) {
        writer.write(time)
        writer.write(byte: rank)
        writer.write(text)
    }

    fileprivate init(from reader: inout StateReader) throws(StateReader.Damaged) {
        self.init(time: try reader.int64(), rank: try reader.byte(), text: try reader.uint64())
    }
}
