import Columns
import Testing

@testable import Streaming

/// Windows by example: batches of rows in arrival order, one partition, and the rows of windows behind each batch and at the end.
///
/// A batch is `time:key:value` with blanks between; an expected row is `start-end key aggregates`.
struct WindowCase: CustomTestStringConvertible, Sendable {
    var name: String
    var kind: WindowDefinition.Kind
    var lateness: Int = 0
    var by = ["k"]
    var `where` = ""
    var aggregates = [Aggregate("n", .count), Aggregate("sum", .sum, column: "v")]
    var batches: [String]
    /// Behind each batch; the last entry is what closes at the end.
    var expected: [[String]]
    var late: [Int] = []
    var testDescription: String { name }

    static let tumbling = WindowDefinition.Kind.tumbling(length: .seconds(10))
    static let hopping = WindowDefinition.Kind.hopping(length: .seconds(10), slide: .seconds(5))
    static let session = WindowDefinition.Kind.session(gap: .seconds(5))

    static func of(_ function: Aggregate.Function, _ column: String? = "v", _ parameter: Double? = nil, where filter: String = "")
        -> [Aggregate]
    {
        [Aggregate("x", function, column: column, parameter: parameter, where: try! [Matcher](parsing: filter))]
    }

    static let all: [WindowCase] = [
        .init(name: "nothing", kind: tumbling, batches: [""], expected: [[], []]),
        .init(name: "one row", kind: tumbling, batches: ["1:a:2"], expected: [[], ["0-10 a 1 2"]]),
        .init(
            name: "a row at the start belongs to the window", kind: tumbling, batches: ["10:a:1"],
            expected: [[], ["10-20 a 1 1"]]),
        .init(
            name: "a row at the end belongs to the next", kind: tumbling, batches: ["9.999:a:1 10:a:2"],
            expected: [["0-10 a 1 1"], ["10-20 a 1 2"]]),
        .init(
            name: "a window closes when the watermark is at its end", kind: tumbling, lateness: 5,
            batches: ["1:a:1 14.9:a:1", "15:a:1"], expected: [[], ["0-10 a 1 1"], ["10-20 a 2 2"]]),
        .init(
            name: "before 1970", kind: tumbling, batches: ["-1:a:1 -11:a:9", "5:a:1"],
            expected: [[], ["-10-0 a 1 1"], ["0-10 a 1 1"]], late: [1]),
        .init(
            name: "groups come in order", kind: tumbling, batches: ["1:b:1 2:a:1 3:c:1 11:z:0"],
            expected: [["0-10 a 1 1", "0-10 b 1 1", "0-10 c 1 1"], ["10-20 z 1 0"]]),
        .init(
            name: "windows come in order", kind: tumbling, lateness: 30, batches: ["21:a:1 11:a:1 1:a:1"],
            expected: [[], ["0-10 a 1 1", "10-20 a 1 1", "20-30 a 1 1"]]),
        .init(
            name: "a row without a group counts nowhere", kind: tumbling, batches: ["1:-:1 2:a:1"],
            expected: [[], ["0-10 a 1 1"]]),
        .init(
            name: "a row without a group moves the watermark", kind: tumbling, batches: ["1:a:1 20:-:1"],
            expected: [["0-10 a 1 1"], []]),
        .init(name: "no group at all", kind: tumbling, by: [], batches: ["1:a:1 2:-:2 3:c:3"], expected: [[], ["0-10 3 6"]]),
        .init(
            name: "a late row within a batch", kind: tumbling, batches: ["1:a:1 12:a:1 2:a:5"],
            expected: [["0-10 a 1 1"], ["10-20 a 1 1"]], late: [2]),
        .init(
            name: "a late row in a later batch", kind: tumbling, batches: ["1:a:1 12:a:1", "2:a:5"],
            expected: [["0-10 a 1 1"], [], ["10-20 a 1 1"]], late: [0]),
        .init(
            name: "out of order within the allowed lateness", kind: tumbling, lateness: 10, batches: ["1:a:1 12:a:1 2:a:5"],
            expected: [[], ["0-10 a 2 6", "10-20 a 1 1"]]),
        .init(
            name: "behind the watermark, but its window is open", kind: tumbling, lateness: 1, batches: ["9:a:1 1:a:1"],
            expected: [[], ["0-10 a 2 2"]]),
        .init(
            name: "the watermark never falls", kind: tumbling, batches: ["25:a:1", "5:a:1", "21:a:1"],
            expected: [[], [], [], ["20-30 a 2 2"]], late: [0]),
        .init(
            name: "a null value is not summed but counted", kind: tumbling, batches: ["1:a:- 2:a:3"],
            expected: [[], ["0-10 a 2 3"]]),
        .init(
            name: "only rows of the filter", kind: tumbling, where: "k=\"a\"", batches: ["1:a:1 2:b:1 3:a:1"],
            expected: [[], ["0-10 a 2 2"]]),
        .init(
            name: "a filter on an aggregate leaves the group", kind: tumbling, aggregates: of(.count, nil, where: "n=\"1\""),
            batches: ["1:a:1 2:a:2 3:b:2"], expected: [[], ["0-10 a 1", "0-10 b 0"]]),
        .init(
            name: "hopping: a row is in each window that holds it", kind: hopping, batches: ["7:a:1"],
            expected: [[], ["0-10 a 1 1", "5-15 a 1 1"]]),
        .init(name: "hopping: at a slide", kind: hopping, batches: ["5:a:1"], expected: [[], ["0-10 a 1 1", "5-15 a 1 1"]]),
        .init(
            name: "hopping: each closes at its own end", kind: hopping, batches: ["7:a:1 12:a:1", "15:a:1"],
            expected: [["0-10 a 1 1"], ["5-15 a 2 2"], ["10-20 a 2 2", "15-25 a 1 1"]]),
        .init(
            name: "hopping: late for one, not for the other", kind: hopping, batches: ["11:a:1 9:a:1"],
            expected: [[], ["5-15 a 2 2", "10-20 a 1 1"]]),
        .init(
            name: "hopping: late for all", kind: hopping, batches: ["21:a:1 3:a:1"],
            expected: [[], ["15-25 a 1 1", "20-30 a 1 1"]], late: [1]),
        .init(
            name: "hopping as wide as its slide is tumbling", kind: .hopping(length: .seconds(10), slide: .seconds(10)),
            batches: ["1:a:1 11:a:1"], expected: [["0-10 a 1 1"], ["10-20 a 1 1"]]),
        .init(
            name: "hopping with a slide that does not divide the length",
            kind: .hopping(length: .seconds(10), slide: .seconds(4)), batches: ["9:a:1"],
            expected: [[], ["0-10 a 1 1", "4-14 a 1 1", "8-18 a 1 1"]]),
        .init(name: "session: one row", kind: session, batches: ["3:a:1"], expected: [[], ["3-8 a 1 1"]]),
        .init(
            name: "session: rows within the gap", kind: session, batches: ["1:a:1 4:a:1 8:a:1"], expected: [[], ["1-13 a 3 3"]]),
        .init(
            name: "session: a row exactly a gap later is in it", kind: session, batches: ["1:a:1 6:a:1"],
            expected: [[], ["1-11 a 2 2"]], late: []),
        .init(
            name: "session: a row more than a gap later is not", kind: session, batches: ["1:a:1 6.1:a:1"],
            expected: [["1-6 a 1 1"], ["6.1-11.1 a 1 1"]]),
        .init(
            name: "session: groups have their own", kind: session, batches: ["1:a:1 2:b:1 9:a:1"],
            expected: [["1-6 a 1 1", "2-7 b 1 1"], ["9-14 a 1 1"]]),
        .init(
            name: "session: a row between makes two one", kind: session, lateness: 20, batches: ["1:a:1 9:a:2 5:a:4"],
            expected: [[], ["1-14 a 3 7"]]),
        .init(
            name: "session: a row before extends it", kind: session, lateness: 20, batches: ["9:a:1 6:a:1"],
            expected: [[], ["6-14 a 2 2"]]),
        .init(
            name: "session: three become one", kind: session, lateness: 30, batches: ["1:a:1 8:a:1 15:a:1", "4:a:1 11:a:1"],
            expected: [[], [], ["1-20 a 5 5"]]),
        .init(
            name: "session: a late row", kind: session, batches: ["20:a:1 10:a:1"], expected: [[], ["20-25 a 1 1"]], late: [1]),
        .init(
            name: "session: behind the watermark, its end is not", kind: session, batches: ["20:a:1 16:b:1"],
            expected: [[], ["16-21 b 1 1", "20-25 a 1 1"]]),
        .init(
            name: "session: what the watermark has passed takes no more rows", kind: session, batches: ["1:a:1 7:b:1 5:a:1"],
            expected: [["1-6 a 1 1"], ["5-10 a 1 1", "7-12 b 1 1"]]),
        .init(name: "min", kind: tumbling, aggregates: of(.min), batches: ["1:a:3 2:a:-1 3:a:7"], expected: [[], ["0-10 a -1"]]),
        .init(name: "max", kind: tumbling, aggregates: of(.max), batches: ["1:a:3 2:a:-1 3:a:7"], expected: [[], ["0-10 a 7"]]),
        .init(
            name: "min of nothing is null", kind: tumbling, aggregates: of(.min), batches: ["1:a:-"],
            expected: [[], ["0-10 a -"]]),
        .init(
            name: "max of whole numbers", kind: tumbling, aggregates: of(.max, "n"), batches: ["1:a:3 2:a:9"],
            expected: [[], ["0-10 a 9"]]),
        .init(
            name: "max of times", kind: tumbling, aggregates: of(.max, "event_time"), batches: ["1:a:3 7:a:9"],
            expected: [[], ["0-10 a 7"]]),
        .init(
            name: "sum of whole numbers", kind: tumbling, aggregates: of(.sum, "n"), batches: ["1:a:3 2:a:9"],
            expected: [[], ["0-10 a 12"]]),
        .init(
            name: "mean", kind: tumbling, aggregates: of(.mean), batches: ["1:a:1 2:a:2 3:a:-"], expected: [[], ["0-10 a 1.5"]]),
        .init(
            name: "mean of nothing is null", kind: tumbling, aggregates: of(.mean), batches: ["1:a:-"],
            expected: [[], ["0-10 a -"]]),
        .init(
            name: "variance", kind: tumbling, aggregates: of(.variance),
            batches: ["1:a:2 2:a:4 3:a:4 4:a:4 5:a:5 6:a:5 7:a:7 8:a:9"], expected: [[], ["0-10 a 4"]]),
        .init(
            name: "distinct", kind: tumbling, by: [], aggregates: of(.distinct, "k"), batches: ["1:a:1 2:b:1 3:a:1 4:-:1"],
            expected: [[], ["0-10 2"]]),
        .init(
            name: "distinct numbers", kind: tumbling, aggregates: of(.distinct), batches: ["1:a:1 2:a:1 3:a:2"],
            expected: [[], ["0-10 a 2"]]),
        .init(
            name: "first and last go by event time", kind: tumbling,
            aggregates: of(.first) + [Aggregate("y", .last, column: "v")], batches: ["5:a:5 2:a:2 8:a:8 3:a:3"],
            expected: [[], ["0-10 a 2 8"]]),
        .init(
            name: "first of equal times is the least", kind: tumbling,
            aggregates: of(.first) + [Aggregate("y", .last, column: "v")], batches: ["5:a:5 5:a:2 5:a:8"],
            expected: [[], ["0-10 a 2 8"]]),
        .init(
            name: "rate is rows a second of the window", kind: tumbling, aggregates: of(.rate, nil),
            batches: ["1:a:1 2:a:1 3:a:1"], expected: [[], ["0-10 a 0.3"]]),
        .init(
            name: "top", kind: tumbling, by: [], aggregates: of(.topK, "k", 2), batches: ["1:b:1 2:a:1 3:b:1 4:c:1 5:a:1 6:b:1"],
            expected: [[], [#"0-10 [{"value":"b","count":3},{"value":"a","count":2}]"#]]),
        .init(
            name: "quantile ends are exact", kind: tumbling,
            aggregates: of(.quantile, "v", 1) + [Aggregate("y", .quantile, column: "v", parameter: 0)],
            batches: ["1:a:1 2:a:10 3:a:5"], expected: [[], ["0-10 a 10 1"]]),
        .init(
            name: "two columns of groups", kind: tumbling, by: ["k", "n"], aggregates: of(.count, nil),
            batches: ["1:b:1 2:a:2 3:a:1 4:b:1"], expected: [[], ["0-10 a 1 1", "0-10 a 2 1", "0-10 b 1 2"]]),
        .init(
            name: "groups by a negative number come in order", kind: tumbling, by: ["n"], aggregates: of(.count, nil),
            batches: ["1:b:1 2:a:-2 3:a:0"], expected: [[], ["0-10 -2 1", "0-10 0 1", "0-10 1 1"]]),
    ]

    static func rows(_ text: String) -> Batch {
        Rows.batch(
            text.split(separator: " ").map { item in
                let parts = item.split(separator: ":", omittingEmptySubsequences: false)
                return (Double(parts[0])!, parts[1] == "-" ? nil : String(parts[1]), Double(parts[2]))
            })
    }
}

/// A window with its watermark, as a pipeline with one partition has it.
struct WindowRun {
    var windows: WindowedAggregation
    var partitions = PartitionWatermarks()
    let lateness: Duration

    init(_ definition: WindowDefinition, lateness: Duration) throws {
        windows = try WindowedAggregation(definition, input: Rows.schema)
        self.lateness = lateness
    }

    mutating func observe(_ batch: Batch) -> [Int] {
        let rows = partitions.observe(batch["event_time"]!, of: "p", lateness: lateness, now: .now)
        return windows.observe(batch, RowWatermarks(rows: rows, floor: .min))
    }

    mutating func advance() -> Batch { windows.close(upTo: partitions.advance(now: .now, idleAfter: nil)) }
    mutating func finish() -> Batch { windows.close(upTo: .max) }
}

struct `Windows of every kind` {
    private func shown(_ batch: Batch) -> [String] {
        batch.lines.map { line in
            let parts = line.split(separator: " ", maxSplits: 2)
            return "\(parts[0])-\(parts[1]) \(parts[2])"
        }
    }

    @Test(arguments: WindowCase.all)
    func `give what the example says, and the same whole, row by row and through a checkpoint after each row`(example: WindowCase)
        throws
    {
        let definition = WindowDefinition(
            table: "w", kind: example.kind, by: example.by, where: try [Matcher](parsing: example.where),
            aggregates: example.aggregates)
        var run = try WindowRun(definition, lateness: .seconds(example.lateness))
        var late: [Int] = []
        for (batch, expected) in zip(example.batches, example.expected) {
            late += run.observe(WindowCase.rows(batch))
            #expect(shown(run.advance()) == expected)
        }
        #expect(shown(run.finish()) == example.expected.last!)
        #expect(late == example.late)
        #expect(run.windows.stateRows == 0)

        // However rows are cut into batches, and wherever the process stops, the same windows come.
        let whole = Batch.concatenating(example.batches.map(WindowCase.rows), schema: Rows.schema)
        for size in [1, 2, max(1, whole.count)] {
            var run = try WindowRun(definition, lateness: .seconds(example.lateness))
            var given: [String] = []
            for start in stride(from: 0, to: whole.count, by: size) {
                _ = run.observe(whole.slice(start..<min(whole.count, start + size)))
                given += shown(run.advance())
                let snapshot = run.windows.snapshot()
                run.windows = try WindowedAggregation(definition, input: Rows.schema)
                try run.windows.restore(snapshot)
            }
            given += shown(run.finish())
            #expect(given.sorted() == example.expected.joined().sorted(), "batches of \(size)")
        }
    }

    @Test(arguments: 1...12)
    func `agree with a slow and obvious twin on random rows, whatever the batches`(seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        let kinds: [WindowDefinition.Kind] = [
            .tumbling(length: .seconds(7)), .hopping(length: .seconds(12), slide: .seconds(5)), .session(gap: .seconds(4)),
        ]
        let kind = kinds[seed % 3]
        let lateness = Int.random(in: 0...10, using: &random)
        var time = 0.0
        let events = (0..<400).map { _ -> (t: Double, k: String?, v: Double?) in
            time += Double(Int.random(in: 0...2, using: &random))
            return (
                max(0, time - Double(Int.random(in: 0...15, using: &random))), ["a", "b", "c"].randomElement(using: &random),
                Double(Int.random(in: 0...99, using: &random))
            )
        }
        let definition = WindowDefinition(
            table: "w", kind: kind, by: ["k"], aggregates: [Aggregate("n", .count), Aggregate("s", .sum, column: "v")])
        let expected = Self.twin(events, kind, lateness: Double(lateness))
        for size in [1, 7, 100, 400] {
            var run = try WindowRun(definition, lateness: .seconds(lateness))
            var given: [String] = []
            for start in stride(from: 0, to: events.count, by: size) {
                _ = run.observe(Rows.batch(Array(events[start..<min(events.count, start + size)])))
                given += run.advance().lines
            }
            given += run.finish().lines
            #expect(given.sorted() == expected.sorted(), "seed \(seed), batches of \(size)")
        }
    }

    /// Row by row, with lists.
    private static func twin(_ events: [(t: Double, k: String?, v: Double?)], _ kind: WindowDefinition.Kind, lateness: Double)
        -> [String]
    {
        struct Window {
            var start: Double
            var end: Double
            var key: String
            var values: [Double]
            var isClosed = false
        }
        var all: [Window] = []
        var newest: Double?
        for event in events {
            let watermark = newest.map { $0 - lateness } ?? -.infinity
            newest = max(newest ?? event.t, event.t)
            for index in all.indices where all[index].end <= watermark { all[index].isClosed = true }
            func add(_ start: Double, _ end: Double) {
                guard end > watermark else { return }
                if let index = all.firstIndex(where: { $0.start == start && $0.end == end && $0.key == event.k! }) {
                    all[index].values.append(event.v!)
                } else {
                    all.append(Window(start: start, end: end, key: event.k!, values: [event.v!]))
                }
            }
            switch kind {
            case .tumbling(let length):
                add(
                    (event.t / length.inSeconds).rounded(.down) * length.inSeconds,
                    (event.t / length.inSeconds).rounded(.down) * length.inSeconds + length.inSeconds)
            case .hopping(let length, let slide):
                var start = (event.t / slide.inSeconds).rounded(.down) * slide.inSeconds
                while start + length.inSeconds > event.t {
                    add(start, start + length.inSeconds)
                    start -= slide.inSeconds
                }
            case .session(let gap):
                var new = Window(start: event.t, end: event.t + gap.inSeconds, key: event.k!, values: [event.v!])
                guard new.end > watermark else { continue }
                while let index = all.firstIndex(where: {
                    !$0.isClosed && $0.key == new.key && $0.start <= new.end && new.start <= $0.end
                }) {
                    let old = all.remove(at: index)
                    new = Window(
                        start: min(old.start, new.start), end: max(old.end, new.end), key: new.key,
                        values: old.values + new.values)
                }
                all.append(new)
            }
        }
        return all.map { "\(Int($0.start)) \(Int($0.end)) \($0.key) \($0.values.count) \(Int($0.values.reduce(0, +)))" }
    }
}

struct `Aggregates over many rows` {
    private func value(_ aggregate: Aggregate, _ values: [Double], parts: Int = 1) throws -> Double {
        // In parts and by session, so that what was apart is merged.
        let definition = WindowDefinition(table: "w", kind: .session(gap: .seconds(1)), by: [], aggregates: [aggregate])
        var run = try WindowRun(definition, lateness: .seconds(1000))
        for part in 0..<parts {
            let mine = values.indices.filter { $0 % parts == part }.map { values[$0] }
            _ = run.observe(Rows.batch(mine.map { (Double(part * 2), "k", $0) }))
        }
        for part in 0..<max(0, parts - 1) { _ = run.observe(Rows.batch([(Double(part * 2) + 1, "k", nil)])) }
        let closed = run.finish()
        #expect(closed.count == 1)
        return closed.columns[2].number(at: 0)!
    }

    @Test(arguments: [10, 512, 513, 2000, 20_000, 100_000], [1, 3])
    func `distinct is exact up to 512 and then within five times its standard error`(count: Int, parts: Int) throws {
        let values = (0..<count).flatMap { [Double($0) * 1.5, Double($0) * 1.5] }
        let found = try value(Aggregate("d", .distinct, column: "v"), values, parts: parts)
        if count <= DistinctCount.exactLimit {
            #expect(found == Double(count))
        } else {
            #expect(abs(found / Double(count) - 1) < 0.08)
        }
    }

    @Test(arguments: [0.01, 0.25, 0.5, 0.9, 0.99, 0.999], [1, 4])
    func `a quantile is within one percent of the value`(share: Double, parts: Int) throws {
        var random = SplitMix64(seed: 5)
        let values = (0..<5000).map { _ in
            Double.random(in: -2...9, using: &random).sign == .minus
                ? -Double.random(in: 1...1000, using: &random) : Double.random(in: 0.001...100_000, using: &random)
        }
        let exact = values.sorted()[Int((share * Double(values.count - 1)).rounded(.down))]
        let found = try value(Aggregate("q", .quantile, column: "v", parameter: share), values, parts: parts)
        #expect(abs(found - exact) <= abs(exact) * 0.0101)
    }

    @Test(arguments: [1, 5]) func `sums, means and variances do not depend on the order of rows`(parts: Int) throws {
        var random = SplitMix64(seed: 9)
        let values = (0..<2000).map { _ in Double.random(in: -1...1, using: &random) * 1e9 + 0.1 }
        for function in [Aggregate.Function.sum, .mean, .variance] {
            let one = try value(Aggregate("x", function, column: "v"), values, parts: parts)
            let other = try value(Aggregate("x", function, column: "v"), values.shuffled(using: &random), parts: 1)
            #expect(one == other, "\(function)")
        }
        let mean = values.reduce(0, +) / 2000
        let variance = try value(Aggregate("x", .variance, column: "v"), values)
        #expect(abs(variance / (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 2000) - 1) < 1e-9)
    }

    @Test func `variance of large numbers that differ little is right`() throws {
        #expect(try value(Aggregate("x", .variance, column: "v"), [1e9 + 1, 1e9 + 2, 1e9 + 3]) == 2.0 / 3)
    }

    @Test func `frequent values are never missed, and their counts never too low`() {
        var random = SplitMix64(seed: 3)
        var values = FrequentValues(capacity: 50), exact: [String: Int64] = [:]
        for _ in 0..<20_000 {
            let text =
                Int.random(in: 0..<10, using: &random) < 5
                ? "hot\(Int.random(in: 0..<5, using: &random))" : "cold\(Int.random(in: 0..<3000, using: &random))"
            values.insert(text)
            exact[text, default: 0] += 1
        }
        let top = values.json(5)
        for index in 0..<5 { #expect(top.contains("\"hot\(index)\"")) }
    }
}
