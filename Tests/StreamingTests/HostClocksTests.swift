import Columns
import Parsing
import TestSupport
import Testing

@testable import Streaming

/// Rows of one partition: the host, the time and the arrival, in seconds.
private struct Line {
    var host: String?
    var time: Int64
    var arrival: Int64
}

/// One partition with a lateness of a minute.
private struct Partition {
    var marks = PartitionWatermarks()
    var input = InputDefinition(name: "ssh", table: "ssh", format: "sshd", allowedLateness: .seconds(60))
    let now = ContinuousClock.now

    /// Which rows are late, those that have no watermark being on time, and which are ahead.
    mutating func observe(_ lines: [Line]) -> (late: [Bool], ahead: [Int]) {
        var hosts = DictionaryBuilder()
        var times = NumberBuilder<Int64>(), arrivals = NumberBuilder<Int64>()
        for line in lines {
            if let host = line.host { hosts.append(utf8: host) } else { hosts.appendNull() }
            times.append(line.time * 1_000_000)
            arrivals.append(line.arrival * 1_000_000)
        }
        let schema = Schema([Field("event_time", .timestamp), Field("host", .text, isNullable: true)])
        let observed = marks.observe(
            Batch(schema: schema, columns: [times.finish(), hosts.finish()]), arrivals: arrivals.finish(), of: "auth.log",
            input: input,
            idleAfter: .seconds(60), now: now)
        return (zip(lines, observed.watermarks).map { $0.time * 1_000_000 < $1 }, observed.ahead)
    }

    var watermark: Int64 {
        mutating get {
            let watermark = marks.advance(now: now, idleAfter: nil)
            return watermark == .min ? .min : watermark / 1_000_000
        }
    }
}

struct `The clocks of hosts in one file` {
    private let day: Int64 = 86_400
    private let start: Int64 = 1_795_600_000

    @Test func `that differ make no row of another host late`() {
        // One line of a host that is a day ahead, read long after.
        var lines = (0..<30).map { Line(host: "gate-a", time: start + 60 * $0, arrival: start + 9 * day) }
        lines.insert(Line(host: "gate-b", time: start + day, arrival: start + 9 * day), at: 3)
        var partition = Partition()
        #expect(partition.observe(lines).late.allSatisfy { !$0 })
        #expect(partition.watermark == start + 60 * 29 - 60)

        // One that is three hours behind all the time.
        lines = (0..<60).map {
            Line(
                host: $0 % 2 == 0 ? "gate-a" : "gate-b", time: start + 30 * $0 - ($0 % 2 == 0 ? 0 : 10_800), arrival: start + day)
        }
        partition = Partition()
        #expect(partition.observe(lines).late.allSatisfy { !$0 })
        #expect(partition.watermark == start + 30 * 59 - 10_800 - 60)
    }

    @Test func `are not believed when they are ahead of the arrival by more than the allowed skew`() {
        var lines = (0..<14).map { Line(host: "gate", time: start + 10 * $0, arrival: start + 10 * $0 + 1) }
        lines.insert(Line(host: "gate", time: start + 9 * 365 * day, arrival: start), at: 0)
        lines.insert(Line(host: "gate", time: start + 3700, arrival: start + 30), at: 5)
        var partition = Partition()
        let observed = partition.observe(lines)
        #expect(observed.late.allSatisfy { !$0 })
        #expect(observed.ahead == [0, 5])
        #expect(partition.watermark == start + 130 - 60)
        partition.input.maxClockSkew = .seconds(7200)
        #expect(partition.observe([Line(host: "gate", time: start + 7000, arrival: start + 131)]).ahead.isEmpty)
    }

    @Test func `do not begin with the arrival of lines that have no stamp`() {
        var lines = (0..<14).map { Line(host: "gate", time: start + 60 * $0, arrival: start + 9 * day) }
        lines.insert(Line(host: nil, time: start + 9 * day, arrival: start + 9 * day), at: 0)
        lines.insert(Line(host: nil, time: start + 9 * day, arrival: start + 9 * day), at: 7)
        var partition = Partition()
        #expect(partition.observe(lines).late.allSatisfy { !$0 })
        // Where no line has one, they are all that there is.
        partition = Partition()
        _ = partition.observe((0..<9).map { Line(host: nil, time: start + 60 * $0, arrival: start + 60 * $0) })
        #expect(partition.watermark == start + 8 * 60 - 60)
    }

    @Test func `hold nothing back when the host has fallen silent, or is far behind where another's is right`() {
        var partition = Partition()
        _ = partition.observe(
            (0..<4).map { Line(host: $0 % 2 == 0 ? "a" : "b", time: start + 61 * $0, arrival: start + 61 * $0 + 1) })
        _ = partition.observe([Line(host: "a", time: start + 3600, arrival: start + 3601)])
        #expect(partition.watermark == start + 3600 - 60)
        // By rows where all arrive at once, as in a batch.
        partition = Partition()
        _ = partition.observe([Line(host: "dead", time: start, arrival: start + day)])
        _ = partition.observe((0..<1200).map { Line(host: "a", time: start + 100 * $0, arrival: start + 9 * day) })
        #expect(partition.watermark == start + 100 * 1199 - 60)
        // A machine without a clock, of 1970.
        partition = Partition()
        _ = partition.observe(
            (0..<20).map {
                Line(host: $0 % 2 == 0 ? "a" : "new", time: $0 % 2 == 0 ? start + 60 * $0 : $0, arrival: start + 60 * $0 + 1)
            })
        #expect(partition.watermark == start + 18 * 60 - 60)
    }

    @Test func `are bounded in number, however many names are written`() {
        var partition = Partition()
        for round in 0..<5 {
            let lines = (0..<4000).map {
                Line(host: "h\(round)-\($0)", time: start + Int64(round * 4000 + $0), arrival: start + day)
            }
            #expect(partition.observe(lines).late.allSatisfy { !$0 })
        }
        var writer = StateWriter()
        partition.marks.encode(to: &writer)
        #expect(writer.data.count < 64 << 10)
    }

    @Test(arguments: 0..<20) func `move on at the same row when a host falls silent, whenever the lines arrive`(seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        // Two hosts, and names that a damaged line makes up: each holds the watermark for as many rows as are kept, no more.
        let lines = (0..<4000).map { index in
            let host = Int.random(in: 0..<300, using: &random) == 0 ? "damaged\(index)" : "gate-\(index % 2)"
            return Line(host: host, time: start + Int64(index) - Int64.random(in: 0...40, using: &random), arrival: start + day)
        }
        var whole = Partition(), cut = Partition()
        let expected = whole.observe(lines)
        // In pieces that arrive one after the other, as a file that grows is read.
        var late: [Bool] = [], at = 0, arrival = start + day
        while at < lines.count {
            let end = min(lines.count, at + Int.random(in: 1...400, using: &random))
            late += cut.observe(lines[at..<end].map { Line(host: $0.host, time: $0.time, arrival: arrival) }).late
            (at, arrival) = (end, arrival + 1)
        }
        #expect(late == expected.late)
        #expect(cut.watermark == whole.watermark)
    }

    @Test(arguments: 0..<20) func `give the same watermarks however rows are cut into batches, and across checkpoints`(seed: Int)
        throws
    {
        var random = SplitMix64(seed: UInt64(seed))
        var arrival = start
        let lines = (0..<3000).map { index in
            arrival += Int.random(in: 0..<40, using: &random) == 0 ? Int64.random(in: 0...90, using: &random) : 0
            let host = Int.random(in: 0..<5, using: &random)
            let time =
                start + Int64(index) + Int64([0, 0, -7200, 86_400, -90_000][host]) - Int64.random(in: 0...80, using: &random)
            return Line(
                host: host == 4 ? nil : "h\(host)", time: Int.random(in: 0..<99, using: &random) == 0 ? arrival : time,
                arrival: arrival)
        }
        var whole = Partition()
        let expected = whole.observe(lines)
        var cut = Partition()
        var late: [Bool] = [], at = 0
        while at < lines.count {
            let end = min(lines.count, at + Int.random(in: 1...200, using: &random))
            late += cut.observe(Array(lines[at..<end])).late
            at = end
            var writer = StateWriter()
            cut.marks.encode(to: &writer)
            var reader = StateReader(writer.data)
            cut.marks = try PartitionWatermarks(from: &reader, now: cut.now)
        }
        #expect(late == expected.late)
        #expect(cut.watermark == whole.watermark)
    }
}

struct `A window with more groups than it may have` {
    private func definition(_ kind: WindowDefinition.Kind) -> WindowDefinition {
        var definition = WindowDefinition(
            table: "w", kind: kind, by: ["k"], aggregates: [Aggregate("n", .count), Aggregate("sum", .sum, column: "v")])
        definition.maxGroups = 50
        return definition
    }

    @Test func `counts the rows of the others in one group, and which those are depends on the rows alone`() throws {
        var random = SplitMix64(seed: 3)
        let rows = (0..<6000).map { _ in (t: 100.0, k: Optional("k\(Int.random(in: 0..<1000, using: &random))"), v: Optional(1.0))
        }
        var results: Set<[String]> = []
        for round in 0..<4 {
            var run = try WindowRun(definition(.tumbling(length: .seconds(300))), lateness: .zero)
            var left = round == 0 ? rows : rows.shuffled(using: &random)
            while !left.isEmpty {
                let size = min(left.count, round == 1 ? left.count : Int.random(in: 1...900, using: &random))
                #expect(run.observe(Rows.batch(Array(left.prefix(size)))).isEmpty)
                left.removeFirst(size)
                let snapshot = run.windows.snapshot()
                var next = try WindowedAggregation(run.windows.definition, input: Rows.schema)
                try next.restore(snapshot)
                run.windows = next
            }
            results.insert(run.finish().lines)
        }
        #expect(results.count == 1)
        let lines = results.first!
        #expect(lines.count == 51)
        #expect(lines.contains { $0.contains("(other)") })
        // Nothing is lost, and who has a group has all of its rows.
        #expect(lines.reduce(0) { $0 + Int($1.split(separator: " ")[3])! } == 6000)
        for line in lines where !line.contains("(other)") {
            let parts = line.split(separator: " ")
            #expect(rows.count { $0.k == String(parts[2]) } == Int(parts[3]))
        }
    }

    @Test func `does the same with sessions, and with names that are too long`() throws {
        var run = try WindowRun(definition(.session(gap: .seconds(60))), lateness: .zero)
        _ = run.observe(Rows.batch((0..<200).map { (t: 100.0, k: "k\($0)", v: 1.0) }))
        #expect(run.windows.stateRows == 51)
        #expect(run.windows.otherRows == 150)
        var tumbling = try WindowRun(definition(.tumbling(length: .seconds(60))), lateness: .zero)
        _ = tumbling.observe(Rows.batch([(t: 100, k: String(repeating: "x", count: 5000), v: 1)]))
        #expect(tumbling.finish().lines.first!.contains("(other)"))
    }
}
