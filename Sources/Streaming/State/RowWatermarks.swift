import Columns

/// What each row of a batch is measured against to say whether it is late.
///
/// In a pipeline it is the watermark of the row's own partition at that row, which does not depend on how rows were cut into batches; `floor` is what the
/// pipeline as a whole has already closed. Spark's micro-batches have one watermark for all rows of an epoch.
struct RowWatermarks: Sendable {
    /// Microseconds, by row; nil where only the floor counts.
    var rows: [Int64]?
    var floor: Int64
    /// Whether a row at the watermark is late: in Spark's epochs it is, because the watermark is that of an epoch before; row by row it is not, because
    /// it would make every second of two equal times late when nothing may be.
    var isInclusive = false

    /// Of the rows of one micro-batch.
    static func epoch(_ watermark: Int64) -> RowWatermarks { RowWatermarks(rows: nil, floor: watermark, isInclusive: true) }

    @inline(__always) func watermark(_ row: Int) -> Int64 {
        guard let rows else { return floor }
        return Swift.max(rows[row], floor)
    }

    /// Whether a window that ends at `end` has closed before the row came.
    @inline(__always) func hasClosed(_ end: Int64, at row: Int) -> Bool { end <= watermark(row) }

    func isLate(_ time: Int64, at row: Int) -> Bool { isInclusive ? time <= watermark(row) : time < watermark(row) }

    func gather(_ kept: [Int]) -> RowWatermarks {
        RowWatermarks(rows: rows.map { all in kept.map { all[$0] } }, floor: floor, isInclusive: isInclusive)
    }
}

/// The newest event times of the partitions of a pipeline, and the watermark that follows from them.
///
/// The watermark of a partition is its newest event time minus the allowed lateness of its input. That of the pipeline is the least of the partitions that
/// are neither idle nor ended, and never falls. A partition that is known and has said nothing yet is waited for until it is idle.
///
/// Source: the rule over several inputs is Spark's default (`spark.sql.streaming.multipleWatermarkPolicy=min`), that of idle partitions Flink's
/// ("Dealing With Idle Sources").
struct PartitionWatermarks: Sendable {
    init() {}

    private struct Partition: Sendable {
        var newest: Int64?
        var lateness: Int64
        var lastHeard: ContinuousClock.Instant
        /// It said nothing in this run: it is not waited for until it does.
        var isExcused = false
        /// Whether it has said anything in this run.
        var hasSpoken = false
    }

    private var partitions: [String: Partition] = [:]
    private(set) var watermark = Int64.min

    /// From now on `partition` is waited for.
    mutating func expect(_ partition: String, lateness: Duration, now: ContinuousClock.Instant) {
        if partitions[partition] == nil {
            partitions[partition] = Partition(newest: nil, lateness: lateness.inMicroseconds, lastHeard: now)
        } else {
            partitions[partition]!.lastHeard = now
        }
    }

    /// Takes in the event times of rows of one partition, in their order; gives the watermark that each row is measured against: that of the rows
    /// before it.
    mutating func observe(_ times: Column, of name: String, lateness: Duration, now: ContinuousClock.Instant) -> [Int64] {
        expect(name, lateness: lateness, now: now)
        partitions[name]!.isExcused = false
        partitions[name]!.hasSpoken = true
        let lateness = partitions[name]!.lateness
        var newest = partitions[name]!.newest ?? .min
        var watermarks: [Int64] = []
        watermarks.reserveCapacity(times.count)
        guard case .int64(let all) = times.values else { return [] }
        for time in all[times.range] {
            watermarks.append(newest == .min ? .min : newest &- lateness)
            if time > newest { newest = time }
        }
        if newest > .min { partitions[name]!.newest = newest }
        return watermarks
    }

    /// Nothing will come of `partition` any more.
    mutating func end(_ partition: String) { partitions[partition] = nil }

    /// The same of all partitions of a source.
    mutating func end(source: String) {
        for name in partitions.keys where name == source || name.hasPrefix(source + "/") { partitions[name] = nil }
    }

    /// Nothing more comes of `partition` in this run: unless it has said something, it is not waited for.
    mutating func excuse(_ partition: String) {
        if partitions[partition]?.hasSpoken == false { partitions[partition]!.isExcused = true }
    }

    /// Moves the watermark as far as the partitions allow.
    ///
    /// - Parameter idleAfter: nil waits for every partition however long, as a batch run does.
    mutating func advance(now: ContinuousClock.Instant, idleAfter: Duration?) -> Int64 {
        var least: Int64?
        for partition in partitions.values {
            if partition.isExcused { continue }
            if let idleAfter, now - partition.lastHeard >= idleAfter { continue }
            guard let newest = partition.newest else { return watermark }
            let own = newest &- partition.lateness
            least = min(least ?? own, own)
        }
        if let least { watermark = max(watermark, least) }
        return watermark
    }
}

extension PartitionWatermarks {
    func encode(to writer: inout StateWriter) {
        writer.write(watermark)
        writer.write(partitions.count)
        for (name, partition) in partitions.sorted(by: { $0.key < $1.key }) {
            writer.write(name)
            writer.write(partition.newest ?? .min)
            writer.write(partition.lateness)
        }
    }

    init(from reader: inout StateReader, now: ContinuousClock.Instant) throws {
        self.init()
        watermark = try reader.int64()
        for _ in 0..<(try reader.count()) {
            let name = try reader.string()
            let newest = try reader.int64()
            partitions[name] = Partition(newest: newest == .min ? nil : newest, lateness: try reader.int64(), lastHeard: now)
        }
    }
}
