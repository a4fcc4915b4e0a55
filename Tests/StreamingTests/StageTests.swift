import Columns
import Foundation
import Logging
import Parsing
import Telemetry
import TestSupport
import Testing

@testable import Streaming

struct `A join of two streams` {
    private static let node = PipelineSchemas.Node(schema: Rows.schema, timeColumn: "event_time")

    private struct Run {
        var stage: StreamJoining
        var pairs: [String] = []
        var late = 0

        init(_ join: StreamJoin) throws {
            let schema = try join.node(
                behind: node, in: StagePlace(name: "test", isStream: true, nodes: ["right": node])
            ).schema
            stage = StreamJoining(join, left: node, right: node, schema: schema)
        }

        mutating func take(_ batches: [Batch]) {
            for batch in batches {
                for row in 0..<batch.count {
                    let right = batch["right_id"]!.integer(at: row)
                    pairs.append("\(batch["id"]!.integer(at: row)!)-\(right.map(String.init) ?? "none")")
                }
            }
        }

        mutating func left(_ text: String, from id: Int, after watermark: Int = .min) {
            let (pairs, late) = stage.observe(
                left: rows(text, id),
                RowWatermarks(rows: nil, floor: Int64(clamping: watermark == .min ? .min : watermark * 1_000_000)))
            take(pairs)
            self.late += late.count
        }

        mutating func right(_ text: String, from id: Int, after watermark: Int = .min) {
            let (pairs, late) = stage.observe(
                right: rows(text, id),
                RowWatermarks(rows: nil, floor: Int64(clamping: watermark == .min ? .min : watermark * 1_000_000)))
            take(pairs)
            self.late += late.count
        }

        mutating func advance(_ watermark: Int) {
            take(stage.advance(to: watermark == .max ? .max : Int64(watermark) * 1_000_000))
        }

        private func rows(_ text: String, _ id: Int) -> Batch {
            Rows.batch(
                text.split(separator: " ").map { item in
                    let parts = item.split(separator: ":")
                    return (Double(parts[0])!, parts[1] == "-" ? nil : String(parts[1]), 0)
                }, firstID: id)
        }
    }

    @Test(arguments: [
        (99, 0, 0, false), (100, 0, 0, true), (110, 0, 0, false), (100, 10, 0, true), (110, 10, 0, true), (111, 10, 0, false),
        (99, 10, 0, false), (95, 10, 5, true), (94, 10, 5, false), (110, 10, 5, true),
    ])
    func `pairs rows whose times are within the bound, ends included`(time: Int, within: Int, before: Int, isPair: Bool) throws {
        for leftFirst in [true, false] {
            var run = try Run(StreamJoin(with: "right", on: ["k"], within: .seconds(within), before: .seconds(before)))
            if leftFirst { run.left("100:a", from: 1) }
            run.right("\(time):a", from: 7)
            if !leftFirst { run.left("100:a", from: 1) }
            #expect(run.pairs == (isPair ? ["1-7"] : []))
        }
    }

    @Test func `pairs every row with every partner, and only of its key`() throws {
        var run = try Run(StreamJoin(with: "right", on: ["k"], within: .seconds(10)))
        run.left("1:a 2:a 3:b 4:-", from: 1)
        run.right("5:a 6:a 7:b 8:c 9:-", from: 10)
        #expect(run.pairs.sorted() == ["1-10", "1-11", "2-10", "2-11", "3-12"])
    }

    @Test func `forgets what can have no partner, and gives left rows that never had one`() throws {
        var run = try Run(StreamJoin(with: "right", on: ["k"], within: .seconds(10), kind: .left))
        run.left("0:a 5:b 6:-", from: 1)
        run.right("4:a", from: 7)
        #expect(run.stage.stateRows == 4)
        run.advance(10)
        #expect(run.pairs == ["1-7"])  // a row of time 10 could still come for the one of time 0
        run.advance(16)
        #expect(run.pairs == ["1-7", "2-none"])
        run.right("15:b", from: 8, after: 16)
        #expect(run.late == 1)
        run.advance(.max)
        #expect(run.pairs == ["1-7", "2-none", "3-none"])
        #expect(run.stage.stateRows == 0)
    }

    @Test func `goes on from a checkpoint, and keeps few pieces of many small batches`() throws {
        let join = StreamJoin(with: "right", on: ["k"], within: .seconds(50), kind: .left)
        func play(restoringEvery: Int) throws -> [String] {
            var run = try Run(join)
            for step in 0..<300 {
                run.left("\(step):k\(step % 7)", from: step)
                run.right("\(step + 20):k\(step % 5)", from: 1000 + step)
                run.advance(step - 10)
                if step % restoringEvery == 0 {
                    var writer = StateWriter()
                    run.stage.encode(to: &writer)
                    var fresh = try Run(join)
                    var reader = StateReader(writer.data)
                    try fresh.stage.decode(from: &reader)
                    #expect(reader.isAtEnd)
                    fresh.pairs = run.pairs
                    run = fresh
                }
            }
            run.advance(.max)
            #expect(run.stage.stateRows == 0)
            return run.pairs.sorted()
        }
        let whole = try play(restoringEvery: 10_000)
        #expect(whole.count > 1000 && Set(whole).count == whole.count)
        #expect(try play(restoringEvery: 7) == whole)
    }
}

struct `Keeping the first row of a key` {
    @Test func `keeps the first of a key until the watermark reaches its time plus the lateness`() {
        var stage = Deduplication(by: ["k"], timeColumn: "event_time", allowedLateness: .seconds(10))
        let first = stage.observe(WindowCase.rows("1:a:1 2:a:1 3:b:1 4:-:1 5:-:1"), RowWatermarks(rows: nil, floor: .min))
        #expect(first.first == [0, 2, 3, 4] && first.duplicates == 1)
        // Expired, though nobody has removed it yet.
        #expect(stage.observe(WindowCase.rows("12:a:1"), RowWatermarks(rows: [11_000_000], floor: .min)).first == [0])
        stage.forget(upTo: 13_000_000)
        #expect(stage.stateRows == 1)
        #expect(stage.observe(WindowCase.rows("5:z:1"), RowWatermarks(rows: nil, floor: 6_000_000)).late == [0])
    }
}

struct `Watermarks of partitions` {
    private let now = ContinuousClock.now
    private func times(_ seconds: Int...) -> Column { Column(.int64(seconds.map { Int64($0) * 1_000_000 })) }

    @Test func `the least of the partitions counts, and each row is measured by its own`() {
        var marks = PartitionWatermarks()
        marks.expect("a", lateness: .seconds(10), now: now)
        marks.expect("b", lateness: .zero, now: now)
        #expect(marks.observe(times(100, 90, 120), of: "a", lateness: .seconds(10), now: now) == [.min, 90_000_000, 90_000_000])
        #expect(marks.advance(now: now, idleAfter: .seconds(60)) == .min)  // b has said nothing
        _ = marks.observe(times(50), of: "b", lateness: .zero, now: now)
        #expect(marks.advance(now: now, idleAfter: .seconds(60)) == 50_000_000)
        _ = marks.observe(times(200), of: "b", lateness: .zero, now: now)
        #expect(marks.advance(now: now, idleAfter: .seconds(60)) == 110_000_000)
    }

    @Test func `an idle partition is not waited for, and the watermark does not fall when it comes back`() {
        var marks = PartitionWatermarks()
        _ = marks.observe(times(10), of: "a", lateness: .zero, now: now)
        _ = marks.observe(times(100), of: "b", lateness: .zero, now: now + .seconds(59))
        #expect(marks.advance(now: now + .seconds(59), idleAfter: .seconds(60)) == 10_000_000)
        #expect(marks.advance(now: now + .seconds(60), idleAfter: .seconds(60)) == 100_000_000)
        _ = marks.observe(times(20), of: "a", lateness: .zero, now: now + .seconds(61))
        #expect(marks.advance(now: now + .seconds(61), idleAfter: .seconds(60)) == 100_000_000)
        // Nothing is idle in a batch.
        var batch = PartitionWatermarks()
        batch.expect("a", lateness: .zero, now: now)
        _ = batch.observe(times(5), of: "b", lateness: .zero, now: now)
        #expect(batch.advance(now: now + .seconds(9999), idleAfter: nil) == .min)
        batch.end("a")
        #expect(batch.advance(now: now, idleAfter: nil) == 5_000_000)
    }

    @Test func `go through a checkpoint`() throws {
        var marks = PartitionWatermarks()
        _ = marks.observe(times(10, 30), of: "a", lateness: .seconds(5), now: now)
        _ = marks.advance(now: now, idleAfter: nil)
        var writer = StateWriter()
        marks.encode(to: &writer)
        var reader = StateReader(writer.data)
        var back = try PartitionWatermarks(from: &reader, now: now)
        #expect(back.watermark == 25_000_000)
        #expect(back.observe(times(31), of: "a", lateness: .seconds(5), now: now) == [25_000_000])
    }
}

struct `An expectation` {
    private func failing(_ check: Streaming.Expectation.Check, _ rows: String, arrivals: [Int64]? = nil) -> [Int] {
        var stage = ExpectationCheck(Streaming.Expectation("e", check), timeColumn: "event_time")
        let answer = stage.failing(WindowCase.rows(rows), arrivals: arrivals)
        return answer.indices.filter { answer[$0] }
    }

    @Test(arguments: [
        (Streaming.Expectation.Check.notNull(column: "k"), [1]), (.range(column: "v", from: 2, to: 3), [0, 3]),
        (.range(column: "v", from: 2, to: nil), [0]),
        (.inSet(column: "k", values: ["a", "c"]), [3]), (.inSet(column: "v", values: ["1", "2", "3"]), [3]),
        (.matches(column: "k", pattern: "[ac]"), [3]), (.uniqueInWindow(columns: ["k"], within: .seconds(10)), [2]),
        (.uniqueInWindow(columns: ["k"], within: .seconds(4)), []), (.uniqueInWindow(columns: ["k"], within: .seconds(5)), [2]),
        (.rowCount(from: 100, to: nil), []),
    ])
    func `finds the rows that it does not hold for`(check: Streaming.Expectation.Check, rows: [Int]) {
        #expect(failing(check, "1:a:1 2:-:2 5:a:3 9:bb:9") == rows)
    }

    @Test func `asks for fresh events only where the arrival is known`() {
        let check = Streaming.Expectation.Check.freshWithin(.seconds(10))
        #expect(failing(check, "1:a:1 2:b:1", arrivals: [11_000_000, 12_000_001]) == [1])
        #expect(failing(check, "1:a:1 2:b:1") == [])
    }

    @Test func `counts the rows of an epoch`() {
        var stage = ExpectationCheck(
            Streaming.Expectation("e", .rowCount(from: 2, to: 3), action: .fail), timeColumn: "event_time")
        _ = stage.failing(WindowCase.rows("1:a:1"), arrivals: nil)
        _ = stage.failing(WindowCase.rows("1:a:1"), arrivals: nil)
        #expect(stage.endEpoch()! == (true, 2))
        #expect(stage.endEpoch()! == (false, 0))
    }

    @Test func `forgets keys that nothing on time can be near to`() {
        var stage = ExpectationCheck(
            Streaming.Expectation("e", .uniqueInWindow(columns: ["k"], within: .seconds(10))), timeColumn: "event_time")
        _ = stage.failing(WindowCase.rows("1:a:1 20:b:1"), arrivals: nil)
        stage.forget(upTo: 12_000_000)
        #expect(stage.stateRows == 1)
    }
}

struct `A reference table` {
    private let gauges = ReferenceGauges(MetricsRegistry(), pipeline: "p")
    private let folder = TemporaryFolder()

    private func table(_ name: String, _ text: String, columns: [String] = ["tier"], on: [String] = ["k"]) throws -> (
        ReferenceTable, URL
    ) {
        let url = URL(filePath: folder.path + "/" + name)
        try text.write(to: url, atomically: true, encoding: .utf8)
        let lookup = ReferenceLookup(file: url.path, on: on, columns: columns)
        return (try ReferenceTable(lookup, gauges: gauges, logger: Logger(label: "test")), url)
    }

    @Test(arguments: [
        ("a.json", #"[{"k":"a","tier":"gold"},{"k":"b","tier":null},{"k":"a","tier":"second"}]"#),
        ("a.jsonl", "{\"k\":\"a\",\"tier\":\"gold\"}\n\n{\"k\":\"b\"}\n"), ("a.csv", "tier,k\r\ngold,a\r\n,b\r\n"),
        ("a.csv", "\u{FEFF}\"k\",\"tier\"\n\"a\",\"gold\"\nb,"),
    ])
    func `finds the first entry of a key in each form of file`(name: String, text: String) throws {
        let (table, _) = try table(name, text)
        let found = table.find(WindowCase.rows("1:a:1 2:b:1 3:c:1 4:-:1"))
        #expect(found[0] == ["gold"] && found[1] == [nil] && found[2] == nil && found[3] == nil)
    }

    @Test(arguments: [
        ("a.jsonl", "{\"k\":\"a\",\"tier\":\"gold\"}\n{\"k\":\"b\",\"ti\n{\"k\":\"c\",\"tier\":\"new\"}\n"),
        ("a.json", "[{\"k\":\"a\",\"tier\":\"gold\"},{\"tier\":\"lost\"},{\"k\":\"c\",\"tier\":\"new\"}]"),
        ("a.csv", "k,tier\na,gold\nb,x,y\nc,new\n"),
    ])
    func `leaves damaged lines out, at the start and later, and counts them`(name: String, text: String) throws {
        let (table, url) = try table(name, text)
        let rows = WindowCase.rows("1:a:1 2:b:1 3:c:1")
        for _ in 0..<2 {
            #expect(table.find(rows) == [["gold"], nil, ["new"]])
            #expect(gauges.damagedLines.value == 1 && gauges.stale.value == 0)
            try (text + (name == "a.json" ? " " : "\n")).write(to: url, atomically: true, encoding: .utf8)
            table.refresh()
        }
        try (name == "a.csv" ? "k\na" : "{\"k\":\"a\"}").write(to: url, atomically: true, encoding: .utf8)
        table.refresh()
        #expect(table.find(rows) == [[nil], nil, nil] && gauges.damagedLines.value == 0)
    }

    @Test func `of lines that are being added waits for the end of the last one`() throws {
        let (table, url) = try table("a.jsonl", "{\"k\":\"a\",\"tier\":\"old\"}\n{\"k\":\"b\",\"ti")
        let rows = WindowCase.rows("1:a:1 2:b:1")
        #expect(table.find(rows) == [["old"], nil])
        try "{\"k\":\"a\",\"tier\":\"old\"}\n{\"k\":\"b\",\"tier\":\"new\"}".write(to: url, atomically: false, encoding: .utf8)
        table.refresh()
        #expect(table.find(rows) == [["old"], ["new"]])
    }

    @Test func `finds an empty key, and each of several columns`() throws {
        let (table, _) = try table(
            "a.jsonl", #"{"k":"","n":1,"tier":"none"}"# + "\n" + #"{"k":"a","n":2,"tier":"two"}"# + "\n", on: ["k", "n"])
        let schema = Schema([Field("k", .text, isNullable: true), Field("n", .int64)])
        let rows: [[Value]] = [
            [.text("a"), .int(2)], [.text(""), .int(1)], [.text("a"), .int(1)], [.null, .int(1)], [.text("a"), .int(2)],
            [.text(""), .int(2)],
        ]
        #expect(table.find(try Batch(schema: schema, rows: rows)) == [["two"], ["none"], nil, nil, ["two"], nil])
    }

    @Test func `is read again when its file changes, and keeps the old entries when the new file is bad`() throws {
        let (table, url) = try table("a.json", #"[{"n":1,"tier":"old"}]"#, on: ["n"])
        let rows = WindowCase.rows("1:a:1")
        #expect(table.find(rows)[0] == ["old"])
        try #"[{"n":1,"tier":"newer"}]"#.write(to: url, atomically: true, encoding: .utf8)
        table.refresh()
        #expect(table.find(rows)[0] == ["newer"])
        for isBad in [true, true, false, true] {
            try (isBad ? "nonsense \(UUID())" : #"[{"n":1,"tier":"newest"}]"#).write(to: url, atomically: true, encoding: .utf8)
            table.refresh()
            table.refresh()
            #expect(gauges.stale.value == (isBad ? 1 : 0))
        }
        #expect(table.find(rows)[0] == ["newest"])
        try FileManager.default.removeItem(at: url)
        for _ in 0..<2 {
            table.refresh()
            #expect(table.find(rows)[0] == ["newest"] && gauges.stale.value == 1)
        }
        try #"[{"n":1,"tier":"back"}]"#.write(to: url, atomically: true, encoding: .utf8)
        table.refresh()
        #expect(table.find(rows)[0] == ["back"] && gauges.stale.value == 0)
    }

    @Test(arguments: [
        ("x.json", "nonsense", ".json:1: cannot be read as a reference table: it is not a JSON object"),
        ("x.json", "<html>\n{\"k\":\"a\"}\n</html>\n", ".json:1: "),
        ("x.json", "{\"tier\":\"x\"}", ".json:1: cannot be read as a reference table: the entry has no 'k'"),
        ("x.json", "[{\"tier\":\"x\"}]", ".json: entry 1: "), ("x.json", "[{\"k\":\"a\"},1]", ".json: entry 2: "),
        ("x.json", "[{\"k\":\"a\"}\n,]]", "begins as a JSON array and is none: "),
        ("x.csv", "k,tier\na,\"b\nc\"\n\"a,b", ".csv:4: cannot be read as a reference table: a quoted cell does not end"),
        ("x.csv", "k,tier\nc,d,e", ".csv:2: cannot be read as a reference table: it has 3 cells under 2 headings"),
        ("x.csv", "tier\na", "has no 'k', by which rows are looked up"),
    ])
    func `refuses what it cannot use, and says where`(name: String, text: String, reason: String) throws {
        #expect {
            try table(name, text)
        } throws: { error in
            error is ReferenceError && "\(error)".contains(reason)
        }
    }
}

struct `State that is damaged` {
    @Test func `is refused, never read beyond its end`() throws {
        let definition = WindowDefinition(
            table: "w", kind: .session(gap: .seconds(5)), by: ["k"],
            aggregates: [
                Aggregate("a", .sum, column: "v"), Aggregate("b", .distinct, column: "v"), Aggregate("c", .quantile, column: "v"),
                Aggregate("d", .topK, column: "k", parameter: 2), Aggregate("e", .last, column: "k"),
                Aggregate("f", .max, column: "n"),
            ])
        var run = try WindowRun(definition, lateness: .zero)
        _ = run.observe(WindowCase.rows("1:a:1 2:b:2 3:a:3"))
        let good = run.windows.snapshot()
        var random = SplitMix64(seed: 4)
        var refused = 0
        for _ in 0..<500 {
            var bad = good
            if Bool.random(using: &random) { bad = bad.prefix(Int.random(in: 0..<bad.count, using: &random)) }
            for _ in 0..<3 where !bad.isEmpty {
                bad[Int.random(in: 0..<bad.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            var windows = try WindowedAggregation(definition, input: Rows.schema)
            do {
                try windows.restore(bad)
                _ = windows.close(upTo: .max)
            } catch { refused += 1 }
        }
        #expect(refused > 100)
    }
}
