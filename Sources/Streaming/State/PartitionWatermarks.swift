import Columns

/// The clocks of the partitions of a pipeline, and the watermark that follows from them.
///
/// The watermark of a partition is how far its hosts are (``HostClocks``) minus the allowed lateness of its input. That of the
/// pipeline is the least of the partitions that are neither idle nor ended, and never falls. A partition that is known and has
/// said nothing yet is waited for until it is idle.
///
/// Source: the rule over several inputs is Spark's default (`spark.sql.streaming.multipleWatermarkPolicy=min`), that of idle
/// partitions Flink's ("Dealing With Idle Sources").
struct PartitionWatermarks: Sendable {
    init() {}

    private struct Partition: Sendable {
        var hosts = HostClocks()
        var lateness: Int64
        var lastHeard: ContinuousClock.Instant
        /// It said nothing in this run: it is not waited for until it does.
        var isExcused = false
        /// Whether it has said anything in this run.
        var hasSpoken = false
    }

    private var partitions: [String: Partition] = [:]
    private(set) var watermark = Int64.min

    /// The rows of a batch as the clocks see them.
    struct Observed {
        /// By row the watermark of those before it.
        var watermarks: [Int64] = []
        /// The rows that are further ahead of their arrival than the allowed skew.
        var ahead: [Int] = []
    }

    /// From now on `partition` is waited for.
    mutating func expect(_ partition: String, lateness: Duration, now: ContinuousClock.Instant) {
        if partitions[partition] == nil {
            partitions[partition] = Partition(lateness: lateness.inMicroseconds, lastHeard: now)
        } else {
            partitions[partition]!.lastHeard = now
        }
    }

    /// Takes in rows of one partition, in their order.
    ///
    /// - Parameters:
    ///   - events: with a column `event_time`, and `host` where the format has one.
    ///   - arrivals: for each row when its line arrived.
    ///   - idleAfter: how long a host may say nothing, by arrival, until it is not waited for.
    mutating func observe(
        _ events: Batch, arrivals: Column, of name: String, input: InputDefinition, idleAfter: Duration,
        now: ContinuousClock.Instant
    ) -> Observed {
        expect(name, lateness: input.allowedLateness, now: now)
        var partition = partitions.removeValue(forKey: name)!
        defer { partitions[name] = partition }
        partition.isExcused = false
        partition.hasSpoken = true
        guard case .int64(let times) = events["event_time"]!.values, case .int64(let arrived) = arrivals.values else {
            return Observed()
        }
        let range = events["event_time"]!.range, firstArrival = arrivals.range.lowerBound
        let lateness = partition.lateness
        let limits = HostClocks.Limits(
            skew: input.maxClockSkew.inMicroseconds, idle: idleAfter.inMicroseconds,
            grace: events["host"] == nil ? -1 : lateness)
        var places = HostPlaces(events["host"])
        var observed = Observed()
        observed.watermarks.reserveCapacity(events.count)
        for row in 0..<events.count {
            let place = places.place(row, &partition.hosts)
            let newest = partition.hosts.newest(place)
            observed.watermarks.append(newest == .min ? .min : newest &- lateness)
            if !partition.hosts.observe(times[range.lowerBound + row], arrival: arrived[firstArrival + row], place, limits) {
                observed.ahead.append(row)
            }
        }
        return observed
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
            guard partition.hosts.reached > .min else { return watermark }
            let own = partition.hosts.reached &- partition.lateness
            least = min(least ?? own, own)
        }
        if let least { watermark = max(watermark, least) }
        return watermark
    }
}

/// The places of the hosts of a batch among the clocks of its partition: a name is looked up once per batch, not per row.
private struct HostPlaces {
    private let column: Column?
    private var byCode: [Int]
    private var none: Int?
    private var last: (code: UInt32, place: Int)?

    init(_ column: Column?) {
        if let column, case .dictionary(let values) = column.values {
            self.column = column
            byCode = Array(repeating: -1, count: values.dictionary.count)
        } else {
            self.column = nil
            byCode = []
        }
    }

    @inline(__always) mutating func place(_ row: Int, _ clocks: inout HostClocks) -> Int {
        guard let column, case .dictionary(let values) = column.values, !column.isNull(at: row) else {
            if let none { return none }
            none = clocks.place(of: "")
            return none!
        }
        let code = values.codes[column.range.lowerBound + row]
        if let last, last.code == code { return last.place }
        // A host may give its place up while the batch goes on: only a name that still has it is found there.
        var place = byCode[Int(code)]
        if place < 0 || clocks.isFull {
            place = clocks.place(of: values.dictionary.string(at: Int(code)))
            byCode[Int(code)] = place
        }
        last = clocks.isFull ? nil : (code, place)
        return place
    }
}

extension PartitionWatermarks {
    /// Begins with the watermark, which a replay reads alone.
    func encode(to writer: inout StateWriter) {
        writer.write(watermark)
        writer.write(partitions.count)
        for (name, partition) in partitions.sorted(by: { $0.key < $1.key }) {
            writer.write(name)
            writer.write(partition.lateness)
            partition.hosts.encode(to: &writer)
        }
    }

    init(from reader: inout StateReader, now: ContinuousClock.Instant) throws {
        self.init()
        watermark = try reader.int64()
        for _ in 0..<(try reader.count()) {
            let name = try reader.string(), lateness = try reader.int64()
            partitions[name] = Partition(hosts: try HostClocks(from: &reader), lateness: lateness, lastHeard: now)
        }
    }
}
