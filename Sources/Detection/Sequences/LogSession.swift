import Columns

/// A session that goes on: how many events it has had, and how many of each kind.
///
/// The order of events is not kept: detectors that use it were not better on the public sets.
///
/// Source: Landauer, Skopik, Wurzenberger: A Critical Review of Common Log Data Sets Used for Evaluation of Sequence-Based
/// Anomaly Detection Techniques, FSE 2024.
struct LogSession: Sendable, Equatable {
    /// Kinds of events whose count is kept; further ones only lengthen the session.
    private static let maxEvents = 256

    /// What it is called: the key as the log has it.
    let name: [UInt8]
    /// Which model judges it.
    let kind: UInt64
    let first: Int64
    private(set) var last: Int64
    private(set) var length = 0
    private(set) var counts: [UInt64: Int] = [:]
    /// The line that it began with.
    let line: LineReference
    /// What was found of it while it went on: it is reported once.
    var found: SessionOddity?

    init(name: [UInt8], kind: UInt64, time: Int64, line: LineReference) {
        self.name = name
        self.kind = kind
        (first, last) = (time, time)
        self.line = line
    }

    /// - Returns: how many events of this kind there are now.
    mutating func add(_ event: UInt64, at time: Int64) -> Int {
        length += 1
        last = max(last, time)
        guard counts[event] != nil || counts.count < Self.maxEvents else { return 0 }
        counts[event, default: 0] += 1
        return counts[event]!
    }

    func encode(to writer: inout StateWriter) {
        writer.write(name)
        writer.write(kind)
        for time in [first, last, line.time] { writer.write(time) }
        writer.write(compact: Int64(line.name))
        writer.write(compact: Int64(length))
        writer.write(found != nil)
        found?.encode(to: &writer)
        writer.write(counts.count)
        for (event, count) in counts.sorted(by: { $0.key < $1.key }) {
            writer.write(event)
            writer.write(compact: Int64(count))
        }
    }

    init(from reader: inout StateReader) throws(StateReader.Damaged) {
        name = try reader.array()
        kind = try reader.uint64()
        (first, last) = (try reader.int64(), try reader.int64())
        let time = try reader.int64()
        guard let reference = UInt32(exactly: try reader.compactInt64()) else { throw StateReader.Damaged() }
        line = LineReference(time: time, name: reference)
        length = try reader.ordinal()
        if try reader.bool() { found = try SessionOddity(from: &reader) }
        for _ in 0..<(try reader.count()) {
            let event = try reader.uint64()
            counts[event] = try reader.ordinal()
        }
    }
}
